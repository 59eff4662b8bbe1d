// SPDX-License-Identifier: Apache-2.0
#include "metric/period_bitmaps.h"

#include <algorithm>
#include <atomic>
#include <limits>
#include <thread>

namespace hf {

std::optional<std::vector<DaySlot>> day_slots(const PeriodGrid& grid, const Zone& zone,
                                              TimestampMs as_of_ms) {
  constexpr Day day_min = std::numeric_limits<Day>::min();
  constexpr Day day_max = std::numeric_limits<Day>::max();
  std::vector<DaySlot> slots;
  for (const PeriodGrid::Segment& segment : grid.segments()) {
    if (segment.from_ms > as_of_ms) break;
    Day first = day_min;
    if (!slots.empty()) {
      first = zone.local_day(segment.from_ms);
      if (zone.start_of_day(first) != segment.from_ms) return std::nullopt;
      if (first <= slots.back().first) return std::nullopt;
      slots.back().end = first;
    }
    slots.push_back({first, day_max, segment.period, segment.in_range});
  }
  return slots;
}

PeriodBitmaps::PeriodBitmaps(const DayIndex& index, std::span<const DaySlot> slots)
    : index_(&index), words_(slots.size() * PersonChunk::words), touched_(slots.size()) {
  if (index.empty()) return;
  std::uint32_t slot = 0;
  for (Day day = index.first_day(); day <= index.last_day(); ++day) {
    while (day >= slots[slot].end) ++slot;
    slot_of_day_.push_back(slot);
  }
}

void PeriodBitmaps::load(std::uint32_t chunk) {
  for (std::size_t slot = 0; slot < touched_.size(); ++slot) {
    if (!touched_[slot]) continue;
    std::fill_n(words_.data() + slot * PersonChunk::words, PersonChunk::words, std::uint64_t{0});
    touched_[slot] = false;
  }
  if (index_->empty()) return;
  const Day first = index_->first_day();
  index_->add_each(chunk, first, index_->last_day() + 1, [&](Day day) {
    const std::uint32_t slot = slot_of_day_[static_cast<std::size_t>(day - first)];
    touched_[slot] = true;
    return words_.data() + slot * PersonChunk::words;
  });
}

void for_each_chunk(const DayIndex& index, std::size_t steps, unsigned threads,
                    const std::function<void(unsigned, std::uint32_t)>& work) {
  std::atomic<std::uint32_t> next = 0;
  const auto run = [&](unsigned thread) {
    for (std::uint32_t chunk = next++; chunk < index.chunks(); chunk = next++) work(thread, chunk);
  };
  std::vector<std::jthread> others;
  constexpr std::size_t steps_per_thread = 16'384;  // About half a millisecond.
  const std::size_t worthwhile = 1 + steps * index.chunks() / steps_per_thread;
  const std::size_t chunks = index.chunks();
  const std::size_t count = std::min({std::size_t{threads}, chunks, worthwhile});
  for (unsigned i = 1; i < count; ++i) others.emplace_back(run, i);
  run(0);
}

}  // namespace hf
