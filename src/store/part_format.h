// SPDX-License-Identifier: Apache-2.0
//
// The constants of the part file, docs/format/part.md. Numbers here are on disk: never renumber.
#pragma once

#include <cstdint>
#include <string_view>

namespace hf::part_format {

inline constexpr std::string_view magic = "HFPART01";  ///< First and last 8 bytes of the file.
inline constexpr std::uint16_t version = 1;
inline constexpr std::size_t header_bytes = 64;
inline constexpr std::size_t trailer_bytes = 32;

/// Rows per page. Every column of a part is cut at the same rows.
inline constexpr std::uint32_t page_rows = 65'536;

/// A part holds at most this many rows: row numbers are 32-bit, and one part is sorted in memory.
inline constexpr std::uint32_t rows_max = 1u << 30;
/// Distinct event names per part (16-bit codes).
inline constexpr std::uint32_t names_max = 65'535;
/// Columns per part: the footer lists the pages of each and is held in memory.
inline constexpr std::uint32_t columns_max = 16'384;
/// Bytes of the ids that events of one part came with: those of one person share a page.
inline constexpr std::size_t id_bytes_max = std::size_t{192} << 20;

/// What a page holds. Kinds with the personal bit carry key id, nonce and tag in their header, so
/// that encryption can be switched on without a new format version.
enum class PageKind : std::uint8_t {
  persons = 1,  ///< Ordinals and row counts.
  numbers = 2,  ///< Integers: times, codes, decimals' units.
  id_keys = 3,  ///< Keyed hashes of ids.
  footer = 4,
  owners = 5,         ///< Which persons' events lie with another person's.
  days = 6,           ///< On which local days owners of events were active.
  postings = 7,       ///< Rows and times of one event name.
  ids = 0x81,         ///< Raw ids. Personal.
  dictionary = 0x82,  ///< Text values. Personal: free text may name people.
  texts = 0x83,       ///< Message ids. Personal.
  links = 0x84,       ///< What says that two ids are one person. Personal.
};
inline constexpr std::uint8_t personal_bit = 0x80;

enum class Codec : std::uint8_t { raw = 0, zstd = 1 };

/// What a column is. Role `property` goes with a property name and a ValueKind.
enum class ColumnRole : std::uint8_t {
  property = 0,
  time = 1,         ///< UTC ms, non-decreasing within one person.
  name = 2,         ///< Code into the part's event names.
  id_code = 3,      ///< Which of its person's ids the event came with.
  received_at = 4,  ///< UTC ms.
  message_id = 5,
  channel = 6,
  raw_time = 7,     ///< The client's time where it was more than 24 h ahead, UTC ms.
  message_key = 8,  ///< Keyed hash of (source, message id), sorted; not per row.
  source = 9,       ///< Text; rows without one are of the part's source.
  import = 10,      ///< Which import wrote the row, where a part holds rows of several.
};

inline constexpr std::size_t roles = 11;

/// How a page says which of its rows have a value.
enum class Presence : std::uint8_t { all = 0, bitmap = 1, list = 2 };

/// How the values of a `numbers` page are written.
enum class Encoding : std::uint8_t {
  fixed = 0,       ///< minimum + w-byte offsets, w in {0,1,2,4,8}
  run_deltas = 1,  ///< time: zigzag LEB128 of the difference to the row before, in the page's unit
};

}  // namespace hf::part_format
