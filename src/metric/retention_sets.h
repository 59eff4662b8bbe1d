// SPDX-License-Identifier: Apache-2.0
//
// The fast path of retention: where a cell asks only whether a person was active in a period, a
// person is a set of start periods and a set of return periods, and no event is looked at twice.
#pragma once

#include "metric/person_events.h"
#include "metric/retention_tally.h"

namespace hf {

/// True when the query counts users over single calendar periods, exactly, at least one event,
/// without breakdown, entry every_period or first_time, and its grid is small enough.
[[nodiscard]] bool can_count_period_sets(const RetentionPlan& plan);

struct PeriodSetCounts {
  RetentionTally tally;
  std::uint64_t events_scanned = 0;
  std::uint64_t persons_scanned = 0;
};

/// The same counts as RetentionEvaluator's. `bound` has the matcher of start first and that of
/// return second; only the first where both are the same. Requires can_count_period_sets(plan).
/// Errors: those of Part's readers.
[[nodiscard]] Result<PeriodSetCounts> count_period_sets(const BoundSelection& bound,
                                                        const RetentionPlan& plan,
                                                        unsigned threads);

}  // namespace hf
