// SPDX-License-Identifier: Apache-2.0
#include "predicate/people.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <bit>
#include <chrono>
#include <string>
#include <vector>

#include "base/sim_env.h"
#include "predicate/life.h"
#include "predicate/people_world.h"

namespace hf::test {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

TimestampMs utc(std::string_view time) { return instant(time, *Zone::utc()); }

PeopleEvent event(int owner, std::string name, std::string_view time,
                  std::vector<std::pair<std::string, Scalar>> properties = {}) {
  return {.owner = owner,
          .name = std::move(name),
          .time_ms = utc(time),
          .properties = std::move(properties)};
}

class Asking {
 public:
  explicit Asking(std::vector<PeopleEvent> events, std::string_view zone = "UTC")
      : zone_(zone_of(zone)) {
    tell(std::move(events));
  }
  Asking() = default;

  void tell(std::vector<PeopleEvent> events, bool is_first_seen = false) {
    world_.add_part(std::move(events), is_first_seen, {}, {});
  }
  PeopleWorld& world() { return world_; }

  std::vector<int> find(const std::string& json, std::string_view as_of = "2026-06-30T12:00") {
    const auto predicate = parse_people_predicate(json_of(json), "");
    EXPECT_TRUE(predicate) << json << ": " << predicate.error().message;
    const auto people = find_people(world_.snapshot(), *predicate, scope(as_of));
    EXPECT_TRUE(people);
    return members(*people);
  }
  std::vector<int> known(std::string_view as_of = "2026-06-30T12:00") {
    return members(known_people(world_.snapshot(), scope(as_of)).value());
  }

 private:
  PeopleScope scope(std::string_view as_of) {
    return {.zone = zone_.get(), .as_of_ms = utc(as_of), .guard = &guard_};
  }
  static std::vector<int> members(const PersonBitmap& people) {
    std::vector<int> found;
    for (PersonOrdinal person = 0; person < world_owners; ++person) {
      if (people.contains(person)) found.push_back(static_cast<int>(person));
    }
    EXPECT_EQ(people.size(), found.size()) << "nobody else";
    return found;
  }

  std::shared_ptr<const Zone> zone_ = Zone::utc();
  WorkGuard guard_;
  PeopleWorld world_;
};

TEST(FindPeople, WhoFilledCartsAndDidNotBuy) {
  Asking shop({
      event(0, "cart", "2026-05-31T12:00"),  // To the minute 30 days.
      event(0, "cart", "2026-06-20T12:00"), event(0, "cart", "2026-06-30T12:00"),
      event(0, "buy", "2026-06-16T11:59:59.999Z"),   // Just more than 14 days.
      event(1, "cart", "2026-05-31T11:59:59.999Z"),  // A moment too early.
      event(1, "cart", "2026-06-20T12:00"), event(1, "cart", "2026-06-30T12:00"),
      event(2, "cart", "2026-06-20T12:00"), event(2, "cart", "2026-06-20T12:00"),
      event(2, "cart", "2026-06-20T12:00"),
      event(2, "buy", "2026-06-16T12:00"),  // To the minute 14 days.
      event(3, "cart", "2026-06-28T12:00"), event(3, "cart", "2026-06-29T12:00"),
      event(3, "cart", "2026-06-30T12:00:00.001Z"),  // Not yet.
  });
  shop.tell({event(3, "view", "2026-06-01T12:00"), event(4, "cart", "2026-06-29T12:00"),
             event(4, "cart", "2026-06-29T12:00")});
  shop.tell({event(4, "cart", "2026-06-29T12:00"), event(5, "buy", "2026-06-29T12:00")});
  EXPECT_THAT(shop.find(R"({'all':[{'did':{'event':'cart'},'count':{'gte':3},'within':'P30D'},
                                   {'did_not':{'event':'buy'},'within':'P14D'}]})"),
              ElementsAre(0, 4));
}

TEST(FindPeople, WhoDidNotIsSomebodyWhoIsKnown) {
  Asking shop({event(0, "view", "2026-06-01T00:00"), event(1, "buy", "2026-06-01T00:00"),
               event(2, "view", "2026-07-01T00:00"), event(3, "identify", "2026-06-01T00:00")});
  EXPECT_THAT(shop.known(), ElementsAre(0, 1, 3));
  EXPECT_THAT(shop.find(R"({'did_not':{'event':'buy'}})"), ElementsAre(0, 3));
  EXPECT_THAT(shop.find(R"({'not':{'any':[{'did':{'event':'buy'}},{'trait':'plan','op':'eq',
                                           'value':'pro'}]}})"),
              ElementsAre(0, 3));
  EXPECT_THAT(shop.find(R"({'trait':'plan','op':'ne','value':'pro'})"), ElementsAre(0, 1, 3));
  EXPECT_THAT(shop.find(R"({'all':[]})"), ElementsAre(0, 1, 3));
}

TEST(FindPeople, OfNothingFindsNobody) {
  Asking shop;
  EXPECT_THAT(shop.find(R"({'did_not':{'event':'buy'}})"), IsEmpty());
  EXPECT_THAT(shop.find(R"({'trait':'plan','op':'not_exists'})"), IsEmpty());
}

TEST(FindPeople, BeforeEverythingFindsNobody) {
  Asking shop({event(0, "buy", "2026-06-01T00:00")});
  shop.tell({event(1, "view", "2026-06-02T00:00")});
  constexpr auto before = "2026-05-31T23:59:59.999Z";
  EXPECT_THAT(shop.find(R"({'did_not':{'event':'buy'}})", before), IsEmpty());
  EXPECT_THAT(shop.find(R"({'did':{'event':'buy'},'count':{'lte':5}})", before), IsEmpty());
  EXPECT_THAT(shop.find(R"({'did':{'event':'buy'}})", "2026-06-01T00:00"), ElementsAre(0));
}

TEST(FindPeople, WhoWasFirstKeepsThatPlaceThoughItWasPurged) {
  Asking shop;
  shop.tell({event(0, "buy", "2026-01-01T00:00"), event(2, "buy", "2026-06-28T00:00")}, true);
  shop.tell({event(0, "buy", "2026-06-29T00:00"), event(1, "buy", "2026-06-29T00:00")});
  EXPECT_THAT(shop.known(), ElementsAre(0, 1)) << "of 2 there is nothing left";
  EXPECT_THAT(shop.find(R"({'first':{'event':'buy'},'within':'P7D'})"), ElementsAre(1));
  EXPECT_THAT(shop.find(R"({'did':{'event':'buy'},'count':{'gte':2}})"), IsEmpty())
      << "what was purged does not count";
}

TEST(FindPeople, AWindowHasItsFirstMillisecond) {
  Asking shop({event(0, "buy", "2026-06-23T12:00"), event(1, "buy", "2026-06-23T11:59:59.999Z"),
               event(2, "buy", "2026-06-01T00:00"), event(2, "buy", "2026-06-23T12:00")});
  const auto first_and_third = ElementsAre(0, 2);
  EXPECT_THAT(shop.find(R"({'did':{'event':'buy'},'within':'P7D'})"), first_and_third);
  EXPECT_THAT(shop.find(R"({'sequence':[{'event':'buy'}],'within':'P7D'})"), first_and_third);
  EXPECT_THAT(shop.find(R"({'change':{'event':'buy'},'of':'count','within':'P7D','against':1,
                           'op':'gte','ratio':1})"),
              first_and_third);
  EXPECT_THAT(shop.find(R"({'first':{'event':'buy'},'within':'P7D'})"), ElementsAre(0));
  // A period ends with its last millisecond and begins after that of the one before.
  EXPECT_THAT(shop.find(R"({'regularly':{'event':'buy'},
                           'periods':{'of':'week','at_least':1,'last':1}})"),
              IsEmpty());
}

TEST(FindPeople, AWindowMayBeginEarlierThanTheOneBefore) {
  // Clocks go back at 01:00 UTC: the second buy is at an earlier local time than the first.
  Asking shop({event(0, "view", "2025-10-25T00:20"), event(0, "buy", "2025-10-26T00:40"),
               event(0, "buy", "2025-10-26T01:20")},
              "Europe/London");
  EXPECT_THAT(shop.find(R"({'did':{'event':'buy','where':{'did':{'event':'view'},'within':'P1D'}},
                           'count':{'eq':1}})"),
              ElementsAre(0));
}

TEST(FindPeople, TheWindowBeforeIsTwoMonthsAgoNotAMonthBeforeTheLast) {
  // Of 31 March these are 31 January and, by way of 28 February, 28 January.
  Asking shop({event(0, "buy", "2026-01-29T00:00"), event(0, "buy", "2026-02-01T00:00"),
               event(0, "buy", "2026-03-10T00:00"), event(0, "ask", "2026-03-31T00:00")});
  const std::string change = R"({'change':{'event':'buy'},'of':'count','within':'P1M',
                                 'against':'previous','op':'gte','ratio':1})";
  EXPECT_THAT(shop.find(change, "2026-03-31T00:00"), ElementsAre(0));
  EXPECT_THAT(shop.find("{'did':{'event':'ask','where':" + change + "}}"), ElementsAre(0));
}

TEST(FindPeople, TierByRank) {
  const auto tier = [](int owner, const char* name, const char* time) {
    return event(owner, "hf:trait", time, {{"tier.main", text_value(name)}});
  };
  Asking shop({tier(0, "bronze", "2026-06-01T00:00"), tier(0, "gold", "2026-06-02T00:00"),
               tier(1, "silver", "2026-06-01T00:00"), tier(2, "bronze", "2026-06-01T00:00"),
               tier(3, "wooden", "2026-06-01T00:00"), event(4, "view", "2026-06-01T00:00")});
  EXPECT_THAT(shop.find(R"({'tier':{'programme':'main','gte':'silver'}})"), ElementsAre(0, 1));
  EXPECT_THAT(shop.find(R"({'tier':{'programme':'main','lt':'bronze'}})"), IsEmpty());
  EXPECT_THAT(shop.find(R"({'tier':{'programme':'main','ne':'gold'}})"), ElementsAre(1, 2, 3, 4));
  EXPECT_THAT(shop.find(R"({'tier':{'programme':'main','gt':'silver'}})", "2026-06-01T12:00"),
              IsEmpty());
}

TEST(FindPeople, TellsWhoCancelsOrLacksMemory) {
  PeopleWorld world;
  world.add_part({event(0, "buy", "2026-06-01T00:00")}, false, {}, {.each_per_mille = 0});
  const auto predicate = parse_people_predicate(
      json_of(R"({'did':{'event':'buy','where':{'did':{'event':'buy'}}}})"), "");
  const auto outcome = [&](WorkGuard& guard) {
    const auto people = find_people(
        world.snapshot(), *predicate,
        {.zone = Zone::utc().get(), .as_of_ms = utc("2026-07-01T00:00"), .guard = &guard});
    EXPECT_EQ(guard.held_bytes(), 0u);
    return people ? "found" : people.error().reason;
  };
  SimEnv env(1);
  WorkGuard enough;
  EXPECT_EQ(outcome(enough), "found");
  WorkGuard small(env.env().clock, {.bytes_max = 7});
  EXPECT_EQ(outcome(small), "memory_limit");
  WorkGuard all_but_moments(env.env().clock, {.bytes_max = 100});
  EXPECT_EQ(outcome(all_but_moments), "memory_limit");
  WorkGuard cancelled;
  cancelled.cancel();
  EXPECT_EQ(outcome(cancelled), "cancelled");
}

// -- A million events of one person ---------------------------------------------------------------

constexpr std::int64_t busy_events = 1'000'000;

// A view a second, each tenth a buy instead; a page takes 18 hours.
Snapshot busy_person(PeopleWorld& world) {
  std::vector<PeopleEvent> events;
  for (std::int64_t i = 0; i < busy_events; ++i) {
    events.push_back({.owner = 0,
                      .name = i % 10 == 9 ? "buy" : "view",
                      .time_ms = utc("2026-06-01T00:00") + i * 1'000});
  }
  world.add_part(std::move(events), false, {}, {.each_per_mille = 0});
  return world.snapshot();
}

TEST(FindPeople, AMillionEventsOfOnePersonTakeLinearTime) {
  PeopleWorld world;
  const Snapshot snapshot = busy_person(world);
  WorkGuard guard;
  const auto zone = Zone::load(real_env(), "Europe/Berlin").value();
  const PeopleScope scope{.zone = zone.get(),
                          .as_of_ms = utc("2026-06-01T00:00") + (busy_events - 1) * 1'000,
                          .guard = &guard};
  const auto holds = [&](const std::string& json) {
    const auto predicate = parse_people_predicate(json_of(json), "");
    EXPECT_TRUE(predicate) << json << predicate.error().message;
    return find_people(snapshot, *predicate, scope).value().contains(0);
  };
  const auto begin = std::chrono::steady_clock::now();
  // The last 24 hours, both ends inclusive: 86,401 events, the last of them a buy.
  EXPECT_TRUE(holds(R"({'did':{'event':'*'},'count':{'eq':86401},'within':'P1D'})"));
  EXPECT_TRUE(holds(R"({'did':{'event':'buy'},'count':{'eq':8641},'within':'P1D'})"));
  EXPECT_FALSE(holds(R"({'did':{'event':'buy'},'count':{'eq':8640},'within':'P1D'})"));
  EXPECT_TRUE(holds(R"({'did':{'event':'buy'},'count':{'eq':100000}})"));
  // At each buy, the views of the day before it: 77,760 once the first day is full.
  EXPECT_TRUE(holds(R"({'did':{'event':'buy','where':{'did':{'event':'view'},
                        'count':{'eq':77760},'within':'P1D'}},'count':{'eq':91361}})"));
  EXPECT_TRUE(holds(R"({'did':{'event':'buy','where':{'sequence':[{'event':'view'},
                        {'event':'buy'},{'event':'view'},{'event':'buy'}],'within':'PT11S'}},
                        'count':{'eq':99999}})"));
  EXPECT_TRUE(holds(R"({'did':{'event':'buy','where':{'first':{'event':'buy'},'within':'P1D'}},
                        'count':{'eq':8641}})"));
  EXPECT_TRUE(holds(R"({'did':{'event':'buy','where':{'regularly':{'event':'buy'},
                        'periods':{'of':'day','at_least':3,'last':4}}},'count':{'eq':82720}})"));
  EXPECT_TRUE(holds(R"({'did':{'event':'buy','where':{'change':{'event':'view'},'of':'count',
                        'within':'P1D','against':'previous','op':'gte','ratio':1}},
                        'count':{'eq':91360}})"));
  const auto took = std::chrono::steady_clock::now() - begin;
  EXPECT_LT(took, std::chrono::seconds(60)) << "10^12 steps would take hours";
}

// -- Many persons, several threads ----------------------------------------------------------------

// Person p has p % 7 buys, 8 events in all, and a plan where p is odd; in two parts.
class Crowd {
 public:
  static constexpr int people = 40'000;

  Crowd() : cache_(std::size_t{1} << 28) {
    PersonRegistry persons(HashKey{}, 0);
    ordinals_.resize(people);
    for (int half = 0; half < 2; ++half) {
      PartBuilder builder(timestamp_end_ms - 1);
      for (int p = 0; p < people; ++p) add(builder, p, half);
      auto file = std::make_unique<MemoryFile>();
      EXPECT_TRUE(builder.write_to(*file, 0, {.postings = {.each_per_mille = 0}}, persons, {}));
      snapshot_.parts.push_back(Part::open(std::move(file), "part", cache_).value());
    }
    snapshot_.person_end = persons.next();
    const Part& part = *snapshot_.parts[0];
    PropertyReader numbers = PropertyReader::open(part, "p").value();
    for (std::size_t at = 0; at < part.persons().size(); ++at) {
      const RowNumber row = part.row_offsets()[at];
      const auto p = numbers.read(row / part_format::page_rows, row % part_format::page_rows);
      ordinals_[static_cast<std::size_t>(p->number.units)] = part.persons()[at];
    }
  }
  ~Crowd() { snapshot_.parts.clear(); }

  void check(const std::string& json, auto&& expected) {
    const auto predicate = parse_people_predicate(json_of(json), "");
    ASSERT_TRUE(predicate) << json << predicate.error().message;
    for (const unsigned threads : {1u, 3u}) {
      WorkGuard guard;
      const auto zone = Zone::utc();
      const auto found = find_people(snapshot_, *predicate,
                                     {.zone = zone.get(),
                                      .as_of_ms = utc("2026-06-08T00:00"),
                                      .guard = &guard,
                                      .threads = threads});
      ASSERT_TRUE(found);
      for (int p = 0; p < people; ++p) {
        ASSERT_EQ(found->contains(ordinals_[static_cast<std::size_t>(p)]), expected(p))
            << json << " of " << p << " with " << threads;
      }
    }
  }

 private:
  static void add(PartBuilder& builder, int p, int half) {
    const std::string id = fmt::format("u{}", p);
    for (int i = half * 4; i < half * 4 + 4; ++i) {
      const std::vector<PropertyView> properties = {
          {"p", {.kind = ValueKind::number, .number = Decimal::normalized(p, 0)}},
          {"plan", {.text = "pro"}}};
      const bool says_plan = i == 7 && p % 2 == 1;
      EventView event;
      event.user_id = id;
      event.name = says_plan ? "identify" : i < p % 7 ? "buy" : "view";
      event.time_ms = utc("2026-06-01T00:00") + i * ms_per_day;
      event.properties = properties;
      builder.add(event);
    }
  }

  PageCache cache_;
  Snapshot snapshot_;
  std::vector<PersonOrdinal> ordinals_;
};

TEST(FindPeople, IsTheSameOnSeveralThreads) {
  Crowd crowd;
  crowd.check(R"({'all':[]})", [](int) { return true; });
  crowd.check(R"({'did':{'event':'buy'},'count':{'gte':2}})", [](int p) { return p % 7 >= 2; });
  // Buys are on days 0 to 5: the last four days before day 7 begin with day 3.
  crowd.check(R"({'did':{'event':'buy'},'count':{'eq':2},'within':'P4D'})",
              [](int p) { return p % 7 == 5; });
  crowd.check(R"({'trait':'plan','op':'eq','value':'pro'})", [](int p) { return p % 2 == 1; });
  crowd.check(R"({'sequence':[{'event':'buy'},{'event':'buy'},{'event':'view'}]})",
              [](int p) { return p % 7 >= 2; });
  crowd.check(R"({'did':{'event':'view','where':{'did':{'event':'buy'},'within':'P1D'}}})",
              [](int p) { return p % 7 > 0; });
  crowd.check(R"({'did':{'event':'buy','where':{'trait':'plan','op':'exists'}}})",
              [](int p) { return p % 7 > 0 && p % 2 == 1; });
}

}  // namespace
}  // namespace hf::test
