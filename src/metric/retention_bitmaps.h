// SPDX-License-Identifier: Apache-2.0
//
// The fast path of retention: where a cell asks only whether persons did something in a period, a
// cohort and a period are sets of persons, and a cell is how many are in both.
#pragma once

#include <optional>

#include "metric/activity.h"
#include "metric/retention_tally.h"

namespace hf {

/// The slots of a query that counts users over single calendar periods, exactly, at least one
/// event, without breakdown, entry every_period or first_time; nothing for others, and where the
/// grid has more slots than bitmaps are made for.
[[nodiscard]] std::optional<TimeSlots> retention_slots(const RetentionPlan& plan);

struct RetentionCounts {
  RetentionTally tally;
  ActivityScan scan;
};
/// The same counts as RetentionEvaluator's. `activity` has what starts first and what returns
/// second; only one where both are the same. Errors: those of Part's readers.
[[nodiscard]] Result<RetentionCounts> count_retention(const RetentionPlan& plan,
                                                      const ActivityPlan& activity,
                                                      unsigned threads);

}  // namespace hf
