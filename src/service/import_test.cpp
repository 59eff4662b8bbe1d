// SPDX-License-Identifier: Apache-2.0
//
// Where each input lands: imported for real, then read back from the parts.
#include "service/import.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/decimal.h"
#include "service/import_world.h"

namespace hf {
namespace {

using test::ImportWorld;
using test::must;
using test::reason_of;
using test::StoredEvent;
using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;

constexpr std::string_view head = "person,event,time,value\n";

std::string csv(std::string_view rows) { return std::string(head) + std::string(rows); }

ImportOptions with(MappingOverrides overrides) { return {.overrides = std::move(overrides)}; }

std::vector<std::string> times(const std::vector<StoredEvent>& events) {
  std::vector<std::string> out;
  for (const StoredEvent& event : events) out.push_back(event.time);
  return out;
}

// Numbers.

TEST(ImportNumbers, SumToTheLastDecimal) {
  ImportWorld world;
  std::string text = "person,event,time,revenue\n";
  std::int64_t sum = 0;  // x 10^-9
  for (std::int64_t i = 0; i < 1'000; ++i) {
    const std::int64_t units = 123'456'789 + i * 1'000'000'007;
    sum += units;
    text += fmt::format("p{},buy,2026-01-01,{}.{:09}\n", i % 7, units / 1'000'000'000,
                        units % 1'000'000'000);
  }
  must(world.import_text("a.csv", text));
  DecimalSum total;
  const Snapshot snapshot = must(world.store().snapshot());
  ASSERT_THAT(snapshot.parts, SizeIs(1));
  const Part& part = *snapshot.parts[0];
  const auto columns = part.find_property("revenue");
  ASSERT_THAT(columns, SizeIs(1));
  for (std::uint32_t page = 0; page < part.page_count(); ++page) {
    const auto numbers = must(part.numbers(columns[0], page));
    for (std::uint32_t i = 0; i < part.rows_in_page(page); ++i) {
      if (numbers->has(i)) total.add(numbers->at(i));
    }
  }
  EXPECT_EQ(total.to_string(), Decimal::normalized(sum, 9).to_string());
}

TEST(ImportNumbers, LandExactlyWhateverTheirSize) {
  // Written so in a column of numbers; kept as.
  const std::pair<std::string_view, std::string_view> cases[] = {
      {"2.12345", "number 2.12345"},
      {"0.123456789", "number 0.123456789"},
      {"17850.0", "number 17850"},
      {"-0", "number 0"},
      {"+3.50", "number 3.5"},
      {".5", "number 0.5"},
      {" 8 ", "number 8"},
      {"1e3", "number 1000"},
      {"9223372036854775807", "number 9223372036854775807"},
      {"9223372036854775808", "big_number 9223372036854775808"},
      {"0.1234567891", "big_number 0.1234567891"},
      {"12345678901234567890.5", "big_number 12345678901234567890.5"},
      {"1e300", "big_number 1e300"},
      {"-1e-300", "big_number -1e-300"},
      {"007", "text 007"},
      {"-01", "text -01"},
      {"0x10", "text 0x10"},
      {"1,5", "text 1,5"},
      {"NaN", "text NaN"},
      {"n/a", "text n/a"},
  };
  ImportWorld world;
  std::string text(head);
  std::vector<std::string> expected;
  std::uint64_t big = 0;
  std::uint64_t texts = 0;
  for (const auto& [cell, stored] : cases) {
    text += fmt::format("p,e,2026-01-01,\"{}\"\n", cell);
    expected.emplace_back(stored);
    big += stored.starts_with("big_number") ? 1 : 0;
    texts += stored.starts_with("text") ? 1 : 0;
  }
  const auto outcome = must(world.import_text("a.csv", text, with({.types = {"value=number"}})));
  EXPECT_EQ(world.values("value"), expected);
  EXPECT_EQ(outcome.counts.big_numbers, big);
  EXPECT_EQ(outcome.cells_kept_as_text, texts);
  EXPECT_EQ(outcome.counts.rejected, 0u);
}

TEST(ImportNumbers, OfAColumnWithANameAmongThemAreAllTexts) {
  ImportWorld world;
  must(world.import_text("a.csv", csv("p,e,2026-01-01,1\np,e,2026-01-01,007\n")));
  EXPECT_THAT(world.values("value"), ElementsAre("text 1", "text 007"));
}

TEST(ImportNumbers, BeyondTheSampleMayBeTextAndAreCounted) {
  ImportWorld world;
  std::string text(head);
  for (int i = 0; i < 20'000; ++i) text += "p,e,2026-01-01,1\n";
  text += "p,e,2026-01-02,many\n";
  const auto outcome = must(world.import_text("a.csv", text));
  EXPECT_EQ(outcome.cells_kept_as_text, 1u);
  EXPECT_EQ(world.values("value").back(), "text many");
}

TEST(ImportNumbers, AsPersonIdsLoseTheFractionOfASpreadsheet) {
  ImportWorld world;
  must(world.import_text("a.csv",
                         "CustomerID,event,time,copy\n17850.0,e,2026-01-01,17850.0\n"
                         "12.00,e,2026-01-01,1\n9,e,2026-01-01,1\n"));
  std::vector<std::string> ids;
  for (const StoredEvent& event : world.events()) ids.push_back(event.user_id);
  EXPECT_THAT(ids, ElementsAre("17850", "12", "9"));
  EXPECT_EQ(world.values("copy")[0], "number 17850");
}

TEST(ImportNumbers, AsPersonIdsStayWhatTheyAreAmongNames) {
  ImportWorld world;
  must(world.import_text("a.csv", "person,event,time\n17850.0,e,2026-01-01\nanna,e,2026-01-01\n"));
  EXPECT_EQ(world.events()[0].user_id, "17850.0");
}

// Texts, booleans, nothing.

TEST(ImportCells, EmptyAreMissingAndQuotedEmptyAreEmptyTexts) {
  ImportWorld world;
  must(world.import_text("a.csv",
                         "person,event,time,word,count\np,e,2026-01-01,,\n"
                         "p,e,2026-01-01,\"\",\"\"\np,e,2026-01-01,a,1\n"));
  EXPECT_THAT(world.values("word"), ElementsAre("-", "text ", "text a"));
  EXPECT_THAT(world.values("count"), ElementsAre("-", "-", "number 1"));
}

TEST(ImportCells, OfBooleanColumnsAreBooleansOrText) {
  ImportWorld world;
  const auto outcome = must(world.import_text(
      "a.csv", csv("p,e,2026-01-01,true\np,e,2026-01-01,False\np,e,2026-01-01,yes\n"),
      with({.types = {"value=boolean"}})));
  EXPECT_THAT(world.values("value"), ElementsAre("boolean true", "boolean false", "text yes"));
  EXPECT_EQ(outcome.cells_kept_as_text, 1u);
}

TEST(ImportCells, KeepQuotesDelimitersAndNewlinesInside) {
  ImportWorld world;
  must(world.import_text("a.csv", csv("p,e,2026-01-01,\"say \"\"hi\"\", you\"\n"
                                      "p,e,2026-01-02,\"two\r\nlines\"\n")));
  EXPECT_THAT(world.values("value"), ElementsAre("text say \"hi\", you", "text two\r\nlines"));
}

TEST(ImportLines, EndAsTheyMayAndBeginWithAMark) {
  for (const std::string_view end : {"\n", "\r\n", "\r"}) {
    for (const std::string_view mark : {"", "\xef\xbb\xbf"}) {
      SCOPED_TRACE(testing::Message() << end.size() << mark.size());
      ImportWorld world;
      const std::string text =
          fmt::format("{0}person,event,time{1}p,e,2026-01-01{1}q,e,2026-01-02{1}", mark, end);
      const auto outcome = must(world.import_text("a.csv", text));
      EXPECT_EQ(outcome.counts.events, 2u);
      EXPECT_EQ(outcome.counts.rejected, 0u);
      EXPECT_EQ(world.events()[1].user_id, "q");
    }
  }
}

TEST(ImportLines, OfFiveMegabytesAreRejectedAndTheirNeighboursKept) {
  ImportWorld world;
  const auto outcome =
      must(world.import_text("a.csv", csv("p,e,2026-01-01,1\np,e,2026-01-02," +
                                          std::string(5 << 20, 'x') + "\np,e,2026-01-03,3\n")));
  EXPECT_EQ(outcome.counts.events, 2u);
  EXPECT_THAT(world.rejected(), ElementsAre("3 row_too_long"));
  EXPECT_THAT(times(world.events()), ElementsAre("2026-01-01T00:00:00Z", "2026-01-03T00:00:00Z"));
}

TEST(ImportRows, WithInvalidUtf8AreRejectedWithTheirColumn) {
  ImportWorld world;
  const auto outcome = must(world.import_text(
      "a.csv", csv("p,e,2026-01-01,1\np,e,2026-01-02,caf\xe9\np,e,2026-01-03,3\n")));
  EXPECT_EQ(outcome.counts.events, 2u);
  EXPECT_THAT(world.rejected(), ElementsAre("3 invalid_utf8"));
  EXPECT_THAT(world.rejects(), HasSubstr("a.csv,3,41,4,invalid_utf8,"));
}

TEST(ImportRows, WithTheWrongNumberOfFieldsAreRejected) {
  ImportWorld world;
  must(world.import_text("a.csv", csv("p,e,2026-01-01\np,e,2026-01-02,2\np,e,2026-01-03,3,4\n")));
  EXPECT_THAT(world.rejected(), ElementsAre("2 wrong_field_count", "4 wrong_field_count"));
  EXPECT_THAT(world.events(), SizeIs(1));
}

TEST(ImportRows, WithAnOpenQuoteSpoilOnlyThemselves) {
  ImportWorld world;
  must(world.import_text("a.csv",
                         csv("p,e,2026-01-01,1\np,e,2026-01-02,\"open\np,e,2026-01-03,3\n")));
  EXPECT_THAT(world.rejected(), ElementsAre("3 open_quote"));
  EXPECT_THAT(times(world.events()), ElementsAre("2026-01-01T00:00:00Z", "2026-01-03T00:00:00Z"));
}

TEST(ImportRows, WithoutPersonEventOrTimeAreRejected) {
  ImportWorld world;
  must(world.import_text("a.csv",
                         csv(",e,2026-01-01,1\np,,2026-01-01,2\np,e,,3\np,e,2026-01-01,4\n")));
  EXPECT_THAT(world.rejected(),
              ElementsAre("2 missing_person", "3 missing_event", "4 missing_time"));
  EXPECT_THAT(world.events(), SizeIs(1));
}

TEST(ImportRows, MayNotNameEventsOfOurOwn) {
  ImportWorld world;
  must(world.import_text("a.csv", csv("p,hf:sent,2026-01-01,1\np,e,2026-01-01,2\n")));
  EXPECT_THAT(world.rejected(), ElementsAre("2 reserved_name"));
}

TEST(ImportRows, BeyondTheLimitsOfAnEventAreRejectedWithTheirReasons) {
  struct Case {
    std::string_view what;
    std::string text;
    std::string_view rejected;
  };
  std::string many_head = "person,event,time";
  std::string many_row = "p,e,2026-01-01";
  std::string most_row = "p,e,2026-01-01";
  for (int i = 0; i < 256; ++i) {
    many_head += fmt::format(",c{}", i);
    many_row += ",1";
    most_row += i == 0 ? "," : ",1";
  }
  const std::string id(256, 'i');
  const Case cases[] = {
      {"256 properties", many_head + "\n" + many_row + "\n", "2 too_many_properties"},
      {"255 of 256 columns", many_head + "\n" + most_row + "\n", ""},
      {"long property name", "person,event,time," + id + "\np,e,2026-01-01,1\n", "2 name_too_long"},
      {"long event name", csv("p," + id + ",2026-01-01,1\n"), "2 name_too_long"},
      {"long person id", csv(id + ",e,2026-01-01,1\n"), "2 id_too_long"},
      {"large event", csv("p,e,2026-01-01," + std::string(32 * 1024, 'x') + "\n"),
       "2 event_too_large"},
  };
  for (const Case& c : cases) {
    SCOPED_TRACE(c.what);
    ImportWorld world;
    const auto outcome = must(world.import_text("a.csv", c.text));
    if (c.rejected.empty()) {
      EXPECT_EQ(outcome.counts.events, 1u);
    } else {
      EXPECT_THAT(world.rejected(), ElementsAre(c.rejected));
      EXPECT_EQ(outcome.counts.events, 0u);
    }
  }
}

// Times.

TEST(ImportTimes, OutsideOurYearsAreRejected) {
  ImportWorld world;
  must(world.import_text("a.csv", csv("p,e,9999-12-31,1\np,e,1969-12-31T23:59:59Z,2\n"
                                      "p,e,1970-01-01T00:00:00Z,3\np,e,2101-01-01,4\n")));
  EXPECT_THAT(world.rejected(),
              ElementsAre("2 time_out_of_range", "3 time_out_of_range", "5 time_out_of_range"));
  EXPECT_THAT(times(world.events()), ElementsAre("1970-01-01T00:00:00Z"));
}

TEST(ImportTimes, ThatAreNoneAreRejectedWithTheirColumn) {
  ImportWorld world;
  must(world.import_text("a.csv", csv("p,e,soon,1\np,e,2026-01-01,2\n"),
                         with({.time_format = "iso"})));
  EXPECT_THAT(world.rejects(), HasSubstr("a.csv,2,24,3,invalid_time,"));
  EXPECT_THAT(world.events(), SizeIs(1));
}

TEST(ImportTimes, MoreThanADayAheadBecomeTheTimeReceivedAndAreKept) {
  ImportWorld world;  // Its clock stands at 2026-06-01T00:00:00Z.
  const auto outcome = must(world.import_text(
      "a.csv",
      "person,event,time,received_at\n"
      "a,e,2026-06-02T00:00:00Z,\n"      // 24 h ahead of the import: just not too much.
      "b,e,2026-06-02T00:00:00.001Z,\n"  // A millisecond more.
      "c,e,2020-01-03T00:00:00Z,2020-01-01T00:00:00Z\n"));
  EXPECT_EQ(outcome.counts.times_ahead, 2u);
  const auto events = world.events();
  ASSERT_THAT(events, SizeIs(3));
  EXPECT_EQ(events[0].time, "2026-06-02T00:00:00Z");
  EXPECT_EQ(events[0].raw_time, "");
  EXPECT_EQ(events[1].time, "2026-06-01T00:00:00Z");
  EXPECT_EQ(events[1].raw_time, "2026-06-02T00:00:00.001Z");
  EXPECT_EQ(events[2].time, "2020-01-01T00:00:00Z");
  EXPECT_EQ(events[2].raw_time, "2020-01-03T00:00:00Z");
  EXPECT_EQ(events[2].received_at, "2020-01-01T00:00:00Z");
}

TEST(ImportTimes, WithoutOffsetAreLocalToTheGivenZoneAlsoWhenClocksChange) {
  ImportWorld world;
  world.install_zone("Europe/London");
  must(world.import_text("a.csv",
                         csv("p,e,2020-01-01 12:00,winter\np,e,2020-03-29 01:30,gap\n"
                             "p,e,2020-07-01 12:00,summer\np,e,2020-10-25 01:30,overlap\n"
                             "p,e,2020-11-01T12:00:00+02:00,offset\n"),
                         with({.timezone = "Europe/London"})));
  EXPECT_THAT(times(world.events()),
              ElementsAre("2020-01-01T12:00:00Z", "2020-03-29T01:30:00Z", "2020-07-01T11:00:00Z",
                          "2020-10-25T00:30:00Z", "2020-11-01T10:00:00Z"));
  EXPECT_EQ(world.store().settings().timezone, "Europe/London");
}

// Files that are wrong as a whole.

TEST(ImportFiles, WithoutAnythingAreRefused) {
  ImportWorld world;
  for (const std::string_view name : {"a.csv", "a.json", "a.tsv", "a"}) {
    SCOPED_TRACE(name);
    EXPECT_EQ(reason_of(world.import_text(std::string(name), "")), "empty_input");
  }
  EXPECT_EQ(reason_of(world.import({.files = {}})), "empty_input");
  EXPECT_EQ(reason_of(world.import({.files = {"/in/none.csv"}})), "not_found");
}

TEST(ImportFiles, WithOnlyAHeaderGiveNoEvents) {
  ImportWorld world;
  const auto outcome = must(world.import_text("a.csv", head));
  EXPECT_EQ(outcome.counts.events, 0u);
  EXPECT_FALSE(outcome.nothing_new);
  EXPECT_THAT(world.events(), IsEmpty());
}

TEST(ImportFiles, WithoutTheMappedColumnAreRefusedNamingThoseThereAre) {
  ImportWorld world;
  const auto outcome =
      world.import_text("a.csv", csv("p,e,2026-01-01,1\n"), with({.maps = {"person=Customer"}}));
  ASSERT_EQ(reason_of(outcome), "unknown_column");
  EXPECT_THAT(outcome.error().message,
              AllOf(HasSubstr("\"Customer\""), HasSubstr("person, event, time, value")));
}

TEST(ImportFiles, WithOneNameTwiceAreRefused) {
  ImportWorld world;
  const auto outcome = world.import_text("a.csv", "person,event,time,a,a\np,e,2026-01-01,1,2\n");
  ASSERT_EQ(reason_of(outcome), "bad_header");
  EXPECT_THAT(outcome.error().message, HasSubstr("\"a\""));
}

TEST(ImportFiles, OfOneImportMustHaveTheSameColumnsAndAreRefusedBeforeAnythingIsWritten) {
  ImportWorld world;
  const std::string a = world.put("a.csv", csv("p,e,2026-01-01,1\n"));
  const std::string b = world.put("b.csv", "person,event,time,other\np,e,2026-01-01,1\n");
  const auto outcome = world.import({.files = {a, b}});
  ASSERT_EQ(reason_of(outcome), "other_columns");
  EXPECT_THAT(outcome.error().message, HasSubstr("b.csv"));
  EXPECT_THAT(world.store().manifest().imports, IsEmpty());
}

TEST(ImportFiles, WithAPropertyNamedTwiceByTheMappingAreRefused) {
  ImportWorld world;
  const auto outcome =
      world.import_text("a.csv", "person,event,time,revenue,Amount\np,e,2026-01-01,1,2\n",
                        with({.maps = {"revenue=Amount"}}));
  EXPECT_EQ(reason_of(outcome), "duplicate_property");
}

// Shapes of files.

TEST(ImportShapes, TabsSemicolonsAndPipesAreRecognised) {
  for (const char delimiter : {'\t', ';', '|'}) {
    SCOPED_TRACE(delimiter);
    ImportWorld world;
    std::string text = csv("p,e,2026-01-01,a b\n");
    std::ranges::replace(text, ',', delimiter);
    must(world.import_text("a.txt", text));
    EXPECT_THAT(world.values("value"), ElementsAre("text a b"));
  }
}

TEST(ImportShapes, WithoutHeaderAreMappedByColumnNumber) {
  ImportWorld world;
  ImportOptions options =
      with({.maps = {"person=column1", "event==seen", "time=column2", "size=column3"}});
  options.dialect = CsvDialect{.header = false};
  const auto outcome =
      must(world.import_text("a.csv", "p,2026-01-01,5\nq,2026-01-02,6\n", options));
  EXPECT_EQ(outcome.counts.events, 2u);
  EXPECT_THAT(world.values("size"), ElementsAre("number 5", "number 6"));
  EXPECT_EQ(world.events()[0].name, "seen");
}

TEST(ImportShapes, CompressedFilesReadAsWhatTheyHold) {
  const std::string plain = csv("p,e,2026-01-01,1\nq,e,2026-01-02,2\n");
  for (const auto& [name, bytes] : {std::pair("a.csv.gz", test::gzipped(plain)),
                                    std::pair("a.csv.zst", test::zstd_compressed(plain)),
                                    std::pair("a", test::zstd_compressed(plain))}) {
    SCOPED_TRACE(name);
    ImportWorld world;
    EXPECT_EQ(must(world.import_text(name, bytes)).counts.events, 2u);
    EXPECT_THAT(world.values("value"), ElementsAre("number 1", "number 2"));
  }
}

TEST(ImportShapes, DamagedCompressedFilesFailAndShowNothing) {
  ImportWorld world;
  std::string text(head);
  for (int i = 0; i < 50'000; ++i)
    text += fmt::format("p{},e,2026-01-01,{}\n", i, i * 7919 % 100'003);
  std::string bytes = test::gzipped(text);
  bytes.resize(bytes.size() - 100);
  const std::string path = world.put("a.csv.gz", bytes);
  EXPECT_EQ(reason_of(world.import({.files = {path}}, 1'000)), "damaged_file");
  EXPECT_THAT(world.events(), IsEmpty());
}

// JSON lines.

TEST(ImportJson, ReadsWholeSegmentCalls) {
  ImportWorld world;
  const auto outcome = must(world.import_text("calls.jsonl", R"json(
{"type":"track","userId":"u1","event":"Order Completed","timestamp":"2023-01-01T00:00:00Z","receivedAt":"2023-01-01T00:00:01Z","messageId":"m1","properties":{"revenue":19.99,"items":[1,2],"cart":{"id":"c"},"lines":[{"sku":1}],"none":null,"gift":true},"context":{"page":{"url":"/x"},"ip":"1.2.3.4","channel":"web"}}
{"type":"identify","userId":"u1","timestamp":"2023-01-02T00:00:00Z","traits":{"plan":"pro"}}
{"type":"page","anonymousId":"a1","timestamp":"2023-01-03T00:00:00Z","name":"Home","category":"docs","properties":{"title":"T"}}
{"type":"screen","anonymousId":"a1","timestamp":"2023-01-04T00:00:00Z","name":"Start"}
{"type":"group","userId":"u1","timestamp":"2023-01-05T00:00:00Z","groupId":"g9","traits":{"size":3}}
{"type":"alias","userId":"u1","previousId":"a1","timestamp":"2023-01-06T00:00:00Z"}
)json"));
  EXPECT_EQ(outcome.counts.events, 6u);
  std::vector<std::string> lines;
  for (StoredEvent event : world.events()) {
    event.received_at.clear();
    lines.push_back(event.text());
  }
  EXPECT_THAT(
      lines,
      ElementsAre("#0 u1| Order Completed at 2023-01-01T00:00:00Z received  raw  id m1 by web"
                  " cart.id=text c context.page.url=text /x gift=boolean true items=list [1,2]"
                  " lines=json [{\"sku\":1}] revenue=number 19.99",
                  "#0 u1| identify at 2023-01-02T00:00:00Z received  raw  id  by  plan=text pro",
                  "#0 u1| group at 2023-01-05T00:00:00Z received  raw  id  by  group_id=text g9"
                  " size=number 3",
                  "#0 u1| alias at 2023-01-06T00:00:00Z received  raw  id  by  previous_id=text a1",
                  "#1 |a1 page at 2023-01-03T00:00:00Z received  raw  id  by  category=text docs"
                  " name=text Home title=text T",
                  "#1 |a1 screen at 2023-01-04T00:00:00Z received  raw  id  by  name=text Start"));
  EXPECT_EQ(world.events()[0].received_at, "2023-01-01T00:00:01Z");
}

TEST(ImportJson, MapsFlatObjectsAndFlattensNestedOnes) {
  ImportWorld world;
  must(world.import_text(
      "a.jsonl",
      "{\"who\":17850.0,\"what\":\"buy\",\"when\":1672531200,\"price\":0.10,"
      "\"n\":12345678901234567890.5,\"in\":{\"a\":{\"b\":1},\"c\":null},\"t\":[\"x\"]}\n"
      "{\"who\":\"q\",\"what\":\"buy\",\"when\":1672531201,\"late\":\"only here\"}\n",
      with({.maps = {"person=who", "event=what", "time=when", "cost=price"}})));
  const auto events = world.events();
  ASSERT_THAT(events, SizeIs(2));
  EXPECT_EQ(events[0].user_id, "17850");
  EXPECT_EQ(events[0].time, "2023-01-01T00:00:00Z");
  EXPECT_THAT(events[0].properties,
              ElementsAre(std::pair("cost", "number 0.1"), std::pair("in.a.b", "number 1"),
                          std::pair("n", "big_number 12345678901234567890.5"),
                          std::pair("t", "list [\"x\"]")));
  EXPECT_THAT(events[1].properties, ElementsAre(std::pair("late", "text only here")));
}

TEST(ImportJson, RejectsBadLinesWithTheirByteColumn) {
  ImportWorld world;
  must(world.import_text("a.jsonl",
                         "{\"person\":\"p\",\"event\":\"e\",\"time\":\"2023-01-01\"}\n"
                         "{\"person\":\"p\",}\n"
                         "{\"person\":\"p\",\"event\":\"e\",\"time\":\"2023-01-03\"}\n"));
  EXPECT_THAT(world.rejected(), ElementsAre("2 invalid_json"));
  EXPECT_THAT(world.rejects(), HasSubstr("a.jsonl,2,47,15,invalid_json,"));
  EXPECT_THAT(world.events(), SizeIs(2));
}

TEST(ImportJson, RejectsRowsThatBringAPropertyUnderBothItsNames) {
  ImportWorld world;
  must(world.import_text(
      "a.jsonl",
      "{\"person\":\"p\",\"event\":\"e\",\"time\":\"2023-01-01\",\"Amount\":1}\n"
      "{\"person\":\"p\",\"event\":\"e\",\"time\":\"2023-01-02\",\"revenue\":2}\n"
      "{\"person\":\"p\",\"event\":\"e\",\"time\":\"2023-01-03\",\"revenue\":3,\"Amount\":4}\n",
      with({.maps = {"revenue=Amount", "ignore=x"}})));
  EXPECT_THAT(world.values("revenue"), ElementsAre("number 1", "number 2"));
  EXPECT_THAT(world.rejected(), ElementsAre("3 duplicate_key"));
}

}  // namespace
}  // namespace hf
