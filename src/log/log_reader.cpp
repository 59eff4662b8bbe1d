// SPDX-License-Identifier: Apache-2.0
#include "log/log_reader.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <span>

#include "base/site.h"

namespace hf {
namespace {

using namespace log_format;

constexpr std::size_t read_bytes = std::size_t{256} << 10;
constexpr std::string_view suffix = ".log";
constexpr std::size_t digits = 20;  // All of 64 bits: names sort as their offsets do.

std::unexpected<Error> damaged(const std::string& path, std::uint64_t position,
                               std::string_view what) {
  return fail(ErrorCode::data_loss, "bad_log",
              fmt::format("{}: at byte {}: {}", path, position, what));
}

}  // namespace

std::string log_file_name(Offset first) { return fmt::format("{:0{}}{}", first, digits, suffix); }

Result<std::vector<Offset>> list_log_files(const Env& env, const std::string& directory) {
  HF_TRY(const auto names, env.files.list(directory));
  std::vector<Offset> files;
  for (const std::string& name : names) {
    if (name.size() != digits + suffix.size() || !name.ends_with(suffix)) continue;
    Offset first = 0;
    const char* const end = name.data() + digits;
    if (const auto [at, error] = std::from_chars(name.data(), end, first);
        at == end && error == std::errc{} && first > 0) {
      files.push_back(first);
    }
  }
  std::ranges::sort(files);
  return files;
}

Result<LogFileReader> LogFileReader::open(const Env& env, const std::string& directory,
                                          Offset first) {
  std::string path = directory + "/" + log_file_name(first);
  HF_TRY(auto file, env.files.open(path, OpenMode::read));
  LogFileReader reader(std::move(file), std::move(path));
  HF_TRY(const std::string_view bytes, reader.bytes_at(0, file_header_bytes));
  if (const std::string_view why = decode_log_file_header(bytes, reader.header_); !why.empty()) {
    return damaged(reader.path_, 0, why);
  }
  if (reader.header_.first != first) {
    return damaged(reader.path_, 0, "its header tells of another record than its name");
  }
  reader.next_ = first;
  reader.received_at_ms_ = reader.header_.created_at_ms;
  return reader;
}

// Fewer than `count` bytes only at the end of the file. The file may grow, and its preallocated
// zeros become frames: what was read before is kept only until it is asked for again.
Result<std::string_view> LogFileReader::bytes_at(std::uint64_t position, std::size_t count) {
  if (position < buffer_at_ || position + count > buffer_at_ + buffer_.size()) {
    buffer_.resize(std::max(count, read_bytes));
    buffer_at_ = position;
    HF_TRY(const std::size_t got,
           file_->read_at(position, std::as_writable_bytes(std::span(buffer_))));
    buffer_.resize(got);
  }
  return std::string_view(buffer_).substr(position - buffer_at_, count);
}

Result<std::optional<FrameHeader>> LogFileReader::find_frame(bool with_payload) {
  // Once from what was read ahead; where that holds no frame, from the file as it is now.
  for (const bool fresh : {false, true}) {
    if (fresh) buffer_.clear();
    HF_TRY(const std::string_view head, bytes_at(position_, frame_header_bytes));
    const auto header = decode_frame_header(head, header_.salt);
    if (!header || header->first != next_) continue;
    if (!with_payload) return header;
    HF_TRY(const std::string_view frame,
           bytes_at(position_, frame_header_bytes + header->payload_bytes));
    if (frame.size() < frame_header_bytes + header->payload_bytes) continue;
    if (HF_SITE("log.payload.checksum") &&
        crc32c(frame.substr(frame_header_bytes)) != header->payload_crc) {
      continue;
    }
    return header;
  }
  return std::optional<FrameHeader>{};
}

// Nothing is at position_: was there ever something?
Result<void> LogFileReader::check_end() {
  HF_TRY(const std::uint64_t size, file_->size());
  torn_ = false;
  if (size <= position_) return {};
  std::string rest(size - position_, '\0');
  HF_TRY(const std::size_t got, file_->read_at(position_, std::as_writable_bytes(std::span(rest))));
  rest.resize(got);
  torn_ = rest.find_first_not_of('\0') != std::string::npos;
  if (torn_ && HF_SITE("log.later_frame.check") &&
      has_later_frame(rest, position_, header_.salt, next_)) {
    return damaged(path_, position_,
                   fmt::format("record {} was written and cannot be read", next_));
  }
  return {};
}

Result<void> LogFileReader::step_over(const FrameHeader& header) {
  const std::uint64_t end = position_ + frame_header_bytes + header.payload_bytes;
  position_ = end + seal_bytes;
  next_ = header.end();
  received_at_ms_ = header.received_at_ms;
  HF_TRY(const std::string_view seal, bytes_at(end, seal_bytes));
  if (is_seal(seal, header_.salt, next_, end)) sealed_end_ = position_;
  return {};
}

Result<std::optional<LogFrame>> LogFileReader::next() {
  HF_TRY(auto header, find_frame(true));
  if (!header) {
    if (const auto end = check_end(); !end) {
      // A writer may have finished the frame, and one behind it, between the two looks.
      HF_TRY(header, find_frame(true));
      if (!header) return std::unexpected(end.error());
    }
    if (!header) return std::optional<LogFrame>{};
  }
  const std::uint64_t position = position_;
  HF_CHECK(step_over(*header));
  HF_TRY(const std::string_view frame,
         bytes_at(position, frame_header_bytes + header->payload_bytes));
  return LogFrame{.first = header->first,
                  .end = header->end(),
                  .received_at_ms = header->received_at_ms,
                  .payload = frame.substr(frame_header_bytes)};
}

Result<void> LogFileReader::skip_to(Offset offset) {
  while (next_ < offset) {
    HF_TRY(const auto header, find_frame(false));
    if (!header || header->end() > offset) break;
    HF_CHECK(step_over(*header));
  }
  return {};
}

Result<bool> is_unfinished_log_file(const Env& env, const std::string& path) {
  // A frame is written only once the header before it is durable.
  HF_TRY(const auto file, env.files.open(path, OpenMode::read));
  std::string bytes(read_bytes, '\0');
  for (std::uint64_t at = file_header_bytes;; at += bytes.size()) {
    HF_TRY(const std::size_t got, file->read_at(at, std::as_writable_bytes(std::span(bytes))));
    if (got == 0) return true;
    if (std::string_view(bytes).substr(0, got).find_first_not_of('\0') != std::string_view::npos) {
      return false;
    }
  }
}

Result<LogReader> LogReader::open(const Env& env, std::string directory, Offset from) {
  LogReader reader(env, std::move(directory));
  HF_TRY(const auto files, list_log_files(env, reader.directory_));
  const auto after = std::ranges::upper_bound(files, from);
  if (after == files.begin()) {
    if (files.empty() && from <= 1) return reader;
    return fail(ErrorCode::not_found, "log_deleted",
                files.empty()
                    ? fmt::format("{}: the log is not there, record {} on was asked for",
                                  reader.directory_, from)
                    : fmt::format("{}: the log begins with record {}, record {} on was asked for",
                                  reader.directory_, files.front(), from));
  }
  // The newest file may have been made and nothing more.
  for (auto first = after; first != files.begin();) {
    --first;
    auto file = LogFileReader::open(env, reader.directory_, *first);
    if (!file && file.error().reason == "bad_log" && *first == files.back()) {
      HF_TRY(const bool unfinished,
             is_unfinished_log_file(env, reader.directory_ + "/" + log_file_name(*first)));
      if (unfinished && (first != files.begin() || *first == 1)) continue;
    }
    HF_TRY(reader.file_, std::move(file));
    break;
  }
  if (!reader.file_) return reader;
  HF_CHECK(reader.file_->skip_to(from));
  return reader;
}

Offset LogReader::next_offset() const { return file_ ? file_->next_offset() : 1; }

Result<std::optional<LogFrame>> LogReader::next() {
  while (true) {
    if (!file_) {
      HF_TRY(const auto files, list_log_files(env_, directory_));
      if (files.empty()) return std::optional<LogFrame>{};
      HF_TRY(const bool opened, open_file(files.front(), files.size() == 1));
      if (!opened) return std::optional<LogFrame>{};
    }
    HF_TRY(auto frame, file_->next());
    if (frame) return frame;
    HF_TRY(const auto files, list_log_files(env_, directory_));
    const auto following = std::ranges::upper_bound(files, file_->header().first);
    if (following == files.end()) return frame;
    // The writer may have ended this file with a frame after the look above.
    HF_TRY(frame, file_->next());
    if (frame) return frame;
    if (file_->is_torn() || *following != file_->next_offset()) {
      return damaged(file_->path(), file_->position(),
                     fmt::format("record {} is missing; the next file begins with record {}",
                                 file_->next_offset(), *following));
    }
    HF_TRY(const bool opened, open_file(*following, following + 1 == files.end()));
    if (!opened) return std::optional<LogFrame>{};
  }
}

// False where the newest file has been made and nothing more.
Result<bool> LogReader::open_file(Offset first, bool is_last) {
  auto file = LogFileReader::open(env_, directory_, first);
  if (!file && file.error().reason == "bad_log" && is_last) {
    HF_TRY(const bool unfinished,
           is_unfinished_log_file(env_, directory_ + "/" + log_file_name(first)));
    if (unfinished) return false;
  }
  HF_TRY(file_, std::move(file));
  return true;
}

}  // namespace hf
