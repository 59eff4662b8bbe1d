// SPDX-License-Identifier: Apache-2.0
//
// The input is two numbers with a line between them, or it is no number.
#include <algorithm>
#include <cstddef>
#include <cstdint>

#include "base/assert.h"
#include "base/decimal.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const std::size_t cut = std::min(text.find('\n'), text.size());
  const std::string_view a = text.substr(0, cut);
  const std::string_view b = text.substr(std::min(cut + 1, text.size()));
  const auto left = hf::parse_decimal(a);
  HF_ASSERT(!left || hf::is_number(a));
  if (!hf::is_number(a) || !hf::is_number(b)) return 0;
  const std::string canonical = hf::canonical_number(a);
  HF_ASSERT(hf::canonical_number(canonical) == canonical);
  HF_ASSERT(hf::compare_numbers(a, canonical) == 0);
  HF_ASSERT(hf::parse_decimal(canonical) == left);
  HF_ASSERT(!left || left->to_string() == canonical);
  const auto order = hf::compare_numbers(a, b);
  HF_ASSERT((order == 0) == (canonical == hf::canonical_number(b)));
  HF_ASSERT((hf::compare_numbers(b, a) < 0) == (order > 0));
  const auto right = hf::parse_decimal(b);
  HF_ASSERT(!left || !right || (*left <=> *right) == order);
  return 0;
}
