// SPDX-License-Identifier: Apache-2.0
//
// Time cut into slots inside which it only matters whether something happened, and the fast way
// from a time to its slot.
#pragma once

#include <algorithm>
#include <cstdint>
#include <functional>
#include <optional>
#include <vector>

#include "calendar/zone.h"
#include "metric/period_grid.h"

namespace hf {

/// Segments of a grid that a metric looks at, ascending, numbered from 0. Immutable.
class TimeSlots {
 public:
  using Slot = PeriodGrid::Segment;
  static constexpr std::size_t size_max = 2048;  ///< 4 MB of bitmaps for a thread and activity.

  /// Those up to `as_of_ms` of which is_wanted(segment) holds. What lies elsewhere, or after as_of,
  /// is in no slot: its number is nowhere(). Nothing where there are more than size_max.
  [[nodiscard]] static std::optional<TimeSlots> build(
      const PeriodGrid& grid, TimestampMs as_of_ms,
      const std::function<bool(const PeriodGrid::Segment&)>& is_wanted);

  [[nodiscard]] std::size_t size() const { return slots_.size(); }
  [[nodiscard]] const Slot& operator[](std::size_t slot) const { return slots_[slot]; }
  [[nodiscard]] std::uint16_t nowhere() const { return static_cast<std::uint16_t>(size()); }

  /// From `first` until the next one's, local days are in `slot` or nowhere(). The first of them
  /// begins before all days.
  struct DayRun {
    Day first;
    std::uint16_t slot;
  };
  /// The slots in local days, for days that lie at or before as_of as a whole. Nothing where a slot
  /// begins within a day, or where a day of the zone comes twice.
  [[nodiscard]] std::optional<std::vector<DayRun>> by_day(const Zone& zone) const;

  class Lookup;
  class CompactLookup;

 private:
  struct Segment {
    TimestampMs from_ms;
    std::uint16_t slot;
  };
  TimeSlots() = default;
  void fill_table();
  // Where a step holds more than one segment: goes on from its first.
  [[nodiscard]] std::uint16_t search(std::uint64_t step, TimestampMs t) const;

  TimestampMs as_of_ms_ = 0;
  std::vector<Slot> slots_;
  std::vector<Segment> segments_;  // All of time; neighbours differ.
  // A time finds its slot by its high bits, without a branch that depends on it; only where a slot
  // ends within a step is it searched.
  TimestampMs base_ = 0;
  int shift_ = 0;            // At most 30: times span less than 2^43 ms.
  std::uint64_t scale_ = 0;  // 2^(32 - shift_)
  std::vector<std::uint16_t> table_;
  std::vector<std::uint32_t> first_segment_;  // By step.
};

/// By value, for inner loops: what they store may alias members, which would be read again for each
/// event.
class TimeSlots::Lookup {
 public:
  explicit Lookup(const TimeSlots& slots)
      : slots_(&slots),
        steps_(slots.table_.data()),
        last_step_(slots.table_.size() - 1),
        base_(slots.base_),
        shift_(slots.shift_) {}

  [[nodiscard]] std::uint16_t operator()(TimestampMs t) const {
    const std::uint64_t step =
        std::min(static_cast<std::uint64_t>(t - base_) >> shift_, last_step_);
    const std::uint16_t slot = steps_[step];
    if (slot == ask) [[unlikely]]
      return slots_->search(step, t);
    return slot;
  }
  /// True where a CompactLookup may be asked for t.
  [[nodiscard]] bool covers(TimestampMs t) const {
    return static_cast<std::uint64_t>(t - base_) >> shift_ < last_step_;
  }

  static constexpr std::uint16_t ask = 0xffff;  ///< The table cannot say.

 private:
  const TimeSlots* slots_;
  const std::uint16_t* steps_;
  std::uint64_t last_step_;
  TimestampMs base_;
  int shift_;
};

/// For times given as offset * unit from a base. A covered time needs no clamping, and its step is
/// one multiplication, as table and unit are constants of the page.
class TimeSlots::CompactLookup {
 public:
  CompactLookup(const TimeSlots& slots, TimestampMs base_ms, std::int64_t unit_ms)
      : slots_(&slots),
        steps_(slots.table_.data()),
        origin_(static_cast<std::uint64_t>(base_ms - slots.base_) * slots.scale_),
        factor_(static_cast<std::uint64_t>(unit_ms) * slots.scale_),
        base_ms_(base_ms),
        unit_ms_(unit_ms) {}

  [[nodiscard]] std::uint16_t operator()(std::uint32_t offset) const {
    const std::uint64_t step = (origin_ + offset * factor_) >> 32;
    const std::uint16_t slot = steps_[step];
    if (slot == Lookup::ask) [[unlikely]]
      return slots_->search(step, time_of(offset));
    return slot;
  }
  [[nodiscard]] TimestampMs time_of(std::uint32_t offset) const {
    return base_ms_ + offset * unit_ms_;
  }

 private:
  const TimeSlots* slots_;
  const std::uint16_t* steps_;
  std::uint64_t origin_;
  std::uint64_t factor_;
  TimestampMs base_ms_;
  std::int64_t unit_ms_;
};

}  // namespace hf
