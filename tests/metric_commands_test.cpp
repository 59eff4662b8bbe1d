// SPDX-License-Identifier: Apache-2.0
//
// The commands that measure, on the data of a real shop: what they print in each form, and which
// questions their flags write.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>

#include "base/json.h"
#include "demo.h"

namespace hf {
namespace {

using test::Ended;
using testing::AllOf;
using testing::ContainsRegex;
using testing::HasSubstr;
using testing::Not;

class MetricCommands : public test::Demo {};

TEST_F(MetricCommands, AnswersAQueryInJsonAndCsv) {
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

TEST_F(MetricCommands, ShowsWhoIsNewStaysComesBackAndGoes) {
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

TEST_F(MetricCommands, ShowsHowOftenPeopleAreActive) {
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

TEST_F(MetricCommands, TellsHowAQuestionWasAnswered) {
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
}

// -- Which question the flags write ---------------------------------------------------------------

class Flags : public MetricCommands {
 protected:
  /// The query that the flags write, without what depends on the data.
  static std::string query(std::vector<std::string> arguments) {
    arguments.insert(arguments.end(), {"--as-of", "2011-12-09", "--show-query"});
    Ended ended = run(arguments);
    EXPECT_EQ(ended.code, 0) << ended.err;
    constexpr std::string_view as_of = R"("as_of":"2011-12-09",)";
    if (const std::size_t at = ended.out.find(as_of); at != std::string::npos) {
      ended.out.erase(at, as_of.size());
    } else {
      ended.out.erase(ended.out.find(R"(,"as_of":"2011-12-09")"), as_of.size());
    }
    ended.out.pop_back();
    return ended.out;
  }
};

TEST_F(Flags, OfTrendSayTheMathOfEachSeries) {
  EXPECT_EQ(query({"trend", "a", "a:unique", "a:sum:revenue", "a:p90:x:y", "a:b:per_user"}),
            R"({"metric":"trend","series":[{"event":"a"},{"event":"a","math":"unique"},)"
            R"({"event":"a","math":"sum","property":"revenue"},)"
            R"({"event":"a","math":"p90","property":"x:y"},{"event":"a:b","math":"per_user"}]})");
  EXPECT_EQ(query({"trend", "a:b", "a:total:b"}),
            R"({"metric":"trend","series":[{"event":"a:b"},{"event":"a:total:b"}]})");
  EXPECT_EQ(query({"trend", "a", "b:avg", R"({"event":"c","where":{"all":[]}})",
                   R"({"event":"d","math":"max","property":"p"})", "--math", "median", "--property",
                   "revenue"}),
            R"({"metric":"trend","series":[{"event":"a","math":"median","property":"revenue"},)"
            R"({"event":"b","math":"avg","property":"revenue"},)"
            R"({"event":"c","where":{"all":[]},"math":"median","property":"revenue"},)"
            R"({"event":"d","math":"max","property":"p"}]})");
  EXPECT_EQ(query({"trend", "a", "b", "--formula", "A/B", "--compare", "P7D", "--cumulative"}),
            R"({"metric":"trend","series":[{"event":"a"},{"event":"b"}],"cumulative":true,)"
            R"("compare":"P7D","formula":"A/B"})");
}

TEST_F(Flags, OfFunnelSayAllOfIt) {
  EXPECT_EQ(query({"funnel",
                   "a",
                   R"({"event":"b","within":"PT5M"})",
                   "c",
                   "d",
                   "--within",
                   "P1D",
                   "--order",
                   "strict",
                   "--window",
                   "P7D",
                   "--exclude",
                   "x",
                   "--exclude",
                   R"({"event":"y","after_step":2})",
                   "--hold-constant",
                   "sku",
                   "--hold-constant",
                   "shop",
                   "--entry",
                   "first",
                   "--view",
                   "time_to_convert",
                   "--from-step",
                   "2",
                   "--to-step",
                   "3",
                   "--bins",
                   "5"}),
            R"({"metric":"funnel","steps":[{"event":"a","within":"P1D"},)"
            R"({"event":"b","within":"PT5M"},{"event":"c","within":"P1D"},{"event":"d"}],)"
            R"("order":"strict","window":"P7D","exclude":[{"event":"x"},)"
            R"({"event":"y","after_step":2}],"hold_constant":["sku","shop"],"entry":"first",)"
            R"("view":"time_to_convert","from_step":2,"to_step":3,"bins":5})");
}

TEST_F(Flags, OfWhomAndByWhatAreThoseOfAllMetrics) {
  const std::string common =
      R"("where":{"property":"country","op":"eq","value":"France"},)"
      R"("people":{"did":{"event":"purchase"}},"unit":{"property":"order_id"},)"
      R"("breakdown":[{"property":"a:b","top":3,"attribution":"last_touch"},)"
      R"({"property":"trait:x","top":3,"attribution":"last_touch"},{"cohort":"month","top":3}],)"
      R"("period":"week","sample":0.1,"members":{"cell":{"step":1},"limit":7,"cursor":"9"}})";
  for (const std::vector<std::string>& command : std::vector<std::vector<std::string>>{
           {"retention"}, {"lifecycle"}, {"stickiness"}, {"trend", "a"}, {"funnel", "a"}}) {
    std::vector<std::string> arguments = command;
    arguments.insert(arguments.end(),
                     {"--where",       R"({"property":"country","op":"eq","value":"France"})",
                      "--people",      R"({"did":{"event":"purchase"}})",
                      "--unit",        "order_id",
                      "--by",          "a:b",
                      "--breakdown",   "property:trait:x",
                      "--by",          "cohort:month",
                      "--top",         "3",
                      "--attribution", "last_touch",
                      "--period",      "week",
                      "--sample",      "0.1",
                      "--members",     R"({"step":1})",
                      "--limit",       "7",
                      "--cursor",      "9"});
    EXPECT_THAT(query(arguments), testing::EndsWith(common)) << command[0];
  }
  EXPECT_EQ(query({"funnel", "a", "--by", "p", "--attribution", "step:2"}),
            R"({"metric":"funnel","steps":[{"event":"a"}],"breakdown":)"
            R"([{"property":"p","attribution":"step","step":2}]})");
  EXPECT_EQ(
      query({"lifecycle", "--by", R"({"stage":true})", "--by", "tier:main", "--by", "segment:vip"}),
      R"({"metric":"lifecycle","breakdown":[{"stage":true},{"tier":"main"},)"
      R"({"segment":"vip"}]})");
  EXPECT_EQ(query({"retention", "--value", "sum:trait:seats"}),
            R"({"metric":"retention","value":{"aggregate":"sum","trait":"seats"}})");
  EXPECT_EQ(query({"stickiness", "--at-most", "3"}),
            R"({"metric":"stickiness","per_interval":{"lte":3}})");
  EXPECT_EQ(query({"stickiness", "--exactly", "3"}),
            R"({"metric":"stickiness","per_interval":{"eq":3}})");
}

TEST_F(Flags, TakeAConditionFromAFileToo) {
  const test::ScratchDirectory directory;
  test::write_text(directory / "vip.json", "{\"did\": {\"event\": \"purchase\"}}\n");
  EXPECT_EQ(query({"segment-size", "--people", directory / "vip.json", "--overlap",
                   "vip=" + (directory / "vip.json"), "--overlap", R"(all={"all":[]})"}),
            R"({"metric":"segment_size","overlap":[{"label":"vip","people":)"
            R"({"did":{"event":"purchase"}}},{"label":"all","people":{"all":[]}}],)"
            R"("people":{"did":{"event":"purchase"}}})");
}

TEST_F(Flags, SampleIsOfSegmentSizesToo) {
  EXPECT_EQ(query({"segment-size", "--sample", "0.1"}),
            R"({"metric":"segment_size","sample":0.1})");
  EXPECT_THAT(run({"--lang", "en", "segment-size", "--sample", "0.1"}).out,
              AllOf(HasSubstr("an estimate"), ContainsRegex("everybody known +4,170 ")));
}

TEST_F(Flags, SayWhatIsWrongWithThem) {
  struct Case {
    std::vector<std::string> arguments;
    int code;
    std::string_view told;
  };
  const Case cases[] = {
      {{"lifecycle", "--people", "nowhere.json"}, 3, "nowhere.json"},
      {{"lifecycle", "--people", "{\"did\""}, 2, "--people: "},
      {{"lifecycle", "--where", "{}}"}, 2, "--where: "},
      {{"segment-size", "--overlap", "bought"}, 2, "NAME=CONDITION"},
      {{"segment-size", "--from", "2011-01-01"}, 2, "unknown_option"},
      {{"segment-size", "--by", "country"}, 2, "unsupported_breakdown"},
      {{"funnel"}, 2, "missing_argument"},
      {{"funnel", "a", "--view", "sideways"}, 2, "invalid_value"},
      {{"funnel", "a", "--period", "week"}, 2, "unsupported_combination"},
      {{"funnel", "a", "--by", "p", "--attribution", "step:x"}, 2, "--attribution step:N"},
      {{"trend", "{\"event\":1}"}, 2, "wrong_type"},
      {{"trend", "{\"event\""}, 2, "invalid_json"},
      {{"trend", "a:sum"}, 2, "which property"},
      {{"trend", "a", "--math", "mean"}, 2, "invalid_value"},
      {{"stickiness", "--at-least", "2", "--exactly", "3"}, 2, "unsupported_combination"},
      {{"funnel", "purchase", "--members", "{\"step\":9}"}, 3, "unknown_cell"},
      {{"lifecycle", "--sample", "0"}, 2, "/sample"},
      {{"lifecycle", "--sample", "1.5"}, 2, "/sample"},
      {{"lifecycle", "--sample", "nan"}, 2, "--sample"},
      {{"segment-size", "--sample", "-1"}, 2, "/sample"},
      {{"lifecycle", "--by", "country", "--top", "-5"}, 2, "/breakdown/0/top"},
      {{"lifecycle", "--by", "country", "--top", "0"}, 2, "/breakdown/0/top"},
      {{"lifecycle", "--top", "3"}, 2, "--by"},
      {{"lifecycle", "--attribution", "all"}, 2, "--by"},
      {{"segment-size", "--members", "{}", "--limit", "0"}, 2, "/members/limit"},
      {{"segment-size", "--limit", "5"}, 2, "--members"},
      {{"segment-size", "--cursor", "9"}, 2, "--members"},
      {{"retention", "--periods", "-3"}, 2, "/periods"},
      {{"retention", "--min-occurrences", "0"}, 2, "/min_occurrences"},
      {{"funnel", "purchase", "--from-step", "0"}, 2, "/from_step"},
      {{"funnel", "purchase", "--to-step", "0"}, 2, "/to_step"},
      {{"funnel", "purchase", "--view", "time_to_convert", "--bins", "0"}, 2, "/bins"},
  };
  for (const Case& c : cases) {
    SCOPED_TRACE(testing::PrintToString(c.arguments));
    const Ended ended = run(c.arguments);
    EXPECT_EQ(ended.code, c.code) << ended.out << ended.err;
    EXPECT_EQ(ended.out, "");
    EXPECT_THAT(ended.err, HasSubstr(c.told));
  }
}

// -- Funnels, segment sizes, members --------------------------------------------------------------

TEST_F(MetricCommands, ShowHowManyTakeTheNextStep) {
  const Ended table = run({"--lang", "en", "funnel", "purchase", "purchase", "purchase"});
  EXPECT_EQ(table.code, 0) << table.err;
  EXPECT_THAT(table.out,
              AllOf(HasSubstr("Funnel: purchase → purchase → purchase\n"),
                    HasSubstr("  in order, within 14 days of the first step\n"),
                    ContainsRegex("1 purchase +4,338 +100.0% +(█)+\n"),
                    ContainsRegex("2 purchase +1,282 +29.6% +29.6% +4 d +(█)+.+(░)+\n"),
                    ContainsRegex("3 purchase +378 +8.7% +29.5% +3 d 17 h +(█)+.+(░)+\n"),
                    HasSubstr("Most are lost before step 2 purchase: 3,056 people, 70.4%")));
  EXPECT_THAT(run({"--lang", "zh", "funnel", "purchase", "purchase"}).out,
              AllOf(HasSubstr("漏斗：purchase → purchase"), HasSubstr("按顺序，距第一步 14 天以内"),
                    HasSubstr("4,338 人中有 1,282 走完全程：29.6%。")));
  EXPECT_THAT(
      run({"funnel", "purchase", "purchase", "--by", "country", "--top", "1"}).out,
      AllOf(ContainsRegex("United Kingdom +3,920 +29.7% +(█)+"),
            ContainsRegex("\\(other\\) +4[0-9][0-9] "), ContainsRegex("all +4,338 +29.6%")));
  const Ended csv =
      run({"funnel", "purchase", "purchase", "--by", "country", "--top", "1", "--format", "csv"});
  EXPECT_THAT(csv.out,
              AllOf(testing::StartsWith("bucket,step,label,count,first,previous,seconds_mean,"
                                        "seconds_median,seconds_p90\n"
                                        "United Kingdom,1,purchase,3920,3920,,,,\n"
                                        "United Kingdom,2,purchase,1164,3920,3920,"),
                    HasSubstr("\n(all),1,purchase,4338,4338,,,,\n")));
  EXPECT_THAT(run({"funnel", "purchase", "purchase", "--view", "trend", "--period", "month",
                   "--format", "csv"})
                  .out,
              testing::StartsWith("start,complete,entered,completed\n2010-12-01,true,885,249\n"));
  EXPECT_THAT(run({"funnel", "purchase", "purchase", "--view", "time_to_convert", "--bins", "1",
                   "--format", "csv"})
                  .out,
              ContainsRegex("^from,to,count\n60,1[0-9]+,1282\n$"));
}

TEST_F(MetricCommands, ShowWhomAConditionMeansAndHowConditionsOverlap) {
  const std::vector<std::string> sets = {
      "--overlap", R"(often={"did":{"event":"purchase"},"count":{"gte":100}})", "--overlap",
      R"(lately={"did":{"event":"purchase"},"within":"P30D"})"};
  std::vector<std::string> arguments = {"--lang", "en", "segment-size"};
  arguments.insert(arguments.end(), sets.begin(), sets.end());
  EXPECT_THAT(run(arguments).out, AllOf(ContainsRegex("everybody known +4,338 +100.0% +(█)+"),
                                        ContainsRegex("A often +1,091 +· +733 +67.2%\n"),
                                        ContainsRegex("B lately +1,648 +733 +44.5% +·\n"),
                                        ContainsRegex("● ● +733 "), ContainsRegex("● · +358 "),
                                        ContainsRegex("· ● +915 "), ContainsRegex("none +2,332 ")));
  arguments.insert(arguments.end(), {"--format", "csv"});
  EXPECT_EQ(run(arguments).out,
            "what,often,lately,count\nknown,,,4338\ncount,,,4338\nset,true,,1091\n"
            "set,,true,1648\nexactly_in,false,true,915\nexactly_in,true,true,733\n"
            "exactly_in,true,false,358\n");
  EXPECT_THAT(run({"--lang", "zh", "segment-size", "--people",
                   R"({"did":{"event":"purchase"},"within":"P30D"})", "--by", "cohort:year"})
                  .out,
              AllOf(HasSubstr("人员："), ContainsRegex("  2011 +1,179 "),
                    ContainsRegex("符合条件 +1,648 +38.0%")));
}

TEST_F(MetricCommands, ShowWhoIsBehindACellAndAsCsvAllOfThem) {
  const std::vector<std::string> asked = {"funnel", "purchase", "purchase", "--members",
                                          R"({"step":2,"dropped":true})"};
  std::vector<std::string> arguments = asked;
  arguments.insert(arguments.begin(), {"--lang", "en"});
  arguments.insert(arguments.end(), {"--limit", "2"});
  const Ended page = run(arguments);
  EXPECT_THAT(page.out, AllOf(HasSubstr("Members of funnel: {\"step\":2,\"dropped\":true}\n"),
                              HasSubstr("2 of 3,056 shown."), HasSubstr("--cursor ")));
  arguments = asked;
  arguments.insert(arguments.end(), {"--format", "csv"});
  const Ended csv = run(arguments);
  EXPECT_THAT(csv.out, testing::StartsWith("person,ids\n"));
  EXPECT_EQ(std::ranges::count(csv.out, '\n'), 3'056 + 1);
  arguments.insert(arguments.end(), {"--limit", "10"});
  EXPECT_EQ(std::ranges::count(run(arguments).out, '\n'), 10 + 1);
  // Of more than a page holds, all the same: a part of the table would pass for the whole.
  const Ended orders = run({"trend", "purchase", "--unit", "order_id", "--members",
                            R"({"series":0})", "--format", "csv"});
  EXPECT_THAT(orders.out, testing::StartsWith("unit,count\n"));
  EXPECT_EQ(std::ranges::count(orders.out, '\n'), 18'532 + 1);
}

TEST_F(MetricCommands, EveryQuestionHasAScreenAndATable) {
  const std::vector<std::vector<std::string>> commands = {
      {"retention", "--period", "month", "--by", "country", "--by", "cohort:year", "--top", "2"},
      {"retention", "--initial", "2011-01-01..2011-03-31", "--current", "2011-04-01..2011-06-30"},
      {"retention", "--period", "month", "--value", "sum:revenue"},
      {"trend", "purchase", "purchase:sum:revenue", "--period", "month", "--by", "country"},
      {"lifecycle", "--period", "month", "--by", "country", "--top", "2"},
      {"stickiness", "--period", "month", "--by", "country", "--top", "2"},
      {"stickiness", "--over-time", "--last", "P9D", "--as-of", "2011-12-09"},
      {"funnel", "purchase", "purchase", "--view", "trend", "--period", "month"},
      {"funnel", "purchase", "purchase", "--view", "time_to_convert", "--by", "country"},
      {"segment-size", "--by", "cohort:month"}};
  for (const std::vector<std::string>& command : commands) {
    SCOPED_TRACE(testing::PrintToString(command));
    std::vector<std::string> arguments = command;
    const Ended shown = run(arguments);
    EXPECT_EQ(shown.code, 0) << shown.err;
    EXPECT_THAT(shown.out, Not(HasSubstr("\x1b")));
    arguments.emplace_back("--show-query");
    const std::string query = run(arguments).out;
    EXPECT_EQ(run({"query", "-", "--format", "table"}, query).out, shown.out);
    arguments.back() = "--format";
    arguments.emplace_back("csv");
    const Ended csv = run(arguments);
    EXPECT_EQ(csv.code, 0) << csv.err;
    EXPECT_EQ(run({"query", "-", "--format", "csv"}, query).out, csv.out);
    EXPECT_GT(std::ranges::count(csv.out, '\n'), 1);
  }
}

TEST_F(MetricCommands, SeriesOfOneNameAreToldApart) {
  const std::vector<std::string> asked = {"--lang",          "en",       "trend", "purchase",
                                          "purchase:unique", "--period", "year"};
  EXPECT_THAT(run(asked).out, AllOf(HasSubstr("Trend: purchase · purchase, people\n"),
                                    HasSubstr("purchase, people  total 4,338\n")));
  std::vector<std::string> csv = asked;
  csv.insert(csv.end(), {"--format", "csv"});
  EXPECT_THAT(run(csv).out, AllOf(HasSubstr("2010-01-01,true,purchase,"),
                                  HasSubstr("2010-01-01,true,\"purchase, people\",885\n")));
}

}  // namespace
}  // namespace hf
