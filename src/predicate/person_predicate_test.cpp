// SPDX-License-Identifier: Apache-2.0
#include "predicate/person_predicate.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "base/rng.h"
#include "predicate/life.h"

namespace hf {
namespace {

using test::Life;

// -- did: windows ---------------------------------------------------------------------------------

constexpr std::string_view did_within = "{{'did':{{'event':'buy'}},'within':'{}'}}";

bool within(const Life& life, std::string_view duration, std::string_view as_of) {
  return life.holds(fmt::format(did_within, duration), as_of);
}

TEST(PersonDid, ReachesBackToTheSameLocalTimeOverAChangeOfTheClock) {
  // Clocks went forward on 29 March 2026 at 02:00: these 30 days have 719 hours.
  const Life spring = Life("Europe/Berlin").at("2026-03-10 09:00", "buy");
  EXPECT_TRUE(within(spring, "P30D", "2026-04-09 09:00"));
  EXPECT_FALSE(within(spring, "P30D", "2026-04-09 09:00:00.001"));
  EXPECT_TRUE(within(spring, "PT720H", "2026-04-09 10:00"));
  EXPECT_FALSE(within(spring, "PT720H", "2026-04-09 10:00:00.001"));
  // And back on 25 October at 03:00: 721 hours.
  const Life autumn = Life("Europe/Berlin").at("2026-10-10 09:00", "buy");
  EXPECT_TRUE(within(autumn, "P30D", "2026-11-09 09:00"));
  EXPECT_FALSE(within(autumn, "P30D", "2026-11-09 09:00:00.001"));
  EXPECT_FALSE(within(autumn, "PT720H", "2026-11-09 09:00"));
}

TEST(PersonDid, CountsThirtyDaysAcrossTheEndOfAMonthAndMonthsByTheirLastDay) {
  const Life life = Life().at("2026-02-28 12:00", "buy");
  EXPECT_TRUE(within(life, "P30D", "2026-03-30 12:00"));
  EXPECT_FALSE(within(life, "P30D", "2026-03-30 12:00:00.001"));
  // 31 March less a month is the last of February, and so are the three days before it.
  EXPECT_TRUE(within(life, "P1M", "2026-03-28 12:00"));
  EXPECT_TRUE(within(life, "P1M", "2026-03-31 12:00"));
  EXPECT_FALSE(within(life, "P1M", "2026-03-31 12:00:00.001"));
  EXPECT_FALSE(within(life, "P1M", "2026-04-01 12:00"));
}

TEST(PersonDid, IncludesBothEndsToTheMillisecond) {
  const Life life = Life().at("2026-01-01 00:00:00.500", "buy");
  EXPECT_TRUE(within(life, "P1D", "2026-01-02 00:00:00.500"));
  EXPECT_FALSE(within(life, "P1D", "2026-01-02 00:00:00.501"));
  EXPECT_TRUE(within(life, "P1D", "2026-01-01 00:00:00.500"));
  EXPECT_FALSE(within(life, "P1D", "2026-01-01 00:00:00.499"));
  EXPECT_TRUE(within(life, "PT1S", "2026-01-01 00:00:01.500"));
  EXPECT_FALSE(within(life, "PT1S", "2026-01-01 00:00:01.501"));
}

TEST(PersonDid, TakesDatesWholeAndInstantsAsWritten) {
  const Life life =
      Life("Asia/Shanghai").at("2026-01-10 00:00", "buy").at("2026-01-12 00:00", "buy");
  const auto count = [&](std::string_view span, int n) {
    return life.holds(fmt::format("{{'did':{{'event':'buy'}},'count':{{'eq':{}}}{}}}", n, span),
                      "2026-02-01");
  };
  EXPECT_TRUE(count("", 2));
  EXPECT_TRUE(count(",'from':'2026-01-10','to':'2026-01-12'", 2));
  EXPECT_TRUE(count(",'from':'2026-01-10','to':'2026-01-11'", 1));
  EXPECT_TRUE(count(",'from':'2026-01-11'", 1));
  EXPECT_TRUE(count(",'to':'2026-01-09'", 0));
  EXPECT_TRUE(count(",'from':'2026-01-09T16:00:00Z','to':'2026-01-11T16:00:00Z'", 1));
  EXPECT_TRUE(count(",'from':'2026-01-09T16:00:00.001Z'", 1));
  EXPECT_TRUE(count(",'to':'2026-01-11T16:00:00.001Z'", 2));
  // A date that is no earlier than the instant in this zone, and later in others.
  EXPECT_TRUE(count(",'from':'2026-01-10','to':'2026-01-09T18:00:00Z'", 1));
}

TEST(PersonDid, CountsByEveryBound) {
  const Life life = Life().at("2026-01-01", "buy").at("2026-01-02", "buy").at("2026-01-03", "sell");
  const auto holds = [&](std::string_view form, std::string_view count) {
    return life.holds(fmt::format("{{'{}':{{'event':'buy'}},'count':{}}}", form, count),
                      "2026-02-01");
  };
  const struct {
    std::string_view count;
    bool holds;
  } cases[] = {{"{'gte':0}", true},         {"{'gte':2}", true},  {"{'gte':3}", false},
               {"{'lte':2}", true},         {"{'lte':1}", false}, {"{'eq':2}", true},
               {"{'eq':1}", false},         {"{'eq':0}", false},  {"{'gte':1,'lte':2}", true},
               {"{'gte':3,'lte':9}", false}};
  for (const auto& c : cases) {
    EXPECT_EQ(holds("did", c.count), c.holds) << c.count;
    EXPECT_EQ(holds("did_not", c.count), !c.holds) << c.count;
  }
}

TEST(PersonDid, PurelyNegativeConditionsHoldOfSomebodyWhoDidNothing) {
  const Life nobody;
  const Life seller = Life().at("2026-01-01", "sell");
  const Life buyer = Life().at("2026-01-01", "buy");
  const struct {
    std::string json;
    bool of_nobody, of_seller, of_buyer;
  } cases[] = {
      {"{'did_not':{'event':'buy'}}", true, true, false},
      {"{'did_not':{'event':'buy'},'within':'P7D'}", true, true, true},  // Long ago.
      {"{'not':{'any':[{'did':{'event':'buy'}},{'did':{'event':'sell'}}]}}", true, false, false},
      {"{'did':{'event':'buy'},'count':{'lte':0}}", true, true, false},
      {"{'all':[{'did_not':{'event':'*'}},{'trait':'plan','op':'not_exists'}]}", true, false,
       false},
      {"{'not':{'not':{'did_not':{'event':'sell'}}}}", true, false, true},
      {"{'not':{'sequence':[{'event':'buy'},{'event':'sell'}]}}", true, true, true},
  };
  for (const auto& c : cases) {
    EXPECT_EQ(nobody.holds(c.json, "2026-06-01"), c.of_nobody) << c.json;
    EXPECT_EQ(seller.holds(c.json, "2026-06-01"), c.of_seller) << c.json;
    EXPECT_EQ(buyer.holds(c.json, "2026-06-01"), c.of_buyer) << c.json;
  }
}

// -- Where it is asked ----------------------------------------------------------------------------

TEST(PersonPredicate, AnEventSeesItselfAndThoseBeforeItEvenOfEqualTime) {
  const Life life = Life()
                        .at("2026-01-01", "buy")
                        .at("2026-01-02", "buy")
                        .at("2026-01-02", "visit")
                        .at("2026-01-02", "buy")
                        .at("2026-01-03", "buy");
  EXPECT_EQ(life.at_events("{'did':{'event':'buy'},'count':{'eq':2}}", "2026-01-02"), ".xx.");
  EXPECT_EQ(life.at_events("{'did':{'event':'buy'},'count':{'gte':2}}", "2026-01-04"), ".xxxx");
  EXPECT_EQ(
      life.at_events("{'did':{'event':'buy'},'count':{'eq':1},'within':'PT1H'}", "2026-01-04"),
      "xxx.x");
  EXPECT_EQ(life.at_events("{'first':{'event':'visit'},'within':'PT1H'}", "2026-01-04"), "..xx.");
}

TEST(PersonPredicate, AsksAPropertyOfTheEventAtHand) {
  const Life life = Life()
                        .at("2026-01-01", "buy", "{'amount':10,'code':'1'}")
                        .at("2026-01-02", "buy", "{'amount':1,'code':2}")
                        .at("2026-01-03", "visit");
  EXPECT_EQ(life.at_events("{'property':'amount','op':'gt','value':5}", "2026-02-01"), "x..");
  EXPECT_EQ(life.at_events("{'property':'amount','op':'not_exists'}", "2026-02-01"), "..x");
  EXPECT_EQ(life.at_events("{'property':'code','op':'eq','value':1}", "2026-02-01"), "x..");
  EXPECT_EQ(life.at_events("{'property':'code','op':'eq','value':'2'}", "2026-02-01"), ".x.");
  EXPECT_EQ(life.at_events("{'all':[{'property':'amount','op':'lt','value':5},"
                           "{'did':{'event':'buy','where':{'property':'amount','op':'gt',"
                           "'value':5}}}]}",
                           "2026-02-01"),
            ".x.");
}

TEST(PersonPredicate, EvaluatesANestedBehaviourAtItsEventNotAtAsOf) {
  // Bought again within a week of an earlier purchase. Long after, nothing lies within a week.
  const std::string again =
      "{'did':{'event':'buy','where':{'did':{'event':'buy'},'count':{'gte':2},'within':'P7D'}}}";
  const Life quick = Life().at("2026-01-01", "buy").at("2026-01-08", "buy");
  EXPECT_TRUE(quick.holds(again, "2026-06-01"));
  const Life slow = Life().at("2026-01-01", "buy").at("2026-01-08 00:00:00.001", "buy");
  EXPECT_FALSE(slow.holds(again, "2026-06-01"));
  // What came after the event is not seen from it.
  const std::string not_yet = "{'did':{'event':'visit','where':{'did_not':{'event':'buy'}}}}";
  EXPECT_TRUE(
      Life().at("2026-01-01", "visit").at("2026-01-02", "buy").holds(not_yet, "2026-06-01"));
  EXPECT_FALSE(
      Life().at("2026-01-01", "buy").at("2026-01-02", "visit").holds(not_yet, "2026-06-01"));
  // Three deep: a visit after a purchase after a visit.
  const std::string deep =
      "{'did':{'event':'visit','where':{'did':{'event':'buy','where':{'did':{'event':'visit'}}}}}}";
  const Life life = Life()
                        .at("2026-01-01", "buy")
                        .at("2026-01-02", "visit")
                        .at("2026-01-03", "buy")
                        .at("2026-01-04", "visit");
  EXPECT_EQ(life.at_events(deep, "2026-06-01"), "...x");
}

// -- Traits ---------------------------------------------------------------------------------------

TEST(PersonTrait, IsTheLatestUnlessAskedAtTheEvent) {
  const Life life = Life()
                        .at("2026-01-01", "visit")
                        .at("2026-01-02", "identify", "{'plan':'free','age':30}")
                        .at("2026-01-03", "visit")
                        .at("2026-01-04", "identify", "{'plan':'pro'}")
                        .at("2026-01-05", "visit")
                        .at("2026-01-06", "identify", "{'city':'Rome'}");
  const std::string pro = "{'trait':'plan','op':'eq','value':'pro'}";
  EXPECT_TRUE(life.holds(pro, "2026-02-01"));
  EXPECT_FALSE(life.holds(pro, "2026-01-03"));
  EXPECT_EQ(life.at_events(pro, "2026-02-01"), "xxxxxx");
  EXPECT_EQ(life.at_events(pro, "2026-01-03"), "...");
  const std::string then = "{'trait':'plan','op':'eq','value':'pro','at':'event'}";
  EXPECT_EQ(life.at_events(then, "2026-02-01"), "...xxx");
  // At an event in a matcher too: the latest is that of the whole question.
  EXPECT_TRUE(
      life.holds("{'did':{'event':'visit','where':" + pro + "},'to':'2026-01-01'}", "2026-02-01"));
  EXPECT_TRUE(
      life.holds("{'did':{'event':'visit','where':" + then + "},'count':{'eq':1}}", "2026-02-01"));
  // A call without the trait changes nothing.
  EXPECT_TRUE(life.holds("{'trait':'age','op':'lt','value':31}", "2026-02-01"));
}

TEST(PersonTrait, MissingFailsPositiveAndSatisfiesNegativeOperators) {
  const Life life = Life().at("2026-01-01", "visit", "{'plan':'pro'}");
  EXPECT_FALSE(life.holds("{'trait':'plan','op':'eq','value':'pro'}", "2026-02-01"));
  EXPECT_FALSE(life.holds("{'trait':'plan','op':'exists'}", "2026-02-01"));
  EXPECT_TRUE(life.holds("{'trait':'plan','op':'ne','value':'pro'}", "2026-02-01"));
  EXPECT_TRUE(life.holds("{'trait':'plan','op':'not_exists'}", "2026-02-01"));
  EXPECT_TRUE(life.holds("{'trait':'plan','op':'not_in','value':['pro']}", "2026-02-01"));
}

TEST(PersonTrait, OfEqualTimesTheLaterInOrderHolds) {
  const Life life = Life()
                        .at("2026-01-01", "identify", "{'plan':'free'}")
                        .at("2026-01-01", "visit")
                        .at("2026-01-01", "identify", "{'plan':'pro'}");
  EXPECT_TRUE(life.holds("{'trait':'plan','op':'eq','value':'pro'}", "2026-01-01"));
  EXPECT_EQ(life.at_events("{'trait':'plan','op':'eq','value':'pro','at':'event'}", "2026-01-01"),
            "..x");
}

TEST(PersonSystemTrait, IsTheLatestThatHoldfastFound) {
  const Life life =
      Life()
          .at("2026-01-01", "hf:trait",
              "{'stage':'active','segment.vip':true,'tier.main':'silver','balance.points':100,"
              "'score.churn':0.25,'consent.marketing':true,'layer':'core'}")
          .at("2026-01-02", "identify", "{'stage':'churned','balance.points':1}")
          .at("2026-01-03", "hf:trait", "{'stage':'at_risk','consent.marketing':false}");
  const struct {
    std::string json;
    bool holds;
  } cases[] = {
      {"{'stage':'at_risk'}", true},
      {"{'stage':['active','at_risk']}", true},
      {"{'stage':['active','churned']}", false},
      {"{'layer':'core'}", true},
      {"{'stay':'long_stay'}", false},
      {"{'segment':'vip'}", true},
      {"{'segment':'other'}", false},
      {"{'not':{'segment':'other'}}", true},
      {"{'consent':'marketing'}", false},
      {"{'balance':'points','op':'gte','value':100}", true},
      {"{'balance':'points','op':'between','value':[1,99]}", false},
      {"{'balance':'coins','op':'lt','value':5}", false},
      {"{'score':'churn','op':'lte','value':0.25}", true},
      {"{'score':'other','op':'not_exists'}", true},
  };
  for (const auto& c : cases) EXPECT_EQ(life.holds(c.json, "2026-02-01"), c.holds) << c.json;
  EXPECT_TRUE(life.holds("{'stage':'active'}", "2026-01-02"));
  EXPECT_TRUE(life.holds("{'trait':'stage','op':'eq','value':'churned'}", "2026-02-01"));
}

TEST(PersonSystemTrait, OrdersTiersByRankNotByLetter) {
  const auto holds = [](std::string_view tier, std::string_view members) {
    const Life life = tier.empty() ? Life()
                                   : Life().at("2026-01-01", "hf:trait",
                                               fmt::format("{{'tier.main':'{}'}}", tier));
    return life.holds(fmt::format("{{'tier':{{'programme':'main',{}}}}}", members), "2026-02-01");
  };
  const struct {
    std::string_view tier, members;
    bool holds;
  } cases[] = {
      {"bronze", "'lt':'silver'", true},
      {"gold", "'lt':'silver'", false},  // g < s
      {"gold", "'gt':'silver'", true},
      {"silver", "'gt':'silver'", false},
      {"silver", "'gte':'silver'", true},
      {"silver", "'lte':'silver'", true},
      {"bronze", "'gte':'bronze'", true},
      {"platinum", "'gte':'bronze'", false},
      {"platinum", "'lt':'gold'", false},
      {"platinum", "'lte':'gold'", false},
      {"platinum", "'eq':'platinum'", true},
      {"platinum", "'ne':'gold'", true},
      {"gold", "'ne':'gold'", false},
      {"", "'gte':'bronze'", false},
      {"", "'lt':'gold'", false},
      {"", "'ne':'gold'", true},
  };
  for (const auto& c : cases) EXPECT_EQ(holds(c.tier, c.members), c.holds) << c.tier << c.members;
}

// -- sequence and first ---------------------------------------------------------------------------

TEST(PersonSequence, EachEventServesOneStep) {
  const std::string twice = "{'sequence':[{'event':'a'},{'event':'a'}]}";
  EXPECT_FALSE(Life().at("2026-01-01", "a").holds(twice, "2026-02-01"));
  EXPECT_TRUE(Life().at("2026-01-01", "a").at("2026-01-01", "a").holds(twice, "2026-02-01"));
  const std::string any_then_a = "{'sequence':[{'event':'*'},{'event':'a'}]}";
  EXPECT_FALSE(Life().at("2026-01-01", "a").at("2026-01-02", "b").holds(any_then_a, "2026-02-01"));
  EXPECT_TRUE(Life().at("2026-01-01", "b").at("2026-01-02", "a").holds(any_then_a, "2026-02-01"));
}

TEST(PersonSequence, GoesByThePlaceOfEventsOfEqualTime) {
  const std::string a_then_b = "{'sequence':[{'event':'a'},{'event':'b'}]}";
  EXPECT_TRUE(Life().at("2026-01-01", "a").at("2026-01-01", "b").holds(a_then_b, "2026-02-01"));
  EXPECT_FALSE(Life().at("2026-01-01", "b").at("2026-01-01", "a").holds(a_then_b, "2026-02-01"));
}

TEST(PersonSequence, AllowsGapsAndLiesWhollyInTheWindow) {
  const Life life = Life()
                        .at("2026-01-01", "a")
                        .at("2026-01-02", "x")
                        .at("2026-01-03", "b")
                        .at("2026-01-04", "a")
                        .at("2026-01-05", "c");
  EXPECT_TRUE(life.holds("{'sequence':[{'event':'a'},{'event':'b'},{'event':'c'}]}", "2026-01-05"));
  EXPECT_FALSE(
      life.holds("{'sequence':[{'event':'a'},{'event':'c'},{'event':'b'}]}", "2026-01-05"));
  const std::string abc = "{'sequence':[{'event':'a'},{'event':'b'},{'event':'c'}],'within':'P4D'}";
  EXPECT_TRUE(life.holds(abc, "2026-01-05"));
  EXPECT_FALSE(life.holds(abc, "2026-01-05 00:00:00.001"));
  EXPECT_EQ(life.at_events(abc, "2026-02-01"), "....x");
}

TEST(PersonFirst, IsTheFirstEverNotTheFirstInTheWindow) {
  const Life life = Life().at("2026-01-01", "buy").at("2026-01-20", "buy");
  const std::string recent = "{'first':{'event':'buy'},'within':'P7D'}";
  EXPECT_TRUE(life.holds(recent, "2026-01-08"));
  EXPECT_FALSE(life.holds(recent, "2026-01-08 00:00:00.001"));
  EXPECT_FALSE(life.holds(recent, "2026-01-20"));
  EXPECT_FALSE(life.holds(recent, "2025-12-31"));
  // The first that matches, not the first of the name.
  const Life amounts = Life().at("2026-01-01", "buy").at("2026-01-20", "buy", "{'amount':100}");
  EXPECT_TRUE(
      amounts.holds("{'first':{'event':'buy','where':{'property':'amount','op':'gte',"
                    "'value':100}},'within':'P7D'}",
                    "2026-01-20"));
}

// -- regularly ------------------------------------------------------------------------------------

TEST(PersonRegularly, TakesTheEndOfAPeriodInAndItsBeginningOut) {
  const auto weeks = [](const Life& life, int at_least, int last, std::string_view as_of) {
    return life.holds(fmt::format("{{'regularly':{{'event':'buy'}},'periods':{{'of':'week',"
                                  "'at_least':{},'last':{}}}}}",
                                  at_least, last),
                      as_of);
  };
  const Life once = Life().at("2026-01-15 12:00", "buy");
  EXPECT_TRUE(weeks(once, 1, 1, "2026-01-15 12:00"));
  EXPECT_TRUE(weeks(once, 1, 1, "2026-01-22 11:59:59.999"));
  EXPECT_FALSE(weeks(once, 1, 1, "2026-01-22 12:00"));  // The beginning is the week's before.
  EXPECT_TRUE(weeks(once, 1, 2, "2026-01-22 12:00"));
  EXPECT_FALSE(weeks(once, 2, 2, "2026-01-22 12:00"));

  const Life weekly = Life()
                          .at("2026-01-01 12:00", "buy")
                          .at("2026-01-08 12:00", "buy")
                          .at("2026-01-22 12:00", "buy");
  EXPECT_TRUE(weeks(weekly, 3, 4, "2026-01-22 12:00"));
  EXPECT_FALSE(weeks(weekly, 4, 4, "2026-01-22 12:00"));
  EXPECT_FALSE(weeks(weekly, 3, 3, "2026-01-22 12:00"));
  // Several in one period are one.
  const Life burst = Life().at("2026-01-21", "buy").at("2026-01-21", "buy").at("2026-01-22", "buy");
  EXPECT_FALSE(weeks(burst, 2, 4, "2026-01-22 12:00"));
}

TEST(PersonRegularly, CountsPeriodsByTheCalendar) {
  const auto holds = [](const Life& life, std::string_view unit, int last, std::string_view as_of) {
    return life.holds(fmt::format("{{'regularly':{{'event':'buy'}},'periods':{{'of':'{}',"
                                  "'at_least':1,'last':{}}}}}",
                                  unit, last),
                      as_of);
  };
  // From 31 March: (28 Feb, 31 Mar], (31 Jan, 28 Feb], (31 Dec, 31 Jan].
  const Life february = Life().at("2026-02-28 09:00", "buy");
  EXPECT_FALSE(holds(february, "month", 1, "2026-03-31 09:00"));
  EXPECT_TRUE(holds(february, "month", 2, "2026-03-31 09:00"));
  const Life january = Life().at("2026-01-31 09:00", "buy");
  EXPECT_FALSE(holds(january, "month", 2, "2026-03-31 09:00"));
  EXPECT_TRUE(holds(january, "month", 3, "2026-03-31 09:00"));
  EXPECT_TRUE(holds(january, "quarter", 1, "2026-04-30 09:00"));  // Begins on 30 January.
  EXPECT_FALSE(holds(january, "quarter", 1, "2026-05-01 09:00"));
  EXPECT_TRUE(holds(january, "year", 1, "2027-01-31 08:59:59.999"));
  EXPECT_FALSE(holds(january, "year", 1, "2027-01-31 09:00"));
  EXPECT_TRUE(holds(january, "year", 1'000, "2100-01-31 09:00"));
  // A day over the change of the clock has 23 hours.
  const Life spring = Life("Europe/Berlin").at("2026-03-28 12:00", "buy");
  EXPECT_FALSE(holds(spring, "day", 1, "2026-03-29 12:00"));
  EXPECT_TRUE(holds(spring, "day", 1, "2026-03-29 11:59:59.999"));
}

// -- change ---------------------------------------------------------------------------------------

std::string change(std::string_view members) {
  return fmt::format("{{'change':{{'event':'buy'}},'within':'P10D',{}}}", members);
}

TEST(PersonChange, ComparesTheWindowWithTheOneBeforeIt) {
  // [Jan 1, Jan 11): 4; [Jan 11, Jan 21]: 2.
  Life life;
  for (const char* time : {"2026-01-01", "2026-01-02", "2026-01-03", "2026-01-10 23:59:59.999",
                           "2026-01-11", "2026-01-21"}) {
    life.at(time, "buy", "{'amount':2.5}");
  }
  const auto holds = [&](std::string_view members) {
    return life.holds(change(members), "2026-01-21");
  };
  EXPECT_TRUE(holds("'op':'lte','ratio':0.5"));
  EXPECT_TRUE(holds("'op':'gte','ratio':0.5"));
  EXPECT_FALSE(holds("'op':'lt','ratio':0.5"));
  EXPECT_FALSE(holds("'op':'gt','ratio':0.5"));
  EXPECT_TRUE(holds("'op':'lt','ratio':0.500000001"));
  EXPECT_TRUE(holds("'of':'sum','property':'amount','op':'gte','ratio':0.5"));
  EXPECT_FALSE(holds("'of':'sum','property':'amount','op':'gt','ratio':0.5"));
  EXPECT_TRUE(holds("'of':'sum','property':'amount','against':5,'op':'gte','ratio':1"));
  EXPECT_TRUE(holds("'against':4,'op':'lte','ratio':0.5"));
  EXPECT_FALSE(holds("'against':3,'op':'lte','ratio':0.5"));
}

TEST(PersonChange, NeverHoldsAgainstZero) {
  const Life fresh = Life().at("2026-01-20", "buy", "{'amount':1}");
  const Life gone = Life().at("2026-01-05", "buy", "{'amount':1}");
  const Life nobody;
  const Life cancelled =
      Life().at("2026-01-05", "buy", "{'amount':1}").at("2026-01-06", "buy", "{'amount':-1}");
  for (const char* op : {"lt", "lte", "gt", "gte"}) {
    for (const char* ratio : {"0", "1"}) {
      const auto members = fmt::format("'op':'{}','ratio':{}", op, ratio);
      EXPECT_FALSE(fresh.holds(change(members), "2026-01-21")) << members;
      EXPECT_FALSE(nobody.holds(change(members), "2026-01-21")) << members;
      EXPECT_FALSE(
          cancelled.holds(change("'of':'sum','property':'amount'," + members), "2026-01-21"))
          << members;
      EXPECT_FALSE(gone.holds(change("'of':'sum','property':'other'," + members), "2026-01-21"))
          << members;
    }
  }
  EXPECT_TRUE(gone.holds(change("'op':'lte','ratio':0"), "2026-01-21"));
  EXPECT_TRUE(nobody.holds(change("'against':1,'op':'lt','ratio':0.5"), "2026-01-21"));
}

TEST(PersonChange, SumsExactDecimalsOfNumbersOnly) {
  const Life life = Life()
                        .at("2026-01-05", "buy", "{'amount':0.3}")
                        .at("2026-01-12", "buy", "{'amount':0.1}")
                        .at("2026-01-13", "buy", "{'amount':0.2}")
                        .at("2026-01-14", "buy", "{'amount':'100'}")
                        .at("2026-01-15", "buy", "{'amount':true}")
                        .at("2026-01-16", "buy", "{'amount':1e40}")
                        .at("2026-01-17", "buy");
  const std::string sum = "'of':'sum','property':'amount',";
  EXPECT_TRUE(life.holds(change(sum + "'op':'gte','ratio':1"), "2026-01-21"));
  EXPECT_TRUE(life.holds(change(sum + "'op':'lte','ratio':1"), "2026-01-21"));
  EXPECT_FALSE(life.holds(change(sum + "'op':'gt','ratio':1"), "2026-01-21"));
}

TEST(PersonChange, IsSignificantOnlyBeyondChance) {
  const auto life = [](int before, int now) {
    Life told;
    for (int i = 0; i < before; ++i) told.at("2026-01-05", "buy", "{'amount':1}");
    for (int i = 0; i < now; ++i) told.at("2026-01-15", "buy", "{'amount':1}");
    return told;
  };
  const std::string less = "'op':'lt','ratio':0.6,'significant':true";
  const std::string more = "'op':'gte','ratio':2,'significant':true";
  // P(X <= 0 | n, 1/2) = 2^-n: 1/16 of four, 1/32 of five.
  EXPECT_FALSE(life(4, 0).holds(change(less), "2026-01-21"));
  EXPECT_TRUE(life(5, 0).holds(change(less), "2026-01-21"));
  EXPECT_TRUE(life(1, 7).holds(change(more), "2026-01-21"));   // 9 / 256
  EXPECT_FALSE(life(1, 5).holds(change(more), "2026-01-21"));  // 7 / 64
  // Beyond chance, but not beyond the ratio.
  EXPECT_FALSE(life(500, 350).holds(change(less), "2026-01-21"));
  // P(X <= 1 | 5) = 0.0404, P(X <= 2 | 5) = 0.1247.
  const std::string below = "'against':5,'op':'lt','ratio':0.6,'significant':true";
  EXPECT_TRUE(life(0, 1).holds(change(below), "2026-01-21"));
  EXPECT_FALSE(life(0, 2).holds(change(below), "2026-01-21"));
  // z = -3 / sqrt(3) = -1.73, -2 / sqrt(2) = -1.41; the lower 5 % begin at -1.645.
  const std::string sum = "'of':'sum','property':'amount'," + less;
  EXPECT_TRUE(life(3, 0).holds(change(sum), "2026-01-21"));
  EXPECT_FALSE(life(2, 0).holds(change(sum), "2026-01-21"));
}

// -- Properties -----------------------------------------------------------------------------------

struct RandomLife {
  Life life;
  std::vector<TimestampMs> times;
};

RandomLife any_life(Rng& rng) {
  constexpr const char* zones[] = {"UTC", "Europe/Berlin", "America/St_Johns", "Pacific/Apia"};
  RandomLife random{Life(zones[rng.below(4)]), {}};
  // Around the changes of the clock in Berlin, half hours apart, many equal.
  TimestampMs time = 1'774'573'200'000;
  for (auto n = rng.below(25); n > 0; --n) {
    time += rng.between(0, 3) * 1'800'000 * (rng.chance(0.2) ? 24 : 1);
    constexpr const char* names[] = {"a", "b", "identify", "hf:trait"};
    random.life.at_ms(time, names[rng.below(4)],
                      fmt::format("{{'p':{},'stage':'{}'}}", rng.between(-2, 3),
                                  rng.chance(0.5) ? "active" : "stable"));
    random.times.push_back(time);
  }
  return random;
}

std::string any_matcher(Rng& rng, int depth);

std::string any_predicate(Rng& rng, int depth, bool with_traits) {
  constexpr const char* durations[] = {"PT30M", "PT1H", "P1D", "P2D", "P1M", "P1DT1H"};
  const std::string duration = durations[rng.below(6)];
  const std::string matcher = any_matcher(rng, depth);
  switch (rng.below(with_traits ? 9 : 7)) {
    case 0:
      return fmt::format("{{'did':{},'count':{{'gte':{}}},'within':'{}'}}", matcher, rng.below(4),
                         duration);
    case 1: return fmt::format("{{'did_not':{},'from':'2026-03-28'}}", matcher);
    case 2:
      return fmt::format("{{'sequence':[{},{}],'within':'{}'}}", matcher, any_matcher(rng, depth),
                         duration);
    case 3: return fmt::format("{{'first':{},'within':'{}'}}", matcher, duration);
    case 4:
      return fmt::format("{{'regularly':{},'periods':{{'of':'day','at_least':{},'last':3}}}}",
                         matcher, rng.between(1, 3));
    case 5:
      return fmt::format(
          "{{'change':{},'of':'sum','property':'p','within':'{}','op':'{}',"
          "'ratio':1,'significant':{}}}",
          matcher, duration, rng.chance(0.5) ? "lt" : "gte", rng.chance(0.3));
    case 6:
      return fmt::format(
          "{{'{}':[{},{}]}}", rng.chance(0.5) ? "all" : "any",
          depth > 0 ? any_predicate(rng, depth - 1, with_traits) : "{'did':{'event':'a'}}",
          "{'did':{'event':'b'},'within':'P1D'}");
    case 7: return "{'stage':'active'}";
    default: return "{'trait':'p','op':'gt','value':0}";
  }
}

std::string any_matcher(Rng& rng, int depth) {
  constexpr const char* names[] = {"a", "b", "*", "identify"};
  const std::string name = names[rng.below(4)];
  if (depth == 0 || rng.chance(0.4)) return fmt::format("{{'event':'{}'}}", name);
  return fmt::format("{{'event':'{}','where':{}}}", name,
                     rng.chance(0.4) ? "{'property':'p','op':'gte','value':0}"
                                     : any_predicate(rng, depth - 1, false));
}

// What holds at an event is what holds at its instant of a history that ends with it.
TEST(PersonPredicate, AtAnEventIsAsOfItInAHistoryThatEndsThere) {
  for (std::uint64_t seed = 0; seed < 2'000; ++seed) {
    SCOPED_TRACE(seed);
    Rng rng(seed);
    const RandomLife random = any_life(rng);
    const std::string text = any_predicate(rng, 2, false);
    SCOPED_TRACE(text);
    const Predicate predicate = test::predicate_of(text);
    const PersonHistory all = random.life.history();
    PersonPredicate bound(predicate, all, timestamp_end_ms, random.life.zone());
    ASSERT_EQ(bound.event_count(), all.events.size());
    for (std::size_t i = 0; i < all.events.size(); ++i) {
      const PersonHistory until = {all.events.first(i + 1)};
      ASSERT_EQ(bound.holds_at_event(i),
                holds_at(predicate, until, {random.times[i]}, random.life.zone()))
          << i;
    }
  }
}

// Events after as_of change nothing, of traits neither.
TEST(PersonPredicate, SeesNothingAfterAsOf) {
  for (std::uint64_t seed = 0; seed < 2'000; ++seed) {
    SCOPED_TRACE(seed);
    Rng rng(seed);
    const RandomLife random = any_life(rng);
    if (random.times.empty()) continue;
    const std::string text = any_predicate(rng, 2, true);
    SCOPED_TRACE(text);
    const Predicate predicate = test::predicate_of(text);
    const PersonHistory all = random.life.history();
    const TimestampMs as_of = random.times[rng.below(random.times.size())] + rng.between(-1, 1);
    const auto seen = static_cast<std::size_t>(
        std::ranges::count_if(random.times, [&](TimestampMs time) { return time <= as_of; }));
    const PersonHistory until = {all.events.first(seen)};
    EXPECT_EQ(holds_at(predicate, all, {as_of}, random.life.zone()),
              holds_at(predicate, until, {as_of}, random.life.zone()));
  }
}

// Counting is told apart from every other count, in every window.
TEST(PersonDid, HoldsForExactlyOneCount) {
  for (std::uint64_t seed = 0; seed < 500; ++seed) {
    SCOPED_TRACE(seed);
    Rng rng(seed);
    const RandomLife random = any_life(rng);
    const std::string matcher = any_matcher(rng, 2);
    const TimestampMs as_of = 1'774'573'200'000 + rng.between(0, 400) * 1'800'000;
    std::vector<std::int64_t> held;
    for (std::int64_t n = 0; n <= 30; ++n) {
      const Predicate predicate = test::predicate_of(
          fmt::format("{{'did':{},'count':{{'eq':{}}},'within':'P2D'}}", matcher, n));
      if (holds_at(predicate, random.life.history(), {as_of}, random.life.zone()))
        held.push_back(n);
    }
    EXPECT_EQ(held.size(), 1u);
  }
}

}  // namespace
}  // namespace hf
