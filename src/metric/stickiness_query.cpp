// SPDX-License-Identifier: Apache-2.0
#include <array>

#include "metric/query_fields.h"
#include "metric/stickiness.h"

namespace hf {
namespace {

Result<void> read_per_interval(const Json& json, StickinessQuery& query) {
  const Json* rule = json.find("per_interval");
  if (rule == nullptr) return {};
  constexpr auto known = std::to_array<std::string_view>({"gte", "lte", "eq"});
  const std::string pointer = "/per_interval";
  HF_CHECK(check_fields(*rule, pointer, known));
  if (rule->object.empty()) {
    return fail(ErrorCode::invalid_argument, "missing_field",
                "per_interval has one of gte, lte, eq", pointer);
  }
  if (rule->object.size() > 1) {
    return fail(ErrorCode::invalid_argument, "unsupported_combination",
                "per_interval has only one of gte, lte, eq", pointer);
  }
  const auto& [name, value] = rule->object.front();
  HF_TRY(const std::int64_t events,
         integer_value(value, pointer_to(pointer, name), 1, StickinessQuery::count_max));
  if (name != "lte") query.per_interval.min = events;
  if (name != "gte") query.per_interval.max = events;
  return {};
}

}  // namespace

Result<StickinessQuery> parse_stickiness(const Json& json, const QueryContext& context) {
  std::vector<std::string_view> known(common_field_names.begin(), common_field_names.end());
  known.insert(known.end(), {"match", "period", "per_interval", "cumulative", "over_time"});
  HF_CHECK(check_fields(json, "", known));
  StickinessQuery query;
  HF_TRY(query.common, parse_common(json, context));
  HF_TRY(query.match, parse_match(json));
  HF_TRY(query.period, parse_period(json));
  HF_CHECK(read_per_interval(json, query));
  HF_TRY(const auto cumulative, boolean_field(json, "cumulative", ""));
  query.cumulative = cumulative.value_or(false);
  HF_TRY(const auto over_time, boolean_field(json, "over_time", ""));
  query.over_time = over_time.value_or(false);
  if (!query.over_time) return query;
  if (query.period.unit != Period::Unit::day) {
    return fail(ErrorCode::invalid_argument, "unsupported_combination",
                "over_time goes by days: leave the period out, or say day", "/period");
  }
  if (query.cumulative) {
    return fail(ErrorCode::invalid_argument, "unsupported_combination",
                "cumulative is of the histogram, which over_time replaces", "/cumulative");
  }
  return query;
}

}  // namespace hf
