// SPDX-License-Identifier: Apache-2.0
#include "event/csv_reader.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/resource.h>

#include <chrono>
#include <ostream>
#include <tuple>

#include "base/rng.h"
#include "base/utf8.h"
#include "event/chunked_source.h"

namespace hf {
namespace {

using testing::ElementsAre;

// What came out of a file, one entry a row.
struct Seen {
  std::uint64_t line = 0;
  std::uint64_t offset = 0;
  std::vector<std::string> fields = {};
  std::vector<bool> quoted = {};
  std::uint32_t column = 0;
  std::string reason = {};
  std::string message = {};
  std::string excerpt = {};

  friend bool operator==(const Seen&, const Seen&) = default;
  friend std::ostream& operator<<(std::ostream& out, const Seen& seen) {
    out << seen.line << "@" << seen.offset << " " << seen.reason << " " << seen.column << " "
        << seen.message << " " << testing::PrintToString(seen.excerpt) << " "
        << testing::PrintToString(seen.fields);
    for (const bool quoted : seen.quoted) out << quoted;
    return out;
  }
};

struct Reading {
  std::string error = {};  // The reason.
  std::vector<std::string> header = {};
  std::vector<Seen> rows = {};
  RowPosition end = {};
  friend bool operator==(const Reading&, const Reading&) = default;
  friend std::ostream& operator<<(std::ostream& out, const Reading& reading) {
    out << "error " << reading.error << " header " << testing::PrintToString(reading.header)
        << " end " << reading.end.line << "@" << reading.end.offset;
    for (const Seen& row : reading.rows) out << "\n  " << row;
    return out;
  }
};

// The twin knows the whole text and takes it character by character.
class SlowReading {
 public:
  SlowReading(std::string text, CsvDialect dialect) : text_(std::move(text)), dialect_(dialect) {}

  Reading read() {
    if (text_.starts_with("\xFF\xFE") || text_.starts_with("\xFE\xFF")) {
      return {.error = "unsupported_encoding"};
    }
    if (text_.starts_with("\xEF\xBB\xBF")) at_ = 3;
    bool is_header = dialect_.header;
    while (at_ < text_.size()) {
      std::optional<Seen> seen = record();
      if (!seen) continue;
      if (is_header) {
        if (!seen->reason.empty()) return {.error = "bad_header"};
        for (std::size_t i = 0; i < seen->fields.size(); ++i) {
          std::string name = seen->fields[i];
          while (!seen->quoted[i] && !name.empty() && name.front() == ' ') name.erase(0, 1);
          while (!seen->quoted[i] && !name.empty() && name.back() == ' ') name.pop_back();
          reading_.header.push_back(name);
        }
      } else {
        reading_.rows.push_back(*std::move(seen));
      }
      is_header = false;
    }
    reading_.end = {line_, at_};
    return reading_;
  }

 private:
  enum class State { start, plain, quoted, quote_in_quoted, closed };

  void pass_newline(std::size_t& i) {
    if (text_[i] == '\r' && i + 1 < text_.size() && text_[i + 1] == '\n') ++i;
    ++i;
    ++line_;
  }

  Seen reject_line(std::uint32_t column, std::string reason, std::string message) {
    Seen seen = place(column, std::move(reason), std::move(message));
    while (at_ < text_.size() && text_[at_] != '\n' && text_[at_] != '\r') ++at_;
    if (at_ < text_.size()) pass_newline(at_);
    return seen;
  }

  Seen place(std::uint32_t column, std::string reason, std::string message) {
    return {.line = line_,
            .offset = at_,
            .column = column,
            .reason = std::move(reason),
            .message = std::move(message),
            .excerpt = excerpt_of(text_.substr(at_))};
  }

  std::optional<Seen> record() {
    Seen seen = {.line = line_, .offset = at_};
    std::string field;
    State state = State::start;
    std::uint32_t spanning_column = 0;  // 0: the record has one line so far.
    std::size_t i = at_;
    const auto close_field = [&] {
      seen.fields.push_back(field);
      seen.quoted.push_back(state == State::closed);
      field.clear();
      state = State::start;
    };
    for (;; ++i) {
      const std::uint32_t column = seen.fields.size() + 1;
      if (i == text_.size()) {
        if (state == State::quoted) {
          return reject_line(spanning_column == 0 ? column : spanning_column, "open_quote",
                             "a quoted field is never closed");
        }
        if (state == State::quote_in_quoted) state = State::closed;
        close_field();
        break;
      }
      const char c = text_[i];
      const bool is_newline = c == '\n' || c == '\r';
      if (i - at_ == dialect_.row_bytes_max && (!is_newline || state == State::quoted)) {
        if (is_newline && spanning_column == 0) spanning_column = column;
        if (spanning_column != 0) {
          return reject_line(spanning_column, "open_quote", "a quoted field is never closed");
        }
        return reject_line(
            0, "row_too_long",
            "the row is longer than " + std::to_string(dialect_.row_bytes_max) + " bytes");
      }
      if (state == State::quoted) {
        if (c == '"') {
          state = State::quote_in_quoted;
        } else {
          field += c;
          if (is_newline && spanning_column == 0) spanning_column = column;
        }
        continue;
      }
      if (state == State::quote_in_quoted) {
        if (c == '"') {
          field += c;
          state = State::quoted;
          continue;
        }
        state = State::closed;
      }
      if (c == dialect_.delimiter || is_newline) {
        close_field();
        if (is_newline) break;
      } else if (state == State::closed) {
        if (c != ' ') {
          return reject_line(column, "text_after_quote", "text follows the closing quote");
        }
      } else if (c == '"' && state == State::start) {
        if (spanning_column != 0 && expected_ != 0) {
          for (std::size_t extra = expected_; extra < seen.fields.size(); ++extra) {
            if (!seen.fields[extra].empty()) {
              return reject_line(0, "wrong_field_count",
                                 "expected " + std::to_string(expected_) + " fields, found more");
            }
          }
        }
        field.clear();
        state = State::quoted;
      } else {
        field += c;
        if (c != ' ') state = State::plain;
      }
    }
    const bool is_blank = seen.fields.size() == 1 && !seen.quoted[0] &&
                          seen.fields[0].find_first_not_of(' ') == std::string::npos;
    const std::size_t found = seen.fields.size();
    while (expected_ != 0 && seen.fields.size() > expected_ && seen.fields.back().empty()) {
      seen.fields.pop_back();
      seen.quoted.pop_back();
    }
    if (!is_blank && expected_ != 0 && seen.fields.size() != expected_) {
      return reject_line(
          0, "wrong_field_count",
          "expected " + std::to_string(expected_) + " fields, found " + std::to_string(found));
    }
    for (std::size_t n = 0; n < seen.fields.size(); ++n) {
      if (is_utf8(seen.fields[n])) continue;
      seen = place(n + 1, "invalid_utf8", "the field is not valid UTF-8");
      break;
    }
    while (at_ < i) {
      if (text_[at_] == '\n' || text_[at_] == '\r') {
        pass_newline(at_);
      } else {
        ++at_;
      }
    }
    if (at_ < text_.size()) pass_newline(at_);
    if (is_blank) return std::nullopt;
    if (seen.reason.empty() && expected_ == 0) expected_ = seen.fields.size();
    return seen;
  }

  std::string text_;
  CsvDialect dialect_;
  Reading reading_;
  std::size_t at_ = 0;
  std::uint64_t line_ = 1;
  std::size_t expected_ = 0;
};

Seen seen_of(const CsvRow& row) {
  Seen seen = {.line = row.line, .offset = row.offset};
  for (const std::string_view field : row.fields) seen.fields.emplace_back(field);
  for (const std::uint8_t quoted : row.quoted) seen.quoted.push_back(quoted != 0);
  return seen;
}

Seen seen_of(const RejectedRow& row) {
  return {.line = row.line,
          .offset = row.offset,
          .column = row.column,
          .reason = std::string(row.reason),
          .message = row.message,
          .excerpt = row.excerpt};
}

// Reads to the end; `places`, if given, gets the position before each row.
Reading read(CsvReader& reader, std::vector<RowPosition>* places = nullptr) {
  Reading reading;
  const auto header = reader.header();
  if (!header) return {.error = std::string(header.error().reason)};
  reading.header.assign(header->begin(), header->end());
  for (;;) {
    if (places != nullptr) places->push_back(reader.position());
    const auto next = reader.next();
    if (!next) return {.error = std::string(next.error().reason)};
    if (std::holds_alternative<End>(*next)) break;
    if (const auto* row = std::get_if<CsvRow>(&*next)) reading.rows.push_back(seen_of(*row));
    if (const auto* row = std::get_if<RejectedRow>(&*next)) reading.rows.push_back(seen_of(*row));
  }
  reading.end = reader.position();
  return reading;
}

Reading read(const std::string& text, CsvDialect dialect = {}, std::size_t chunk = 1 << 20) {
  CsvReader reader(std::make_unique<ChunkedSource>(text, chunk), dialect);
  return read(reader);
}

std::vector<std::vector<std::string>> rows_of(const std::string& text, CsvDialect dialect = {}) {
  std::vector<std::vector<std::string>> rows;
  for (const Seen& seen : read(text, dialect).rows) {
    rows.push_back(seen.reason.empty() ? seen.fields : std::vector{"! " + seen.reason});
  }
  return rows;
}

using Row = std::vector<std::string>;

std::string any_text(Rng& rng, std::int64_t length_max) {
  static constexpr std::string_view pieces[] = {"a",  ",",        "\"",   "\n",
                                                "\r", "\xC3\xA9", "\xFF", " "};
  // Weights vary from text to text: where errors are rare, long records come about.
  std::uint64_t weights[std::size(pieces)];
  std::uint64_t sum = 0;
  for (std::uint64_t& weight : weights) sum += weight = rng.below(8);
  weights[6] /= 4;
  std::string text;
  if (rng.chance(0.05)) text = "\xEF\xBB\xBF";
  for (std::int64_t n = rng.between(0, length_max); n > 0 && sum > 0; --n) {
    std::uint64_t draw = rng.below(sum);
    for (std::size_t i = 0; i < std::size(pieces); ++i) {
      if (draw < weights[i]) {
        text += pieces[i];
        break;
      }
      draw -= weights[i];
    }
  }
  return text;
}

CsvDialect any_dialect(Rng& rng) {
  CsvDialect dialect = {.header = rng.chance(0.5)};
  if (rng.chance(0.5)) dialect.row_bytes_max = rng.between(1, 40);
  return dialect;
}

TEST(CsvReader, AgreesWithReadingCharacterByCharacterForEveryChunkSize) {
  for (std::uint64_t seed = 0; seed < 6'000; ++seed) {
    Rng rng(seed);
    const std::string text = any_text(rng, 60);
    const CsvDialect dialect = any_dialect(rng);
    const Reading expected = SlowReading(text, dialect).read();
    for (const std::size_t chunk : {std::size_t{1}, std::size_t{2}, std::size_t{3}, std::size_t{7},
                                    std::size_t{64}, std::size_t{1} << 20}) {
      ASSERT_EQ(read(text, dialect, chunk), expected)
          << "seed " << seed << " chunk " << chunk << " limit " << dialect.row_bytes_max << " "
          << testing::PrintToString(text);
    }
  }
}

TEST(CsvReader, AgreesWithReadingCharacterByCharacterOnLongTexts) {
  for (std::uint64_t seed = 0; seed < 300; ++seed) {
    Rng rng(seed);
    const std::string text = any_text(rng, 20'000);
    const CsvDialect dialect = any_dialect(rng);
    const Reading expected = SlowReading(text, dialect).read();
    for (const std::size_t chunk : {std::size_t{1}, std::size_t{100}, std::size_t{1} << 20}) {
      ASSERT_EQ(read(text, dialect, chunk), expected) << "seed " << seed << " chunk " << chunk;
    }
  }
}

TEST(CsvReader, GoesOnFromEveryPositionAsIfItHadNotStopped) {
  for (std::uint64_t seed = 0; seed < 2'000; ++seed) {
    Rng rng(seed);
    const std::string text = any_text(rng, 60);
    const CsvDialect dialect = {.header = true, .row_bytes_max = 30};
    CsvReader whole(ByteSource::from_bytes(text), dialect);
    std::vector<RowPosition> places;
    const Reading expected = read(whole, &places);
    if (!expected.error.empty() || expected.header.empty()) continue;
    for (std::size_t i = 0; i < places.size(); ++i) {
      auto source = ByteSource::from_bytes(text);
      ASSERT_TRUE(source->skip(places[i].offset));
      CsvReader reader(std::move(source), dialect);
      reader.resume_at(places[i], expected.header);
      const Reading rest = read(reader);
      ASSERT_EQ(rest.rows, std::vector(expected.rows.begin() + i, expected.rows.end())) << seed;
      ASSERT_EQ(rest.header, expected.header);
      ASSERT_EQ(rest.end, expected.end);
    }
  }
}

TEST(CsvReader, ReadsTheCommonSinsAsTheyAreMeant) {
  const CsvDialect bare = {.header = false};
  const struct {
    std::string_view name;
    std::string text;
    std::vector<Row> rows;
  } cases[] = {
      {"empty file", "", {}},
      {"only a byte order mark", "\xEF\xBB\xBF", {}},
      {"only blank lines", "\n\r\n \t \n", {}},
      {"byte order mark",
       "\xEF\xBB\xBF"
       "a,b\n",
       {{"a", "b"}}},
      {"LF", "a,b\nc,d\n", {{"a", "b"}, {"c", "d"}}},
      {"CRLF", "a,b\r\nc,d\r\n", {{"a", "b"}, {"c", "d"}}},
      {"lone CR", "a,b\rc,d\r", {{"a", "b"}, {"c", "d"}}},
      {"no newline at the end", "a,b\nc,d", {{"a", "b"}, {"c", "d"}}},
      {"blank lines between", "a,b\n\n  \nc,d\n", {{"a", "b"}, {"c", "d"}}},
      {"an empty quoted field is a row", "a\n\"\"\nb\n", {{"a"}, {""}, {"b"}}},
      {"empty fields", "a,,b\n,,\n", {{"a", "", "b"}, {"", "", ""}}},
      {"quoted", "\"a\",\"b,c\"\n", {{"a", "b,c"}}},
      {"doubled quotes", "\"a \"\"b\"\"\",\"\"\"\"\n", {{"a \"b\"", "\""}}},
      {"blanks around quotes", "a, \"b\" ,c\n", {{"a", "b", "c"}}},
      {"blanks of unquoted fields stay", " a , b\n", {{" a ", " b"}}},
      {"quote inside an unquoted field", "5\" pipe,a\"\"b\n", {{"5\" pipe", "a\"\"b"}}},
      {"newlines inside quotes", "\"a\nb\",c\r\n\"d\r\ne\",f\n", {{"a\nb", "c"}, {"d\r\ne", "f"}}},
      {"text after the closing quote",
       "a,b\n\"c\"d,e\nf,g\n",
       {{"a", "b"}, {"! text_after_quote"}, {"f", "g"}}},
      {"an open quote spoils one line",
       "a,b\nc,\"d\ne,f\ng,h\n",
       {{"a", "b"}, {"! open_quote"}, {"e", "f"}, {"g", "h"}}},
      {"an open quote closed by a later quote",
       "a,b\nc,\"d\ne,\"f\"\ng,h\n",
       {{"a", "b"}, {"! text_after_quote"}, {"e", "f"}, {"g", "h"}}},
      {"too few and too many fields",
       "a,b\nc\nd,e,f\n",
       {{"a", "b"}, {"! wrong_field_count"}, {"! wrong_field_count"}}},
      {"extra empty fields at the end",
       "a,b\nc,d,,\ne,f,\"\"\n",
       {{"a", "b"}, {"c", "d"}, {"e", "f"}}},
      {"invalid UTF-8",
       "a,b\nc,\xC3\xA9\nd,\xC3\n",
       {{"a", "b"}, {"c", "\xC3\xA9"}, {"! invalid_utf8"}}},
      {"NUL", std::string("a\0b,c\n", 6), {{std::string("a\0b", 3), "c"}}},
  };
  for (const auto& [name, text, rows] : cases) EXPECT_EQ(rows_of(text, bare), rows) << name;
}

TEST(CsvReader, TakesTheFirstRowAsNames) {
  const Reading reading = read("\xEF\xBB\xBFuser , \"when\",\" what \"\n1,2,3\n");
  EXPECT_THAT(reading.header, ElementsAre("user", "when", " what "));
  ASSERT_EQ(reading.rows.size(), 1u);
  EXPECT_EQ(reading.rows[0].line, 2u);
  EXPECT_EQ(reading.rows[0].fields, (Row{"1", "2", "3"}));
}

TEST(CsvReader, ReadsTabsAndOtherDelimiters) {
  const CsvDialect tabs = {.delimiter = '\t', .header = false};
  EXPECT_EQ(rows_of("a\tb,c\n\t\n \t\"d\" \n", tabs),
            (std::vector<Row>{{"a", "b,c"}, {"", ""}, {" ", "d"}}));
  const CsvDialect blanks = {.delimiter = ' ', .header = false};
  EXPECT_EQ(rows_of("a \"b c\" d\n", blanks), (std::vector<Row>{{"a", "b c", "d"}}));
  const CsvDialect unquoted = {.delimiter = ';', .quote = '\0', .header = false};
  EXPECT_EQ(rows_of(std::string("\"a;\0\"\n", 6), unquoted),
            (std::vector<Row>{{"\"a", std::string("\0\"", 2)}}));
}

TEST(CsvReader, SaysWhereAndWhatIsWrong) {
  const Reading reading = read("a,b,c\n1,2,3\n\"1\n\n2\",2\r\n1,\xFF,3\n1,2,\"3\" x\n");
  EXPECT_EQ(
      reading.rows,
      (std::vector<Seen>{
          {.line = 2, .offset = 6, .fields = {"1", "2", "3"}, .quoted = {false, false, false}},
          {.line = 3,
           .offset = 12,
           .reason = "wrong_field_count",
           .message = "expected 3 fields, found 2",
           .excerpt = "\"1"},
          {.line = 5,
           .offset = 16,
           .reason = "wrong_field_count",
           .message = "expected 3 fields, found 2",
           .excerpt = "2\",2"},
          {.line = 6,
           .offset = 22,
           .column = 2,
           .reason = "invalid_utf8",
           .message = "the field is not valid UTF-8",
           .excerpt = "1,\xEF\xBF\xBD,3"},
          {.line = 7,
           .offset = 28,
           .column = 3,
           .reason = "text_after_quote",
           .message = "text follows the closing quote",
           .excerpt = "1,2,\"3\" x"},
      }));
}

TEST(CsvReader, KeepsLineNumbersExactAfterQuotedNewlines) {
  const Reading reading = read("a\n\"1\n2\r\n3\r4\"\nb\n");
  ASSERT_EQ(reading.rows.size(), 2u);
  EXPECT_EQ(reading.rows[0].line, 2u);
  EXPECT_EQ(reading.rows[1].line, 6u);
  EXPECT_EQ(reading.end, (RowPosition{.line = 7, .offset = 15}));
}

TEST(CsvReader, RefusesUtf16AndAMalformedHeader) {
  EXPECT_EQ(read(std::string("\xFF\xFE"
                             "a\0,\0",
                             6))
                .error,
            "unsupported_encoding");
  EXPECT_EQ(read(std::string("\xFE\xFF\0a\0,", 6)).error, "unsupported_encoding");
  EXPECT_EQ(read("\"a\"b,c\n1,2\n").error, "bad_header");
}

TEST(CsvReader, TakesARowOfTheLargestSizeAndRejectsOneByteMore) {
  const std::string largest(row_bytes_max, 'a');
  for (const std::string newline : {"\n", "\r", "\r\n"}) {
    for (const std::size_t chunk : {4096, 1 << 20, 1 << 24}) {
      const Reading reading =
          read("h\n" + largest + newline + largest + "a" + newline + "b" + newline, {}, chunk);
      ASSERT_EQ(reading.rows.size(), 3u);
      EXPECT_EQ(reading.rows[0].fields, Row{largest});
      EXPECT_EQ(reading.rows[1].reason, "row_too_long");
      EXPECT_EQ(reading.rows[1].excerpt, std::string(excerpt_bytes_max, 'a'));
      EXPECT_EQ(reading.rows[2].fields, Row{"b"});
      EXPECT_EQ(reading.rows[2].line, 4u);
    }
  }
}

TEST(CsvReader, PassesOverALineOfFiveMegabytes) {
  const std::string text = "h,i\n1,2\n" + std::string(5 << 20, ',') + "\n3,4\n";
  EXPECT_EQ(rows_of(text), (std::vector<Row>{{"1", "2"}, {"! row_too_long"}, {"3", "4"}}));
}

TEST(CsvReader, LosesOneLineToAQuoteThatIsNeverClosed) {
  std::string text = "h,i\n1,\"2\n";
  for (int i = 0; i < 400'000; ++i) text += "3,4\n";
  const Reading reading = read(text);
  ASSERT_EQ(reading.rows.size(), 400'001u);
  EXPECT_EQ(reading.rows[0].reason, "open_quote");
  EXPECT_EQ(reading.rows[1].line, 3u);
  EXPECT_EQ(reading.rows.back().fields, (Row{"3", "4"}));
}

// Each line closes the field the last one opened and opens the next.
TEST(CsvReader, IsQuickWhereEveryLineLeavesAQuoteOpen) {
  std::string text = "h,i\n";
  for (int i = 0; i < 100'000; ++i) text += "x\",y,\"z\n";
  for (const bool header : {true, false}) {
    const auto begin = std::chrono::steady_clock::now();
    EXPECT_GE(read(header ? text : text.substr(4), {.header = header}).rows.size(), 99'000u);
    EXPECT_LT(std::chrono::steady_clock::now() - begin, std::chrono::seconds(20));
  }
}

// One row, then a line of `size` bytes that repeat `pattern`, then one row.
class LongLine : public ByteSource {
 public:
  LongLine(std::uint64_t size, std::string_view pattern) : size_(size) {
    while (block_.size() < 1 << 20) block_ += pattern;
  }
  Result<std::size_t> read(std::span<char> out) override {
    const std::string_view part =
        offset_ < head_.size() ? head_.substr(offset_)
        : offset_ < head_.size() + size_
            ? std::string_view(block_).substr(0, head_.size() + size_ - offset_)
            : tail_.substr(offset_ - head_.size() - size_);
    const std::size_t n = part.copy(out.data(), out.size());
    offset_ += n;
    return n;
  }
  std::uint64_t consumed() const override { return offset_; }
  std::optional<std::uint64_t> total() const override { return {}; }

 private:
  static constexpr std::string_view head_ = "h,i\n1,2\n";
  static constexpr std::string_view tail_ = "\n3,4\n";
  std::string block_;
  std::uint64_t size_;
  std::uint64_t offset_ = 0;
};

TEST(CsvReader, PassesOverALineOfAGigabyteInBoundedMemory) {
  for (const std::string_view pattern : {"abcdefgh", "\"a\"\"b\","}) {
    rusage before{};
    getrusage(RUSAGE_SELF, &before);
    const auto begin = std::chrono::steady_clock::now();
    CsvReader reader(std::make_unique<LongLine>(std::uint64_t{1} << 30, pattern), {});
    const Reading reading = read(reader);
    ASSERT_EQ(reading.rows.size(), 3u);
    EXPECT_EQ(reading.rows[1].line, 3u);
    EXPECT_EQ(reading.rows[2].fields, (Row{"3", "4"}));
    EXPECT_EQ(reading.rows[2].line, 4u);
    EXPECT_EQ(reading.rows[2].offset, 8 + (std::uint64_t{1} << 30) + 1);
    EXPECT_LT(std::chrono::steady_clock::now() - begin, std::chrono::seconds(60));
    rusage after{};
    getrusage(RUSAGE_SELF, &after);
    EXPECT_LT(after.ru_maxrss - before.ru_maxrss, 64 * 1024);  // KiB; mostly fields of one row.
  }
}

TEST(CsvReader, HandsOnADamagedSource) {
  class Damaged : public ByteSource {
   public:
    Result<std::size_t> read(std::span<char> out) override {
      if (std::exchange(is_read_, true)) return fail(ErrorCode::data_loss, "damaged_file", "");
      return std::string_view("h\na\nb").copy(out.data(), out.size());
    }
    std::uint64_t consumed() const override { return 0; }
    std::optional<std::uint64_t> total() const override { return {}; }
    bool is_read_ = false;
  };
  CsvReader reader(std::make_unique<Damaged>(), {});
  const auto row = reader.next();
  ASSERT_TRUE(row && std::holds_alternative<CsvRow>(*row));
  const auto error = reader.next();
  ASSERT_FALSE(error);
  EXPECT_EQ(error.error().code, ErrorCode::data_loss);
}

}  // namespace
}  // namespace hf
