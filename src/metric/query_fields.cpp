// SPDX-License-Identifier: Apache-2.0
#include "metric/query_fields.h"

#include <fmt/format.h>

#include <algorithm>
#include <numeric>

#include "base/assert.h"
#include "base/decimal.h"

namespace hf {
namespace {

// Levenshtein's distance. Names of a request may be long: only their first 64 bytes are compared.
std::size_t edit_distance(std::string_view a, std::string_view b) {
  a = a.substr(0, 64);
  std::vector<std::size_t> row(b.size() + 1);
  std::iota(row.begin(), row.end(), std::size_t{0});
  for (std::size_t i = 0; i < a.size(); ++i) {
    std::size_t diagonal = row[0];
    row[0] = i + 1;
    for (std::size_t j = 0; j < b.size(); ++j) {
      const std::size_t replaced = diagonal + (a[i] == b[j] ? 0 : 1);
      diagonal = row[j + 1];
      row[j + 1] = std::min({replaced, row[j] + 1, row[j + 1] + 1});
    }
  }
  return row.back();
}

}  // namespace

std::string_view nearest_name(std::string_view name, std::span<const std::string_view> names) {
  HF_ASSERT(!names.empty());
  return *std::ranges::min_element(names, {},
                                   [&](std::string_view n) { return edit_distance(name, n); });
}

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
