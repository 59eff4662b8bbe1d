// SPDX-License-Identifier: Apache-2.0
//
// The program as a newcomer meets it: the demo, and what each command prints and returns.
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <chrono>
#include <filesystem>
#include <sstream>
#include <thread>

#include "base/json.h"
#include "demo.h"
#include "program.h"

namespace hf {
namespace {

using test::Demo;
using test::Ended;
using test::example;
using test::ScratchDirectory;
using testing::AllOf;
using testing::ContainsRegex;
using testing::HasSubstr;
using testing::Not;
TEST_F(Demo, ShowsTheRetentionOfARealShop) {
  EXPECT_EQ(first_run().code, 0) << first_run().err;
  EXPECT_EQ(first_run().err, "");
  EXPECT_THAT(first_run().out,
              AllOf(HasSubstr("397,884 events of 4,338 new people"), HasSubstr("who buys again"),
                    ContainsRegex("Dec 2010 +885 +324 +37%")));
}

TEST_F(Demo, AgainAddsNothingAndSpeaksChineseToo) {
  const Ended again = run({"--lang", "zh", "demo", "--no-serve", "--example", example});
  EXPECT_EQ(again.code, 0) << again.err;
  EXPECT_THAT(again.out, AllOf(HasSubstr("此前已导入"), HasSubstr("谁会再次购买"),
                               ContainsRegex("885 +324 +37%")));
  EXPECT_THAT(run({"--lang", "en", "demo", "--no-serve", "--example", example}).out,
              HasSubstr("imported before, nothing added"));
  EXPECT_THAT(run({"sql", "--format", "csv", "SELECT count(*) AS n FROM events"}).out,
              "n\n397884\n");
  const Ended list = run({"import", "list"});
  EXPECT_THAT(list.out, HasSubstr("397,884"));
  EXPECT_EQ(std::ranges::count(list.out, '\n'), 2) << list.out;
}

TEST_F(Demo, PipedHasNoEscapeCodesUnlessAskedFor) {
  for (const std::string& out :
       {first_run().out, run({"retention"}).out, run({"trend", "purchase"}).out,
        run({"lifecycle"}).out, run({"stickiness"}).out, run({"stickiness", "--over-time"}).out,
        run({"sql", "SELECT 1 AS a"}).out, run({"import", "list"}).out}) {
    EXPECT_THAT(out, Not(HasSubstr("\x1b")));
    EXPECT_THAT(out, Not(HasSubstr("\r")));
  }
  EXPECT_THAT(run({"--color", "always", "retention"}).out, HasSubstr("\x1b["));
}

TEST_F(Demo, SumsToTheLastDecimal) {
  EXPECT_EQ(run({"sql", "--format", "csv",
                 "SELECT sum(revenue) AS revenue, count(DISTINCT person) AS persons, count(*) AS "
                 "events FROM events"})
                .out,
            "revenue,persons,events\n8911407.904,4338,397884\n");
  const Ended json = run({"sql", "--format", "json", "SELECT sum(revenue) AS revenue FROM events"});
  EXPECT_EQ(json.out, "[\n{\"revenue\":8911407.904}\n]\n");
}

TEST_F(Demo, TellsWhatIsWrongByItsExitCode) {
  struct Case {
    std::vector<std::string> arguments;
    int code;
    std::string_view told;
  };
  const Case cases[] = {
      {{"--help"}, 0, ""},
      {{"import", "--help"}, 0, ""},
      {{"retention", "--nonsense"}, 2, "--nonsense"},
      {{"nonsense"}, 2, ""},
      {{}, 2, ""},
      {{"import"}, 2, "empty_input"},
      {{"import", "/nowhere/at/all.csv"}, 3, "not_found"},
      {{"import", "undo", "99"}, 3, "no_import"},
      {{"import", example + "/online_retail.csv.zst", "--map", "person=Kunde"},
       2,
       "unknown_column"},
      {{"import", example + "/online_retail.csv.zst", "--timezone", "Atlantis"},
       2,
       "unknown_timezone"},
      {{"sql", "SELECT FROM nothing"}, 2, "invalid_sql"},
      {{"retention", "--period", "fortnight"}, 2, ""},
  };
  for (const Case& c : cases) {
    SCOPED_TRACE(testing::PrintToString(c.arguments));
    const Ended ended = run(c.arguments);
    EXPECT_EQ(ended.code, c.code) << ended.out << ended.err;
    EXPECT_THAT(ended.err, HasSubstr(c.told));
  }
  EXPECT_EQ(run({"query", "-"}, "{\"metric\":\"nonsense\"}").code, 2);
  EXPECT_EQ(run({"query", "-"}, "no json").code, 2);
}

TEST(Cli, SaysWhereThereIsNoData) {
  const ScratchDirectory directory;
  for (const std::vector<std::string>& command :
       std::vector<std::vector<std::string>>{{"retention"},
                                             {"trend", "buy"},
                                             {"lifecycle"},
                                             {"stickiness"},
                                             {"sql", "SELECT 1"},
                                             {"import", "list"},
                                             {"export", directory / "x.csv"}}) {
    SCOPED_TRACE(command[0]);
    std::vector<std::string> arguments = {"--data", directory / "none"};
    arguments.insert(arguments.end(), command.begin(), command.end());
    const Ended ended = test::run(directory, arguments);
    EXPECT_EQ(ended.code, 3);
    EXPECT_THAT(ended.err, HasSubstr("(no_data_directory)"));
  }
  EXPECT_FALSE(std::filesystem::exists(directory / "none"));
}

TEST(Cli, DryRunShowsTheMappingAndWritesNothing) {
  const ScratchDirectory directory;
  const std::string file = directory / "a.csv";
  test::write_text(file, "CustomerID,InvoiceDate,Price\n17850.0,2026-01-01 10:00,2.50\n");
  const Ended ended =
      test::run(directory, {"--data", directory / "none", "import", file, "--dry-run"});
  EXPECT_EQ(ended.code, 0) << ended.err;
  EXPECT_THAT(ended.out,
              AllOf(HasSubstr("CustomerID"), HasSubstr("person"), HasSubstr("time, UTC")));
  EXPECT_FALSE(std::filesystem::exists(directory / "none"));
}

TEST(Cli, StrictImportNamesTheRowAndKeepsNothing) {
  const ScratchDirectory directory;
  const std::string file = directory / "a.csv";
  test::write_text(file, "person,event,time\np,e,2026-01-01\nq,,2026-01-02\n");
  const Ended strict =
      test::run(directory, {"--data", directory / "data", "import", file, "--strict"});
  EXPECT_EQ(strict.code, 4);
  EXPECT_THAT(strict.err, HasSubstr("a.csv: line 3: missing_event: no event name (rejected_row)"));
  const Ended lenient = test::run(directory, {"--data", directory / "data", "import", file});
  EXPECT_EQ(lenient.code, 0);
  EXPECT_THAT(lenient.out, AllOf(HasSubstr("1 event of"), HasSubstr("rows rejected: 1\n"),
                                 HasSubstr("/rejects/import-")));
}

TEST(Cli, ExportedEventsImportAgain) {
  const ScratchDirectory directory;
  const std::string file = directory / "a.csv";
  test::write_text(
      file,
      "person,event,time,message_id,value,word\np,e,2026-01-01T00:00:00Z,m1,2.50,\"a,\"\"b\"\"\"\n"
      "q,e,2026-01-02T00:00:00Z,m2,12345678901234567890.5,\n");
  ASSERT_EQ(test::run(directory, {"--data", directory / "one", "import", file}).code, 0);
  ASSERT_EQ(test::run(directory, {"--data", directory / "one", "export", directory / "x.csv"}).code,
            0);
  const Ended again =
      test::run(directory, {"--data", directory / "two", "import", directory / "x.csv"});
  ASSERT_EQ(again.code, 0) << again.err;
  ASSERT_EQ(test::run(directory, {"--data", directory / "two", "export", directory / "y.csv"}).code,
            0);
  EXPECT_EQ(test::text_of(directory / "x.csv"), test::text_of(directory / "y.csv"));
  EXPECT_THAT(test::text_of(directory / "y.csv"), HasSubstr("12345678901234567890.5"));
}

// A line of a gigabyte, most of it a hole in the file.
TEST(Cli, AppendAnswersEachLineAndWhatItTookIsSeenAtOnce) {
  const ScratchDirectory directory;
  const std::string data = directory / "data";
  const Ended first = test::run(
      directory, {"--data", data, "append", "--source", "web"},
      R"({"user_id":"ann","event":"signup","time":"2026-01-31T08:00:00Z","message_id":"1"})"
      "\n\n"
      R"({"type":"track","userId":"ann","event":"buy","timestamp":"2026-02-03","messageId":"1"})"
      "\nno event\n"
      R"({"user_id":"ann","event":"hf:x","time":"2026-02-03"})"
      "\n"
      R"({"anonymous_id":"x","event":"page","time":"2026-01-30","price":12.50})");
  EXPECT_EQ(first.code, 2) << first.err;
  EXPECT_THAT(first.out, testing::MatchesRegex("1 appended\n"
                                               "3 duplicate\n"
                                               "4 rejected invalid_json: [^\n]*\n"
                                               "5 rejected reserved_name: [^\n]*\n"
                                               "6 appended\n"));
  const Ended again = test::run(
      directory, {"--data", data, "append", "--source", "app"},
      R"({"user_id":"ann","anonymous_id":"x","event":"buy","time":"2026-02-01","message_id":"1"})");
  EXPECT_EQ(again.out, "1 appended\n") << "another source";
  const Ended rows = test::run(directory, {"--data", data, "sql", "--format", "csv",
                                           "SELECT event, price FROM events ORDER BY time"});
  EXPECT_EQ(rows.out, "event,price\npage,12.5\nsignup,\nbuy,\n") << rows.err;
  // One person: the visitor turned out to be ann.
  const Ended people = test::run(
      directory, {"--data", data, "trend", "*:unique", "--period", "year", "--format", "csv"});
  EXPECT_THAT(people.out, HasSubstr("2026-01-01,false,any event,1\n")) << people.err;
  EXPECT_EQ(test::run(directory, {"--data", data, "append"}, "").code, 0);
}

TEST(Cli, AppendRefusesALineThatIsTooLongAndGoesOn) {
  const ScratchDirectory directory;
  const std::string data = directory / "data";
  const std::string good = R"({"user_id":"ann","event":"e","time":"2026-01-31"})";
  const std::string input =
      good + "\n" + std::string(64 << 20, 'x') + "\n\x1f\x8b\x08 no gzip\n" + good;
  const Ended ended = test::run(directory, {"--data", data, "append"}, input);
  EXPECT_EQ(ended.code, 2) << ended.err;
  EXPECT_THAT(ended.out, testing::MatchesRegex("1 appended\n"
                                               "2 rejected row_too_long: [^\n]*\n"
                                               "3 rejected [^\n]*\n"
                                               "4 appended\n"));
  // The line costs its megabyte, not its 64.
  const Ended small = test::run(directory, {"--data", directory / "other", "append"}, good);
  EXPECT_LT(ended.memory_kib, small.memory_kib + 16 * 1024);
}

TEST(Cli, SettingsAreKeptAndChecked) {
  const ScratchDirectory directory;
  const std::string data = directory / "data";
  const auto settings = [&](std::vector<std::string> arguments) {
    arguments.insert(arguments.begin(), {"--data", data, "settings"});
    return test::run(directory, arguments);
  };
  EXPECT_EQ(settings({}).code, 3) << "there is no data";
  EXPECT_EQ(settings({"--timezone", "Asia/Shanghai", "--week-start", "sunday"}).code, 0);
  EXPECT_EQ(settings({"--currency", "CNY"}).out,
            "timezone      Asia/Shanghai\ncurrency      CNY\nweek start    sunday\n"
            "keep events   forever\n");
  EXPECT_THAT(settings({"--keep-events", "P24M"}).out, HasSubstr("keep events   P24M\n"));
  EXPECT_THAT(settings({"--keep-events", "forever"}).out, HasSubstr("keep events   forever\n"));
  EXPECT_EQ(settings({"--keep-events", "PT5H"}).code, 2);
  EXPECT_EQ(settings({"--currency", "yuan"}).code, 2);
  EXPECT_EQ(settings({"--timezone", "Asia/Nowhere"}).code, 2);
  EXPECT_EQ(settings({"--week-start", "friday"}).code, 2);
  EXPECT_THAT(settings({"--lang", "zh"}).out, HasSubstr("时区"));
}

TEST(Cli, PersonsAreLinkedAndForgottenAndOldEventsPurged) {
  const ScratchDirectory directory;
  test::write_text(directory / "a.csv",
                   "person,event,time\nann,visit,2026-01-01\nann,buy,2026-01-02\n"
                   "bob,visit,2026-01-03\ncarol,visit,2026-01-04\n");
  const auto holdfast = [&](std::vector<std::string> arguments) {
    arguments.insert(arguments.begin(), {"--data", directory / "data"});
    return test::run(directory, arguments);
  };
  EXPECT_EQ(holdfast({"person", "erase", "ann"}).code, 3);
  EXPECT_FALSE(std::filesystem::exists(directory / "data")) << "made by a command that removes";
  ASSERT_EQ(holdfast({"import", directory / "a.csv"}).code, 0);
  EXPECT_EQ(holdfast({"person", "link", "ann", "bob"}).code, 0);
  EXPECT_EQ(holdfast({"person", "ids", "bob"}).out, "user:ann\nuser:bob\n");
  EXPECT_EQ(holdfast({"person", "unlink", "bob", "ann"}).code, 0);
  EXPECT_EQ(holdfast({"person", "ids", "bob"}).out, "user:bob\n");
  EXPECT_EQ(holdfast({"person", "ids", "dora"}).code, 3);
  EXPECT_EQ(holdfast({"person", "link", "ann", "ann"}).code, 2);
  EXPECT_THAT(holdfast({"person", "erase", "ann", "--now"}).out, HasSubstr("2 events"));
  EXPECT_THAT(holdfast({"--lang", "zh", "person", "erase", "bob"}).out, HasSubstr("1 个事件"));
  EXPECT_EQ(holdfast({"person", "erase", "ann"}).code, 3);
  EXPECT_THAT(holdfast({"purge", "--before", "2026-01-04", "--event", "visit"}).out,
              HasSubstr("0 events"));
  EXPECT_THAT(holdfast({"purge", "--before", "2026-02-01"}).out, HasSubstr("1 events"));
  EXPECT_EQ(holdfast({"purge", "--before", "soon"}).code, 2);
  EXPECT_THAT(holdfast({"compact"}).out, HasSubstr("parts 0 -> 0"));
  EXPECT_EQ(holdfast({"verify"}).code, 0);
}

TEST(Cli, APersonIsShownWithWhatWasSaidOfIt) {
  const ScratchDirectory directory;
  test::write_text(directory / "a.csv",
                   "person,anonymous,event,time,plan,seats\n"
                   "ann,x1,identify,2026-01-01,free,\n,x1,visit,2026-01-02,,\n"
                   "ann,,identify,2026-01-03,\"pro\x1b[2J\",3\nann,,buy,2026-01-04,,\n");
  const auto holdfast = [&](std::vector<std::string> arguments) {
    arguments.insert(arguments.begin(), {"--data", directory / "data"});
    return test::run(directory, arguments);
  };
  ASSERT_EQ(holdfast({"import", directory / "a.csv", "--map", "person=person", "--map",
                      "anonymous_id=anonymous"})
                .code,
            0);
  const std::string table = holdfast({"person", "show", "anonymous:x1"}).out;
  EXPECT_THAT(table, HasSubstr("also anonymous:x1"));
  EXPECT_THAT(table, HasSubstr("first seen 2026-01-02T00:00:00Z\n"));
  EXPECT_THAT(table, HasSubstr("plan   2026-01-03T00:00:00Z  pro [2J\n"));
  EXPECT_THAT(table, HasSubstr("       2026-01-01T00:00:00Z  free\n"));
  const Json card = parse_json(holdfast({"person", "show", "ann", "--format", "json"}).out).value();
  const Json& plan = *card.find("traits")->find("plan");
  ASSERT_EQ(plan.array.size(), 2u);
  EXPECT_EQ(plan.array[1].find("value")->text, "pro\x1b[2J");
  EXPECT_EQ(card.find("traits")->find("seats")->array[0].find("value")->text, "3");
  EXPECT_EQ(card.find("events")->array.size(), 3u);
  EXPECT_EQ(card.find("last_seen")->text, "2026-01-04T00:00:00Z");
  EXPECT_EQ(holdfast({"person", "show", "bob"}).code, 3);
}

TEST(Cli, ALineOfAGigabyteIsRejectedInLittleMemory) {
  const ScratchDirectory directory;
  const std::string file = directory / "a.csv";
  constexpr std::uintmax_t line_bytes = std::uintmax_t{1} << 30;
  test::write_text(file, "person,event,time\np,e,2026-01-01\nq,e,");
  std::filesystem::resize_file(file, line_bytes);
  {
    std::ofstream end(file, std::ios::binary | std::ios::app);
    end << "\nr,e,2026-01-03\n";
  }
  const Ended ended = test::run(directory, {"--data", directory / "data", "import", file});
  ASSERT_EQ(ended.code, 0) << ended.err;
  EXPECT_THAT(ended.out, AllOf(HasSubstr("2 events"), HasSubstr("rows rejected: 1\n")));
  EXPECT_THAT(test::text_of(directory / "data/rejects/import-1.csv"),
              HasSubstr("a.csv,3,33,0,row_too_long,"));
  EXPECT_LT(ended.memory_kib, 400 * 1024);
}

}  // namespace
}  // namespace hf
