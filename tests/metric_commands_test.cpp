// SPDX-License-Identifier: Apache-2.0
//
// The commands that measure, on the data of a real shop: what they print in each form, and which
// questions their flags write.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

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

}  // namespace
}  // namespace hf
