// SPDX-License-Identifier: Apache-2.0
//
// The fast path of lifecycle: a period is a set of persons, and who is new, stays, comes back or
// goes is what two neighbouring ones and all before have in common.
#pragma once

#include <optional>

#include "metric/activity.h"
#include "metric/lifecycle.h"

namespace hf {

/// The slots of a query without breakdown; nothing where there are more than bitmaps are made for.
[[nodiscard]] std::optional<TimeSlots> lifecycle_slots(const LifecyclePlan& plan);

struct LifecycleCounts {
  LifecycleTally tally;
  ActivityScan scan;
};
/// The same counts as LifecycleEvaluator's. `activity` has what makes active first and, where it is
/// something else, what says who was there before second. Errors: those of Part's readers.
[[nodiscard]] Result<LifecycleCounts> count_lifecycle(const LifecyclePlan& plan,
                                                      const ActivityPlan& activity,
                                                      unsigned threads);

}  // namespace hf
