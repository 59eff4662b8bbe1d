// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <vector>

#include "base/bitmap.h"
#include "store/day_sets.h"

namespace hf {

/// A set of the persons of a snapshot, in whole chunks.
class PersonBitmap {
 public:
  PersonBitmap() = default;
  explicit PersonBitmap(PersonOrdinal person_end)
      : words_(std::size_t{PersonChunk::count(person_end)} * PersonChunk::words) {}

  [[nodiscard]] bool contains(PersonOrdinal person) const {
    return person / 64 < words_.size() && (words_[person / 64] >> (person % 64) & 1) != 0;
  }
  /// Requires person < person_end.
  void add(PersonOrdinal person) { words_[person / 64] |= std::uint64_t{1} << (person % 64); }
  void remove(PersonOrdinal person) { words_[person / 64] &= ~(std::uint64_t{1} << (person % 64)); }

  [[nodiscard]] std::uint32_t chunks() const {
    return static_cast<std::uint32_t>(words_.size() / PersonChunk::words);
  }
  /// PersonChunk::words words. Requires chunk < chunks().
  [[nodiscard]] const std::uint64_t* chunk(std::uint32_t chunk) const {
    return words_.data() + std::size_t{chunk} * PersonChunk::words;
  }
  [[nodiscard]] std::uint64_t* chunk(std::uint32_t chunk) {
    return words_.data() + std::size_t{chunk} * PersonChunk::words;
  }

  [[nodiscard]] std::uint64_t size() const {
    return bitmap_kernels().count(words_.data(), words_.size());
  }
  [[nodiscard]] std::size_t bytes() const { return words_.size() * sizeof(std::uint64_t); }

  // Each requires sets of the same snapshot.
  PersonBitmap& operator&=(const PersonBitmap& other) {
    for (std::size_t i = 0; i < words_.size(); ++i) words_[i] &= other.words_[i];
    return *this;
  }
  PersonBitmap& operator|=(const PersonBitmap& other) {
    for (std::size_t i = 0; i < words_.size(); ++i) words_[i] |= other.words_[i];
    return *this;
  }
  PersonBitmap& remove(const PersonBitmap& other) {
    for (std::size_t i = 0; i < words_.size(); ++i) words_[i] &= ~other.words_[i];
    return *this;
  }
  friend bool operator==(const PersonBitmap&, const PersonBitmap&) = default;

 private:
  std::vector<std::uint64_t> words_;
};

}  // namespace hf
