// SPDX-License-Identifier: Apache-2.0
#include "base/bitmap.h"

#include <algorithm>
#include <bit>
#include <cstdlib>

#if defined(__x86_64__)
// g++ 12 takes a placeholder within this header for a mistake (GCC bug 105593).
#pragma GCC diagnostic ignored "-Wuninitialized"
#include <immintrin.h>
#endif

#include "base/assert.h"

namespace hf {
namespace {

// One word at a time: what the others must equal, and all there is on other processors.
void add_words(std::uint64_t* into, const std::uint64_t* from, std::size_t words) {
  for (std::size_t i = 0; i < words; ++i) into[i] |= from[i];
}
void add_masked_words(std::uint64_t* into, const std::uint64_t* from, const std::uint64_t* mask,
                      std::size_t words) {
  for (std::size_t i = 0; i < words; ++i) into[i] |= from[i] & mask[i];
}
std::uint64_t count_words(const std::uint64_t* a, std::size_t words) {
  std::uint64_t bits = 0;
  for (std::size_t i = 0; i < words; ++i) bits += static_cast<unsigned>(std::popcount(a[i]));
  return bits;
}
std::uint64_t count_and_words(const std::uint64_t* a, const std::uint64_t* b, std::size_t words) {
  std::uint64_t bits = 0;
  for (std::size_t i = 0; i < words; ++i) bits += static_cast<unsigned>(std::popcount(a[i] & b[i]));
  return bits;
}
void unite_words(std::uint64_t* out, const std::uint64_t* a, const std::uint64_t* b,
                 std::size_t words) {
  for (std::size_t i = 0; i < words; ++i) out[i] = a[i] | b[i];
}
std::uint64_t add_and_count_words(std::uint64_t* into, const std::uint64_t* from,
                                  const std::uint64_t* beside, std::size_t words) {
  std::uint64_t bits = 0;
  for (std::size_t i = 0; i < words; ++i) {
    into[i] |= from[i];
    bits += static_cast<unsigned>(std::popcount(into[i] | beside[i]));
  }
  return bits;
}
bool add_digit_words(std::uint64_t* into, std::uint64_t* from, std::size_t words) {
  std::uint64_t any = 0;
  for (std::size_t i = 0; i < words; ++i) {
    const std::uint64_t carry = into[i] & from[i];
    into[i] ^= from[i];
    from[i] = carry;
    any |= carry;
  }
  return any != 0;
}

constexpr BitmapKernels word_kernels{add_words,       add_masked_words, count_words,
                                     count_and_words, unite_words,      add_and_count_words,
                                     add_digit_words};

#if defined(__x86_64__)

#define HF_AVX2 [[gnu::target("avx2")]]
#define HF_AVX512 [[gnu::target("avx512f,avx512bw,avx512vl,avx512vpopcntdq")]]

HF_AVX2 inline __m256i load256(const std::uint64_t* at) {
  return _mm256_loadu_si256(reinterpret_cast<const __m256i*>(at));
}

// The bits of each byte by two looks into a table of 16, summed to four words (Mula, Kurz, Lemire,
// "Faster Population Counts Using AVX2 Instructions", 2018, section 4).
HF_AVX2 inline __m256i counts256(__m256i value) {
  const __m256i table = _mm256_setr_epi8(0, 1, 1, 2, 1, 2, 2, 3, 1, 2, 2, 3, 2, 3, 3, 4, 0, 1, 1, 2,
                                         1, 2, 2, 3, 1, 2, 2, 3, 2, 3, 3, 4);
  const __m256i low_half = _mm256_set1_epi8(0x0f);
  const __m256i low = _mm256_shuffle_epi8(table, _mm256_and_si256(value, low_half));
  const __m256i high =
      _mm256_shuffle_epi8(table, _mm256_and_si256(_mm256_srli_epi16(value, 4), low_half));
  return _mm256_sad_epu8(_mm256_add_epi8(low, high), _mm256_setzero_si256());
}

HF_AVX2 inline std::uint64_t sum256(__m256i sums) {
  const __m128i halves =
      _mm_add_epi64(_mm256_castsi256_si128(sums), _mm256_extracti128_si256(sums, 1));
  return static_cast<std::uint64_t>(_mm_cvtsi128_si64(halves)) +
         static_cast<std::uint64_t>(_mm_extract_epi64(halves, 1));
}

HF_AVX2 void add_256(std::uint64_t* into, const std::uint64_t* from, std::size_t words) {
  for (std::size_t i = 0; i < words; i += 4) {
    _mm256_storeu_si256(reinterpret_cast<__m256i*>(into + i),
                        _mm256_or_si256(load256(into + i), load256(from + i)));
  }
}
HF_AVX2 void add_masked_256(std::uint64_t* into, const std::uint64_t* from,
                            const std::uint64_t* mask, std::size_t words) {
  for (std::size_t i = 0; i < words; i += 4) {
    const __m256i more = _mm256_and_si256(load256(from + i), load256(mask + i));
    _mm256_storeu_si256(reinterpret_cast<__m256i*>(into + i),
                        _mm256_or_si256(load256(into + i), more));
  }
}
HF_AVX2 std::uint64_t count_256(const std::uint64_t* a, std::size_t words) {
  __m256i sums = _mm256_setzero_si256();
  for (std::size_t i = 0; i < words; i += 4) {
    sums = _mm256_add_epi64(sums, counts256(load256(a + i)));
  }
  return sum256(sums);
}
HF_AVX2 std::uint64_t count_and_256(const std::uint64_t* a, const std::uint64_t* b,
                                    std::size_t words) {
  __m256i sums = _mm256_setzero_si256();
  for (std::size_t i = 0; i < words; i += 4) {
    sums = _mm256_add_epi64(sums, counts256(_mm256_and_si256(load256(a + i), load256(b + i))));
  }
  return sum256(sums);
}
HF_AVX2 inline void store256(std::uint64_t* at, __m256i value) {
  _mm256_storeu_si256(reinterpret_cast<__m256i*>(at), value);
}
HF_AVX2 void unite_256(std::uint64_t* out, const std::uint64_t* a, const std::uint64_t* b,
                       std::size_t words) {
  for (std::size_t i = 0; i < words; i += 4) {
    store256(out + i, _mm256_or_si256(load256(a + i), load256(b + i)));
  }
}
HF_AVX2 std::uint64_t add_and_count_256(std::uint64_t* into, const std::uint64_t* from,
                                        const std::uint64_t* beside, std::size_t words) {
  __m256i sums = _mm256_setzero_si256();
  for (std::size_t i = 0; i < words; i += 4) {
    const __m256i sum = _mm256_or_si256(load256(into + i), load256(from + i));
    store256(into + i, sum);
    sums = _mm256_add_epi64(sums, counts256(_mm256_or_si256(sum, load256(beside + i))));
  }
  return sum256(sums);
}
HF_AVX2 bool add_digit_256(std::uint64_t* into, std::uint64_t* from, std::size_t words) {
  __m256i any = _mm256_setzero_si256();
  for (std::size_t i = 0; i < words; i += 4) {
    const __m256i a = load256(into + i);
    const __m256i b = load256(from + i);
    const __m256i carry = _mm256_and_si256(a, b);
    store256(into + i, _mm256_xor_si256(a, b));
    store256(from + i, carry);
    any = _mm256_or_si256(any, carry);
  }
  return _mm256_testz_si256(any, any) == 0;
}

HF_AVX512 void add_512(std::uint64_t* into, const std::uint64_t* from, std::size_t words) {
  for (std::size_t i = 0; i < words; i += 8) {
    _mm512_storeu_si512(
        into + i, _mm512_or_si512(_mm512_loadu_si512(into + i), _mm512_loadu_si512(from + i)));
  }
}
HF_AVX512 void add_masked_512(std::uint64_t* into, const std::uint64_t* from,
                              const std::uint64_t* mask, std::size_t words) {
  for (std::size_t i = 0; i < words; i += 8) {
    const __m512i more =
        _mm512_and_si512(_mm512_loadu_si512(from + i), _mm512_loadu_si512(mask + i));
    _mm512_storeu_si512(into + i, _mm512_or_si512(_mm512_loadu_si512(into + i), more));
  }
}
HF_AVX512 std::uint64_t count_512(const std::uint64_t* a, std::size_t words) {
  __m512i sums = _mm512_setzero_si512();
  for (std::size_t i = 0; i < words; i += 8) {
    sums = _mm512_add_epi64(sums, _mm512_popcnt_epi64(_mm512_loadu_si512(a + i)));
  }
  return static_cast<std::uint64_t>(_mm512_reduce_add_epi64(sums));
}
HF_AVX512 std::uint64_t count_and_512(const std::uint64_t* a, const std::uint64_t* b,
                                      std::size_t words) {
  __m512i sums = _mm512_setzero_si512();
  for (std::size_t i = 0; i < words; i += 8) {
    const __m512i both = _mm512_and_si512(_mm512_loadu_si512(a + i), _mm512_loadu_si512(b + i));
    sums = _mm512_add_epi64(sums, _mm512_popcnt_epi64(both));
  }
  return static_cast<std::uint64_t>(_mm512_reduce_add_epi64(sums));
}
HF_AVX512 void unite_512(std::uint64_t* out, const std::uint64_t* a, const std::uint64_t* b,
                         std::size_t words) {
  for (std::size_t i = 0; i < words; i += 8) {
    _mm512_storeu_si512(out + i,
                        _mm512_or_si512(_mm512_loadu_si512(a + i), _mm512_loadu_si512(b + i)));
  }
}
HF_AVX512 std::uint64_t add_and_count_512(std::uint64_t* into, const std::uint64_t* from,
                                          const std::uint64_t* beside, std::size_t words) {
  __m512i sums = _mm512_setzero_si512();
  for (std::size_t i = 0; i < words; i += 8) {
    const __m512i sum = _mm512_or_si512(_mm512_loadu_si512(into + i), _mm512_loadu_si512(from + i));
    _mm512_storeu_si512(into + i, sum);
    const __m512i all = _mm512_or_si512(sum, _mm512_loadu_si512(beside + i));
    sums = _mm512_add_epi64(sums, _mm512_popcnt_epi64(all));
  }
  return static_cast<std::uint64_t>(_mm512_reduce_add_epi64(sums));
}
HF_AVX512 bool add_digit_512(std::uint64_t* into, std::uint64_t* from, std::size_t words) {
  __m512i any = _mm512_setzero_si512();
  for (std::size_t i = 0; i < words; i += 8) {
    const __m512i a = _mm512_loadu_si512(into + i);
    const __m512i b = _mm512_loadu_si512(from + i);
    const __m512i carry = _mm512_and_si512(a, b);
    _mm512_storeu_si512(into + i, _mm512_xor_si512(a, b));
    _mm512_storeu_si512(from + i, carry);
    any = _mm512_or_si512(any, carry);
  }
  return _mm512_test_epi64_mask(any, any) != 0;
}

constexpr BitmapKernels avx2_kernels{add_256,   add_masked_256,    count_256,    count_and_256,
                                     unite_256, add_and_count_256, add_digit_256};
constexpr BitmapKernels avx512_kernels{add_512,   add_masked_512,    count_512,    count_and_512,
                                       unite_512, add_and_count_512, add_digit_512};

#endif

}  // namespace

std::string_view to_string(SimdWidth width) {
  switch (width) {
    case SimdWidth::sse42: return "sse42";
    case SimdWidth::avx2: return "avx2";
    case SimdWidth::avx512: return "avx512";
  }
  HF_ASSERT(false);
  return {};
}

SimdWidth widest_simd() {
#if defined(__x86_64__)
  if (__builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512vl") &&
      __builtin_cpu_supports("avx512vpopcntdq")) {
    return SimdWidth::avx512;
  }
  if (__builtin_cpu_supports("avx2")) return SimdWidth::avx2;
#endif
  return SimdWidth::sse42;
}

SimdWidth chosen_simd() {
  static const SimdWidth chosen = [] {
    const char* asked = std::getenv("HOLDFAST_SIMD");
    for (const SimdWidth width : {SimdWidth::sse42, SimdWidth::avx2}) {
      if (asked != nullptr && to_string(width) == asked) return std::min(width, widest_simd());
    }
    return widest_simd();
  }();
  return chosen;
}

const BitmapKernels& bitmap_kernels(SimdWidth width) {
  HF_ASSERT(width <= widest_simd());
#if defined(__x86_64__)
  if (width == SimdWidth::avx512) return avx512_kernels;
  if (width == SimdWidth::avx2) return avx2_kernels;
#endif
  return word_kernels;
}

}  // namespace hf
