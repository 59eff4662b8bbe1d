// SPDX-License-Identifier: Apache-2.0
#include "metric/time_slots.h"

#include <algorithm>
#include <limits>

namespace hf {
namespace {

constexpr std::size_t table_max = 8192;  // Steps: with two bytes each, well within L1.

}  // namespace

std::optional<TimeSlots> TimeSlots::build(
    const PeriodGrid& grid, TimestampMs as_of_ms,
    const std::function<bool(const PeriodGrid::Segment&)>& is_wanted) {
  TimeSlots out;
  out.as_of_ms_ = as_of_ms;
  std::vector<Segment> segments;
  for (const PeriodGrid::Segment& segment : grid.segments()) {
    if (segment.from_ms > as_of_ms) break;
    if (is_wanted(segment)) {
      segments.push_back({segment.from_ms, static_cast<std::uint16_t>(out.slots_.size())});
      out.slots_.push_back(segment);
      if (out.slots_.size() > size_max) return std::nullopt;
    } else {
      segments.push_back({segment.from_ms, std::numeric_limits<std::uint16_t>::max()});
    }
  }
  segments.push_back({as_of_ms + 1, std::numeric_limits<std::uint16_t>::max()});
  for (const Segment& segment : segments) {
    const std::uint16_t slot = std::min(segment.slot, out.nowhere());
    if (!out.segments_.empty() && out.segments_.back().slot == slot) continue;
    out.segments_.push_back({segment.from_ms, slot});
  }
  out.fill_table();
  return out;
}

void TimeSlots::fill_table() {
  // The first segment lies before all others: the table begins with the second.
  base_ = segments_.size() > 1 ? segments_[1].from_ms : 0;
  const auto span = static_cast<std::uint64_t>(segments_.back().from_ms - base_);
  if (segments_.size() > 1) {
    while (span >> shift_ >= table_max) ++shift_;
  }
  scale_ = std::uint64_t{1} << (32 - shift_);
  const std::size_t steps = segments_.size() > 1 ? (span >> shift_) + 1 : 1;
  std::uint32_t segment = 0;
  const auto advance_to = [&](TimestampMs t) {
    while (segment + 1 < segments_.size() && segments_[segment + 1].from_ms <= t) ++segment;
    return segment;
  };
  for (std::size_t i = 0; i < steps; ++i) {
    const std::uint32_t first = advance_to(base_ + static_cast<TimestampMs>(i << shift_));
    const std::uint32_t last = advance_to(base_ + static_cast<TimestampMs>((i + 1) << shift_) - 1);
    table_.push_back(first == last ? segments_[first].slot : Lookup::ask);
    first_segment_.push_back(first);
  }
  // One step more stands for all later times, and for those before the base, which wrap around.
  table_.push_back(Lookup::ask);
  first_segment_.push_back(0);
}

std::uint16_t TimeSlots::search(std::uint64_t step, TimestampMs t) const {
  std::uint32_t segment = first_segment_[step];
  if (step + 1 == table_.size()) {  // Before all the table has, or after it.
    return t < base_ ? segments_.front().slot : segments_.back().slot;
  }
  while (segment + 1 < segments_.size() && segments_[segment + 1].from_ms <= t) ++segment;
  return segments_[segment].slot;
}

std::optional<std::vector<TimeSlots::DayRun>> TimeSlots::by_day(const Zone& zone) const {
  std::vector<DayRun> runs;
  for (const Segment& segment : segments_) {
    Day first = std::numeric_limits<Day>::min();
    if (!runs.empty()) {
      if (segment.from_ms == as_of_ms_ + 1) break;  // Days beyond are nobody's.
      first = zone.local_day(segment.from_ms);
      if (zone.start_of_day(first) != segment.from_ms) return std::nullopt;
      if (first <= runs.back().first) return std::nullopt;
    }
    runs.push_back({first, segment.slot});
  }
  return runs;
}

}  // namespace hf
