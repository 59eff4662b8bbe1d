// SPDX-License-Identifier: Apache-2.0
//
// Stickiness: in how many periods persons are active, or how many are active on a day, in the week
// and in the month that end with it. The definitions with worked examples:
// docs/metrics.md#stickiness.
#pragma once

#include <cstdint>
#include <limits>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "base/decimal.h"
#include "base/json.h"
#include "metric/bucket.h"
#include "metric/common_fields.h"
#include "metric/grouped_walk.h"
#include "metric/members.h"
#include "metric/period_grid.h"
#include "metric/query_context.h"
#include "predicate/matcher.h"
#include "store/snapshot.h"

namespace hf {

struct StickinessQuery {
  static constexpr std::int64_t cells_max = 2'000'000;
  static constexpr std::int64_t count_max = 1'000'000'000;

  /// How many matching events make a period an active one; none never do.
  struct PerInterval {
    std::int64_t min = 1;
    std::int64_t max = std::numeric_limits<std::int64_t>::max();

    [[nodiscard]] bool holds(std::int64_t events) const { return min <= events && events <= max; }
    /// One event is enough and no number is too many.
    [[nodiscard]] bool is_any() const {
      return min == 1 && max == std::numeric_limits<std::int64_t>::max();
    }
  };

  CommonFields common;
  Matcher match;
  Period period;
  PerInterval per_interval;
  bool cumulative = false;  ///< Of the histogram: in so many periods or more.
  bool over_time = false;   ///< By local day instead of the histogram.
};

/// Persons of one local day, and of the days that end with it.
struct StickinessDay {
  std::int64_t dau = 0;
  std::int64_t wau = 0;       ///< Active on one of 7 days; also of L7.
  std::int64_t mau = 0;       ///< Active on one of 30 days.
  std::int64_t l7_days = 0;   ///< Days on which they were active, of the 7, added up over persons.
  std::int64_t l28_days = 0;  ///< The same of 28 days,
  std::int64_t l28 = 0;       ///< and the persons active on one of them.
};

struct StickinessTable {
  BucketPath bucket;                    ///< Of a group; meaningless of the total.
  std::vector<std::int64_t> histogram;  ///< [k - 1]: persons active in k periods.
  std::vector<StickinessDay> days;      ///< over_time
};

struct StickinessAnswer {
  bool over_time = false;
  std::vector<std::string> periods;  ///< over_time: the days,
  std::vector<bool> complete;        ///< and whether they are over.
  bool has_groups = false;
  std::vector<StickinessTable> groups;
  StickinessTable total;
  std::vector<Warning> warnings;
  std::vector<ReadStep> plan;
  std::uint64_t events_scanned = 0;
  std::uint64_t persons_scanned = 0;
};

/// Errors, all invalid_argument with pointer: those of parse_common, parse_match, parse_period,
/// wrong_type, missing_field, out_of_range, unsupported_combination.
[[nodiscard]] Result<StickinessQuery> parse_stickiness(const Json& json,
                                                       const QueryContext& context);

/// Errors: invalid_argument/invalid_range; resource_exhausted/too_many_cells, too_many_buckets;
/// those of Part's readers.
[[nodiscard]] Result<StickinessAnswer> run_stickiness(const Snapshot& snapshot,
                                                      const QueryContext& context,
                                                      const StickinessQuery& query);

/// Who is behind the cell {"active_periods"}, over time {"period", "kind": "dau", "wau" or "mau"}.
/// Requires query.common.members. Errors: those of run_stickiness() and of cell_label().
[[nodiscard]] Result<Members> stickiness_members(const Snapshot& snapshot,
                                                 const QueryContext& context,
                                                 const StickinessQuery& query);

/// Writes the DATA of the answer.
void write_json(JsonWriter& out, const StickinessAnswer& answer);

/// A query bound to its periods. Immutable.
struct StickinessPlan {
  static constexpr std::int32_t wau_days = 7;  ///< Also of L7.
  static constexpr std::int32_t l28_days = 28;
  static constexpr std::int32_t mau_days = 30;

  const StickinessQuery* query;
  PeriodGrid grid;  ///< over_time: of whole days.
  /// Rows of the grid before the answer's first: mau_days - 1 over time, else 0.
  std::int32_t look_back;

  /// Of the answer.
  [[nodiscard]] std::size_t rows() const {
    return grid.rows() == 0 ? 0 : static_cast<std::size_t>(grid.rows() - look_back);
  }
};

/// Counts of persons, made as the query asks; what it does not ask for is empty. Tallies of
/// disjoint persons add up.
struct StickinessTally {
  /// [k]: active in exactly k rows, k = 0 .. rows; [0] is not used.
  std::vector<std::int64_t> histogram;
  std::vector<std::int64_t> dau;  ///< By row of the grid.
  std::vector<std::int64_t> wau;  ///< By row of the answer, as the next two.
  std::vector<std::int64_t> l28;
  std::vector<std::int64_t> mau;

  StickinessTally() = default;
  explicit StickinessTally(const StickinessPlan& plan);
  void add(const StickinessTally& other);
};

/// Counts one person after the other, for walk_grouped().
class StickinessEvaluator {
 public:
  using Tally = StickinessTally;

  explicit StickinessEvaluator(const StickinessPlan& plan);
  [[nodiscard]] Tally empty_tally() const { return Tally(*plan_); }
  [[nodiscard]] BucketSize measure(const WalkedUnit& unit);
  void add(const WalkedUnit& unit, Tally& tally);

 private:
  void find_active(std::span<const PersonEvent> events);
  void add_window(std::int32_t days, std::vector<std::int64_t>& counts) const;

  const StickinessPlan* plan_;
  SegmentCursor cursor_;
  std::vector<std::int64_t> events_in_;  // By row of the grid; 0 between persons.
  std::vector<std::int32_t> active_;     // The present person's active rows, ascending.
};

}  // namespace hf
