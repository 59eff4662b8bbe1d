// SPDX-License-Identifier: Apache-2.0
#include "base/equal_neighbours.h"

#include <algorithm>

#include "base/assert.h"

#if defined(__x86_64__)
// g++ 12 takes a placeholder within this header for a mistake (GCC bug 105593).
#pragma GCC diagnostic ignored "-Wuninitialized"
#include <immintrin.h>
#endif

namespace hf {
namespace {

// Rows [first, last) of one word, first > 0.
std::uint64_t word_of(const std::uint32_t* values, std::size_t first, std::size_t last) {
  std::uint64_t found = 0;
  for (std::size_t i = first; i < last; ++i) {
    found |= std::uint64_t{values[i] == values[i - 1]} << (i % 64);
  }
  return found;
}

#if defined(__x86_64__)

// Words [first, last), none of them the first and all of them whole.
void words_128(const std::uint32_t* values, std::size_t first, std::size_t last,
               std::uint64_t* rows) {
  const auto equal = [&](std::size_t i) {
    return _mm_cmpeq_epi32(_mm_loadu_si128(reinterpret_cast<const __m128i*>(values + i)),
                           _mm_loadu_si128(reinterpret_cast<const __m128i*>(values + i - 1)));
  };
  for (std::size_t w = first; w < last; ++w) {
    std::uint64_t found = 0;
    for (std::size_t at = 0; at < 64; at += 16) {
      const std::size_t i = w * 64 + at;
      const __m128i low = _mm_packs_epi32(equal(i), equal(i + 4));
      const __m128i high = _mm_packs_epi32(equal(i + 8), equal(i + 12));
      const int mask = _mm_movemask_epi8(_mm_packs_epi16(low, high));
      found |= std::uint64_t{static_cast<std::uint16_t>(mask)} << at;
    }
    rows[w] = found;
  }
}

[[gnu::target("avx512f,avx512bw,avx512vl")]] void words_512(const std::uint32_t* values,
                                                            std::size_t first, std::size_t last,
                                                            std::uint64_t* rows) {
  for (std::size_t w = first; w < last; ++w) {
    std::uint64_t found = 0;
    for (std::size_t at = 0; at < 64; at += 16) {
      const std::uint32_t* const from = values + w * 64 + at;
      const __mmask16 mask =
          _mm512_cmpeq_epi32_mask(_mm512_loadu_si512(from), _mm512_loadu_si512(from - 1));
      found |= std::uint64_t{mask} << at;
    }
    rows[w] = found;
  }
}

#endif

}  // namespace

void find_equal_neighbours(std::span<const std::uint32_t> values, std::uint64_t* rows,
                           SimdWidth width) {
  HF_ASSERT(width <= widest_simd());
  if (values.empty()) return;
  const std::size_t whole = values.size() / 64;
  rows[0] = word_of(values.data(), 1, std::min<std::size_t>(64, values.size()));
#if defined(__x86_64__)
  if (whole > 1) {
    const bool is_wide = width == SimdWidth::avx512;
    (is_wide ? words_512 : words_128)(values.data(), 1, whole, rows);
  }
#else
  for (std::size_t w = 1; w < whole; ++w) rows[w] = word_of(values.data(), w * 64, (w + 1) * 64);
#endif
  if (whole > 0 && values.size() % 64 != 0) {
    rows[whole] = word_of(values.data(), whole * 64, values.size());
  }
}

}  // namespace hf
