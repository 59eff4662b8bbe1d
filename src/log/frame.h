// SPDX-License-Identifier: Apache-2.0
//
// The bytes of a log file (docs/format/log.md): a header, then frames, each followed by a seal. A
// frame is what one sync made durable together; its seal, written after that sync, is how damage
// to a durable frame is told from one that was never finished.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/env.h"
#include "base/hash.h"
#include "log/offset.h"

namespace hf {

namespace log_format {
inline constexpr std::string_view magic = "HFLOG001";
inline constexpr std::uint16_t version = 1;
inline constexpr std::size_t file_header_bytes = 64;
inline constexpr std::size_t frame_header_bytes = 84;
inline constexpr std::size_t seal_bytes = 24;
inline constexpr std::uint32_t payload_bytes_max = 64u << 20;
}  // namespace log_format

struct LogFileHeader {
  Offset first = 0;               ///< Of the file's first record.
  TimestampMs created_at_ms = 0;  ///< Not before any received_at of the files before.
  Hash128 log_id;                 ///< The same in all files of a log.
  std::uint64_t salt = 0;         ///< Random: what is no frame of this file does not look like one.
};
[[nodiscard]] std::string encode_log_file_header(const LogFileHeader& header);
/// Why not, for the operator, where the bytes are none. Wants file_header_bytes.
[[nodiscard]] std::string_view decode_log_file_header(std::string_view bytes, LogFileHeader& out);

struct FrameHeader {
  Offset first = 0;
  TimestampMs received_at_ms = 0;
  std::uint32_t records = 0;
  std::uint32_t payload_bytes = 0;
  std::uint32_t payload_crc = 0;

  [[nodiscard]] Offset end() const { return first + records; }
};
/// Nothing where the bytes are no header of a frame of the file with that salt.
[[nodiscard]] std::optional<FrameHeader> decode_frame_header(std::string_view bytes,
                                                             std::uint64_t salt);

/// A frame as it grows. Records are opaque bytes here.
class FrameBuilder {
 public:
  FrameBuilder() { clear(); }
  void add(std::string_view record);
  [[nodiscard]] std::uint32_t records() const { return records_; }
  [[nodiscard]] std::size_t payload_bytes() const {
    return bytes_.size() - log_format::frame_header_bytes;
  }
  [[nodiscard]] std::string_view payload() const {
    return std::string_view(bytes_).substr(log_format::frame_header_bytes);
  }
  /// What a record adds to payload_bytes().
  [[nodiscard]] static std::size_t cost(std::string_view record);
  /// The whole frame; valid until clear(). Requires payload_bytes() <= payload_bytes_max.
  [[nodiscard]] std::string_view finish(std::uint64_t salt, Offset first,
                                        TimestampMs received_at_ms);
  void clear();

 private:
  std::string bytes_;
  std::uint32_t records_ = 0;
};

/// The seal of a frame that ends at byte `position` of its file, before record `end`.
[[nodiscard]] std::array<char, log_format::seal_bytes> encode_seal(std::uint64_t salt, Offset end,
                                                                   std::uint64_t position);
[[nodiscard]] bool is_seal(std::string_view bytes, std::uint64_t salt, Offset end,
                           std::uint64_t position);

/// True where `bytes`, which begin at byte `position` of a file, hold a seal of a frame that ends
/// behind record `next`, or the header of a frame that begins behind it: then what should be the
/// frame of `next` was durable once.
[[nodiscard]] bool has_later_frame(std::string_view bytes, std::uint64_t position,
                                   std::uint64_t salt, Offset next);

/// The records of a payload in order. A length that does not fit ends it with ok() false.
class FrameRecords {
 public:
  explicit FrameRecords(std::string_view payload) : rest_(payload) {}
  [[nodiscard]] std::optional<std::string_view> next();
  [[nodiscard]] bool ok() const { return ok_; }

 private:
  std::string_view rest_;
  bool ok_ = true;
};

}  // namespace hf
