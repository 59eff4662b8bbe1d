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
#include "cli/doctor_screen.h"
#include "cli/lifecycle_screen.h"
#include "cli/plan_screen.h"
#include "cli/stickiness_screen.h"
#include "cli/table_output.h"
#include "program.h"

namespace hf {
namespace {

using test::Ended;
using test::ScratchDirectory;
using testing::AllOf;
using testing::ContainsRegex;
using testing::HasSubstr;
using testing::Not;

const std::string example = std::string(HOLDFAST_SOURCE_DIR) + "/examples/online_retail";

/// The demo's data directory, made once for all tests that only read it.
class Demo : public testing::Test {
 protected:
  static void SetUpTestSuite() {
    directory_ = new ScratchDirectory;
    first_run_ = new Ended(test::run(*directory_, {"--data", *directory_ / "data", "--lang", "en",
                                                   "demo", "--no-serve", "--example", example}));
  }
  static void TearDownTestSuite() {
    delete first_run_;
    delete directory_;
  }

  static Ended run(std::vector<std::string> arguments, std::string_view input = {}) {
    arguments.insert(arguments.begin(), {"--data", *directory_ / "data"});
    return test::run(*directory_, std::move(arguments), input);
  }
  static const Ended& first_run() { return *first_run_; }

 private:
  static inline ScratchDirectory* directory_ = nullptr;
  static inline Ended* first_run_ = nullptr;
};

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

TEST_F(Demo, AnswersAQueryInJsonAndCsv) {
  constexpr std::string_view query =
      R"({"metric":"retention","start":{"event":"purchase"},"return":{"event":"purchase"},)"
      R"("entry":"first_time","period":"month"})";
  const Ended json = run({"query", "-"}, query);
  ASSERT_EQ(json.code, 0) << json.err;
  const auto answer = parse_json(json.out);
  ASSERT_TRUE(answer.has_value()) << json.out;
  EXPECT_THAT(json.out, HasSubstr(R"({"start":"2010-12-01","size":885,"cells":[)"
                                  R"({"count":885,"eligible":885,"complete":true},)"
                                  R"({"count":324,"eligible":885,"complete":true})"));
  EXPECT_THAT(
      run({"query", "-", "--format", "csv"}, query).out,
      testing::StartsWith("cohort,size,column,count,eligible,complete\n"
                          "2010-12-01,885,0,885,885,true\n2010-12-01,885,1,324,885,true\n"));
  EXPECT_THAT(
      run({"retention", "--period", "month", "--entry", "first_time", "--format", "csv"}).out,
      testing::StartsWith(
          "cohort,size,column,count,eligible,complete\n2010-12-01,885,0,885,885,true\n"));
}

TEST_F(Demo, ShowsWhoIsNewStaysComesBackAndGoes) {
  const Ended table = run({"--lang", "en", "lifecycle", "--period", "month"});
  EXPECT_EQ(table.code, 0) << table.err;
  EXPECT_THAT(
      table.out,
      AllOf(HasSubstr("Lifecycle: any event"),
            ContainsRegex("Nov 2011 +323 +622 +719 +-742 +1,664 +1.40 +(░)+│(█)+(▒)+(▓)+\n"),
            ContainsRegex("Dec 2011~ +41 +371 +203 +-1,293 +615 +0.19 +│(█)+(▒)+(▓)+\n"),
            HasSubstr("300 more than in the month before; quick ratio 1.40."),
            HasSubstr("39.4% return in the next"), HasSubstr("The data end on 9 Dec 2011")));
  EXPECT_THAT(run({"--lang", "zh", "lifecycle", "--period", "month"}).out,
              AllOf(HasSubstr("生命周期：任意事件"), HasSubstr("比上一期多 300 人"),
                    HasSubstr("标有 ~ 的周期里")));
  EXPECT_THAT(run({"lifecycle", "--period", "month", "--format", "csv"}).out,
              testing::StartsWith("start,complete,new,returning,resurrecting,dormant,active\n"
                                  "2010-12-01,true,885,0,0,0,885\n"
                                  "2011-01-01,true,417,324,0,-561,741\n"));
  const Ended query = run({"lifecycle", "--period", "month", "--by", "country", "--top", "1",
                           "--event", "purchase", "--show-query"});
  const Ended csv = run({"query", "-", "--format", "csv"}, query.out);
  EXPECT_THAT(csv.out,
              AllOf(testing::StartsWith("bucket,start,complete,new,returning,resurrecting,dormant,"
                                        "active\nUnited Kingdom,2010-12-01,true,815,0,0,0,815\n"),
                    HasSubstr("\n(other),2010-12-01,true,71,"),
                    HasSubstr("\n(all),2011-12-01,false,41,371,203,-1293,615\n")));
}

TEST_F(Demo, ShowsHowOftenPeopleAreActive) {
  const Ended table = run({"--lang", "en", "stickiness", "--period", "month"});
  EXPECT_EQ(table.code, 0) << table.err;
  EXPECT_THAT(table.out, AllOf(ContainsRegex(" 1 +1,634 +37.7% +█+"),
                               ContainsRegex("13 +44 +1.0% +█"), HasSubstr("3.0 of 13 months")));
  const std::string by_day = run({"--lang", "en", "stickiness"}).out;
  EXPECT_THAT(by_day, AllOf(HasSubstr(" 11-20 "), HasSubstr("131-132 "), HasSubstr(" <0.1%")));
  EXPECT_THAT(run({"--lang", "zh", "stickiness", "--period", "month", "--cumulative"}).out,
              AllOf(HasSubstr("活跃月数"), ContainsRegex("1\\+ +4,338 +100.0%")));
  const Ended days = run({"--lang", "en", "stickiness", "--over-time"});
  EXPECT_THAT(days.out, AllOf(ContainsRegex("1 Dec 2010 +95 +95 +95 +100.0%\n"),
                              ContainsRegex("9 Dec 2011~ +35 +464 +1,628 +2.1% +█"),
                              HasSubstr("Without a bar: the first 29 days")));
  EXPECT_THAT(run({"stickiness", "--period", "month", "--format", "csv"}).out,
              testing::StartsWith("active_periods,count\n1,1634\n2,917\n"));
  EXPECT_THAT(
      run({"stickiness", "--over-time", "--format", "csv"}).out,
      testing::StartsWith(
          "start,complete,dau,wau,mau,l7_days,l7_persons,l28_days,l28_persons\n"
          "2010-12-01,true,95,95,95,95,95,95,95\n2010-12-02,true,99,188,188,194,188,194,188\n"));
  EXPECT_EQ(run({"stickiness", "--over-time", "--period", "week"}).code, 2);
  EXPECT_EQ(run({"stickiness", "--at-least", "0"}).code, 2);
  EXPECT_THAT(run({"stickiness", "--at-least", "3", "--show-query"}).out,
              HasSubstr(R"("per_interval":{"gte":3})"));
}

TEST_F(Demo, TellsHowAQuestionWasAnswered) {
  constexpr std::string_view query = R"({"metric":"lifecycle","period":"month"})";
  EXPECT_THAT(run({"--lang", "en", "query", "-", "--explain"}, query).out,
              AllOf(ContainsRegex("any event +days of activity, no event read +1 +0\n"),
                    ContainsRegex("answered in [0-9.]+ ms by [0-9]+ thread"),
                    ContainsRegex("kept: [1-9][0-9]* of 512 MiB")));
  EXPECT_THAT(run({"--lang", "en", "--memory", "7", "query", "-", "--explain"}, query).out,
              HasSubstr("of 7 MiB"));
  EXPECT_THAT(run({"--lang", "zh", "query", "-", "--explain"}, query).out,
              AllOf(ContainsRegex("任意事件 +活跃日期，不读事件 +1 +0\n"), HasSubstr("个线程")));
  const Ended json = run({"query", "-", "--explain", "--format", "json"}, query);
  const auto answer = parse_json(json.out);
  ASSERT_TRUE(answer.has_value()) << json.out;
  ASSERT_NE(answer->find("plan"), nullptr);
  EXPECT_EQ(answer->find("plan")->array.at(0).find("shape")->text, "days");
  EXPECT_NE(answer->find("data"), nullptr);
  EXPECT_THAT(run({"query", "-"}, query).out, Not(HasSubstr("\"plan\"")));
  EXPECT_EQ(run({"query", "-", "--explain", "--format", "csv"}, query).code, 2);
  const Ended members =
      run({"query", "-", "--format", "csv"}, R"({"metric":"retention","members":{"cell":{}}})");
  EXPECT_EQ(members.code, 2);
  EXPECT_THAT(members.err, HasSubstr("unsupported_format"));
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

/// Its standard input stays open until it is told to end.
class RunningAppend {
 public:
  RunningAppend(const ScratchDirectory& directory, const std::string& data)
      : out_(directory / "stdout") {
    const std::string in = directory / "stdin";
    EXPECT_EQ(::mkfifo(in.c_str(), 0600), 0);
    input_ = ::open(in.c_str(), O_RDWR | O_CLOEXEC);
    process_.emplace(directory, std::vector<std::string>{"--data", data, "append"});
  }
  ~RunningAppend() { end(); }
  RunningAppend(const RunningAppend&) = delete;
  RunningAppend& operator=(const RunningAppend&) = delete;

  /// Returns when it was answered.
  void append(const std::string& line) {
    const std::size_t answered = test::text_of(out_).size();
    const std::string bytes = line + "\n";
    EXPECT_EQ(::write(input_, bytes.data(), bytes.size()), std::ssize(bytes));
    for (int ms = 0; test::text_of(out_).size() == answered; ++ms) {
      ASSERT_LT(ms, 10'000) << "no answer";
      std::this_thread::sleep_for(std::chrono::milliseconds(1));
    }
  }
  void end() {
    if (!process_) return;
    ::close(input_);
    EXPECT_EQ(process_->wait().code, 0);
    process_.reset();
  }

 private:
  std::string out_;
  int input_ = -1;
  std::optional<test::Running> process_;
};

/// What lies below, with size and time of change.
std::vector<std::string> state_of(const std::string& path) {
  std::vector<std::string> out;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(path)) {
    const auto changed = entry.last_write_time().time_since_epoch().count();
    out.push_back(fmt::format("{} {} {}", entry.path().string(), changed,
                              entry.is_regular_file() ? entry.file_size() : 0));
  }
  std::ranges::sort(out);
  return out;
}

class DoctorCommand : public testing::Test {
 protected:
  void SetUp() override {
    constexpr std::uintmax_t room = std::uintmax_t{3} << 30;
    if (std::filesystem::space(std::filesystem::temp_directory_path()).available < room) {
      GTEST_SKIP() << "the disk is nearly full, and the doctor would say so";
    }
    const std::string file = directory_ / "orders.csv";
    test::write_text(file, "person,event,time\np,e,2026-01-01\nq,,2026-01-02\n");
    ASSERT_EQ(run({"import", file}).code, 0);
  }
  Ended run(std::vector<std::string> arguments) {
    arguments.insert(arguments.begin(), {"--data", data_});
    return test::run(directory_, std::move(arguments));
  }
  /// The finding of that reason.
  static Json finding(const Ended& ended, std::string_view reason) {
    const auto diagnosis = parse_json(ended.out);
    EXPECT_TRUE(diagnosis.has_value()) << ended.out;
    if (!diagnosis) return {};
    for (const Json& found : diagnosis->find("findings")->array) {
      if (found.find("reason")->text == reason) return found;
    }
    ADD_FAILURE() << reason << " is not in " << ended.out;
    return {};
  }

  ScratchDirectory directory_;
  std::string data_ = directory_ / "data";
};

TEST_F(DoctorCommand, SaysThatAllIsWellAndChangesNothing) {
  const auto before = state_of(data_);
  const Ended ended = run({"doctor"});
  EXPECT_EQ(ended.code, 0) << ended.err;
  EXPECT_EQ(ended.err, "");
  EXPECT_THAT(ended.out, AllOf(HasSubstr("✓ directory     " + data_ + ", for its owner alone\n"),
                               HasSubstr("✓ writer        nobody\n"),
                               ContainsRegex("✓ parts         1 file, [0-9]+ B, 1 event\n"),
                               HasSubstr("·               1 row was rejected: " + data_ +
                                         "/rejects/import-1.csv\n                → the file has"),
                               testing::EndsWith("\nnothing is wrong\n")));
  EXPECT_THAT(ended.out, Not(HasSubstr("\x1b")));
  EXPECT_THAT(run({"--color", "always", "doctor"}).out, HasSubstr("\x1b[32m✓\x1b[0m"));
  EXPECT_THAT(run({"--lang", "zh", "doctor"}).out,
              AllOf(HasSubstr("✓ 目录          " + data_ + "，仅所有者可访问\n"),
                    HasSubstr("1 行被拒绝"), testing::EndsWith("\n没有问题\n")));
  EXPECT_EQ(state_of(data_), before);
  EXPECT_THAT(run({"doctor", "--deep"}).out, HasSubstr("✓ contents      all read, all sound"));
  ASSERT_EQ(run({"import", "undo", "1"}).code, 0);
  EXPECT_THAT(run({"doctor"}).out, testing::EndsWith("\nall is well\n"));
}

TEST_F(DoctorCommand, TellsItsFindingByExitCodeAndInJson) {
  const Ended nowhere = test::run(directory_, {"--data", directory_ / "none", "doctor"});
  EXPECT_EQ(nowhere.code, 3);
  EXPECT_THAT(nowhere.out, AllOf(HasSubstr("✗ directory"), HasSubstr("→ name the right one")));
  EXPECT_FALSE(std::filesystem::exists(directory_ / "none"));

  using std::filesystem::perms;
  const perms open = perms::owner_all | perms::group_read | perms::group_exec;
  std::filesystem::permissions(data_, open);
  EXPECT_EQ(run({"doctor"}).code, 0) << "advice only";
  std::filesystem::permissions(data_ + "/MANIFEST", open);
  const Ended warned = run({"doctor"});
  EXPECT_EQ(warned.code, 1);
  EXPECT_THAT(warned.out, AllOf(HasSubstr("→ chmod -R go-rwx " + data_ + "\n"),
                                testing::EndsWith("\n1 warning\n")));

  const std::string part = data_ + "/parts/00000001.part";
  std::filesystem::remove(part);
  const Ended broken = run({"doctor"});
  EXPECT_EQ(broken.code, 5);
  EXPECT_THAT(broken.out,
              AllOf(HasSubstr("✗               " + part + " is missing, with 1 event\n"),
                    testing::EndsWith("\n1 thing is broken, 1 warning\n")));
  const Ended chinese = run({"--lang", "zh", "doctor"});
  EXPECT_EQ(chinese.code, 5);
  EXPECT_THAT(chinese.out, AllOf(HasSubstr("缺少 " + part + "，其中有 1 个事件\n"),
                                 testing::EndsWith("\n1 处故障，1 个警告\n")));
  const Ended json = run({"doctor", "--format", "json"});
  EXPECT_EQ(json.code, 5);
  EXPECT_EQ(parse_json(json.out)->find("severity")->text, "broken");
  const Json found = finding(json, "part_missing");
  EXPECT_EQ(found.find("area")->text, "parts");
  EXPECT_EQ(found.find("severity")->text, "broken");
  EXPECT_EQ(found.find("values")->find("path")->text, part);
  EXPECT_EQ(found.find("values")->find("events")->text, "1");
  EXPECT_EQ(found.find("seen")->text, part + " is missing, with 1 event");
  EXPECT_THAT(found.find("act")->text, HasSubstr("restore the newest backup"));
  EXPECT_EQ(finding(json, "version").find("act"), nullptr);
}

TEST_F(DoctorCommand, LooksBesideARunningAppend) {
  const ScratchDirectory apart;
  RunningAppend append(apart, data_);
  append.append(R"({"user_id":"ann","event":"buy","time":"2026-02-01","message_id":"1"})");
  const auto before = state_of(data_);
  const Ended ended = run({"doctor"});
  EXPECT_EQ(ended.code, 0) << ended.out;
  EXPECT_THAT(ended.out, AllOf(ContainsRegex("✓ writer        process [0-9]+, at work\n"),
                               HasSubstr("1 record not in parts yet\n")));
  EXPECT_EQ(state_of(data_), before);
  const Ended deep = run({"doctor", "--deep"});
  EXPECT_EQ(deep.code, 0);
  EXPECT_THAT(deep.out, HasSubstr("is at work\n                → run holdfast doctor --deep when"));
  append.append(R"({"user_id":"ann","event":"buy","time":"2026-02-01","message_id":"2"})");
  append.end();
  const Ended after = run({"doctor"});
  EXPECT_THAT(after.out, AllOf(HasSubstr("✓ writer        nobody\n"),
                               HasSubstr("2 records not in parts yet\n")));
}

TEST(DoctorScreen, TellsEveryFindingInBothLanguagesAndWhatToDoWhereSomethingIs) {
  Diagnosis diagnosis;
  for (std::size_t i = 0; i < finding_reasons; ++i) {
    Finding& finding = diagnosis.findings.emplace_back();
    finding.reason = static_cast<FindingReason>(i);
    for (const char* name : {"path", "what", "holder", "file", "timezone", "program"}) {
      finding.values.push_back({name, std::string("/a\x1b")});
    }
    for (const char* name : {"free_bytes",      "total_bytes", "needed_bytes",
                             "reserve_bytes",   "generation",  "files",
                             "version",         "bytes",       "events",
                             "expected_bytes",  "groups",      "kept_bytes",
                             "pending_records", "start_ms",    "needed",
                             "first",           "end",         "position",
                             "unread_records",  "keys",        "log_end",
                             "imports",         "import",      "rows",
                             "now_ms",          "newest_ms",   "allowed",
                             "manifest",        "log",         "part",
                             "message_keys",    "parts",       "records",
                             "sources",         "refusals"}) {
      finding.values.push_back({name, std::uint64_t{7'000}});
    }
    SCOPED_TRACE(to_string(finding.reason));
    const FindingText english = tell(finding, *Zone::utc(), {Language::english});
    const FindingText chinese = tell(finding, *Zone::utc(), {Language::chinese});
    const bool is_fine = severity_of(finding.reason) == Severity::fine;
    for (const FindingText& text : {english, chinese}) {
      EXPECT_FALSE(text.seen.empty());
      EXPECT_EQ(text.act.empty(), is_fine);
      EXPECT_THAT(text.seen + text.act, Not(testing::AnyOf(HasSubstr("{"), HasSubstr("\x1b"))));
    }
    EXPECT_NE(english.seen, chinese.seen);
  }
  // On a terminal nothing is wider than it.
  const Terminal terminal{.interactive = true, .width = 60, .color = ColorMode::none};
  for (const Language language : {Language::english, Language::chinese}) {
    std::istringstream lines(render_diagnosis(diagnosis, *Zone::utc(), terminal, {language}));
    int count = 0;
    for (std::string line; std::getline(lines, line); ++count) {
      EXPECT_LE(display_width(line), 60) << line;
    }
    EXPECT_GT(count, 120);
  }
}

// ---------------------------------------------------------------------------- charts on a terminal

int widest_line(const std::string& screen) {
  int widest = 0;
  std::istringstream lines(screen);
  for (std::string line; std::getline(lines, line);) widest = std::max(widest, display_width(line));
  return widest;
}

const ChartScreen long_names{.title = "Lifecycle: " + std::string(90, 'x') + "\x1b[2J",
                             .subtitle = "397,884 events of 4,338 people, a long way to the end",
                             .period = "hour",
                             .data_end = "2026-01-05"};

LifecycleAnswer two_hours() {
  LifecycleAnswer answer;
  answer.periods = {"2026-01-05T09:00:00+01:00", "2026-01-05T10:00:00+01:00"};
  answer.complete = {true, false};
  answer.total.rows = {{.fresh = 1'234'567, .returning = 7, .resurrecting = 1'000, .dormant = 90},
                       {.fresh = 0, .returning = 0, .resurrecting = 0, .dormant = 1'235'574}};
  answer.has_groups = true;
  answer.groups = {answer.total};
  answer.groups[0].bucket = {{Bucket::Kind::value, std::string(90, 'y') + "\x1b[2J"}};
  answer.warnings = {{"no_events", "a warning that is longer than some terminals are wide"}};
  return answer;
}

// A sum, a quotient, a count and nothing, compared with an earlier range.
TrendAnswer two_days_of_orders() {
  DecimalSum refunded;
  refunded.add(*parse_decimal("-0.1"));
  TrendAnswer answer;
  answer.labels = {"sum", "A/B"};
  answer.periods = {"2026-01-05", "2026-01-06"};
  answer.complete = {true, false};
  answer.has_previous = true;
  answer.total.series = {{{refunded, DecimalSum()}, refunded, {std::int64_t{1234}, {}}, {}},
                         {{1.25, {}}, 1.25, {{}, {}}, {}}};
  return answer;
}

TEST(TrendTables, HaveWhatIsNothingEmpty) {
  EXPECT_EQ(trend_csv(two_days_of_orders()),
            "start,complete,series,value,previous\n"
            "2026-01-05,true,sum,-0.1,1234\n2026-01-05,true,A/B,1.25,\n"
            "2026-01-06,false,sum,0,\n2026-01-06,false,A/B,,\n");
  const Terminal terminal{.interactive = true, .width = 60, .color = ColorMode::none};
  const std::string screen =
      render_trend(two_days_of_orders(), "day", terminal, Words{Language::english});
  EXPECT_THAT(screen, AllOf(HasSubstr("total -0.1"), HasSubstr("-0.1"), HasSubstr("1.25")));
}

TEST(ChartScreens, AreNoWiderThanTheTerminalAndShowNoForeignEscapes) {
  StickinessAnswer histogram;
  histogram.total.histogram.assign(400, 1'000'000);
  StickinessAnswer days;
  days.over_time = true;
  days.periods = {"2026-01-04", "2026-01-05"};
  days.complete = {true, false};
  days.total.days = {{.dau = 1'000'000, .wau = 2'000'000, .mau = 30'000'000}, {}};
  const Json plan =
      parse_json(R"({"elapsed_ms":0.4,"plan":[{"of":"a\u001b[2J or a very long name",)"
                 R"("shape":"events","parts":4,"events":1234567}]})")
          .value();
  for (const int width : {30, 36, 50, 60, 80, 100, 200}) {
    for (const Language language : {Language::english, Language::chinese}) {
      SCOPED_TRACE(width);
      const Terminal terminal{.interactive = true, .width = width, .color = ColorMode::none};
      const Words words{language};
      const StickinessScreen screen{.chart = long_names, .from_first_event = true};
      for (const std::string& shown : {render_lifecycle(two_hours(), long_names, terminal, words),
                                       render_stickiness(histogram, screen, terminal, words),
                                       render_stickiness(days, screen, terminal, words),
                                       render_plan(plan, {2}, terminal, words)}) {
        EXPECT_LE(widest_line(shown), width) << shown;
        EXPECT_THAT(shown, Not(HasSubstr("\x1b")));
      }
    }
  }
}

TEST(ChartScreens, AreDrawnInColourWhereThereIsOne) {
  const Terminal terminal{.interactive = true, .width = 100, .color = ColorMode::truecolor};
  const std::string screen = render_lifecycle(two_hours(), long_names, terminal, {});
  EXPECT_THAT(screen, AllOf(HasSubstr("\x1b[38;2;0;158;115m█"), Not(HasSubstr("▒"))));
}

TEST(PlanScreen, TellsEveryWayInWords) {
  const Json plan = parse_json(R"({"elapsed_ms":0.4,"plan":[)"
                               R"({"of":"buy","shape":"postings","parts":4,"events":0},)"
                               R"({"of":"visit","shape":"rows","parts":1,"events":1234},)"
                               R"({"of":"login","shape":"day_rows","parts":1,"events":1234},)"
                               R"({"of":"page","shape":"events","parts":1,"events":5}]})")
                        .value();
  EXPECT_EQ(render_plan(plan, {1, 3'000'000, 512 << 20}, {}, {Language::english}),
            "\n  what   how                                  parts  events read\n"
            "  buy    lists of the rows of rare names          4            0\n"
            "  visit  rows scanned into sets of people         1        1,234\n"
            "  login  matching rows, their days known          1        1,234\n"
            "  page   events one by one, person by person      1            5\n"
            "\n  answered in 0.4 ms by 1 thread\n"
            "  decoded data kept: 3 of 512 MiB (--memory)\n");
  const std::string chinese = render_plan(plan, {2}, {}, {Language::chinese});
  EXPECT_THAT(chinese,
              AllOf(HasSubstr("罕见名称的行列表"), HasSubstr("逐行扫描"), HasSubstr("日期已知"),
                    HasSubstr("逐人逐个查看事件"), HasSubstr("2 个线程")));
}

TEST(DoctorScreen, SaysOnceWhatIsToBeDoneOfManyLikeTroubles) {
  Diagnosis diagnosis;
  for (std::uint64_t i = 1; i <= 20; ++i) {
    diagnosis.findings.push_back(
        {FindingReason::part_missing, {{"path", fmt::format("d/{}.part", i)}, {"events", i}}});
  }
  const std::string screen = render_diagnosis(diagnosis, *Zone::utc(), {}, {});
  EXPECT_THAT(screen, AllOf(HasSubstr("✗ parts         d/1.part is missing, with 1 event\n"),
                            HasSubstr("✗               d/8.part is missing, with 8 events\n"),
                            Not(HasSubstr("d/9.part")), HasSubstr("and 12 more\n"),
                            HasSubstr("\n20 things are broken\n")));
  EXPECT_EQ(screen.find("→"), screen.rfind("→"));
}

}  // namespace
}  // namespace hf
