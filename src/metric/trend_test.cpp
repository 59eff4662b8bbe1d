// SPDX-License-Identifier: Apache-2.0
//
// Hand-computed cases; docs/metrics.md tells them as worked examples.
#include "metric/trend.h"

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

TEST(Trend, WithoutEventsIsAnEmptyAnswerWithAWarning) {
  const auto answer = ask({}, "{'metric':'trend','series':[{'event':'visit'}]}");
  EXPECT_TRUE(answer.periods.empty());
  ASSERT_EQ(answer.warnings.size(), 1u);
  EXPECT_EQ(answer.warnings[0].code, "no_events");
}

}  // namespace
}  // namespace hf::test
