// SPDX-License-Identifier: Apache-2.0
#include "http/json_members.h"

#include <fmt/format.h>

#include <algorithm>

namespace hf::http {
namespace {

constexpr auto invalid = ErrorCode::invalid_argument;

}  // namespace

Result<Json> parse_members(std::string_view body, std::initializer_list<std::string_view> names) {
  HF_TRY(Json json, parse_json(body));
  if (!json.is_object()) return fail(invalid, "not_an_object", "the body is no JSON object");
  for (const auto& [name, value] : json.object) {
    if (std::find(names.begin(), names.end(), name) == names.end()) {
      return fail(invalid, "unknown_field", fmt::format("not a field of this request: {}", name),
                  pointer_to("", name));
    }
    if (!value.is_text() && !value.is_boolean()) {
      return fail(invalid, "wrong_type", fmt::format("{} cannot be {}", name, value.kind_name()),
                  pointer_to("", name));
    }
  }
  return json;
}

Result<std::string> text_of(const Json& json, std::string_view name) {
  const Json* const member = json.find(name);
  if (member == nullptr) return std::string();
  if (!member->is_text()) {
    return fail(invalid, "wrong_type", fmt::format("{} must be a text", name),
                pointer_to("", name));
  }
  return member->text;
}

Result<std::string> required_text_of(const Json& members, std::string_view name) {
  if (members.find(name) == nullptr) {
    return fail(invalid, "missing_field", fmt::format("{} is missing", name), pointer_to("", name));
  }
  return text_of(members, name);
}

}  // namespace hf::http
