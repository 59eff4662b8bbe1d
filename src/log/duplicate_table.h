// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <utility>
#include <vector>

#include "base/hash.h"
#include "base/result.h"

namespace hf {

/// The newest keys: a hash table with linear probing whose hash is the key's upper half and whose
/// neighbourhoods are kept in order. So the whole is in order, and a run is written by walking it.
class DuplicateTable {
 public:
  explicit DuplicateTable(std::size_t keys_max) : keys_max_(keys_max) {}

  void prefetch(const Hash128& key) const {
    if (!slots_.empty()) __builtin_prefetch(&slots_[home_of(key)]);
  }
  [[nodiscard]] bool contains(const Hash128& key) const {
    if (key == empty) return has_zero_;
    return !slots_.empty() && slots_[place_of(key)] == key;
  }
  void insert(const Hash128& key) {
    if (slots_.empty()) slots_ = Slots(keys_max_);
    if (key == empty) {
      has_zero_ = true;
      return;
    }
    const std::size_t place = place_of(key);
    if (slots_[place] == key) return;
    slots_.shift_in(place, key);
    if (++filled_ > slots_.homes() / 16 * 15) grow();
  }
  [[nodiscard]] std::size_t size() const { return filled_ + (has_zero_ ? 1 : 0); }
  [[nodiscard]] bool is_full() const { return size() >= keys_max_; }
  [[nodiscard]] std::size_t bytes() const { return slots_.bytes(); }
  [[nodiscard]] static std::size_t bytes_for(std::size_t keys_max) {
    return Slots::slots_for(keys_max) * sizeof(Hash128);
  }
  /// Keeps the memory, unless it has grown.
  void clear() {
    filled_ = 0;
    has_zero_ = false;
    if (!slots_.empty() && !slots_.empty_all(keys_max_)) slots_ = Slots();
  }

  /// Calls `take(key)`, which returns Result<void>, with the keys in ascending order.
  template <class Take>
  [[nodiscard]] Result<void> for_each(Take take) const {
    if (has_zero_) HF_CHECK(take(empty));
    for (std::size_t i = 0; i < slots_.size(); ++i) {
      if (slots_[i] != empty) HF_CHECK(take(slots_[i]));
    }
    return {};
  }

 private:
  static constexpr Hash128 empty{};  // This key itself is has_zero_.

  /// The last slot is always empty, so that every walk ends.
  class Slots {
   public:
    Slots() = default;
    explicit Slots(std::size_t keys) : homes_(homes_for(keys)) {
      slots_.reserve(slots_for(keys));
      slots_.resize(homes_ + 1);
    }
    // Three quarters full: a neighbourhood is then a cache line or two.
    static std::size_t homes_for(std::size_t keys) { return keys / 3 * 4 + 16; }
    // With room for what the last neighbourhood has beyond the homes.
    static std::size_t slots_for(std::size_t keys) { return homes_for(keys) + keys / 64 + 16; }
    [[nodiscard]] bool empty() const { return slots_.empty(); }
    [[nodiscard]] std::size_t size() const { return slots_.size(); }
    [[nodiscard]] std::size_t homes() const { return homes_; }
    [[nodiscard]] std::size_t bytes() const { return slots_.capacity() * sizeof(Hash128); }
    [[nodiscard]] const Hash128& operator[](std::size_t i) const { return slots_[i]; }
    /// False, and nothing is done, where they are not the slots of Slots(keys).
    bool empty_all(std::size_t keys) {
      if (homes_ != homes_for(keys) || slots_.capacity() != slots_for(keys)) return false;
      slots_.assign(homes_ + 1, Hash128{});
      return true;
    }
    void shift_in(std::size_t place, Hash128 key) {
      for (; key != DuplicateTable::empty; ++place) std::swap(key, slots_[place]);
      if (slots_.back() != DuplicateTable::empty) slots_.emplace_back();
    }

   private:
    std::size_t homes_ = 0;
    std::vector<Hash128> slots_;
  };

  [[nodiscard]] std::size_t home_of(const Hash128& key) const {
    __extension__ typedef unsigned __int128 Uint128;
    return static_cast<std::size_t>(Uint128{key.high} * slots_.homes() >> 64);
  }
  /// Where the key is, or would be put.
  [[nodiscard]] std::size_t place_of(const Hash128& key) const {
    std::size_t place = home_of(key);
    while (slots_[place] != empty && slots_[place] < key) ++place;
    return place;
  }
  // For a caller who puts flush() off.
  void grow() {
    const Slots old = std::exchange(slots_, Slots(2 * filled_));
    for (std::size_t i = 0; i < old.size(); ++i) {
      if (old[i] != empty) slots_.shift_in(place_of(old[i]), old[i]);
    }
  }

  std::size_t keys_max_;
  std::size_t filled_ = 0;
  bool has_zero_ = false;
  Slots slots_;  // None before the first key.
};

}  // namespace hf
