// SPDX-License-Identifier: Apache-2.0
//
// Hand-computed cases; docs/metrics.md tells the first ones as worked examples.
#include "metric/stickiness.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <vector>

#include "metric/event_world.h"

namespace hf::test {
namespace {

StickinessAnswer ask(const std::vector<WorldEvent>& events, std::string query) {
  std::ranges::replace(query, '\'', '"');
  EventWorld world(events);
  const QueryContext context = world.context();
  const auto parsed = parse_stickiness(parse_json(query).value(), context);
  EXPECT_TRUE(parsed) << parsed.error().message;
  auto answer = run_stickiness(world.snapshot(), context, *parsed);
  EXPECT_TRUE(answer) << answer.error().message;
  return *std::move(answer);
}

using Values = std::vector<std::int64_t>;
Values values_of(const StickinessAnswer& answer, std::int64_t StickinessDay::*member) {
  Values values;
  for (const StickinessDay& day : answer.total.days) values.push_back(day.*member);
  return values;
}

WorldEvent visit(std::string person, std::string_view time, const char* country = nullptr) {
  WorldEvent event{std::move(person), "visit", utc(time), {}, 0};
  if (country != nullptr) event.properties.emplace_back("country", text(country));
  return event;
}
// Monday is 5 January 2026.
std::vector<WorldEvent> visits() {
  return {visit("ann", "2026-01-05T09:00"), visit("ann", "2026-01-06T09:00"),
          visit("ann", "2026-01-06T18:00"), visit("ann", "2026-01-08T09:00"),
          visit("bob", "2026-01-05T23:00"), visit("bob", "2026-01-07T08:00"),
          visit("cid", "2026-01-06T12:00"), visit("cid", "2026-01-07T12:00")};
}
const std::string four_days = "{'metric':'stickiness','from':'2026-01-05','to':'2026-01-08'";

TEST(StickinessExample, TheHistogramCountsPersonsByActivePeriods) {
  const auto answer = ask(visits(), four_days + "}");
  EXPECT_EQ(answer.total.histogram, (Values{0, 2, 1, 0}));
  JsonWriter json;
  write_json(json, answer);
  EXPECT_EQ(json.take(),
            R"({"histogram":[{"active_periods":1,"count":0},{"active_periods":2,"count":2},)"
            R"({"active_periods":3,"count":1},{"active_periods":4,"count":0}]})");
  EXPECT_EQ(ask(visits(), four_days + ",'cumulative':true}").total.histogram, (Values{3, 3, 1, 0}));
}

TEST(StickinessExample, PerIntervalSaysHowManyEventsMakeAPeriodActive) {
  const auto histogram = [](std::string rule) {
    return ask(visits(), four_days + ",'per_interval':" + rule + "}").total.histogram;
  };
  EXPECT_EQ(histogram("{'gte':2}"), (Values{1, 0, 0, 0}));
  EXPECT_EQ(histogram("{'eq':2}"), (Values{1, 0, 0, 0}));
  EXPECT_EQ(histogram("{'lte':1}"), (Values{0, 3, 0, 0}));  // None is never enough.
  EXPECT_EQ(histogram("{'gte':3}"), (Values{0, 0, 0, 0}));
}

TEST(StickinessExample, OverTimeCountsDaysAndTheWindowsThatEndWithThem) {
  const auto answer = ask(visits(), four_days + ",'over_time':true}");
  EXPECT_EQ(values_of(answer, &StickinessDay::dau), (Values{2, 2, 2, 1}));
  EXPECT_EQ(values_of(answer, &StickinessDay::wau), (Values{2, 3, 3, 3}));
  EXPECT_EQ(values_of(answer, &StickinessDay::mau), (Values{2, 3, 3, 3}));
  EXPECT_EQ(values_of(answer, &StickinessDay::l7_days), (Values{2, 4, 6, 7}));
  const std::string json = data_json(answer);
  EXPECT_NE(json.find(R"({"start":"2026-01-08","complete":true,"dau":1,"wau":3,"mau":3,)"
                      R"("l7":{"days":7,"persons":3},"l28":{"days":7,"persons":3}})"),
            std::string::npos)
      << json;
}

TEST(StickinessExample, WindowsReachBackBeforeTheRange) {
  const auto answer =
      ask({visit("ann", "2026-01-01"), visit("bob", "2026-02-01")},
          "{'metric':'stickiness','over_time':true,'from':'2026-01-07','to':'2026-01-31'}");
  const auto last_seen = [&](std::int64_t StickinessDay::*member) {
    const Values values = values_of(answer, member);
    const auto count = std::ranges::count(values, 1);
    EXPECT_EQ(std::ranges::count(values, 0), std::ssize(values) - count);
    return count == 0 ? "" : answer.periods[static_cast<std::size_t>(count) - 1];
  };
  EXPECT_EQ(last_seen(&StickinessDay::dau), "");
  EXPECT_EQ(last_seen(&StickinessDay::wau), "2026-01-07");
  EXPECT_EQ(last_seen(&StickinessDay::l28), "2026-01-28");
  EXPECT_EQ(last_seen(&StickinessDay::mau), "2026-01-30");
  const auto late =
      ask({visit("ann", "2026-01-01"), visit("bob", "2026-02-01")},
          "{'metric':'stickiness','over_time':true,'from':'2026-01-30','to':'2026-01-31'}");
  EXPECT_EQ(values_of(late, &StickinessDay::mau), (Values{1, 0}));
}

TEST(StickinessExample, ABreakdownHasAGroupForEachValue) {
  const auto answer = ask({visit("ann", "2026-01-05", "GB"), visit("ann", "2026-01-06", "GB"),
                           visit("bob", "2026-01-05", "GB"), visit("bob", "2026-01-06", "DE")},
                          four_days + ",'breakdown':[{'property':'country'}]}");
  ASSERT_EQ(answer.groups.size(), 2u);
  EXPECT_EQ(answer.groups[0].bucket.front().text, "GB");
  EXPECT_EQ(answer.groups[0].histogram, (Values{1, 1, 0, 0}));
  EXPECT_EQ(answer.groups[1].histogram, (Values{1, 0, 0, 0}));
  EXPECT_EQ(answer.total.histogram, (Values{0, 2, 0, 0}));
}

// In GB Ann has two visits on the day, of which none is the one; with each browser she has one.
TEST(StickinessExample, AGroupCountsThoughOneOfItsValuesHasNothingByItself) {
  const auto with = [](const char* time, const char* browser) {
    return WorldEvent{
        "ann", "visit", utc(time), {{"country", text("GB")}, {"browser", text(browser)}}};
  };
  const auto answer = ask({with("2026-01-05T08:00", "red"), with("2026-01-05T09:00", "blue")},
                          four_days +
                              ",'per_interval':{'eq':1},"
                              "'breakdown':[{'property':'country'},{'property':'browser'}]}");
  EXPECT_EQ(answer.total.histogram, (Values{0, 0, 0, 0}));
  ASSERT_EQ(answer.groups.size(), 2u);
  for (const auto& group : answer.groups) {
    EXPECT_EQ(group.bucket.front().kind, Bucket::Kind::other);
    EXPECT_EQ(group.histogram, (Values{1, 0, 0, 0}));
  }
  EXPECT_EQ(answer.groups[0].bucket.back().text, "blue");
  EXPECT_EQ(answer.groups[1].bucket.back().text, "red");
}

TEST(Stickiness, ADayIsWholeOverTimeAndCutInTheHistogram) {
  const std::string morning =
      "{'metric':'stickiness','from':'2026-01-06T00:00:00Z','to':'2026-01-06T12:00:00Z'";
  const auto cut = ask(visits(), morning + "}");
  EXPECT_EQ(cut.total.histogram, (Values{1}));
  ASSERT_EQ(cut.warnings.size(), 1u);
  EXPECT_EQ(cut.warnings[0].code, "last_period_partial");
  const auto whole = ask(visits(), morning + ",'over_time':true}");
  EXPECT_EQ(values_of(whole, &StickinessDay::dau), (Values{2}));
  EXPECT_TRUE(whole.warnings.empty());
}

// In St John's the 29th of October 2006 went back to the 28th at 00:01.
TEST(Stickiness, AWeekEndsWithTheLaterDateThoughItCameEarlier) {
  const auto answer = ask({visit("ann", "2006-10-29T02:30:30"), visit("ann", "2006-10-29T02:45")},
                          "{'metric':'stickiness','timezone':'America/St_Johns','over_time':true,"
                          "'from':'2006-10-28','to':'2006-11-05'}");
  EXPECT_EQ(values_of(answer, &StickinessDay::dau), (Values{1, 1, 0, 0, 0, 0, 0, 0, 0}));
  EXPECT_EQ(values_of(answer, &StickinessDay::wau), (Values{1, 1, 1, 1, 1, 1, 1, 1, 0}));
}

TEST(Stickiness, UnfinishedDaysAreMarked) {
  const auto answer = ask(visits(),
                          "{'metric':'stickiness','over_time':true,'from':'2026-01-05','as_of':"
                          "'2026-01-06T11:00:00Z'}");
  EXPECT_EQ(answer.complete, (std::vector<bool>{true, false}));
  EXPECT_EQ(values_of(answer, &StickinessDay::dau), (Values{2, 1}));
}

TEST(Stickiness, WithoutEventsIsAnEmptyAnswerWithAWarning) {
  for (const char* query :
       {"{'metric':'stickiness'}", "{'metric':'stickiness','over_time':true}"}) {
    const auto answer = ask({}, query);
    EXPECT_TRUE(answer.total.histogram.empty());
    EXPECT_TRUE(answer.total.days.empty());
    ASSERT_EQ(answer.warnings.size(), 1u);
    EXPECT_EQ(answer.warnings[0].code, "no_events");
  }
}

}  // namespace
}  // namespace hf::test
