// SPDX-License-Identifier: Apache-2.0
#include "metric/window_ends.h"

#include <gtest/gtest.h>

#include "base/rng.h"
#include "calendar/time_text.h"
#include "metric/event_world.h"
#include "metric/window_twin.h"

namespace hf::test {
namespace {

std::shared_ptr<const Zone> zone_of(const char* name) {
  return Zone::load(real_env(), name).value();
}

TEST(WindowEnds, AgreeWithTheCalendarAtAnyInstant) {
  Rng rng(7);
  for (const char* name : {"UTC", "Europe/London", "America/St_Johns", "Australia/Lord_Howe",
                           "Asia/Kolkata", "Africa/Casablanca", "Pacific/Apia"}) {
    const auto zone = zone_of(name);
    for (const char* text : {"P1D", "P14D", "P1M", "P1Y", "P1M1D", "P200Y", "PT1H", "PT36H"}) {
      SCOPED_TRACE(std::string(name) + " " + text);
      const Duration length = parse_duration(text).value();
      const Interval begins{utc("1971-03-01T05:00"), utc("2040-06-01")};
      const WindowEnds ends(length, *zone, begins);
      const auto check = [&](TimestampMs t) {
        if (t < begins.from_ms || t >= begins.to_ms) return;
        ASSERT_EQ(ends.end(t), plain_window_end(t, length, *zone)) << format_rfc3339(t, *zone);
      };
      for (int i = 0; i < 20'000; ++i) check(rng.between(begins.from_ms, begins.to_ms - 1));
      // Around the changes of the clock, and one window before them.
      for (const Zone::Transition& change : zone->transitions()) {
        if (change.from_ms < 0) continue;
        for (const std::int64_t minutes : {-61, -31, -1, 0, 1, 29, 31, 59, 61}) {
          for (const std::int64_t days : {0, 1, 14, 28, 30, 31, 32, 365}) {
            check(change.from_ms + minutes * 60'000 - days * ms_per_day);
            check(change.from_ms + minutes * 60'000 - days * ms_per_day - 1);
          }
        }
      }
    }
  }
}

TEST(WindowEnds, ADayAcrossTheClockChangeIsTwentyThreeHours) {
  const auto zone = zone_of("Europe/London");
  const TimestampMs begin = utc("2026-03-28T12:00");
  const WindowEnds day({.days = 1}, *zone, {begin, begin + ms_per_day});
  EXPECT_EQ(day.end(begin), utc("2026-03-29T11:00"));
  const WindowEnds hours({.ms = ms_per_day}, *zone, {begin, begin + ms_per_day});
  EXPECT_EQ(hours.end(begin), utc("2026-03-29T12:00"));
}

TEST(WindowEnds, AMonthFromTheEndOfJanuaryEndsWithFebruary) {
  const WindowEnds month({.months = 1}, *Zone::utc(), {utc("2026-01-01"), utc("2026-03-01")});
  EXPECT_EQ(month.end(utc("2026-01-30T20:00")), utc("2026-02-28T20:00"));
  EXPECT_EQ(month.end(utc("2026-01-31T08:00")), utc("2026-02-28T08:00"));
}

TEST(WindowEnds, OutlivedWindowsAreThoseThatEndBeforeAnEarlierOne) {
  Rng rng(7);
  for (const char* name : {"UTC", "Europe/London", "America/St_Johns"}) {
    const auto zone = zone_of(name);
    for (const char* text : {"P1D", "P14D", "P1M", "PT1H"}) {
      SCOPED_TRACE(std::string(name) + " " + text);
      const Interval begins{utc("2006-01-01"), utc("2006-12-31")};
      const WindowEnds ends(parse_duration(text).value(), *zone, begins);
      TimestampMs latest = 0;
      for (TimestampMs t = begins.from_ms; t < begins.to_ms; t += 60'000) {
        const bool is_outlived = ends.end(t) < latest;
        const bool is_listed = std::ranges::any_of(ends.outlived(), [&](const Interval& interval) {
          return t >= interval.from_ms && t < interval.to_ms;
        });
        ASSERT_EQ(is_listed, is_outlived) << format_rfc3339(t, *zone);
        latest = std::max({latest, ends.end(t), ends.end(t + 59'999)});
      }
    }
  }
}

TEST(WindowEnds, OfAnEmptySpanMayBeBuilt) {
  const WindowEnds ends({.days = 14}, *Zone::utc(), {5, 5});
  (void)ends;
}

}  // namespace
}  // namespace hf::test
