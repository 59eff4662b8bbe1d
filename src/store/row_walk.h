// SPDX-License-Identifier: Apache-2.0
//
// How readers go over rows: the pages a run lies on, and the rows of a page that bits name.
#pragma once

#include <algorithm>
#include <bit>
#include <cstdint>

#include "base/result.h"
#include "store/moved_runs.h"
#include "store/part_format.h"

namespace hf {

/// Calls use(page, first, last) for the pages that rows [first_row, first_row + row_count) lie on,
/// row numbers within the page, until it fails.
template <class Use>
[[nodiscard]] Result<void> for_each_page(const PersonRun& run, Use&& use) {
  constexpr std::uint32_t page_rows = part_format::page_rows;
  const RowNumber end = run.first_row + run.row_count;
  for (RowNumber row = run.first_row; row < end;) {
    const std::uint32_t page = row / page_rows;
    const RowNumber page_end = std::min<RowNumber>(end, (page + 1) * page_rows);
    HF_CHECK(use(page, row % page_rows, page_end - page * page_rows));
    row = page_end;
  }
  return {};
}

/// The bits that rows [first, end) have in the word of rows [base, base + 64), which some lie in.
inline std::uint64_t bits_in_word(std::uint32_t base, std::uint32_t first, std::uint32_t end) {
  std::uint64_t bits = ~std::uint64_t{0};
  if (base < first) bits &= ~std::uint64_t{0} << (first - base);
  if (end - base < 64) bits &= (std::uint64_t{1} << (end - base)) - 1;
  return bits;
}

/// Calls use(base, mask) for the words of rows [base, base + 64) that rows [first, end) lie in.
template <class Use>
void for_each_word(std::uint32_t first, std::uint32_t end, Use&& use) {
  for (std::uint32_t base = first & ~63u; base < end; base += 64) {
    use(base, bits_in_word(base, first, end));
  }
}

/// Calls use(begin, end) for the runs of set bits, ascending: what somebody is, rather than does,
/// holds for many rows in turn.
template <class Use>
void for_each_bit_run(std::uint64_t bits, Use&& use) {
  while (bits != 0) {
    const int begin = std::countr_zero(bits);
    const int end = begin + std::countr_one(bits >> begin);
    use(begin, end);
    if (end == 64) return;
    bits &= ~std::uint64_t{0} << end;
  }
}

/// Calls visit(row) for the set bits of [first, last), ascending, until it returns false; word(i)
/// gives bits 64 i to 64 i + 63. Returns false where it was stopped.
template <class Word, class Visit>
bool for_each_row(std::uint32_t first, std::uint32_t last, Word&& word, Visit&& visit) {
  for (std::uint32_t base = first & ~63u; base < last; base += 64) {
    std::uint64_t bits = word(base / 64) & bits_in_word(base, first, last);
    for (; bits != 0; bits &= bits - 1) {
      if (!visit(base + static_cast<std::uint32_t>(std::countr_zero(bits)))) return false;
    }
  }
  return true;
}

}  // namespace hf
