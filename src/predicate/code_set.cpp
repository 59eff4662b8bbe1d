// SPDX-License-Identifier: Apache-2.0
//
// Most dictionaries asked about are small: event names, plans, countries. Their codes fit bytes, of
// which a register holds many (base/byte_set.h). In larger dictionaries a few codes are compared
// one by one, many are looked up in a table.
#include "predicate/code_set.h"

#include <algorithm>
#include <limits>

#include "base/assert.h"

#if defined(__SSE4_1__)
#include <smmintrin.h>
#endif

namespace hf {
namespace {

#if defined(__SSE4_1__)

__m128i load(const void* from) { return _mm_loadu_si128(static_cast<const __m128i*>(from)); }

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
    if (CodeArray::fits_bytes(size_)) bytes_.insert(static_cast<std::uint8_t>(code));
  }
  for (std::size_t i = kept; i < few_max; ++i) few_[i] = few_[0];
  member_.push_back(0);
  method_ = count_ == size_ ? Method::all : count_ <= few_max ? Method::few : Method::table;
}

void CodeSet::find(const CodeArray& codes, std::span<const std::uint64_t> asked,
                   std::span<std::uint64_t> rows) const {
  HF_ASSERT(rows.size() == (codes.size() + 63) / 64 && asked.size() == rows.size());
  if (is_empty()) return;
  if (!codes.bytes().empty()) {
    HF_ASSERT(CodeArray::fits_bytes(size_));
    find_bytes(codes.bytes(), rows);
  } else if (!codes.pairs().empty()) {
    find_wide(codes.pairs(), asked, rows);
  } else {
    find_wide(codes.words(), asked, rows);
  }
}

void CodeSet::find_bytes(std::span<const std::uint8_t> codes, std::span<std::uint64_t> rows) const {
  constexpr std::size_t words_at_once = 64;
  std::array<std::uint64_t, words_at_once> found;
  const std::size_t whole = codes.size() / 64;
  for (std::size_t w = 0; w < whole; w += words_at_once) {
    const std::size_t count = std::min(words_at_once, whole - w);
    bytes_.find(codes.data() + w * 64, count, found.data());
    for (std::size_t i = 0; i < count; ++i) rows[w + i] |= found[i];
  }
  if (whole == rows.size()) return;
  std::array<std::uint8_t, 64> padded;
  padded.fill(0xff);  // No code, and in no set.
  std::ranges::copy(codes.subspan(whole * 64), padded.begin());
  bytes_.find(padded.data(), 1, found.data());
  rows[whole] |= found[0];
}

template <class Code>
void CodeSet::find_wide(std::span<const Code> codes, std::span<const std::uint64_t> asked,
                        std::span<std::uint64_t> rows) const {
  const std::size_t whole = codes.size() / 64;
  for (std::size_t w = 0; w < whole; ++w) {
    if (asked[w] != 0) rows[w] |= rows_of_64(codes.data() + w * 64);
  }
  if (whole == rows.size() || asked[whole] == 0) return;
  std::array<Code, 64> padded;
  padded.fill(std::numeric_limits<Code>::max());
  std::ranges::copy(codes.subspan(whole * 64), padded.begin());
  rows[whole] |= rows_of_64(padded.data());
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
    case Method::all: {
      const __m128i last = everywhere<Code>(size_ - 1);
      return rows_where(codes,
                        [&](__m128i lane) { return equal<Code>(smaller<Code>(lane, last), lane); });
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
