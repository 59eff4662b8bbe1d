// SPDX-License-Identifier: Apache-2.0
#include "base/byte_bits.h"

#include "base/assert.h"

#if defined(__x86_64__)
// g++ 12 takes a placeholder within this header for a mistake (GCC bug 105593).
#pragma GCC diagnostic ignored "-Wuninitialized"
#include <immintrin.h>
#endif

namespace hf {
namespace {

using Rows = std::span<const std::uint64_t* const>;

#if defined(__x86_64__)

#define HF_AVX2 [[gnu::target("avx2")]]
#define HF_AVX512 [[gnu::target("avx512f,avx512bw,avx512vl")]]

void together_128(Rows rows, std::size_t words, std::uint8_t* bytes) {
  const __m128i halves = _mm_setr_epi8(0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 1, 1, 1, 1);
  const __m128i bit_of = _mm_setr_epi8(1, 2, 4, 8, 16, 32, 64, -128, 1, 2, 4, 8, 16, 32, 64, -128);
  for (std::size_t w = 0; w < words; ++w) {
    for (std::size_t at = 0; at < 64; at += 16) {
      __m128i sum = _mm_setzero_si128();
      for (std::size_t k = 0; k < rows.size(); ++k) {
        const __m128i all = _mm_shuffle_epi8(
            _mm_cvtsi32_si128(static_cast<int>(rows[k][w] >> at & 0xffff)), halves);
        const __m128i set = _mm_cmpeq_epi8(_mm_and_si128(all, bit_of), bit_of);
        sum = _mm_or_si128(sum, _mm_and_si128(set, _mm_set1_epi8(static_cast<char>(1u << k))));
      }
      _mm_storeu_si128(reinterpret_cast<__m128i*>(bytes + w * 64 + at), sum);
    }
  }
}

void apart_128(const std::uint8_t* bytes, std::size_t words, std::size_t count,
               std::uint64_t* rows) {
  for (std::size_t w = 0; w < words; ++w) {
    __m128i values[4];
    for (std::size_t i = 0; i < 4; ++i) {
      values[i] = _mm_loadu_si128(reinterpret_cast<const __m128i*>(bytes + w * 64 + i * 16));
    }
    for (std::size_t k = 0; k < count; ++k) {
      const __m128i to_top = _mm_cvtsi32_si128(static_cast<int>(7 - k));
      std::uint64_t found = 0;
      for (std::size_t i = 0; i < 4; ++i) {
        const int top = _mm_movemask_epi8(_mm_sll_epi16(values[i], to_top));
        found |= std::uint64_t{static_cast<std::uint16_t>(top)} << (i * 16);
      }
      rows[k * words + w] = found;
    }
  }
}

HF_AVX2 void together_256(Rows rows, std::size_t words, std::uint8_t* bytes) {
  const __m256i quarters = _mm256_setr_epi8(0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 1, 1, 1, 1, 2, 2, 2,
                                            2, 2, 2, 2, 2, 3, 3, 3, 3, 3, 3, 3, 3);
  const __m256i bit_of = _mm256_set1_epi64x(static_cast<long long>(0x8040201008040201u));
  for (std::size_t w = 0; w < words; ++w) {
    for (std::size_t at = 0; at < 64; at += 32) {
      __m256i sum = _mm256_setzero_si256();
      for (std::size_t k = 0; k < rows.size(); ++k) {
        const __m256i all = _mm256_shuffle_epi8(
            _mm256_set1_epi32(static_cast<int>(static_cast<std::uint32_t>(rows[k][w] >> at))),
            quarters);
        const __m256i set = _mm256_cmpeq_epi8(_mm256_and_si256(all, bit_of), bit_of);
        sum = _mm256_or_si256(sum,
                              _mm256_and_si256(set, _mm256_set1_epi8(static_cast<char>(1u << k))));
      }
      _mm256_storeu_si256(reinterpret_cast<__m256i*>(bytes + w * 64 + at), sum);
    }
  }
}

HF_AVX2 void apart_256(const std::uint8_t* bytes, std::size_t words, std::size_t count,
                       std::uint64_t* rows) {
  for (std::size_t w = 0; w < words; ++w) {
    const auto* const from = reinterpret_cast<const __m256i*>(bytes + w * 64);
    const __m256i low = _mm256_loadu_si256(from);
    const __m256i high = _mm256_loadu_si256(from + 1);
    for (std::size_t k = 0; k < count; ++k) {
      const __m128i to_top = _mm_cvtsi32_si128(static_cast<int>(7 - k));
      const int low_top = _mm256_movemask_epi8(_mm256_sll_epi16(low, to_top));
      const int high_top = _mm256_movemask_epi8(_mm256_sll_epi16(high, to_top));
      rows[k * words + w] = std::uint64_t{static_cast<std::uint32_t>(low_top)} |
                            std::uint64_t{static_cast<std::uint32_t>(high_top)} << 32;
    }
  }
}

HF_AVX512 void together_512(Rows rows, std::size_t words, std::uint8_t* bytes) {
  for (std::size_t w = 0; w < words; ++w) {
    __m512i sum = _mm512_setzero_si512();
    for (std::size_t k = 0; k < rows.size(); ++k) {
      sum = _mm512_or_si512(
          sum, _mm512_maskz_mov_epi8(rows[k][w], _mm512_set1_epi8(static_cast<char>(1u << k))));
    }
    _mm512_storeu_si512(bytes + w * 64, sum);
  }
}

HF_AVX512 void apart_512(const std::uint8_t* bytes, std::size_t words, std::size_t count,
                         std::uint64_t* rows) {
  for (std::size_t w = 0; w < words; ++w) {
    const __m512i values = _mm512_loadu_si512(bytes + w * 64);
    for (std::size_t k = 0; k < count; ++k) {
      rows[k * words + w] =
          _mm512_test_epi8_mask(values, _mm512_set1_epi8(static_cast<char>(1u << k)));
    }
  }
}

#endif

}  // namespace

void put_bits_together(Rows rows, std::size_t words, std::uint8_t* bytes, SimdWidth width) {
  HF_ASSERT(rows.size() <= bits_of_byte && width <= widest_simd());
#if defined(__x86_64__)
  switch (width) {
    case SimdWidth::sse42: together_128(rows, words, bytes); return;
    case SimdWidth::avx2: together_256(rows, words, bytes); return;
    case SimdWidth::avx512: together_512(rows, words, bytes); return;
  }
#else
  for (std::size_t i = 0; i < words * 64; ++i) {
    bytes[i] = 0;
    for (std::size_t k = 0; k < rows.size(); ++k) {
      bytes[i] |= static_cast<std::uint8_t>((rows[k][i / 64] >> (i % 64) & 1u) << k);
    }
  }
#endif
}

void take_bits_apart(const std::uint8_t* bytes, std::size_t words, std::size_t count,
                     std::uint64_t* rows, SimdWidth width) {
  HF_ASSERT(count <= bits_of_byte && width <= widest_simd());
#if defined(__x86_64__)
  switch (width) {
    case SimdWidth::sse42: apart_128(bytes, words, count, rows); return;
    case SimdWidth::avx2: apart_256(bytes, words, count, rows); return;
    case SimdWidth::avx512: apart_512(bytes, words, count, rows); return;
  }
#else
  for (std::size_t k = 0; k < count; ++k) {
    for (std::size_t w = 0; w < words; ++w) {
      rows[k * words + w] = 0;
      for (std::size_t i = 0; i < 64; ++i) {
        rows[k * words + w] |= std::uint64_t{bytes[w * 64 + i] >> k & 1u} << i;
      }
    }
  }
#endif
}

}  // namespace hf
