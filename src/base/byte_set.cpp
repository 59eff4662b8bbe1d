// SPDX-License-Identifier: Apache-2.0
//
// Membership of many bytes at once is two table lookups in registers (the halves of a 256-bit set,
// chosen by the low nibble), a choice by the top bit and a test of the bit that the high nibble
// names (the nibble lookup of Mula and Lemire, and of Langdale and Lemire, 2019).
#include "base/byte_set.h"

#include "base/assert.h"

#if defined(__x86_64__)
// g++ 12 takes a placeholder within this header for a mistake (GCC bug 105593).
#pragma GCC diagnostic ignored "-Wuninitialized"
#include <immintrin.h>
#endif

namespace hf {
namespace {

using Nibbles = ByteSet::Nibbles;

#if defined(__x86_64__)

#define HF_AVX2 [[gnu::target("avx2")]]
#define HF_AVX512 [[gnu::target("avx512f,avx512bw,avx512vl")]]

// What the processor fetches by itself ends with each 4 KiB.
void fetch_ahead(const std::uint8_t* bytes) {
  _mm_prefetch(reinterpret_cast<const char*>(bytes + 2'048), _MM_HINT_T0);
}

void find_128(const Nibbles& nibbles, const std::uint8_t* bytes, std::size_t words,
              std::uint64_t* rows) {
  const auto load = [](const void* from) {
    return _mm_loadu_si128(static_cast<const __m128i*>(from));
  };
  const __m128i low_half = load(nibbles[0].data());
  const __m128i high_half = load(nibbles[1].data());
  const __m128i bit_of = _mm_setr_epi8(1, 2, 4, 8, 16, 32, 64, -128, 1, 2, 4, 8, 16, 32, 64, -128);
  const __m128i nibble = _mm_set1_epi8(0x0f);
  for (std::size_t w = 0; w < words; ++w) {
    std::uint64_t found = 0;
    for (std::size_t at = 0; at < 64; at += 16) {
      const __m128i values = load(bytes + w * 64 + at);
      const __m128i low = _mm_and_si128(values, nibble);
      const __m128i high = _mm_and_si128(_mm_srli_epi16(values, 4), nibble);
      const __m128i bits = _mm_blendv_epi8(_mm_shuffle_epi8(low_half, low),
                                           _mm_shuffle_epi8(high_half, low), values);
      const __m128i wanted = _mm_shuffle_epi8(bit_of, high);
      const __m128i hits = _mm_cmpeq_epi8(_mm_and_si128(bits, wanted), wanted);
      found |= std::uint64_t{static_cast<std::uint16_t>(_mm_movemask_epi8(hits))} << at;
    }
    rows[w] = found;
  }
}

HF_AVX2 inline __m256i twice(const void* table) {
  return _mm256_broadcastsi128_si256(_mm_loadu_si128(static_cast<const __m128i*>(table)));
}
alignas(16) constexpr std::uint8_t bits_by_nibble[16] = {1, 2, 4, 8, 16, 32, 64, 128,
                                                         1, 2, 4, 8, 16, 32, 64, 128};

HF_AVX2 void find_256(const Nibbles& nibbles, const std::uint8_t* bytes, std::size_t words,
                      std::uint64_t* rows) {
  const __m256i low_half = twice(nibbles[0].data());
  const __m256i high_half = twice(nibbles[1].data());
  const __m256i bit_of = twice(bits_by_nibble);
  const __m256i nibble = _mm256_set1_epi8(0x0f);
  for (std::size_t w = 0; w < words; ++w) {
    fetch_ahead(bytes + w * 64);
    std::uint64_t found = 0;
    for (std::size_t at = 0; at < 64; at += 32) {
      const __m256i values =
          _mm256_loadu_si256(reinterpret_cast<const __m256i*>(bytes + w * 64 + at));
      const __m256i low = _mm256_and_si256(values, nibble);
      const __m256i high = _mm256_and_si256(_mm256_srli_epi16(values, 4), nibble);
      const __m256i bits = _mm256_blendv_epi8(_mm256_shuffle_epi8(low_half, low),
                                              _mm256_shuffle_epi8(high_half, low), values);
      const __m256i wanted = _mm256_shuffle_epi8(bit_of, high);
      const __m256i hits = _mm256_cmpeq_epi8(_mm256_and_si256(bits, wanted), wanted);
      found |= std::uint64_t{static_cast<std::uint32_t>(_mm256_movemask_epi8(hits))} << at;
    }
    rows[w] = found;
  }
}

HF_AVX512 inline __m512i four_times(const void* table) {
  return _mm512_broadcast_i32x4(_mm_loadu_si128(static_cast<const __m128i*>(table)));
}

HF_AVX512 void find_512(const Nibbles& nibbles, const std::uint8_t* bytes, std::size_t words,
                        std::uint64_t* rows) {
  const __m512i low_half = four_times(nibbles[0].data());
  const __m512i high_half = four_times(nibbles[1].data());
  const __m512i bit_of = four_times(bits_by_nibble);
  const __m512i nibble = _mm512_set1_epi8(0x0f);
  for (std::size_t w = 0; w < words; ++w) {
    fetch_ahead(bytes + w * 64);
    const __m512i values = _mm512_loadu_si512(bytes + w * 64);
    const __m512i low = _mm512_and_si512(values, nibble);
    const __m512i high = _mm512_and_si512(_mm512_srli_epi16(values, 4), nibble);
    const __m512i bits =
        _mm512_mask_blend_epi8(_mm512_movepi8_mask(values), _mm512_shuffle_epi8(low_half, low),
                               _mm512_shuffle_epi8(high_half, low));
    rows[w] = _mm512_test_epi8_mask(bits, _mm512_shuffle_epi8(bit_of, high));
  }
}

#endif

}  // namespace

void ByteSet::find(const std::uint8_t* bytes, std::size_t words, std::uint64_t* rows,
                   SimdWidth width) const {
  HF_ASSERT(width <= widest_simd());
#if defined(__x86_64__)
  switch (width) {
    case SimdWidth::sse42: find_128(nibbles_, bytes, words, rows); return;
    case SimdWidth::avx2: find_256(nibbles_, bytes, words, rows); return;
    case SimdWidth::avx512: find_512(nibbles_, bytes, words, rows); return;
  }
#else
  for (std::size_t w = 0; w < words; ++w) {
    rows[w] = 0;
    for (std::size_t i = 0; i < 64; ++i) {
      rows[w] |= std::uint64_t{contains(bytes[w * 64 + i])} << i;
    }
  }
#endif
}

}  // namespace hf
