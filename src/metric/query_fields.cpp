// SPDX-License-Identifier: Apache-2.0
#include "metric/query_fields.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/decimal.h"
#include "predicate/nearest_name.h"

namespace hf {

std::string join_names(std::span<const std::string_view> names) {
  return fmt::format("{}", fmt::join(names, ", "));
}

std::unexpected<Error> wrong_type(const Json& value, const std::string& pointer,
                                  std::string_view expected) {
  return fail(ErrorCode::invalid_argument, "wrong_type",
              fmt::format("expected {}, not {}", expected, value.kind_name()), pointer);
}

Result<void> check_fields(const Json& object, const std::string& pointer,
                          std::span<const std::string_view> known,
                          std::span<const std::string_view> unsupported) {
  if (!object.is_object()) return wrong_type(object, pointer, "an object");
  for (const auto& [name, value] : object.object) {
    if (std::ranges::find(known, name) != known.end()) continue;
    const std::string place = pointer_to(pointer, name);
    if (std::ranges::find(unsupported, name) != unsupported.end()) {
      return fail(ErrorCode::invalid_argument, "unsupported_field",
                  fmt::format("this field is not in this version: {}", name), place);
    }
    return fail(ErrorCode::invalid_argument, "unknown_field",
                fmt::format("unknown field, the nearest known is \"{}\": {}",
                            nearest_name(name, known), name),
                place);
  }
  return {};
}

Result<std::optional<std::string_view>> text_field(const Json& object, std::string_view name,
                                                   const std::string& pointer) {
  const Json* value = object.find(name);
  if (value == nullptr) return std::nullopt;
  if (!value->is_text()) return wrong_type(*value, pointer_to(pointer, name), "text");
  return value->text;
}

Result<std::optional<bool>> boolean_field(const Json& object, std::string_view name,
                                          const std::string& pointer) {
  const Json* value = object.find(name);
  if (value == nullptr) return std::nullopt;
  if (!value->is_boolean()) return wrong_type(*value, pointer_to(pointer, name), "true or false");
  return value->boolean;
}

Result<std::int64_t> integer_value(const Json& value, const std::string& pointer, std::int64_t min,
                                   std::int64_t max) {
  if (!value.is_number()) return wrong_type(value, pointer, "a whole number");
  const auto number = parse_decimal(value.text);
  if (number && number->scale != 0) {
    return fail(ErrorCode::invalid_argument, "wrong_type",
                fmt::format("expected a whole number, not {}", value.text), pointer);
  }
  if (!number || number->units < min || number->units > max) {
    return fail(ErrorCode::invalid_argument, "out_of_range",
                fmt::format("expected a whole number from {} to {}", min, max), pointer);
  }
  return number->units;
}

Result<std::optional<std::int64_t>> integer_field(const Json& object, std::string_view name,
                                                  const std::string& pointer, std::int64_t min,
                                                  std::int64_t max) {
  const Json* value = object.find(name);
  if (value == nullptr) return std::nullopt;
  HF_TRY(const std::int64_t number, integer_value(*value, pointer_to(pointer, name), min, max));
  return number;
}

Result<std::size_t> choice_field(const Json& object, std::string_view name,
                                 const std::string& pointer,
                                 std::span<const std::string_view> choices) {
  HF_TRY(const auto text, text_field(object, name, pointer));
  if (!text) return 0;
  const auto found = std::ranges::find(choices, *text);
  if (found == choices.end()) {
    return fail(ErrorCode::invalid_argument, "unknown_value",
                fmt::format("expected one of {}", join_names(choices)), pointer_to(pointer, name));
  }
  return static_cast<std::size_t>(found - choices.begin());
}

}  // namespace hf
