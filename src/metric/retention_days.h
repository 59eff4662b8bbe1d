// SPDX-License-Identifier: Apache-2.0
//
// The fastest path of retention: where a cell asks only on which days persons were active at all,
// no event is read. A cohort and a period are sets of persons, a cell is how many are in both.
#pragma once

#include "metric/retention_tally.h"
#include "store/day_index.h"

namespace hf {

/// True when the query counts users active with any event over calendar periods made of whole local
/// days, without breakdown, entry every_period or first_time.
[[nodiscard]] bool can_count_days(const RetentionPlan& plan);

struct DayCounts {
  RetentionTally tally;
  std::uint64_t persons = 0;  ///< That were active at all.
};
/// The same counts as RetentionEvaluator's. `index` has the days of the query's zone up to its
/// as_of. Requires can_count_days(plan).
[[nodiscard]] DayCounts count_days(const DayIndex& index, const RetentionPlan& plan,
                                   unsigned threads);

}  // namespace hf
