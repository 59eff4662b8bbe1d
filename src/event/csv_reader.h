// SPDX-License-Identifier: Apache-2.0
//
// CSV and TSV (RFC 4180 with the common sins), every row with its place, in bounded memory.
//
// - A line ends with LF, CRLF or a lone CR. Blank lines (nothing but spaces and tabs) are skipped.
//   A byte order mark at the start is dropped.
// - A field is quoted when a quote is the first thing in it, blanks aside; blanks after the closing
//   quote are dropped too. A quote anywhere else in an unquoted field is an ordinary character.
// - Every row must have as many fields as the header (without a header: as the first row). Further
//   fields are tolerated at the end when all of them are empty.
// - An open quote spoils its row, not the file: when a record that spans lines turns out wrong
//   (never closed, text after the closing quote, wrong number of fields, over the limit), only its
//   first physical line is rejected, and reading goes on with the next one.
//
// Rows are views into one buffer. The buffer is searched 64 bytes at a time for delimiter, quote,
// CR and LF; the resulting bit mask is used up special by special, across fields and rows.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "base/result.h"
#include "event/byte_source.h"
#include "event/rejected_row.h"

namespace hf {

/// Delimiter and quote are two different ASCII characters, neither CR nor LF; the quote may be NUL:
/// then there is no quoting.
struct CsvDialect {
  char delimiter = ',';
  char quote = '"';
  bool header = true;
  std::size_t row_bytes_max = hf::row_bytes_max;  ///< At least 1; tests set it low.

  friend bool operator==(const CsvDialect&, const CsvDialect&) = default;
};

/// One row. Its views are valid until the reader's next call.
struct CsvRow {
  std::uint64_t line;                        ///< 1-based physical line on which the row begins.
  std::uint64_t offset;                      ///< Of its first byte, in the decompressed text.
  std::span<const std::string_view> fields;  ///< Valid UTF-8, quotes removed.
  std::span<const std::uint8_t> quoted;      ///< Per field: not 0 where it was quoted.
  std::string_view text;                     ///< The record as written, without its line end.
};

/// Reads rows from a source. Not for use by several threads.
class CsvReader {
 public:
  /// Requires a dialect as CsvDialect describes it, and a source at its start.
  CsvReader(std::unique_ptr<ByteSource> source, CsvDialect dialect);
  ~CsvReader();

  /// Goes on where another reader stood: the source has been skipped to `position.offset` already.
  /// `header` are the names that reader had; without a header any names, one per field, or none at
  /// all: then the first row sets the number. Requires that nothing was read yet.
  void resume_at(RowPosition position, std::vector<std::string> header);

  /// The first row's names, blanks around unquoted ones removed, read when first asked for. Empty
  /// without dialect.header and where the file has no row.
  /// Errors: those of next(); invalid_argument/bad_header (the first row is malformed).
  [[nodiscard]] Result<std::span<const std::string>> header();

  /// The next row. Reasons of rejected ones: wrong_field_count, text_after_quote, open_quote,
  /// invalid_utf8, row_too_long.
  /// Errors: those of header() and ByteSource::read(); invalid_argument/unsupported_encoding (the
  /// text begins as UTF-16 does).
  /// After an error the reader is of no further use.
  [[nodiscard]] Result<std::variant<End, CsvRow, RejectedRow>> next();

  /// Where the next row begins (blank lines before it aside).
  [[nodiscard]] RowPosition position() const;
  [[nodiscard]] const ByteSource& source() const { return *source_; }

 private:
  enum class Scan : std::uint8_t { row, reached_end, text_after_quote, too_many_fields };

  /// Walks the special bytes of the buffer in order.
  struct Specials {
    const char* block = nullptr;  // 64 bytes, of which...
    std::uint64_t mask = 0;       // ...these are special and not walked over yet.
    const char* end = nullptr;    // Of the text in the buffer.
    unsigned high = 0;            // Not 0: a block since clear_high() held a byte above 127.
    unsigned block_high = 0;
  };

  Result<void> start();
  Result<std::variant<End, CsvRow, RejectedRow>> next_record();
  Scan scan(const char* limit, bool text_ends);
  Scan scan_quoted(const char* quote, const char* limit, bool text_ends, const char*& after);
  Scan finish_row(const char* line_end);
  const char* next_special();
  void load_block(const char* at);
  void seek_specials(const char* at);
  bool has_extra_text();
  void push(const char* begin, const char* end, std::uint8_t quoted);
  void unescape_fields();
  std::optional<RejectedRow> check_row();
  RejectedRow rejected(std::uint32_t column, std::string_view reason, std::string message) const;
  Result<RejectedRow> reject_line(RejectedRow row, const char* search_from);
  Result<void> want(std::size_t bytes);
  void advance_to(const char* at, std::uint64_t lines);
  bool is_blank(char c) const { return (c == ' ' || c == '\t') && c != dialect_.delimiter; }

  std::unique_ptr<ByteSource> source_;
  CsvDialect dialect_;
  std::vector<std::string> header_;
  bool has_header_ = false;      // Read, or not to be read.
  bool started_ = false;         // The byte order mark has been looked for.
  std::size_t field_count_ = 0;  // 0: not known yet.

  // The buffer: [begin_, end_) is text not handed out yet, begin_ at position().
  std::unique_ptr<char[]> buffer_;
  std::size_t capacity_;
  const char* begin_;
  char* end_;
  bool source_ended_ = false;
  RowPosition position_;
  Specials specials_;

  // The record being scanned.
  std::vector<std::string_view> fields_;
  std::vector<std::uint8_t> quoted_;
  std::size_t count_ = 0;
  std::size_t extras_seen_ = 0;          // Fields looked at by has_extra_text().
  std::uint64_t newlines_ = 0;           // Inside quotes.
  const char* first_newline_ = nullptr;  // Inside quotes.
  std::size_t open_field_ = 0;           // That holds first_newline_.
  const char* row_end_ = nullptr;        // Before the line end.
  const char* next_row_ = nullptr;       // After it.
  const char* wrong_at_ = nullptr;       // Where the scan gave up.
  bool has_escapes_ = false;             // Some field holds doubled quotes.
  std::string arena_;
};

}  // namespace hf
