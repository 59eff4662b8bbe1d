// SPDX-License-Identifier: Apache-2.0
//
// Mistakes known from other funnels, by name.
#include "metric/funnel_search.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <memory>
#include <string_view>
#include <vector>

namespace hf::test {
namespace {

constexpr TimestampMs t0 = 1'767'225'600'000;  // 2026-01-01.

std::shared_ptr<const WindowEnds> window_of(std::int64_t ms) {
  return std::make_shared<const WindowEnds>(Duration{.ms = ms}, *Zone::utc(), Interval{t0, t0 + 1});
}

// A funnel over letters: "ABC", each step its own matcher, equal letters the same one.
struct Funnel {
  explicit Funnel(std::string_view steps_named, std::int64_t window_ms = 100)
      : letters(steps_named) {
    for (const char letter : letters) rules.same_as.push_back(letters.find(letter));
    rules.window = window_of(window_ms);
  }

  // "X" and "Y" are exclusions 0 and 1; other letters match nothing.
  FunnelEvent event(std::string_view names, TimestampMs t, std::uint32_t held = 0) const {
    FunnelEvent event{t0 + t, 0, 0, held};
    for (const char name : names) {
      for (std::size_t k = 0; k < letters.size(); ++k) {
        if (letters[k] == name) event.steps |= std::uint64_t{1} << k;
      }
      if (name == 'X') event.excludes |= 1;
      if (name == 'Y') event.excludes |= 2;
    }
    return event;
  }

  struct At {
    std::string_view names;
    TimestampMs t;
    std::uint32_t held = 0;
  };
  FunnelOutcome search(const std::vector<At>& events) const {
    std::vector<FunnelEvent> given;
    for (const At& at : events) given.push_back(event(at.names, at.t, at.held));
    return FunnelSearch(rules).search(given);
  }

  std::string_view letters;
  FunnelRules rules;
};

TEST(FunnelSearchMistake, AChainThatCanGoOnIsNotOverwritten) {
  // The second B serves step 2 anew and step 3: the first must still be there to go on from
  // (ClickHouse 93789).
  Funnel funnel("ABC");
  EXPECT_EQ(funnel.search({{"A", 0}, {"B", 1}, {"BC", 2}}).depth, 3u);
  // The second A begins a better attempt, which must not take the first one's B away.
  EXPECT_EQ(funnel.search({{"A", 0}, {"B", 1}, {"A", 2}, {"C", 3}}).depth, 3u);
  // With windows within, the first B can no longer go on and the second can.
  funnel.rules.within = {nullptr, window_of(5), nullptr};
  EXPECT_EQ(funnel.search({{"A", 0}, {"B", 1}, {"B", 7}, {"C", 10}}).depth, 3u);
}

TEST(FunnelSearchMistake, AnEventIsNotCountedTwice) {
  const Funnel funnel("AB");  // ClickHouse 21835.
  EXPECT_EQ(funnel.search({{"AB", 0}}).depth, 1u);
  EXPECT_EQ(funnel.search({{"AB", 0}, {"AB", 0}}).depth, 2u);
  const Funnel twice("AA");
  EXPECT_EQ(twice.search({{"A", 0}}).depth, 1u);
  EXPECT_EQ(twice.search({{"A", 0}, {"A", 1}}).depth, 2u);
}

TEST(FunnelSearchMistake, ARepeatedStepNeedsALaterTime) {
  for (const FunnelOrder order : {FunnelOrder::ordered, FunnelOrder::strict, FunnelOrder::any}) {
    Funnel funnel("AAA");
    funnel.rules.order = order;
    EXPECT_EQ(funnel.search({{"A", 0}, {"A", 0}, {"A", 0}}).depth, 1u);
    EXPECT_EQ(funnel.search({{"A", 0}, {"A", 0}, {"A", 1}}).depth, 2u);
    EXPECT_EQ(funnel.search({{"A", 0}, {"A", 1}, {"A", 2}}).depth, 3u);
  }
}

TEST(FunnelSearchMistake, TenStepsAtOneInstantConvert) {
  for (const FunnelOrder order : {FunnelOrder::ordered, FunnelOrder::strict, FunnelOrder::any}) {
    Funnel funnel("ABCDEFGHIJ");
    funnel.rules.order = order;
    std::vector<Funnel::At> events;
    for (const char* name : {"J", "I", "H", "G", "F", "E", "D", "C", "B", "A"}) {
      events.push_back({name, 5});
    }
    const FunnelOutcome outcome = funnel.search(events);
    EXPECT_EQ(outcome.depth, 10u);
    EXPECT_EQ(outcome.sums_ms[8], 0);
  }
}

TEST(FunnelSearchMistake, FortyEventsOfOneInstantAreNoPermutations) {
  const Funnel funnel("ABCDEF");
  std::vector<Funnel::At> events;
  for (int i = 0; i < 45; ++i) events.push_back({i % 2 == 0 ? "ABCDEF" : "BDF", 5});
  EXPECT_EQ(funnel.search(events).depth, 6u);
  // Five events serve five steps, whichever these could be.
  events = {{"ABCDEF", 5}, {"ABCDEF", 5}, {"ABCDEF", 5}, {"AB", 5}, {"B", 5}};
  EXPECT_EQ(funnel.search(events).depth, 5u);
}

TEST(FunnelSearchMistake, TenThousandEventsOfOneInstantAreQuick) {
  for (const FunnelOrder order : {FunnelOrder::ordered, FunnelOrder::strict, FunnelOrder::any}) {
    Funnel funnel("ABCDEFGHIJKLMNOPQRST");
    funnel.rules.order = order;
    std::vector<FunnelEvent> events;
    for (int i = 0; i < 10'000; ++i) {
      FunnelEvent event{t0, 0};
      event.steps = (std::uint64_t{1} << (i % 19)) | (std::uint64_t{1} << (i * 7 % 19));
      events.push_back(event);
    }
    FunnelSearch search(funnel.rules);
    EXPECT_EQ(search.search(events).depth, 19u);  // No event is a T.
  }
}

TEST(FunnelSearchMistake, AMillionEventsOfOnePersonAreSearchedInOneGo) {
  for (const FunnelOrder order : {FunnelOrder::ordered, FunnelOrder::strict, FunnelOrder::any}) {
    for (const bool within : {false, true}) {
      if (within && order == FunnelOrder::any) continue;
      Funnel funnel("ABCDEFGHIJKLMNOPQRSTUVWXYZ", 10'000'000);
      funnel.rules.order = order;
      if (within) {
        funnel.rules.within.resize(26);
        funnel.rules.within[3] = window_of(5'000'000);
      }
      std::vector<FunnelEvent> events;
      for (int i = 0; i < 1'000'000; ++i) {
        FunnelEvent event{t0 + i, 0};
        event.steps = std::uint64_t{1} << (i * 11 % 25);  // No event is a Z.
        events.push_back(event);
      }
      FunnelSearch search(funnel.rules);
      const std::size_t depth = search.search(events).depth;
      EXPECT_EQ(depth, order == FunnelOrder::strict ? 1u : 25u);
    }
  }
}

TEST(FunnelSearchMistake, AMillionEventsThatMatchSeveralStepsAreToo) {
  Funnel funnel("ABCDE", 10'000'000);
  funnel.rules.order = FunnelOrder::any;
  std::vector<FunnelEvent> events;
  for (int i = 0; i < 1'000'000; ++i) {
    events.push_back(funnel.event(i % 3 == 0 ? "A" : i % 3 == 1 ? "AB" : "BC", i));
  }
  EXPECT_EQ(FunnelSearch(funnel.rules).search(events).depth, 3u);
}

TEST(FunnelSearch, ThirtyStepsAreAllowed) {
  std::vector<FunnelEvent> events;
  FunnelRules rules;
  for (std::size_t k = 0; k < funnel_steps_max; ++k) {
    rules.same_as.push_back(k);
    events.push_back({t0 + static_cast<TimestampMs>(k), std::uint64_t{1} << k});
  }
  for (const FunnelOrder order : {FunnelOrder::ordered, FunnelOrder::strict, FunnelOrder::any}) {
    rules.order = order;
    rules.window = window_of(29);
    EXPECT_EQ(FunnelSearch(rules).search(events).depth, 30u);
    rules.window = window_of(28);
    EXPECT_EQ(FunnelSearch(rules).search(events).depth, 29u);
  }
}

TEST(FunnelSearch, TheWindowIncludesItsLastInstant) {
  for (const FunnelOrder order : {FunnelOrder::ordered, FunnelOrder::strict, FunnelOrder::any}) {
    Funnel funnel("ABC", 10);
    funnel.rules.order = order;
    EXPECT_EQ(funnel.search({{"A", 0}, {"B", 3}, {"C", 10}}).depth, 3u);
    EXPECT_EQ(funnel.search({{"A", 0}, {"B", 3}, {"C", 11}}).depth, 2u);
  }
}

TEST(FunnelSearch, AWindowWithinIsFromTheStepBefore) {
  Funnel funnel("ABC");
  funnel.rules.within = {nullptr, window_of(5), nullptr};
  EXPECT_EQ(funnel.search({{"A", 0}, {"B", 50}, {"C", 55}}).depth, 3u);
  EXPECT_EQ(funnel.search({{"A", 0}, {"B", 50}, {"C", 56}}).depth, 2u);
}

TEST(FunnelSearch, OnlyTheTightestAttemptsCount) {
  const Funnel funnel("AB");
  // Ten looks, then a purchase: from the last look.
  FunnelOutcome outcome = funnel.search({{"A", 0}, {"A", 10}, {"A", 20}, {"B", 25}, {"B", 90}});
  EXPECT_EQ(outcome.attempts, 1);
  EXPECT_EQ(outcome.sums_ms[0], 5);
  // Twice: two attempts, of 5 and 30.
  outcome = funnel.search({{"A", 0}, {"B", 5}, {"A", 20}, {"B", 50}});
  EXPECT_EQ(outcome.attempts, 2);
  EXPECT_EQ(outcome.sums_ms[0], 35);
  // A shorter attempt says nothing of the times.
  outcome = Funnel("ABC").search({{"A", 0}, {"B", 1}, {"C", 3}, {"A", 40}, {"B", 70}});
  EXPECT_EQ(outcome.depth, 3u);
  EXPECT_EQ(outcome.attempts, 1);
  EXPECT_EQ(outcome.sums_ms[0], 1);
  EXPECT_EQ(outcome.sums_ms[1], 2);
}

TEST(FunnelSearch, FirstOnlyIsTheFirstAttempt) {
  Funnel funnel("ABC", 10);
  EXPECT_EQ(funnel.search({{"A", 0}, {"B", 5}, {"A", 20}, {"B", 22}, {"C", 23}}).depth, 3u);
  funnel.rules.first_only = true;
  EXPECT_EQ(funnel.search({{"A", 0}, {"B", 5}, {"A", 20}, {"B", 22}, {"C", 23}}).depth, 2u);
}

TEST(FunnelSearch, AnExcludedEventBetweenItsStepsRemovesThePerson) {
  for (const FunnelOrder order : {FunnelOrder::ordered, FunnelOrder::strict, FunnelOrder::any}) {
    Funnel funnel("ABC", 100);
    funnel.rules.order = order;
    funnel.rules.exclusions = {{1, 2}, {2, 3}};  // X after A, Y after B.
    // Where strict is broken by the excluded event itself, it removes the person all the same.
    EXPECT_TRUE(funnel.search({{"A", 0}, {"X", 1}, {"B", 2}, {"C", 3}}).excluded);
    EXPECT_TRUE(funnel.search({{"A", 0}, {"B", 2}, {"Y", 3}, {"C", 4}}).excluded);
    EXPECT_FALSE(funnel.search({{"Y", 0}, {"A", 1}, {"B", 2}, {"C", 3}, {"X", 9}}).excluded);
    // Strictly between.
    EXPECT_FALSE(funnel.search({{"A", 0}, {"B", 2}, {"C", 4}, {"Y", 4}}).excluded);
  }
}

TEST(FunnelSearch, WhereTheLaterStepIsMissingAnExclusionHoldsToTheEndOfTheWindow) {
  for (const FunnelOrder order : {FunnelOrder::ordered, FunnelOrder::strict, FunnelOrder::any}) {
    Funnel funnel("ABC", 10);
    funnel.rules.order = order;
    funnel.rules.exclusions = {{2, 3}};
    EXPECT_TRUE(funnel.search({{"A", 0}, {"B", 2}, {"X", 10}}).excluded);
    const FunnelOutcome outcome = funnel.search({{"A", 0}, {"B", 2}, {"X", 11}});
    EXPECT_FALSE(outcome.excluded);  // After the window it is ignored.
    EXPECT_EQ(outcome.depth, 2u);
    EXPECT_FALSE(funnel.search({{"A", 0}, {"X", 1}, {"B", 2}}).excluded);
    EXPECT_FALSE(funnel.search({{"A", 0}, {"X", 1}}).excluded);
  }
}

TEST(FunnelSearch, AnExcludedEventAfterTheEarlierStartsWindowStillRemoves) {
  for (const FunnelOrder order : {FunnelOrder::ordered, FunnelOrder::any}) {
    Funnel funnel("ABC", 10);
    funnel.rules.order = order;
    funnel.rules.exclusions = {{2, 3}};
    // Of the attempts that end with B the one from the second A counts: it could go on at 13.
    EXPECT_TRUE(funnel.search({{"A", 2}, {"A", 5}, {"B", 6}, {"X", 13}}).excluded);
  }
}

TEST(FunnelSearch, AnotherAttemptAsLongSavesThePerson) {
  Funnel funnel("ABC", 10);
  funnel.rules.exclusions = {{1, 2}};
  const FunnelOutcome outcome =
      funnel.search({{"A", 0}, {"X", 1}, {"B", 2}, {"C", 3}, {"A", 20}, {"B", 24}, {"C", 25}});
  EXPECT_FALSE(outcome.excluded);
  EXPECT_EQ(outcome.attempts, 1);
  EXPECT_EQ(outcome.sums_ms[0], 4);
  // A shorter one does not.
  EXPECT_TRUE(
      funnel.search({{"A", 0}, {"X", 1}, {"B", 2}, {"C", 3}, {"A", 20}, {"B", 24}}).excluded);
}

TEST(FunnelSearch, StrictIsBrokenByAnyOtherEvent) {
  Funnel funnel("ABC");
  funnel.rules.order = FunnelOrder::strict;
  EXPECT_EQ(funnel.search({{"A", 0}, {"B", 1}, {"C", 2}}).depth, 3u);
  EXPECT_EQ(funnel.search({{"A", 0}, {"B", 1}, {"-", 2}, {"C", 3}}).depth, 2u);
  EXPECT_EQ(funnel.search({{"-", 0}, {"A", 0}, {"B", 1}, {"C", 2}, {"-", 2}}).depth, 3u);
  EXPECT_EQ(funnel.search({{"A", 0}, {"B", 1}, {"-", 1}, {"C", 2}}).depth, 2u);
}

TEST(FunnelSearch, AnyOrderIsAnyOrder) {
  Funnel funnel("ABC", 10);
  funnel.rules.order = FunnelOrder::any;
  for (const auto& events : std::vector<std::vector<Funnel::At>>{{{"A", 0}, {"B", 1}, {"C", 3}},
                                                                 {{"B", 0}, {"C", 1}, {"A", 3}},
                                                                 {{"C", 0}, {"A", 1}, {"B", 3}},
                                                                 {{"C", 0}, {"B", 1}, {"A", 3}}}) {
    const FunnelOutcome outcome = funnel.search(events);
    EXPECT_EQ(outcome.depth, 3u);
    EXPECT_EQ(outcome.sums_ms[0], 1);
    EXPECT_EQ(outcome.sums_ms[1], 2);
  }
  EXPECT_EQ(funnel.search({{"B", 0}, {"B", 1}, {"C", 3}}).depth, 2u);
  EXPECT_EQ(funnel.search({{"B", 0}, {"C", 1}, {"A", 11}}).depth, 2u);
}

TEST(FunnelSearch, HeldValuesAreTheSameInAllSteps) {
  Funnel funnel("AB");
  funnel.rules.holds_values = true;
  EXPECT_EQ(funnel.search({{"A", 0, 1}, {"B", 1, 2}}).depth, 1u);
  EXPECT_EQ(funnel.search({{"A", 0, 1}, {"A", 1, 2}, {"B", 2, 2}}).depth, 2u);
  const FunnelOutcome both = funnel.search({{"A", 0, 1}, {"A", 1, 2}, {"B", 2, 2}, {"B", 7, 1}});
  EXPECT_EQ(both.attempts, 2);
  EXPECT_EQ(both.sums_ms[0], 7 + 1);
  constexpr std::uint32_t none = FunnelEvent::no_value;
  EXPECT_EQ(funnel.search({{"A", 0, none}, {"B", 1, none}}).depth, 0u);
}

TEST(FunnelSearch, OneStepIsAFunnelToo) {
  EXPECT_EQ(Funnel("A").search({{"A", 0}, {"A", 1}}).depth, 1u);
  EXPECT_EQ(Funnel("A").search({{"-", 0}}).depth, 0u);
  EXPECT_FALSE(Funnel("A").search({}).counts());
}

}  // namespace
}  // namespace hf::test
