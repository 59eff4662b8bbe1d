// SPDX-License-Identifier: Apache-2.0
#include "predicate/run_count.h"

#include <algorithm>
#include <bit>

namespace hf {
namespace {

// Bits of rows [64 w, 64 w + 64) that lie in [first, end).
std::uint64_t word_within(const std::uint64_t* words, std::uint32_t w, RowNumber first,
                          RowNumber end) {
  const RowNumber base = w * 64;
  std::uint64_t bits = words[w];
  if (base < first) bits &= ~std::uint64_t{0} << (first - base);
  if (end - base < 64) bits &= (std::uint64_t{1} << (end - base)) - 1;
  return bits;
}

std::int64_t floor_division(std::int64_t a, std::int64_t b) { return a / b - (a % b < 0 ? 1 : 0); }

}  // namespace

RunCounter::RunCounter(const Part& part, const RowBits& rows, TimeSpan span)
    : part_(&part),
      words_(rows.words.data()),
      span_(span),
      starts_inside_(span.from_ms <= part.time_min()),
      ends_inside_(part.time_max() <= span.to_ms),
      is_timeless_(starts_inside_ && ends_inside_) {}

Result<void> RunCounter::seek(std::uint32_t page) {
  page_ = no_page;
  times_ = nullptr;
  HF_TRY(compact_, part_->compact_times(page));
  if (compact_->offsets.empty()) {
    HF_TRY(times_, part_->times(page));
    from_ = span_.from_ms;
    to_ = span_.to_ms;
  } else {
    const std::int64_t unit = compact_->unit_ms;
    from_ = -floor_division(compact_->base_ms - span_.from_ms, unit);  // Rounded up.
    to_ = floor_division(span_.to_ms - compact_->base_ms, unit);
  }
  page_ = page;
  return {};
}

std::uint32_t RunCounter::count_bits(RowNumber first, RowNumber end) const {
  std::uint32_t count = 0;
  for (std::uint32_t w = first / 64; w * 64 < end; ++w) {
    count += static_cast<std::uint32_t>(std::popcount(word_within(words_, w, first, end)));
  }
  return count;
}

std::uint32_t RunCounter::count_on_page(RowNumber first, RowNumber end,
                                        std::uint32_t enough) const {
  if (times_ != nullptr) return count_with(times_->values.data(), first, end, enough);
  return count_with(compact_->offsets.data(), first, end, enough);
}

template <class Time>
std::uint32_t RunCounter::count_with(const Time* times, RowNumber first, RowNumber end,
                                     std::uint32_t enough) const {
  constexpr std::uint32_t looked_at_max = 16;
  const RowNumber page_first = page_ * part_format::page_rows;
  const auto time = [&](RowNumber row) {
    return static_cast<std::int64_t>(times[row - page_first]);
  };
  if (!ends_inside_ && time(end - 1) > to_) {
    const Time* const after =
        std::partition_point(times + (first - page_first), times + (end - page_first),
                             [&](Time t) { return static_cast<std::int64_t>(t) <= to_; });
    end = page_first + static_cast<RowNumber>(after - times);
    if (end == first) return 0;
  }
  if (starts_inside_) return count_bits(first, end);
  std::uint32_t count = 0;
  for (std::uint32_t w = (end - 1) / 64;; --w) {
    for (std::uint64_t bits = word_within(words_, w, first, end); bits != 0;) {
      const auto bit = static_cast<std::uint32_t>(63 - std::countl_zero(bits));
      if (time(w * 64 + bit) < from_) return count;
      if (++count >= enough) return count;
      if (count == looked_at_max) {  // By halving from here on.
        const RowNumber last = w * 64 + bit;
        const Time* const begin =
            std::partition_point(times + (first - page_first), times + (last - page_first),
                                 [&](Time t) { return static_cast<std::int64_t>(t) < from_; });
        return count + count_bits(page_first + static_cast<RowNumber>(begin - times), last);
      }
      bits ^= std::uint64_t{1} << bit;
    }
    if (w == first / 64) return count;
  }
}

Result<std::uint32_t> RunCounter::count_by_page(RowNumber first, RowNumber end,
                                                std::uint32_t enough) {
  std::uint32_t count = 0;
  for (RowNumber row = end; row > first && count < enough;) {
    const std::uint32_t page = (row - 1) / part_format::page_rows;
    if (page != page_) HF_CHECK(seek(page));
    const RowNumber page_first = std::max(first, page * part_format::page_rows);
    count += count_on_page(page_first, row, enough - count);
    row = page_first;
  }
  return count;
}

}  // namespace hf
