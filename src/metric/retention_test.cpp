// SPDX-License-Identifier: Apache-2.0
//
// Hand-computed cases, one for each option; docs/metrics.md tells them as worked examples.
#include "metric/retention.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "metric/event_world.h"
#include "metric/query.h"

namespace hf::test {
namespace {

std::string quoted(std::string text) {
  std::ranges::replace(text, '\'', '"');
  return text;
}

// Queries are written with ' for ".
RetentionAnswer ask(const std::vector<WorldEvent>& events, const std::string& query,
                    unsigned threads = 1) {
  EventWorld world(events);
  const QueryContext context = world.context(threads);
  const auto parsed = parse_retention(parse_json(quoted(query)).value(), context);
  EXPECT_TRUE(parsed) << parsed.error().message;
  auto answer = run_retention(world.snapshot(), context, *parsed);
  EXPECT_TRUE(answer) << answer.error().message;
  return *std::move(answer);
}

// One line a cohort: "2026-01-05 3: 3 2 1?", a ? where the cell is not complete.
std::vector<std::string> counts(const RetentionTable& table) {
  std::vector<std::string> lines;
  for (const RetentionCohort& cohort : table.cohorts) {
    std::string line = fmt::format("{} {}:", cohort.start, cohort.size);
    for (const RetentionCell& cell : cohort.cells) {
      line += fmt::format(" {}{}", cell.count, cell.complete ? "" : "?");
    }
    lines.push_back(line);
  }
  return lines;
}
using Lines = std::vector<std::string>;

std::vector<std::string> codes(const RetentionAnswer& answer) {
  std::vector<std::string> codes;
  for (const Warning& warning : answer.warnings) codes.push_back(warning.code);
  return codes;
}

WorldEvent at(std::string person, std::string name, std::string_view time,
              std::vector<std::pair<std::string, WorldValue>> properties = {}, int part = 0) {
  return {std::move(person), std::move(name), utc(time), std::move(properties), part};
}

// Ann, Bob and Cid of the worked examples; 5 January 2026 is a Monday.
std::vector<WorldEvent> three_persons() {
  return {at("ann", "visit", "2026-01-05T09:00"), at("ann", "visit", "2026-01-06T09:00"),
          at("ann", "visit", "2026-01-06T18:00"), at("ann", "visit", "2026-01-08T09:00"),
          at("bob", "visit", "2026-01-05T23:00"), at("bob", "visit", "2026-01-07T08:00"),
          at("cid", "visit", "2026-01-06T12:00"), at("cid", "visit", "2026-01-07T12:00")};
}
const std::string four_days = "'metric':'retention','from':'2026-01-05','to':'2026-01-08'";

TEST(RetentionExample, OfAThousandRegisteredEightHundredActiveIsEightyPercent) {
  std::vector<WorldEvent> events;
  for (int i = 0; i < 1000; ++i) {
    const std::string person = fmt::format("member {}", i);
    events.push_back(at(person, "registered", i % 2 == 0 ? "2026-02-01" : "2026-06-30T23:59:59"));
    if (i < 800) events.push_back(at(person, "visit", "2026-09-15T10:00"));
  }
  for (int i = 0; i < 150; ++i) {
    events.push_back(at(fmt::format("newcomer {}", i), "visit", "2026-09-01"));
  }
  const auto answer = ask(events, R"({'metric':'retention','start':{'event':'registered'},
      'initial':{'from':'2026-01-01','to':'2026-06-30'},
      'current':{'from':'2026-07-01','to':'2026-12-30'}})");
  const WindowRetention& w = answer.total.windows;
  EXPECT_EQ(w.initial, 1000);
  EXPECT_EQ(w.retained, 800);
  EXPECT_EQ(w.current, 950);
  EXPECT_TRUE(w.current_complete);
  EXPECT_NE(
      data_json(answer).find(R"("retention":{"numerator":800,"denominator":1000,"rate":0.8})"),
      std::string::npos);
  EXPECT_NE(data_json(answer).find(R"("churn":{"numerator":200,"denominator":1000,"rate":0.2})"),
            std::string::npos);
  EXPECT_NE(data_json(answer).find(
                R"("activity_ratio":{"numerator":950,"denominator":1000,"rate":0.95})"),
            std::string::npos);
}

TEST(RetentionExample, EveryPeriodCountsAPersonInEachCohortItIsActiveIn) {
  const auto answer = ask(three_persons(), "{" + four_days + ",'periods':3}");
  EXPECT_EQ(counts(answer.total), (Lines{"2026-01-05 2: 2 1 1 1", "2026-01-06 2: 2 1 1 0",
                                         "2026-01-07 2: 2 0 0 0", "2026-01-08 1: 1 0 0 0"}));
  EXPECT_EQ(answer.total.mean.weighted[1].numerator, 2);
  EXPECT_EQ(answer.total.mean.weighted[1].denominator, 7);
  EXPECT_DOUBLE_EQ(answer.total.mean.simple[1].value(), (0.5 + 0.5 + 0 + 0) / 4);
}

TEST(RetentionExample, FirstTimeCountsAPersonOnce) {
  const auto answer = ask(three_persons(), "{" + four_days + ",'entry':'first_time','periods':3}");
  EXPECT_EQ(counts(answer.total), (Lines{"2026-01-05 2: 2 1 1 1", "2026-01-06 1: 1 1 0 0",
                                         "2026-01-07 0: 0 0 0 0", "2026-01-08 0: 0 0 0 0"}));
}

TEST(RetentionExample, FirstTimeLooksBeforeTheRange) {
  auto events = three_persons();
  events.push_back(at("bob", "visit", "2025-06-01"));
  const auto answer = ask(events, "{" + four_days + ",'entry':'first_time','periods':1}");
  EXPECT_EQ(counts(answer.total)[0], "2026-01-05 1: 1 1");
}

TEST(RetentionExample, FirstEverNeedsTheFirstEventOfTheNameToMatch) {
  const std::vector<WorldEvent> events = {at("ann", "buy", "2026-01-05", {{"plan", text("free")}}),
                                          at("ann", "buy", "2026-01-06", {{"plan", text("gold")}}),
                                          at("bob", "buy", "2026-01-05", {{"plan", text("gold")}}),
                                          at("bob", "buy", "2026-01-06", {{"plan", text("free")}})};
  const std::string query =
      "{'metric':'retention','from':'2026-01-05','to':'2026-01-06','periods':1,"
      "'start':{'event':'buy','where':{'property':'plan','op':'eq','value':'gold'}},'entry':";
  EXPECT_EQ(counts(ask(events, query + "'first_time'}").total),
            (Lines{"2026-01-05 1: 1 1", "2026-01-06 1: 1 0"}));
  EXPECT_EQ(counts(ask(events, query + "'first_ever'}").total),
            (Lines{"2026-01-05 1: 1 1", "2026-01-06 0: 0 0"}));
}

TEST(RetentionExample, ADayIsCompleteWhenItIsOver) {
  const auto answer =
      ask(three_persons(),
          "{'metric':'retention','from':'2026-01-05','periods':2,'as_of':'2026-01-06T18:00:00Z'}");
  // On the evening of the 6th: the 5th is over, the 6th is not, the 7th has not begun.
  EXPECT_EQ(counts(answer.total), (Lines{"2026-01-05 2: 2 1? 0?", "2026-01-06 2: 2? 0? 0?"}));
  EXPECT_EQ(answer.total.cohorts[0].cells[1].eligible, 2);
  EXPECT_EQ(answer.total.cohorts[0].cells[2].eligible, 0);
  const auto later = ask(three_persons(),
                         "{'metric':'retention','from':'2026-01-05','to':'2026-01-05','periods':1,"
                         "'as_of':'2026-01-06'}");
  EXPECT_EQ(counts(later.total), (Lines{"2026-01-05 2: 2 1"}));
}

TEST(RetentionExample, OnOrAfterCountsAnyLaterReturn) {
  const auto answer = ask(three_persons(),
                          "{'metric':'retention','from':'2026-01-05',"
                          "'to':'2026-01-06','count_return':'on_or_after','periods':3}");
  EXPECT_EQ(counts(answer.total), (Lines{"2026-01-05 2: 2 2 2 1", "2026-01-06 2: 2 2 1 0"}));
}

TEST(RetentionExample, BracketsJoinPeriods) {
  const auto answer =
      ask(three_persons(),
          "{'metric':'retention','from':'2026-01-05','to':'2026-01-05','brackets':[2,1,3]}");
  EXPECT_EQ(answer.columns, (Lines{"0", "1-2", "3", "4-6"}));
  EXPECT_EQ(counts(answer.total), (Lines{"2026-01-05 2: 2 2 1 0"}));
}

TEST(RetentionExample, MinOccurrencesNeverAppliesToColumnZero) {
  const auto answer = ask(three_persons(),
                          "{'metric':'retention','from':'2026-01-05',"
                          "'to':'2026-01-05','min_occurrences':2,'periods':3}");
  EXPECT_EQ(counts(answer.total), (Lines{"2026-01-05 2: 2 1 0 0"}));
}

TEST(RetentionExample, RollingCountsFromEachPersonsOwnStart) {
  const auto answer = ask(three_persons(), "{" + four_days + ",'window':'rolling','periods':3}");
  // Ann starts on the 5th at 9:00: the 6th at 9:00 is 24 h later. Bob's 7th at 8:00 is 33 h later.
  EXPECT_EQ(counts(answer.total), (Lines{"2026-01-05 2: 2 2 0 1", "2026-01-06 1: 1 1 0 0",
                                         "2026-01-07 0: 0 0 0 0", "2026-01-08 0: 0 0 0 0"}));
}

TEST(RetentionExample, RollingWaitsForEachPersonsWindow) {
  const auto answer = ask(three_persons(),
                          "{'metric':'retention','from':'2026-01-05','to':'2026-01-05','window':"
                          "'rolling','periods':1,'as_of':'2026-01-07T12:00:00Z'}");
  // Ann's second day ended on the 7th at 9:00; Bob's ends at 23:00, so that his visit waits.
  const RetentionCell& cell = answer.total.cohorts[0].cells[1];
  EXPECT_EQ(cell.count, 1);
  EXPECT_EQ(cell.eligible, 1);
  EXPECT_FALSE(cell.complete);
}

TEST(RetentionExample, PeriodsOfAWeekBeginWhereTheWorkspaceSays) {
  const std::vector<WorldEvent> events = {at("ann", "visit", "2026-01-04T12:00"),
                                          at("ann", "visit", "2026-01-05T12:00")};
  const std::string query =
      "{'metric':'retention','period':'week','periods':1,'from':'2026-01-04','to':'2026-01-05'";
  EXPECT_EQ(counts(ask(events, query + "}").total),
            (Lines{"2025-12-29 1: 1 1", "2026-01-05 1: 1 0"}));
  EXPECT_EQ(counts(ask(events, query + ",'week_start':'sunday'}").total),
            (Lines{"2026-01-04 1: 1 0"}));
}

TEST(RetentionExample, ValuesAddUpExactly) {
  const std::vector<WorldEvent> events = {
      at("ann", "buy", "2026-01-05", {{"amount", number("0.10")}}),
      at("ann", "buy", "2026-01-06", {{"amount", number("0.20")}}),
      at("ann", "buy", "2026-01-06T08:00", {{"amount", text("99")}}),
      at("bob", "buy", "2026-01-05", {{"amount", number("5")}}),
      at("bob", "buy", "2026-01-06", {{"amount", number("0.1")}})};
  const std::string query =
      "{'metric':'retention','from':'2026-01-05','to':'2026-01-05',"
      "'periods':1,'min_occurrences':9,'value':";
  const auto count = ask(events, query + "{'aggregate':'count'}}");
  EXPECT_EQ(count.total.cohorts[0].cells[0].value.events, 2);
  EXPECT_EQ(count.total.cohorts[0].cells[1].value.events, 3);
  const auto sum = ask(events, query + "{'aggregate':'sum','property':'amount'}}");
  EXPECT_EQ(sum.total.cohorts[0].cells[0].value.sum.to_string(), "5.1");
  EXPECT_EQ(sum.total.cohorts[0].cells[1].value.sum.to_string(), "0.3");
  EXPECT_EQ(sum.total.cohorts[0].cells[1].count, 2);
  const auto avg = ask(events, query + "{'aggregate':'avg','property':'amount'}}");
  EXPECT_NE(data_json(avg).find(R"({"count":2,"eligible":2,"complete":true,"value":0.15})"),
            std::string::npos)
      << data_json(avg);
}

TEST(RetentionExample, ATraitCountsOncePerReturningPersonByItsLatestValue) {
  const std::vector<WorldEvent> events = {
      at("ann", "identify", "2026-01-01", {{"seats", number("3")}}),
      at("ann", "identify", "2026-01-09", {{"seats", number("5")}}),
      at("ann", "visit", "2026-01-05"),
      at("ann", "visit", "2026-01-06T01:00"),
      at("ann", "visit", "2026-01-06T02:00"),
      at("bob", "identify", "2026-01-01", {{"seats", number("7")}}),
      at("bob", "visit", "2026-01-05")};
  const auto answer = ask(events,
                          "{'metric':'retention','from':'2026-01-05','to':'2026-01-05',"
                          "'periods':1,'value':{'aggregate':'sum','trait':'seats'}}");
  EXPECT_EQ(answer.total.cohorts[0].cells[0].value.sum.to_string(), "12");
  EXPECT_EQ(answer.total.cohorts[0].cells[1].value.sum.to_string(), "5");
}

TEST(RetentionExample, ABreakdownAsksStartAndReturnToCarryTheValue) {
  const auto by = [](const char* country) {
    return std::vector<std::pair<std::string, WorldValue>>{{"country", text(country)}};
  };
  const std::vector<WorldEvent> events = {
      at("ann", "visit", "2026-01-05", by("GB")), at("ann", "visit", "2026-01-06", by("DE")),
      at("bob", "visit", "2026-01-05", by("GB")), at("bob", "visit", "2026-01-06", by("GB")),
      at("cid", "visit", "2026-01-05"),           at("dan", "visit", "2026-01-05", by("FR")),
      at("dan", "visit", "2026-01-06", by("FR"))};
  const std::string query =
      "{'metric':'retention','from':'2026-01-05','to':'2026-01-05',"
      "'periods':1,'breakdown':[{'property':'country','top':2}]";
  const auto answer = ask(events, query + "}");
  ASSERT_EQ(answer.groups.size(), 3u);
  EXPECT_EQ(answer.groups[0].bucket, (BucketPath{{Bucket::Kind::value, "GB"}}));
  EXPECT_EQ(counts(answer.groups[0]), (Lines{"2026-01-05 2: 2 1"}));
  EXPECT_EQ(answer.groups[1].bucket.front().kind, Bucket::Kind::missing);
  EXPECT_EQ(counts(answer.groups[1]), (Lines{"2026-01-05 1: 1 0"}));
  EXPECT_EQ(answer.groups[2].bucket.front().kind, Bucket::Kind::other);
  EXPECT_EQ(counts(answer.groups[2]), (Lines{"2026-01-05 1: 1 1"}));
  EXPECT_EQ(counts(answer.total), (Lines{"2026-01-05 4: 4 3"}));
  // first_ever: the person is in the bucket of its first start, whatever its returns carry.
  const auto first_ever = ask(events, query + ",'entry':'first_ever'}");
  EXPECT_EQ(counts(first_ever.groups[0]), (Lines{"2026-01-05 2: 2 2"}));
}

TEST(RetentionExample, AnHourNeverCrossesMidnight) {
  // Lord Howe turned back by half an hour on 5 April 2026 at 2:00: that day has 24.5 hours.
  const std::vector<WorldEvent> events = {at("ann", "visit", "2026-04-05T13:15"),
                                          at("ann", "visit", "2026-04-05T13:45")};
  const auto answer = ask(events,
                          "{'metric':'retention','period':'hour','periods':1,"
                          "'timezone':'Australia/Lord_Howe','from':'2026-04-05',"
                          "'to':'2026-04-06'}");
  ASSERT_EQ(answer.total.cohorts.size(), 25u + 24u);
  EXPECT_EQ(counts(answer.total)[24], "2026-04-05T23:30:00+10:30 1: 1 1");
  EXPECT_EQ(counts(answer.total)[25], "2026-04-06T00:00:00+10:30 1: 1 0");
}

TEST(RetentionExample, AMonthlyDurationKeepsItsDayOfTheMonth) {
  const std::vector<WorldEvent> events = {at("ann", "visit", "2026-01-31")};
  const auto answer = ask(events,
                          "{'metric':'retention','period':'P1M','periods':1,"
                          "'from':'2026-01-31','to':'2026-04-30'}");
  EXPECT_EQ(counts(answer.total), (Lines{"2026-01-31 1: 1 0", "2026-02-28 0: 0 0",
                                         "2026-03-31 0: 0 0", "2026-04-30 0: 0 0"}));
}

TEST(RetentionExample, ARangeThatCutsAPeriodIsToldOf) {
  const auto answer = ask(three_persons(),
                          "{'metric':'retention','period':'week','periods':1,"
                          "'from':'2026-01-06','to':'2026-01-08'}");
  EXPECT_EQ(codes(answer), (Lines{"first_period_partial", "last_period_partial"}));
  EXPECT_EQ(counts(answer.total), (Lines{"2026-01-05 3: 3 0"}));
}

TEST(RetentionExample, LastCountsWholeDaysUpToYesterday) {
  const auto answer = ask(three_persons(),
                          "{'metric':'retention','last':'P2D','periods':1,"
                          "'as_of':'2026-01-08T10:00:00Z'}");
  EXPECT_EQ(counts(answer.total), (Lines{"2026-01-06 2: 2 1", "2026-01-07 2: 2 0?"}));
}

TEST(Retention, WithoutEventsIsAnEmptyAnswerWithAWarning) {
  const auto answer = ask({}, "{'metric':'retention'}");
  EXPECT_TRUE(answer.total.cohorts.empty());
  EXPECT_EQ(answer.columns, (Lines{"0", "1"}));
  EXPECT_EQ(codes(answer), (Lines{"no_events"}));
  const auto other = ask(three_persons(),
                         "{'metric':'retention','start':{'event':'never'},"
                         "'from':'2026-01-05','to':'2026-01-06','periods':1}");
  EXPECT_EQ(counts(other.total), (Lines{"2026-01-05 0: 0 0", "2026-01-06 0: 0 0"}));
  EXPECT_EQ(codes(other), (Lines{"no_events"}));
}

TEST(Retention, DefaultPeriodsReachFromTheFirstRowToAsOf) {
  const auto columns = [](const std::string& rest) {
    return ask(three_persons(), "{'metric':'retention'" + rest + "}").columns.size();
  };
  EXPECT_EQ(columns(",'as_of':'2026-01-05'"), 2u);
  EXPECT_EQ(columns(",'as_of':'2026-01-08'"), 4u);
  EXPECT_EQ(columns(",'as_of':'2026-12-01'"), 31u);
  EXPECT_EQ(columns(",'as_of':'2026-12-01','period':'week'"), 13u);
  EXPECT_EQ(columns(",'as_of':'2026-12-01','period':'quarter'"), 4u);
  EXPECT_EQ(columns(",'as_of':'2026-01-05','from':'2026-01-01','to':'2026-01-03'"), 5u);
}

TEST(Retention, EqualTimesCountInArrivalOrder) {
  // The first part's event arrived first, though the second was given first.
  const std::vector<WorldEvent> events = {
      at("ann", "buy", "2026-01-05", {{"plan", text("gold")}}, 1),
      at("ann", "buy", "2026-01-05", {{"plan", text("free")}}, 0)};
  const std::string query =
      "{'metric':'retention','from':'2026-01-05','to':'2026-01-05','periods':1,"
      "'entry':'first_ever','start':{'event':'buy','where':{'property':'plan','op':'eq','value':";
  EXPECT_EQ(counts(ask(events, query + "'gold'}}}").total), (Lines{"2026-01-05 0: 0 0"}));
  EXPECT_EQ(counts(ask(events, query + "'free'}}}").total), (Lines{"2026-01-05 1: 1 0"}));
}

TEST(Retention, NumbersTooBigAreLeftOutAndToldOf) {
  const std::vector<WorldEvent> events = {
      at("ann", "buy", "2026-01-05", {{"amount", stored(ValueKind::big_number, "1e40")}}),
      at("ann", "buy", "2026-01-05", {{"amount", number("2")}})};
  const auto answer = ask(events,
                          "{'metric':'retention','from':'2026-01-05','to':'2026-01-05',"
                          "'periods':1,'value':{'aggregate':'sum','property':'amount'}}");
  EXPECT_EQ(answer.total.cohorts[0].cells[0].value.sum.to_string(), "2");
  EXPECT_EQ(codes(answer), (Lines{"numbers_too_big"}));
}

TEST(Retention, WindowsThatOverlapAreToldOf) {
  const auto answer = ask(three_persons(),
                          "{'metric':'retention','initial':{'from':'2026-01-05','to':'2026-01-06'},"
                          "'current':{'from':'2026-01-06','to':'2026-01-07'}}");
  EXPECT_EQ(codes(answer), (Lines{"windows_overlap"}));
  EXPECT_EQ(answer.total.windows.retained, 3);
}

TEST(Retention, TooManyCellsAreRefusedAtTheLimit) {
  EventWorld world(three_persons());
  const QueryContext context = world.context();
  const auto reason = [&](const std::string& query) {
    const auto answer = answer_query(world.snapshot(), context, quoted(query));
    return answer ? "answered" : std::string(answer.error().reason);
  };
  // 5,000 hours are 208 days and 8 hours.
  EXPECT_EQ(reason("{'metric':'retention','period':'hour','from':'2026-01-01T00:00:00Z',"
                   "'to':'2026-07-28T08:00:00Z','periods':1}"),
            "answered");
  EXPECT_EQ(reason("{'metric':'retention','period':'hour','from':'2026-01-01T00:00:00Z',"
                   "'to':'2026-07-28T09:00:00Z','periods':1}"),
            "too_many_cells");
  EXPECT_EQ(reason("{'metric':'retention','from':'2026-01-01','to':'2026-01-05','periods':4999}"),
            "answered");
  EXPECT_EQ(reason("{'metric':'retention','from':'2026-01-01','to':'2026-01-05','periods':5000}"),
            "too_many_cells");
  EXPECT_EQ(reason("{'metric':'retention','from':'2020-01-01','to':'2025-12-31','periods':1000}"),
            "too_many_cells");
}

}  // namespace
}  // namespace hf::test
