// SPDX-License-Identifier: Apache-2.0
//
// How many of one person's rows match within a span of time. Rows of a run ascend in time, so most
// times need not be looked at: none of a part that lies within the span, else of the matching rows
// the last ones until one is too early or there are enough.
#pragma once

#include <cstdint>
#include <memory>

#include "predicate/matched_rows.h"
#include "store/part.h"
#include "store/row_bits.h"

namespace hf {

/// Counts rows of one part, for one thread. Neighbouring runs cost least.
class RunCounter {
 public:
  /// `rows` are those that match. Both must outlive it.
  RunCounter(const Part& part, const RowBits& rows, TimeSpan span);

  /// Brings near what count() looks at first of a run that ends before `end_row`. Inlined, for as a
  /// call it would pass for one without effect.
  [[gnu::always_inline]] void prefetch(RowNumber end_row) const {
    if (is_timeless_ || times_ != nullptr) return;
    const RowNumber at = (end_row - 1) - page_ * part_format::page_rows;
    if (page_ == no_page || at >= compact_->offsets.size()) return;
    constexpr RowNumber line = 64 / sizeof(std::uint32_t);
    __builtin_prefetch(compact_->offsets.data() + at);
    __builtin_prefetch(compact_->offsets.data() + (at < line ? 0 : at - line));
  }

  /// Of [first_row, first_row + row_count), a run: how many match in the span, or any number not
  /// less than `enough` where that many do. Errors: those of Part's readers.
  [[nodiscard]] Result<std::uint32_t> count(RowNumber first_row, std::uint32_t row_count,
                                            std::uint32_t enough) {
    constexpr std::uint32_t page_rows = part_format::page_rows;
    const RowNumber end = first_row + row_count;
    if (is_timeless_) return count_bits(first_row, end);
    const std::uint32_t page = first_row / page_rows;
    if (page == page_ && (end - 1) / page_rows == page) [[likely]] {
      return count_on_page(first_row, end, enough);
    }
    return count_by_page(first_row, end, enough);
  }

 private:
  [[nodiscard]] std::uint32_t count_bits(RowNumber first, RowNumber end) const;
  [[nodiscard]] std::uint32_t count_on_page(RowNumber first, RowNumber end,
                                            std::uint32_t enough) const;
  template <class Time>
  [[nodiscard]] std::uint32_t count_with(const Time* times, RowNumber first, RowNumber end,
                                         std::uint32_t enough) const;
  [[nodiscard]] Result<std::uint32_t> count_by_page(RowNumber first, RowNumber end,
                                                    std::uint32_t enough);
  [[nodiscard]] Result<void> seek(std::uint32_t page);

  static constexpr std::uint32_t no_page = 0xffffffff;
  const Part* part_;
  const std::uint64_t* words_;
  TimeSpan span_;
  bool starts_inside_;  // No row is before the span,
  bool ends_inside_;    // none after it,
  bool is_timeless_;    // neither.
  std::uint32_t page_ = no_page;
  std::shared_ptr<const CompactTimePage> compact_;
  std::shared_ptr<const TimePage> times_;  // Only where the compact ones do not fit.
  // The span as the page's numbers have it, both ends inclusive.
  std::int64_t from_ = 0;
  std::int64_t to_ = 0;
};

}  // namespace hf
