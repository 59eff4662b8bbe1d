// SPDX-License-Identifier: Apache-2.0
//
// The fast path of a trend of events and persons: events are counted without asking who did them,
// persons as bitmaps.
#pragma once

#include <optional>

#include "metric/activity.h"
#include "metric/trend_tally.h"

namespace hf {

struct TrendCounts {
  TrendTally tally;
  ActivityScan scan;
  std::vector<ReadStep> steps;
};
/// The same counts as TrendEvaluator's. Nothing for a query with a breakdown or another unit, of
/// other maths than total, unique and per_user, or of more slots than there are bitmaps for.
/// Errors: those of Part's readers and of WorkGuard::check().
[[nodiscard]] Result<std::optional<TrendCounts>> count_trend(const TrendPlan& plan,
                                                             const Snapshot& snapshot,
                                                             const ActivityPlan::Scope& scope);

}  // namespace hf
