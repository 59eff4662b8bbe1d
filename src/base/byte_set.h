// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include "base/bitmap.h"

namespace hf {

/// A set of byte values, asked about 64 bytes at a time: which rows of a page have one of the codes
/// that a question names.
class ByteSet {
 public:
  void insert(std::uint8_t value) {
    std::uint8_t& bits = nibbles_[value / 128][value % 16];
    bits = static_cast<std::uint8_t>(bits | (1u << (value / 16 % 8)));
  }
  [[nodiscard]] bool contains(std::uint8_t value) const {
    return (nibbles_[value / 128][value % 16] >> (value / 16 % 8) & 1) != 0;
  }

  /// Sets bit i of rows[w] exactly where bytes[64 w + i] is in the set. All widths give the same.
  /// Requires width <= widest_simd().
  void find(const std::uint8_t* bytes, std::size_t words, std::uint64_t* rows,
            SimdWidth width = chosen_simd()) const;

  /// Bit h % 8 of nibbles()[h / 8][l] says whether value 16 h + l is in the set.
  using Nibbles = std::array<std::array<std::uint8_t, 16>, 2>;
  [[nodiscard]] const Nibbles& nibbles() const { return nibbles_; }

 private:
  alignas(16) Nibbles nibbles_ = {};
};

}  // namespace hf
