// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace hf {

/// The end of the rows.
struct End {};

/// One row that could not be read, with its place and why. The file goes on after it.
struct RejectedRow {
  std::uint64_t line;    ///< 1-based physical line on which the row begins.
  std::uint64_t offset;  ///< Of the row's first byte, in the decompressed text.
  std::uint32_t column;  ///< CSV: 1-based field; JSON: 1-based byte of the line; 0 the whole row.
  std::string_view reason;  ///< Stable literal: "wrong_field_count".
  std::string message;      ///< For people: "expected 8 fields, found 7".
  std::string excerpt;      ///< The row's beginning, see excerpt_of().
};

/// Where the next row begins: what an interrupted import notes, to go on from there.
struct RowPosition {
  std::uint64_t line = 1;
  std::uint64_t offset = 0;  ///< Decompressed bytes.
  friend bool operator==(const RowPosition&, const RowPosition&) = default;
};

inline constexpr std::size_t excerpt_bytes_max = 200;
/// A longer row is rejected: row_too_long.
inline constexpr std::size_t row_bytes_max = 1 << 20;

/// The beginning of `text` up to the end of its first physical line, as valid UTF-8 of at most
/// excerpt_bytes_max bytes: bytes that are no UTF-8 become U+FFFD, no character is cut.
[[nodiscard]] std::string excerpt_of(std::string_view text);

}  // namespace hf
