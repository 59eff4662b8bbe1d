// SPDX-License-Identifier: Apache-2.0
//
// The counting of retention: what one person adds to which cells.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "metric/grouped_walk.h"
#include "metric/period_grid.h"
#include "metric/person_events.h"
#include "metric/retention.h"

namespace hf {

/// The matchers of a retention query, as bits of its EventSelection.
namespace retention_bits {
inline constexpr std::uint64_t start = 1;
inline constexpr std::uint64_t returning = 2;
}  // namespace retention_bits

/// A query bound to its time: what each person is counted by. Immutable.
struct RetentionPlan {
  const RetentionQuery* query;
  PeriodGrid grid;
  std::vector<RetentionColumn> columns;  ///< With column 0.
  std::vector<std::int32_t> column_of;   ///< By k, 0 .. k_max().
  std::int64_t rolling_ms = 0;
  std::int64_t occurrences = 1;  ///< Return events that make a person counted.
  std::uint64_t named_bit = 0;   ///< first_ever: events with a name `start` names.

  [[nodiscard]] std::int32_t k_max() const { return columns.back().last; }
  [[nodiscard]] std::size_t cells() const {
    return static_cast<std::size_t>(grid.rows()) * columns.size();
  }
  /// The last k whose end a column waits for.
  [[nodiscard]] std::int32_t decisive_k(std::size_t column) const {
    return query->count_return == CountReturn::exactly ? columns[column].last
                                                       : columns[column].first;
  }
};

/// The counts of one group; cell (row, column) is at row * columns + column. Mergeable.
struct RetentionTally {
  std::vector<std::int64_t> counts;
  std::vector<std::int64_t> eligible;  ///< Rolling windows only.
  std::vector<std::int64_t> events;    ///< Aggregate count only.
  std::vector<DecimalSum> sums;        ///< Aggregates sum and avg only.

  explicit RetentionTally(const RetentionPlan& plan);
  void add(const RetentionTally& other);
};

/// Counts one person after the other.
class RetentionEvaluator {
 public:
  using Tally = RetentionTally;

  explicit RetentionEvaluator(const RetentionPlan& plan);
  [[nodiscard]] Tally empty_tally() const { return Tally(*plan_); }
  [[nodiscard]] BucketSize measure(const WalkedUnit& unit);
  void add(const WalkedUnit& unit, Tally& tally);

 private:
  // The person is in the cohort of `row`, entered by the start event at `start_ms`.
  struct Membership {
    std::int32_t row;
    TimestampMs start_ms;
  };
  struct Amount {
    std::int64_t events = 0;
    DecimalSum sum;
  };
  // What happened in one period.
  struct Activity {
    Amount starts;  // In range only.
    Amount returns;
  };

  void find_memberships(std::span<const PersonEvent> events);
  void collect_periods(const WalkedUnit& unit);
  void forget_periods();
  void count_calendar(const Membership& membership);
  void count_rolling(const Membership& membership, const WalkedUnit& unit);
  void settle(const Membership& membership, const std::optional<Decimal>& trait, Tally& tally);
  void credit(std::size_t cell, const Amount& amount, const std::optional<Decimal>& trait,
              Tally& tally) const;
  void hit(std::int32_t k, const Amount& amount);
  void add_event(Amount& amount, const WalkedUnit& unit, const PersonEvent& event) const;

  const RetentionPlan* plan_;
  bool adds_numbers_;
  SegmentCursor cursor_;
  std::vector<Membership> memberships_;
  std::vector<Activity> periods_;      // By period, size() + 1: the last is all later ones.
  std::vector<std::int32_t> touched_;  // Periods with activity, ascending.
  std::vector<Amount> columns_;        // By column; one more for returns after the last column.
  std::vector<std::size_t> hit_columns_;
};

}  // namespace hf
