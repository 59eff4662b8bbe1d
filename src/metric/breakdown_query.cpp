// SPDX-License-Identifier: Apache-2.0
#include "metric/breakdown_query.h"

#include <fmt/format.h>

#include <utility>

#include "metric/query_fields.h"

namespace hf {
namespace {

struct DimensionKind {
  std::string_view name;
  Dimension::By by;
  bool is_named;  ///< Its value says which one; else it is true.
};
constexpr std::array dimension_kinds = std::to_array<DimensionKind>({
    {"property", Dimension::By::property, true},
    {"trait", Dimension::By::trait, true},
    {"segment", Dimension::By::system, true},
    {"stage", Dimension::By::system, false},
    {"layer", Dimension::By::system, false},
    {"stay", Dimension::By::system, false},
    {"tier", Dimension::By::system, true},
    {"cohort", Dimension::By::cohort, true},
});

std::unexpected<Error> missing_dimension(const std::string& pointer) {
  std::vector<std::string_view> names;
  for (const DimensionKind& kind : dimension_kinds) names.push_back(kind.name);
  return fail(ErrorCode::invalid_argument, "missing_field",
              fmt::format("a breakdown has one of the members {}", join_names(names)), pointer);
}

Result<void> read_attribution(const Json& item, const std::string& pointer, CommonRules rules,
                              Dimension& dimension) {
  constexpr auto names =
      std::to_array<std::string_view>({"first_touch", "last_touch", "step", "all"});
  HF_TRY(const auto attribution, text_field(item, "attribution", pointer));
  if (attribution) {
    HF_TRY(const std::size_t index, choice_field(item, "attribution", pointer, names));
    dimension.attribution = static_cast<Attribution>(index + 1);
    if (dimension.by != Dimension::By::property) {
      return fail(ErrorCode::invalid_argument, "unsupported_combination",
                  "only a property of events has an attribution: what a person is does not depend "
                  "on an event",
                  pointer_to(pointer, "attribution"));
    }
  }
  if (dimension.attribution == Attribution::step && !rules.has_steps) {
    return fail(ErrorCode::invalid_argument, "unsupported_breakdown",
                "only funnels have steps; here attribution is one of first_touch, last_touch, all",
                pointer_to(pointer, "attribution"));
  }
  HF_TRY(const auto step, integer_field(item, "step", pointer, 1, 100));
  if (!step) return {};
  if (dimension.attribution == Attribution::step) {
    dimension.step = static_cast<std::size_t>(*step);
    return {};
  }
  return fail(ErrorCode::invalid_argument, "unsupported_combination",
              "step goes with the attribution step", pointer_to(pointer, "step"));
}

Result<void> read_cohort(const Json& item, const std::string& pointer, Dimension& dimension) {
  constexpr auto units =
      std::to_array<std::string_view>({"day", "week", "month", "quarter", "year"});
  HF_TRY(const std::size_t unit, choice_field(item, "cohort", pointer, units));
  dimension.cohort = std::array{Period::Unit::day, Period::Unit::week, Period::Unit::month,
                                Period::Unit::quarter, Period::Unit::year}[unit];
  return {};
}

Result<Dimension> parse_dimension(const Json& item, const std::string& pointer,
                                  WeekStart week_start, CommonRules rules) {
  std::vector<std::string_view> known{"top", "attribution", "step"};
  for (const DimensionKind& kind : dimension_kinds) known.push_back(kind.name);
  HF_CHECK(check_fields(item, pointer, known));
  const DimensionKind* said = nullptr;
  for (const DimensionKind& kind : dimension_kinds) {
    if (item.find(kind.name) == nullptr) continue;
    if (said != nullptr) {
      return fail(ErrorCode::invalid_argument, "unsupported_combination",
                  "a dimension is by one thing; several dimensions are several objects",
                  pointer_to(pointer, kind.name));
    }
    said = &kind;
  }
  if (said == nullptr) return missing_dimension(pointer);
  Dimension dimension{.by = said->by, .week_start = week_start};
  const std::string place = pointer_to(pointer, said->name);
  if (said->is_named) {
    HF_TRY(const auto name, text_field(item, said->name, pointer));
    if (!name || name->empty()) {
      return fail(ErrorCode::invalid_argument, "missing_field", "the name is empty", place);
    }
    dimension.name = said->by == Dimension::By::system ? fmt::format("{}.{}", said->name, *name)
                                                       : std::string(*name);
  } else {
    HF_TRY(const auto asked, boolean_field(item, said->name, pointer));
    if (!asked || !*asked) return wrong_type(*item.find(said->name), place, "true");
    dimension.name = said->name;
  }
  if (said->by == Dimension::By::cohort) HF_CHECK(read_cohort(item, pointer, dimension));
  HF_TRY(const auto top, integer_field(item, "top", pointer, 1, Dimension::top_max));
  dimension.top = static_cast<std::size_t>(top.value_or(Dimension::top_default));
  HF_CHECK(read_attribution(item, pointer, rules, dimension));
  return dimension;
}

}  // namespace

Result<std::vector<Dimension>> parse_breakdown(const Json& query, WeekStart week_start,
                                               CommonRules rules) {
  std::vector<Dimension> breakdown;
  const Json* list = query.find("breakdown");
  if (list == nullptr) return breakdown;
  if (!list->is_array()) return wrong_type(*list, "/breakdown", "an array");
  if (list->array.size() > dimensions_max) {
    return fail(ErrorCode::invalid_argument, "out_of_range",
                fmt::format("a breakdown is at most {} deep", dimensions_max),
                pointer_to("/breakdown", dimensions_max));
  }
  for (std::size_t i = 0; i < list->array.size(); ++i) {
    HF_TRY(Dimension dimension,
           parse_dimension(list->array[i], pointer_to("/breakdown", i), week_start, rules));
    breakdown.push_back(std::move(dimension));
  }
  return breakdown;
}

}  // namespace hf
