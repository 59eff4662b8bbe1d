// SPDX-License-Identifier: Apache-2.0
#include "calendar/date.h"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <chrono>
#include <limits>

namespace hf {
namespace {

namespace chrono = std::chrono;

CivilDate chrono_civil(Day day) {
  const chrono::year_month_day date{chrono::sys_days{chrono::days{day}}};
  return {static_cast<int>(date.year()), static_cast<int>(static_cast<unsigned>(date.month())),
          static_cast<int>(static_cast<unsigned>(date.day()))};
}

Day date(std::string_view text) { return parse_date(text).value(); }

TEST(CivilDate, AgreesWithChronoOnEveryDayOfTwelveHundredYears) {
  for (Day day = -219'000; day < 219'000; ++day) {
    const CivilDate civil = civil_from_day(day);
    ASSERT_EQ(civil, chrono_civil(day)) << day;
    ASSERT_EQ(day_from_civil(civil), day);
  }
}

TEST(CivilDate, RoundTripsAtTheEndsOfDay) {
  for (const Day day : {std::numeric_limits<Day>::min() + 40'000'000, Day{-719'469}, Day{-719'468},
                        std::numeric_limits<Day>::max() - 40'000'000}) {
    EXPECT_EQ(day_from_civil(civil_from_day(day)), day);
  }
}

TEST(CivilDate, KnowsTheLengthOfMonths) {
  for (int year = 1890; year <= 2410; ++year) {
    for (int month = 1; month <= 12; ++month) {
      const chrono::year_month_day_last last{
          chrono::year{year}, chrono::month_day_last{chrono::month{static_cast<unsigned>(month)}}};
      ASSERT_EQ(days_in_month(year, month), static_cast<int>(static_cast<unsigned>(last.day())));
    }
  }
}

TEST(ParseDate, ReadsWhatToStringWrites) {
  for (Day day = date("1970-01-01"); day <= date("2100-12-31"); ++day) {
    ASSERT_EQ(parse_date(to_string(day)), day);
  }
}

TEST(ParseDate, RefusesEverythingElse) {
  for (const std::string_view text :
       {"",           "2026",       "2026-1-01",  "2026-01-1",  "2026-01-011", "2026/01/01",
        "2026-13-01", "2026-00-01", "2026-01-00", "2026-01-32", "2026-02-29",  "2100-02-29",
        "2026-04-31", "1969-12-31", "2101-01-01", "0000-01-01", " 2026-01-01", "2026-01-01 ",
        "+026-01-01", "2026-0x-01", "20260-1-01"}) {
    EXPECT_EQ(parse_date(text), std::nullopt) << text;
  }
  EXPECT_TRUE(parse_date("2024-02-29").has_value());
  EXPECT_TRUE(parse_date("2000-02-29").has_value());
}

TEST(StartOf, AgreesWithSteppingBackDayByDay) {
  for (Day day = -3'000; day < 3'000; ++day) {
    const auto weekday = [](Day d) { return chrono::weekday{chrono::sys_days{chrono::days{d}}}; };
    Day monday = day;
    while (weekday(monday) != chrono::Monday) --monday;
    Day sunday = day;
    while (weekday(sunday) != chrono::Sunday) --sunday;
    Day month = day;
    while (chrono_civil(month).day != 1) --month;
    Day quarter = month;
    while (chrono_civil(quarter).day != 1 || chrono_civil(quarter).month % 3 != 1) --quarter;
    Day year = quarter;
    while (chrono_civil(year).day != 1 || chrono_civil(year).month != 1) --year;
    ASSERT_EQ(start_of_week(day, WeekStart::monday), monday);
    ASSERT_EQ(start_of_week(day, WeekStart::sunday), sunday);
    ASSERT_EQ(start_of_month(day), month);
    ASSERT_EQ(start_of_quarter(day), quarter);
    ASSERT_EQ(start_of_year(day), year);
  }
}

TEST(AddMonths, CutsToTheLastDayOfTheMonth) {
  const struct {
    std::string_view day;
    int months;
    std::string_view expected;
  } cases[] = {
      {"2026-01-31", 1, "2026-02-28"},   {"2024-01-31", 1, "2024-02-29"},
      {"2024-02-29", 12, "2025-02-28"},  {"2024-02-29", 48, "2028-02-29"},
      {"2026-03-31", -1, "2026-02-28"},  {"2026-01-15", -1, "2025-12-15"},
      {"2026-01-15", -13, "2024-12-15"}, {"2026-12-31", 1, "2027-01-31"},
      {"2026-08-31", 0, "2026-08-31"},   {"1970-01-01", 1200, "2070-01-01"},
  };
  for (const auto& c : cases) {
    EXPECT_EQ(to_string(add_months(date(c.day), c.months)), c.expected) << c.day << c.months;
  }
}

RC_GTEST_PROP(AddMonths, AgreesWithChrono, ()) {
  const Day day = *rc::gen::inRange(-100'000, 100'000);
  const int months = *rc::gen::inRange(-5'000, 5'000);
  const chrono::year_month_day from{chrono::sys_days{chrono::days{day}}};
  chrono::year_month_day to = from + chrono::months{months};
  if (!to.ok()) to = to.year() / to.month() / chrono::last;
  RC_ASSERT(add_months(day, months) == chrono::sys_days{to}.time_since_epoch().count());
}

TEST(ParseDuration, ReadsWholeNumbers) {
  const struct {
    std::string_view text;
    Duration expected;
    std::string_view canonical;
  } cases[] = {
      {"P30D", {0, 30, 0}, "P30D"},
      {"P2W", {0, 14, 0}, "P14D"},
      {"P1Y2M", {14, 0, 0}, "P1Y2M"},
      {"P14M", {14, 0, 0}, "P1Y2M"},
      {"P1Y2M3DT4H5M6S", {14, 3, 14'706'000}, "P1Y2M3DT4H5M6S"},
      {"PT36H", {0, 0, 129'600'000}, "PT36H"},
      {"PT1M", {0, 0, 60'000}, "PT1M"},
      {"PT90S", {0, 0, 90'000}, "PT1M30S"},
      {"P0Y1D", {0, 1, 0}, "P1D"},
      {"P007D", {0, 7, 0}, "P7D"},
      {"P1000Y", {12'000, 0, 0}, "P1000Y"},
      {"P366000D", {0, 366'000, 0}, "P366000D"},
  };
  for (const auto& c : cases) {
    const auto duration = parse_duration(c.text);
    ASSERT_TRUE(duration.has_value()) << c.text;
    EXPECT_EQ(*duration, c.expected) << c.text;
    EXPECT_EQ(to_string(*duration), c.canonical);
  }
  EXPECT_EQ(to_string(Duration{.ms = 1'500}), "PT1.500S");
}

TEST(ParseDuration, RefusesTheRest) {
  for (const std::string_view text : {"",
                                      "P",
                                      "PT",
                                      "P1",
                                      "1D",
                                      "p1D",
                                      "P1d",
                                      "P-1D",
                                      "-P1D",
                                      "P+1D",
                                      "P1.5D",
                                      "P1,5D",
                                      "P0D",
                                      "PT0S",
                                      "P0Y0M",
                                      "P1D1M",
                                      "P1M1Y",
                                      "PT1S1M",
                                      "P1H",
                                      "PT1D",
                                      "P1DT",
                                      "PTT1H",
                                      "PT1HT1M",
                                      "P1W1D",
                                      "P1Y1W",
                                      "P1WT1H",
                                      "P1D1D",
                                      "P1DD",
                                      "PD",
                                      " P1D",
                                      "P1D ",
                                      "P1T1H",
                                      "P1Y2",
                                      "P1001Y",
                                      "P12001M",
                                      "P366001D",
                                      "PT8784001H",
                                      "P99999999999999999999D",
                                      "PT99999999999999999999999S"}) {
    const auto duration = parse_duration(text);
    ASSERT_FALSE(duration.has_value()) << text;
    EXPECT_EQ(duration.error().code, ErrorCode::invalid_argument);
    EXPECT_EQ(duration.error().reason, "invalid_duration");
  }
}

RC_GTEST_PROP(ParseDuration, RoundTrips, ()) {
  const Duration duration{*rc::gen::inRange(0, duration_months_max + 1),
                          *rc::gen::inRange(0, duration_days_max + 1),
                          *rc::gen::inRange<std::int64_t>(0, duration_ms_max / 1'000 + 1) * 1'000};
  RC_PRE(duration != Duration{});
  const auto parsed = parse_duration(to_string(duration));
  RC_ASSERT(parsed.has_value());
  RC_ASSERT(*parsed == duration);
}

}  // namespace
}  // namespace hf
