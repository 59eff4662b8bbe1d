// SPDX-License-Identifier: Apache-2.0
#include "event/json_rows.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <ostream>
#include <set>
#include <string>
#include <vector>

#include "base/decimal.h"
#include "base/json.h"
#include "base/rng.h"
#include "event/chunked_source.h"

namespace hf {
namespace {

struct Field {
  std::string name;
  ValueKind kind;
  std::string text;  // Canonical.
  friend bool operator==(const Field&, const Field&) = default;
  friend std::ostream& operator<<(std::ostream& out, const Field& field) {
    return out << field.name << ":" << to_string(field.kind) << "=" << field.text;
  }
};

struct Seen {
  std::uint64_t line = 0;
  std::uint64_t offset = 0;
  std::vector<Field> fields = {};
  std::string reason = {};
  std::uint32_t column = 0;
  std::string excerpt = {};
  friend bool operator==(const Seen&, const Seen&) = default;
  friend std::ostream& operator<<(std::ostream& out, const Seen& seen) {
    return out << seen.line << "@" << seen.offset << " " << seen.reason << " " << seen.column << " "
               << testing::PrintToString(seen.fields);
  }
};

std::vector<Seen> read(JsonRowReader& reader) {
  std::vector<Seen> rows;
  for (;;) {
    const auto next = reader.next();
    if (!next) {
      rows.push_back({.reason = "! " + std::string(next.error().reason)});
      return rows;
    }
    if (std::holds_alternative<End>(*next)) return rows;
    if (const auto* bad = std::get_if<RejectedRow>(&*next)) {
      rows.push_back({.line = bad->line,
                      .offset = bad->offset,
                      .reason = std::string(bad->reason),
                      .column = bad->column,
                      .excerpt = bad->excerpt});
    }
    if (const auto* row = std::get_if<JsonRow>(&*next)) {
      Seen seen = {.line = row->line, .offset = row->offset};
      for (const auto& [name, value] : row->fields) {
        seen.fields.push_back({std::string(name), value.kind, canonical_text(value)});
      }
      rows.push_back(std::move(seen));
    }
  }
}

std::vector<Seen> read(const std::string& text, std::size_t chunk = 1 << 20) {
  JsonRowReader reader(std::make_unique<ChunkedSource>(text, chunk));
  return read(reader);
}

// The twin: recursion over the parsed tree.
void write_slowly(const Json& value, std::string& out, bool& is_nested) {
  if (value.is_array() || value.is_object()) {
    is_nested = true;
    bool is_inner = false;
    out += value.is_array() ? "[" : "{";
    for (const Json& item : value.array) {
      if (&item != value.array.data()) out += ",";
      write_slowly(item, out, is_inner);
    }
    for (const Json::Member& member : value.object) {
      if (&member != value.object.data()) out += ",";
      append_json_text(out, member.first);
      out += ":";
      write_slowly(member.second, out, is_inner);
    }
    out += value.is_array() ? "]" : "}";
  } else if (value.is_text()) {
    append_json_text(out, value.text);
  } else if (value.is_number()) {
    const auto decimal = parse_decimal(value.text);
    out += decimal ? decimal->to_string() : canonical_number(value.text);
  } else {
    out += value.is_null() ? "null" : value.boolean ? "true" : "false";
  }
}

void flatten_slowly(const Json& value, const std::string& name, std::vector<Field>& fields) {
  switch (value.kind) {
    case Json::Kind::null: break;
    case Json::Kind::boolean:
      fields.push_back({name, ValueKind::boolean, value.boolean ? "true" : "false"});
      break;
    case Json::Kind::number: {
      const auto decimal = parse_decimal(value.text);
      fields.push_back({name, decimal ? ValueKind::number : ValueKind::big_number,
                        decimal ? decimal->to_string() : canonical_number(value.text)});
      break;
    }
    case Json::Kind::text: fields.push_back({name, ValueKind::text, value.text}); break;
    case Json::Kind::array: {
      std::string text = "[";
      bool is_nested = false;
      for (const Json& item : value.array) {
        if (text.size() > 1) text += ",";
        write_slowly(item, text, is_nested);
      }
      fields.push_back({name, is_nested ? ValueKind::json : ValueKind::list, text + "]"});
      break;
    }
    case Json::Kind::object:
      for (const auto& [key, member] : value.object)
        flatten_slowly(member, name + "." + key, fields);
      break;
  }
}

Seen read_slowly(const std::string& line) {
  const auto json = parse_json(line);
  if (!json) return {.reason = std::string(json.error().reason)};
  if (!json->is_object()) return {.reason = "invalid_json"};
  Seen seen;
  std::set<std::string> names;
  for (const auto& [key, member] : json->object) flatten_slowly(member, key, seen.fields);
  for (const Field& field : seen.fields) {
    if (!names.insert(field.name).second) return {.reason = "duplicate_member"};
  }
  return seen;
}

std::string any_key(Rng& rng) {
  static constexpr std::string_view keys[] = {"a", "b", "c",       "d",   "a.b",      "",
                                              ".", "é", "\\u0061", "\\n", "long name"};
  return "\"" + std::string(keys[rng.below(std::size(keys))]) + "\"";
}

std::string any_json(Rng& rng, int depth) {
  static constexpr std::string_view scalars[] = {"null",
                                                 "true",
                                                 "false",
                                                 "0",
                                                 "-0",
                                                 "1.50",
                                                 "-12e-3",
                                                 "1E5",
                                                 "123456789012345678901234567890",
                                                 "0.1234567890123",
                                                 "1e400",
                                                 "\"\"",
                                                 "\"x\"",
                                                 "\"\\u00e9\\ud83d\\ude00\\\"\\\\\\/\\t\"",
                                                 "\"é\"",
                                                 "\"[{,\"",
                                                 "17850.0"};
  const auto blank = [&rng] { return rng.chance(0.1) ? (rng.chance(0.5) ? " " : "\t\r ") : ""; };
  const std::uint64_t draw = depth > 4 ? 0 : rng.below(10);
  std::string json = blank();
  if (draw < 6) {
    json += scalars[rng.below(std::size(scalars))];
  } else {
    const bool is_object = draw < 8;
    json += is_object ? "{" : "[";
    for (std::uint64_t n = rng.below(4), i = 0; i < n; ++i) {
      if (i > 0) json += ",";
      if (is_object) json += any_key(rng) + blank() + ":";
      json += any_json(rng, depth + 1);
    }
    json += is_object ? "}" : "]";
  }
  return json + blank();
}

std::string any_line(Rng& rng) {
  std::string line = "{";
  const std::uint64_t n = rng.chance(0.05) ? 20 : rng.below(6);
  for (std::uint64_t i = 0; i < n; ++i) {
    if (i > 0) line += ",";
    line += rng.chance(0.5) ? any_key(rng) : "\"k" + std::to_string(i) + "\"";
    line += ":" + any_json(rng, 0);
  }
  return line + "}";
}

TEST(JsonRows, AgreeWithFlatteningTheParsedTree) {
  int good = 0;
  for (std::uint64_t seed = 0; seed < 6'000; ++seed) {
    Rng rng(seed);
    const std::string line = any_line(rng);
    const auto rows = read(line);
    ASSERT_EQ(rows.size(), 1u) << line;
    const Seen expected = read_slowly(line);
    ASSERT_EQ(rows[0].fields, expected.fields) << line;
    ASSERT_EQ(rows[0].reason,
              expected.reason == "duplicate_member" ? "duplicate_key" : expected.reason)
        << line;
    good += rows[0].reason.empty();
  }
  EXPECT_GT(good, 3'000);
}

TEST(JsonRows, RefuseWhatTheParserRefuses) {
  static constexpr std::string_view noise = "{}[]\",:\\x0-.e \xC3\x01tn";
  int bad = 0;
  for (std::uint64_t seed = 0; seed < 10'000; ++seed) {
    Rng rng(seed);
    std::string line = any_line(rng);
    for (int n = rng.between(1, 2); n > 0; --n) {
      const std::size_t at = rng.below(line.size() + 1);
      const char c = noise[rng.below(noise.size())];
      switch (rng.below(3)) {
        case 0: line.insert(at, 1, c); break;
        case 1: line.erase(at, 1); break;
        default: line.resize(std::max(line.size(), at + 1), ' '), line[at] = c;
      }
    }
    const auto rows = read(line);
    if (rows.empty()) continue;  // Blank.
    const Seen expected = read_slowly(line);
    ASSERT_EQ(rows[0].fields, expected.fields) << line;
    ASSERT_EQ(rows[0].reason.empty(), expected.reason.empty()) << line << " " << rows[0].reason;
    ASSERT_LE(rows[0].column, line.size() + 1);
    bad += !rows[0].reason.empty();
  }
  EXPECT_GT(bad, 3'000);
}

std::string nested(int levels) {
  std::string json = "1";
  for (int i = 0; i < levels; ++i) json = i % 2 == 0 ? "[" + json + "]" : "{\"a\":" + json + "}";
  return "{\"a\":" + json + "}";
}

TEST(JsonRows, SayWhyTheyRefuse) {
  const struct {
    std::string_view name;
    std::string line;
    std::string_view reason;
    std::uint32_t column;
  } cases[] = {
      {"a list", "[1]", "invalid_json", 1},
      {"a text", "\"a\"", "invalid_json", 1},
      {"cut off", "{\"a\":1", "invalid_json", 7},
      {"no colon", "{\"a\" 1}", "invalid_json", 6},
      {"no value", "{\"a\":}", "invalid_json", 6},
      {"leading zero", "{\"a\":01}", "invalid_json", 6},
      {"plus sign", "{\"a\":+1}", "invalid_json", 6},
      {"bare point", "{\"a\":1.}", "invalid_json", 6},
      {"a misspelt word", "{\"a\":nul}", "invalid_json", 6},
      {"trailing comma", "{\"a\":1,}", "invalid_json", 8},
      {"two objects", "{\"a\":1} {\"b\":2}", "invalid_json", 9},
      {"a wrong escape", "{\"a\":\"\\q\"}", "invalid_json", 6},
      {"half a surrogate pair", "{\"a\":\"\\ud800\"}", "invalid_json", 6},
      {"a control character", "{\"a\":\"\x01\"}", "invalid_json", 1},
      {"invalid UTF-8", "{\"a\":\"\xFF\"}", "invalid_utf8", 7},
      {"the same key twice", "{\"a\":1,\"a\":null}", "duplicate_key", 17},
      {"the same key by flattening", "{\"a.b\":1,\"a\":{\"b\":2}}", "duplicate_key", 22},
      {"the same key in a list", "{\"l\":[{\"a\":1,\"a\":2}]}", "duplicate_key", 20},
      {"64 levels", nested(63), "", 0},
      {"65 levels", nested(64), "too_deep", 0},
      {"a flattened name too long",
       "{\"" + std::string(510, 'a') + "\":{\"" + std::string(510, 'b') + "\":1}}", "name_too_long",
       0},
  };
  for (const auto& [name, line, reason, column] : cases) {
    const auto rows = read(line);
    ASSERT_EQ(rows.size(), 1u) << name;
    EXPECT_EQ(rows[0].reason, reason) << name;
    EXPECT_TRUE(column == 0 || rows[0].column == column) << name << " " << rows[0].column;
  }
}

TEST(JsonRows, FlattenToTypedFields) {
  const auto rows =
      read(R"({"t":"x","n":17850.0,"b":true,"z":null,"o":{"p":{"q":1}},"e":{},"l":["a",1.50,null],)"
           R"("l0":[ ],"j":[{"k" : 1.0}, [2]],"big":1e30})");
  ASSERT_EQ(rows.size(), 1u);
  EXPECT_EQ(rows[0].fields,
            (std::vector<Field>{{"t", ValueKind::text, "x"},
                                {"n", ValueKind::number, "17850"},
                                {"b", ValueKind::boolean, "true"},
                                {"o.p.q", ValueKind::number, "1"},
                                {"l", ValueKind::list, "[\"a\",1.5,null]"},
                                {"l0", ValueKind::list, "[]"},
                                {"j", ValueKind::json, "[{\"k\":1},[2]]"},
                                {"big", ValueKind::big_number, "1" + std::string(30, '0')}}));
}

TEST(JsonRows, HaveTheirPlaceForEveryChunkSize) {
  const std::string text = "\xEF\xBB\xBF{\"a\":1}\r\n\n \t\n{\"b\":2\n{\"c\":\xFF}\n{\"d\":4}";
  for (std::size_t chunk = 1; chunk < 20; ++chunk) {
    EXPECT_EQ(
        read(text, chunk),
        (std::vector<Seen>{
            {.line = 1, .offset = 3, .fields = {{"a", ValueKind::number, "1"}}},
            {.line = 4, .offset = 16, .reason = "invalid_json", .column = 7, .excerpt = "{\"b\":2"},
            {.line = 5,
             .offset = 23,
             .reason = "invalid_utf8",
             .column = 6,
             .excerpt = "{\"c\":\xEF\xBF\xBD}"},
            {.line = 6, .offset = 31, .fields = {{"d", ValueKind::number, "4"}}}}));
  }
}

TEST(JsonRows, GoOnFromEveryPositionAsIfTheyHadNotStopped) {
  const std::string text = "\xEF\xBB\xBF{\"a\":1}\r\n\n{\"b\":2\n" +
                           std::string(row_bytes_max + 1, 'x') + "\n{\"d\":4}\n";
  const auto expected = read(text);
  ASSERT_EQ(expected.size(), 4u);
  JsonRowReader whole(ByteSource::from_bytes(text));
  for (std::size_t i = 0; i <= expected.size(); ++i) {
    const RowPosition place = whole.position();
    auto source = ByteSource::from_bytes(text);
    ASSERT_TRUE(source->skip(place.offset));
    JsonRowReader reader(std::move(source));
    // At the very start the byte order mark is still to come.
    if (i > 0) reader.resume_at(place);
    EXPECT_EQ(read(reader), std::vector(expected.begin() + i, expected.end())) << i;
    ASSERT_TRUE(whole.next());
  }
}

TEST(JsonRows, AreTakenUpToTheLimitAndRejectedBeyond) {
  const std::string head = "{\"a\":\"";
  const std::string largest = head + std::string(row_bytes_max - head.size() - 2, 'x') + "\"}";
  const std::string longer = head + std::string(row_bytes_max - head.size() - 1, 'x') + "\"}";
  for (const std::string newline : {"\n", "\r\n"}) {
    for (const std::size_t chunk : {4096, 1 << 20, 1 << 24}) {
      const auto rows = read(
          largest + newline + longer + newline + std::string(5 << 20, 'x') + newline + "{}", chunk);
      ASSERT_EQ(rows.size(), 4u);
      EXPECT_EQ(rows[0].reason, "");
      EXPECT_EQ(rows[1].reason, "row_too_long");
      EXPECT_EQ(rows[2].reason, "row_too_long");
      EXPECT_EQ(rows[3].line, 4u);
      EXPECT_EQ(rows[3].reason, "");
    }
  }
}

TEST(JsonRows, AreBoundedHoweverNamesMultiply) {
  std::string line = "{\"" + std::string(1000, 'a') + "\":{";
  for (int i = 0; i < 20'000; ++i) line += "\"" + std::to_string(i) + "\":1,";
  line.back() = '}';
  const auto rows = read(line + "}\n{}\n");
  ASSERT_EQ(rows.size(), 2u);
  EXPECT_EQ(rows[0].reason, "event_too_large");
}

TEST(JsonRows, RefuseUtf16AndTakeAnEmptyFile) {
  EXPECT_TRUE(read("").empty());
  EXPECT_TRUE(read("\xEF\xBB\xBF\n \n").empty());
  EXPECT_EQ(read(std::string("\xFF\xFE{\0", 4))[0].reason, "! unsupported_encoding");
}

}  // namespace
}  // namespace hf
