// SPDX-License-Identifier: Apache-2.0
#include "base/utf8.h"

#include <cstdint>
#include <cstring>

#include "base/assert.h"

namespace hf {
namespace {

// What a lead byte asks for: the length, and the range of the second byte, which is where overlong
// forms (E0, F0), surrogates (ED) and values above U+10FFFF (F4) are kept out.
struct Lead {
  std::size_t length;
  std::uint8_t second_min;
  std::uint8_t second_max;
};

Lead classify(std::uint8_t byte) {
  if (byte < 0x80) return {1, 0, 0};
  if (byte < 0xC2) return {0, 0, 0};
  if (byte < 0xE0) return {2, 0x80, 0xBF};
  if (byte == 0xE0) return {3, 0xA0, 0xBF};
  if (byte == 0xED) return {3, 0x80, 0x9F};
  if (byte < 0xF0) return {3, 0x80, 0xBF};
  if (byte == 0xF0) return {4, 0x90, 0xBF};
  if (byte < 0xF4) return {4, 0x80, 0xBF};
  if (byte == 0xF4) return {4, 0x80, 0x8F};
  return {0, 0, 0};
}

// How many bytes at the beginning could still become the sequence that `lead` announces.
std::size_t matching_length(std::string_view bytes, const Lead& lead) {
  std::size_t n = 1;
  for (; n < lead.length && n < bytes.size(); ++n) {
    const auto byte = static_cast<std::uint8_t>(bytes[n]);
    const bool fits =
        n == 1 ? byte >= lead.second_min && byte <= lead.second_max : (byte & 0xC0) == 0x80;
    if (!fits) break;
  }
  return n;
}

}  // namespace

std::size_t utf8_sequence_length(std::string_view bytes) {
  if (bytes.empty()) return 0;
  const Lead lead = classify(static_cast<std::uint8_t>(bytes[0]));
  if (lead.length == 0) return 0;
  return matching_length(bytes, lead) == lead.length ? lead.length : 0;
}

std::size_t utf8_valid_prefix(std::string_view bytes) {
  std::size_t at = 0;
  while (at < bytes.size()) {
    if (bytes.size() - at >= 8) {  // Most text is ASCII: eight bytes in one test.
      std::uint64_t word;
      std::memcpy(&word, bytes.data() + at, sizeof word);
      if ((word & 0x8080808080808080u) == 0) {
        at += 8;
        continue;
      }
    }
    const std::size_t length = utf8_sequence_length(bytes.substr(at));
    if (length == 0) break;
    at += length;
  }
  return at;
}

std::size_t utf8_ill_formed_length(std::string_view bytes) {
  HF_ASSERT(!bytes.empty());
  HF_ASSERT(utf8_sequence_length(bytes) == 0);
  return matching_length(bytes, classify(static_cast<std::uint8_t>(bytes[0])));
}

std::string repaired_utf8(std::string_view bytes) {
  std::string out;
  while (true) {
    const std::size_t valid = utf8_valid_prefix(bytes);
    out += bytes.substr(0, valid);
    bytes.remove_prefix(valid);
    if (bytes.empty()) return out;
    out += "\xEF\xBF\xBD";
    bytes.remove_prefix(utf8_ill_formed_length(bytes));
  }
}

}  // namespace hf
