// SPDX-License-Identifier: Apache-2.0
//
// Bodies that are one JSON object of few members, each a text or a boolean.
#pragma once

#include <initializer_list>
#include <string>
#include <string_view>

#include "base/json.h"
#include "base/result.h"

namespace hf::http {

/// A JSON object whose members are texts or booleans with these names and no others. Errors: those
/// of parse_json(); invalid_argument/not_an_object, unknown_field, wrong_type.
[[nodiscard]] Result<Json> parse_members(std::string_view body,
                                         std::initializer_list<std::string_view> names);

/// Empty where it is absent. Errors: invalid_argument/wrong_type.
[[nodiscard]] Result<std::string> text_of(const Json& members, std::string_view name);
/// Errors: also invalid_argument/missing_field.
[[nodiscard]] Result<std::string> required_text_of(const Json& members, std::string_view name);

}  // namespace hf::http
