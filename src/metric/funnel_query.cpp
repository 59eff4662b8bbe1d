// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <array>

#include "metric/funnel.h"
#include "metric/person_events.h"
#include "metric/query_fields.h"

namespace hf {
namespace {

std::unexpected<Error> unsupported_combination(std::string message, std::string pointer) {
  return fail(ErrorCode::invalid_argument, "unsupported_combination", std::move(message),
              std::move(pointer));
}

std::unexpected<Error> out_of_range(std::string message, std::string pointer) {
  return fail(ErrorCode::invalid_argument, "out_of_range", std::move(message), std::move(pointer));
}

Result<std::optional<Duration>> window_field(const Json& object, std::string_view name,
                                             const std::string& pointer) {
  HF_TRY(const auto text, text_field(object, name, pointer));
  if (!text) return std::nullopt;
  constexpr int months_max = 12 * 200;  // Times are of 1970 to 2100: more is all there is.
  constexpr int days_max = 366 * 200;
  const auto length = parse_duration(*text);
  if (!length || (length->ms != 0 && (length->months != 0 || length->days != 0)) ||
      length->months > months_max || length->days > days_max ||
      length->ms > days_max * ms_per_day) {
    return fail(ErrorCode::invalid_argument, "invalid_duration",
                "expected a duration of at most 200 years, either of calendar parts or of time, as "
                "P14D or PT30M",
                pointer_to(pointer, name));
  }
  return *length;
}

// True where both name the same events in the same words.
bool is_same_matcher(const Json& a, const Json& b) {
  for (const std::string_view name : {"event", "any_of", "where"}) {
    const Json* of_a = a.find(name);
    const Json* of_b = b.find(name);
    if ((of_a == nullptr) != (of_b == nullptr)) return false;
    if (of_a != nullptr && !(*of_a == *of_b)) return false;
  }
  return true;
}

Result<void> read_steps(const Json& json, FunnelQuery& query) {
  const Json* steps = json.find("steps");
  if (steps == nullptr) {
    return fail(ErrorCode::invalid_argument, "missing_field", "a funnel has steps", "/steps");
  }
  if (!steps->is_array()) return wrong_type(*steps, "/steps", "an array");
  const std::size_t count = steps->array.size();
  if (count == 0 || count > funnel_steps_max) {
    return out_of_range(fmt::format("expected 1 to {} steps, not {}", funnel_steps_max, count),
                        "/steps");
  }
  constexpr auto known =
      std::to_array<std::string_view>({"event", "any_of", "where", "label", "within"});
  constexpr auto beside = std::to_array<std::string_view>({"within"});
  for (std::size_t k = 0; k < count; ++k) {
    const Json& one = steps->array[k];
    const std::string pointer = pointer_to("/steps", k);
    HF_CHECK(check_fields(one, pointer, known));
    FunnelQuery::Step step;
    HF_TRY(step.within, window_field(one, "within", pointer));
    if (step.within && query.order == FunnelOrder::any) {
      return unsupported_combination("in any order no step is the next one",
                                     pointer_to(pointer, "within"));
    }
    if (step.within && k + 1 == count) {
      return unsupported_combination("within is for the next step, and this is the last one",
                                     pointer_to(pointer, "within"));
    }
    HF_TRY(step.matcher, parse_matcher(one, pointer, beside));
    step.same_as = 0;
    while (!is_same_matcher(steps->array[step.same_as], one)) ++step.same_as;
    query.steps.push_back(std::move(step));
  }
  return {};
}

Result<void> read_exclusions(const Json& json, FunnelQuery& query) {
  const Json* list = json.find("exclude");
  if (list == nullptr) return {};
  if (!list->is_array()) return wrong_type(*list, "/exclude", "an array");
  if (list->array.size() > FunnelQuery::exclusions_max) {
    return out_of_range(fmt::format("expected at most {} exclusions, not {}",
                                    FunnelQuery::exclusions_max, list->array.size()),
                        "/exclude");
  }
  const auto steps = static_cast<std::int64_t>(query.steps.size());
  if (!list->array.empty() && steps == 1) {
    return unsupported_combination("of one step nothing lies between", "/exclude");
  }
  constexpr auto known = std::to_array<std::string_view>(
      {"event", "any_of", "where", "label", "after_step", "before_step"});
  constexpr auto beside = std::to_array<std::string_view>({"after_step", "before_step"});
  for (std::size_t i = 0; i < list->array.size(); ++i) {
    const Json& one = list->array[i];
    const std::string pointer = pointer_to("/exclude", i);
    HF_CHECK(check_fields(one, pointer, known));
    FunnelQuery::Exclusion exclusion;
    HF_TRY(const auto after, integer_field(one, "after_step", pointer, 1, steps - 1));
    HF_TRY(const auto before, integer_field(one, "before_step", pointer, 2, steps));
    exclusion.after_step = static_cast<std::size_t>(after.value_or(1));
    exclusion.before_step = static_cast<std::size_t>(before.value_or(steps));
    if (exclusion.before_step <= exclusion.after_step) {
      return out_of_range("before_step comes after after_step", pointer_to(pointer, "before_step"));
    }
    HF_TRY(exclusion.matcher, parse_matcher(one, pointer, beside));
    query.exclude.push_back(std::move(exclusion));
  }
  const std::size_t matchers =
      query.steps.size() + query.exclude.size() + (query.order == FunnelOrder::strict ? 1 : 0);
  if (matchers > EventSelection::matchers_max) {
    return out_of_range(fmt::format("steps and exclusions are more than {}: {}",
                                    EventSelection::matchers_max, matchers),
                        "/exclude");
  }
  return {};
}

Result<void> read_hold_constant(const Json& json, FunnelQuery& query) {
  const Json* list = json.find("hold_constant");
  if (list == nullptr) return {};
  if (!list->is_array()) return wrong_type(*list, "/hold_constant", "an array of properties");
  if (list->array.empty()) return {};
  if (list->array.size() > FunnelQuery::held_max) {
    return out_of_range(fmt::format("at most {} properties are held constant, not: {}",
                                    FunnelQuery::held_max, list->array.size()),
                        "/hold_constant");
  }
  for (std::size_t i = 0; i < list->array.size(); ++i) {
    const Json& property = list->array[i];
    const std::string pointer = pointer_to("/hold_constant", i);
    if (!property.is_text()) return wrong_type(property, pointer, "text");
    if (property.text.empty()) {
      return fail(ErrorCode::invalid_argument, "missing_field", "a property has a name", pointer);
    }
    query.hold_constant.push_back(property.text);
  }
  return {};
}

Result<void> check_step_breakdowns(const FunnelQuery& query) {
  for (std::size_t i = 0; i < query.common.breakdown.size(); ++i) {
    const Dimension& dimension = query.common.breakdown[i];
    if (dimension.attribution != Attribution::step) continue;
    const std::string pointer = pointer_to("/breakdown", i);
    if (query.order == FunnelOrder::any) {
      return unsupported_combination("in any order no event serves a step of its own",
                                     pointer_to(pointer, "attribution"));
    }
    if (dimension.step > query.steps.size()) {
      return out_of_range(
          fmt::format("the funnel has {} steps, not {}", query.steps.size(), dimension.step),
          pointer_to(pointer, "step"));
    }
  }
  return {};
}

// A person is in one bucket where the question does not say otherwise: that of the first touch.
void settle_breakdown(FunnelQuery& query) {
  for (Dimension& dimension : query.common.breakdown) {
    if (dimension.by == Dimension::By::property && dimension.attribution == Attribution::unsaid) {
      dimension.attribution = Attribution::first_touch;
    }
  }
}

Result<void> read_view(const Json& json, FunnelQuery& query) {
  constexpr auto views = std::to_array<std::string_view>({"steps", "trend", "time_to_convert"});
  HF_TRY(const std::size_t view, choice_field(json, "view", "", views));
  query.view = static_cast<FunnelView>(view);
  const bool is_trend = query.view == FunnelView::trend;
  const bool is_time = query.view == FunnelView::time_to_convert;
  struct OfView {
    std::string_view field;
    std::string_view views;
    bool is_known;
  };
  for (const auto& [field, of, is_known] :
       {OfView{"period", "trend", is_trend}, OfView{"bins", "time_to_convert", is_time},
        OfView{"from_step", "trend and time_to_convert", is_trend || is_time},
        OfView{"to_step", "trend and time_to_convert", is_trend || is_time}}) {
    if (is_known || json.find(field) == nullptr) continue;
    return unsupported_combination(fmt::format("{} is for the view {}", field, of),
                                   pointer_to("", field));
  }
  HF_TRY(query.period, parse_period(json));
  HF_TRY(const auto bins, integer_field(json, "bins", "", 1, FunnelQuery::bins_max));
  if (bins) query.bins = static_cast<std::size_t>(*bins);
  const auto steps = static_cast<std::int64_t>(query.steps.size());
  HF_TRY(const auto from, integer_field(json, "from_step", "", 1, steps));
  HF_TRY(const auto to, integer_field(json, "to_step", "", 1, steps));
  query.from_step = static_cast<std::size_t>(from.value_or(1));
  query.to_step = static_cast<std::size_t>(to.value_or(steps));
  if (query.from_step > query.to_step || (is_time && query.from_step == query.to_step)) {
    return out_of_range("to_step comes after from_step", pointer_to("", to     ? "to_step"
                                                                        : from ? "from_step"
                                                                               : "steps"));
  }
  return {};
}

}  // namespace

Result<FunnelQuery> parse_funnel(const Json& json, const QueryContext& context) {
  std::vector<std::string_view> known(common_field_names.begin(), common_field_names.end());
  known.insert(known.end(), {"steps", "order", "window", "exclude", "hold_constant", "view", "bins",
                             "entry", "period", "from_step", "to_step"});
  HF_CHECK(check_fields(json, "", known));
  FunnelQuery query;
  HF_TRY(query.common, parse_common(json, context, {.has_steps = true}));
  constexpr auto orders = std::to_array<std::string_view>({"ordered", "strict", "any"});
  HF_TRY(const std::size_t order, choice_field(json, "order", "", orders));
  query.order = static_cast<FunnelOrder>(order);
  HF_CHECK(read_steps(json, query));
  HF_CHECK(check_step_breakdowns(query));
  HF_TRY(const auto window, window_field(json, "window", ""));
  if (window) query.window = *window;
  HF_CHECK(read_exclusions(json, query));
  HF_CHECK(read_hold_constant(json, query));
  constexpr auto entries = std::to_array<std::string_view>({"best", "first"});
  HF_TRY(const std::size_t entry, choice_field(json, "entry", "", entries));
  query.entry = static_cast<FunnelEntry>(entry);
  HF_CHECK(read_view(json, query));
  settle_breakdown(query);
  return query;
}

}  // namespace hf
