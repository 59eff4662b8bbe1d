// SPDX-License-Identifier: Apache-2.0
#include "event/rejected_row.h"

#include "base/utf8.h"

namespace hf {

std::string excerpt_of(std::string_view text) {
  constexpr std::string_view replacement = "\xEF\xBF\xBD";
  text = text.substr(0, text.find_first_of("\r\n"));
  std::string excerpt;
  while (!text.empty()) {
    const std::size_t length = utf8_sequence_length(text);
    const std::string_view piece = length == 0 ? replacement : text.substr(0, length);
    if (excerpt.size() + piece.size() > excerpt_bytes_max) break;
    excerpt += piece;
    text.remove_prefix(length == 0 ? 1 : length);
  }
  return excerpt;
}

}  // namespace hf
