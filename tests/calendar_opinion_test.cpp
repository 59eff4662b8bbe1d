// SPDX-License-Identifier: Apache-2.0
//
// Local dates against DuckDB's: another program (ICU) and another copy of the zone data. Twenty
// hard zones are asked about every day start of 1970 to 2100 and the milliseconds around it, all
// other zones about the days around their transitions.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <fstream>
#include <iostream>
#include <set>
#include <sstream>
#include <string>
#include <vector>

#include "base/rng.h"
#include "calendar/time_text.h"
#include "calendar/zone.h"
#include "plain_duckdb.h"

namespace hf::test {
namespace {

/// Where the two copies of the zone data may differ: from `from` until before `to`. A difference
/// outside these fails the test. One list for all: a system whose data are newer than tzdata 2025b
/// agrees with DuckDB 1.4.4 here too.
struct KnownDifference {
  std::string_view zone;
  std::string_view from;
  std::string_view to;
};
// tzdata 2025c learned that Baja California had California's summer time in these years.
constexpr auto known_differences = std::to_array<KnownDifference>({
    {"America/Tijuana", "1970-04-26T10:00:00Z", "1970-10-25T09:00:00Z"},
    {"America/Tijuana", "1971-04-25T10:00:00Z", "1971-10-31T09:00:00Z"},
    {"America/Tijuana", "1972-04-30T10:00:00Z", "1972-10-29T09:00:00Z"},
    {"America/Tijuana", "1973-04-29T10:00:00Z", "1973-10-28T09:00:00Z"},
    {"America/Tijuana", "1974-01-06T10:00:00Z", "1974-10-27T09:00:00Z"},
    {"America/Tijuana", "1975-02-23T10:00:00Z", "1975-10-26T09:00:00Z"},
});

constexpr auto hard_zones = std::to_array<const char*>({"UTC",
                                                        "Europe/London",
                                                        "Europe/Dublin",
                                                        "Europe/Moscow",
                                                        "America/New_York",
                                                        "America/St_Johns",
                                                        "America/Caracas",
                                                        "America/Sao_Paulo",
                                                        "America/Tijuana",
                                                        "Australia/Lord_Howe",
                                                        "Pacific/Kiritimati",
                                                        "Pacific/Apia",
                                                        "Pacific/Chatham",
                                                        "Asia/Kathmandu",
                                                        "Asia/Kolkata",
                                                        "Asia/Tehran",
                                                        "Asia/Gaza",
                                                        "Asia/Pyongyang",
                                                        "Africa/Cairo",
                                                        "Africa/Casablanca",
                                                        "Antarctica/Troll"});

std::string shown(TimestampMs t) { return format_rfc3339(t, *Zone::utc()); }

class LocalDays : public testing::TestWithParam<const char*> {
 protected:
  static PlainDuckDb& duckdb() {
    static PlainDuckDb instance;
    return instance;
  }

  /// The dates of `instants` by DuckDB, in their order.
  static std::vector<Day> days_of_duckdb(const std::string& zone,
                                         const std::vector<TimestampMs>& instants) {
    duckdb().load("instants", instants);
    const std::string sql = fmt::format(
        "SELECT CAST(timezone('{}', make_timestamptz(ms * 1000)) AS DATE) FROM instants "
        "ORDER BY rowid",
        zone);
    duckdb_result result;
    EXPECT_NE(duckdb_query(duckdb().connection(), sql.c_str(), &result), DuckDBError)
        << duckdb_result_error(&result);
    std::vector<Day> days;
    days.reserve(instants.size());
    while (duckdb_data_chunk chunk = duckdb_fetch_chunk(result)) {
      const idx_t n = duckdb_data_chunk_get_size(chunk);
      const auto* dates =
          static_cast<duckdb_date*>(duckdb_vector_get_data(duckdb_data_chunk_get_vector(chunk, 0)));
      for (idx_t i = 0; i < n; ++i) days.push_back(dates[i].days);
      duckdb_destroy_data_chunk(&chunk);
    }
    duckdb_destroy_result(&result);
    return days;
  }

  /// Fails for each instant where Zone and DuckDB disagree, unless that is known.
  static void compare(const Zone& zone, std::vector<TimestampMs> instants) {
    std::erase_if(instants, [](TimestampMs t) { return t < 0 || t >= timestamp_end_ms; });
    std::ranges::sort(instants);
    const std::vector<Day> theirs = days_of_duckdb(zone.name(), instants);
    ASSERT_EQ(theirs.size(), instants.size());
    std::array<std::size_t, known_differences.size()> known_counts{};
    int complaints = 0;
    for (std::size_t i = 0; i < instants.size() && complaints < 20; ++i) {
      const TimestampMs t = instants[i];
      if (zone.local_day(t) == theirs[i]) continue;
      const auto known = std::ranges::find_if(known_differences, [&](const KnownDifference& k) {
        return k.zone == zone.name() && parse_rfc3339(k.from).value() <= t &&
               t < parse_rfc3339(k.to).value();
      });
      if (known != known_differences.end()) {
        ++known_counts[known - known_differences.begin()];
        continue;
      }
      ++complaints;
      ADD_FAILURE() << fmt::format("{} at {}: {} here, {} in DuckDB", zone.name(), shown(t),
                                   to_string(zone.local_day(t)), to_string(theirs[i]));
    }
    for (std::size_t i = 0; i < known_counts.size(); ++i) {
      if (known_counts[i] == 0) continue;
      const KnownDifference& k = known_differences[i];
      std::cout << fmt::format("known difference: {} from {} to {}, {} of the instants asked\n",
                               k.zone, k.from, k.to, known_counts[i]);
    }
  }
};

TEST_P(LocalDays, AreThoseOfDuckDbOnEveryDayFrom1970To2100) {
  const auto zone = Zone::load(real_env(), GetParam());
  ASSERT_TRUE(zone) << zone.error().message;
  std::vector<TimestampMs> instants;
  for (Day day = 0; day <= day_from_civil({2100, 12, 31}); ++day) {
    const TimestampMs start = (*zone)->start_of_day(day);
    instants.insert(instants.end(), {start - 1, start, start + 1});
  }
  Rng rng(20'260'131);
  for (int i = 0; i < 5'000; ++i) {
    instants.push_back(rng.between(timestamp_min_ms, timestamp_end_ms - 1));
  }
  compare(**zone, std::move(instants));
}

INSTANTIATE_TEST_SUITE_P(Zones, LocalDays, testing::ValuesIn(hard_zones), [](const auto& param) {
  std::string name = param.param;
  std::erase_if(name, [](char c) { return c == '/' || c == '_'; });
  return name;
});

/// The zones of zone.tab ("GB\t+513030-0000731\tEurope/London\t..") that DuckDB has too.
std::vector<std::string> zones_of_both(PlainDuckDb& duckdb) {
  std::set<std::string> theirs;
  for (const auto& row : duckdb.rows("SELECT name FROM pg_timezone_names()")) {
    theirs.insert(row[0].value());
  }
  const char* directory = std::getenv("TZDIR");
  std::ifstream table(
      fmt::format("{}/zone.tab", directory == nullptr ? "/usr/share/zoneinfo" : directory));
  std::vector<std::string> zones;
  for (std::string line; std::getline(table, line);) {
    if (line.starts_with('#')) continue;
    std::istringstream fields(line);
    std::string name;
    for (int i = 0; i < 3; ++i) std::getline(fields, name, '\t');
    if (theirs.contains(name)) zones.push_back(name);
  }
  return zones;
}

TEST_F(LocalDays, AreThoseOfDuckDbAroundEveryTransitionOfEveryZone) {
  const std::vector<std::string> zones = zones_of_both(duckdb());
  EXPECT_GT(zones.size(), 400u);
  Rng rng(7);
  for (const std::string& name : zones) {
    const auto zone = Zone::load(real_env(), name);
    ASSERT_TRUE(zone) << zone.error().message;
    std::vector<TimestampMs> instants;
    for (const Zone::Transition& transition : (*zone)->transitions()) {
      if (transition.from_ms < timestamp_min_ms) continue;
      // Clocks that go back over midnight leave the date for a while.
      for (const int minutes : {-61, -31, -1, 0, 1, 29, 59, 61}) {
        const TimestampMs t = transition.from_ms + minutes * TimestampMs{60'000};
        instants.insert(instants.end(), {t - 1, t});
      }
      const Day day = (*zone)->local_day(transition.from_ms);
      for (Day near = day - 1; near <= day + 2; ++near) {
        const TimestampMs start = (*zone)->start_of_day(near);
        instants.insert(instants.end(), {start - 1, start});
      }
    }
    // A transition that only DuckDB knows shows at the day starts of its season.
    for (Day day = 0; day <= day_from_civil({2100, 12, 31}); day += 13) {
      const TimestampMs start = (*zone)->start_of_day(day);
      instants.insert(instants.end(), {start - 1, start});
    }
    for (int i = 0; i < 500; ++i) {
      instants.push_back(rng.between(timestamp_min_ms, timestamp_end_ms - 1));
    }
    compare(**zone, std::move(instants));
  }
}

}  // namespace
}  // namespace hf::test
