// SPDX-License-Identifier: Apache-2.0
//
// How one thread reads the rows of one part for ActivityBitmaps: which rows match, by page, and in
// which slots they lie.
#pragma once

#include <algorithm>
#include <array>
#include <bit>
#include <cstdint>
#include <cstring>
#include <memory>
#include <optional>
#include <vector>

#include "metric/time_slots.h"
#include "predicate/matcher.h"
#include "store/moved_runs.h"
#include "store/part.h"

namespace hf {

/// Which rows of a page match what, for the activities that are read by rows.
class PageSides {
 public:
  struct Side {
    std::size_t activity;
    const PageMatcher* matcher;
    bool is_whole;  ///< Every row matches: the bits of all are set.
    std::array<std::uint64_t, part_format::page_rows / 64> rows = {};

    /// Calls use(base, bits) for words of rows [base, base + 64), with the matches of the range.
    template <class Use>
    void for_each_word(std::uint32_t first, std::uint32_t last, Use&& use) const {
      for (std::uint32_t base = first & ~63u; base < last; base += 64) {
        std::uint64_t bits = rows[base / 64];
        if (base < first) bits &= ~std::uint64_t{0} << (first - base);
        if (last - base < 64) bits &= (std::uint64_t{1} << (last - base)) - 1;
        use(base, bits);
      }
    }
  };

  explicit PageSides(const Part& part) : part_(&part) {}
  void add(std::size_t activity, const PageMatcher& matcher) {
    sides_.push_back({activity, &matcher, matcher.matches_everything()});
    if (sides_.back().is_whole) sides_.back().rows.fill(~std::uint64_t{0});
  }
  [[nodiscard]] bool empty() const { return sides_.empty(); }
  [[nodiscard]] const Part& part() const { return *part_; }
  [[nodiscard]] auto begin() const { return sides_.begin(); }
  [[nodiscard]] auto end() const { return sides_.end(); }
  [[nodiscard]] std::size_t size() const { return sides_.size(); }

  /// Errors: those of Part's readers.
  [[nodiscard]] Result<void> seek(std::uint32_t page);
  [[nodiscard]] std::uint32_t page() const { return page_; }

 private:
  static constexpr std::uint32_t no_page = 0xffffffff;
  const Part* part_;
  std::vector<Side> sides_;
  std::uint32_t page_ = no_page;
};

/// Rows with the slot of each found by its time.
class TimedRows {
 public:
  /// `number` is the part's. Both outlive it.
  TimedRows(const TimeSlots& slots, std::uint32_t number, const Part& part);

  void add(std::size_t activity, const PageMatcher& matcher);
  PageSides sides;
  [[nodiscard]] std::uint32_t number() const { return number_; }

  /// Calls hit(activity, slot) for the slots in which a row of the run matches.
  /// Errors: those of Part's readers.
  template <class Hit>
  [[nodiscard]] Result<void> read(const PersonRun& run, Hit&& hit) {
    HF_TRY(const bool any, mark(run));
    if (!any) return {};
    std::uint8_t* marks = marks_.data();
    for (const PageSides::Side& side : sides) {
      marks[slots_->nowhere()] = 0;
      for (std::size_t base = 0; base < slots_->size(); base += 8) {
        std::uint64_t bytes = 0;
        std::memcpy(&bytes, marks + base, sizeof bytes);
        if (bytes == 0) continue;
        for (std::uint64_t bits = bits_of(bytes); bits != 0; bits &= bits - 1) {
          hit(side.activity, base + static_cast<std::size_t>(std::countr_zero(bits)));
        }
        bytes = 0;
        std::memcpy(marks + base, &bytes, sizeof bytes);
      }
      marks += stride_;
    }
    return {};
  }

 private:
  // Bit i is byte i of the eight, which are 0 or 1: the product brings byte i to bit 56 + i, and no
  // two of its other terms meet.
  static std::uint64_t bits_of(std::uint64_t bytes) {
    static_assert(std::endian::native == std::endian::little);
    return bytes * 0x0102'0408'1020'4080u >> 56;
  }
  Result<void> seek(std::uint32_t page);
  Result<bool> mark(const PersonRun& run);
  bool mark(std::uint32_t first, std::uint32_t last);
  template <class Find, class Time>
  bool mark_sides(std::uint32_t first, std::uint32_t last, Find find, const Time* times);

  const TimeSlots* slots_;
  TimeSlots::Lookup bounds_;
  std::uint32_t number_;
  std::shared_ptr<const CompactTimePage> compact_;
  std::shared_ptr<const TimePage> times_;  // Only where the compact ones do not fit.
  // Of the run at hand, for each side in turn: a byte a slot and one for nowhere, by eights.
  std::size_t stride_;
  std::vector<std::uint8_t> marks_;
};

/// Rows whose days are known beforehand.
class DatedRows {
 public:
  /// `days` are the slots' (TimeSlots::by_day()).
  DatedRows(std::span<const TimeSlots::DayRun> days, std::uint32_t number, const Part& part,
            std::shared_ptr<const DayRows> cuts);

  PageSides sides;
  [[nodiscard]] std::uint32_t number() const { return number_; }
  /// By DayRows::day().
  [[nodiscard]] std::span<const std::uint16_t> slots_by_day() const { return slot_of_day_; }

  /// Calls use(side, base, from, to) for each side and each page that has rows of [first, end):
  /// rows base + from to base + to. The side's matches are those of the page. Errors: those of
  /// Part's readers.
  template <class Use>
  [[nodiscard]] Result<void> read(RowNumber first, RowNumber end, Use&& use) {
    while (first < end) {
      const RowNumber base = first - first % part_format::page_rows;
      const RowNumber to = std::min(end - base, part_format::page_rows);
      HF_CHECK(sides.seek(base / part_format::page_rows));
      for (const PageSides::Side& side : sides) use(side, base, first - base, to);
      first = base + to;
    }
    return {};
  }
  [[nodiscard]] const DayRows& cuts() const { return *cuts_; }

 private:
  std::uint32_t number_;
  std::shared_ptr<const DayRows> cuts_;
  std::vector<std::uint16_t> slot_of_day_;  // From the cuts' first day on.
};

}  // namespace hf
