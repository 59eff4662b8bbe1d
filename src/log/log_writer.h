// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "base/env.h"
#include "base/result.h"
#include "log/frame.h"
#include "log/offset.h"

namespace hf {

/// The one writer of a log directory: appends frames to preallocated files of up to file_bytes,
/// each made durable before append() returns. Requires the lock of the data directory. Not
/// thread-safe.
class LogWriter {
 public:
  struct Options {
    std::uint64_t file_bytes = std::uint64_t{64} << 20;
    std::uint64_t room_bytes = std::uint64_t{1} << 20;  ///< Of a new file; doubled when it is full.
  };

  /// Opens the log, makes the directory where absent, cuts a frame that was never finished off the
  /// end, and makes what is left durable. `known_end`: records below are known to have been durable
  /// (by what was built from them). Errors: data_loss/bad_log naming file and offset (also where
  /// the log ends before known_end); those of the file system.
  [[nodiscard]] static Result<std::unique_ptr<LogWriter>> open(const Env& env,
                                                               std::string directory,
                                                               const Options& options,
                                                               Offset known_end);

  struct Appended {
    Offset first = 0;
    Offset end = 0;
    TimestampMs received_at_ms = 0;  ///< The clock's, but never going back.
  };
  /// Writes the builder's records as one frame and syncs it. Requires at least one record. After
  /// any failure nothing is appended any more, and whether this frame will be found is not known
  /// until the log is opened again. Errors: unavailable/log_stopped (after a failure), those of
  /// the file system.
  [[nodiscard]] Result<Appended> append(FrameBuilder& frame);

  /// Removes the files whose records are all below `offset` and were received before the time,
  /// oldest first, but never the newest.
  [[nodiscard]] Result<void> remove_before(Offset offset, TimestampMs received_before_ms);

  [[nodiscard]] Offset next_offset() const { return next_; }
  /// Of the log's oldest record on disk; next_offset() where there is none.
  [[nodiscard]] Offset first_offset() const;
  [[nodiscard]] const Hash128& log_id() const { return log_id_; }
  [[nodiscard]] const std::string& directory() const { return directory_; }
  /// Bytes of all files, preallocated ones included.
  [[nodiscard]] Result<std::uint64_t> disk_bytes() const;

 private:
  LogWriter(const Env& env, std::string directory, const Options& options)
      : env_(env), directory_(std::move(directory)), options_(options) {}
  Result<void> recover(Offset known_end);
  Result<void> rewrite(std::uint64_t begin, std::uint64_t end);
  Result<void> make_room(std::uint64_t bytes);
  Result<void> start_file(std::uint64_t bytes);

  Env env_;
  std::string directory_;
  Options options_;
  Hash128 log_id_;
  std::vector<Offset> files_;   // By first record, ascending.
  std::unique_ptr<File> file_;  // Null until there is one to append to.
  std::uint64_t salt_ = 0;
  std::uint64_t position_ = 0;
  std::uint64_t allocated_ = 0;
  Offset next_ = 1;
  TimestampMs received_at_ms_ = 0;
  bool stopped_ = false;
};

}  // namespace hf
