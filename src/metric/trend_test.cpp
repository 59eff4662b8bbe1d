// SPDX-License-Identifier: Apache-2.0
//
// Hand-computed cases; docs/metrics.md tells them as worked examples.
#include "metric/trend.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <vector>

#include "metric/event_world.h"

namespace hf::test {
namespace {

TrendAnswer ask(const std::vector<WorldEvent>& events, std::string query) {
  std::ranges::replace(query, '\'', '"');
  EventWorld world(events);
  const QueryContext context = world.context();
  const auto parsed = parse_trend(parse_json(query).value(), context);
  EXPECT_TRUE(parsed) << parsed.error().message;
  auto answer = run_trend(world.snapshot(), context, *parsed);
  EXPECT_TRUE(answer) << answer.error().message;
  return *std::move(answer);
}
using Values = std::vector<TrendValue>;

/// Counts as an answer has them.
Values counts(std::initializer_list<std::int64_t> numbers) {
  return {numbers.begin(), numbers.end()};
}

WorldEvent visit(std::string person, std::string_view time, const char* country = nullptr) {
  WorldEvent event{std::move(person), "visit", utc(time), {}, 0};
  if (country != nullptr) event.properties.emplace_back("country", text(country));
  return event;
}
std::vector<WorldEvent> visits() {
  return {visit("ann", "2026-01-05", "GB"), visit("ann", "2026-01-05T12:00", "GB"),
          visit("ann", "2026-01-06", "DE"), visit("bob", "2026-01-06", "GB"),
          visit("cid", "2026-01-08")};
}
const std::string four_days =
    "{'metric':'trend','from':'2026-01-05','to':'2026-01-08','series':[{'event':'visit'},"
    "{'event':'visit','math':'unique','label':'visitors'}]";

TEST(TrendExample, TotalCountsEventsUniqueCountsPersons) {
  const auto answer = ask(visits(), four_days + "}");
  EXPECT_EQ(answer.labels, (std::vector<std::string>{"visit", "visitors"}));
  EXPECT_EQ(answer.total.series[0].values, counts({2, 2, 0, 1}));
  EXPECT_EQ(answer.total.series[0].total, TrendValue(std::int64_t{5}));
  EXPECT_EQ(answer.total.series[1].values, counts({1, 2, 0, 1}));
  EXPECT_EQ(answer.total.series[1].total,
            TrendValue(std::int64_t{3}));  // Not 4: Ann is one person.
}

TEST(TrendExample, CumulativeCountsFromTheBeginningOfTheRange) {
  const auto answer = ask(visits(), four_days + ",'cumulative':true}");
  EXPECT_EQ(answer.total.series[0].values, counts({2, 4, 4, 5}));
  EXPECT_EQ(answer.total.series[1].values, counts({1, 2, 2, 3}));
  EXPECT_EQ(answer.total.series[1].total, TrendValue(std::int64_t{3}));
}

TEST(TrendExample, ABreakdownHasAGroupForEachValue) {
  const auto answer = ask(visits(), four_days + ",'breakdown':[{'property':'country'}]}");
  ASSERT_EQ(answer.groups.size(), 3u);
  EXPECT_EQ(answer.groups[0].bucket.front().text, "GB");
  EXPECT_EQ(answer.groups[0].series[0].values, counts({2, 1, 0, 0}));
  // Of equal size, the missing value is named before others.
  EXPECT_EQ(answer.groups[1].bucket.front().kind, Bucket::Kind::missing);
  EXPECT_EQ(answer.groups[2].bucket.front().text, "DE");
  EXPECT_EQ(answer.groups[2].series[1].total, TrendValue(std::int64_t{1}));
  EXPECT_EQ(answer.total.series[1].total, TrendValue(std::int64_t{3}));
}

TEST(TrendExample, UnfinishedPeriodsAreMarked) {
  const auto answer = ask(visits(),
                          "{'metric':'trend','from':'2026-01-05','as_of':"
                          "'2026-01-06T12:00:00Z','series':[{'event':'*'}]}");
  EXPECT_EQ(answer.periods, (std::vector<std::string>{"2026-01-05", "2026-01-06"}));
  EXPECT_EQ(answer.complete, (std::vector<bool>{true, false}));
}

/// The values as JSON writes them; empty where there is none.
using Texts = std::vector<std::string>;
Texts texts(const Values& values) {
  Texts out;
  for (const TrendValue& value : values) out.push_back(to_string(value));
  return out;
}
/// The values, then the total.
Texts row(const TrendSeries& series) {
  Texts out = texts(series.values);
  out.push_back(to_string(series.total));
  return out;
}
Texts previous_row(const TrendSeries& series) {
  Texts out = texts(series.previous);
  out.push_back(to_string(series.previous_total));
  return out;
}

WorldEvent order(std::string person, std::string_view time, WorldValue price) {
  return {std::move(person), "order", utc(time), {{"price", std::move(price)}}, 0};
}
std::vector<WorldEvent> orders() {
  return {order("ann", "2026-01-05T09:00", number("10")),
          order("ann", "2026-01-05T10:00", number("20")),
          order("bob", "2026-01-05T11:00", number("40")),
          order("ann", "2026-01-06T09:00", number("0.1")),
          order("bob", "2026-01-06T10:00", text("free")),
          order("bob", "2026-01-06T11:00", number("0.2")),
          order("cid", "2026-01-08T09:00", number("-5"))};
}
std::string of_prices(std::string_view maths, std::string_view more = "") {
  std::string series;
  for (std::size_t at = 0; at < maths.size();) {
    const std::size_t end = std::min(maths.find(' ', at), maths.size());
    series += fmt::format("{}{{'event':'order','math':'{}','property':'price'}}",
                          series.empty() ? "" : ",", maths.substr(at, end - at));
    at = end + 1;
  }
  return fmt::format("{{'metric':'trend','from':'2026-01-05','to':'2026-01-08','series':[{}]{}}}",
                     series, more);
}

TEST(TrendExample, SumsAndExtremesAreExact) {
  const auto answer = ask(orders(), of_prices("sum avg min max"));
  EXPECT_EQ(row(answer.total.series[0]), (Texts{"70", "0.3", "0", "-5", "65.3"}));
  EXPECT_EQ(row(answer.total.series[1]),
            (Texts{"23.333333333333332", "0.15", "", "-5", "10.883333333333333"}));
  EXPECT_EQ(row(answer.total.series[2]), (Texts{"10", "0.1", "", "-5", "-5"}));
  EXPECT_EQ(row(answer.total.series[3]), (Texts{"40", "0.2", "", "-5", "40"}));
  EXPECT_TRUE(answer.warnings.empty());  // "free" is no number, and none is too big.
}

TEST(TrendExample, PercentilesLieBetweenTwoNumbers) {
  const auto answer = ask(orders(), of_prices("median p90 p95 p99"));
  EXPECT_EQ(row(answer.total.series[0]), (Texts{"20", "0.15", "", "-5", "5.1"}));
  EXPECT_EQ(row(answer.total.series[1]), (Texts{"36", "0.19", "", "-5", "30"}));
  EXPECT_EQ(row(answer.total.series[2]), (Texts{"38", "0.195", "", "-5", "35"}));
  EXPECT_EQ(row(answer.total.series[3]), (Texts{"39.6", "0.199", "", "-5", "39"}));
}

TEST(TrendExample, PerUserDividesEventsByTheirPersons) {
  const std::string query =
      "{'metric':'trend','from':'2026-01-05','to':'2026-01-08',"
      "'series':[{'event':'order','math':'per_user'}]";
  EXPECT_EQ(row(ask(orders(), query + "}").total.series[0]),
            (Texts{"1.5", "1.5", "", "1", "2.3333333333333335"}));
  EXPECT_EQ(row(ask(orders(), query + ",'cumulative':true}").total.series[0]),
            (Texts{"1.5", "3", "3", "2.3333333333333335", "2.3333333333333335"}));
}

TEST(TrendExample, CumulativeIsTheSameMeasureOfTheRangeSoFar) {
  const auto answer = ask(orders(), of_prices("sum avg min max median", ",'cumulative':true"));
  EXPECT_EQ(texts(answer.total.series[0].values), (Texts{"70", "70.3", "70.3", "65.3"}));
  EXPECT_EQ(texts(answer.total.series[1].values),
            (Texts{"23.333333333333332", "14.059999999999999", "14.059999999999999",
                   "10.883333333333333"}));
  EXPECT_EQ(texts(answer.total.series[2].values), (Texts{"10", "0.1", "0.1", "-5"}));
  EXPECT_EQ(texts(answer.total.series[3].values), (Texts{"40", "40", "40", "40"}));
  EXPECT_EQ(texts(answer.total.series[4].values), (Texts{"20", "10", "10", "5.1"}));
}

TEST(TrendExample, ANumberTooBigIsLeftOutWithAWarning) {
  auto events = orders();
  events.push_back(order("cid", "2026-01-08T10:00",
                         stored(ValueKind::big_number, "123456789012345678901234567890")));
  const auto answer = ask(events, of_prices("sum max"));
  EXPECT_EQ(row(answer.total.series[0]), (Texts{"70", "0.3", "0", "-5", "65.3"}));
  EXPECT_EQ(row(answer.total.series[1]), (Texts{"40", "0.2", "", "-5", "40"}));
  ASSERT_EQ(answer.warnings.size(), 1u);
  EXPECT_EQ(answer.warnings[0].code, "numbers_too_big");
}

TEST(TrendExample, ActivePersonsAreThoseOfTheDaysThatEndWithThePeriod) {
  const std::vector<WorldEvent> events{visit("ann", "2026-01-01"), visit("bob", "2026-01-08")};
  const auto answer = ask(events,
                          "{'metric':'trend','from':'2026-01-05','to':'2026-01-10','series':["
                          "{'event':'visit','math':'weekly_active'},"
                          "{'event':'visit','math':'monthly_active'}]}");
  // Ann's day is before the range: of the week it is up to the 7th.
  EXPECT_EQ(row(answer.total.series[0]), (Texts{"1", "1", "1", "1", "1", "1", "1"}));
  EXPECT_EQ(row(answer.total.series[1]), (Texts{"1", "1", "1", "2", "2", "2", "2"}));
}

TEST(TrendExample, OfALongPeriodOnlyItsLastDaysAreActive) {
  const std::vector<WorldEvent> events{visit("ann", "2026-01-24"), visit("bob", "2026-01-25"),
                                       visit("cid", "2026-02-10T23:00")};
  const auto answer = ask(events,
                          "{'metric':'trend','from':'2026-01-01','to':'2026-02-10T12:00:00Z',"
                          "'period':'month','series':[{'event':'visit','math':'weekly_active'}]}");
  // The second month ends with the range, and days are whole: 23:00 is behind its end.
  EXPECT_EQ(row(answer.total.series[0]), (Texts{"1", "1", "1"}));
}

TEST(TrendExample, CompareSetsTheEarlierRangeBeside) {
  const std::string query =
      "{'metric':'trend','from':'2026-01-08','to':'2026-01-10','compare':'P3D','series':["
      "{'event':'visit'},{'event':'visit','math':'unique'}],'formula':'A/B'}";
  const auto answer = ask(visits(), query);
  ASSERT_TRUE(answer.has_previous);
  EXPECT_EQ(row(answer.total.series[0]), (Texts{"1", "0", "0", "1"}));
  EXPECT_EQ(previous_row(answer.total.series[0]), (Texts{"2", "2", "0", "4"}));
  EXPECT_EQ(previous_row(answer.total.series[1]), (Texts{"1", "2", "0", "2"}));
  EXPECT_EQ(row(answer.total.series[2]), (Texts{"1", "", "", "1"}));
  EXPECT_EQ(previous_row(answer.total.series[2]), (Texts{"2", "1", "", "2"}));
}

TEST(TrendExample, AMonthEarlierMayHaveFewerDays) {
  const auto answer = ask({visit("ann", "2026-02-28"), visit("bob", "2026-03-31")},
                          "{'metric':'trend','from':'2026-03-01','to':'2026-03-31',"
                          "'compare':'P1M','series':[{'event':'visit'}]}");
  const Texts previous = texts(answer.total.series[0].previous);
  ASSERT_EQ(previous.size(), 31u);
  EXPECT_EQ(previous[26], "0");
  EXPECT_EQ(previous[27], "1");
  EXPECT_EQ(previous[28], "");  // Not 0: there is no 29 February.
  EXPECT_EQ(to_string(answer.total.series[0].previous_total), "1");
}

TEST(TrendExample, OfALongerEarlierRangeTheTotalCountsAll) {
  // From 28 February to 30 March are 31 days, a month before from 28 January to 28 February 32.
  const auto answer = ask({visit("ann", "2026-02-27"), visit("bob", "2026-02-28T12:00")},
                          "{'metric':'trend','from':'2026-02-28','to':'2026-03-30',"
                          "'compare':'P1M','series':[{'event':'visit'}]}");
  const Texts previous = texts(answer.total.series[0].previous);
  ASSERT_EQ(previous.size(), 31u);
  EXPECT_EQ(previous.back(), "1");
  EXPECT_EQ(to_string(answer.total.series[0].previous_total), "2");
}

TEST(TrendExample, ADayEarlierIsTheSameLocalTime) {
  // London's clocks went forward on the 29th at 01:00: noon came 23 hours after noon.
  const std::vector<WorldEvent> events{visit("ann", "2026-03-28T11:30"),
                                       visit("bob", "2026-03-29T11:30")};
  const auto previous = [&](std::string_view compare) {
    const auto answer = ask(
        events, fmt::format("{{'metric':'trend','timezone':'Europe/London','period':'year',"
                            "'from':'2026-03-29T12:00:00+01:00','to':'2026-03-29T13:00:00+01:00',"
                            "'compare':'{}','series':[{{'event':'visit'}}]}}",
                            compare));
    EXPECT_EQ(to_string(answer.total.series[0].total), "1");
    return to_string(answer.total.series[0].previous_total);
  };
  EXPECT_EQ(previous("P1D"), "0");    // 12:00 to 13:00 UTC.
  EXPECT_EQ(previous("PT24H"), "1");  // 11:00 to 12:00 UTC.
}

TEST(TrendExample, GroupsAreRankedByTheRangeAndShownOfBoth) {
  const auto answer = ask({visit("ann", "2026-01-05", "FR"), visit("ann", "2026-01-05", "FR"),
                           visit("ann", "2026-01-05", "FR"), visit("bob", "2026-01-05", "GB"),
                           visit("bob", "2026-01-12", "GB"), visit("cid", "2026-01-12", "DE"),
                           visit("cid", "2026-01-12", "DE")},
                          "{'metric':'trend','from':'2026-01-12','to':'2026-01-12','compare':'P7D',"
                          "'breakdown':[{'property':'country'}],'series':[{'event':'visit'},"
                          "{'event':'visit','math':'per_user'}]}");
  ASSERT_EQ(answer.groups.size(), 3u);
  EXPECT_EQ(answer.groups[0].bucket.front().text, "DE");
  EXPECT_EQ(previous_row(answer.groups[0].series[0]), (Texts{"0", "0"}));
  EXPECT_EQ(previous_row(answer.groups[0].series[1]), (Texts{"", ""}));
  EXPECT_EQ(answer.groups[1].bucket.front().text, "GB");
  EXPECT_EQ(previous_row(answer.groups[1].series[0]), (Texts{"1", "1"}));
  EXPECT_EQ(answer.groups[2].bucket.front().text, "FR");
  EXPECT_EQ(row(answer.groups[2].series[0]), (Texts{"0", "0"}));
  EXPECT_EQ(previous_row(answer.groups[2].series[0]), (Texts{"3", "3"}));
}

TEST(TrendExample, AFormulaIsOneMoreSeries) {
  const auto answer = ask(visits(), four_days + ",'formula':'100 * (A - B) / A'}");
  EXPECT_EQ(answer.labels, (std::vector<std::string>{"visit", "visitors", "100 * (A - B) / A"}));
  // Nothing where it divides by zero; of the total it is of the totals.
  EXPECT_EQ(row(answer.total.series[2]), (Texts{"50", "0", "", "0", "40"}));
  EXPECT_NE(
      data_json(answer).find(
          R"({"label":"100 * (A - B) / A","formula":true,"values":[50,0,null,0],"total":40})"),
      std::string::npos);
}

TEST(TrendExample, BehindASumArePersonsWithANumber) {
  EventWorld world(orders());
  const QueryContext context = world.context();
  std::string query =
      of_prices("sum median", ",'members':{'cell':{'series':1,'period':'2026-01-06'}}");
  std::ranges::replace(query, '\'', '"');
  const auto parsed = parse_trend(parse_json(query).value(), context);
  ASSERT_TRUE(parsed) << parsed.error().message;
  const auto members = trend_members(world.snapshot(), context, *parsed);
  ASSERT_TRUE(members) << members.error().message;
  ASSERT_EQ(members->all.size(), 2u);
  EXPECT_EQ(members->all[1].count, 1);  // Bob's second order of that day is of no number.
  EXPECT_TRUE(members->counts_events);
}

TEST(Trend, SaysWhatItKeepsOfPercentilesToTheGuard) {
  EventWorld world(orders());
  QueryContext context = world.context();
  const auto run = [&](std::string query, std::size_t bytes_max) {
    std::ranges::replace(query, '\'', '"');
    WorkGuard guard(context.env.clock, {.bytes_max = bytes_max});
    context.guard = &guard;
    const auto parsed = parse_trend(parse_json(query).value(), context);
    auto answer = run_trend(world.snapshot(), context, *parsed);
    EXPECT_EQ(guard.held_bytes(), 0u);
    return answer ? std::string_view() : answer.error().reason;
  };
  EXPECT_EQ(run(of_prices("sum avg min max"), 1'000), "");
  EXPECT_EQ(run(of_prices("sum p95"), 1'000), "memory_limit");
  EXPECT_EQ(run(of_prices("sum p95"), 10'000'000), "");
}

TEST(Trend, WithoutEventsIsAnEmptyAnswerWithAWarning) {
  const auto answer = ask({}, "{'metric':'trend','series':[{'event':'visit'}]}");
  EXPECT_TRUE(answer.periods.empty());
  ASSERT_EQ(answer.warnings.size(), 1u);
  EXPECT_EQ(answer.warnings[0].code, "no_events");
}

}  // namespace
}  // namespace hf::test
