// SPDX-License-Identifier: Apache-2.0
//
// Persons active in each period, as bitmaps, one chunk of persons after the other.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <vector>

#include "metric/period_grid.h"
#include "store/day_index.h"

namespace hf {

/// A stretch of local days that belong to one period, inside the range or not.
struct DaySlot {
  Day first;
  Day end;
  std::int32_t period;  ///< As in PeriodGrid::Segment.
  bool in_range;
};
/// The grid in local days as far as events up to `as_of_ms` can lie, ascending, from before all to
/// after all. Nothing where a period or the range begins within a day, or where a day of the zone
/// comes twice.
[[nodiscard]] std::optional<std::vector<DaySlot>> day_slots(const PeriodGrid& grid,
                                                            const Zone& zone, TimestampMs as_of_ms);

/// The bitmaps of one chunk after the other, for one thread.
class PeriodBitmaps {
 public:
  /// Both must outlive it.
  PeriodBitmaps(const DayIndex& index, std::span<const DaySlot> slots);

  void load(std::uint32_t chunk);
  // Of the chunk last loaded; PersonChunk::words words each.
  /// Who was active in the slot; nullptr where nobody was.
  [[nodiscard]] const std::uint64_t* slot(std::size_t slot) const {
    return touched_[slot] ? words_.data() + slot * PersonChunk::words : nullptr;
  }

 private:
  const DayIndex* index_;
  std::vector<std::uint32_t> slot_of_day_;  // From the index's first day on.
  std::vector<std::uint64_t> words_;
  std::vector<bool> touched_;
};

/// Calls work(thread, chunk) for every chunk of the index, on up to `threads` threads, each with
/// its own number from 0 on; chunks in no order. `steps` says about how many bitmaps are gone
/// through for a chunk: what takes less time than starting a thread is done on fewer.
void for_each_chunk(const DayIndex& index, std::size_t steps, unsigned threads,
                    const std::function<void(unsigned, std::uint32_t)>& work);

}  // namespace hf
