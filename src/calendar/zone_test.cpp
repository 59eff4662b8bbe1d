// SPDX-License-Identifier: Apache-2.0
#include "calendar/zone.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <ctime>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <limits>
#include <optional>
#include <random>

#include "calendar/posix_zone.h"
#include "calendar/time_text.h"

namespace hf {
namespace {

constexpr TimestampMs hour_ms = 3'600'000;

std::shared_ptr<const Zone> load(std::string_view name) {
  auto zone = Zone::load(real_env(), name);
  EXPECT_TRUE(zone.has_value()) << name;
  return zone ? *zone : Zone::utc();
}

TimestampMs utc(std::string_view text) { return parse_rfc3339(text).value(); }
Day date(std::string_view text) { return parse_date(text).value(); }

Day floor_day(std::int64_t local_ms) {
  return static_cast<Day>(local_ms / ms_per_day - (local_ms % ms_per_day < 0 ? 1 : 0));
}

// A TZif file as RFC 9636 lays it out, written in the tests' own way.
struct TzifText {
  char version = '2';
  std::vector<std::int32_t> offsets_s = {0};
  std::vector<std::pair<std::int64_t, unsigned>> transitions = {};  // seconds, index of offset
  std::string footer = {};

  std::string block(std::size_t time_size) const {
    std::string out = "TZif";
    out += version;
    out.append(15, '\0');
    const std::size_t counts[] = {0, 0, 0, transitions.size(), offsets_s.size(), 4};
    for (const std::size_t count : counts) put(out, static_cast<std::int64_t>(count), 4);
    for (const auto& [at_s, type] : transitions) put(out, at_s, time_size);
    for (const auto& [at_s, type] : transitions) out += static_cast<char>(type);
    for (const std::int32_t offset_s : offsets_s) {
      put(out, offset_s, 4);
      out.append(2, '\0');
    }
    return out.append("ABC").append(1, '\0');
  }
  std::string bytes() const {
    if (version == '\0') return block(4);
    TzifText empty;  // Readers of the second block must not look at the first.
    empty.version = version;
    empty.offsets_s = {12'345};
    return empty.block(4) + block(8) + "\n" + footer + "\n";
  }
  static void put(std::string& out, std::int64_t value, std::size_t size) {
    for (std::size_t i = size; i-- > 0;) out += static_cast<char>(value >> (8 * i));
  }
};

Result<std::shared_ptr<const Zone>> parse(std::string_view bytes) {
  return Zone::parse("Test/Zone", std::as_bytes(std::span(bytes)));
}

std::shared_ptr<const Zone> zone_of(const TzifText& text) {
  auto zone = parse(text.bytes());
  EXPECT_TRUE(zone.has_value());
  return zone ? *zone : Zone::utc();
}

// Twins: the definitions of the header, by looking at every step.
std::int32_t scanned_offset_s(const Zone& zone, TimestampMs utc_ms) {
  std::int32_t offset_s = zone.transitions().front().offset_s;
  for (const Zone::Transition& t : zone.transitions()) {
    if (t.from_ms <= utc_ms) offset_s = t.offset_s;
  }
  return offset_s;
}

TimestampMs scanned_start_of_day(const Zone& zone, Day day, TimestampMs step_ms) {
  TimestampMs at = day * ms_per_day - 27 * hour_ms;
  while (floor_day(at + zone.offset_s(at) * 1'000) < day) at += step_ms;
  return at;
}

TimestampMs scanned_from_local(const Zone& zone, std::int64_t local_ms, TimestampMs step_ms) {
  for (TimestampMs at = local_ms - 27 * hour_ms; at <= local_ms + 27 * hour_ms; at += step_ms) {
    if (at + zone.offset_s(at) * 1'000 == local_ms) return at;
  }
  const auto all = zone.transitions();
  for (std::size_t i = 1; i < all.size(); ++i) {
    const TimestampMs before_jump = all[i].from_ms + all[i - 1].offset_s * 1'000;
    const TimestampMs after_jump = all[i].from_ms + all[i].offset_s * 1'000;
    if (before_jump <= local_ms && local_ms < after_jump) {
      return local_ms - all[i - 1].offset_s * 1'000;
    }
  }
  ADD_FAILURE() << "a reading neither shown nor skipped: " << local_ms;
  return 0;
}

// Every zone of the system's directory but the two copies of the whole below it.
std::vector<std::string> system_zone_names() {
  namespace fs = std::filesystem;
  std::vector<std::string> names;
  for (const fs::directory_entry& entry : fs::recursive_directory_iterator("/usr/share/zoneinfo")) {
    if (!entry.is_regular_file()) continue;
    std::string magic(4, '\0');
    std::ifstream(entry.path(), std::ios::binary).read(magic.data(), 4);
    const std::string name = fs::relative(entry.path(), "/usr/share/zoneinfo").string();
    if (magic == "TZif" && !name.starts_with("posix") && !name.starts_with("right/")) {
      names.push_back(name);
    }
  }
  std::ranges::sort(names);
  return names;
}

constexpr std::string_view hard_zones[] = {
    "America/St_Johns", "Pacific/Apia",      "Pacific/Kiritimati", "Australia/Lord_Howe",
    "Africa/Cairo",     "America/Sao_Paulo", "Asia/Gaza",          "America/Scoresbysund",
    "Europe/Dublin",    "Africa/Casablanca", "Asia/Tehran",        "Pacific/Kwajalein",
    "America/Havana",   "Antarctica/Troll",  "Asia/Kathmandu",     "Pacific/Chatham",
    "Europe/London",    "America/New_York",  "Asia/Pyongyang",     "America/Caracas",
    "Asia/Amman",       "America/Asuncion",  "Pacific/Fakaofo",    "America/Godthab"};

class SystemTime {
 public:
  explicit SystemTime(const std::string& zone) {
    ::setenv("TZ", (":" + zone).c_str(), 1);
    ::tzset();
  }
  ~SystemTime() {
    ::unsetenv("TZ");
    ::tzset();
  }
  std::tm at(TimestampMs utc_ms) const {
    const std::time_t seconds = utc_ms / 1'000;
    std::tm out = {};
    ::localtime_r(&seconds, &out);
    return out;
  }
};

TEST(Zone, AgreesWithTheSystemInEveryZone) {
  const std::vector<std::string> names = system_zone_names();
  ASSERT_GT(names.size(), 300u);
  // The system's C library ends its tables in 2037 and follows the footer from there on, as we do.
  const TimestampMs end = utc("2100-12-30T00:00:00Z");
  for (const std::string& name : names) {
    SCOPED_TRACE(name);
    const auto zone = load(name);
    const SystemTime system(name);
    const auto expect_same = [&](TimestampMs at) {
      const std::tm local = system.at(at);
      ASSERT_EQ(zone->offset_s(at), local.tm_gmtoff) << at;
      ASSERT_EQ(zone->local_day(at),
                day_from_civil({local.tm_year + 1900, local.tm_mon + 1, local.tm_mday}));
    };
    for (TimestampMs at = 0; at < end; at += 500 * hour_ms + 7'000) {
      ASSERT_NO_FATAL_FAILURE(expect_same(at));
    }
    for (const Zone::Transition& t : zone->transitions()) {
      if (t.from_ms <= 0 || t.from_ms >= end) continue;
      for (const TimestampMs off : {-hour_ms, TimestampMs{-1'000}, TimestampMs{0}, hour_ms}) {
        ASSERT_NO_FATAL_FAILURE(expect_same(t.from_ms + off));
      }
    }
  }
}

TEST(Zone, KeepsTheDaysAndReadingsOfHardZones) {
  for (const std::string_view name : hard_zones) {
    SCOPED_TRACE(name);
    const auto zone = load(name);
    for (const Zone::Transition& t : zone->transitions()) {
      if (t.from_ms < 0) continue;
      if (t.from_ms > utc("2030-01-01T00:00:00Z") && t.from_ms < utc("2098-01-01T00:00:00Z")) {
        continue;  // More of the same.
      }
      // Monrovia aside, which has its own test, all offsets are whole minutes since 1970.
      ASSERT_EQ(t.offset_s % 60, 0);
      const Day day = zone->local_day(t.from_ms);
      for (Day d = day - 2; d <= day + 2; ++d) {
        ASSERT_EQ(zone->start_of_day(d), scanned_start_of_day(*zone, d, 60'000)) << to_string(d);
      }
      for (TimestampMs local = t.from_ms - 27 * hour_ms; local < t.from_ms + 27 * hour_ms;
           local += 45 * 60'000) {
        ASSERT_EQ(zone->from_local(local), scanned_from_local(*zone, local, 60'000)) << local;
      }
    }
  }
}

TEST(Zone, StartsADayWhereItsDateFirstShows) {
  const struct {
    std::string_view zone;
    std::string_view day;
    std::string_view start;
  } cases[] = {
      {"UTC", "2026-01-31", "2026-01-31T00:00:00Z"},
      {"Europe/Berlin", "2026-03-29", "2026-03-28T23:00:00Z"},
      {"Europe/Berlin", "2026-03-30", "2026-03-29T22:00:00Z"},
      // At 00:01 the clock went back to 23:01: the date showed for one minute first.
      {"America/St_Johns", "2006-10-29", "2006-10-29T00:00:00-02:30"},
      {"America/St_Johns", "2006-10-30", "2006-10-30T00:00:00-03:30"},
      // 30 December 2011 did not exist: same start as the 31st.
      {"Pacific/Apia", "2011-12-29", "2011-12-29T00:00:00-10:00"},
      {"Pacific/Apia", "2011-12-30", "2011-12-31T00:00:00+14:00"},
      {"Pacific/Apia", "2011-12-31", "2011-12-31T00:00:00+14:00"},
      {"Pacific/Apia", "2012-01-01", "2012-01-01T00:00:00+14:00"},
      {"Pacific/Kiritimati", "1994-12-31", "1995-01-01T00:00:00+14:00"},
      {"Pacific/Kiritimati", "1995-01-01", "1995-01-01T00:00:00+14:00"},
      // The clock jumps from 00:00 to 01:00: the day starts at one.
      {"Africa/Cairo", "2024-04-26", "2024-04-26T01:00:00+03:00"},
      // It goes back at 24:00, before the new date shows.
      {"Africa/Cairo", "2024-11-01", "2024-11-01T00:00:00+02:00"},
      {"America/Sao_Paulo", "2018-11-04", "2018-11-04T01:00:00-02:00"},
      {"Australia/Lord_Howe", "2026-04-06", "2026-04-06T00:00:00+10:30"},
      {"Africa/Monrovia", "1971-05-01", "1971-05-01T00:44:30Z"},
  };
  for (const auto& c : cases) {
    EXPECT_EQ(load(c.zone)->start_of_day(date(c.day)), utc(c.start)) << c.zone << ' ' << c.day;
  }
}

TEST(Zone, LetsADateReturnWhenTheClockGoesBackOverMidnight) {
  const auto zone = load("America/St_Johns");
  const TimestampMs back = utc("2006-10-29T00:01:00-02:30");
  EXPECT_EQ(zone->local_day(back - 60'000), date("2006-10-29"));
  EXPECT_EQ(zone->local_day(back - 1), date("2006-10-29"));
  EXPECT_EQ(zone->local_day(back), date("2006-10-28"));
  EXPECT_EQ(zone->local_day(back + 59 * 60'000 - 1), date("2006-10-28"));
  EXPECT_EQ(zone->local_day(back + 59 * 60'000), date("2006-10-29"));
}

TEST(Zone, ReadsLocalTimesThatComeTwiceOrNever) {
  const struct {
    std::string_view zone;
    std::string_view reading;  // As if UTC.
    std::string_view expected;
  } cases[] = {
      {"Europe/Berlin", "2026-01-31T08:00:00Z", "2026-01-31T08:00:00+01:00"},
      {"Europe/Berlin", "2026-10-25T02:30:00Z", "2026-10-25T02:30:00+02:00"},
      {"Europe/Berlin", "2026-10-25T03:00:00Z", "2026-10-25T03:00:00+01:00"},
      {"Europe/Berlin", "2026-03-29T01:59:59Z", "2026-03-29T01:59:59+01:00"},
      {"Europe/Berlin", "2026-03-29T02:00:00Z", "2026-03-29T03:00:00+02:00"},
      {"Europe/Berlin", "2026-03-29T02:59:59Z", "2026-03-29T03:59:59+02:00"},
      {"Europe/Berlin", "2026-03-29T03:00:00Z", "2026-03-29T03:00:00+02:00"},
      {"Australia/Lord_Howe", "2026-10-04T02:15:00Z", "2026-10-04T02:45:00+11:00"},
      {"Pacific/Apia", "2011-12-30T12:00:00Z", "2011-12-31T12:00:00+14:00"},
      {"Asia/Kathmandu", "2026-01-31T00:00:00Z", "2026-01-31T00:00:00+05:45"},
      {"Europe/Berlin", "2100-12-31T23:59:59Z", "2100-12-31T23:59:59+01:00"},
  };
  for (const auto& c : cases) {
    EXPECT_EQ(load(c.zone)->from_local(utc(c.reading)), utc(c.expected)) << c.zone << c.reading;
  }
}

TEST(Zone, WorksOutsideTheValidTimes) {
  const auto zone = load("America/New_York");
  EXPECT_EQ(zone->offset_s(utc("1970-01-01T00:00:00Z") - 1), -18'000);
  EXPECT_EQ(zone->offset_s(-7 * 365 * ms_per_day), -18'000);  // January 1963
  EXPECT_EQ(zone->offset_s(timestamp_end_ms + ms_per_day), -18'000);
  EXPECT_EQ(zone->local_day(0), -1);
  EXPECT_EQ(zone->start_of_day(-1), -ms_per_day + 5 * hour_ms);
  EXPECT_EQ(zone->from_local(-5 * hour_ms), 0);
  EXPECT_EQ(Zone::utc()->local_day(-1), -1);
  EXPECT_EQ(Zone::utc()->local_day(-ms_per_day), -1);
  EXPECT_EQ(Zone::utc()->local_day(-ms_per_day - 1), -2);
}

TEST(Zone, FollowsFootersAsPythonDoes) {
  // Instants (s) and new offsets in 2024, 2038, 2063 and 2100, from Python 3.11's zoneinfo.
  const struct {
    std::string_view footer;
    std::vector<std::pair<std::int64_t, std::int32_t>> changes;
  } cases[] = {
      {"CET-1CEST,M3.5.0,M10.5.0/3",
       {{1711846800, 7200},
        {1729990800, 3600},
        {2153350800, 7200},
        {2172099600, 3600},
        {2942010000, 7200},
        {2960758800, 3600},
        {4109878800, 7200},
        {4128627600, 3600}}},
      {"EST5EDT,M3.2.0,M11.1.0",
       {{1710054000, -14400},
        {1730613600, -18000},
        {2152162800, -14400},
        {2172722400, -18000},
        {2940822000, -14400},
        {2961381600, -18000},
        {4108690800, -14400},
        {4129250400, -18000}}},
      {"EET-2EEST,M4.5.5/0,M10.5.4/24",
       {{1714082400, 10800},
        {1730408400, 7200},
        {2156191200, 10800},
        {2171912400, 7200},
        {2944850400, 10800},
        {2960571600, 7200},
        {4112719200, 10800},
        {4128440400, 7200}}},
      {"IST-2IDT,M3.4.4/26,M10.5.0",
       {{1711670400, 10800},
        {1729983600, 7200},
        {2153174400, 10800},
        {2172092400, 7200},
        {2941833600, 10800},
        {2960751600, 7200},
        {4109702400, 10800},
        {4128620400, 7200}}},
      {"<-02>2<-01>,M3.5.0/-1,M10.5.0/0",
       {{1711846800, -3600},
        {1729990800, -7200},
        {2153350800, -3600},
        {2172099600, -7200},
        {2942010000, -3600},
        {2960758800, -7200},
        {4109878800, -3600},
        {4128627600, -7200}}},
      {"<+1030>-10:30<+11>-11,M10.1.0,M4.1.0",
       {{1712415600, 37800},
        {1728142200, 39600},
        {2153919600, 37800},
        {2169646200, 39600},
        {2942578800, 37800},
        {2958910200, 39600},
        {4110447600, 37800},
        {4126174200, 39600}}},
      {"IST-1GMT0,M10.5.0,M3.5.0/1",
       {{1711846800, 3600},
        {1729990800, 0},
        {2153350800, 3600},
        {2172099600, 0},
        {2942010000, 3600},
        {2960758800, 0},
        {4109878800, 3600},
        {4128627600, 0}}},
      {"AAA3BBB,J60/0,J300",
       {{1709262000, -7200},
        {1730001600, -10800},
        {2151025200, -7200},
        {2171764800, -10800},
        {2939943600, -7200},
        {2960683200, -10800},
        {4107553200, -7200},
        {4128292800, -10800}}},
      // By hand and by the GNU C library: Python takes a zero-based day for the one before.
      {"AAA-4:30:15BBB,59,300/25:30",
       {{1709155785, 19815},
        {1730059185, 16215},
        {2151005385, 19815},
        {2171908785, 16215},
        {2939923785, 19815},
        {2960827185, 16215},
        {4107533385, 19815},
        {4128436785, 16215}}},
      {"<-04>4<-03>,M9.1.6/24,M4.1.6/24",
       {{1712458800, -14400},
        {1725768000, -10800},
        {2153962800, -14400},
        {2167272000, -10800},
        {2943226800, -14400},
        {2955931200, -10800},
        {4110490800, -14400},
        {4123800000, -10800}}},
      {"EET-2EEST,M3.4.4/50,M10.4.4/50",
       {{1711756800, 10800},
        {1729897200, 7200},
        {2153260800, 10800},
        {2172006000, 7200},
        {2941920000, 10800},
        {2960665200, 7200},
        {4109788800, 10800},
        {4128534000, 7200}}},
  };
  for (const auto& c : cases) {
    SCOPED_TRACE(c.footer);
    TzifText text{.version = '3', .footer = std::string(c.footer)};
    text.offsets_s = {parse_posix_zone(c.footer).value().offset_s};
    const auto zone = zone_of(text);
    for (const int year : {2024, 2038, 2063, 2100}) {
      const TimestampMs begin = day_from_civil({year, 1, 1}) * ms_per_day;
      const TimestampMs end = day_from_civil({year + 1, 1, 1}) * ms_per_day;
      std::vector<std::pair<std::int64_t, std::int32_t>> expected;
      for (const auto& change : c.changes) {
        const TimestampMs at = change.first * 1'000;
        if (begin <= at && at < end) expected.push_back(change);
      }
      std::vector<std::pair<std::int64_t, std::int32_t>> got;
      for (const Zone::Transition& t : zone->transitions()) {
        if (begin <= t.from_ms && t.from_ms < end) got.emplace_back(t.from_ms / 1'000, t.offset_s);
      }
      EXPECT_EQ(got, expected) << year;
    }
  }
}

// The twin of Mm.w.d: walks through the month and counts.
TEST(YearlyMoment, FindsWeekdaysAsCountingDoes) {
  for (const int year : {1970, 1999, 2000, 2024, 2037, 2100}) {
    for (int month = 1; month <= 12; ++month) {
      for (int weekday = 0; weekday <= 6; ++weekday) {
        std::vector<Day> found;
        for (int d = 1; d <= days_in_month(year, month); ++d) {
          const Day day = day_from_civil({year, month, d});
          if ((day + 4) % 7 == weekday) found.push_back(day);  // Day 0 was a Thursday.
        }
        for (int week = 1; week <= 5; ++week) {
          const YearlyMoment moment{YearlyMoment::Kind::weekday, month, week, weekday, -3'600};
          const Day expected = week == 5 ? found.back() : found[static_cast<std::size_t>(week - 1)];
          ASSERT_EQ(moment.local_s(year), expected * std::int64_t{86'400} - 3'600);
        }
      }
    }
  }
}

TEST(YearlyMoment, CountsDaysOfTheYear) {
  const auto day = [](YearlyMoment::Kind kind, int n, int year) {
    return to_string(static_cast<Day>(YearlyMoment{kind, 0, 0, n, 0}.local_s(year) / 86'400));
  };
  EXPECT_EQ(day(YearlyMoment::Kind::julian, 1, 2024), "2024-01-01");
  EXPECT_EQ(day(YearlyMoment::Kind::julian, 59, 2024), "2024-02-28");
  EXPECT_EQ(day(YearlyMoment::Kind::julian, 60, 2024), "2024-03-01");
  EXPECT_EQ(day(YearlyMoment::Kind::julian, 60, 2023), "2023-03-01");
  EXPECT_EQ(day(YearlyMoment::Kind::julian, 365, 2024), "2024-12-31");
  EXPECT_EQ(day(YearlyMoment::Kind::zero_based, 0, 2024), "2024-01-01");
  EXPECT_EQ(day(YearlyMoment::Kind::zero_based, 59, 2024), "2024-02-29");
  EXPECT_EQ(day(YearlyMoment::Kind::zero_based, 365, 2024), "2024-12-31");
}

TEST(PosixZone, SummerTimeMayLastAllYear) {
  const auto zone =
      zone_of({.version = '3', .offsets_s = {-14'400}, .footer = "XXX3EDT4,0/0,J365/23"});
  EXPECT_EQ(zone->transitions().size(), 1u);
}

TEST(PosixZone, RefusesWhatBreaksTheGrammar) {
  for (const std::string_view text : {"",
                                      "UTC",
                                      "U0",
                                      "UT0",
                                      "0",
                                      "<>0",
                                      "<+1>0",
                                      "<+01",
                                      "<+01>",
                                      "UTC+",
                                      "UTC25",
                                      "UTC0:60",
                                      "UTC0:00:60",
                                      "UTC0:",
                                      "CET-1CEST",
                                      "CET-1CEST-2",
                                      "CET-1CEST,",
                                      "CET-1CEST,M3.5.0",
                                      "CET-1CEST,M3.5.0,",
                                      "CET-1CEST,M0.5.0,M10.5.0",
                                      "CET-1CEST,M13.5.0,M10.5.0",
                                      "CET-1CEST,M3.0.0,M10.5.0",
                                      "CET-1CEST,M3.6.0,M10.5.0",
                                      "CET-1CEST,M3.5.7,M10.5.0",
                                      "CET-1CEST,M3.5,M10.5.0",
                                      "CET-1CEST,J0,J100",
                                      "CET-1CEST,J366,J100",
                                      "CET-1CEST,366,1",
                                      "CET-1CEST,M3.5.0/168,M10.5.0",
                                      "CET-1CEST,M3.5.0/-168,M10.5.0",
                                      "CET-1CEST,M3.5.0,M10.5.0x",
                                      "CET-1CEST,M3.5.0/,M10.5.0",
                                      "C3T-1",
                                      "CET-1 ",
                                      " CET-1",
                                      "CET99999999999999999999"}) {
    EXPECT_FALSE(parse_posix_zone(text).has_value()) << text;
  }
  for (const std::string_view text :
       {"UTC0", "<+05>-5", "<-0330>+3:30", "AAA-24:59:59", "CET-1CEST,M3.5.0/167,M10.5.0/-167",
        "CET-1CEST-2:30,0,J365/2:30:15"}) {
    EXPECT_TRUE(parse_posix_zone(text).has_value()) << text;
  }
}

// Any table: crowded, far apart, in and out of the valid times.
TEST(Zone, AgreesWithScanningRandomTables) {
  for (unsigned seed = 0; seed < 300; ++seed) {
    SCOPED_TRACE(seed);
    std::mt19937_64 random(seed);
    const auto between = [&](std::int64_t low, std::int64_t high) {
      return std::uniform_int_distribution<std::int64_t>(low, high)(random);
    };
    TzifText text;
    text.version = seed % 4 == 0 ? '\0' : '2';
    text.offsets_s.clear();
    for (int i = 0; i < 5; ++i) {
      text.offsets_s.push_back(static_cast<std::int32_t>(between(-28, 28)) * 1'800);
    }
    // Jumps of up to 28 hours need more room to be read without doubt.
    const bool crowded = seed % 2 == 0;
    std::int64_t at_s = between(-1'000'000, 500'000) * 1'800;
    for (std::int64_t i = between(0, 40); i > 0; --i) {
      text.transitions.emplace_back(at_s, static_cast<unsigned>(between(0, 4)));
      at_s += (crowded ? between(1, 60) : between(100, 2'000)) * 1'800;
    }
    const auto zone = zone_of(text);
    for (std::size_t i = 1; i < zone->transitions().size(); ++i) {
      ASSERT_LT(zone->transitions()[i - 1].from_ms, zone->transitions()[i].from_ms);
      ASSERT_NE(zone->transitions()[i - 1].offset_s, zone->transitions()[i].offset_s);
    }
    for (const auto& [from_s, type] : text.transitions) {
      ASSERT_EQ(zone->offset_s(from_s * 1'000), text.offsets_s[type]);
      const TimestampMs at = from_s * 1'000 + between(-90, 90) * 1'800'000;
      ASSERT_EQ(zone->offset_s(at), scanned_offset_s(*zone, at));
      ASSERT_EQ(zone->local_day(at), floor_day(at + scanned_offset_s(*zone, at) * 1'000));
      const Day day = zone->local_day(at);
      ASSERT_EQ(zone->start_of_day(day), scanned_start_of_day(*zone, day, 1'800'000));
      if (!crowded) {
        ASSERT_EQ(zone->from_local(at), scanned_from_local(*zone, at, 1'800'000)) << at;
      }
    }
  }
}

TEST(ZoneParse, ReadsTheOldestAndTheNewestVersion) {
  for (const char version : {'\0', '2', '3', '4'}) {
    const auto zone = zone_of({.version = version,
                               .offsets_s = {-3'600, 7'200},
                               .transitions = {{1'000'000, 1}, {2'000'000, 0}}});
    ASSERT_EQ(zone->transitions().size(), 3u);
    EXPECT_EQ(zone->offset_s(999'999'999), -3'600);
    EXPECT_EQ(zone->offset_s(1'000'000'000), 7'200);
    EXPECT_EQ(zone->offset_s(2'000'000'000), -3'600);
  }
}

TEST(ZoneParse, FoldsTheBigBangAndWhatChangesNothing) {
  const auto zone =
      zone_of({.offsets_s = {-3'600, 7'200, 7'200},
               .transitions = {{-(std::int64_t{1} << 59), 1}, {5, 2}, {6, 0}, {7, 0}}});
  ASSERT_EQ(zone->transitions().size(), 2u);
  EXPECT_EQ(zone->transitions()[0].offset_s, 7'200);
  EXPECT_EQ(zone->transitions()[1].from_ms, 6'000);
}

TEST(ZoneParse, IgnoresWhatHappensAfter2100) {
  const auto zone = zone_of({.offsets_s = {0, 3'600},
                             .transitions = {{4'133'980'799, 1},
                                             {4'133'980'800, 0},
                                             {std::numeric_limits<std::int64_t>::max(), 1}},
                             .footer = "CET-1CEST,M3.5.0,M10.5.0/3"});
  ASSERT_EQ(zone->transitions().size(), 2u);
  EXPECT_EQ(zone->offset_s(timestamp_end_ms - 1), 3'600);
}

TEST(ZoneParse, RefusesDamage) {
  const auto expect_refused = [](std::string_view what, const std::string& bytes) {
    const auto zone = parse(bytes);
    ASSERT_FALSE(zone.has_value()) << what;
    EXPECT_EQ(zone.error().code, ErrorCode::data_loss) << what;
    EXPECT_EQ(zone.error().reason, "bad_timezone_file") << what;
  };
  const TzifText good{.offsets_s = {0, 3'600}, .transitions = {{5, 1}}, .footer = "UTC0"};
  ASSERT_TRUE(parse(good.bytes()).has_value());
  expect_refused("empty", "");
  expect_refused("no magic", "TZxx" + good.bytes().substr(4));
  TzifText bad = good;
  bad.version = '1';
  expect_refused("unknown version", bad.bytes());
  bad = good;
  bad.offsets_s[1] = 93'600;
  expect_refused("offset over 26 h", bad.bytes());
  bad = good;
  bad.transitions = {{5, 1}, {5, 0}};
  expect_refused("times not increasing", bad.bytes());
  bad = good;
  bad.transitions = {{5, 2}};
  expect_refused("type that is not there", bad.bytes());
  bad = good;
  bad.offsets_s.clear();
  bad.transitions.clear();
  expect_refused("no type", bad.bytes());
  bad = good;
  bad.footer = "UTC0,garbage";
  expect_refused("bad rule", bad.bytes());
  bad = good;
  bad.transitions.clear();
  for (int i = 0; i < 10'001; ++i) bad.transitions.emplace_back(i, i % 2);
  expect_refused("too many transitions", bad.bytes());
  const std::string whole = good.bytes();
  for (std::size_t size = 0; size < whole.size(); ++size) {
    expect_refused("cut short", whole.substr(0, size));
  }
}

TEST(ZoneParse, SurvivesEveryFlippedBitAndCut) {
  std::ifstream file("/usr/share/zoneinfo/Europe/London", std::ios::binary);
  const std::string intact{std::istreambuf_iterator<char>(file), {}};
  ASSERT_GT(intact.size(), 100u);
  const auto ask = [](std::string_view bytes) {
    const auto zone = parse(bytes);
    if (!zone) {
      EXPECT_EQ(zone.error().reason, "bad_timezone_file");
      return;
    }
    for (TimestampMs at = 0; at < timestamp_end_ms; at += timestamp_end_ms / 16) {
      const Day day = (*zone)->local_day(at);
      EXPECT_LE((*zone)->start_of_day(day), at);
      EXPECT_LE(std::abs((*zone)->from_local(at) - at), 27 * hour_ms);
    }
  };
  std::string damaged = intact;
  for (std::size_t i = 0; i < damaged.size(); ++i) {
    for (int bit = 0; bit < 8; ++bit) {
      damaged[i] = static_cast<char>(intact[i] ^ (1 << bit));
      ask(damaged);
    }
    damaged[i] = intact[i];
    ask(std::string_view(intact).substr(0, i));
  }
}

TEST(ZoneLoad, KnowsUtcWithoutAnyFile) {
  ::setenv("TZDIR", "/nonexistent", 1);
  EXPECT_EQ(load("UTC")->name(), "UTC");
  EXPECT_EQ(load("Etc/UTC")->name(), "Etc/UTC");
  EXPECT_EQ(load("Etc/UTC")->offset_s(5), 0);
  EXPECT_FALSE(Zone::load(real_env(), "Europe/London").has_value());
  ::unsetenv("TZDIR");
  EXPECT_EQ(load("Europe/London")->name(), "Europe/London");
}

TEST(ZoneLoad, ReadsBelowTzdir) {
  const std::filesystem::path directory =
      std::filesystem::path(testing::TempDir()) / "holdfast_zone_test";
  std::filesystem::create_directories(directory / "Own");
  std::ofstream(directory / "Own" / "Zone", std::ios::binary)
      << TzifText{.offsets_s = {1'800}, .footer = "<+0030>-0:30"}.bytes();
  std::ofstream(directory / "Broken") << "no zone";
  std::ofstream(directory / "Huge") << std::string((1 << 20) + 1, 'x');
  ::setenv("TZDIR", directory.c_str(), 1);
  EXPECT_EQ(load("Own/Zone")->offset_s(0), 1'800);
  for (const std::string_view name : {"Broken", "Huge"}) {
    const auto zone = Zone::load(real_env(), name);
    ASSERT_FALSE(zone.has_value());
    EXPECT_EQ(zone.error().reason, "bad_timezone_file") << name;
  }
  ::unsetenv("TZDIR");
  std::filesystem::remove_all(directory);
}

TEST(ZoneLoad, RefusesNamesThatAreNone) {
  for (const std::string_view name :
       {"", "/", "/etc/passwd", "../zoneinfo/UTC", "Europe/../UTC", "Europe", "Europe/",
        "Europe//London", "Europe/London ", "Europe/Londo", "europe/london/x", "Europe/London/x",
        "zone.tab", ".", "..", "UTC\n", "right/Europe/London", "Zürich"}) {
    const auto zone = Zone::load(real_env(), name);
    ASSERT_FALSE(zone.has_value()) << name;
    EXPECT_EQ(zone.error().code, ErrorCode::invalid_argument) << name;
    EXPECT_EQ(zone.error().reason, "unknown_timezone") << name;
  }
  EXPECT_FALSE(Zone::load(real_env(), std::string(300, 'a')).has_value());
  EXPECT_FALSE(Zone::load(real_env(), std::string_view("Europe\0London", 13)).has_value());
}

TEST(Earlier, KeepsTheLocalTimeOfDay) {
  const struct {
    std::string_view zone, from;
    std::string_view duration;
    int times;
    std::string_view expected;
  } cases[] = {
      {"Europe/Berlin", "2026-04-09T09:00:00+02:00", "P30D", 1, "2026-03-10T09:00:00+01:00"},
      {"Europe/Berlin", "2026-11-09T09:00:00+01:00", "P30D", 1, "2026-10-10T09:00:00+02:00"},
      {"Europe/Berlin", "2026-04-09T09:00:00+02:00", "PT720H", 1, "2026-03-10T08:00:00+01:00"},
      {"Europe/Berlin", "2026-04-09T09:00:00+02:00", "P10DT1H", 3, "2026-03-10T06:00:00+01:00"},
      // A local time that was skipped, and one that came twice.
      {"Europe/Berlin", "2026-03-30T02:30:00+02:00", "P1D", 1, "2026-03-29T03:30:00+02:00"},
      {"Europe/Berlin", "2026-10-26T02:30:00+01:00", "P1D", 1, "2026-10-25T02:30:00+02:00"},
      {"Europe/Berlin", "2026-10-25T02:30:00+01:00", "PT1S", 1, "2026-10-25T02:29:59+01:00"},
      {"Europe/Berlin", "2026-10-25T02:30:00+01:00", "P1D", 0, "2026-10-25T02:30:00+01:00"},
      // The last day of a month is not carried on from window to window.
      {"UTC", "2026-03-31T12:00:00Z", "P1M", 1, "2026-02-28T12:00:00Z"},
      {"UTC", "2026-03-31T12:00:00Z", "P1M", 2, "2026-01-31T12:00:00Z"},
      {"UTC", "2024-02-29T12:00:00Z", "P1Y", 1, "2023-02-28T12:00:00Z"},
      {"UTC", "2026-03-31T12:00:00Z", "P1M1D", 1, "2026-02-27T12:00:00Z"},
      // The date line: there was no 30 December 2011 in Apia.
      {"Pacific/Apia", "2011-12-31T12:00:00+14:00", "P2D", 1, "2011-12-29T12:00:00-10:00"},
  };
  for (const auto& c : cases) {
    EXPECT_EQ(earlier(utc(c.from), *parse_duration(c.duration), c.times, *load(c.zone)),
              utc(c.expected))
        << c.zone << ' ' << c.from << ' ' << c.duration;
  }
}

TEST(Earlier, ReachesAsFarBackAsDurationsGo) {
  const Duration longest = {
      .months = duration_months_max, .days = duration_days_max, .ms = duration_ms_max};
  const auto zone = load("America/New_York");
  EXPECT_LT(earlier(timestamp_end_ms - 1, longest, 2, *zone), -5'800 * 365 * ms_per_day);
  EXPECT_LT(earlier(0, {.months = 12}, 1'000, *zone), -999 * 365 * ms_per_day);
}

}  // namespace
}  // namespace hf
