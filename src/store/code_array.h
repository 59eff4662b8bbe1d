// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <span>
#include <vector>

namespace hf {

/// Codes of a dictionary, a row each, as narrow as the dictionary allows: with up to 255 entries in
/// a byte, up to 65,535 in two, else in four. All ones stands for a row without one.
class CodeArray {
 public:
  static constexpr std::uint32_t missing = 0xffffffff;

  CodeArray() = default;
  /// For codes below `end`, which decides the width.
  explicit CodeArray(std::uint64_t end) : width_(fits_bytes(end) ? 1 : end <= 0xffff ? 2 : 4) {}
  [[nodiscard]] static constexpr bool fits_bytes(std::uint64_t end) { return end <= 0xff; }

  void assign(std::size_t rows, std::uint32_t code) {
    with([&](auto& codes) {
      codes.assign(rows, static_cast<typename std::decay_t<decltype(codes)>::value_type>(code));
    });
  }
  void reserve(std::size_t rows) {
    with([&](auto& codes) { codes.reserve(rows); });
  }
  /// Requires a code below the end, or missing.
  void push_back(std::uint32_t code) {
    with([&](auto& codes) {
      codes.push_back(static_cast<typename std::decay_t<decltype(codes)>::value_type>(code));
    });
  }

  [[nodiscard]] std::size_t size() const {
    return width_ == 1 ? bytes_.size() : width_ == 2 ? pairs_.size() : words_.size();
  }
  [[nodiscard]] std::uint32_t operator[](std::size_t row) const {
    if (width_ == 1) return bytes_[row] == 0xff ? missing : bytes_[row];
    if (width_ == 2) return pairs_[row] == 0xffff ? missing : pairs_[row];
    return words_[row];
  }
  [[nodiscard]] std::size_t memory_bytes() const { return size() * width_; }

  // The rows at the width they have; empty at others.
  [[nodiscard]] std::span<const std::uint8_t> bytes() const { return bytes_; }
  [[nodiscard]] std::span<const std::uint16_t> pairs() const { return pairs_; }
  [[nodiscard]] std::span<const std::uint32_t> words() const { return words_; }

 private:
  template <class Use>
  void with(Use&& use) {
    if (width_ == 1) {
      use(bytes_);
    } else if (width_ == 2) {
      use(pairs_);
    } else {
      use(words_);
    }
  }

  std::uint8_t width_ = 4;
  std::vector<std::uint8_t> bytes_;
  std::vector<std::uint16_t> pairs_;
  std::vector<std::uint32_t> words_;
};

}  // namespace hf
