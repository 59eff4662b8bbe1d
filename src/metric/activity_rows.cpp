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

// What somebody is, rather than does, holds for many rows in turn.
template <class Find, class Time>
void mark_matched(const Time* times, std::uint64_t bits, Find find, std::uint8_t* marks) {
  while (bits != 0) {
    const int begin = std::countr_zero(bits);
    const int end = begin + std::countr_one(bits >> begin);
    mark_rows(times + begin, times + end, find, marks);
    if (end == 64) return;
    bits &= ~std::uint64_t{0} << end;
  }
}

}  // namespace

Result<void> PageSides::seek(std::uint32_t page) {
  if (page == page_) return {};
  const std::size_t words = (part_->rows_in_page(page) + 63) / 64;
  for (Side& side : sides_) {
    if (side.is_whole) continue;
    HF_CHECK(side.matcher->find(page, std::span(side.rows).first(words)));
  }
  page_ = page;
  return {};
}

TimedRows::TimedRows(const TimeSlots& slots, std::uint32_t number, const Part& part)
    : sides(part),
      slots_(&slots),
      bounds_(slots),
      number_(number),
      stride_((slots.size() + 1 + 7) / 8 * 8) {}

void TimedRows::add(std::size_t activity, const PageMatcher& matcher) {
  sides.add(activity, matcher);
  marks_.resize(sides.size() * stride_);
}

Result<bool> TimedRows::mark(const PersonRun& run) {
  constexpr std::uint32_t page_rows = part_format::page_rows;
  const std::uint32_t first = run.first_row % page_rows;
  if (run.first_row / page_rows == sides.page() && first + run.row_count <= page_rows) [[likely]] {
    return mark(first, first + run.row_count);
  }
  bool any = false;
  const auto read_page = [&](std::uint32_t page, std::uint32_t from,
                             std::uint32_t to) -> Result<void> {
    if (page != sides.page()) HF_CHECK(seek(page));
    any = mark(from, to) || any;
    return {};
  };
  HF_CHECK(for_each_page(run, read_page));
  return any;
}

Result<void> TimedRows::seek(std::uint32_t page) {
  times_ = nullptr;
  HF_TRY(compact_, sides.part().compact_times(page));
  if (compact_->offsets.empty()) {
    HF_TRY(times_, sides.part().times(page));
  }
  return sides.seek(page);
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
  bool any = false;
  std::uint8_t* marks = marks_.data();
  for (const PageSides::Side& side : sides) {
    if (side.is_whole) {
      mark_rows(times + first, times + last, find, marks);
      any = true;
    } else {
      side.for_each_word(first, last, [&](std::uint32_t base, std::uint64_t bits) {
        any = any || bits != 0;
        mark_matched(times + base, bits, find, marks);
      });
    }
    marks += stride_;
  }
  return any;
}

DatedRows::DatedRows(std::span<const TimeSlots::DayRun> days, std::uint32_t number,
                     const Part& part, std::shared_ptr<const DayRows> cuts)
    : sides(part), number_(number), cuts_(std::move(cuts)) {
  std::size_t run = 0;
  for (Day day = cuts_->first_day; day <= cuts_->last_day; ++day) {
    while (run + 1 < days.size() && days[run + 1].first <= day) ++run;
    slot_of_day_.push_back(days[run].slot);
  }
}

}  // namespace hf
