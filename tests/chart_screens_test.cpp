// SPDX-License-Identifier: Apache-2.0
//
// Answers drawn for a terminal: what they say, in both languages, and no wider than it is.
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <sstream>

#include "base/json.h"
#include "cli/answer_csv.h"
#include "cli/funnel_screen.h"
#include "cli/lifecycle_screen.h"
#include "cli/members_screen.h"
#include "cli/plan_screen.h"
#include "cli/retention_screen.h"
#include "cli/segment_size_screen.h"
#include "cli/stickiness_screen.h"
#include "cli/trend_screen.h"

namespace hf {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::Not;

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

BucketPath foreign_bucket() {
  return {{Bucket::Kind::value, std::string(90, 'y') + "\x1b[2J"}, {Bucket::Kind::missing, {}}};
}

FunnelTable funnel_steps(std::vector<std::int64_t> counts) {
  FunnelTable table;
  for (const std::int64_t count : counts) {
    table.steps.push_back({count, {86'400.0 * 40, 9'000, 60}});
  }
  return table;
}

FunnelAnswer funnel_of(FunnelView view) {
  FunnelAnswer answer;
  answer.view = view;
  answer.labels = {"visit", std::string(90, 'z') + "\x1b[2J", "buy"};
  answer.periods = {"2026-01-05", "2026-01-06"};
  answer.complete = {true, false};
  answer.total = funnel_steps({1'234'567, 1'000, 7});
  answer.total.periods = {{1'234'567, 1'000'000}, {7, 0}};
  answer.total.bins = {{0, 0.5, 1'000'000}, {0.5, 3e7, 0}, {3e7, 6e7, 234'567}};
  answer.total.converted = 1'234'567;
  answer.total.seconds = {9e6, 0.25, 5e7};
  answer.has_groups = true;
  answer.groups = {answer.total};
  answer.groups[0].bucket = foreign_bucket();
  return answer;
}

FunnelScreen funnel_screen() {
  FunnelScreen screen{.chart = long_names, .from_step = 1, .to_step = 3};
  screen.chart.period = "day";
  screen.chart.notes = {"people: a condition that is longer than some terminals are wide"};
  screen.steps = funnel_of(FunnelView::steps).labels;
  return screen;
}

SegmentSizeAnswer eight_sets() {
  SegmentSizeAnswer answer;
  answer.known = 9'000'000;
  answer.total.count = 8'000'000;
  for (std::uint32_t i = 0; i < 8; ++i) {
    answer.labels.push_back(std::string(30, 's') + "\x1b[2J");
    answer.total.sets.push_back(1'000'000 + i);
  }
  for (std::uint32_t sets = 1; sets < 256; ++sets) answer.total.exactly_in.push_back({sets, 1'000});
  answer.has_groups = true;
  answer.groups.push_back({.bucket = foreign_bucket(), .count = 5});
  return answer;
}

RetentionAnswer revenue_by_cohort() {
  RetentionAnswer answer;
  answer.aggregate = Aggregate::sum;
  RetentionCohort cohort{.start = "2026-01-05", .size = 1'000'000, .cells = {}};
  for (int k = 0; k < 12; ++k) {
    answer.columns.push_back(std::to_string(k));
    RetentionCell& cell = cohort.cells.emplace_back(500'000, 1'000'000, k < 6);
    cell.value.sum.add(*parse_decimal("1234567.891"));
    answer.total.mean.weighted.push_back({500'000, 1'000'000});
  }
  answer.total.cohorts = {cohort};
  return answer;
}

RetentionAnswer two_windows() {
  RetentionAnswer answer;
  answer.has_windows = true;
  answer.aggregate = Aggregate::avg;
  answer.initial_from = "2026-01-01T00:00:00Z";
  answer.initial_to = "2026-04-01T00:00:00+01:00";
  answer.current_from = "2026-04-01T00:00:00+01:00";
  answer.current_to = "2026-06-30T12:00:00+01:00";
  WindowRetention& w = answer.total.windows;
  w = {.initial = 1'000, .retained = 800, .current = 950, .current_complete = false};
  w.initial_value.sum.add(*parse_decimal("2500"));
  w.current_value.sum.add(*parse_decimal("3000000"));
  answer.has_groups = true;
  answer.groups = {answer.total, answer.total};
  answer.groups[0].bucket = {{Bucket::Kind::value, "DE"}};
  answer.groups[0].windows.retained = 400;
  answer.groups[1].bucket = foreign_bucket();
  answer.groups[1].windows.initial = 0;
  answer.groups[1].windows.retained = 0;
  return answer;
}

TEST(TrendTables, HaveWhatIsNothingEmpty) {
  EXPECT_EQ(trend_csv(two_days_of_orders()),
            "start,complete,series,value,previous\n"
            "2026-01-05,true,sum,-0.1,1234\n2026-01-05,true,A/B,1.25,\n"
            "2026-01-06,false,sum,0,\n2026-01-06,false,A/B,,\n");
  const Terminal terminal{.interactive = true, .width = 60, .color = ColorMode::none};
  const ChartScreen days{.title = "Trend", .period = "day"};
  const std::string screen =
      render_trend(two_days_of_orders(), days, terminal, Words{Language::english});
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
  const Json members =
      parse_json(R"({"members":[{"person":"ann\u001b[2J","ids":["ann","a long one, very long"],)"
                 R"("count":12345678}],"count":12345678,"total":99,"cursor":"123"})")
          .value();
  const RetentionScreen cohorts{.title = long_names.title,
                                .subtitle = long_names.subtitle,
                                .period = "day",
                                .data_end = "2026-01-05",
                                .value_of = "revenue"};
  for (const int width : {30, 36, 50, 60, 80, 100, 200}) {
    for (const Language language : {Language::english, Language::chinese}) {
      SCOPED_TRACE(width);
      const Terminal terminal{.interactive = true, .width = width, .color = ColorMode::none};
      const Words words{language};
      const StickinessScreen screen{.chart = long_names, .from_first_event = true};
      FunnelScreen any_order = funnel_screen();
      any_order.any_order = true;
      TrendAnswer groups = two_days_of_orders();
      groups.has_groups = true;
      groups.groups = {groups.total, groups.total};
      for (TrendTable& group : groups.groups) group.bucket = foreign_bucket();
      const ChartScreen trend_days{.title = std::string(90, 'x') + "\x1b[2J", .period = "day"};
      for (const std::string& shown :
           {render_lifecycle(two_hours(), long_names, terminal, words),
            render_stickiness(histogram, screen, terminal, words),
            render_stickiness(days, screen, terminal, words),
            render_trend(groups, trend_days, terminal, words),
            render_funnel(funnel_of(FunnelView::steps), any_order, terminal, words),
            render_funnel(funnel_of(FunnelView::steps), funnel_screen(), terminal, words),
            render_funnel(funnel_of(FunnelView::trend), funnel_screen(), terminal, words),
            render_funnel(funnel_of(FunnelView::time_to_convert), funnel_screen(), terminal, words),
            render_segment_size(eight_sets(), long_names, terminal, words),
            render_members(members, long_names, terminal, words),
            render_plan(plan, {2}, terminal, words)}) {
        EXPECT_LE(widest_line(shown), width) << shown;
        EXPECT_THAT(shown, Not(HasSubstr("\x1b")));
      }
      if (width < 60) continue;  // A cohort has its name, its size and a cell at least.
      EXPECT_LE(widest_line(render_retention(two_windows(), cohorts, terminal, words)), width);
      EXPECT_LE(widest_line(render_retention(revenue_by_cohort(), cohorts, terminal, words)),
                width);
    }
  }
}

TEST(FunnelScreens, TellWhoCameSoFarAndWhereMostAreLost) {
  FunnelAnswer answer;
  answer.labels = {"visit", "cart", "buy"};
  answer.total = funnel_steps({8, 4, 3});
  const FunnelScreen screen{.chart = {.title = "Funnel", .period = "day"}, .steps = answer.labels};
  const std::string shown = render_funnel(answer, screen, {.width = 80}, Words{Language::english});
  EXPECT_THAT(shown,
              AllOf(testing::ContainsRegex("1 visit +8 +100.0% +(█)+\n"),
                    testing::ContainsRegex("2 cart +4 +50.0% +50.0% +2 h 30 min +(█)+(▌)?(░)+\n"),
                    testing::ContainsRegex("3 buy +3 +37.5% +75.0% +2 h 30 min +(█)+"),
                    HasSubstr("3 of 8 people come all the way: 37.5%."),
                    HasSubstr("Most are lost before step 2 cart: 4 people, 50.0% of those "
                              "at step 1.")));
  EXPECT_THAT(render_funnel(answer, screen, {.width = 80}, Words{Language::chinese}),
              AllOf(HasSubstr("8 人中有 3 走完全程：37.5%。"),
                    HasSubstr("流失最多的是第 2 步（cart）之前：4 人，占第 1 步的 50.0%。"),
                    HasSubstr("2 小时 30 分钟")));
  // Half as many, half as long.
  const auto cells = [&](std::string_view line) {
    const std::size_t at = shown.find(line);
    const std::string row = shown.substr(at, shown.find('\n', at) - at);
    std::size_t count = 0;
    for (std::size_t i = row.find("█"); i != std::string::npos; i = row.find("█", i + 1)) ++count;
    return count;
  };
  EXPECT_EQ(cells("1 visit") / 2, cells("2 cart"));
  // Nobody, and one step alone.
  answer.total = funnel_steps({0, 0, 0});
  EXPECT_THAT(render_funnel(answer, screen, {}, {}), HasSubstr("Nobody takes the first step."));
  answer.labels = {"visit"};
  answer.total = funnel_steps({5});
  const FunnelScreen one{.chart = {.title = "Funnel", .period = "day"}, .steps = answer.labels};
  EXPECT_THAT(render_funnel(answer, one, {}, {}), Not(HasSubstr("lost")));
}

TEST(FunnelScreens, TellRatesOfPeriodsAndTimes) {
  FunnelScreen screen{.chart = {.title = "Funnel", .period = "week"},
                      .steps = {"visit", "cart", "buy"},
                      .from_step = 2,
                      .to_step = 3};
  FunnelAnswer trend;
  trend.view = FunnelView::trend;
  trend.periods = {"2026-01-05", "2026-01-12", "2026-01-19"};
  trend.complete = {true, true, false};
  trend.total.periods = {{10, 5}, {10, 1}, {4, 0}};
  EXPECT_THAT(render_funnel(trend, screen, {.width = 80}, {}),
              AllOf(testing::ContainsRegex("5 Jan 2026 +10 +5 +50.0%"),
                    testing::ContainsRegex("19 Jan 2026~ +4 +0 +0.0%\n"),
                    HasSubstr("came to step 2 cart; completed: to step 3 buy"),
                    HasSubstr("Over 2 finished weeks, 30.0% of those who entered completed (6 / "
                              "20).")));
  FunnelAnswer time;
  time.view = FunnelView::time_to_convert;
  time.total.bins = {{300, 29'000, 2}, {29'000, 57'700, 0}, {57'700, 86'400, 1}};
  time.total.converted = 3;
  time.total.seconds = {29'100, 600, 69'240};
  EXPECT_THAT(render_funnel(time, screen, {.width = 140}, {}),
              AllOf(testing::ContainsRegex("5 min – 8 h 3 min +2 +66.7% +66.7% +(█)+\n"),
                    testing::ContainsRegex("16 h 2 min – 1 d +1 +33.3% +100.0% +(█)+\n"),
                    HasSubstr("3 people came from step 2 cart to step 3 buy: half of them within "
                              "10 min, nine of ten within 19 h 14 min, on average in 8 h 5 min.")));
}

TEST(FunnelScreens, ShowGroupsBelowOneAnother) {
  FunnelAnswer answer;
  answer.labels = {"visit", "cart", "buy"};
  answer.has_groups = true;
  answer.total = funnel_steps({10, 5, 4});
  answer.groups = {funnel_steps({6, 5, 3}), funnel_steps({4, 0, 0})};
  answer.groups[0].bucket = {{Bucket::Kind::value, "DE"}};
  answer.groups[1].bucket = {{Bucket::Kind::missing, {}}};
  const FunnelScreen screen{.chart = {.title = "Funnel", .period = "day"}, .steps = answer.labels};
  EXPECT_THAT(render_funnel(answer, screen, {.width = 80}, {}),
              AllOf(testing::ContainsRegex("group +people +step 2 +step 3\n"),
                    testing::ContainsRegex("DE +6 +83.3% +50.0% +(█)+\n"),
                    testing::ContainsRegex("\\(none\\) +4 +0.0% +0.0%\n"),
                    testing::ContainsRegex("all +10 +50.0% +40.0% +(█)+")));
}

TEST(FunnelScreens, SayByWhichRulesTheyCount) {
  FunnelQuery query;
  EXPECT_EQ(funnel_rules(query, Words{Language::english}),
            "in order, within 14 days of the first step");
  query.order = FunnelOrder::strict;
  query.window = Duration{.ms = 5'400'000};
  query.entry = FunnelEntry::first;
  query.hold_constant = {"sku", "shop"};
  query.exclude.push_back({Matcher::any_event(), 1, 2});
  EXPECT_EQ(funnel_rules(query, Words{Language::english}),
            "one right after the other, within 1 h 30 min of the first step; without any event in "
            "between; with the same sku, shop throughout; first attempts only");
  EXPECT_EQ(funnel_rules(query, Words{Language::chinese}),
            "步骤紧接，中间无其他事件，距第一步 1 小时 30 分钟以内；其间没有 任意事件；各步的 sku, "
            "shop 相同；只计首次尝试");
}

TEST(RetentionScreens, OfTwoWindowsHaveTheirDaysTheirValuesAndALineAGroup) {
  const RetentionScreen screen{.title = "Retention", .period = "day", .value_of = "amount"};
  EXPECT_THAT(render_retention(two_windows(), screen, {.width = 100}, {}),
              AllOf(HasSubstr("  initial window  1 Jan 2026 to 31 Mar 2026\n"),
                    HasSubstr("2026-04-01T00:00:00+01:00 to 2026-06-30T12:00:00+01:00~\n"),
                    HasSubstr("  retention rate  80.0% (800 / 1,000)\n"),
                    HasSubstr("  churn rate      20.0% (200 / 1,000)\n"),
                    HasSubstr("  activity ratio  95.0% (950 / 1,000)\n"),
                    HasSubstr("  initial         mean amount of those people 2.50\n"),
                    HasSubstr("  retained        mean amount of those people 3,750\n"),
                    testing::ContainsRegex("DE +1,000 +400 +40.0% +(█)+"),
                    testing::ContainsRegex("all +1,000 +800 +80.0% +(█)+")));
}

TEST(RetentionScreens, ShowWhatCellsAddUpWithTheFirstColumn) {
  const RetentionScreen screen{.title = "Retention", .period = "day", .value_of = "revenue"};
  EXPECT_THAT(render_retention(revenue_by_cohort(), screen, {.width = 0}, {}),
              AllOf(testing::ContainsRegex("5 Jan 2026 +1,000,000 +1,234,568 +50% +1,234,568"),
                    HasSubstr("sum of revenue and share of the cohort")));
}

TEST(SegmentScreens, TellOverlapsInPairsAndExactly) {
  SegmentSizeAnswer answer;
  answer.known = 10;
  answer.labels = {"bought", "lately", "vip"};
  answer.total.count = 9;
  answer.total.sets = {5, 4, 2};
  answer.total.exactly_in = {{0b001, 3}, {0b010, 2}, {0b111, 1}, {0b011, 1}, {0b100, 1}};
  const ChartScreen chart{.title = "Segment size", .period = "day"};
  EXPECT_THAT(render_segment_size(answer, chart, {.width = 100}, {}),
              AllOf(testing::ContainsRegex("of whom it holds +9 +90.0% +(█)+"),
                    testing::ContainsRegex("A bought +5 +· +2 +40.0% +1 +20.0%\n"),
                    testing::ContainsRegex("B lately +4 +2 +50.0% +· +1 +25.0%\n"),
                    testing::ContainsRegex("C vip +2 +1 +50.0% +1 +50.0% +·\n"),
                    testing::ContainsRegex("● · · +3 +33.3% +(█)+\n"),
                    testing::ContainsRegex("● ● ● +1 +11.1% +(█)+\n"),
                    testing::ContainsRegex("none +1 +11.1%\n")));
  // Where there is no room for numbers, shares; all sets are still there.
  EXPECT_THAT(render_segment_size(eight_sets(), chart, {.width = 72}, {}),
              AllOf(testing::ContainsRegex("A +B +C +D +E +F +G +H\n"),
                    Not(HasSubstr("widen the window"))));
}

TEST(MemberScreens, TellWhoHowManyAndWhereToGoOn) {
  const ChartScreen chart{.title = "Members", .period = "day"};
  const Json data = parse_json(R"({"members":[{"person":"ann","ids":["ann","x1","x2"],"count":3}],)"
                               R"("count":20,"total":51,"cursor":"7"})")
                        .value();
  EXPECT_THAT(render_members(data, chart, {.width = 60}, {}),
              AllOf(testing::ContainsRegex("ann +3 +x1, x2\n"), HasSubstr("1 of 20 shown."),
                    HasSubstr("51 events"), HasSubstr("--cursor 7")));
  const Json none = parse_json(R"({"members":[],"count":0,"total":0,"cursor":null})").value();
  EXPECT_THAT(render_members(none, chart, {.width = 60}, {}),
              AllOf(HasSubstr("0 of 0 shown."), Not(HasSubstr("--cursor"))));
}

TEST(TrendScreens, AlignNumbersOfAColumnAndTellChanges) {
  TrendAnswer answer;
  answer.labels = {"sum", "mean"};
  answer.periods = {"2026-01-05", "2026-01-06"};
  answer.complete = {true, true};
  answer.has_previous = true;
  DecimalSum large;
  large.add(*parse_decimal("1234567.5"));
  DecimalSum small;
  small.add(*parse_decimal("-12.125"));
  answer.total.series = {{{large, small}, large, {small, {}}, {}},
                         {{10.0 / 3, {}}, 2.0, {2.5, 1.0}, 4.0}};
  const ChartScreen chart{.title = "Trend", .period = "day"};
  const std::string screen = render_trend(answer, chart, {.width = 80}, {});
  EXPECT_THAT(screen, AllOf(HasSubstr("  1,234,567.500  "), HasSubstr("        -12.125  "),
                            testing::ContainsRegex("5 Jan 2026 +3.33 +2.50 +[+]33.3%"),
                            testing::ContainsRegex("6 Jan 2026 +- +1.00 +-\n"),
                            HasSubstr("total 2.00; before 4.00, -50.0%")));
}

TEST(TrendScreens, ShowGroupsAsALineEach) {
  TrendAnswer answer;
  answer.labels = {"buy"};
  answer.complete = {true, true, false};
  answer.periods = {"2026-01-05", "2026-01-06", "2026-01-07"};
  const auto counts = [](std::int64_t a, std::int64_t b, std::int64_t c) {
    return TrendTable{{}, {{{a, b, c}, a + b + c, {}, {}}}};
  };
  answer.has_groups = true;
  answer.groups = {counts(8, 4, 0), counts(1, 1, 1)};
  answer.groups[0].bucket = {{Bucket::Kind::value, "DE"}};
  answer.groups[1].bucket = {{Bucket::Kind::other, {}}};
  answer.total = counts(9, 5, 1);
  const ChartScreen chart{.title = "Trend", .period = "day"};
  EXPECT_THAT(render_trend(answer, chart, {.width = 80}, {}),
              AllOf(testing::ContainsRegex("DE +12  █▄·\n"),
                    testing::ContainsRegex("\\(other\\) +3  ███\n"),
                    testing::ContainsRegex("all +15  █▅▁\n"), HasSubstr("all · buy  total 15"),
                    HasSubstr("from 5 Jan 2026 to 7 Jan 2026~")));
}

TEST(Sparkline, TakesNeighboursTogetherWhereThereIsNoRoom) {
  const std::vector<double> shares = {0, 0.125, 1, 0.5};
  EXPECT_EQ(sparkline(shares, 10), "·▁█▄");
  EXPECT_EQ(sparkline(shares, 2), "▁▆");
  EXPECT_EQ(sparkline(shares, 0), "");
  EXPECT_EQ(sparkline({}, 5), "");
}

TEST(ChartFoot, BreaksLinesWithoutBlanksAtTheirEndsAndCutsWhatCannotBeBroken) {
  const Terminal terminal{.width = 12};
  const std::string sentences[] = {"one two three", "3 月 9 日，再见", std::string(30, 'x')};
  EXPECT_EQ(chart_foot(sentences, terminal),
            "  one two\n  three\n  3 月 9\n  日，再见\n  xxxxxxxxx…\n");
}

TEST(PeriodLabel, HasTheTimeWhereSeveralPeriodsBeginOnADate) {
  const Words english{Language::english};
  EXPECT_EQ(period_label("2026-01-05T06:00:00+01:00", "hour", english), "2026-01-05 06:00");
  EXPECT_EQ(period_label("2026-01-05T06:00:00+01:00", "PT6H", english), "2026-01-05 06:00");
  EXPECT_EQ(period_label("2026-01-05", "P14D", english), "5 Jan 2026");
  EXPECT_EQ(period_label("2026-04-01", "quarter", english), "Q2 2026");
}

TEST(DurationText, HasAsManyUnitsAsAskedAndRoundsTheLast) {
  const Words english{Language::english};
  EXPECT_EQ(duration_text(0, english), "0 s");
  EXPECT_EQ(duration_text(0.25, english), "0.2 s");
  EXPECT_EQ(duration_text(45, english), "45 s");
  EXPECT_EQ(duration_text(59.7, english), "1 min");
  EXPECT_EQ(duration_text(3'599.6, english), "1 h");
  EXPECT_EQ(duration_text(3'660, english), "1 h 1 min");
  EXPECT_EQ(duration_text(3'660, english, 1), "1 h");
  EXPECT_EQ(duration_text(86'399, english), "1 d");
  EXPECT_EQ(duration_text(86'400.0 * 400 + 3'600 * 5 + 59, english), "400 d 5 h");
  EXPECT_EQ(duration_text(93'784, english, 4), "1 d 2 h 3 min 4 s");
  EXPECT_EQ(duration_text(93'784, Words{Language::chinese}), "1 天 2 小时");
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

}  // namespace
}  // namespace hf
