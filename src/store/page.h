// SPDX-License-Identifier: Apache-2.0
//
// Pages: checksummed, compressed runs of bytes in a part file (docs/format/part.md, "Page"), and
// the encodings of what they hold.
#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/env.h"
#include "base/result.h"
#include "store/part.h"
#include "store/part_format.h"

namespace hf {

/// Where a page lies, header included. stored_bytes 0: the page is left out, none of its rows has
/// a value.
struct PageRef {
  std::uint64_t offset = 0;
  std::uint32_t stored_bytes = 0;
};

/// Appends pages to a file, in writes of about a megabyte.
class PageWriter {
 public:
  explicit PageWriter(File& file, bool compress = true) : file_(file), compress_(compress) {}
  /// Bytes that are no page (the file header, the trailer).
  [[nodiscard]] Result<void> append_raw(std::string_view bytes);
  [[nodiscard]] Result<PageRef> append(part_format::PageKind kind, std::string_view payload);
  [[nodiscard]] Result<void> flush();
  [[nodiscard]] std::uint64_t offset() const { return flushed_ + buffer_.size(); }

 private:
  File& file_;
  bool compress_;
  std::string buffer_;
  std::uint64_t flushed_ = 0;
};

/// Takes a page apart: checks kind, lengths and CRC-32C, decompresses.
/// Errors: data_loss/bad_part with a message that ends in the reason (the caller adds the place).
[[nodiscard]] Result<std::string> decode_page(std::string_view stored, part_format::PageKind kind);

/// Largest payload decode_page() accepts.
inline constexpr std::uint32_t page_payload_max = 256u << 20;

/// Encodes the values of one page of a column. `present` has a byte per row (0 or 1), empty where
/// all rows have a value; `values` holds those of rows that have one.
[[nodiscard]] std::string encode_numbers(std::uint32_t rows, std::span<const std::uint8_t> present,
                                         std::span<const std::int64_t> values, std::int8_t scale,
                                         std::span<const std::uint8_t> scales);
struct DecodedNumbers {
  std::vector<std::int64_t> values;    ///< One a row, 0 where missing.
  std::vector<std::uint64_t> present;  ///< Bit per row, empty where all have a value.
  std::int8_t scale = 0;
  std::vector<std::uint8_t> scales;  ///< Per row, or empty.
};
/// Errors: data_loss/bad_part.
[[nodiscard]] Result<DecodedNumbers> decode_numbers(std::string_view payload, std::uint32_t rows);

/// The units times are counted in: the coarsest that divides every distance to a base.
inline constexpr std::int64_t time_units_ms[] = {86'400'000, 3'600'000, 60'000, 1'000, 1};
[[nodiscard]] bool is_time_unit(std::uint64_t unit_ms);
/// Requires times at or after `base_ms`.
[[nodiscard]] std::int64_t coarsest_unit(std::span<const TimestampMs> times, TimestampMs base_ms);

/// Encodes a page of times; `run_starts` are the rows of the page at which a person begins.
[[nodiscard]] std::string encode_times(std::span<const TimestampMs> times,
                                       std::span<const std::uint32_t> run_starts);
[[nodiscard]] Result<std::vector<TimestampMs>> decode_times(
    std::string_view payload, std::uint32_t rows, std::span<const std::uint32_t> run_starts);
/// The same as offsets in the page's unit; without offsets where one needs more than 32 bits.
struct CompactTimes {
  TimestampMs base_ms = 0;
  std::int64_t unit_ms = 1;
  std::vector<std::uint32_t> offsets;
};
[[nodiscard]] Result<CompactTimes> decode_compact_times(std::string_view payload,
                                                        std::uint32_t rows,
                                                        std::span<const std::uint32_t> run_starts);

}  // namespace hf
