// SPDX-License-Identifier: Apache-2.0
//
// The dimensions of a breakdown, bound to a snapshot: in which buckets each event of a person is.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <span>
#include <utility>
#include <vector>

#include "metric/bucket.h"
#include "metric/common_fields.h"
#include "metric/event_source.h"
#include "metric/person_events.h"
#include "metric/step_split.h"
#include "predicate/people.h"

namespace hf {

/// The buckets of persons by something that each has once.
class PersonKeys {
 public:
  /// Errors: those of WorkGuard, which holds its bytes as long as it lives.
  [[nodiscard]] static Result<std::shared_ptr<PersonKeys>> make(PersonOrdinal person_end,
                                                                WorkGuard& guard) {
    std::shared_ptr<PersonKeys> keys(new PersonKeys(guard));
    HF_CHECK(keys->held_.grow_to(std::size_t{person_end} * sizeof(std::uint32_t)));
    keys->set_of_.resize(person_end);
    return keys;
  }
  [[nodiscard]] const BucketSet& of(PersonOrdinal person) const { return sets_[set_of_[person]]; }
  /// Number of a set for set(); 0 is the missing value's.
  [[nodiscard]] std::uint32_t add(BucketSet set) {
    sets_.push_back(std::move(set));
    return static_cast<std::uint32_t>(sets_.size() - 1);
  }
  void set(PersonOrdinal person, std::uint32_t number) { set_of_[person] = number; }

 private:
  explicit PersonKeys(WorkGuard& guard) : held_(guard), sets_{{BucketTable::missing}} {}

  HeldBytes held_;
  std::vector<std::uint32_t> set_of_;
  std::vector<BucketSet> sets_;
};

/// One dimension.
struct GroupBy {
  enum class How : std::uint8_t {
    each_event,   ///< A group has the events that carry its value.
    first_event,  ///< All events are in the buckets of the first one of `bits`, as the next two.
    first_touch,  ///< Of the first one of `bits` with a value,
    last_touch,   ///< and of the last.
    step,         ///< Of those that serve a step of a funnel (StepSplit).
    person,       ///< All are in the person's.
  };
  How how = How::each_event;
  std::size_t key = 0;  ///< Of the selection; unless by person.
  std::uint64_t bits = 0;
  std::size_t step = 0;  ///< How::step; from 1.
  std::shared_ptr<const PersonKeys> persons = {};
  std::shared_ptr<BucketTable> table = {};
  std::size_t top = 0;
};

/// Which events of a selection a breakdown by property looks at.
struct GroupRules {
  std::uint64_t event_bits = 0;  ///< Those that are counted.
  /// Others that matter to what is counted: a group has those that carry its value.
  std::uint64_t beside_bits = 0;
  /// Where set, a property without an attribution is that of the first event of these.
  std::uint64_t first_event_bits = 0;
};

/// Adds to the selection what the dimensions read of events. Errors: those of Part's readers, of
/// BucketTable and WorkGuard.
[[nodiscard]] Result<std::vector<GroupBy>> bind_breakdown(const Snapshot& snapshot,
                                                          const PeopleScope& scope,
                                                          std::span<const Dimension> breakdown,
                                                          const GroupRules& rules,
                                                          EventSelection& selection);

using GroupIds = std::array<BucketId, dimensions_max>;

/// Lists multiply: one event (or person) may be in so many combinations of buckets.
inline constexpr std::size_t combinations_max = 100'000;
/// All events of one unit, beyond one each.
inline constexpr std::size_t unit_combinations_max = 1'000'000;
/// not_found/unknown_cell: the answer has no such group.
[[nodiscard]] std::unexpected<Error> unknown_bucket();
/// resource_exhausted/too_many_cells
[[nodiscard]] std::unexpected<Error> too_many_combinations();

/// Sorts one unit's events into groups. For one thread.
class GroupSplit {
 public:
  /// Calls use(const GroupIds&, const PersonEvents&) for each combination of buckets of the
  /// dimensions, events in order; ids beyond the dimensions are 0. `use` gives a Result<void>.
  /// Errors: its own, those of WorkGuard; resource_exhausted/too_many_cells.
  template <class Use>
  [[nodiscard]] Result<void> for_each(std::span<const GroupBy> dimensions, UnitId unit,
                                      const PersonEvents& events, WorkGuard& guard, Use&& use) {
    step_keys_.clear();
    for (const GroupBy& by : dimensions) {
      if (by.how == GroupBy::How::step) step_keys_.push_back({by.key, by.step});
    }
    if (step_keys_.empty()) return for_each_by_event(dimensions, unit, events, guard, use);
    const auto split_steps = [&](const GroupIds& ids, const PersonEvents& inside) -> Result<void> {
      const auto use_steps = [&](std::span<const BucketId> values,
                                 const PersonEvents& served) -> Result<void> {
        GroupIds all = ids;
        for (std::size_t d = 0, i = 0; d < dimensions.size(); ++d) {
          if (dimensions[d].how == GroupBy::How::step) all[d] = values[i++];
        }
        return use(all, served);
      };
      return steps_.for_each(step_keys_, inside, guard, use_steps);
    };
    return for_each_by_event(dimensions, unit, events, guard, split_steps);
  }

 private:
  template <class Use>
  Result<void> for_each_by_event(std::span<const GroupBy> dimensions, UnitId unit,
                                 const PersonEvents& events, WorkGuard& guard, Use&& use) {
    HF_TRY(const bool is_settled, settle(dimensions, unit, events));
    if (is_settled) {
      // All events are in the same buckets.
      for (const GroupIds& ids : products_) HF_CHECK(use(ids, events));
      return {};
    }
    HF_CHECK(sort(dimensions, events, guard));
    for (std::size_t i = 0; i < order_.size();) {
      const GroupIds ids = order_[i].first;
      inside_.clear();
      for (; i < order_.size() && order_[i].first == ids; ++i) {
        inside_.push_back(events.events[order_[i].second]);
      }
      HF_CHECK(use(ids, events.with(inside_)));
    }
    return {};
  }

  Result<bool> settle(std::span<const GroupBy> dimensions, UnitId unit, const PersonEvents& events);
  Result<void> sort(std::span<const GroupBy> dimensions, const PersonEvents& events,
                    WorkGuard& guard);
  Result<void> multiply(std::size_t dimensions);

  std::array<const BucketSet*, dimensions_max> sets_ = {};  // Null: it differs by event.
  std::vector<GroupIds> products_;
  std::vector<std::pair<GroupIds, std::uint32_t>> order_;
  std::vector<PersonEvent> inside_;
  std::vector<StepKey> step_keys_;
  StepSplit steps_;
};

}  // namespace hf
