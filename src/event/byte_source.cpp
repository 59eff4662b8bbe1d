// SPDX-License-Identifier: Apache-2.0
#include "event/byte_source.h"

#include <fmt/format.h>
#include <unistd.h>
#include <zlib.h>
#include <zstd.h>
#include <zstd_errors.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <string_view>
#include <utility>
#include <vector>

#include "base/assert.h"

namespace hf {
namespace {

/// Bytes as they lie on disk.
class RawBytes {
 public:
  virtual ~RawBytes() = default;
  /// 0 only at the end.
  virtual Result<std::size_t> read(std::span<char> out) = 0;
  virtual std::optional<std::uint64_t> total() const = 0;
  /// Passes over up to n bytes without reading them; how many it could.
  virtual std::uint64_t seek_forward(std::uint64_t) { return 0; }
};

class FileBytes : public RawBytes {
 public:
  FileBytes(std::unique_ptr<File> file, std::uint64_t size) : file_(std::move(file)), size_(size) {}
  Result<std::size_t> read(std::span<char> out) override {
    HF_TRY(const std::size_t n, file_->read_at(offset_, std::as_writable_bytes(out)));
    offset_ += n;
    return n;
  }
  std::optional<std::uint64_t> total() const override { return size_; }
  std::uint64_t seek_forward(std::uint64_t n) override {
    n = std::min(n, size_ - std::min(size_, offset_));
    offset_ += n;
    return n;
  }

 private:
  std::unique_ptr<File> file_;
  std::uint64_t size_;  // When it was opened: for progress, and as far as seeking goes.
  std::uint64_t offset_ = 0;
};

class StdinBytes : public RawBytes {
 public:
  Result<std::size_t> read(std::span<char> out) override {
    for (;;) {
      const ssize_t n = ::read(STDIN_FILENO, out.data(), out.size());
      if (n >= 0) return static_cast<std::size_t>(n);
      if (errno == EINTR) continue;
      return fail(ErrorCode::unavailable, "read_failed",
                  fmt::format("cannot read standard input: {}", std::strerror(errno)));
    }
  }
  std::optional<std::uint64_t> total() const override { return std::nullopt; }
};

class MemoryBytes : public RawBytes {
 public:
  explicit MemoryBytes(std::string bytes) : bytes_(std::move(bytes)) {}
  Result<std::size_t> read(std::span<char> out) override {
    const std::size_t n = bytes_.copy(out.data(), out.size(), offset_);
    offset_ += n;
    return n;
  }
  std::optional<std::uint64_t> total() const override { return bytes_.size(); }
  std::uint64_t seek_forward(std::uint64_t n) override {
    n = std::min<std::uint64_t>(n, bytes_.size() - offset_);
    offset_ += n;
    return n;
  }

 private:
  std::string bytes_;
  std::size_t offset_ = 0;
};

/// One block of input between RawBytes and whoever uses it up.
class Input {
 public:
  explicit Input(std::unique_ptr<RawBytes> raw) : raw_(std::move(raw)), block_(128 * 1024) {}

  /// What is at hand and not used up.
  std::span<const char> view() const { return {block_.data() + begin_, end_ - begin_}; }
  void use(std::size_t n) {
    begin_ += n;
    consumed_ += n;
  }
  /// Tries to have at least n bytes at hand; fewer only at the end. Requires n <= the block.
  Result<void> want(std::size_t n) {
    if (end_ - begin_ >= n || at_end_) return {};
    std::memmove(block_.data(), block_.data() + begin_, end_ - begin_);
    end_ -= std::exchange(begin_, 0);
    while (end_ < n && !at_end_) {
      HF_TRY(const std::size_t got, raw_->read(std::span(block_).subspan(end_)));
      at_end_ = got == 0;
      end_ += got;
    }
    return {};
  }
  /// Reads past the block where nothing of it is left.
  Result<std::size_t> read(std::span<char> out) {
    if (begin_ == end_ && !at_end_) {
      HF_TRY(const std::size_t got, raw_->read(out));
      at_end_ = got == 0;
      consumed_ += got;
      return got;
    }
    const std::size_t n = std::min(out.size(), end_ - begin_);
    std::copy_n(block_.data() + begin_, n, out.data());
    use(n);
    return n;
  }
  std::uint64_t seek_forward(std::uint64_t n) {
    const std::uint64_t at_hand = std::min<std::uint64_t>(n, end_ - begin_);
    use(at_hand);
    const std::uint64_t beyond = raw_->seek_forward(n - at_hand);
    consumed_ += beyond;
    return at_hand + beyond;
  }
  std::uint64_t consumed() const { return consumed_; }
  std::optional<std::uint64_t> total() const { return raw_->total(); }

 private:
  std::unique_ptr<RawBytes> raw_;
  std::vector<char> block_;
  std::size_t begin_ = 0;
  std::size_t end_ = 0;
  std::uint64_t consumed_ = 0;
  bool at_end_ = false;
};

class PlainSource : public ByteSource {
 public:
  explicit PlainSource(Input input) : input_(std::move(input)) {}
  Result<std::size_t> read(std::span<char> out) override { return input_.read(out); }
  std::uint64_t consumed() const override { return input_.consumed(); }
  std::optional<std::uint64_t> total() const override { return input_.total(); }
  Result<void> skip(std::uint64_t n) override {
    return ByteSource::skip(n - input_.seek_forward(n));
  }

 private:
  Input input_;
};

/// What gzip and zstd have in common: input by blocks, and an error that stays.
class CompressedSource : public ByteSource {
 public:
  explicit CompressedSource(Input input) : input_(std::move(input)) {}
  Result<std::size_t> read(std::span<char> out) override {
    HF_ASSERT(!out.empty());
    if (error_) return std::unexpected(*error_);
    std::size_t n = 0;
    Result<void> done = decompress(out, n);
    if (done) return n;
    error_ = std::move(done).error();
    if (n > 0) return n;  // What came before the damage is good; the next call tells.
    return std::unexpected(*error_);
  }
  std::uint64_t consumed() const override { return input_.consumed(); }
  std::optional<std::uint64_t> total() const override { return input_.total(); }

 protected:
  /// Fills `out` from its start and sets `n`; n < out.size() only at the end or with an error.
  virtual Result<void> decompress(std::span<char> out, std::size_t& n) = 0;
  std::unexpected<Error> damaged(std::string_view what) const {
    return fail(ErrorCode::data_loss, "damaged_file",
                fmt::format("compressed input is {} at byte {}", what, input_.consumed()));
  }
  Input input_;

 private:
  std::optional<Error> error_;
};

class GzipSource : public CompressedSource {
 public:
  explicit GzipSource(Input input) : CompressedSource(std::move(input)) {
    HF_ASSERT(inflateInit2(&stream_, 15 + 16) == Z_OK);  // 16: a gzip header and its checksum.
  }
  ~GzipSource() override { inflateEnd(&stream_); }

 protected:
  Result<void> decompress(std::span<char> out, std::size_t& n) override {
    while (n < out.size()) {
      HF_CHECK(input_.want(1));
      const std::span<const char> in = input_.view();
      if (in.empty()) {
        if (in_member_) return damaged("truncated");
        return {};
      }
      if (!in_member_) {
        if (in.front() == 0) {  // Tapes and block devices pad with zeros; nothing else may follow.
          padded_ = true;
          input_.use(1);
          continue;
        }
        if (padded_) return damaged("damaged");
        HF_ASSERT(inflateReset(&stream_) == Z_OK);
        in_member_ = true;
      }
      stream_.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(in.data()));
      stream_.avail_in = static_cast<uInt>(in.size());
      const std::size_t room = std::min<std::size_t>(out.size() - n, 1u << 30);
      stream_.next_out = reinterpret_cast<Bytef*>(out.data() + n);
      stream_.avail_out = static_cast<uInt>(room);
      const int code = inflate(&stream_, Z_NO_FLUSH);
      input_.use(in.size() - stream_.avail_in);
      n += room - stream_.avail_out;
      if (code == Z_STREAM_END) {
        in_member_ = false;
      } else if (code != Z_OK) {
        return damaged("damaged");
      }
    }
    return {};
  }

 private:
  z_stream stream_ = {};
  bool in_member_ = true;
  bool padded_ = false;
};

class ZstdSource : public CompressedSource {
 public:
  explicit ZstdSource(Input input)
      : CompressedSource(std::move(input)), context_(ZSTD_createDCtx()) {
    HF_ASSERT(context_ != nullptr);
    HF_ASSERT(!ZSTD_isError(
        ZSTD_DCtx_setParameter(context_.get(), ZSTD_d_windowLogMax, zstd_window_log_max)));
  }

 protected:
  Result<void> decompress(std::span<char> out, std::size_t& n) override {
    while (n < out.size()) {
      HF_CHECK(input_.want(1));
      const std::span<const char> bytes = input_.view();
      if (bytes.empty() && !in_frame_) return {};
      ZSTD_inBuffer in = {bytes.data(), bytes.size(), 0};
      ZSTD_outBuffer room = {out.data() + n, out.size() - n, 0};
      const std::size_t code = ZSTD_decompressStream(context_.get(), &room, &in);
      input_.use(in.pos);
      n += room.pos;
      if (ZSTD_isError(code)) {
        if (ZSTD_getErrorCode(code) == ZSTD_error_frameParameter_windowTooLarge) {
          return fail(
              ErrorCode::resource_exhausted, "window_too_large",
              fmt::format("zstd window is larger than {} MiB", (1 << zstd_window_log_max) >> 20));
        }
        return damaged("damaged");
      }
      in_frame_ = code != 0;
      // The decompressor may still hold output of a frame whose input is all read.
      if (bytes.empty() && room.pos == 0 && in_frame_) return damaged("truncated");
    }
    return {};
  }

 private:
  struct Free {
    void operator()(ZSTD_DCtx* context) const { ZSTD_freeDCtx(context); }
  };
  std::unique_ptr<ZSTD_DCtx, Free> context_;
  bool in_frame_ = false;
};

bool starts_with(std::span<const char> bytes, std::string_view magic) {
  return std::string_view(bytes.data(), bytes.size()).starts_with(magic);
}

/// A zstd file may begin with a skippable frame, as parallel compressors write them.
bool is_zstd_skippable(std::span<const char> bytes) {
  return bytes.size() >= 4 && (static_cast<unsigned char>(bytes[0]) & 0xF0) == 0x50 &&
         starts_with(bytes.subspan(1), "\x2A\x4D\x18");
}

Result<std::unique_ptr<ByteSource>> recognize(std::unique_ptr<RawBytes> raw) {
  Input input(std::move(raw));
  HF_CHECK(input.want(4));
  const std::span<const char> head = input.view();
  if (starts_with(head, "\x1F\x8B\x08")) return std::make_unique<GzipSource>(std::move(input));
  if (starts_with(head, "\x28\xB5\x2F\xFD") || is_zstd_skippable(head)) {
    return std::make_unique<ZstdSource>(std::move(input));
  }
  return std::make_unique<PlainSource>(std::move(input));
}

}  // namespace

Result<std::unique_ptr<ByteSource>> ByteSource::open_file(const Env& env, const std::string& path) {
  HF_TRY(std::unique_ptr<File> file, env.files.open(path, OpenMode::read));
  HF_TRY(const std::uint64_t size, file->size());
  return recognize(std::make_unique<FileBytes>(std::move(file), size));
}

Result<std::unique_ptr<ByteSource>> ByteSource::from_stdin() {
  return recognize(std::make_unique<StdinBytes>());
}

std::unique_ptr<ByteSource> ByteSource::from_bytes(std::string bytes) {
  auto source = recognize(std::make_unique<MemoryBytes>(std::move(bytes)));
  HF_ASSERT(source.has_value());
  return *std::move(source);
}

Result<void> ByteSource::skip(std::uint64_t n) {
  std::array<char, 64 * 1024> block;
  while (n > 0) {
    const std::size_t part = std::min<std::uint64_t>(n, block.size());
    HF_TRY(const std::size_t got, read(std::span(block).first(part)));
    if (got == 0) {
      return fail(ErrorCode::failed_precondition, "source_too_short",
                  fmt::format("input ends before the place to go on from: bytes missing: {}", n));
    }
    n -= got;
  }
  return {};
}

}  // namespace hf
