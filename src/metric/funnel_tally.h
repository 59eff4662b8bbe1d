// SPDX-License-Identifier: Apache-2.0
//
// Walking persons for a funnel: what one person adds to each view of it.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <vector>

#include "metric/block_room.h"
#include "metric/bucket.h"
#include "metric/funnel.h"
#include "metric/funnel_search.h"
#include "metric/grouped_walk.h"
#include "metric/period_grid.h"
#include "metric/time_range.h"

namespace hf {

/// What a walk needs. Of the selection, bit k is step k + 1; then come the exclusions, then, with
/// order strict, any event. Events not in `range` are of no account.
struct FunnelPlan {
  const FunnelQuery* query;
  FunnelRules rules;
  std::vector<Interval> range;
  std::optional<PeriodGrid> grid;  ///< trend
  BlockRoom* room = nullptr;       ///< For durations; null where none are kept for long.
};

/// Mergeable: integers, and one value a person where quantiles are asked for.
struct FunnelTally {
  std::vector<std::int64_t> counts;  ///< steps: persons by step; trend: entered, completed by row.
  /// Milliseconds, one value a person: by step from the previous one (of the first: none); of
  /// time_to_convert the first list alone.
  std::vector<std::vector<std::int64_t>> durations_ms;

  void add(const FunnelTally& other);
};

class FunnelEvaluator {
 public:
  using Tally = FunnelTally;

  /// `plan` must outlive it.
  explicit FunnelEvaluator(const FunnelPlan& plan);

  [[nodiscard]] Tally empty_tally() const;
  /// Persons at step 1; of trend each as often as it entered; of time_to_convert those who did.
  [[nodiscard]] BucketSize measure(const WalkedUnit& unit);
  void add(const WalkedUnit& unit, Tally& tally);
  /// Why what was taken so far cannot be counted: resource_exhausted/too_many_cells, those of
  /// WorkGuard.
  [[nodiscard]] const Result<void>& outcome() const { return outcome_; }
  /// What a person adds who came so far; not of trend.
  void add_outcome(const FunnelOutcome& outcome, Tally& tally);

 private:
  // A period in which attempts of the person at hand may begin.
  struct Entered {
    std::int32_t period;
    TimestampMs first_ms;
    TimestampMs end_ms;  // No attempt that begins in it goes on after this.
  };

  void take(const WalkedUnit& unit);
  FunnelOutcome searched(const WalkedUnit& unit);
  void keep(std::int64_t duration_ms, std::vector<std::int64_t>& durations_ms);
  void append(FunnelEvent taken, const WalkedUnit& unit, const PersonEvent& event,
              std::int32_t period);
  bool may_begin(const FunnelEvent& event) const;
  [[nodiscard]] std::optional<std::int64_t> time_to_convert(const FunnelOutcome& outcome) const;
  template <class Use>
  void for_each_period(Use&& use);

  const FunnelPlan* plan_;
  FunnelSearch search_;
  std::optional<SegmentCursor> cursor_;
  std::vector<FunnelEvent> events_;      // Of the person at hand, in range.
  std::vector<std::int32_t> period_of_;  // By event; trend.
  std::vector<Entered> entered_;
  std::map<std::vector<BucketId>, std::uint32_t> held_;  // Values held constant, of this person.
  std::size_t room_left_ = 0;                            // Durations of the block last taken.
  Result<void> outcome_;
};

/// The mean duration of one person's attempts from step `from` to `to` (from 1), in whole
/// milliseconds, halves up. Requires that it came as far.
[[nodiscard]] std::int64_t mean_ms(const FunnelOutcome& outcome, std::size_t from, std::size_t to);

}  // namespace hf
