// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/decimal.h"
#include "base/result.h"

namespace hf {

/// The type of a stored property value. Values are part of the part format: never renumber.
enum class ValueKind : std::uint8_t {
  text = 1,
  number = 2,  ///< int64 x 10^-s, s up to 9 (Decimal).
  boolean = 3,
  big_number = 4,  ///< A number that is no Decimal, as canonical_number() text.
  list = 5,        ///< A list of scalars, as compact JSON text: a multi-value.
  json = 6,        ///< Any other JSON (list with objects or lists in it), as compact JSON text.
};

[[nodiscard]] std::string_view to_string(ValueKind kind);

/// One property value; `text` points into the caller's memory.
struct ValueView {
  ValueKind kind = ValueKind::text;
  bool boolean = false;        ///< kind boolean
  Decimal number = {};         ///< kind number
  std::string_view text = {};  ///< all others
};

/// "1", "true", or the text itself: what text comparison across types uses (QUERY.md).
[[nodiscard]] std::string canonical_text(const ValueView& value);
/// The values a stored list has: the canonical texts of its items, each once, ascending; null is
/// none. Errors: those of parse_json().
[[nodiscard]] Result<std::vector<std::string>> values_of_list(std::string_view list);

}  // namespace hf
