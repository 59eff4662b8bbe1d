// SPDX-License-Identifier: Apache-2.0
//
// Hand-computed cases; docs/metrics.md tells the first ones as worked examples.
#include "metric/lifecycle.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <vector>

#include "metric/event_world.h"

namespace hf::test {
namespace {

Result<LifecycleAnswer> try_ask(const std::vector<WorldEvent>& events, std::string query) {
  std::ranges::replace(query, '\'', '"');
  EventWorld world(events);
  const QueryContext context = world.context();
  const auto parsed = parse_lifecycle(parse_json(query).value(), context);
  EXPECT_TRUE(parsed) << parsed.error().message;
  return run_lifecycle(world.snapshot(), context, *parsed);
}
LifecycleAnswer ask(const std::vector<WorldEvent>& events, std::string query) {
  auto answer = try_ask(events, std::move(query));
  EXPECT_TRUE(answer) << answer.error().message;
  return *std::move(answer);
}

// new, returning, resurrecting, dormant
using Row = std::vector<std::int64_t>;
std::vector<Row> rows_of(const LifecycleTable& table) {
  std::vector<Row> rows;
  for (const LifecycleRow& row : table.rows) {
    rows.push_back({row.fresh, row.returning, row.resurrecting, -row.dormant});
  }
  return rows;
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

TEST(LifecycleExample, PersonsAreNewStayComeBackOrGo) {
  const auto answer = ask(visits(), "{'metric':'lifecycle','from':'2026-01-05','to':'2026-01-08'}");
  EXPECT_EQ(rows_of(answer.total),
            (std::vector<Row>{{2, 0, 0, 0}, {1, 1, 0, -1}, {0, 1, 1, -1}, {0, 0, 1, -2}}));
  EXPECT_EQ(answer.total.rows[3].active(), 1);
  EXPECT_TRUE(answer.warnings.empty());
  const std::string json = data_json(answer);
  EXPECT_NE(json.find(R"("dormant":0,"active":2,"quick_ratio":{"numerator":2,"denominator":0,)"
                      R"("rate":null})"),
            std::string::npos)
      << json;
  EXPECT_NE(json.find(R"({"start":"2026-01-08","complete":true,"new":0,"returning":0,)"
                      R"("resurrecting":1,"dormant":-2,"active":1,)"
                      R"("quick_ratio":{"numerator":1,"denominator":2,"rate":0.5}})"),
            std::string::npos)
      << json;
}

WorldEvent profile(std::string person, std::string_view time, const char* trait, WorldValue value) {
  return {std::move(person), "identify", utc(time), {{trait, std::move(value)}}, 0};
}

TEST(LifecycleExample, APersonIsNewWhenItsProfileWasCreated) {
  std::vector<WorldEvent> events = visits();
  events.push_back(profile("ann", "2026-01-07T10:00", "createdAt", text("2026-01-05T08:59:00Z")));
  events.push_back(profile("bob", "2026-01-06T10:00", "created_at", text("2026-01-06")));
  const std::string range = "{'metric':'lifecycle','from':'2026-01-05','to':'2026-01-08'";
  const auto answer = ask(events, range + ",'new_means':'profile_created'}");
  EXPECT_EQ(rows_of(answer.total),
            (std::vector<Row>{{1, 0, 1, 0}, {1, 1, 0, -1}, {0, 1, 1, -1}, {0, 0, 1, -2}}));
  EXPECT_EQ(rows_of(ask(events, range + "}").total)[0], (Row{2, 0, 0, 0}));
}

TEST(LifecycleExample, WhoWasActiveJustBeforeReturnsAlsoWhereTheProfileWasCreated) {
  std::vector<WorldEvent> events = visits();
  events.push_back(profile("ann", "2026-01-05T10:00", "createdAt", text("2026-01-06")));
  const auto answer = ask(events,
                          "{'metric':'lifecycle','from':'2026-01-05','to':'2026-01-06',"
                          "'new_means':'profile_created'}");
  EXPECT_EQ(rows_of(answer.total), (std::vector<Row>{{1, 0, 1, 0}, {1, 1, 0, -1}}));
}

TEST(Lifecycle, TheLatestProfileSaysWhenItWasCreated) {
  // The 5th in seconds, then the 6th in milliseconds, then, after as_of, nothing that can be read.
  const std::vector<WorldEvent> events{
      visit("ann", "2026-01-06T09:00"),
      profile("ann", "2026-01-06T09:00", "createdAt", number("1767571200")),
      profile("ann", "2026-01-07T09:00", "created_at", number("1767657600000")),
      profile("ann", "2026-01-09T09:00", "createdAt", text("long ago"))};
  const auto rows_as_of = [&](const std::string& as_of) {
    const auto answer =
        ask(events, "{'metric':'lifecycle','from':'2026-01-06','to':'2026-01-06','as_of':'" +
                        as_of + "','new_means':'profile_created'}");
    return rows_of(answer.total);
  };
  EXPECT_EQ(rows_as_of("2026-01-06"), (std::vector<Row>{{0, 0, 1, 0}}));
  EXPECT_EQ(rows_as_of("2026-01-08"), (std::vector<Row>{{1, 0, 0, 0}}));
  EXPECT_EQ(rows_as_of("2026-01-09"), (std::vector<Row>{{1, 0, 0, 0}})) << "By its first event.";
}

TEST(Lifecycle, AProfileIsCreatedOnALocalDate) {
  const std::vector<WorldEvent> events{
      visit("ann", "2026-01-06T20:00"),
      profile("ann", "2026-01-06T20:00", "createdAt", text("2026-01-06T19:00:00Z"))};
  const auto answer = ask(events,
                          "{'metric':'lifecycle','from':'2026-01-06','to':'2026-01-07',"
                          "'timezone':'Asia/Kolkata','new_means':'profile_created'}");
  EXPECT_EQ(rows_of(answer.total), (std::vector<Row>{{0, 0, 0, 0}, {1, 0, 0, 0}}));
}

TEST(LifecycleExample, ThePeriodBeforeTheRangeIsLookedAt) {
  const auto answer = ask(visits(), "{'metric':'lifecycle','from':'2026-01-06','to':'2026-01-06'}");
  EXPECT_EQ(rows_of(answer.total), (std::vector<Row>{{1, 1, 0, -1}}));
}

TEST(LifecycleExample, ARowIsAWholePeriodAlsoWhereTheRangeCutsIt) {
  const auto answer =
      ask(visits(), "{'metric':'lifecycle','from':'2026-01-07','to':'2026-01-08','period':'week'}");
  EXPECT_EQ(answer.periods, (std::vector<std::string>{"2026-01-05"}));
  EXPECT_EQ(rows_of(answer.total), (std::vector<Row>{{3, 0, 0, 0}}));
  EXPECT_TRUE(answer.warnings.empty());
}

TEST(LifecycleExample, AMonthlyDurationIsCountedBackFromItsDate) {
  const auto answer =
      ask({visit("ann", "2026-02-28"), visit("ann", "2026-03-31"), visit("bob", "2026-02-27"),
           visit("bob", "2026-03-31")},
          "{'metric':'lifecycle','from':'2026-03-31','to':'2026-04-01','period':'P1M'}");
  EXPECT_EQ(rows_of(answer.total), (std::vector<Row>{{0, 1, 1, 0}}));
}

TEST(LifecycleExample, ABreakdownCountsOnlyEventsThatCarryTheValue) {
  const auto answer = ask({visit("ann", "2026-01-05", "GB"), visit("ann", "2026-01-06", "DE")},
                          "{'metric':'lifecycle','from':'2026-01-05','to':'2026-01-06',"
                          "'breakdown':[{'property':'country'}]}");
  ASSERT_EQ(answer.groups.size(), 2u);
  EXPECT_EQ(answer.groups[0].bucket.front().text, "DE");
  EXPECT_EQ(rows_of(answer.groups[0]), (std::vector<Row>{{0, 0, 0, 0}, {1, 0, 0, 0}}));
  EXPECT_EQ(answer.groups[1].bucket.front().text, "GB");
  EXPECT_EQ(rows_of(answer.groups[1]), (std::vector<Row>{{1, 0, 0, 0}, {0, 0, 0, -1}}));
  EXPECT_EQ(rows_of(answer.total), (std::vector<Row>{{1, 0, 0, 0}, {0, 1, 0, 0}}));
}

TEST(Lifecycle, AGroupOfThoseWhoHaveGoneIsShown) {
  const auto answer = ask({visit("ann", "2026-01-05", "GB")},
                          "{'metric':'lifecycle','from':'2026-01-06','to':'2026-01-07',"
                          "'breakdown':[{'property':'country'}]}");
  ASSERT_EQ(answer.groups.size(), 1u);
  EXPECT_EQ(rows_of(answer.groups[0]), (std::vector<Row>{{0, 0, 0, -1}, {0, 0, 0, 0}}));
}

// Samoa went from 29 to 31 December 2011.
TEST(Lifecycle, ADateTheZoneSkippedIsADayWithoutPersons) {
  const std::vector<WorldEvent> events = {visit("ann", "2011-12-30T09:30"),
                                          visit("ann", "2011-12-30T10:30")};
  const std::string of_day =
      "{'metric':'lifecycle','timezone':'Pacific/Apia','from':'2011-12-31','to':'2011-12-31'";
  EXPECT_EQ(rows_of(ask(events, of_day + "}").total), (std::vector<Row>{{0, 0, 1, 0}}));
  // The hour before midnight is the last one of the 29th all the same.
  const auto by_hour = ask(events, of_day + ",'period':'hour'}");
  ASSERT_EQ(by_hour.periods.size(), 24u);
  EXPECT_EQ(rows_of(by_hour.total)[0], (Row{0, 1, 0, 0}));
  EXPECT_EQ(rows_of(by_hour.total)[1], (Row{0, 0, 0, -1}));
}

// In St John's the 29th of October 2006 went back to the 28th at 00:01.
TEST(Lifecycle, AnEarlierDateThatComesLaterIsTheEarlierPeriod) {
  const auto answer = ask({visit("ann", "2006-10-29T02:30:30"), visit("ann", "2006-10-29T02:45")},
                          "{'metric':'lifecycle','timezone':'America/St_Johns',"
                          "'from':'2006-10-28','to':'2006-10-30'}");
  EXPECT_EQ(rows_of(answer.total), (std::vector<Row>{{1, 0, 0, 0}, {0, 1, 0, 0}, {0, 0, 0, -1}}));
}

TEST(Lifecycle, AnUnfinishedPeriodIsMarked) {
  const auto answer = ask(visits(),
                          "{'metric':'lifecycle','from':'2026-01-05','as_of':"
                          "'2026-01-06T12:00:00Z'}");
  EXPECT_EQ(answer.complete, (std::vector<bool>{true, false}));
  EXPECT_EQ(rows_of(answer.total)[1], (Row{1, 1, 0, -1}));
}

TEST(Lifecycle, WithoutEventsIsAnEmptyAnswerWithAWarning) {
  const auto answer = ask({}, "{'metric':'lifecycle'}");
  EXPECT_TRUE(answer.periods.empty());
  ASSERT_EQ(answer.warnings.size(), 1u);
  EXPECT_EQ(answer.warnings[0].code, "no_events");
}

TEST(Lifecycle, TooManyRowsAreRefusedAtTheLimit) {
  const std::string hours =
      "{'metric':'lifecycle','period':'PT1H','from':'2026-01-01T00:00:00Z','to':'2026-07-28T";
  EXPECT_EQ(ask(visits(), hours + "08:00:00Z'}").periods.size(), 5000u);
  const auto refused = try_ask(visits(), hours + "08:00:00.001Z'}");
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().reason, "too_many_cells");
}

}  // namespace
}  // namespace hf::test
