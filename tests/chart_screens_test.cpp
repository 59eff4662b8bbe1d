// SPDX-License-Identifier: Apache-2.0
//
// Answers drawn for a terminal: what they say, in both languages, and no wider than it is.
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <sstream>

#include "base/json.h"
#include "cli/answer_csv.h"
#include "cli/lifecycle_screen.h"
#include "cli/plan_screen.h"
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

}  // namespace
}  // namespace hf
