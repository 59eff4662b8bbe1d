// SPDX-License-Identifier: Apache-2.0
//
// How the rows of one part are read for ActivityBitmaps: which match, and in which slots they lie.
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
#include "store/row_bits.h"

namespace hf {

/// Which rows of a part match, for one activity.
struct RowMatches {
  std::size_t activity;
  std::shared_ptr<const RowBits> rows;
};
/// Of all rows of the part. Errors: those of Part's readers.
[[nodiscard]] Result<std::shared_ptr<const RowBits>> find_rows(const Part& part,
                                                               const PageMatcher& matcher);

/// Rows with the slot of each found by its time.
class TimedRows {
 public:
  /// `number` is the part's. Slots and part outlive it.
  TimedRows(const TimeSlots& slots, std::uint32_t number, const Part& part,
            std::vector<RowMatches> sides);

  [[nodiscard]] const Part& part() const { return *part_; }
  [[nodiscard]] std::uint32_t number() const { return number_; }

  /// Calls hit(activity, slot) for the slots in which a row of the run matches.
  /// Errors: those of Part's readers.
  template <class Hit>
  [[nodiscard]] Result<void> read(const PersonRun& run, Hit&& hit) {
    HF_TRY(const bool any, mark(run));
    if (!any) return {};
    std::uint8_t* marks = marks_.data();
    for (const RowMatches& side : sides_) {
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

  static constexpr std::uint32_t no_page = 0xffffffff;
  const TimeSlots* slots_;
  TimeSlots::Lookup bounds_;
  std::uint32_t number_;
  const Part* part_;
  std::vector<RowMatches> sides_;
  std::uint32_t page_ = no_page;  // Whose times these are:
  std::shared_ptr<const CompactTimePage> compact_;
  std::shared_ptr<const TimePage> times_;  // Only where the compact ones do not fit.
  // Of the run at hand, for each side in turn: a byte a slot and one for nowhere, by eights.
  std::size_t stride_;
  std::vector<std::uint8_t> marks_;
};

/// Rows whose days are known beforehand.
class DatedRows {
 public:
  /// `days` are the slots' (TimeSlots::by_day()). The part outlives it.
  DatedRows(std::span<const TimeSlots::DayRun> days, std::uint32_t number, const Part& part,
            std::shared_ptr<const DayRows> cuts, std::vector<RowMatches> sides);

  [[nodiscard]] const Part& part() const { return *part_; }
  [[nodiscard]] std::uint32_t number() const { return number_; }
  [[nodiscard]] std::span<const RowMatches> sides() const { return sides_; }
  [[nodiscard]] const DayRows& cuts() const { return *cuts_; }

  /// Calls hit(place, slot), at least once for each in which a row of [first, end) matches.
  template <class Hit>
  void read(const RowMatches& side, RowNumber first, RowNumber end, Hit&& hit) const {
    const std::uint16_t* const slot_of_day = slot_of_day_.data();
    cuts_->for_each_cut(first, end, side.rows->words.data(), [&](std::uint32_t cut) {
      hit(DayRows::place(cut), slot_of_day[DayRows::day(cut)]);
    });
  }

 private:
  std::uint32_t number_;
  const Part* part_;
  std::shared_ptr<const DayRows> cuts_;
  std::vector<RowMatches> sides_;
  std::vector<std::uint16_t> slot_of_day_;  // From the cuts' first day on.
};

}  // namespace hf
