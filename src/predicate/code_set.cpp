// SPDX-License-Identifier: Apache-2.0
//
// Most dictionaries asked about are small: event names, plans, countries. With at most 255 codes a
// row's code fits a byte, and membership of 16 bytes at once is two table lookups in registers (the
// halves of a 256-bit set, chosen by the low nibble), a choice by the top bit and a test of the bit
// that the high nibble names (the nibble lookup of Mula & Lemire and of Langdale & Lemire 2019).
// In larger dictionaries a few codes are compared one by one, many are looked up in a table.
#include "predicate/code_set.h"

#include <algorithm>
#include <limits>
#include <type_traits>

#include "base/assert.h"

#if defined(__SSE4_1__)
#include <smmintrin.h>
#endif

namespace hf {
namespace {

#if defined(__SSE4_1__)

__m128i load(const void* from) { return _mm_loadu_si128(static_cast<const __m128i*>(from)); }

// 16 codes as bytes, 255 standing for all codes from 255 on.
__m128i bytes_of_16(const std::uint16_t* codes) {
  const __m128i most = _mm_set1_epi16(255);
  return _mm_packus_epi16(_mm_min_epu16(load(codes), most), _mm_min_epu16(load(codes + 8), most));
}

__m128i bytes_of_16(const std::uint32_t* codes) {
  const __m128i most = _mm_set1_epi32(255);
  const auto four = [&](int at) { return _mm_min_epu32(load(codes + at), most); };
  return _mm_packus_epi16(_mm_packus_epi32(four(0), four(4)), _mm_packus_epi32(four(8), four(12)));
}

// Sets bit i where test(8 or 4 codes at i) has all bits of that lane set.
template <class Test>
std::uint64_t rows_where(const std::uint16_t* codes, Test&& test) {
  std::uint64_t rows = 0;
  for (int at = 0; at < 64; at += 16) {
    const __m128i hits = _mm_packs_epi16(test(load(codes + at)), test(load(codes + at + 8)));
    rows |= std::uint64_t{static_cast<std::uint16_t>(_mm_movemask_epi8(hits))} << at;
  }
  return rows;
}

template <class Test>
std::uint64_t rows_where(const std::uint32_t* codes, Test&& test) {
  std::uint64_t rows = 0;
  for (int at = 0; at < 64; at += 16) {
    const auto four = [&](int i) { return test(load(codes + at + i)); };
    const __m128i hits =
        _mm_packs_epi16(_mm_packs_epi32(four(0), four(4)), _mm_packs_epi32(four(8), four(12)));
    rows |= std::uint64_t{static_cast<std::uint16_t>(_mm_movemask_epi8(hits))} << at;
  }
  return rows;
}

template <class Code>
__m128i everywhere(std::uint32_t code) {
  if constexpr (sizeof(Code) == 2) {
    return _mm_set1_epi16(static_cast<short>(code));
  } else {
    return _mm_set1_epi32(static_cast<int>(code));
  }
}

template <class Code>
__m128i equal(__m128i a, __m128i b) {
  return sizeof(Code) == 2 ? _mm_cmpeq_epi16(a, b) : _mm_cmpeq_epi32(a, b);
}

template <class Code>
__m128i smaller(__m128i a, __m128i b) {
  return sizeof(Code) == 2 ? _mm_min_epu16(a, b) : _mm_min_epu32(a, b);
}

#endif

}  // namespace

CodeSet::CodeSet(std::vector<std::uint8_t> member)
    : size_(static_cast<std::uint32_t>(member.size())), member_(std::move(member)) {
  std::uint32_t kept = 0;
  for (std::uint32_t code = 0; code < size_; ++code) {
    if (member_[code] == 0) continue;
    member_[code] = 1;
    ++count_;
    if (kept < few_max) few_[kept++] = code;
    if (size_ <= nibbles_size_max) {
      std::uint8_t& bits = nibbles_[code / 128][code % 16];
      bits = static_cast<std::uint8_t>(bits | (1u << (code / 16 % 8)));
    }
  }
  for (std::size_t i = kept; i < few_max; ++i) few_[i] = few_[0];
  member_.push_back(0);
  method_ = count_ == 0                 ? Method::none
            : count_ == size_           ? Method::all
            : size_ <= nibbles_size_max ? Method::nibbles
            : count_ <= few_max         ? Method::few
                                        : Method::table;
}

std::uint64_t CodeSet::rows(std::span<const std::uint16_t> codes) const {
  return rows_of_any_count(codes);
}

std::uint64_t CodeSet::rows(std::span<const std::uint32_t> codes) const {
  return rows_of_any_count(codes);
}

template <class Code>
std::uint64_t CodeSet::rows_of_any_count(std::span<const Code> codes) const {
  HF_ASSERT(codes.size() <= 64);
  if (method_ == Method::none) return 0;
  if (codes.size() == 64) return rows_of_64(codes.data());
  std::array<Code, 64> padded;
  std::ranges::copy(codes, padded.begin());
  std::fill(padded.begin() + static_cast<std::ptrdiff_t>(codes.size()), padded.end(), Code{0});
  return rows_of_64(padded.data()) & ((std::uint64_t{1} << codes.size()) - 1);
}

template <class Code>
std::uint64_t CodeSet::rows_by_table(const Code* codes) const {
  std::uint64_t rows = 0;
  for (int i = 0; i < 64; ++i) {
    const std::uint32_t code = std::min<std::uint32_t>(codes[i], size_);
    rows |= std::uint64_t{member_[code]} << i;
  }
  return rows;
}

#if defined(__SSE4_1__)

template <class Code>
std::uint64_t CodeSet::rows_of_64(const Code* codes) const {
  switch (method_) {
    case Method::none: return 0;
    case Method::all: {
      // A 16-bit code cannot lie outside a dictionary that needs all 16 bits.
      if (size_ > std::numeric_limits<Code>::max()) return ~std::uint64_t{0};
      const __m128i last = everywhere<Code>(size_ - 1);
      return rows_where(codes,
                        [&](__m128i lane) { return equal<Code>(smaller<Code>(lane, last), lane); });
    }
    case Method::nibbles: {
      const __m128i low_half = load(nibbles_[0].data());
      const __m128i high_half = load(nibbles_[1].data());
      const __m128i bit_of =
          _mm_setr_epi8(1, 2, 4, 8, 16, 32, 64, -128, 1, 2, 4, 8, 16, 32, 64, -128);
      const __m128i nibble = _mm_set1_epi8(0x0f);
      std::uint64_t rows = 0;
      for (int at = 0; at < 64; at += 16) {
        const __m128i bytes = bytes_of_16(codes + at);
        const __m128i low = _mm_and_si128(bytes, nibble);
        const __m128i high = _mm_and_si128(_mm_srli_epi16(bytes, 4), nibble);
        const __m128i bits = _mm_blendv_epi8(_mm_shuffle_epi8(low_half, low),
                                             _mm_shuffle_epi8(high_half, low), bytes);
        const __m128i wanted = _mm_shuffle_epi8(bit_of, high);
        const __m128i hits = _mm_cmpeq_epi8(_mm_and_si128(bits, wanted), wanted);
        rows |= std::uint64_t{static_cast<std::uint16_t>(_mm_movemask_epi8(hits))} << at;
      }
      return rows;
    }
    case Method::few: {
      __m128i few[few_max];  // No std::array: g++ warns of the vector type as its argument.
      for (std::size_t i = 0; i < few_max; ++i) few[i] = everywhere<Code>(few_[i]);
      return rows_where(codes, [&](__m128i lane) {
        return _mm_or_si128(_mm_or_si128(equal<Code>(lane, few[0]), equal<Code>(lane, few[1])),
                            _mm_or_si128(equal<Code>(lane, few[2]), equal<Code>(lane, few[3])));
      });
    }
    case Method::table: return rows_by_table(codes);
  }
  HF_ASSERT(!"a method without code");
  return 0;
}

#else

template <class Code>
std::uint64_t CodeSet::rows_of_64(const Code* codes) const {
  return rows_by_table(codes);
}

#endif

}  // namespace hf
