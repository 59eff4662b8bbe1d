// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/env.h"
#include "base/result.h"
#include "log/frame.h"
#include "log/offset.h"

namespace hf {

/// What one sync made durable together. Views live until the reader's next call.
struct LogFrame {
  Offset first = 0;
  Offset end = 0;
  TimestampMs received_at_ms = 0;
  std::string_view payload;  ///< FrameRecords takes it apart.
};

/// The files of a log directory by the offset of their first record, ascending. Other names are
/// passed over. Errors: not_found.
[[nodiscard]] Result<std::vector<Offset>> list_log_files(const Env& env,
                                                         const std::string& directory);
[[nodiscard]] std::string log_file_name(Offset first);
/// True where nothing but zeros follows the place of the header: the file was being made, and never
/// held a record.
[[nodiscard]] Result<bool> is_unfinished_log_file(const Env& env, const std::string& path);

/// Reads one file of a log. A file that is being written may be read.
class LogFileReader {
 public:
  /// Errors: data_loss/bad_log where the header is none of the file whose name says `first`;
  /// not_found; unavailable.
  [[nodiscard]] static Result<LogFileReader> open(const Env& env, const std::string& directory,
                                                  Offset first);

  /// The frame of record next_offset(), or nothing where there is none: `is_torn()` then tells a
  /// frame that was never finished from the clean end. Errors: data_loss/bad_log naming file and
  /// offset where the frame is damaged but was durable once; unavailable.
  [[nodiscard]] Result<std::optional<LogFrame>> next();
  /// Steps over the frames that end at or before `offset`, by their headers alone.
  [[nodiscard]] Result<void> skip_to(Offset offset);

  [[nodiscard]] const LogFileHeader& header() const { return header_; }
  [[nodiscard]] const std::string& path() const { return path_; }
  [[nodiscard]] Offset next_offset() const { return next_; }
  /// Where the frame of next_offset() begins or will begin, in bytes.
  [[nodiscard]] std::uint64_t position() const { return position_; }
  /// Everything before this byte was durable once: it ends with a seal. 0: no seal was found yet.
  [[nodiscard]] std::uint64_t sealed_end() const { return sealed_end_; }
  /// Of the last frame, or of the header.
  [[nodiscard]] TimestampMs received_at_ms() const { return received_at_ms_; }
  /// After nothing was found: bytes other than zeros lie at position().
  [[nodiscard]] bool is_torn() const { return torn_; }

 private:
  LogFileReader(std::unique_ptr<File> file, std::string path)
      : file_(std::move(file)), path_(std::move(path)) {}
  Result<std::string_view> bytes_at(std::uint64_t position, std::size_t count);
  Result<std::optional<FrameHeader>> find_frame(bool with_payload);
  Result<void> check_end();
  Result<void> step_over(const FrameHeader& header);

  std::unique_ptr<File> file_;
  std::string path_;
  LogFileHeader header_;
  Offset next_ = 0;
  std::uint64_t position_ = log_format::file_header_bytes;
  std::uint64_t sealed_end_ = 0;
  TimestampMs received_at_ms_ = 0;
  bool torn_ = false;
  std::string buffer_;  // Bytes of the file from buffer_at_.
  std::uint64_t buffer_at_ = 0;
};

/// Reads a log from an offset on, through all its files, and follows it as it grows.
class LogReader {
 public:
  /// Errors: not_found/log_deleted where the log begins behind `from`; data_loss/bad_log; those of
  /// the file system.
  [[nodiscard]] static Result<LogReader> open(const Env& env, std::string directory, Offset from);

  /// The next frame (the first is the one that holds `from`, whole); nothing at the end of the log:
  /// ask again. Errors: data_loss/bad_log naming file and offset (a frame that was durable once, or
  /// a file, is damaged or missing); unavailable.
  [[nodiscard]] Result<std::optional<LogFrame>> next();
  /// The first record of what next() will return.
  [[nodiscard]] Offset next_offset() const;

 private:
  LogReader(const Env& env, std::string directory) : env_(env), directory_(std::move(directory)) {}
  Result<bool> open_file(Offset first, bool is_last);

  Env env_;
  std::string directory_;
  std::optional<LogFileReader> file_;  // Absent while the log has no file.
};

}  // namespace hf
