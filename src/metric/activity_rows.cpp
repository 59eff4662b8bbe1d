// SPDX-License-Identifier: Apache-2.0
#include "metric/activity_rows.h"

#include <algorithm>

#include "store/row_walk.h"

namespace hf {
namespace {

// Not inlined, so that the finder stays in registers: marks may alias whatever has an address.
template <class Find, class Time>
[[gnu::noinline]] void mark_rows(const Time* time, const Time* end, Find find,
                                 std::uint8_t* marks) {
  for (; time != end; ++time) {
    const std::size_t slot = find(*time);
    marks[slot] = 1;
  }
}

}  // namespace

Result<std::shared_ptr<const RowBits>> find_rows(const Part& part, const PageMatcher& matcher) {
  constexpr std::uint32_t page_words = part_format::page_rows / 64;
  auto rows = std::make_shared<RowBits>();
  rows->words.resize((part.row_count() + 63) / 64);
  rows->is_whole = matcher.matches_everything();
  if (rows->is_whole) {
    std::ranges::fill(rows->words, ~std::uint64_t{0});
    return rows;
  }
  for (std::uint32_t page = 0; page < part.page_count(); ++page) {
    const std::size_t words = (part.rows_in_page(page) + 63) / 64;
    HF_CHECK(matcher.find(page, std::span(rows->words).subspan(page * page_words, words)));
  }
  return rows;
}

TimedRows::TimedRows(const TimeSlots& slots, std::uint32_t number, const Part& part,
                     std::vector<RowMatches> sides)
    : slots_(&slots),
      bounds_(slots),
      number_(number),
      part_(&part),
      sides_(std::move(sides)),
      stride_((slots.size() + 1 + 7) / 8 * 8),
      marks_(sides_.size() * stride_) {}

Result<bool> TimedRows::mark(const PersonRun& run) {
  constexpr std::uint32_t page_rows = part_format::page_rows;
  const std::uint32_t first = run.first_row % page_rows;
  if (run.first_row / page_rows == page_ && first + run.row_count <= page_rows) [[likely]] {
    return mark(first, first + run.row_count);
  }
  bool any = false;
  const auto read_page = [&](std::uint32_t page, std::uint32_t from,
                             std::uint32_t to) -> Result<void> {
    if (page != page_) HF_CHECK(seek(page));
    any = mark(from, to) || any;
    return {};
  };
  HF_CHECK(for_each_page(run, read_page));
  return any;
}

Result<void> TimedRows::seek(std::uint32_t page) {
  page_ = no_page;
  times_ = nullptr;
  HF_TRY(compact_, part_->compact_times(page));
  if (compact_->offsets.empty()) {
    HF_TRY(times_, part_->times(page));
  }
  page_ = page;
  return {};
}

bool TimedRows::mark(std::uint32_t first, std::uint32_t last) {
  if (times_ != nullptr) {
    return mark_sides(first, last, bounds_, times_->values.data());
  }
  const std::uint32_t* const offsets = compact_->offsets.data();
  const TimeSlots::CompactLookup find(*slots_, compact_->base_ms, compact_->unit_ms);
  // Times of a run ascend.
  const bool is_covered = bounds_.covers(find.time_of(offsets[first])) &&
                          bounds_.covers(find.time_of(offsets[last - 1]));
  if (is_covered) [[likely]]
    return mark_sides(first, last, find, offsets);
  const auto find_any = [&](std::uint32_t offset) { return bounds_(find.time_of(offset)); };
  return mark_sides(first, last, find_any, offsets);
}

template <class Find, class Time>
bool TimedRows::mark_sides(std::uint32_t first, std::uint32_t last, Find find, const Time* times) {
  const RowNumber base = page_ * part_format::page_rows;
  bool any = false;
  std::uint8_t* marks = marks_.data();
  for (const RowMatches& side : sides_) {
    if (side.rows->is_whole) {
      mark_rows(times + first, times + last, find, marks);
      any = true;
    } else {
      for_each_word(base + first, base + last, [&](RowNumber row, std::uint64_t mask) {
        const std::uint64_t bits = side.rows->words[row / 64] & mask;
        any = any || bits != 0;
        const Time* const of_word = times + (row - base);
        for_each_bit_run(bits, [&](int begin, int end) {
          mark_rows(of_word + begin, of_word + end, find, marks);
        });
      });
    }
    marks += stride_;
  }
  return any;
}

DatedRows::DatedRows(std::span<const TimeSlots::DayRun> days, std::uint32_t number,
                     const Part& part, std::shared_ptr<const DayRows> cuts,
                     std::vector<RowMatches> sides)
    : number_(number), part_(&part), cuts_(std::move(cuts)), sides_(std::move(sides)) {
  std::size_t run = 0;
  for (Day day = cuts_->first_day; day <= cuts_->last_day; ++day) {
    while (run + 1 < days.size() && days[run + 1].first <= day) ++run;
    slot_of_day_.push_back(days[run].slot);
  }
}

}  // namespace hf
