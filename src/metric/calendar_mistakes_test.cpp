// SPDX-License-Identifier: Apache-2.0
//
// The mistakes of dates that users of analytics meet, from the question to its answer; see
// classic_mistakes_test.cpp for the others. What zones, grids of periods and windows do by
// themselves is tested in calendar/ and window_ends_test.cpp.
#include <gtest/gtest.h>

#include <sstream>

#include "metric/store_world.h"
#include "metric/told.h"

namespace hf::test {
namespace {

WorldEvent visit(std::string person, std::string_view time) {
  return {std::move(person), "visit", utc(time), {}, 0};
}

/// The same question of these events where they lie by the days of UTC, and where by those of the
/// zone.
class BothPlaces {
 public:
  BothPlaces(const std::vector<WorldEvent>& events, const char* zone)
      : zone_(zone), in_utc_(events), in_zone_(utc("2026-12-31T12:00"), zone) {
    for (const WorldEvent& event : events) in_zone_.add(event);
    in_zone_.flush();
  }
  /// Of a question that ends before its last brace.
  std::string ask(const std::string& question, std::string_view path) {
    const std::string query = fmt::format("{},'timezone':'{}'}}", question, zone_);
    const std::string data = ask_each_way(in_utc_, query);
    EXPECT_EQ(ask_each_way(in_zone_, query), data) << query;
    return told(data, path);
  }

 private:
  const char* zone_;
  EventWorld in_utc_;
  StoreWorld in_zone_;
};

// Buckets a day late: an event at seven in the morning of Shanghai is booked on the day before, as
// it was still yesterday in UTC; where days are cut in UTC and named in the zone it is a day early
// west of Greenwich.
struct Midnight {
  const char* zone;
  const char* last;   // Of 5 January 2026.
  const char* first;  // Of the 6th.
};

TEST(ClassicMistake, ADayIsThatOfTheZoneFromItsMidnightOn) {
  constexpr auto midnights = std::to_array<Midnight>({
      {"Asia/Shanghai", "2026-01-05T15:59:59.999", "2026-01-05T16:00"},
      {"Pacific/Auckland", "2026-01-05T10:59:59.999", "2026-01-05T11:00"},
      {"Pacific/Kiritimati", "2026-01-05T09:59:59.999", "2026-01-05T10:00"},
      {"Asia/Kolkata", "2026-01-05T18:29:59.999", "2026-01-05T18:30"},
      {"Europe/London", "2026-01-05T23:59:59.999", "2026-01-06T00:00"},
      {"America/Los_Angeles", "2026-01-06T07:59:59.999", "2026-01-06T08:00"},
  });
  for (const Midnight& midnight : midnights) {
    SCOPED_TRACE(midnight.zone);
    BothPlaces places({visit("ann", midnight.last), visit("bob", midnight.first)}, midnight.zone);
    const auto ask = [&](const std::string& question, std::string_view path) {
      return places.ask(question + ",'from':'2026-01-04','to':'2026-01-07'", path);
    };
    const std::string trend = "{'metric':'trend','series':[{'event':'visit'}]";
    EXPECT_EQ(ask(trend, "series.0.values.*"), "0 1 1 0");
    EXPECT_EQ(
        ask("{'metric':'trend','series':[{'event':'*','math':'unique'}]", "series.0.values.*"),
        "0 1 1 0");
    EXPECT_EQ(ask(trend, "periods.1"), "2026-01-05");
    EXPECT_EQ(ask("{'metric':'lifecycle'", "periods.*.new"), "0 1 1 0");
    EXPECT_EQ(ask("{'metric':'stickiness','over_time':true", "over_time.*.dau"), "0 1 1 0");
    EXPECT_EQ(ask("{'metric':'retention','entry':'first_time','periods':1", "cohorts.*.size"),
              "0 1 1 0");
    EXPECT_EQ(
        ask("{'metric':'funnel','steps':[{'event':'visit'}],'view':'trend'", "periods.*.entered"),
        "0 1 1 0");
    // A range of dates is of the zone too.
    EXPECT_EQ(places.ask(trend + ",'from':'2026-01-06','to':'2026-01-06'", "series.0.total"), "1");
    EXPECT_EQ(places.ask(trend + ",'from':'2026-01-04','to':'2026-01-05'", "series.0.total"), "1");
    EXPECT_EQ(places.ask(trend + ",'last':'P1D','as_of':'2026-01-06'", "periods.*"), "2026-01-05");
  }
}

TEST(ClassicMistake, AMonthIsThatOfTheZone) {
  // The 1st of February in Shanghai, and still January in UTC.
  BothPlaces places({visit("ann", "2026-01-31T16:30")}, "Asia/Shanghai");
  const std::string month = ",'period':'month','from':'2026-01-01','to':'2026-02-28'";
  EXPECT_EQ(places.ask("{'metric':'trend','series':[{'event':'*'}]" + month, "series.0.values.*"),
            "0 1");
  EXPECT_EQ(places.ask("{'metric':'lifecycle'" + month, "periods.*.new"), "0 1");
  EXPECT_EQ(places.ask("{'metric':'retention','periods':1" + month, "cohorts.*.size"), "0 1");
}

// Days of 23 and 25 hours (or half an hour more) that lose what happened in the hour that is there
// twice, count it twice, or begin and end at another day's midnight.
struct ChangeOfClocks {
  const char* zone;
  const char* before;  // The days around.
  const char* day;
  const char* after;
  int tens;  // Of minutes, of that day.
};

TEST(ClassicMistake, NoEventIsLostOrDoubledWhereClocksChange) {
  constexpr auto changes = std::to_array<ChangeOfClocks>({
      {"Europe/London", "2026-03-28", "2026-03-29", "2026-03-30", 138},
      {"Europe/London", "2026-10-24", "2026-10-25", "2026-10-26", 150},
      {"America/New_York", "2026-03-07", "2026-03-08", "2026-03-09", 138},
      {"America/New_York", "2026-10-31", "2026-11-01", "2026-11-02", 150},
      {"Pacific/Auckland", "2026-04-04", "2026-04-05", "2026-04-06", 150},
      {"Australia/Lord_Howe", "2026-04-04", "2026-04-05", "2026-04-06", 147},
      {"Australia/Lord_Howe", "2026-10-03", "2026-10-04", "2026-10-05", 141},
      // Over midnight: the 6th begins at one o'clock, the 4th has an hour more at its end.
      {"America/Santiago", "2026-09-05", "2026-09-06", "2026-09-07", 138},
      {"America/Santiago", "2026-04-03", "2026-04-04", "2026-04-05", 150},
  });
  for (const ChangeOfClocks& change : changes) {
    SCOPED_TRACE(fmt::format("{} {}", change.zone, change.day));
    // Somebody new every ten minutes of seven days.
    std::vector<WorldEvent> events;
    const TimestampMs begin = utc(change.day) - 3 * ms_per_day;
    for (int i = 0; i < 7 * 144; ++i) {
      events.push_back({fmt::format("person {}", i), "visit", begin + i * 600'000, {}, 0});
    }
    BothPlaces places(events, change.zone);
    const std::string range = fmt::format(",'from':'{}','to':'{}'", change.before, change.after);
    const std::string days = fmt::format("144 {} 144", change.tens);
    const auto ask = [&](const std::string& question, std::string_view path) {
      return places.ask(question + range, path);
    };
    const std::string trend = "{'metric':'trend','series':[{'event':'visit'}]";
    EXPECT_EQ(ask(trend, "series.0.values.*"), days);
    EXPECT_EQ(ask(trend, "series.0.total"), fmt::format("{}", 288 + change.tens));
    EXPECT_EQ(
        ask("{'metric':'trend','series':[{'event':'*','math':'unique'}]", "series.0.values.*"),
        days);
    EXPECT_EQ(ask("{'metric':'lifecycle'", "periods.*.new"), days);
    EXPECT_EQ(ask("{'metric':'stickiness','over_time':true", "over_time.*.dau"), days);
    EXPECT_EQ(ask("{'metric':'retention','periods':1", "cohorts.*.size"), days);
    EXPECT_EQ(ask("{'metric':'funnel','steps':[{'event':'visit'}],'view':'trend','window':'PT1H'",
                  "periods.*.entered"),
              days);
    // By hours: as many rows as the days have, begun ones included, and as many events in all.
    const std::string hours = trend + ",'period':'hour'";
    std::istringstream values(ask(hours, "series.0.values.*"));
    int rows = 0;
    int total = 0;
    for (int value = 0; values >> value; ++rows) {
      total += value;
      EXPECT_TRUE(value == 6 || value == 3) << value;  // An hour, or half of one.
    }
    EXPECT_EQ(rows, 48 + (change.tens + 5) / 6);
    EXPECT_EQ(total, 288 + change.tens);
  }
}

TEST(ClassicMistake, ADayLaterIsTheSameTimeOnTheNextDateWhereClocksChange) {
  // 23 hours later, which is the next date at the same time; back in autumn it is 25. Bob is a
  // second too late; in hours he were not, and those of autumn were.
  const auto buy = [](std::string person, std::string_view time) {
    return WorldEvent{std::move(person), "buy", utc(time), {}, 0};
  };
  EventWorld world({visit("ann", "2026-03-28T12:00"), buy("ann", "2026-03-29T11:00"),
                    visit("bob", "2026-03-28T12:00"), buy("bob", "2026-03-29T11:00:01"),
                    visit("cid", "2026-10-24T11:00"), buy("cid", "2026-10-25T12:00"),
                    visit("dan", "2026-10-24T11:00"), buy("dan", "2026-10-25T11:30")});
  EXPECT_EQ(told(ask_each_way(world,
                              "{'metric':'funnel','timezone':'Europe/London','window':'P1D',"
                              "'steps':[{'event':'visit'},{'event':'buy'}]}"),
                 "steps.*.count"),
            "4 3");
  // Who comes on the next date comes back a day later, whatever the lengths of the days.
  EXPECT_EQ(told(ask_each_way(world,
                              "{'metric':'retention','timezone':'Europe/London','periods':1,"
                              "'from':'2026-03-28','to':'2026-03-28'}"),
                 "cohorts.0.cells.1.count"),
            "2");
}

// Weeks that begin on another day than those of the company's reports: every week's number differs.
TEST(ClassicMistake, AWeekBeginsOnTheDayThatWasAsked) {
  // A Sunday and the Monday after it.
  EventWorld world({visit("ann", "2026-01-04T12:00"), visit("ann", "2026-01-05T12:00")});
  struct Asked {
    const char* week_start;
    const char* starts;
    const char* once;   // Where she counts once a week.
    const char* fresh;  // Where she is new.
    const char* weeks;  // Persons active in 1, 2, .. weeks.
  };
  for (const Asked& asked : {Asked{"monday", "2025-12-29 2026-01-05", "1 1", "1 0", "0 1"},
                             Asked{"sunday", "2026-01-04", "1", "1", "1"}}) {
    SCOPED_TRACE(asked.week_start);
    const auto ask = [&](const std::string& question, std::string_view path) {
      const std::string rest = ",'period':'week','from':'2026-01-04','to':'2026-01-05'";
      const std::string data = ask_each_way(
          world, fmt::format("{}{},'week_start':'{}'}}", question, rest, asked.week_start));
      // The same where the workspace says so.
      QueryContext context = world.context();
      context.default_week_start =
          std::string_view(asked.week_start) == "sunday" ? WeekStart::sunday : WeekStart::monday;
      EXPECT_EQ(ask_data(world.snapshot(), context, quoted(question + rest + "}")), data);
      return told(data, path);
    };
    const std::string trend = "{'metric':'trend','series':[{'event':'*','math':'unique'}]";
    EXPECT_EQ(ask(trend, "periods.*"), asked.starts);
    EXPECT_EQ(ask(trend, "series.0.values.*"), asked.once);
    EXPECT_EQ(ask("{'metric':'lifecycle'", "periods.*.start"), asked.starts);
    EXPECT_EQ(ask("{'metric':'lifecycle'", "periods.*.new"), asked.fresh);
    EXPECT_EQ(ask("{'metric':'retention','periods':1", "cohorts.*.start"), asked.starts);
    EXPECT_EQ(ask("{'metric':'retention','periods':1", "cohorts.*.size"), asked.once);
    EXPECT_EQ(ask("{'metric':'stickiness'", "histogram.*.count"), asked.weeks);
    EXPECT_EQ(
        ask("{'metric':'funnel','steps':[{'event':'visit'}],'view':'trend'", "periods.*.start"),
        asked.starts);
    EXPECT_EQ(told(ask_each_way(world, fmt::format("{},'week_start':'{}','breakdown':"
                                                   "[{{'cohort':'week'}}]}}",
                                                   trend, asked.week_start)),
                   "groups.*.bucket.0"),
              std::string_view(asked.starts).substr(0, 10));
  }
}

}  // namespace
}  // namespace hf::test
