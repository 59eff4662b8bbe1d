// SPDX-License-Identifier: Apache-2.0
#include "adapter/duckdb/duckdb_engine.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <filesystem>
#include <fstream>
#include <map>
#include <thread>

#include "adapter/duckdb/cell_types.h"
#include "base/rng.h"
#include "base/sim_env.h"
#include "calendar/time_text.h"
#include "store/part_builder.h"
#include "store/store.h"

namespace hf {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

using TextRow = std::vector<std::string>;
using TextRows = std::vector<TextRow>;

/// A cell with its kind before it: "number 2.5", "local 0", "null".
std::string show(const TableCell& cell) {
  switch (cell.kind) {
    case TableCell::Kind::null: return "null";
    case TableCell::Kind::local_time: return fmt::format("local {}", cell.time_ms);
    case TableCell::Kind::instant: return fmt::format("instant {}", cell.time_ms);
    case TableCell::Kind::value: break;
  }
  return fmt::format("{} {}", to_string(cell.value.kind), canonical_text(cell.value));
}

class DuckDb : public testing::Test {
 protected:
  DuckDb() {
    static int next = 0;
    folder_ = std::filesystem::temp_directory_path() /
              fmt::format("hf_duckdb_test_{}_{}", ::getpid(), next++);
    std::filesystem::create_directories(folder_);
    engine_ = std::move(DuckDbEngine::open()).value();
  }
  ~DuckDb() override { std::filesystem::remove_all(folder_); }

  std::string path(const std::string& name) const { return (folder_ / name).string(); }
  std::string write(const std::string& name, std::string_view bytes) const {
    std::ofstream(path(name), std::ios::binary) << bytes;
    return path(name);
  }
  Result<TextRows> try_rows(const SqlInput& input, std::string_view sql) const {
    HF_TRY(const auto cursor, engine_->open(input, sql));
    TextRows out;
    for (;;) {
      HF_TRY(const auto cells, cursor->next());
      if (cells.empty()) return out;
      TextRow& row = out.emplace_back();
      for (const TableCell& cell : cells) row.push_back(show(cell));
    }
  }
  TextRows rows(const SqlInput& input, std::string_view sql = {}) const {
    auto out = try_rows(input, sql);
    EXPECT_TRUE(out) << (out ? "" : out.error().message);
    return out ? *std::move(out) : TextRows{};
  }
  /// The one row of a SELECT without input.
  TextRow one(const std::string& select) const {
    const TextRows all = rows({{tiny_csv()}, SqlInput::Format::csv}, select);
    EXPECT_EQ(all.size(), 1u);
    return all.empty() ? TextRow{} : all[0];
  }
  std::string tiny_csv() const { return write("tiny.csv", "a,b\n1,2\n"); }

  Result<TextRows> try_query(const Snapshot& snapshot, std::string_view sql,
                             const SqlLimits& limits = {}) const {
    HF_TRY(const auto result, engine_->query(snapshot, *Zone::utc(), sql, limits));
    TextRows out;
    for (;;) {
      HF_TRY(const auto cells, result->next());
      if (cells.empty()) return out;
      TextRow& row = out.emplace_back();
      for (const auto& cell : cells) row.push_back(cell.value_or("NULL"));
    }
  }
  TextRows query(const Snapshot& snapshot, std::string_view sql) const {
    auto out = try_query(snapshot, sql);
    EXPECT_TRUE(out) << (out ? "" : out.error().message);
    return out ? *std::move(out) : TextRows{};
  }

  std::filesystem::path folder_;
  std::unique_ptr<DuckDbEngine> engine_;
};

// ------------------------------------------------------------------------------ recognising CSV

TEST_F(DuckDb, RecognizesDelimiterQuoteHeaderAndNames) {
  const auto csv = engine_->recognize_csv(write("a.csv", "id;full name;n\n1;\"x;y\";2.5\n2;z;3\n"));
  ASSERT_TRUE(csv) << csv.error().message;
  EXPECT_EQ(csv->dialect.delimiter, ';');
  EXPECT_EQ(csv->dialect.quote, '"');
  EXPECT_TRUE(csv->dialect.header);
  EXPECT_THAT(csv->columns, ElementsAre("id", "full name", "n"));

  const auto tsv = engine_->recognize_csv(write("a.tsv", "1\t2020-01-01\n2\t2020-01-02\n"));
  ASSERT_TRUE(tsv) << tsv.error().message;
  EXPECT_EQ(tsv->dialect.delimiter, '\t');
  EXPECT_EQ(tsv->dialect.quote, '"');
  EXPECT_FALSE(tsv->dialect.header);
}

TEST_F(DuckDb, RecognizesCompressedCsvByItsBytesNotItsName) {
  const std::string plain = write("b.csv", "id;n\n1;2.5\n2;3\n");
  for (const std::string tool : {"gzip", "zstd"}) {
    const std::string packed = path("packed_by_" + tool);
    const std::string command = fmt::format("{} -q -c '{}' > '{}'", tool, plain, packed);
    if (std::system(command.c_str()) != 0) GTEST_SKIP() << "no " << tool;
    const auto csv = engine_->recognize_csv(packed);
    ASSERT_TRUE(csv) << csv.error().message;
    EXPECT_EQ(csv->dialect.delimiter, ';');
    EXPECT_THAT(
        rows({{packed}, SqlInput::Format::csv}),
        ElementsAre(ElementsAre("number 1", "number 2.5"), ElementsAre("number 2", "number 3")));
  }
}

TEST_F(DuckDb, NamesTheReasonWhenAFileIsNoCsv) {
  std::string noise;
  Rng rng(1);
  for (int i = 0; i < 5'000; ++i) noise += static_cast<char>(rng.between(0, 255));
  const auto csv = engine_->recognize_csv(write("noise", noise));
  ASSERT_FALSE(csv);
  EXPECT_EQ(csv.error().reason, "unrecognized_csv");
  EXPECT_THAT(csv.error().message, HasSubstr("noise"));
  EXPECT_EQ(csv.error().message.find('\n'), std::string::npos);
  const auto absent = engine_->recognize_csv(path("absent.csv"));
  ASSERT_FALSE(absent);
  EXPECT_EQ(absent.error().code, ErrorCode::not_found);
}

// ------------------------------------------------------------------------------- reading exactly

TEST_F(DuckDb, ReadsCsvCellsWithoutLosingAnything) {
  const std::string file =
      write("exact.csv",
            "whole,wide,money,fine,huge,zip,flag,day,moment,offset,words,sci\n"
            "1,12345678901234567890.5,17850.0,2.12345,1e300,01234,true,2024-02-29,"
            "2024-02-29 03:04:05.123,2024-01-01T00:00:00+02:00,\"a, \"\"b\"\"\",1e3\n"
            "-9223372036854775808,0.1,0.30,2.1234567891,1,99999,false,1950-01-01,"
            "1950-01-01T00:00:00,2024-01-01T00:00:00Z,7,2.5e-3\n"
            ",,,,,,,,,,,\n");
  EXPECT_THAT(
      rows({{file}, SqlInput::Format::csv}),
      ElementsAre(ElementsAre("number 1", "big_number 12345678901234567890.5", "number 17850",
                              "text 2.12345", "text 1e300", "text 01234", "boolean true",
                              "local 1709164800000", "local 1709175845123",
                              "text 2024-01-01T00:00:00+02:00", "text a, \"b\"", "number 1000"),
                  ElementsAre("number -9223372036854775808", "number 0.1", "number 0.3",
                              "text 2.1234567891", "text 1", "text 99999", "boolean false",
                              "local -631152000000", "local -631152000000",
                              "text 2024-01-01T00:00:00Z", "text 7", "number 0.0025"),
                  testing::Each("null")));
}

TEST_F(DuckDb, ReadsLiteralsOfEveryTypeExactly) {
  struct Case {
    const char* sql;
    const char* cell;
  };
  const Case cases[] = {
      {"12345678901234567890.5::DECIMAL(38,9)", "big_number 12345678901234567890.5"},
      {"2.12345", "number 2.12345"},
      {"-0.05::DECIMAL(3,2)", "number -0.05"},
      {"17850.0::DECIMAL(9,1)", "number 17850"},
      {"-123456789012.34::DECIMAL(18,2)", "number -123456789012.34"},
      {"0.0000000001::DECIMAL(20,10)", "big_number 0.0000000001"},
      {"170141183460469231731687303715884105727::HUGEINT",
       "big_number 170141183460469231731687303715884105727"},
      {"(-170141183460469231731687303715884105727)::HUGEINT",
       "big_number -170141183460469231731687303715884105727"},
      {"340282366920938463463374607431768211455::UHUGEINT",
       "big_number 340282366920938463463374607431768211455"},
      {"18446744073709551615::UBIGINT", "big_number 18446744073709551615"},
      {"(-128)::TINYINT", "number -128"},
      {"65535::USMALLINT", "number 65535"},
      {"0.1::DOUBLE", "number 0.1"},
      {"0.1::FLOAT", "number 0.1"},
      {"17850.0::DOUBLE", "number 17850"},
      {"'nan'::DOUBLE", "null"},
      {"'-inf'::FLOAT", "null"},
      {"true", "boolean true"},
      {"'text'", "text text"},
      {"repeat('long ', 5)", "text long long long long long "},
      {"DATE '2024-02-29'", "local 1709164800000"},
      {"DATE '1969-12-31'", "local -86400000"},
      {"'infinity'::DATE", "null"},
      {"TIMESTAMP '2024-02-29 03:04:05.123999'", "local 1709175845123"},
      {"TIMESTAMP '1969-12-31 23:59:59.999999'", "local -1"},
      {"TIMESTAMP_S '2024-02-29 03:04:05'", "local 1709175845000"},
      {"TIMESTAMP_MS '2024-02-29 03:04:05.123'", "local 1709175845123"},
      {"TIMESTAMP_NS '2024-02-29 03:04:05.123456789'", "local 1709175845123"},
      {"TIMESTAMPTZ '2024-02-29 03:04:05.5+01:00'", "instant 1709172245500"},
      {"TIME '03:04:05'", "text 03:04:05"},
      {"INTERVAL '2' DAY", "text 2 days"},
      {"'a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11'::UUID", "text a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11"},
      {"'\\xAA'::BLOB", "text \\xAA"},
      {"'b'::ENUM('a', 'b')", "text b"},
      {"[1, 2, NULL]", "list [1,2,null]"},
      {"[12345678901234567890.5::DECIMAL(38,9), 2.5]", "list [12345678901234567890.5,2.5]"},
      {"['a\"b', 'ü']", "list [\"a\\\"b\",\"ü\"]"},
      {"[]", "list []"},
      {"[[1], [2]]", "json [[1],[2]]"},
      {"{'a': 1, 'b': NULL, 'c': [DATE '2024-01-02']}", "json {\"a\":1,\"c\":[\"2024-01-02\"]}"},
      {"MAP {'k': 1.50}", "json {\"k\":1.5}"},
      {"'{\"a\": [1.0, {}]}'::JSON", "json {\"a\":[1,{}]}"},
      {"'\"x\"'::JSON", "text x"},
      {"'1e2'::JSON", "number 100"},
      {"'null'::JSON", "null"},
      {"NULL", "null"},
      {"NULL::INTEGER[]", "null"},
  };
  for (const auto& [sql, cell] : cases) {
    SCOPED_TRACE(sql);
    EXPECT_THAT(one(std::string("SELECT ") + sql), ElementsAre(cell));
  }
  EXPECT_EQ(one("SELECT 1e300::DOUBLE")[0], "big_number " + canonical_number("1e300"));
}

TEST_F(DuckDb, ReadsJsonTextsAndNamesOfAnySpelling) {
  const std::string file = write("odd.json", R"({"a \"b'/~.$":"x \u00fc\n","":1,"c":null,"d": 5 })"
                                             "\n");
  const auto cursor = engine_->open({{file}, SqlInput::Format::json}, "");
  ASSERT_TRUE(cursor) << cursor.error().message;
  EXPECT_EQ((*cursor)->columns()[0], "a \"b'/~.$");
  const auto cells = (*cursor)->next();
  ASSERT_TRUE(cells) << cells.error().message;
  EXPECT_EQ(show((*cells)[0]), "text x \u00fc\n");
  EXPECT_EQ(show(cells->back()), "number 5");
}

TEST_F(DuckDb, ReadsJsonNumbersFromTheirDigits) {
  const std::string file = write(
      "n.json",
      R"({"a":1,"b":2.5,"wide":12345678901234567890.5,"fine":2.1234567891,"s":"x","l":[1.5,2],"o":{"f":1.25},"t":"2024-01-02 03:04:05","z":"2024-01-02T03:04:05Z","huge":{"v":[1e300]},"mixed":0.12345678901234567890,"i":1})"
      "\n"
      R"({"a":2,"b":17850.0,"wide":0.1,"fine":3.5,"s":"y","o":{"f":3,"k":[{"z":1}]},"mixed":"word","i":12345678901234567890})"
      "\n");
  EXPECT_THAT(
      rows({{file}, SqlInput::Format::json},
           "SELECT a, b, wide, fine, s, l, o, t, z, huge, mixed, i FROM input"),
      ElementsAre(ElementsAre("number 1", "number 2.5", "big_number 12345678901234567890.5",
                              "text 2.1234567891", "text x", "list [1.5,2]", "json {\"f\":1.25}",
                              "local 1704164645000", "text 2024-01-02T03:04:05Z",
                              "json {\"v\":[" + canonical_number("1e300") + "]}",
                              "big_number 0.1234567890123456789", "number 1"),
                  ElementsAre("number 2", "number 17850", "number 0.1", "text 3.5", "text y",
                              "null", "json {\"f\":3,\"k\":[{\"z\":1}]}", "null", "null", "null",
                              "text word", "big_number 12345678901234567890")));
  EXPECT_THAT(rows({{file}, SqlInput::Format::json},
                   "SELECT o.f + 1, sum(b) OVER () FROM input ORDER BY a"),
              ElementsAre(ElementsAre("number 2.25", "number 17852.5"),
                          ElementsAre("number 4", "number 17852.5")));
}

// A column's type holds for its last row too: what a sample would have guessed is not enough.
TEST_F(DuckDb, LosesNoRowToAnOddValueFarDownTheFile) {
  constexpr int rows_before = 120'000;
  std::string text = "n,m,d,s\n";
  for (int i = 0; i < rows_before; ++i) text += fmt::format("{},{}.25,2024-01-01,{}\n", i, i, i);
  text += "0.5,1e300,later,0012\n";
  const TextRows all = rows({{write("long.csv", text)}, SqlInput::Format::csv});
  ASSERT_EQ(all.size(), rows_before + 1u);
  for (int i = 0; i < rows_before; ++i) {
    ASSERT_EQ(all[i][0], fmt::format("number {}", i));
    ASSERT_EQ(all[i][1], fmt::format("text {}.25", i));
  }
  EXPECT_THAT(all.back(), ElementsAre("number 0.5", "text 1e300", "text later", "text 0012"));
}

TEST_F(DuckDb, ReadsSeveralFilesInTheGivenOrderMatchingColumnsByName) {
  const std::string b = write("2.csv", "x,y\n1,a\n2,b\n");
  const std::string a = write("1.csv", "y,x\nc,3\nd,4\n");
  EXPECT_THAT(rows({{b, a}, SqlInput::Format::csv}, "SELECT x, y FROM input"),
              ElementsAre(ElementsAre("number 1", "text a"), ElementsAre("number 2", "text b"),
                          ElementsAre("number 3", "text c"), ElementsAre("number 4", "text d")));
}

TEST_F(DuckDb, TakesPathsLiterally) {
  write("a1.csv", "x,y\n1,2\n");
  const std::string odd = write("it's [a]*.csv", "x,y\n5,6\n");
  EXPECT_THAT(rows({{odd}, SqlInput::Format::csv}),
              ElementsAre(ElementsAre("number 5", "number 6")));
}

TEST_F(DuckDb, NamesAllColumnsOfTheSelectEvenEqualOnes) {
  const auto cursor = engine_->open({{tiny_csv()}, SqlInput::Format::csv},
                                    "SELECT a AS x, [b] AS x, TIME '01:00:00' FROM input -- done");
  ASSERT_TRUE(cursor) << cursor.error().message;
  EXPECT_EQ((*cursor)->columns()[0], "x");
  EXPECT_EQ((*cursor)->columns()[1], "x");
  EXPECT_EQ((*cursor)->columns().size(), 3u);
}

TEST_F(DuckDb, ReadsNothingButTheInput) {
  const std::string other = write("other.csv", "x\n1\n");
  const SqlInput input{{tiny_csv()}, SqlInput::Format::csv};
  for (const std::string& sql : std::vector<std::string>{
           "SELECT * FROM '" + other + "'", "SELECT * FROM read_text('/etc/hostname')",
           "COPY (SELECT 1) TO '" + path("made.csv") + "'", std::string("SELECT 1; SELECT 2"),
           std::string("DROP VIEW input"), std::string("SELECT nothing FROM input"),
           std::string("EXPLAIN SELECT 1"), std::string("SELECT $1")}) {
    SCOPED_TRACE(sql);
    const auto refused = try_rows(input, sql);
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().reason, "invalid_sql");
  }
  EXPECT_FALSE(std::filesystem::exists(path("made.csv")));
  const auto absent = try_rows({{path("absent.csv")}, SqlInput::Format::csv}, "");
  ASSERT_FALSE(absent);
  EXPECT_EQ(absent.error().code, ErrorCode::not_found);
}

TEST(CellTypes, KeepWhatATextMeans) {
  using namespace duckdb;
  struct Case {
    const char* text;
    const char* type;
  };
  const Case cases[] = {
      {"0", "BIGINT"},
      {"-5", "BIGINT"},
      {"9223372036854775808", "DECIMAL(38,9)"},
      {"007", "VARCHAR"},
      {"+5", "VARCHAR"},
      {"-", "VARCHAR"},
      {"1.50", "DECIMAL(38,9)"},
      {"1.", "VARCHAR"},
      {"0.1234567890", "DECIMAL(38,9)"},
      {"0.1234567891", "VARCHAR"},
      {"1e5", "DECIMAL(38,9)"},
      {"1e", "VARCHAR"},
      {"1 ", "VARCHAR"},
      {"2023-02-29", "VARCHAR"},
      {"2024-02-29", "DATE"},
      {"2024-02-29 10:00", "VARCHAR"},
      {"2024-02-29 10:00:00", "TIMESTAMP"},
      {"2024-02-29T10:00:00.123456", "TIMESTAMP"},
      {"2024-02-29T10:00:00.", "VARCHAR"},
      {"2024-02-29T10:00:00Z", "VARCHAR"},
      {"2024-02-29 24:00:00", "VARCHAR"},
      {"true", "BOOLEAN"},
      {"yes", "VARCHAR"},
      {"", "VARCHAR"},
      {"99999999999999999999999999999", "DECIMAL(38,9)"},
      {"100000000000000000000000000000", "VARCHAR"},
  };
  for (const auto& [text, type] : cases) EXPECT_EQ(sql_type(cell_types(text)), type) << text;
}

// ---------------------------------------------------------------------------- events as a table

struct OwnedValue {
  ValueKind kind;
  std::string text;  // The canonical text, whatever the kind.

  ValueView view() const {
    ValueView out{.kind = kind, .text = text};
    if (kind == ValueKind::number) out.number = parse_decimal(text).value();
    if (kind == ValueKind::boolean) out.boolean = text == "true";
    return out;
  }
};

struct TestEvent {
  std::string user;
  std::string anonymous;
  std::string name;
  TimestampMs time = 0;
  TimestampMs received_at = 0;
  std::string message_id;
  std::string channel;
  std::map<std::string, OwnedValue> properties;

  std::string person() const { return user.empty() ? "anon " + anonymous : user; }
};

class Events : public DuckDb {
 protected:
  Events() { EXPECT_TRUE(sim_.env().files.make_directories("parts")); }

  Snapshot snapshot(const std::vector<std::vector<TestEvent>>& parts) {
    Snapshot out;
    PersonRegistry persons(HashKey{}, 0);
    for (const auto& events : parts) {
      PartBuilder builder(0);
      for (const TestEvent& event : events) {
        std::vector<PropertyView> properties;
        for (const auto& [name, value] : event.properties)
          properties.push_back({name, value.view()});
        builder.add({.user_id = event.user,
                     .anonymous_id = event.anonymous,
                     .name = event.name,
                     .time_ms = event.time,
                     .received_at_ms = event.received_at,
                     .message_id = event.message_id,
                     .channel = event.channel,
                     .properties = properties});
      }
      const std::string file = fmt::format("{}.part", next_part_++);
      EXPECT_TRUE(builder.write(sim_.env(), {.directory = "parts", .file = file, .source = "test"},
                                persons, {}));
      auto part = Part::open(sim_.env(), "parts/" + file, cache_);
      EXPECT_TRUE(part) << (part ? "" : part.error().message);
      out.parts.push_back(*part);
    }
    out.person_end = persons.next();
    return out;
  }

  SimEnv sim_{1};
  PageCache cache_{std::size_t{64} << 20};
  int next_part_ = 0;
};

constexpr TimestampMs start_ms = 1'700'000'000'000;

OwnedValue any_value(Rng& rng, ValueKind kind) {
  switch (kind) {
    case ValueKind::text: return {kind, fmt::format("text of some length {}", rng.between(0, 50))};
    case ValueKind::number:
      return {kind,
              Decimal::normalized(rng.between(-99'999, 99'999), static_cast<int>(rng.between(0, 3)))
                  .to_string()};
    case ValueKind::boolean: return {kind, rng.between(0, 1) == 1 ? "true" : "false"};
    case ValueKind::big_number: return {kind, "12345678901234567890.5"};
    case ValueKind::list: return {kind, "[1,\"a,b\"]"};
    case ValueKind::json: return {kind, "[{\"q\":\"it's\"}]"};
  }
  return {};
}

std::vector<std::vector<TestEvent>> any_parts(Rng& rng, int parts, int events) {
  std::vector<std::vector<TestEvent>> out;
  int id = 0;
  for (int p = 0; p < parts; ++p) {
    auto& part = out.emplace_back();
    for (int i = 0; i < events; ++i) {
      TestEvent event;
      const auto person = rng.between(0, 30);
      if (person < 25) event.user = fmt::format("user number {}", person);
      if (person >= 25) event.anonymous = fmt::format("a{}", person);
      event.name = fmt::format("name {}", rng.between(0, 5));
      event.time = start_ms + rng.between(0, 40) * 500;
      event.received_at = event.time + rng.between(0, 100'000);
      if (rng.between(0, 2) != 0) event.message_id = fmt::format("message-{:08}", id);
      ++id;
      if (rng.between(0, 2) != 0) event.channel = fmt::format("c{}", rng.between(0, 2));
      const auto maybe = [&](const char* name, OwnedValue value) {
        if (rng.between(0, 3) != 0) event.properties[name] = std::move(value);
      };
      maybe("count", {ValueKind::number, std::to_string(rng.between(-1'000, 1'000))});
      maybe("price", any_value(rng, ValueKind::number));
      maybe("ok", any_value(rng, ValueKind::boolean));
      maybe("label", any_value(rng, ValueKind::text));
      maybe("mixed", any_value(rng, static_cast<ValueKind>(rng.between(1, 6))));
      if (p == 1) maybe("later", any_value(rng, ValueKind::list));
      part.push_back(std::move(event));
    }
  }
  return out;
}

std::string property(const TestEvent& event, const std::string& name) {
  const auto at = event.properties.find(name);
  return at == event.properties.end() ? "NULL" : at->second.text;
}

TEST_F(Events, AreWhatWasPutIn) {
  for (std::uint64_t seed = 0; seed < 12; ++seed) {
    SCOPED_TRACE(seed);
    Rng rng(seed);
    const auto parts = any_parts(rng, static_cast<int>(seed % 3) + 1, seed < 9 ? 400 : 5'000);
    const Snapshot all = snapshot(parts);
    TextRows twin;
    for (const auto& part : parts) {
      for (const TestEvent& event : part) {
        const auto or_null = [](const std::string& text) { return text.empty() ? "NULL" : text; };
        twin.push_back({event.user.empty() ? event.anonymous : event.user, event.name,
                        std::to_string(event.time), std::to_string(event.received_at),
                        or_null(event.message_id), or_null(event.channel), property(event, "count"),
                        property(event, "price"), property(event, "ok"), property(event, "label"),
                        property(event, "mixed")});
      }
    }
    TextRows got = query(all,
                         "SELECT person, event, epoch_ms(time), epoch_ms(received_at), message_id, "
                         "channel, \"count\", price, ok, label, mixed FROM events");
    for (TextRow& row : got) {
      if (row[7] != "NULL") row[7] = canonical_number(row[7]);  // DECIMAL prints its whole scale.
    }
    std::ranges::sort(twin);
    std::ranges::sort(got);
    ASSERT_EQ(got, twin);
    EXPECT_THAT(query(all, "SELECT count(*) FROM events"),
                ElementsAre(ElementsAre(std::to_string(twin.size()))));
    EXPECT_THAT(
        query(all, "SELECT count(*), count(mixed) FROM Events e WHERE e.event <> ''"),
        ElementsAre(ElementsAre(std::to_string(twin.size()),
                                std::to_string(std::ranges::count_if(
                                    twin, [](const auto& row) { return row[10] != "NULL"; })))));
  }
}

TestEvent event_with(std::map<std::string, OwnedValue> properties) {
  return {.user = "u",
          .name = "e",
          .time = start_ms,
          .received_at = start_ms,
          .properties = std::move(properties)};
}

TEST_F(Events, HaveTypesDecidedOverAllParts) {
  const Snapshot all = snapshot({{event_with({{"whole", {ValueKind::number, "1"}},
                                              {"fine", {ValueKind::number, "0.000000001"}},
                                              {"money", {ValueKind::number, "1"}},
                                              {"turned", {ValueKind::number, "5"}},
                                              {"flag", {ValueKind::boolean, "true"}},
                                              {"tags", {ValueKind::list, "[1]"}}})},
                                 {event_with({{"whole", {ValueKind::number, "9223372036854775807"}},
                                              {"fine", {ValueKind::number, "9223372036854775807"}},
                                              {"money", {ValueKind::number, "-19.99"}},
                                              {"turned", {ValueKind::text, "five"}}})}});
  const auto result =
      engine_->query(all, *Zone::utc(),
                     "SELECT whole, fine, money, turned, flag, tags, time, person FROM events", {});
  ASSERT_TRUE(result) << result.error().message;
  std::vector<std::string> types;
  std::vector<bool> numbers;
  for (const auto& column : (*result)->columns()) {
    types.push_back(column.type);
    numbers.push_back(column.is_number);
  }
  EXPECT_THAT(types, ElementsAre("BIGINT", "DECIMAL(38,9)", "DECIMAL(18,2)", "VARCHAR", "BOOLEAN",
                                 "VARCHAR", "TIMESTAMP WITH TIME ZONE", "VARCHAR"));
  EXPECT_THAT(numbers, ElementsAre(true, true, true, false, false, false, false, false));
  EXPECT_THAT(query(all, "SELECT whole, fine, money, turned FROM events ORDER BY whole"),
              ElementsAre(ElementsAre("1", "0.000000001", "1.00", "5"),
                          ElementsAre("9223372036854775807", "9223372036854775807.000000000",
                                      "-19.99", "five")));
}

TEST_F(Events, KeepPropertiesWhoseNamesCollideApart) {
  const Snapshot all = snapshot({{event_with({{"Person", {ValueKind::text, "1"}},
                                              {"PRICE", {ValueKind::text, "2"}},
                                              {"price", {ValueKind::text, "3"}},
                                              {"properties.price", {ValueKind::text, "4"}},
                                              {"Price", {ValueKind::text, "5"}},
                                              {"a \"b\"; --", {ValueKind::text, "6"}},
                                              {"select", {ValueKind::text, "7"}}})}});
  const auto result = engine_->query(all, *Zone::utc(), "SELECT * FROM events", {});
  ASSERT_TRUE(result) << result.error().message;
  std::vector<std::string> names;
  for (const auto& column : (*result)->columns()) names.push_back(column.name);
  EXPECT_THAT(names, ElementsAre("person", "event", "time", "received_at", "message_id", "channel",
                                 "PRICE", "properties.Person", "properties.Price", "a \"b\"; --",
                                 "properties.price_2", "properties.properties.price", "select"));
  const auto row = (*result)->next();
  ASSERT_TRUE(row);
  std::vector<std::string> values;
  for (const auto& cell : row->subspan(6)) values.push_back(cell.value_or("NULL"));
  EXPECT_THAT(values, ElementsAre("2", "1", "5", "6", "3", "4", "7"));
}

TEST_F(Events, ShowTimesInTheZoneOfTheQuery) {
  const auto zone = Zone::load(real_env(), "America/New_York");
  if (!zone) GTEST_SKIP() << "no zoneinfo";
  const auto result = engine_->query(snapshot({{event_with({})}}), **zone,
                                     "SELECT time, time::DATE, hour(time) FROM events;", {});
  ASSERT_TRUE(result) << result.error().message;
  const auto row = (*result)->next();
  ASSERT_TRUE(row);
  EXPECT_EQ((*row)[0], "2023-11-14 17:13:20-05");
  EXPECT_EQ((*row)[1], "2023-11-14");
  EXPECT_EQ((*row)[2], "17");
}

TEST_F(Events, AreOfThePersonTheyBelongTo) {
  sim_.set_now_ms(start_ms);
  const auto store = Store::open(sim_.env(), "/data", Store::Access::own).value();
  const auto append = [&](const LogRecord& record) {
    FrameBuilder frame;
    frame.add(encode_record(record));
    ASSERT_TRUE(store->append(frame));
  };
  const auto event = [&](std::string_view user, std::string_view anonymous) {
    append(EventRecord{
        "app", {.user_id = user, .anonymous_id = anonymous, .name = "visit", .time_ms = start_ms}});
  };
  event("", "the phone of somebody");
  event("ann with a long name", "the phone of somebody");
  event("bob with a long name", "");
  event("carol who is to be forgotten", "");
  ASSERT_TRUE(store->flush());
  event("", "the phone of somebody");
  append(LinkRecord{{IdKind::user, "bob with a long name"}, {IdKind::user, "nobody yet"}, 0});
  const auto persons = [&] {
    return query(store->snapshot().value(),
                 "select person, count(*) from events group by 1 order by 1");
  };
  const TextRow ann = {"ann with a long name", "3"};
  const TextRow bob = {"bob with a long name", "1"};
  const TextRow carol = {"carol who is to be forgotten", "1"};
  const TextRows before = {ann, bob, carol};
  EXPECT_EQ(persons(), before);
  append(EraseRecord{{{IdKind::user, "carol who is to be forgotten"}}});
  const TextRows after = {ann, bob};
  EXPECT_EQ(persons(), after);
  ASSERT_TRUE(store->compact(Store::CompactionKind::full));
  EXPECT_EQ(persons(), after);
}

TEST_F(Events, OfAnEmptySnapshotAreATableWithoutRows) {
  EXPECT_THAT(query({}, "SELECT count(*), min(time) FROM events"),
              ElementsAre(ElementsAre("0", "NULL")));
}

TEST_F(Events, AnswerSelectsOfEveryForm) {
  const Snapshot all = snapshot({{event_with({}), event_with({})}});
  for (const char* sql :
       {"FROM events", "WITH e AS (FROM events) SELECT count(*) FROM e; -- the end", "VALUES (1)",
        "EXPLAIN SELECT * FROM events", "DESCRIBE events", "SUMMARIZE events",
        "SELECT 1 AS a, 2 AS a, 'it''s'", "SELECT * FROM events ORDER BY time DESC LIMIT 1"}) {
    SCOPED_TRACE(sql);
    EXPECT_FALSE(query(all, sql).empty());
  }
  EXPECT_THAT(query(all, "SELECT i FROM range(5) t(i) ORDER BY i DESC"),
              ElementsAre(ElementsAre("4"), ElementsAre("3"), ElementsAre("2"), ElementsAre("1"),
                          ElementsAre("0")));
}

TEST_F(Events, AreAllThatSqlCanReach) {
  const Snapshot all = snapshot({{event_with({})}});
  const std::string file = tiny_csv();
  struct Case {
    std::string sql;
    std::string message;
  };
  const Case cases[] = {
      {"COPY (SELECT 1) TO '" + path("x.csv") + "'", "disabled"},
      {"ATTACH '" + path("x.db") + "'", "only SELECT"},
      {"INSTALL httpfs", "only SELECT"},
      {"LOAD icu", "only SELECT"},
      {"SET threads = 1", "only SELECT"},
      {"CREATE TABLE t AS SELECT 1", "only SELECT"},
      {"CALL pragma_version()", "only SELECT"},
      {"BEGIN", "only SELECT"},
      {"SELECT 1; SELECT 2", "one statement"},
      {"", ""},
      {"SELEC 1", "syntax error"},
      {"SELECT nope FROM events", "nope"},
      {"SELECT * FROM read_csv('" + file + "')", "disabled"},
      {"SELECT * FROM '" + file + "'", "disabled"},
      {"SELECT * FROM read_text('/etc/passwd')", "disabled"},
      {"SELECT * FROM glob('/*')", "disabled"},
      {"SELECT * FROM read_parquet('https://example.org/x.parquet')", ""},
      {"EXPLAIN ANALYZE COPY (SELECT 1) TO '" + path("x.csv") + "'", ""},
      {"SELECT ?", "parameters"},
  };
  for (const auto& [sql, message] : cases) {
    SCOPED_TRACE(sql);
    const auto refused = try_query(all, sql);
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().code, ErrorCode::invalid_argument);
    EXPECT_EQ(refused.error().reason, "invalid_sql");
    EXPECT_THAT(refused.error().message, HasSubstr(message));
  }
  EXPECT_FALSE(std::filesystem::exists(path("x.csv")));
  EXPECT_FALSE(std::filesystem::exists(path("x.db")));
}

TEST_F(Events, StopAtTheLimits) {
  const auto error_of = [&](const char* sql, SqlLimits limits) {
    const auto out = try_query({}, sql, limits);
    return out ? std::string("none") : std::string(out.error().reason);
  };
  EXPECT_EQ(error_of("SELECT * FROM range(5)", {.rows = 5}), "none");
  EXPECT_EQ(error_of("SELECT * FROM range(5)", {.rows = 4}), "row_limit");
  EXPECT_EQ(error_of("SELECT * FROM range(5000)", {.rows = 0}), "none");
  const auto start = std::chrono::steady_clock::now();
  EXPECT_EQ(error_of("SELECT sum(a.range * b.range) FROM range(10000000) a, range(10000000) b",
                     {.time_ms = 200}),
            "time_limit");
  EXPECT_LT(std::chrono::steady_clock::now() - start, std::chrono::seconds(10));
  EXPECT_EQ(
      error_of("SELECT count(*) FROM (SELECT DISTINCT md5(range::VARCHAR) FROM range(5000000))",
               {.memory_bytes = std::size_t{32} << 20}),
      "memory_limit");
}

TEST_F(Events, StopWhenInterrupted) {
  std::thread interrupter([this] {
    for (int i = 0; i < 20; ++i) {
      std::this_thread::sleep_for(std::chrono::milliseconds(50));
      engine_->interrupt();
    }
  });
  const auto out =
      try_query({}, "SELECT sum(a.range * b.range) FROM range(10000000) a, range(10000000) b");
  interrupter.join();
  ASSERT_FALSE(out);
  EXPECT_EQ(out.error().code, ErrorCode::cancelled);
}

TEST_F(Events, ReportADamagedPart) {
  const Snapshot all = snapshot({{event_with({{"label", {ValueKind::text, "x"}}})}});
  cache_.clear();
  {
    const auto file = sim_.env().files.open("parts/0.part", OpenMode::update);
    ASSERT_TRUE(file);
    const std::vector<std::byte> zeros(static_cast<std::size_t>(*(*file)->size()) - 64);
    ASSERT_TRUE((*file)->write_at(64, zeros));
  }
  const auto out = try_query(all, "SELECT label, person, time FROM events");
  ASSERT_FALSE(out);
  EXPECT_EQ(out.error().code, ErrorCode::data_loss);
  EXPECT_EQ(out.error().reason, "bad_part");
  EXPECT_THAT(out.error().message, HasSubstr("0.part"));
}

// --------------------------------------------------------------------------------------- export

class Export : public Events {
 protected:
  /// The events of each person in time order, arrival deciding among equal times.
  static std::map<std::string, TextRows> by_person(const std::vector<std::vector<TestEvent>>& parts,
                                                   bool typed) {
    std::map<std::string, std::vector<TestEvent>> grouped;
    for (const auto& part : parts) {
      for (const TestEvent& event : part) grouped[event.person()].push_back(event);
    }
    std::map<std::string, TextRows> out;
    for (auto& [person, events] : grouped) {
      std::ranges::stable_sort(events, {}, &TestEvent::time);
      for (const TestEvent& event : events) {
        const auto shown = [&](const std::string& name, const char* kind) {
          const std::string text = property(event, name);
          return text == "NULL" ? "null" : fmt::format("{} {}", kind, text);
        };
        const auto time = [&](TimestampMs ms) {
          return typed ? fmt::format("instant {}", ms) : "text " + format_rfc3339(ms, *Zone::utc());
        };
        out[person].push_back({"text " + event.name, time(event.time), time(event.received_at),
                               event.message_id.empty() ? "null" : "text " + event.message_id,
                               shown("count", "number"), shown("price", "number"),
                               shown("ok", "boolean"), shown("label", "text"),
                               shown("mixed", "text")});
      }
    }
    return out;
  }

  void expect_round_trip(ExportFormat format, const std::string& file, SqlInput::Format read_as) {
    for (const int parts_count : {1, 2, 3}) {
      SCOPED_TRACE(parts_count);
      Rng rng(static_cast<std::uint64_t>(parts_count));
      const auto parts = any_parts(rng, parts_count, 3'000);
      const auto written = engine_->export_events(snapshot(parts), format, file);
      ASSERT_TRUE(written) << written.error().message;
      EXPECT_EQ(*written, 3'000u * static_cast<unsigned>(parts_count));
      const TextRows got =
          rows({{file}, read_as},
               "SELECT person, event, time, received_at, message_id, \"count\", price, ok, label, "
               "mixed FROM input");
      ASSERT_EQ(got.size(), *written);
      std::map<std::string, TextRows> grouped;
      std::string last;
      for (const TextRow& row : got) {
        std::string person = row[0].substr(5);
        if (person.starts_with('a')) person.insert(0, "anon ");
        ASSERT_TRUE(person == last || !grouped.contains(person)) << "person in two places";
        grouped[person].emplace_back(row.begin() + 1, row.end());
        last = person;
      }
      ASSERT_EQ(grouped, by_person(parts, format == ExportFormat::parquet));
    }
    EXPECT_EQ(std::distance(std::filesystem::directory_iterator(folder_), {}), 1)
        << "a temporary file is left";
  }
};

TEST_F(Export, ToParquetReadsBackEqualInOrder) {
  expect_round_trip(ExportFormat::parquet, path("it's.parquet"), SqlInput::Format::parquet);
}

TEST_F(Export, ToCsvReadsBackEqualInOrder) {
  expect_round_trip(ExportFormat::csv, path("events.csv"), SqlInput::Format::csv);
}

TEST_F(Export, ToCompressedCsvReadsBackEqualInOrder) {
  expect_round_trip(ExportFormat::csv, path("events.csv.gz"), SqlInput::Format::csv);
}

TEST_F(Export, WritesCsvAsRfc4180) {
  TestEvent event = event_with({{"label", {ValueKind::text, "say \"hi\", you"}},
                                {"price", {ValueKind::number, "2.5"}},
                                {"tags", {ValueKind::list, "[1,\"x\"]"}}});
  event.time += 123;
  TestEvent bare =
      event_with({{"price", {ValueKind::number, "17850"}}, {"label", {ValueKind::text, ""}}});
  bare.time += 500;
  const std::string file = path("e.csv");
  ASSERT_TRUE(engine_->export_events(snapshot({{event, bare}}), ExportFormat::csv, file));
  std::ifstream in(file);
  const std::string text{std::istreambuf_iterator<char>(in), {}};
  EXPECT_EQ(text,
            "person,event,time,received_at,message_id,channel,\"label\",price,tags\n"
            "u,e,2023-11-14T22:13:20.123Z,2023-11-14T22:13:20Z,,,\"say \"\"hi\"\", you\",2.5,"
            "\"[1,\"\"x\"\"]\"\n"
            "u,e,2023-11-14T22:13:20.500Z,2023-11-14T22:13:20Z,,,\"\",17850,\n");
}

TEST_F(Export, RefusesWhatIsNoFileName) {
  for (const std::string& target : {std::string(), path(""), path("absent/x.csv")}) {
    const auto refused = engine_->export_events({}, ExportFormat::csv, target);
    ASSERT_FALSE(refused) << target;
    EXPECT_EQ(refused.error().code, ErrorCode::invalid_argument);
    EXPECT_EQ(refused.error().reason, "cannot_write");
  }
}

}  // namespace
}  // namespace hf
