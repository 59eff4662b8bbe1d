// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace hf {

/// Length in bytes (1..4) of the well-formed UTF-8 sequence `bytes` begins with; 0 where there is
/// none (Unicode 15, table 3-7: no overlong forms, no surrogates, nothing above U+10FFFF).
[[nodiscard]] std::size_t utf8_sequence_length(std::string_view bytes);

/// Offset of the first byte that is not part of well-formed UTF-8; bytes.size() if all is well.
[[nodiscard]] std::size_t utf8_valid_prefix(std::string_view bytes);

[[nodiscard]] inline bool is_utf8(std::string_view bytes) {
  return utf8_valid_prefix(bytes) == bytes.size();
}

/// How many bytes one U+FFFD stands for where no well-formed sequence begins: the longest start of
/// one, at least 1, as browsers and ICU count. Requires a non-empty, ill-formed beginning.
[[nodiscard]] std::size_t utf8_ill_formed_length(std::string_view bytes);

/// The bytes, with U+FFFD wherever they are not well-formed.
[[nodiscard]] std::string repaired_utf8(std::string_view bytes);

}  // namespace hf
