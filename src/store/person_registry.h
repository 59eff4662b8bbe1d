// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "base/assert.h"
#include "base/hash.h"
#include "store/part.h"

namespace hf {

/// Which ordinal each person key has; numbers new persons densely. Not thread-safe.
class PersonRegistry {
 public:
  PersonRegistry(HashKey hash_key, PersonOrdinal next) : hash_key_(hash_key), next_(next) {}

  [[nodiscard]] const HashKey& hash_key() const { return hash_key_; }
  /// The ordinal the next new person gets; all given ones are below.
  [[nodiscard]] PersonOrdinal next() const { return next_; }

  /// Records a person known from a part. Requires ordinal < next().
  void add(const Hash128& key, PersonOrdinal ordinal) {
    HF_ASSERT(ordinal < next_);
    Slot* slot = find(key);
    if (slot->ordinal == empty) ++size_;
    *slot = {key, ordinal};
  }

  /// The ordinal of `key`, where it is known.
  [[nodiscard]] std::optional<PersonOrdinal> known(const Hash128& key) const {
    if (slots_.empty()) return std::nullopt;
    const PersonOrdinal ordinal = slots_[index_of(key)].ordinal;
    return ordinal >= forgotten ? std::nullopt : std::optional(ordinal);
  }

  /// The ordinal of `key`, a new one where it is unknown.
  PersonOrdinal ordinal_of(const Hash128& key) {
    Slot* slot = find(key);
    if (slot->ordinal >= forgotten) {
      HF_ASSERT(next_ < forgotten - 1);
      if (slot->ordinal == empty) ++size_;
      *slot = {key, next_++};
    }
    return slot->ordinal;
  }

  /// The key is as good as new: whoever comes with it is another person.
  void forget(const Hash128& key) {
    if (known(key)) find(key)->ordinal = forgotten;
  }

 private:
  static constexpr PersonOrdinal empty = 0xffffffff;
  static constexpr PersonOrdinal forgotten = 0xfffffffe;
  struct Slot {
    Hash128 key;
    PersonOrdinal ordinal = empty;
  };

  // The slot of `key`, or the empty one where it belongs.
  Slot* find(const Hash128& key) {
    if ((size_ + 1) * 2 > slots_.size()) grow();
    return &slots_[index_of(key)];
  }

  // Requires a slot that is free.
  [[nodiscard]] std::size_t index_of(const Hash128& key) const {
    std::size_t i = key.low & (slots_.size() - 1);  // Keyed hashes: any bits are as good as others.
    while (slots_[i].ordinal != empty && slots_[i].key != key) i = (i + 1) & (slots_.size() - 1);
    return i;
  }

  void grow() {
    std::vector<Slot> old(slots_.empty() ? 1024 : slots_.size() * 2);
    old.swap(slots_);
    for (const Slot& slot : old) {
      if (slot.ordinal == empty) continue;
      std::size_t i = slot.key.low & (slots_.size() - 1);
      while (slots_[i].ordinal != empty) i = (i + 1) & (slots_.size() - 1);
      slots_[i] = slot;
    }
  }

  HashKey hash_key_;
  PersonOrdinal next_;
  std::size_t size_ = 0;
  std::vector<Slot> slots_;
};

}  // namespace hf
