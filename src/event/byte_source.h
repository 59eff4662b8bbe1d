// SPDX-License-Identifier: Apache-2.0
//
// The bytes of an import file, decompressed on the way. Gzip and zstd are known by their first
// bytes, never by the file's name; concatenated members and frames read as one text. Nothing is
// held beyond one input block and the decompressor's own window.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>

#include "base/env.h"
#include "base/result.h"

namespace hf {

/// A stream of bytes, read once from front to back by one thread.
class ByteSource {
 public:
  /// The largest zstd window that is read, as a power of two (zstd --long=27): 128 MiB.
  static constexpr int zstd_window_log_max = 27;

  /// Opens a file, plain, gzip or zstd. `env` must outlive the source.
  /// Errors: those of FileSystem::open() and File::read_at().
  [[nodiscard]] static Result<std::unique_ptr<ByteSource>> open_file(const Env& env,
                                                                     const std::string& path);
  /// Standard input, plain, gzip or zstd; waits for its first bytes. Errors: unavailable.
  [[nodiscard]] static Result<std::unique_ptr<ByteSource>> from_stdin();
  /// Bytes in memory, plain, gzip or zstd.
  [[nodiscard]] static std::unique_ptr<ByteSource> from_bytes(std::string bytes);

  ByteSource() = default;
  ByteSource(const ByteSource&) = delete;
  ByteSource& operator=(const ByteSource&) = delete;
  virtual ~ByteSource() = default;

  /// Reads up to `out.size()` decompressed bytes, at least one; 0 only at the end. Requires `out`
  /// not to be empty. Errors, which stay: unavailable; data_loss/damaged_file (compressed input
  /// that is truncated or damaged), naming the offset in the compressed input;
  /// resource_exhausted/window_too_large.
  [[nodiscard]] virtual Result<std::size_t> read(std::span<char> out) = 0;
  /// Bytes used of what lies on disk: compressed ones where it is compressed.
  [[nodiscard]] virtual std::uint64_t consumed() const = 0;
  /// What consumed() will be at the end, where that is known.
  [[nodiscard]] virtual std::optional<std::uint64_t> total() const = 0;
  /// Passes over n decompressed bytes; costs no reading where the source is a plain file.
  /// Errors: those of read(); failed_precondition/source_too_short.
  [[nodiscard]] virtual Result<void> skip(std::uint64_t n);
};

}  // namespace hf
