// SPDX-License-Identifier: Apache-2.0
//
// Reading the fields of a query's JSON objects: what is not known is refused with its JSON pointer,
// never ignored.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/json.h"
#include "base/result.h"

namespace hf {

/// Refuses a member of `object` that is in none of the lists.
/// Errors, invalid_argument with pointer: wrong_type where it is no object; unsupported_field for
/// names of the language that this version does not answer; unknown_field, naming the nearest.
[[nodiscard]] Result<void> check_fields(const Json& object, const std::string& pointer,
                                        std::span<const std::string_view> known,
                                        std::span<const std::string_view> unsupported = {});

/// "a, b, c".
[[nodiscard]] std::string join_names(std::span<const std::string_view> names);

// Each reads one member of an object that passed check_fields(), nothing where it is absent.
// Errors, invalid_argument with pointer: wrong_type, out_of_range, unknown_value.
[[nodiscard]] Result<std::optional<std::string_view>> text_field(const Json& object,
                                                                 std::string_view name,
                                                                 const std::string& pointer);
[[nodiscard]] Result<std::optional<bool>> boolean_field(const Json& object, std::string_view name,
                                                        const std::string& pointer);
[[nodiscard]] Result<std::optional<std::int64_t>> integer_field(const Json& object,
                                                                std::string_view name,
                                                                const std::string& pointer,
                                                                std::int64_t min, std::int64_t max);
/// The index of the text in `choices`; 0 where the member is absent.
[[nodiscard]] Result<std::size_t> choice_field(const Json& object, std::string_view name,
                                               const std::string& pointer,
                                               std::span<const std::string_view> choices);
/// A whole number in [min, max].
[[nodiscard]] Result<std::int64_t> integer_value(const Json& value, const std::string& pointer,
                                                 std::int64_t min, std::int64_t max);
[[nodiscard]] std::unexpected<Error> wrong_type(const Json& value, const std::string& pointer,
                                                std::string_view expected);

}  // namespace hf
