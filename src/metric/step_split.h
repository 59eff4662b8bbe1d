// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <utility>
#include <vector>

#include "base/work_guard.h"
#include "metric/bucket.h"
#include "metric/person_events.h"

namespace hf {

/// A property whose value at a step of a funnel says in which bucket a person is.
struct StepKey {
  std::size_t key;   ///< Of the selection.
  std::size_t step;  ///< From 1; bit step - 1 of what an event matches.
};

/// Sorts one unit's events by what those say that can serve a step. A bucket has all events, but of
/// those that match the step only such with its value serve it, and the unit is in it if it comes
/// so far then. A unit that never comes to the step is in the bucket of the missing value, with
/// what it does come to. For one thread.
class StepSplit {
 public:
  static constexpr std::size_t keys_max = 3;

  /// Calls use(ids, PersonEvents) for each combination of buckets, one id a key. The missing
  /// value's may come twice, then of different depths. `use` gives a Result<void>. Time grows with
  /// the events, and for each bucket with those that serve something else than the step.
  /// Errors: those of WorkGuard, and of `use`.
  template <class Use>
  [[nodiscard]] Result<void> for_each(std::span<const StepKey> keys, const PersonEvents& events,
                                      WorkGuard& guard, Use&& use) {
    return visit(0, keys, events, guard, use);
  }

 private:
  template <class Use>
  Result<void> visit(std::size_t at, std::span<const StepKey> keys, const PersonEvents& events,
                     WorkGuard& guard, Use&& use) {
    if (at == keys.size()) return use(std::span<const BucketId>(ids_).first(at), events);
    const StepKey& key = keys[at];
    Level& level = levels_[at];
    sort(key, events, level);
    for (auto own = level.served.begin(); own != level.served.end();) {
      const BucketId value = own->first;
      ids_[at] = value;
      const auto end =
          std::find_if(own, level.served.end(), [&](const auto& s) { return s.first != value; });
      HF_CHECK(count_copies(static_cast<std::size_t>(end - own) + level.others.size(), guard));
      serve(key, std::span(own, end), events, level);
      own = end;
      PersonEvents served = events.with(level.events);
      served.depths.at_least = std::max(events.depths.at_least, key.step);
      HF_CHECK(visit(at + 1, keys, served, guard, use));
    }
    PersonEvents never = events;
    never.depths.below = std::min(events.depths.below, key.step);
    if (never.depths.are_none()) return {};
    ids_[at] = BucketTable::missing;
    return visit(at + 1, keys, never, guard, use);
  }
  // By value, then event.
  using Served = std::pair<BucketId, std::uint32_t>;
  struct Level {
    std::vector<Served> served;         // Events that can serve the step, once for each value.
    std::vector<std::uint32_t> others;  // Those that are in every bucket.
    std::vector<PersonEvent> events;    // Of the bucket at hand.
  };
  static void sort(const StepKey& key, const PersonEvents& events, Level& level);
  static void serve(const StepKey& key, std::span<const Served> own, const PersonEvents& events,
                    Level& level);
  Result<void> count_copies(std::size_t events, WorkGuard& guard) {
    constexpr std::size_t copies_between_checks = 16'384;
    copies_ += events;
    if (copies_ < copies_between_checks) return {};
    copies_ = 0;
    return guard.check();
  }

  std::array<Level, keys_max> levels_;
  std::array<BucketId, keys_max> ids_ = {};
  std::size_t copies_ = 0;  // Since the guard was last asked.
};

}  // namespace hf
