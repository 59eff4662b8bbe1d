// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <array>

#include "metric/query_fields.h"
#include "metric/retention.h"

namespace hf {
namespace {

constexpr auto own_field_names = std::to_array<std::string_view>(
    {"start", "return", "entry", "period", "periods", "brackets", "window", "count_return",
     "min_occurrences", "value", "initial", "current"});

std::vector<std::string_view> known_fields() {
  std::vector<std::string_view> names(common_field_names.begin(), common_field_names.end());
  names.insert(names.end(), own_field_names.begin(), own_field_names.end());
  return names;
}

std::unexpected<Error> unsupported_combination(std::string message, std::string pointer) {
  return fail(ErrorCode::invalid_argument, "unsupported_combination", std::move(message),
              std::move(pointer));
}

// Columns are counted with column 0, and a bracket costs as many as it has periods.
Result<void> check_columns(std::int64_t columns, const std::string& pointer) {
  if (columns <= RetentionQuery::columns_max) return {};
  return fail(ErrorCode::resource_exhausted, "too_many_cells",
              fmt::format("more columns than an answer may have ({}): {}",
                          RetentionQuery::columns_max, columns),
              pointer);
}

Result<void> read_columns(const Json& json, RetentionQuery& query) {
  constexpr std::int64_t number_max = 1'000'000'000;
  const Json* brackets = json.find("brackets");
  HF_TRY(const auto periods, integer_field(json, "periods", "", 1, number_max));
  if (brackets == nullptr) {
    HF_CHECK(check_columns(periods.value_or(0) + 1, "/periods"));
    for (std::int32_t k = 1; k <= periods.value_or(0); ++k) query.columns.push_back({k, k});
    return {};
  }
  if (periods) return unsupported_combination("brackets stand instead of periods", "/brackets");
  if (!brackets->is_array()) return wrong_type(*brackets, "/brackets", "an array of lengths");
  if (brackets->array.empty()) {
    return fail(ErrorCode::invalid_argument, "missing_field", "at least one bracket is needed",
                "/brackets");
  }
  std::int64_t last = 0;
  for (std::size_t i = 0; i < brackets->array.size(); ++i) {
    const std::string pointer = pointer_to("/brackets", i);
    HF_TRY(const std::int64_t length, integer_value(brackets->array[i], pointer, 1, number_max));
    const auto first = static_cast<std::int32_t>(last + 1);
    last += length;
    HF_CHECK(check_columns(last + 1, pointer));
    query.columns.push_back({first, static_cast<std::int32_t>(last)});
  }
  return {};
}

Result<void> read_value(const Json& json, RetentionQuery& query) {
  const Json* value = json.find("value");
  if (value == nullptr) return {};
  constexpr auto known = std::to_array<std::string_view>({"aggregate", "property", "trait"});
  constexpr auto aggregates = std::to_array<std::string_view>({"users", "count", "sum", "avg"});
  HF_CHECK(check_fields(*value, "/value", known));
  HF_TRY(const std::size_t aggregate, choice_field(*value, "aggregate", "/value", aggregates));
  query.aggregate = static_cast<Aggregate>(aggregate);
  HF_TRY(const auto property, text_field(*value, "property", "/value"));
  HF_TRY(const auto trait, text_field(*value, "trait", "/value"));
  query.value_property = property.value_or("");
  query.value_trait = trait.value_or("");
  if (query.aggregate == Aggregate::users || query.aggregate == Aggregate::count) {
    if (!property && !trait) return {};
    return unsupported_combination("users and count need no property and no trait", "/value");
  }
  if (trait && !query.common.unit.empty()) {
    return unsupported_combination("a unit that is no person has no traits", "/value/trait");
  }
  if (property && trait) {
    return unsupported_combination("a value is of a property or of a trait", "/value/trait");
  }
  if (query.value_property.empty() && query.value_trait.empty()) {
    return fail(ErrorCode::invalid_argument, "missing_field",
                "sum and avg need a property or a trait", "/value/property");
  }
  return {};
}

Result<void> read_windows(const Json& json, RetentionQuery& query) {
  const Json* initial = json.find("initial");
  const Json* current = json.find("current");
  if (initial == nullptr && current == nullptr) return {};
  if (initial == nullptr || current == nullptr) {
    return fail(ErrorCode::invalid_argument, "missing_field", "initial and current go together",
                initial == nullptr ? "/initial" : "/current");
  }
  for (const std::string_view name :
       {"period", "periods", "brackets", "window", "count_return", "from", "to", "last"}) {
    if (json.find(name) == nullptr) continue;
    return unsupported_combination(
        fmt::format("with initial and current there are no columns: {}", name),
        pointer_to("", name));
  }
  RetentionQuery::Windows windows;
  HF_TRY(windows.initial, parse_window(*initial, "/initial", *query.common.zone));
  HF_TRY(windows.current, parse_window(*current, "/current", *query.common.zone));
  query.windows = windows;
  return {};
}

Result<Matcher> matcher_field(const Json& json, std::string_view name) {
  const Json* matcher = json.find(name);
  if (matcher == nullptr) return Matcher::any_event();
  return parse_matcher(*matcher, pointer_to("", name));
}

}  // namespace

Result<RetentionQuery> parse_retention(const Json& json, const QueryContext& context) {
  HF_CHECK(check_fields(json, "", known_fields()));
  RetentionQuery query;
  HF_TRY(query.common, parse_common(json, context));
  HF_TRY(query.start, matcher_field(json, "start"));
  HF_TRY(query.returning, matcher_field(json, "return"));
  constexpr auto entries =
      std::to_array<std::string_view>({"every_period", "first_time", "first_ever"});
  HF_TRY(const std::size_t entry, choice_field(json, "entry", "", entries));
  query.entry = static_cast<Entry>(entry);
  HF_TRY(query.period, parse_period(json));
  HF_CHECK(read_columns(json, query));
  constexpr auto windows = std::to_array<std::string_view>({"calendar", "rolling"});
  HF_TRY(const std::size_t window, choice_field(json, "window", "", windows));
  query.window = static_cast<Window>(window);
  constexpr auto counts = std::to_array<std::string_view>({"exactly", "on_or_after"});
  HF_TRY(const std::size_t count_return, choice_field(json, "count_return", "", counts));
  query.count_return = static_cast<CountReturn>(count_return);
  HF_TRY(const auto occurrences,
         integer_field(json, "min_occurrences", "", 1, std::int64_t{1} << 53));
  query.min_occurrences = occurrences.value_or(1);
  HF_CHECK(read_value(json, query));
  HF_CHECK(read_windows(json, query));
  HF_CHECK(check_sample(query.common, query.aggregate == Aggregate::users,
                        "a value that is not of users", "/value"));
  return query;
}

}  // namespace hf
