// SPDX-License-Identifier: Apache-2.0
//
// Trend: how often something happened per period, how many persons did it, and what the numbers
// that came with it are together.
// The definitions with worked examples: docs/metrics.md#trend.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "base/decimal.h"
#include "base/json.h"
#include "metric/bucket.h"
#include "metric/common_fields.h"
#include "metric/formula.h"
#include "metric/members.h"
#include "metric/period_grid.h"
#include "metric/query_context.h"
#include "predicate/matcher.h"
#include "store/snapshot.h"

namespace hf {

enum class TrendMath : std::uint8_t {
  total,           ///< Events.
  unique,          ///< Distinct persons.
  weekly_active,   ///< Distinct persons of the 7 local days that end with the period,
  monthly_active,  ///< and of the 30.
  sum,             ///< Of the events' numbers, as the next ones are.
  avg,
  min,
  max,
  median,
  p90,
  p95,
  p99,
  per_user,  ///< Events / distinct persons.
};

/// True where the math is of the numbers of a property.
[[nodiscard]] constexpr bool is_of_numbers(TrendMath math) {
  return math >= TrendMath::sum && math <= TrendMath::p99;
}
/// How many local days a person is active for; 0 where it is not so counted.
[[nodiscard]] constexpr Day active_days(TrendMath math) {
  return math == TrendMath::weekly_active ? 7 : math == TrendMath::monthly_active ? 30 : 0;
}
/// 50 of the median; 0 where the math is no percentile.
[[nodiscard]] constexpr int percent_of(TrendMath math) {
  switch (math) {
    case TrendMath::median: return 50;
    case TrendMath::p90: return 90;
    case TrendMath::p95: return 95;
    case TrendMath::p99: return 99;
    default: return 0;
  }
}

struct TrendQuery {
  static constexpr std::size_t series_max = 26;
  static constexpr std::int64_t cells_max = 2'000'000;

  struct Series {
    Matcher matcher;
    TrendMath math = TrendMath::total;
    std::string property = {};  ///< is_of_numbers()
  };
  CommonFields common;
  std::vector<Series> series;  ///< 1 .. series_max
  Period period;
  bool cumulative = false;          ///< Each value is of the range up to the period's end.
  std::optional<Duration> compare;  ///< How much earlier the range is that stands beside it.
  std::optional<Formula> formula;   ///< One more series, behind the others.
};

/// Nothing, a count, an exact decimal, or a quotient.
using TrendValue = std::variant<std::monostate, std::int64_t, DecimalSum, double>;

/// Nothing where the value is nothing.
[[nodiscard]] std::optional<double> to_number(const TrendValue& value);
/// As JSON writes it; empty where the value is nothing.
[[nodiscard]] std::string to_string(const TrendValue& value);

struct TrendSeries {
  std::vector<TrendValue> values;  ///< By period.
  TrendValue total;                ///< Of the whole range: distinct persons are not summed.
  // Of the earlier range, only where the query compares: by the number of the period.
  std::vector<TrendValue> previous = {};  ///< As many as `values`; nothing beyond its last period.
  TrendValue previous_total = {};
};

struct TrendTable {
  BucketPath bucket;                ///< Of a group; meaningless of the total.
  std::vector<TrendSeries> series;  ///< As in the query, then the formula.
};

struct TrendAnswer {
  std::vector<std::string> labels;   ///< Of the series; of the formula its text.
  std::vector<std::string> periods;  ///< Their starts.
  std::vector<bool> complete;
  bool has_formula = false;   ///< The last series is one.
  bool has_previous = false;  ///< The query compares.
  bool has_groups = false;
  std::vector<TrendTable> groups;
  TrendTable total;
  std::vector<Warning> warnings;
  std::vector<ReadStep> plan;
  std::uint64_t events_scanned = 0;
  std::uint64_t persons_scanned = 0;
};

/// Errors, all invalid_argument with pointer: those of parse_common, parse_matcher, parse_period,
/// Formula::parse, missing_field, out_of_range, unknown_value, unsupported_combination,
/// invalid_duration.
[[nodiscard]] Result<TrendQuery> parse_trend(const Json& json, const QueryContext& context);

/// Errors: invalid_argument/invalid_range; resource_exhausted/too_many_cells, too_many_buckets;
/// those of Part's readers and of WorkGuard.
[[nodiscard]] Result<TrendAnswer> run_trend(const Snapshot& snapshot, const QueryContext& context,
                                            const TrendQuery& query);

/// Who is behind the cell {"series": its number from 0, "period"?}; without a period, the series'
/// total. Of numbers those are behind it who have one there. Requires query.common.members.
/// Errors: those of run_trend() and of cell_label().
[[nodiscard]] Result<Members> trend_members(const Snapshot& snapshot, const QueryContext& context,
                                            const TrendQuery& query);

/// Writes the DATA of the answer.
void write_json(JsonWriter& out, const TrendAnswer& answer);

}  // namespace hf
