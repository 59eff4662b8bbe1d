// SPDX-License-Identifier: Apache-2.0
#include "log/log_writer.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/assert.h"
#include "base/site.h"
#include "calendar/zone.h"
#include "log/log_reader.h"

namespace hf {

using namespace log_format;

Result<std::unique_ptr<LogWriter>> LogWriter::open(const Env& env, std::string directory,
                                                   const Options& options, Offset known_end) {
  HF_CHECK(env.files.make_directories(directory));
  auto writer = std::unique_ptr<LogWriter>(new LogWriter(env, std::move(directory), options));
  HF_CHECK(writer->recover(known_end));
  return writer;
}

Result<void> LogWriter::recover(Offset known_end) {
  HF_TRY(files_, list_log_files(env_, directory_));
  received_at_ms_ = timestamp_min_ms;
  if (!files_.empty()) {
    const std::string newest = directory_ + "/" + log_file_name(files_.back());
    auto file = LogFileReader::open(env_, directory_, files_.back());
    if (!file && file.error().reason == "bad_log") {
      HF_TRY(const bool unfinished, is_unfinished_log_file(env_, newest));
      if (unfinished && (files_.size() > 1 || files_.back() == 1)) {
        HF_CHECK(env_.files.remove(newest));
        HF_CHECK(env_.files.sync_directory(directory_));
        return recover(known_end);
      }
    }
    HF_TRY(LogFileReader reader, std::move(file));
    while (true) {
      HF_TRY(const auto frame, reader.next());
      if (!frame) break;
    }
    log_id_ = reader.header().log_id;
    salt_ = reader.header().salt;
    next_ = reader.next_offset();
    position_ = reader.position();
    received_at_ms_ = reader.received_at_ms();
    HF_TRY(file_, env_.files.open(newest, OpenMode::update));
    if (HF_SITE("log.recovered.rewrite")) HF_CHECK(rewrite(reader.sealed_end(), position_));
    // What was never finished goes, so that the next frame lies on clean ground. What is there, the
    // file's very name, may never have been synced: its writer can have died before that. From now
    // on it counts.
    HF_CHECK(file_->truncate(position_));
    if (HF_SITE("log.recovered.sync")) HF_CHECK(file_->sync());
    if (HF_SITE("log.recovered.directory_sync")) HF_CHECK(env_.files.sync_directory(directory_));
    allocated_ = position_;
  }
  if (next_ < known_end) {
    return fail(ErrorCode::data_loss, "bad_log",
                fmt::format("{}: the log ends before record {}, but record {} was there",
                            directory_, next_, known_end - 1));
  }
  return {};
}

// What no seal vouches for may be in the page cache alone: after a failed sync Linux calls a page
// clean that never reached the disk, and no later sync writes it. Written again, it is dirty again.
Result<void> LogWriter::rewrite(std::uint64_t begin, std::uint64_t end) {
  std::string bytes(end - begin, '\0');
  HF_TRY(const std::size_t got, file_->read_at(begin, std::as_writable_bytes(std::span(bytes))));
  return file_->write_at(begin, std::as_bytes(std::span(bytes)).first(got));
}

Result<LogWriter::Appended> LogWriter::append(FrameBuilder& frame) {
  if (stopped_) {
    return fail(ErrorCode::unavailable, "log_stopped",
                "a write to the log failed before; nothing is accepted until the data directory is "
                "opened again");
  }
  const TimestampMs now =
      std::clamp<TimestampMs>(env_.clock.now_ms(), timestamp_min_ms, timestamp_end_ms - 1);
  received_at_ms_ = std::max(received_at_ms_, now);
  stopped_ = true;  // Until all went well.
  HF_CHECK(make_room(frame_header_bytes + frame.payload_bytes() + seal_bytes));
  const std::string_view bytes = frame.finish(salt_, next_, received_at_ms_);
  HF_CHECK(file_->write_at(position_, std::as_bytes(std::span(bytes))));
  if (HF_SITE("log.frame.sync")) HF_CHECK(file_->sync());
  const Appended appended{next_, next_ + frame.records(), received_at_ms_};
  next_ = appended.end;
  position_ += bytes.size();
  // Not synced: where power fails before it is on the disk, the frame is found without it. That it
  // cannot be written says nothing of this frame, but something of the next.
  const auto seal = encode_seal(salt_, next_, position_);
  if (file_->write_at(position_, std::as_bytes(std::span(seal)))) stopped_ = false;
  position_ += seal.size();
  return appended;
}

Result<void> LogWriter::make_room(std::uint64_t bytes) {
  const std::uint64_t needed = position_ + bytes;
  if (file_ != nullptr && needed <= allocated_) return {};
  if (file_ != nullptr && (needed <= options_.file_bytes || position_ == file_header_bytes)) {
    allocated_ = std::max(
        needed, std::min(options_.file_bytes, std::max(options_.room_bytes, 2 * allocated_)));
    return file_->allocate(allocated_);
  }
  if (file_ != nullptr) HF_CHECK(file_->truncate(position_));  // Gives back what is not used.
  return start_file(bytes);
}

Result<void> LogWriter::start_file(std::uint64_t bytes) {
  if (files_.empty()) env_.random.fill(std::as_writable_bytes(std::span(&log_id_, 1)));
  env_.random.fill(std::as_writable_bytes(std::span(&salt_, 1)));
  const std::string header = encode_log_file_header(
      {.first = next_, .created_at_ms = received_at_ms_, .log_id = log_id_, .salt = salt_});
  position_ = header.size();
  allocated_ = std::max(std::min(options_.file_bytes, options_.room_bytes), position_ + bytes);
  HF_TRY(file_, env_.files.open(directory_ + "/" + log_file_name(next_), OpenMode::create_new));
  HF_CHECK(file_->write_at(0, std::as_bytes(std::span(header))));
  HF_CHECK(file_->allocate(allocated_));
  // Before any frame: a frame behind a torn header could not be told from damage.
  if (HF_SITE("log.new_file.sync")) HF_CHECK(file_->sync());
  if (HF_SITE("log.new_file.directory_sync")) HF_CHECK(env_.files.sync_directory(directory_));
  files_.push_back(next_);
  return {};
}

Result<void> LogWriter::remove_before(Offset offset, TimestampMs received_before_ms) {
  while (files_.size() > 1 && files_[1] <= offset) {
    // Nothing in a file was received after the next one was made.
    HF_TRY(const LogFileReader next, LogFileReader::open(env_, directory_, files_[1]));
    if (next.header().created_at_ms >= received_before_ms) break;
    HF_CHECK(env_.files.remove(directory_ + "/" + log_file_name(files_.front())));
    // One after the other: a file that comes back after a crash must not do so alone.
    if (HF_SITE("log.removal.directory_sync")) HF_CHECK(env_.files.sync_directory(directory_));
    files_.erase(files_.begin());
  }
  return {};
}

Offset LogWriter::first_offset() const { return files_.empty() ? next_ : files_.front(); }

Result<std::uint64_t> LogWriter::disk_bytes() const {
  std::uint64_t bytes = 0;
  for (const Offset first : files_) {
    HF_TRY(const auto file,
           env_.files.open(directory_ + "/" + log_file_name(first), OpenMode::read));
    HF_TRY(const std::uint64_t size, file->size());
    bytes += size;
  }
  return bytes;
}

}  // namespace hf
