// SPDX-License-Identifier: Apache-2.0
//
// The mistakes that users of analytics meet, one by name each, from the question to its answer.
// Those of the calendar are in calendar_mistakes_test.cpp, those of size in
// large_mistakes_test.cpp. Tests that stand elsewhere, as they are of one function:
//
//   a chain of steps overwritten, an event that serves two steps, steps of equal time, as such and
//   against every attempt written down     funnel_search_test.cpp, funnel_search_property_test.cpp
//   one cell of any question, random, has as many members as it says      *_property_test.cpp
//   persons linked, unlinked, erased in between, any question, random     living_property_test.cpp
//   activity and its lack, as days, rows, lists and events                activity_test.cpp
//   cells that are not complete                             retention_test.cpp,
//   ADayIsCompleteWhen.. a sample that is another one each time sample_test.cpp
#include <gtest/gtest.h>

#include <set>

#include "metric/answer_cells.h"
#include "metric/shop_questions.h"
#include "metric/store_world.h"
#include "metric/told.h"
#include "store/day_sets.h"

namespace hf::test {
namespace {

WorldEvent event(std::string person, std::string name, std::string_view time) {
  return {std::move(person), std::move(name), utc(time), {}, 0};
}

void expect_rates_within_one(const std::string& query, const std::string& data) {
  for_each_rate(parse_json(data).value(), "",
                [&](std::string_view name, std::int64_t a, std::int64_t b) {
                  // Two that are called ratios, for they may be above one.
                  if (name == "quick_ratio" || name == "activity_ratio") return;
                  EXPECT_GE(a, 0) << name << ' ' << query;
                  EXPECT_LE(a, b) << name << ' ' << query;
                });
}

// Rates above 100 %: what is counted holds persons (or, worse, events) that the denominator has
// not.
TEST(ClassicMistake, ARateIsNeverAboveOneHundredPercent) {
  // Bob never signed up, Ann came back three times on the Tuesday and ordered twice.
  EventWorld world(
      {event("ann", "signup", "2026-01-05T09:00"), event("cid", "signup", "2026-01-05T09:00"),
       event("ann", "visit", "2026-01-06T09:00"), event("ann", "order", "2026-01-06T09:05"),
       event("ann", "order", "2026-01-06T09:10"), event("ann", "visit", "2026-01-06T10:00"),
       event("ann", "visit", "2026-01-06T11:00"), event("bob", "visit", "2026-01-06T12:00"),
       event("dan", "visit", "2026-01-07T12:00")});
  const std::string retention =
      "{'metric':'retention','start':{'event':'signup'},'return':{'event':'visit'},"
      "'from':'2026-01-05','to':'2026-01-05','periods':2";
  // Of two: Ann. Not two who came (100 %), nor four visits (200 %).
  for (const char* more : {"", ",'count_return':'on_or_after'", ",'window':'rolling'"}) {
    const std::string data = ask_each_way(world, retention + more + "}");
    EXPECT_EQ(told(data, "cohorts.0.cells.1.count"), "1") << more;
    EXPECT_EQ(told(data, "cohorts.0.cells.1.eligible"), "2") << more;
    expect_rates_within_one(more, data);
  }
  const std::string funnel =
      "{'metric':'funnel','steps':[{'event':'visit'},{'event':'order'}],'order':";
  // Three visited, one ordered: not two orders, nor three visits of four.
  for (const char* order : {"'ordered'", "'strict'", "'any'"}) {
    const std::string data = ask_each_way(world, funnel + order + "}");
    EXPECT_EQ(told(data, "steps.*.count"), "3 1") << order;
    EXPECT_EQ(told(data, "steps.1.from_first.rate"), "0.3333333333333333") << order;
  }
}

TEST(ClassicMistake, ARateIsNeverAboveOneHundredPercentOfAnythingAsked) {
  EventWorld world(shop_events(1, 30, 400), utc("2026-02-03T09:00"));
  std::size_t rates = 0;
  for (const char* question : shop_questions) {
    for (const int breakdown : {-1, 0, 1, 2}) {
      const std::string query =
          quoted(question + (breakdown < 0 ? "" : shop_breakdown(question, breakdown)) + "}");
      const std::string data = ask_data(world.snapshot(), world.context(), query);
      expect_rates_within_one(query, data);
      for_each_rate(parse_json(data).value(), "",
                    [&](std::string_view, std::int64_t a, std::int64_t b) {
                      rates += a > 0 && b > 0 ? 1 : 0;
                    });
    }
  }
  EXPECT_GT(rates, 1'000u);
}

// Immature cohorts averaged in: last week's people have had no time to come back, and every mean
// over the weeks falls towards its end.
TEST(ClassicMistake, CohortsThatAreNotOverAreInNoMean) {
  // Two begin in each of three weeks; of the first two weeks' one comes back in the week after. It
  // is the Wednesday of the third.
  std::vector<WorldEvent> events;
  const auto begin_and_return = [&](const char* who, const char* begin, const char* back) {
    events.push_back(event(std::string(who) + " a", "visit", begin));
    events.push_back(event(std::string(who) + " b", "visit", begin));
    if (back != nullptr) events.push_back(event(std::string(who) + " a", "visit", back));
  };
  begin_and_return("first", "2026-01-05T09:00", "2026-01-12T09:00");
  begin_and_return("second", "2026-01-12T09:00", nullptr);
  begin_and_return("third", "2026-01-19T09:00", nullptr);
  EventWorld world(events, utc("2026-01-21T12:00"));
  const std::string weeks =
      "{'metric':'retention','entry':'first_time','period':'week','periods':2,"
      "'from':'2026-01-05'";
  const std::string data = ask_each_way(world, weeks + "}");
  EXPECT_EQ(told(data, "cohorts.*.cells.1.complete"), "true false false");
  // Half of the first week's, not a quarter, nor a sixth, of all.
  EXPECT_EQ(told(data, "mean.weighted.1.numerator"), "1");
  EXPECT_EQ(told(data, "mean.weighted.1.denominator"), "2");
  EXPECT_EQ(told(data, "mean.simple.1"), "0.5");
  EXPECT_EQ(told(data, "mean.weighted.2.denominator"), "0");
  EXPECT_EQ(told(data, "mean.simple.2"), "null");
  // Of who has a week of its own: the first are over on the 19th, the second on the 26th.
  const std::string rolling = ask_each_way(world, weeks + ",'window':'rolling'}");
  EXPECT_EQ(told(rolling, "cohorts.*.cells.1.eligible"), "2 0 0");
  EXPECT_EQ(told(rolling, "mean.weighted.1.denominator"), "2");
  // Others mark what is not over.
  const std::string days = ",'from':'2026-01-20'}";
  EXPECT_EQ(told(ask_each_way(world, "{'metric':'lifecycle'" + days), "periods.*.complete"),
            "true false");
  EXPECT_EQ(told(ask_each_way(world, "{'metric':'stickiness','over_time':true" + days),
                 "over_time.*.complete"),
            "true false");
  EXPECT_EQ(
      told(ask_each_way(world, "{'metric':'trend','series':[{'event':'*'}]" + days), "complete.*"),
      "true false");
  EXPECT_EQ(told(ask_each_way(world,
                              "{'metric':'funnel','steps':[{'event':'visit'},{'event':'buy'}],"
                              "'view':'trend','window':'PT30H'" +
                                  days),
                 "periods.*.complete"),
            "false false");
}

// A cell that says 40 and a list of 37: whoever writes to the people of a cell reaches others.
void expect_members_of_every_cell(EventWorld& world, const std::string& question) {
  const QueryContext context = world.context();
  const std::string data = ask_data(world.snapshot(), context, quoted(question + "}"));
  for (const AnswerCell& cell : cells_of(quoted(question + "}"), data)) {
    const std::string asked = fmt::format("{},\"members\":{{\"cell\":{},\"limit\":10000}}}}",
                                          quoted(question), cell.cell);
    const Json members = parse_json(ask_data(world.snapshot(), context, asked)).value();
    ASSERT_TRUE(members.is_object());
    std::set<std::string> persons;
    for (const Json& member : members.find("members")->array) {
      const Json* const who = member.find("person") ? member.find("person") : member.find("unit");
      EXPECT_TRUE(persons.insert(who->text).second) << asked;
    }
    EXPECT_EQ(members.find("total")->text, fmt::format("{}", cell.count)) << asked;
    EXPECT_EQ(members.find("count")->text, fmt::format("{}", persons.size())) << asked;
    if (cell.is_of_persons) {
      EXPECT_EQ(std::ssize(persons), cell.count) << asked;
    }
  }
}

TEST(ClassicMistake, BehindEveryCellAreAsManyAsItSays) {
  for (const int seed : {0, 1, 2}) {
    EventWorld world(shop_events(static_cast<std::uint64_t>(seed), 12, 150),
                     utc("2026-02-03T09:00"));
    for (const char* question : shop_questions) {
      SCOPED_TRACE(seed);
      expect_members_of_every_cell(world, question);
      expect_members_of_every_cell(world, question + shop_breakdown(question, seed));
    }
    expect_members_of_every_cell(world,
                                 "{'metric':'retention','period':'week',"
                                 "'unit':{'property':'country'}");
  }
}

// One person counted as two: of what came under two ids, one of which was later found to be the
// other, or as three, where a part was written before that was known and another after it.
struct Merged {
  const char* name;
  const char* question;
  const char* path;
  const char* apart;
  const char* merged;
};
constexpr auto merged = std::to_array<Merged>({
    {"trend", "{'metric':'trend','series':[{'event':'*','math':'unique'}]", "series.0.total", "2",
     "1"},
    {"per user", "{'metric':'trend','series':[{'event':'*','math':'per_user'}]", "series.0.total",
     "1.5", "3"},
    {"new", "{'metric':'lifecycle'", "periods.*.new", "1 1 0", "1 0 0"},
    {"returning", "{'metric':'lifecycle'", "periods.*.returning", "0 0 1", "0 1 1"},
    {"gone", "{'metric':'lifecycle'", "periods.*.dormant", "0 -1 0", "0 0 0"},
    {"days", "{'metric':'stickiness'", "histogram.*.count", "1 1 0", "0 0 1"},
    {"wau", "{'metric':'stickiness','over_time':true", "over_time.*.wau", "1 2 2", "1 1 1"},
    {"cohorts", "{'metric':'retention','entry':'first_time','periods':1", "cohorts.*.size", "1 1 0",
     "1 0 0"},
    {"retained", "{'metric':'retention','entry':'first_time','periods':1",
     "cohorts.*.cells.1.count", "0 1 0", "1 0 0"},
    {"rolling", "{'metric':'retention','window':'rolling','periods':2", "cohorts.0.cells.*.count",
     "1 0 0", "1 1 1"},
    {"two windows",
     "{'metric':'retention','initial':{'from':'2026-01-05','to':'2026-01-05'},"
     "'current':{'from':'2026-01-06','to':'2026-01-07'}",
     "retention.numerator", "0", "1"},
    {"funnel", "{'metric':'funnel','steps':[{'event':'visit'},{'event':'buy'}]", "steps.*.count",
     "1 0", "1 1"},
    {"any order", "{'metric':'funnel','order':'any','steps':[{'event':'visit'},{'event':'buy'}]",
     "steps.*.count", "2 0", "1 1"},
    {"known", "{'metric':'segment_size'", "known", "2", "1"},
    {"did both",
     "{'metric':'segment_size','people':{'all':[{'did':{'event':'visit'}},"
     "{'did':{'event':'buy'}}]}",
     "count", "0", "1"},
});

void expect_counted_once(StoreWorld& world, const char* when, bool is_merged) {
  for (const Merged& each : merged) {
    const std::string range = std::string_view(each.question).contains("segment_size") ||
                                      std::string_view(each.question).contains("initial")
                                  ? "}"
                                  : ",'from':'2026-01-05','to':'2026-01-07'}";
    EXPECT_EQ(told(ask_each_way(world, each.question + range), each.path),
              is_merged ? each.merged : each.apart)
        << each.name << ' ' << when;
  }
}

TEST(ClassicMistake, AVisitorWhoTurnsOutToBeAUserIsCountedOnce) {
  StoreWorld world(utc("2026-01-10T12:00"));
  // A visit on the Monday by a browser; purchases of Ann's on the Tuesday and Wednesday, on a
  // phone.
  world.add(event("", "visit", "2026-01-05T09:00"), "browser");
  world.flush();
  world.add(event("ann", "buy", "2026-01-06T09:00"));
  world.flush();
  world.add(event("ann", "buy", "2026-01-07T09:00"));
  expect_counted_once(world, "before", false);
  world.tell(
      LinkRecord{{IdKind::anonymous, "browser"}, {IdKind::user, "ann"}, utc("2026-01-07T10:00")});
  expect_counted_once(world, "at once", true);
  world.flush();
  expect_counted_once(world, "in parts", true);
  world.compact();
  expect_counted_once(world, "compacted", true);
  EXPECT_EQ(ask_each_way(world,
                         "{'metric':'lifecycle','from':'2026-01-05','to':'2026-01-07',"
                         "'members':{'cell':{'period':'2026-01-06','kind':'returning'}}}"),
            quoted("{'members':[{'person':'ann','ids':['ann','browser']}],"
                   "'count':1,'total':1,'cursor':null}"));
}

TEST(ClassicMistake, AUserWhoWasCalledAnotherIsCountedOnce) {
  StoreWorld world(utc("2026-01-10T12:00"));
  world.add(event("ann@old", "visit", "2026-01-05T09:00"));
  world.flush();
  world.add(event("ann", "buy", "2026-01-06T09:00"));
  world.add(event("ann", "buy", "2026-01-07T09:00"));
  expect_counted_once(world, "before", false);
  // An alias is no activity either: there is none on the 7th but the purchase.
  WorldEvent alias = event("ann", "alias", "2026-01-07T10:00");
  alias.properties.emplace_back("previous_id", text("ann@old"));
  world.add(alias);
  expect_counted_once(world, "at once", true);
  world.flush();
  expect_counted_once(world, "in parts", true);
  world.compact();
  expect_counted_once(world, "compacted", true);
}

// A result that changes between identical runs: what is added up in the order in which threads end,
// ties that fall as a hash table lies, rows that move in a compaction.
TEST(ClassicMistake, TheSameQuestionHasTheSameAnswer) {
  StoreWorld world(utc("2026-02-03T09:00"));
  std::vector<WorldEvent> events = shop_events(3, 60, 1'500);
  for (std::size_t i = 0; i < events.size(); ++i) {
    if (i % 400 == 399) world.flush();
    if (i % 50 == 0) events[i].time_ms = utc("2026-01-10T12:00");  // Ties.
    if (i == 700) {
      world.tell(LinkRecord{{IdKind::user, "person 1"}, {IdKind::user, "person 9"}, 0});
    }
    const bool is_visitor = i % 17 == 0;
    world.add(events[i], is_visitor ? fmt::format("visitor {}", i % 5) : "");
  }
  std::vector<std::string> queries;
  for (const char* question : shop_questions) {
    queries.push_back(quoted(question + std::string("}")));
    for (const int which : {0, 1, 2}) {
      queries.push_back(quoted(question + shop_breakdown(question, which) + "}"));
    }
  }
  std::vector<std::string> first;
  const auto ask_all = [&](const char* when) {
    const Snapshot snapshot = world.snapshot();
    for (const unsigned threads : {1u, 2u, 7u, 7u, 1u}) {
      for (std::size_t i = 0; i < queries.size(); ++i) {
        const std::string data = ask_data(snapshot, world.context(threads), queries[i]);
        if (first.size() == i) first.push_back(data);
        EXPECT_EQ(data, first[i]) << when << ", " << threads << " threads: " << queries[i];
      }
    }
  };
  ask_all("as it lies");
  ask_all("asked again");
  world.flush();
  ask_all("in parts");
  world.compact();
  ask_all("compacted");
}

TEST(ClassicMistake, TheSameQuestionHasTheSameAnswerOfMorePersonsThanOneThreadCounts) {
  EventWorld world(shop_events(4, 60'000, 100'000), utc("2026-02-03T09:00"));
  ASSERT_GT(world.snapshot().person_end, 2 * PersonChunk::persons);
  for (const char* question : shop_questions) {
    for (const std::string& rest : {std::string(), shop_breakdown(question, 0)}) {
      const std::string query = quoted(question + rest + "}");
      const std::string data = ask_data(world.snapshot(), world.context(1), query);
      for (const unsigned threads : {2u, 7u, 7u}) {
        EXPECT_EQ(ask_data(world.snapshot(), world.context(threads), query), data)
            << threads << " threads: " << query;
      }
    }
  }
}

// What a program says of a person counted as what the person did: a user database synchronised
// every night makes everybody active every day.
TEST(ClassicMistake, WhatIsSaidOfAPersonIsNoActivity) {
  // Ann visits on the 5th and 8th and buys after her second visit. On the days between, and just
  // before she buys, there is only said something of her. Ghost does nothing at all.
  const std::vector<WorldEvent> events{
      event("ann", "identify", "2026-01-04T09:00"),  event("ghost", "identify", "2026-01-05T09:00"),
      event("ghost", "alias", "2026-01-06T09:00"),   event("ghost", "group", "2026-01-07T09:00"),
      event("ghost", "hf:sent", "2026-01-08T09:00"), event("ann", "visit", "2026-01-05T09:00"),
      event("ann", "identify", "2026-01-06T09:00"),  event("ann", "group", "2026-01-06T09:00"),
      event("ann", "hf:sent", "2026-01-07T09:00"),   event("ann", "visit", "2026-01-08T09:00"),
      event("ann", "hf:sent", "2026-01-08T09:10"),   event("ann", "identify", "2026-01-08T09:11"),
      event("ann", "buy", "2026-01-08T09:12")};
  EventWorld world(events, utc("2026-01-10T12:00"));
  const std::string days = ",'from':'2026-01-05','to':'2026-01-08'}";
  const auto ask = [&](const std::string& question, std::string_view path) {
    return told(ask_each_way(world, question + days), path);
  };
  EXPECT_EQ(ask("{'metric':'trend','series':[{'event':'*'}]", "series.0.values.*"), "1 0 0 2");
  EXPECT_EQ(ask("{'metric':'trend','series':[{'event':'*','math':'unique'}]", "series.0.values.*"),
            "1 0 0 1");
  EXPECT_EQ(ask("{'metric':'lifecycle'", "periods.*.new"), "1 0 0 0");
  EXPECT_EQ(ask("{'metric':'lifecycle'", "periods.*.returning"), "0 0 0 0");
  EXPECT_EQ(ask("{'metric':'lifecycle'", "periods.*.resurrecting"), "0 0 0 1");
  EXPECT_EQ(ask("{'metric':'stickiness'", "histogram.*.count"), "0 1 0 0");
  EXPECT_EQ(ask("{'metric':'stickiness','over_time':true", "over_time.*.dau"), "1 0 0 1");
  const std::string retention = "{'metric':'retention','periods':3";
  EXPECT_EQ(ask(retention, "cohorts.*.size"), "1 0 0 1");
  EXPECT_EQ(ask(retention, "cohorts.0.cells.*.count"), "1 0 0 1");
  EXPECT_EQ(ask(retention + ",'entry':'first_time'", "cohorts.*.size"), "1 0 0 0");
  EXPECT_EQ(ask(retention + ",'window':'rolling'", "cohorts.0.cells.*.count"), "1 0 0 1");
  // Nothing comes between the second visit and the purchase.
  EXPECT_EQ(ask("{'metric':'funnel','order':'strict','steps':[{'event':'visit'},{'event':'buy'}]",
                "steps.*.count"),
            "1 1");
  EXPECT_EQ(ask("{'metric':'funnel','steps':[{'event':'*'}]", "steps.*.count"), "1");
  EXPECT_EQ(ask("{'metric':'funnel','steps':[{'event':'visit'},{'event':'buy'}],"
                "'exclude':[{'event':'*'}]",
                "steps.*.count"),
            "1 1");
  // Her cohort is the week of the 5th, not of the 4th, on which somebody knew of her.
  EXPECT_EQ(ask("{'metric':'trend','series':[{'event':'*'}],'breakdown':[{'cohort':'week'}]",
                "groups.*.bucket.0"),
            "2026-01-05");
  EXPECT_EQ(told(ask_each_way(world, "{'metric':'segment_size','people':{'did':{'event':'*'}}}"),
                 "count"),
            "1");
  // By their names they are found, where somebody asks for them.
  EXPECT_EQ(ask("{'metric':'trend','series':[{'event':'identify'},{'event':'hf:sent'}]",
                "series.*.total"),
            "3 3");
}

// A chain lost: the B that also is a C takes the place of the B from which one could go on.
TEST(ClassicMistake, AnEventThatServesTwoStepsTakesNoChainAway) {
  const auto steps = [](std::string_view rest) {
    return fmt::format(
        "{{'metric':'funnel','steps':[{{'event':'a'}},"
        "{{'any_of':[{{'event':'b'}},{{'event':'bc'}}]}},"
        "{{'any_of':[{{'event':'c'}},{{'event':'bc'}}]}}]{}}}",
        rest);
  };
  EventWorld world({event("ann", "a", "2026-01-05T09:00"), event("ann", "b", "2026-01-05T09:01"),
                    event("ann", "bc", "2026-01-05T09:02"),
                    // The second a begins a better attempt, and must leave the first its b.
                    event("bob", "a", "2026-01-05T09:00"), event("bob", "b", "2026-01-05T09:01"),
                    event("bob", "a", "2026-01-05T09:02"), event("bob", "c", "2026-01-05T09:03"),
                    // One event is one step.
                    event("cid", "a", "2026-01-05T09:00"), event("cid", "bc", "2026-01-05T09:01")});
  EXPECT_EQ(told(ask_each_way(world, steps("")), "steps.*.count"), "3 3 2");
  EXPECT_EQ(told(ask_each_way(world, steps(",'order':'any'")), "steps.*.count"), "3 3 2");
  EXPECT_EQ(told(ask_each_way(world, steps(",'order':'strict'")), "steps.*.count"), "3 3 1");
}

}  // namespace
}  // namespace hf::test
