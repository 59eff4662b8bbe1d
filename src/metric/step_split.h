// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <span>
#include <utility>
#include <vector>

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
  /// value's may come twice, then of different depths. `use` gives a Result<void>.
  template <class Use>
  [[nodiscard]] Result<void> for_each(std::span<const StepKey> keys, const PersonEvents& events,
                                      Use&& use) {
    return visit(0, keys, events, use);
  }

 private:
  template <class Use>
  Result<void> visit(std::size_t at, std::span<const StepKey> keys, const PersonEvents& events,
                     Use&& use) {
    if (at == keys.size()) return use(std::span<const BucketId>(ids_).first(at), events);
    const StepKey& key = keys[at];
    Level& level = levels_[at];
    list_values(key, events, level.values);
    for (const BucketId value : level.values) {
      ids_[at] = value;
      serve(key, value, events, level.events);
      PersonEvents served = events.with(level.events);
      served.depths.at_least = std::max(events.depths.at_least, key.step);
      HF_CHECK(visit(at + 1, keys, served, use));
    }
    PersonEvents never = events;
    never.depths.below = std::min(events.depths.below, key.step);
    if (never.depths.are_none()) return {};
    ids_[at] = BucketTable::missing;
    return visit(at + 1, keys, never, use);
  }
  static void list_values(const StepKey& key, const PersonEvents& events,
                          std::vector<BucketId>& values);
  static void serve(const StepKey& key, BucketId value, const PersonEvents& events,
                    std::vector<PersonEvent>& served);

  struct Level {
    std::vector<BucketId> values;     // At its step, ascending.
    std::vector<PersonEvent> events;  // Of the bucket at hand.
  };
  std::array<Level, keys_max> levels_;
  std::array<BucketId, keys_max> ids_ = {};
};

}  // namespace hf
