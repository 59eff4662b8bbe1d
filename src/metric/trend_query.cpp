// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <utility>

#include "metric/query_fields.h"
#include "metric/trend.h"

namespace hf {
namespace {

constexpr auto math_names = std::to_array<std::string_view>(
    {"total", "unique", "weekly_active", "monthly_active", "sum", "avg", "min", "max", "median",
     "p90", "p95", "p99", "per_user"});
static_assert(math_names.size() == static_cast<std::size_t>(TrendMath::per_user) + 1);

Result<TrendQuery::Series> parse_series(const Json& json, const std::string& pointer) {
  constexpr auto known =
      std::to_array<std::string_view>({"event", "any_of", "where", "label", "math", "property"});
  HF_CHECK(check_fields(json, pointer, known));
  TrendQuery::Series series;
  HF_TRY(const std::size_t math, choice_field(json, "math", pointer, math_names));
  series.math = static_cast<TrendMath>(math);
  HF_TRY(const auto property, text_field(json, "property", pointer));
  if (property && !is_of_numbers(series.math)) {
    return fail(
        ErrorCode::invalid_argument, "unsupported_combination",
        fmt::format("a property goes with the math of numbers, not with {}", math_names[math]),
        pointer_to(pointer, "property"));
  }
  if (is_of_numbers(series.math) && (!property || property->empty())) {
    return fail(ErrorCode::invalid_argument, "missing_field",
                fmt::format("of which property's numbers is it the {}?", math_names[math]),
                pointer_to(pointer, "property"));
  }
  series.property = property.value_or("");
  constexpr auto beside = std::to_array<std::string_view>({"math", "property"});
  HF_TRY(series.matcher, parse_matcher(json, pointer, beside));
  return series;
}

// Windows of days end with periods of days, and each is a range of its own.
Result<void> check_active(const TrendQuery& query) {
  for (std::size_t i = 0; i < query.series.size(); ++i) {
    if (active_days(query.series[i].math) == 0) continue;
    const auto refuse = [&](std::string_view what) {
      return fail(ErrorCode::invalid_argument, "unsupported_combination",
                  fmt::format("active persons are of whole local days: not with {}", what),
                  pointer_to(pointer_to("/series", i), "math"));
    };
    if (query.period.unit == Period::Unit::hour) return refuse("the period hour");
    if (query.period.is_exact()) return refuse("a period of hours, minutes or seconds");
    if (query.cumulative) return refuse("cumulative");
  }
  return {};
}

// Persons are counted, or averaged over; what sums up their events is not.
Result<void> check_sampled(const TrendQuery& query) {
  for (std::size_t i = 0; i < query.series.size(); ++i) {
    const TrendMath math = query.series[i].math;
    const bool is_sum = math == TrendMath::total || math == TrendMath::sum;
    const bool is_extreme = math == TrendMath::min || math == TrendMath::max;
    HF_CHECK(check_sample(query.common, !is_sum && !is_extreme,
                          math_names[static_cast<std::size_t>(math)],
                          pointer_to(pointer_to("/series", i), "math")));
  }
  return check_sample(query.common, !query.formula, "formula", "/formula");
}

Result<std::optional<Duration>> parse_compare(const Json& query) {
  HF_TRY(const auto text, text_field(query, "compare", ""));
  if (!text) return std::nullopt;
  auto duration = parse_duration(*text);
  if (!duration) {
    duration.error().pointer = "/compare";
    return std::unexpected(std::move(duration).error());
  }
  const auto refuse = [](std::string message) {
    return fail(ErrorCode::invalid_argument, "invalid_duration", std::move(message), "/compare");
  };
  if (duration->ms != 0 && (duration->months != 0 || duration->days != 0)) {
    return refuse("compare is either of calendar days and months or of hours, minutes, seconds");
  }
  if (duration->months > 12 * 200 || duration->days > 366 * 200 ||
      duration->ms > 366 * 200 * ms_per_day) {
    return refuse("compare reaches at most 200 years back");
  }
  return *duration;
}

}  // namespace

Result<TrendQuery> parse_trend(const Json& json, const QueryContext& context) {
  std::vector<std::string_view> known(common_field_names.begin(), common_field_names.end());
  known.insert(known.end(), {"series", "period", "cumulative", "compare", "formula"});
  HF_CHECK(check_fields(json, "", known));
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
  HF_CHECK(check_active(query));
  HF_TRY(query.compare, parse_compare(json));
  HF_TRY(const auto formula, text_field(json, "formula", ""));
  if (formula) {
    HF_TRY(query.formula, Formula::parse(*formula, query.series.size()));
  }
  HF_CHECK(check_sampled(query));
  return query;
}

}  // namespace hf
