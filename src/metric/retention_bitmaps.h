// SPDX-License-Identifier: Apache-2.0
//
// The fast path of retention: where a cell asks only whether persons did something in a period, a
// cohort and a period are sets of persons, and a cell is how many are in both.
#pragma once

#include <optional>

#include "metric/activity.h"
#include "metric/grouped_walk.h"
#include "metric/person_buckets.h"
#include "metric/retention_tally.h"

namespace hf {

/// The slots of a query that counts users over single calendar periods, exactly, at least one
/// event, entry every_period or first_time; nothing for others, and where the grid has more slots
/// than bitmaps are made for. A breakdown is another matter (PersonBuckets).
[[nodiscard]] std::optional<TimeSlots> retention_slots(const RetentionPlan& plan);

/// A breakdown that makes disjoint sets of persons.
struct RetentionGroup {
  const GroupBy* by;
  const PersonBuckets* buckets;
};

/// The same counts as RetentionEvaluator's. `activity` has what starts first and what returns
/// second; only one where both are the same. With a group those of each bucket too, as answers show
/// them; nothing where they would take too much memory. Errors: those of Part's readers and of
/// WorkGuard.
[[nodiscard]] Result<std::optional<GroupedTallies<RetentionTally>>> count_retention(
    const RetentionPlan& plan, const ActivityPlan& activity, unsigned threads,
    const std::optional<RetentionGroup>& group);

}  // namespace hf
