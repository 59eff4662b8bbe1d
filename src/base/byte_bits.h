// SPDX-License-Identifier: Apache-2.0
//
// Up to eight bits of each row side by side in one byte, and back. Where a few rows are to be taken
// from here and a few from there, bytes are simply copied; asked about, they are bits again.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "base/bitmap.h"

namespace hf {

inline constexpr std::size_t bits_of_byte = 8;

/// Bit k of bytes[64 w + i] becomes bit i of rows[k][w], others 0. At most bits_of_byte rows, of
/// `words` words each. All widths give the same. Requires width <= widest_simd().
void put_bits_together(std::span<const std::uint64_t* const> rows, std::size_t words,
                       std::uint8_t* bytes, SimdWidth width = chosen_simd());

/// The reverse: bit i of rows[k * words + w] becomes bit k of bytes[64 w + i], for each k < count.
void take_bits_apart(const std::uint8_t* bytes, std::size_t words, std::size_t count,
                     std::uint64_t* rows, SimdWidth width = chosen_simd());

}  // namespace hf
