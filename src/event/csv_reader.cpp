// SPDX-License-Identifier: Apache-2.0
#include "event/csv_reader.h"

#include <fmt/format.h>
#include <simdjson.h>

#include <algorithm>
#include <bit>
#include <cstring>
#include <utility>

#include "base/assert.h"
#include "base/utf8.h"

#ifdef __SSE2__
#include <emmintrin.h>
#endif

namespace hf {
namespace {

constexpr std::size_t block_bytes = 64;
constexpr std::size_t chunk_bytes = 256 * 1024;  // One read: stays in the second-level cache.

// Marks of a field, as handed out in CsvRow::quoted.
constexpr std::uint8_t unquoted = 0;
constexpr std::uint8_t quoted_plain = 1;
constexpr std::uint8_t quoted_escaped = 2;  // Holds doubled quotes.

// Enough text for excerpt_of(): no byte of it makes less than one byte of excerpt.
constexpr std::size_t excerpt_window = excerpt_bytes_max + 8;

// How many fields a record that spans lines may have while the right number is not known.
constexpr std::size_t unknown_fields_max = 256;

constexpr std::string_view utf8_mark = "\xEF\xBB\xBF";

struct BlockMasks {
  std::uint64_t specials;
  unsigned high;
};

#ifdef __SSE2__
BlockMasks masks_of(const char* block, char delimiter, char quote) {
  const __m128i delimiters = _mm_set1_epi8(delimiter);
  const __m128i quotes = _mm_set1_epi8(quote);
  const __m128i line_feeds = _mm_set1_epi8('\n');
  const __m128i returns = _mm_set1_epi8('\r');
  std::uint64_t specials = 0;
  __m128i all = _mm_setzero_si128();
  for (int i = 0; i < 4; ++i) {
    const __m128i bytes = _mm_loadu_si128(reinterpret_cast<const __m128i*>(block + 16 * i));
    all = _mm_or_si128(all, bytes);
    const __m128i hit = _mm_or_si128(
        _mm_or_si128(_mm_cmpeq_epi8(bytes, delimiters), _mm_cmpeq_epi8(bytes, quotes)),
        _mm_or_si128(_mm_cmpeq_epi8(bytes, line_feeds), _mm_cmpeq_epi8(bytes, returns)));
    specials |= std::uint64_t{static_cast<std::uint32_t>(_mm_movemask_epi8(hit))} << (16 * i);
  }
  return {specials, static_cast<unsigned>(_mm_movemask_epi8(all))};
}
#else
BlockMasks masks_of(const char* block, char delimiter, char quote) {
  std::uint64_t specials = 0;
  unsigned high = 0;
  for (std::size_t i = 0; i < block_bytes; ++i) {
    const char c = block[i];
    const bool hit = (c == delimiter) | (c == quote) | (c == '\n') | (c == '\r');
    specials |= std::uint64_t{hit} << i;
    high |= static_cast<unsigned char>(c) & 0x80u;
  }
  return {specials, high};
}
#endif

}  // namespace

CsvReader::CsvReader(std::unique_ptr<ByteSource> source, CsvDialect dialect)
    : source_(std::move(source)),
      dialect_(dialect),
      has_header_(!dialect.header),
      capacity_(std::max(dialect.row_bytes_max + 2, excerpt_window) + chunk_bytes) {
  const auto is_ascii = [](char c) { return static_cast<unsigned char>(c) < 128; };
  HF_ASSERT(source_ != nullptr);
  HF_ASSERT(is_ascii(dialect_.delimiter) && is_ascii(dialect_.quote));
  HF_ASSERT(dialect_.delimiter != '\n' && dialect_.delimiter != '\r' && dialect_.delimiter != '\0');
  HF_ASSERT(dialect_.quote != '\n' && dialect_.quote != '\r');
  HF_ASSERT(dialect_.quote != dialect_.delimiter);
  HF_ASSERT(dialect_.row_bytes_max >= 1);
  // Without quoting, looking for the delimiter twice finds no quote.
  if (dialect_.quote == '\0') dialect_.quote = dialect_.delimiter;
  // The last block may reach beyond the text; what it sees there are zeros, which are not special.
  buffer_ = std::make_unique_for_overwrite<char[]>(capacity_ + block_bytes);
  end_ = buffer_.get();
  begin_ = end_;
  std::memset(end_, 0, block_bytes);
  seek_specials(begin_);
  fields_.resize(32);
  quoted_.resize(32);
}

CsvReader::~CsvReader() = default;

void CsvReader::resume_at(RowPosition position, std::vector<std::string> header) {
  HF_ASSERT(!started_);
  started_ = true;
  has_header_ = true;
  position_ = position;
  field_count_ = header.size();
  if (dialect_.header) header_ = std::move(header);
}

RowPosition CsvReader::position() const { return position_; }

// Has at least `bytes` bytes of text from begin_ on, fewer only at the end of the source. Moves the
// text: every pointer into the buffer is void afterwards.
Result<void> CsvReader::want(std::size_t bytes) {
  HF_ASSERT(bytes <= capacity_);
  char* const buffer = buffer_.get();
  std::size_t size = end_ - begin_;
  if (size < bytes && !source_ended_) {
    std::memmove(buffer, begin_, size);
    begin_ = buffer;
    while (size < bytes && !source_ended_) {
      const std::size_t room = std::min(capacity_ - size, chunk_bytes);
      const Result<std::size_t> got = source_->read({buffer + size, room});
      size += got.value_or(0);
      end_ = buffer + size;
      std::memset(end_, 0, block_bytes);
      if (!got) {
        seek_specials(begin_);
        return std::unexpected(got.error());
      }
      source_ended_ = *got == 0;
    }
  }
  seek_specials(begin_);
  return {};
}

inline void CsvReader::load_block(const char* at) {
  const BlockMasks masks = masks_of(at, dialect_.delimiter, dialect_.quote);
  specials_.block = at;
  specials_.mask = masks.specials;
  specials_.block_high = masks.high;
  specials_.high |= masks.high;
}

void CsvReader::seek_specials(const char* at) {
  specials_.end = end_;
  specials_.high = 0;
  load_block(at);
}

// The next special byte, or the end of the text in the buffer.
inline const char* CsvReader::next_special() {
  while (specials_.mask == 0) [[unlikely]] {
      const char* const following = specials_.block + block_bytes;
      if (following >= specials_.end) return specials_.end;
      load_block(following);
    }
  const char* const at = specials_.block + std::countr_zero(specials_.mask);
  specials_.mask &= specials_.mask - 1;
  return at;
}

inline void CsvReader::push(const char* begin, const char* end, std::uint8_t quoted) {
  if (count_ == fields_.size()) [[unlikely]] {
    fields_.resize(2 * count_);
    quoted_.resize(2 * count_);
  }
  fields_[count_] = {begin, static_cast<std::size_t>(end - begin)};
  quoted_[count_] = quoted;
  ++count_;
}

// True when there are more fields than there may be. Asked again and again while a record goes on,
// so each field is looked at once.
bool CsvReader::has_extra_text() {
  if (field_count_ == 0) return count_ > unknown_fields_max;
  for (extras_seen_ = std::max(extras_seen_, field_count_); extras_seen_ < count_; ++extras_seen_) {
    if (!fields_[extras_seen_].empty()) return true;
  }
  return false;
}

// Notes where the record that ends at `line_end`, a CR or LF, is followed by the next.
CsvReader::Scan CsvReader::finish_row(const char* line_end) {
  row_end_ = line_end;
  next_row_ = line_end + 1;
  if (*line_end == '\r') {
    // A CR that is the last byte at hand may be half a CRLF.
    if (next_row_ == end_ && !source_ended_) return Scan::reached_end;
    if (next_row_ < end_ && *next_row_ == '\n') {
      next_special();
      ++next_row_;
    }
  }
  return Scan::row;
}

// Scans one record from begin_ on. `limit` bounds what is looked at; `text_ends` says that the text
// ends there. row: fields_, row_end_ and next_row_ are set. reached_end: no end before `limit`.
CsvReader::Scan CsvReader::scan(const char* limit, bool text_ends) {
  const char delimiter = dialect_.delimiter;
  const char* field = begin_;
  const char* plain_field = nullptr;  // The field known to be unquoted.
  count_ = 0;
  extras_seen_ = 0;
  newlines_ = 0;
  first_newline_ = nullptr;
  has_escapes_ = false;
  for (;;) {
    const char* const at = next_special();
    if (at >= limit) {
      if (!text_ends) return Scan::reached_end;
      push(field, limit, unquoted);
      row_end_ = limit;
      next_row_ = limit;
      return Scan::row;
    }
    if (*at == delimiter) {
      push(field, at, unquoted);
      field = at + 1;
      continue;
    }
    if (*at != dialect_.quote) {
      push(field, at, unquoted);
      return finish_row(at);
    }
    if (plain_field == field) continue;
    if (!std::all_of(field, at, [this](char c) { return is_blank(c); })) {
      plain_field = field;
      continue;
    }
    const char* after = nullptr;
    const Scan result = scan_quoted(at, limit, text_ends, after);
    if (result != Scan::row) return result;
    if (after == limit) {  // Only where the text ends there.
      row_end_ = limit;
      next_row_ = limit;
      return Scan::row;
    }
    if (*after != delimiter) return finish_row(after);
    field = after + 1;
  }
}

// Scans a quoted field from its opening quote on and pushes it. row: `after` is the delimiter, CR
// or LF behind it, walked over, or `limit`.
CsvReader::Scan CsvReader::scan_quoted(const char* quote, const char* limit, bool text_ends,
                                       const char*& after) {
  wrong_at_ = quote;
  // Lines that each close one field and open the next would make every line's record reach to the
  // limit; such a record has too many fields soon, and is given up here.
  if (newlines_ > 0 && has_extra_text()) return Scan::too_many_fields;
  std::uint8_t mark = quoted_plain;
  const char* close = nullptr;
  while (close == nullptr) {
    const char* const at = next_special();
    if (at >= limit) return Scan::reached_end;
    if (*at == dialect_.quote) {
      if (at + 1 == limit && !text_ends) return Scan::reached_end;
      if (at + 1 < limit && at[1] == dialect_.quote) {
        mark = quoted_escaped;
        has_escapes_ = true;
        next_special();
      } else {
        close = at;
      }
    } else if (*at == '\r' || (*at == '\n' && at[-1] != '\r')) {
      ++newlines_;
      if (first_newline_ == nullptr) {
        first_newline_ = at;
        open_field_ = count_;
      }
    }
  }
  after = close + 1;
  while (after < limit && is_blank(*after)) ++after;
  if (after == limit) {
    if (!text_ends) return Scan::reached_end;
  } else if (*after == dialect_.delimiter || *after == '\n' || *after == '\r') {
    next_special();
  } else {
    wrong_at_ = after;
    return Scan::text_after_quote;
  }
  push(quote + 1, close, mark);
  return Scan::row;
}

void CsvReader::unescape_fields() {
  std::size_t bytes = 0;
  for (std::size_t i = 0; i < count_; ++i) {
    if (quoted_[i] == quoted_escaped) bytes += fields_[i].size();
  }
  arena_.resize(bytes);
  char* out = arena_.data();
  for (std::size_t i = 0; i < count_; ++i) {
    if (quoted_[i] != quoted_escaped) continue;
    const std::string_view raw = fields_[i];
    char* const begin = out;
    for (std::size_t at = 0; at < raw.size(); ++at) {
      *out++ = raw[at];
      if (raw[at] == dialect_.quote) ++at;  // Quotes inside come in pairs.
    }
    fields_[i] = {begin, static_cast<std::size_t>(out - begin)};
    quoted_[i] = quoted_plain;
  }
}

RejectedRow CsvReader::rejected(std::uint32_t column, std::string_view reason,
                                std::string message) const {
  return {.line = position_.line,
          .offset = position_.offset,
          .column = column,
          .reason = reason,
          .message = std::move(message),
          .excerpt = {}};
}

// Moves on to `at`, which begins a line `lines` below.
inline void CsvReader::advance_to(const char* at, std::uint64_t lines) {
  position_.offset += at - begin_;
  position_.line += lines;
  begin_ = at;
}

// Passes over one physical line, in which quotes mean nothing, however long it is. Requires that it
// does not end before `search_from`.
Result<RejectedRow> CsvReader::reject_line(RejectedRow row, const char* search_from) {
  const std::ptrdiff_t searched = search_from - begin_;
  HF_CHECK(want(excerpt_window));
  row.excerpt = excerpt_of({begin_, std::min<std::size_t>(end_ - begin_, excerpt_window)});
  seek_specials(begin_ + searched);
  for (;;) {
    const char* const at = next_special();
    if (at == end_) {
      advance_to(end_, 0);
      if (source_ended_) return row;
      HF_CHECK(want(1));
    } else if (*at == '\n') {
      advance_to(at + 1, 1);
      return row;
    } else if (*at == '\r') {
      advance_to(at + 1, 1);
      HF_CHECK(want(1));
      if (begin_ < end_ && *begin_ == '\n') {
        advance_to(begin_ + 1, 0);
        next_special();
      }
      return row;
    }
  }
}

// Looks at the fields of a complete record.
std::optional<RejectedRow> CsvReader::check_row() {
  if (field_count_ != 0 && count_ != field_count_) [[unlikely]] {
    if (count_ < field_count_ || has_extra_text()) {
      return rejected(0, "wrong_field_count",
                      fmt::format("expected {} fields, found {}", field_count_, count_));
    }
    count_ = field_count_;
  }
  if (specials_.high != 0) [[unlikely]] {
    if (!simdjson::validate_utf8(begin_, row_end_ - begin_)) {
      std::uint32_t column = 0;
      while (column < count_ && is_utf8(fields_[column])) ++column;
      HF_ASSERT(column < count_);  // What is between the fields, or cut off at the end, is ASCII.
      return rejected(column + 1, "invalid_utf8", "the field is not valid UTF-8");
    }
  }
  return std::nullopt;
}

Result<void> CsvReader::start() {
  HF_CHECK(want(utf8_mark.size()));
  started_ = true;
  const std::string_view head(begin_, std::min<std::size_t>(end_ - begin_, utf8_mark.size()));
  if (head.starts_with("\xFF\xFE") || head.starts_with("\xFE\xFF")) {
    started_ = false;  // Whoever asks again gets the same answer.
    return fail(ErrorCode::invalid_argument, "unsupported_encoding",
                "the file is UTF-16; only UTF-8 is read");
  }
  if (head == utf8_mark) {
    advance_to(begin_ + utf8_mark.size(), 0);
    seek_specials(begin_);
  }
  return {};
}

Result<std::span<const std::string>> CsvReader::header() {
  if (!has_header_) {
    HF_TRY(const auto first, next_record());
    if (const auto* row = std::get_if<RejectedRow>(&first)) {
      return fail(ErrorCode::invalid_argument, "bad_header",
                  fmt::format("the header cannot be read, line {}: {}", row->line, row->message));
    }
    if (const auto* row = std::get_if<CsvRow>(&first)) {
      for (std::size_t i = 0; i < row->fields.size(); ++i) {
        std::string_view name = row->fields[i];
        if (row->quoted[i] == unquoted) {
          while (!name.empty() && is_blank(name.front())) name.remove_prefix(1);
          while (!name.empty() && is_blank(name.back())) name.remove_suffix(1);
        }
        header_.emplace_back(name);
      }
    }
    has_header_ = true;
  }
  return header_;
}

Result<std::variant<End, CsvRow, RejectedRow>> CsvReader::next() {
  if (!has_header_) [[unlikely]]
    HF_CHECK(header());
  return next_record();
}

Result<std::variant<End, CsvRow, RejectedRow>> CsvReader::next_record() {
  if (!started_) [[unlikely]]
    HF_CHECK(start());
  for (;;) {
    const std::size_t size = end_ - begin_;
    if (size == 0 && source_ended_) return End{};
    // One byte beyond the limit tells a row of the largest size from one that is too long.
    const bool is_bounded = size > dialect_.row_bytes_max;
    const char* const limit = is_bounded ? begin_ + dialect_.row_bytes_max + 1 : end_;
    specials_.high = specials_.block_high;
    Scan result = size == 0 ? Scan::reached_end : scan(limit, source_ended_ && !is_bounded);
    if (result == Scan::row) [[likely]] {
      if (count_ == 1 && quoted_[0] == unquoted &&
          std::all_of(fields_[0].begin(), fields_[0].end(),
                      [this](char c) { return is_blank(c); })) {
        advance_to(next_row_, next_row_ == row_end_ ? 0 : 1);
        continue;
      }
      if (std::optional<RejectedRow> bad = check_row()) {
        if (newlines_ == 0 || bad->reason == "invalid_utf8") {
          bad->excerpt = excerpt_of({begin_, static_cast<std::size_t>(row_end_ - begin_)});
          advance_to(next_row_, newlines_ + (next_row_ == row_end_ ? 0 : 1));
          return *std::move(bad);
        }
        return reject_line(*std::move(bad), first_newline_);
      }
      if (field_count_ == 0) field_count_ = count_;
      if (has_escapes_) unescape_fields();
      CsvRow row = {.line = position_.line,
                    .offset = position_.offset,
                    .fields = {fields_.data(), count_},
                    .quoted = {quoted_.data(), count_},
                    .text = {begin_, static_cast<std::size_t>(row_end_ - begin_)}};
      advance_to(next_row_, newlines_ + (next_row_ == row_end_ ? 0 : 1));
      return row;
    }
    const bool is_spanning = newlines_ > 0;
    // What is wrong behind the limit does not count: there the row is too long.
    if (result != Scan::reached_end &&
        wrong_at_ >= begin_ + static_cast<std::ptrdiff_t>(dialect_.row_bytes_max)) {
      result = Scan::reached_end;
    }
    if (result == Scan::reached_end) {
      if (!is_bounded && !source_ended_) {
        // Twice as much each time, so that a long row is not scanned over and over.
        HF_CHECK(want(std::min(2 * size + 1, dialect_.row_bytes_max + 2)));
        continue;
      }
      // A CR at the very limit whose LF has not been read yet.
      if (size == dialect_.row_bytes_max + 1 && !source_ended_) {
        HF_CHECK(want(size + 1));
        continue;
      }
      if (!is_bounded || is_spanning) {
        const std::size_t field = is_spanning ? open_field_ : count_;
        auto bad = rejected(static_cast<std::uint32_t>(field + 1), "open_quote",
                            "a quoted field is never closed");
        return reject_line(std::move(bad), is_spanning ? first_newline_ : end_);
      }
      auto bad = rejected(0, "row_too_long",
                          fmt::format("the row is longer than {} bytes", dialect_.row_bytes_max));
      return reject_line(std::move(bad), begin_ + dialect_.row_bytes_max);
    }
    if (result == Scan::too_many_fields) {
      auto bad = rejected(0, "wrong_field_count",
                          fmt::format("expected {} fields, found more",
                                      field_count_ == 0 ? unknown_fields_max : field_count_));
      return reject_line(std::move(bad), first_newline_);
    }
    auto bad = rejected(static_cast<std::uint32_t>(count_ + 1), "text_after_quote",
                        "text follows the closing quote");
    return reject_line(std::move(bad), is_spanning ? first_newline_ : wrong_at_);
  }
}

}  // namespace hf
