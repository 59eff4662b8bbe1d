// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "base/byte_set.h"
#include "store/code_array.h"

namespace hf {

/// A set of the codes of one dictionary, asked about a page of rows at a time. Which rows have a
/// wanted event name or property value comes down to this.
class CodeSet {
 public:
  CodeSet() : CodeSet(std::vector<std::uint8_t>{}) {}
  /// Code c of a dictionary of member.size() values is in the set when member[c] is not 0.
  explicit CodeSet(std::vector<std::uint8_t> member);

  [[nodiscard]] bool is_empty() const { return count_ == 0; }
  /// True when every code of the dictionary is in the set.
  [[nodiscard]] bool is_full() const { return count_ == size_; }
  /// False for codes outside the dictionary, such as CodeArray::missing.
  [[nodiscard]] bool contains(std::uint32_t code) const {
    return member_[code < size_ ? code : size_] != 0;
  }
  /// Sets bit i of `rows` where codes[i] is in the set, of those words of which `asked` is not 0;
  /// other bits stay. Both have (codes.size() + 63) / 64 words; the array is one for codes of the
  /// dictionary.
  void find(const CodeArray& codes, std::span<const std::uint64_t> asked,
            std::span<std::uint64_t> rows) const;

 private:
  enum class Method : std::uint8_t { all, few, table };
  static constexpr std::size_t few_max = 4;

  void find_bytes(std::span<const std::uint8_t> codes, std::span<std::uint64_t> rows) const;
  template <class Code>
  void find_wide(std::span<const Code> codes, std::span<const std::uint64_t> asked,
                 std::span<std::uint64_t> rows) const;
  template <class Code>
  [[nodiscard]] std::uint64_t rows_of_64(const Code* codes) const;
  template <class Code>
  [[nodiscard]] std::uint64_t rows_by_table(const Code* codes) const;

  std::uint32_t size_ = 0;
  std::uint32_t count_ = 0;
  Method method_ = Method::table;                // Of dictionaries that bytes do not number.
  std::vector<std::uint8_t> member_;             // size_ + 1, the last one 0: for codes outside.
  std::array<std::uint32_t, few_max> few_ = {};  // Filled up by repeating one.
  ByteSet bytes_;                                // Of dictionaries that they do.
};

}  // namespace hf
