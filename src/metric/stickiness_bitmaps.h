// SPDX-License-Identifier: Apache-2.0
//
// The fast path of stickiness. Over time: the persons of the last n days are the union of n sets,
// found with two unions a day whatever n is. The histogram: counters that lie bit by bit, one
// bitmap a binary digit, to which each period is added like a number.
#pragma once

#include <optional>

#include "metric/activity.h"
#include "metric/stickiness.h"

namespace hf {

/// The slots of a query without breakdown for which one event makes an interval active; nothing for
/// others, and where there are more than bitmaps are made for.
[[nodiscard]] std::optional<TimeSlots> stickiness_slots(const StickinessPlan& plan);

struct StickinessCounts {
  StickinessTally tally;
  ActivityScan scan;
};
/// The same counts as StickinessEvaluator's. Errors: those of Part's readers.
[[nodiscard]] Result<StickinessCounts> count_stickiness(const StickinessPlan& plan,
                                                        const ActivityPlan& activity,
                                                        unsigned threads);

}  // namespace hf
