// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "metric/query_fields.h"
#include "metric/trend.h"

namespace hf {
namespace {

Result<TrendQuery::Series> parse_series(const Json& json, const std::string& pointer) {
  constexpr auto known =
      std::to_array<std::string_view>({"event", "any_of", "where", "label", "math"});
  constexpr auto unsupported = std::to_array<std::string_view>({"property"});
  HF_CHECK(check_fields(json, pointer, known, unsupported));
  TrendQuery::Series series;
  HF_TRY(const auto math, text_field(json, "math", pointer));
  if (math) {
    constexpr auto later =
        std::to_array<std::string_view>({"weekly_active", "monthly_active", "sum", "avg", "min",
                                         "max", "median", "p90", "p95", "p99", "per_user"});
    if (std::ranges::find(later, *math) != later.end()) {
      return fail(ErrorCode::invalid_argument, "unsupported_math",
                  fmt::format("this math is not in this version, total and unique are: {}", *math),
                  pointer_to(pointer, "math"));
    }
    constexpr auto names = std::to_array<std::string_view>({"total", "unique"});
    HF_TRY(const std::size_t index, choice_field(json, "math", pointer, names));
    series.math = static_cast<TrendMath>(index);
  }
  constexpr auto beside = std::to_array<std::string_view>({"math"});
  HF_TRY(series.matcher, parse_matcher(json, pointer, beside));
  return series;
}

}  // namespace

Result<TrendQuery> parse_trend(const Json& json, const QueryContext& context) {
  std::vector<std::string_view> known(common_field_names.begin(), common_field_names.end());
  known.insert(known.end(), {"series", "period", "cumulative"});
  std::vector<std::string_view> unsupported(unsupported_common_field_names.begin(),
                                            unsupported_common_field_names.end());
  unsupported.insert(unsupported.end(), {"compare", "formula"});
  HF_CHECK(check_fields(json, "", known, unsupported));
  TrendQuery query;
  HF_TRY(query.common, parse_common(json, context));
  HF_TRY(query.period, parse_period(json));
  HF_TRY(const auto cumulative, boolean_field(json, "cumulative", ""));
  query.cumulative = cumulative.value_or(false);
  const Json* series = json.find("series");
  if (series == nullptr) {
    return fail(ErrorCode::invalid_argument, "missing_field", "a trend has series", "/series");
  }
  if (!series->is_array()) return wrong_type(*series, "/series", "an array");
  if (series->array.empty() || series->array.size() > TrendQuery::series_max) {
    return fail(ErrorCode::invalid_argument, "out_of_range",
                fmt::format("expected 1 to {} series, not {}", TrendQuery::series_max,
                            series->array.size()),
                "/series");
  }
  for (std::size_t i = 0; i < series->array.size(); ++i) {
    HF_TRY(TrendQuery::Series one, parse_series(series->array[i], pointer_to("/series", i)));
    query.series.push_back(std::move(one));
  }
  return query;
}

}  // namespace hf
