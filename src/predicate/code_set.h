// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace hf {

/// A set of the codes of one dictionary, asked about up to 64 rows at a time. Which rows of a page
/// have a wanted event name or property value comes down to this.
class CodeSet {
 public:
  CodeSet() : CodeSet(std::vector<std::uint8_t>{}) {}
  /// Code c of a dictionary of member.size() values is in the set when member[c] is not 0.
  explicit CodeSet(std::vector<std::uint8_t> member);

  [[nodiscard]] bool is_empty() const { return count_ == 0; }
  /// True when every code of the dictionary is in the set.
  [[nodiscard]] bool is_full() const { return count_ == size_; }
  /// False for codes outside the dictionary, such as CodePage::missing.
  [[nodiscard]] bool contains(std::uint32_t code) const {
    return member_[code < size_ ? code : size_] != 0;
  }
  /// Bit i is set where codes[i] is in the set. Requires codes.size() <= 64.
  [[nodiscard]] std::uint64_t rows(std::span<const std::uint16_t> codes) const;
  [[nodiscard]] std::uint64_t rows(std::span<const std::uint32_t> codes) const;

 private:
  enum class Method : std::uint8_t { none, all, nibbles, few, table };
  static constexpr std::size_t few_max = 4;
  // Bytes hold codes up to 254 and 255 for whatever lies outside.
  static constexpr std::uint32_t nibbles_size_max = 255;

  template <class Code>
  [[nodiscard]] std::uint64_t rows_of_any_count(std::span<const Code> codes) const;
  template <class Code>
  [[nodiscard]] std::uint64_t rows_of_64(const Code* codes) const;
  template <class Code>
  [[nodiscard]] std::uint64_t rows_by_table(const Code* codes) const;

  std::uint32_t size_ = 0;
  std::uint32_t count_ = 0;
  Method method_ = Method::none;
  std::vector<std::uint8_t> member_;             // size_ + 1, the last one 0: for codes outside.
  std::array<std::uint32_t, few_max> few_ = {};  // Filled up by repeating one.
  // Bit h % 8 of nibbles_[h / 8][l] says whether code 16 h + l is in the set.
  alignas(16) std::array<std::array<std::uint8_t, 16>, 2> nibbles_ = {};
};

}  // namespace hf
