// SPDX-License-Identifier: Apache-2.0
//
// Trend: how often something happened per period, or how many persons did it.
// The definitions with worked examples: docs/metrics.md#trend.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/json.h"
#include "metric/bucket.h"
#include "metric/common_fields.h"
#include "metric/members.h"
#include "metric/period_grid.h"
#include "metric/query_context.h"
#include "predicate/matcher.h"
#include "store/snapshot.h"

namespace hf {

enum class TrendMath : std::uint8_t {
  total,   ///< Events.
  unique,  ///< Distinct persons.
};

struct TrendQuery {
  static constexpr std::size_t series_max = 26;
  static constexpr std::int64_t cells_max = 2'000'000;

  struct Series {
    Matcher matcher;
    TrendMath math = TrendMath::total;
  };
  CommonFields common;
  std::vector<Series> series;  ///< 1 .. series_max
  Period period;
  bool cumulative = false;  ///< Each value counts the range up to the period's end.
};

struct TrendSeries {
  std::vector<std::int64_t> values;  ///< By period.
  std::int64_t total = 0;            ///< Of the whole range: distinct persons are not summed.
};

struct TrendTable {
  BucketPath bucket;                ///< Of a group; meaningless of the total.
  std::vector<TrendSeries> series;  ///< As in the query.
};

struct TrendAnswer {
  std::vector<std::string> labels;   ///< Of the series.
  std::vector<std::string> periods;  ///< Their starts.
  std::vector<bool> complete;
  bool has_groups = false;
  std::vector<TrendTable> groups;
  TrendTable total;
  std::vector<Warning> warnings;
  std::vector<ReadStep> plan;
  std::uint64_t events_scanned = 0;
  std::uint64_t persons_scanned = 0;
};

/// Errors, all invalid_argument with pointer: those of parse_common, parse_matcher, parse_period,
/// missing_field, out_of_range, unknown_value, unsupported_math.
[[nodiscard]] Result<TrendQuery> parse_trend(const Json& json, const QueryContext& context);

/// Errors: invalid_argument/invalid_range; resource_exhausted/too_many_cells, too_many_buckets;
/// those of Part's readers.
[[nodiscard]] Result<TrendAnswer> run_trend(const Snapshot& snapshot, const QueryContext& context,
                                            const TrendQuery& query);

/// Who is behind the cell {"series": its number from 0, "period"?}; without a period, the series'
/// total. Requires query.common.members. Errors: those of run_trend() and of cell_label().
[[nodiscard]] Result<Members> trend_members(const Snapshot& snapshot, const QueryContext& context,
                                            const TrendQuery& query);

/// Writes the DATA of the answer.
void write_json(JsonWriter& out, const TrendAnswer& answer);

}  // namespace hf
