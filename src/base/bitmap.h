// SPDX-License-Identifier: Apache-2.0
//
// What questions do with bitmaps, at the width of the processor they run on. All widths give the
// same results.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace hf {

/// How wide the processor's words are. Later ones include earlier ones.
enum class SimdWidth : std::uint8_t {
  sse42,   ///< What every build needs: POPCNT a word.
  avx2,    ///< Bits counted by table, 32 bytes at a time.
  avx512,  ///< With VPOPCNTDQ: 64 bytes at a time.
};
[[nodiscard]] std::string_view to_string(SimdWidth width);
/// The widest this processor has.
[[nodiscard]] SimdWidth widest_simd();
/// What HOLDFAST_SIMD (sse42, avx2, avx512) asks for, else the widest; never wider than that.
/// Read once.
[[nodiscard]] SimdWidth chosen_simd();

/// The operations of one width. `words` is a multiple of 8; nothing needs to be aligned.
struct BitmapKernels {
  /// into |= from
  void (*add)(std::uint64_t* into, const std::uint64_t* from, std::size_t words);
  /// into |= from & mask
  void (*add_masked)(std::uint64_t* into, const std::uint64_t* from, const std::uint64_t* mask,
                     std::size_t words);
  /// Bits of a
  std::uint64_t (*count)(const std::uint64_t* a, std::size_t words);
  /// Bits of a & b
  std::uint64_t (*count_and)(const std::uint64_t* a, const std::uint64_t* b, std::size_t words);
  /// out = a | b
  void (*unite)(std::uint64_t* out, const std::uint64_t* a, const std::uint64_t* b,
                std::size_t words);
  /// into |= from; bits of into | beside
  std::uint64_t (*add_and_count)(std::uint64_t* into, const std::uint64_t* from,
                                 const std::uint64_t* beside, std::size_t words);
  /// carry = into & from; into ^= from; from = carry: a digit of counters that lie bit by bit.
  /// True where any carry is left.
  bool (*add_digit)(std::uint64_t* into, std::uint64_t* from, std::size_t words);
};
/// Requires width <= widest_simd().
[[nodiscard]] const BitmapKernels& bitmap_kernels(SimdWidth width = chosen_simd());

}  // namespace hf
