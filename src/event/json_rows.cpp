// SPDX-License-Identifier: Apache-2.0
#include "event/json_rows.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstring>
#include <string>
#include <utility>

#include "base/assert.h"

namespace hf {
namespace {

constexpr std::size_t chunk_bytes = 256 * 1024;

constexpr std::string_view utf8_mark = "\xEF\xBB\xBF";
constexpr std::string_view json_blanks = " \t\r\n";

}  // namespace

/// Cuts the text into lines, of which it holds one block at a time.
class JsonRowReader::Lines {
 public:
  struct TooLong {
    RowPosition position;
    std::string excerpt;
  };

  explicit Lines(std::unique_ptr<ByteSource> source)
      : source_(std::move(source)),
        buffer_(std::make_unique_for_overwrite<char[]>(capacity + JsonFields::padding_bytes)) {
    HF_ASSERT(source_ != nullptr);
  }

  const ByteSource& source() const { return *source_; }
  RowPosition position() const { return position_; }
  void resume_at(RowPosition position) {
    HF_ASSERT(!started_);
    started_ = true;
    position_ = position;
  }

  /// The next line without its end; at least JsonFields::padding_bytes of memory follow it. `place`
  /// is where it begins.
  Result<std::variant<End, std::string_view, TooLong>> next(RowPosition& place) {
    if (!started_) HF_CHECK(start());
    place = position_;
    std::size_t searched = 0;
    for (;;) {
      const char* const begin = buffer_.get() + begin_;
      const std::size_t size = end_ - begin_;
      const void* const found =
          size == searched ? nullptr : std::memchr(begin + searched, '\n', size - searched);
      if (found == nullptr && !ended_ && size <= row_bytes_max + 1) {  // + 1: a CR.
        searched = size;
        HF_CHECK(fill());
        continue;
      }
      if (found == nullptr && size == 0) return End{};
      const std::size_t length =
          found == nullptr ? size
                           : static_cast<std::size_t>(static_cast<const char*>(found) - begin);
      std::string_view line(begin, length);
      if (found != nullptr && line.ends_with('\r')) line.remove_suffix(1);
      if (line.size() > row_bytes_max) {
        TooLong too_long = {place, excerpt_of(line)};
        HF_CHECK(skip_line());
        return too_long;
      }
      pass(length, 0);
      if (found != nullptr) pass(1, 1);
      return line;
    }
  }

 private:
  static constexpr std::size_t capacity = row_bytes_max + 2 + chunk_bytes;

  void pass(std::size_t bytes, std::uint64_t lines) {
    begin_ += bytes;
    position_.offset += bytes;
    position_.line += lines;
  }

  Result<void> fill() {
    std::memmove(buffer_.get(), buffer_.get() + begin_, end_ - begin_);
    end_ -= std::exchange(begin_, 0);
    const std::size_t room = std::min(capacity - end_, chunk_bytes);
    HF_TRY(const std::size_t got, source_->read({buffer_.get() + end_, room}));
    end_ += got;
    ended_ = got == 0;
    return {};
  }

  Result<void> start() {
    while (end_ < utf8_mark.size() && !ended_) HF_CHECK(fill());
    const std::string_view head(buffer_.get(), std::min(end_, utf8_mark.size()));
    if (head.starts_with("\xFF\xFE") || head.starts_with("\xFE\xFF")) {
      return fail(ErrorCode::invalid_argument, "unsupported_encoding",
                  "the file is UTF-16; only UTF-8 is read");
    }
    started_ = true;
    if (head == utf8_mark) pass(utf8_mark.size(), 0);
    return {};
  }

  Result<void> skip_line() {
    for (;;) {
      const char* const begin = buffer_.get() + begin_;
      const void* const found = begin_ == end_ ? nullptr : std::memchr(begin, '\n', end_ - begin_);
      if (found != nullptr) {
        pass(static_cast<const char*>(found) - begin + 1, 1);
        return {};
      }
      pass(end_ - begin_, 0);
      if (ended_) return {};
      HF_CHECK(fill());
    }
  }

  std::unique_ptr<ByteSource> source_;
  std::unique_ptr<char[]> buffer_;
  std::size_t begin_ = 0;
  std::size_t end_ = 0;
  bool ended_ = false;
  bool started_ = false;
  RowPosition position_;
};

JsonRowReader::JsonRowReader(std::unique_ptr<ByteSource> source)
    : lines_(std::make_unique<Lines>(std::move(source))), object_(flat_bytes_max) {}

JsonRowReader::~JsonRowReader() = default;

void JsonRowReader::resume_at(RowPosition position) { lines_->resume_at(position); }
RowPosition JsonRowReader::position() const { return lines_->position(); }
const ByteSource& JsonRowReader::source() const { return lines_->source(); }

Result<std::variant<End, JsonRow, RejectedRow>> JsonRowReader::next() {
  for (;;) {
    RowPosition place;
    HF_TRY(const auto next, lines_->next(place));
    if (std::holds_alternative<End>(next)) return End{};
    if (const auto* too_long = std::get_if<Lines::TooLong>(&next)) {
      return RejectedRow{.line = place.line,
                         .offset = place.offset,
                         .column = 0,
                         .reason = "row_too_long",
                         .message = fmt::format("the row is longer than {} bytes", row_bytes_max),
                         .excerpt = too_long->excerpt};
    }
    const auto line = std::get<std::string_view>(next);
    if (line.find_first_not_of(json_blanks) == std::string_view::npos) continue;
    if (!object_.read(line)) {
      const JsonFields::Refusal& refusal = object_.refusal();
      return RejectedRow{.line = place.line,
                         .offset = place.offset,
                         .column = refusal.column,
                         .reason = refusal.reason,
                         .message = refusal.message,
                         .excerpt = excerpt_of(line)};
    }
    return JsonRow{.line = place.line,
                   .offset = place.offset,
                   .fields = object_.fields(),
                   .call = call_kind(object_.fields()),
                   .text = line};
  }
}

}  // namespace hf
