// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <memory>
#include <vector>

#include "base/bitmap.h"
#include "metric/activity.h"

namespace hf {

/// A set of the persons of one chunk.
using PersonSet = std::array<std::uint64_t, PersonChunk::words>;

/// Who did something in which period, for one chunk: the sets of its slots, united. They are mostly
/// one slot's each, and then no copies.
class PeriodSets {
 public:
  /// For periods of [first, end).
  PeriodSets(std::int32_t first, std::int32_t end)
      : first_(first), sets_(static_cast<std::size_t>(end - first)) {}

  void clear() {
    std::ranges::fill(sets_, nullptr);
    used_ = 0;
  }
  /// `set` must live as long as the periods are asked for.
  void add(std::int32_t period, const std::uint64_t* set) {
    const std::uint64_t*& at = sets_[static_cast<std::size_t>(period - first_)];
    if (set == nullptr) return;
    if (at == nullptr) {
      at = set;
      return;
    }
    PersonSet& both = own();
    bitmap_kernels().unite(both.data(), at, set, both.size());
    at = both.data();
  }
  /// Those of `set` that are not in `without`.
  void add_without(std::int32_t period, const std::uint64_t* set, const PersonSet& without) {
    PersonSet& rest = own();
    for (std::size_t w = 0; w < rest.size(); ++w) rest[w] = set[w] & ~without[w];
    add(period, rest.data());
  }
  /// All of an activity's slots, or those in the range.
  void load(const ActivityBitmaps& bitmaps, const TimeSlots& slots, std::size_t activity,
            bool only_in_range) {
    clear();
    for (std::size_t i = 0; i < slots.size(); ++i) {
      if (only_in_range && !slots[i].in_range) continue;
      if (holds(slots[i].period)) add(slots[i].period, bitmaps.slot(activity, i));
    }
  }

  [[nodiscard]] bool holds(std::int32_t period) const { return period >= first_ && period < end(); }
  [[nodiscard]] std::int32_t end() const {
    return first_ + static_cast<std::int32_t>(sets_.size());
  }
  /// nullptr where nobody did. Requires holds(period).
  [[nodiscard]] const std::uint64_t* operator[](std::int32_t period) const {
    return sets_[static_cast<std::size_t>(period - first_)];
  }

 private:
  PersonSet& own() {
    if (used_ == own_.size()) own_.push_back(std::make_unique<PersonSet>());
    return *own_[used_++];
  }

  std::int32_t first_;
  std::vector<const std::uint64_t*> sets_;
  std::vector<std::unique_ptr<PersonSet>> own_;  // What these point to, if not into the bitmaps.
  std::size_t used_ = 0;
};

}  // namespace hf
