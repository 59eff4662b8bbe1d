// SPDX-License-Identifier: Apache-2.0
//
// The counting of a trend: what one person adds to which cells.
#pragma once

#include <cstdint>
#include <limits>
#include <optional>
#include <vector>

#include "metric/block_room.h"
#include "metric/grouped_walk.h"
#include "metric/period_grid.h"
#include "metric/trend.h"

namespace hf {

/// A query bound to its time. Immutable but for the room, which outlives it.
struct TrendPlan {
  const TrendQuery* query;
  std::vector<PeriodGrid> grids;             ///< Of the range; to compare also of the earlier one.
  std::vector<std::size_t> value_of_series;  ///< Which value of the selection; is_of_numbers().
  BlockRoom* room;                           ///< Never null.
  bool keeps_numbers = true;                 ///< Percentiles are asked for, not just counts.

  [[nodiscard]] std::size_t rows() const { return static_cast<std::size_t>(grids.front().rows()); }
  /// Of all ranges.
  [[nodiscard]] std::size_t cells() const;
};

/// The counts of one group over one range; cell (series, period) is at series * rows + period, not
/// yet cumulated. Mergeable, and the same however persons are split.
struct RangeTally {
  struct Number {
    std::uint32_t cell;
    Decimal value;
  };
  /// By cell: persons of unique and the active ones, numbers of what is of numbers, else events.
  std::vector<std::int64_t> counts;
  std::vector<std::int64_t> count_totals;   ///< By series.
  std::vector<std::int64_t> persons;        ///< By cell; per_user only.
  std::vector<std::int64_t> person_totals;  ///< By series; per_user only.
  std::vector<DecimalSum> sums;             ///< By cell; sum and avg only.
  std::vector<Decimal> extremes;            ///< By cell; min and max only, where counts are not 0.
  std::vector<Number> numbers;              ///< Of percentiles, in no order.

  RangeTally(const TrendQuery& query, std::size_t rows);
  /// `query` is the one of both.
  void add(const TrendQuery& query, const RangeTally& other);
};

struct TrendTally {
  const TrendQuery* query;
  std::vector<RangeTally> ranges;  ///< As the plan's grids.

  void add(const TrendTally& other) {
    for (std::size_t i = 0; i < ranges.size(); ++i) ranges[i].add(*query, other.ranges[i]);
  }
};

/// Counts one person after the other over one range.
class RangeCounter {
 public:
  RangeCounter(const TrendPlan& plan, const PeriodGrid& grid);

  [[nodiscard]] RangeTally empty_tally() const { return {*plan_->query, rows_}; }
  /// The events it has in range, of unique and the active ones 1 a series.
  [[nodiscard]] std::int64_t size(const WalkedUnit& unit);
  void add(const WalkedUnit& unit, RangeTally& tally);

 private:
  static constexpr std::int32_t nowhere = std::numeric_limits<std::int32_t>::max();

  void add_event(const WalkedUnit& unit, const PersonEvent& event, std::int32_t period,
                 RangeTally& tally);
  void add_number(std::size_t series, std::size_t cell, Decimal number, RangeTally& tally);
  void see(std::size_t series, std::size_t cell, std::int32_t period);
  void settle_seen(RangeTally& tally);
  void settle_active(std::size_t series, RangeTally& tally);
  [[nodiscard]] bool is_in_window(Day day, Day days) const;

  const TrendPlan* plan_;
  std::size_t rows_;
  SegmentCursor cursor_;
  std::uint64_t active_bits_ = 0;  // Series of weekly and monthly active persons,
  std::uint64_t unique_bits_ = 0;  // and of unique ones.
  std::vector<Day> ends_;          // The last day of each row, ascending; where any is of days.
  std::size_t room_left_ = 0;      // Numbers of the block last taken.
  // Of the present person.
  std::vector<std::uint8_t> was_seen_;         // By cell.
  std::vector<std::size_t> seen_;              // Its cells.
  std::vector<std::int32_t> first_period_;     // By series.
  std::vector<std::vector<Day>> active_days_;  // By series.
};

/// Counts it over all ranges of the plan.
class TrendEvaluator {
 public:
  using Tally = TrendTally;

  explicit TrendEvaluator(const TrendPlan& plan);
  [[nodiscard]] Tally empty_tally() const;
  /// What is only in the earlier range is shown too, and has no size.
  [[nodiscard]] BucketSize measure(const WalkedUnit& unit);
  void add(const WalkedUnit& unit, Tally& tally);

 private:
  const TrendPlan* plan_;
  std::vector<RangeCounter> counters_;
};

/// The values of one group; sorts the numbers of the tally.
[[nodiscard]] TrendTable table_of(const TrendPlan& plan, TrendTally& tally, BucketPath bucket);

}  // namespace hf
