// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "metric/lifecycle.h"
#include "metric/query_fields.h"

namespace hf {
namespace {

// Takes the one value this version answers, which is also the default.
Result<void> check_choice(const Json& json, std::string_view name, std::string_view answered,
                          std::span<const std::string_view> later) {
  HF_TRY(const auto text, text_field(json, name, ""));
  if (!text || *text == answered) return {};
  if (std::ranges::find(later, *text) == later.end()) {
    return fail(ErrorCode::invalid_argument, "unknown_value", fmt::format("expected {}", answered),
                pointer_to("", name));
  }
  return fail(ErrorCode::invalid_argument, "unsupported_value",
              fmt::format("this value is not in this version, {} is: {}", answered, *text),
              pointer_to("", name));
}

}  // namespace

Result<LifecycleQuery> parse_lifecycle(const Json& json, const QueryContext& context) {
  std::vector<std::string_view> known(common_field_names.begin(), common_field_names.end());
  known.insert(known.end(), {"match", "period", "new_means", "by"});
  HF_CHECK(check_fields(json, "", known));
  LifecycleQuery query;
  HF_TRY(query.common, parse_common(json, context));
  HF_TRY(query.match, parse_match(json));
  HF_TRY(query.period, parse_period(json));
  constexpr auto meanings = std::to_array<std::string_view>({"first_event", "profile_created"});
  HF_TRY(const std::size_t meaning, choice_field(json, "new_means", "", meanings));
  query.new_means_created = meaning == 1;
  if (query.new_means_created && !query.common.unit.empty()) {
    return fail(ErrorCode::invalid_argument, "unsupported_combination",
                "a unit that is no person has no profile: new means first_event there",
                "/new_means");
  }
  constexpr auto standings = std::to_array<std::string_view>({"stage", "layer", "stay"});
  HF_CHECK(check_choice(json, "by", "activity", standings));
  return query;
}

}  // namespace hf
