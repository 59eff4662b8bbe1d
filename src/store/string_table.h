// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

#include "base/assert.h"
#include "base/hash.h"

namespace hf {

/// Gives each distinct byte string a code, 0, 1, 2, .. in order of first appearance.
/// Open addressing with the upper hash half beside the code: one cache miss a look-up.
class StringTable {
 public:
  [[nodiscard]] std::uint32_t size() const {
    return static_cast<std::uint32_t>(starts_.size() - 1);
  }

  [[nodiscard]] std::string_view at(std::uint32_t code) const {
    return {bytes_.data() + starts_[code], starts_[code + 1] - starts_[code]};
  }

  std::uint32_t intern(std::string_view text) {
    if ((size() + 1) * 2 > slots_.size()) grow();
    const std::uint64_t hash = xxh3_64(text);
    std::size_t slot = hash & mask_;
    while (slots_[slot] != 0) {
      if ((slots_[slot] >> 32) == (hash >> 32)) {
        const auto code = static_cast<std::uint32_t>(slots_[slot]) - 1;
        if (at(code) == text) return code;
      }
      slot = (slot + 1) & mask_;
    }
    const std::uint32_t code = size();
    HF_ASSERT(code < 0xfffffff0u);
    slots_[slot] = (hash >> 32 << 32) | (code + 1);
    bytes_.insert(bytes_.end(), text.begin(), text.end());
    starts_.push_back(bytes_.size());
    return code;
  }

  /// Bytes of all strings together.
  [[nodiscard]] std::size_t text_bytes() const { return bytes_.size(); }
  [[nodiscard]] std::size_t memory_bytes() const {
    return slots_.size() * 8 + starts_.capacity() * 8 + bytes_.capacity();
  }

 private:
  void grow() {
    const std::size_t capacity = slots_.empty() ? 16 : slots_.size() * 2;
    slots_.assign(capacity, 0);
    mask_ = capacity - 1;
    for (std::uint32_t code = 0; code < size(); ++code) {
      const std::uint64_t hash = xxh3_64(at(code));
      std::size_t slot = hash & mask_;
      while (slots_[slot] != 0) slot = (slot + 1) & mask_;
      slots_[slot] = (hash >> 32 << 32) | (code + 1);
    }
  }

  std::vector<std::uint64_t> slots_;  // Upper half of the hash, code + 1; 0 is empty.
  std::size_t mask_ = 0;
  std::vector<std::uint64_t> starts_ = {0};
  std::vector<char> bytes_;
};

}  // namespace hf
