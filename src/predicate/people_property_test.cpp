// SPDX-License-Identifier: Apache-2.0
//
// All persons at once against one at a time, over random worlds and conditions.
#include "predicate/people.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <optional>
#include <vector>

#include "predicate/people_world.h"
#include "predicate/person_predicate.h"

namespace hf::test {
namespace {

// What the obvious way has of one person: the views it reads, and which are of first-seen rows.
struct Twin {
  explicit Twin(const std::vector<PeopleEvent>& history) {
    for (const PeopleEvent& event : history) properties.push_back(event.views());
    for (std::size_t i = 0; i < history.size(); ++i) {
      const EventView view{
          .name = history[i].name, .time_ms = history[i].time_ms, .properties = properties[i]};
      all.push_back(view);
      if (history[i].is_first_seen) continue;
      counting.push_back(view);
    }
  }

  // First-seen rows are seen by `first` alone; no predicate asked here nests it in another.
  bool holds(const Predicate& predicate, TimestampMs as_of_ms, std::optional<std::size_t> event,
             std::optional<std::size_t> counting_event, const Zone& zone) const {
    const auto child = [&](const Predicate& p) {
      return holds(p, as_of_ms, event, counting_event, zone);
    };
    switch (predicate.kind) {
      case Predicate::Kind::all: return std::ranges::all_of(predicate.children, child);
      case Predicate::Kind::any: return std::ranges::any_of(predicate.children, child);
      case Predicate::Kind::negation: return !child(predicate.children.front());
      default: break;
    }
    const bool is_first = predicate.kind == Predicate::Kind::behaviour &&
                          predicate.behaviour->kind == Behaviour::Kind::first;
    return holds_at(predicate, {is_first ? all : counting},
                    {as_of_ms, is_first ? event : counting_event}, zone);
  }

  std::vector<std::vector<PropertyView>> properties;
  std::vector<EventView> all;
  std::vector<EventView> counting;
};

struct Case {
  explicit Case(std::uint64_t seed) : rng(seed), any(rng) {
    any.fill(world);
    snapshot = world.snapshot();
    any.nest_behaviours(world.first_seen_parts() == 0);
    predicate = any.predicate(2, false);
    at_event = any.predicate(2, true);
    scope = {.zone = &any.zone(),
             .as_of_ms = any.time(),
             .guard = &guard,
             .threads = rng.chance(0.5) ? 1u : 3u,
             .postings = rng.chance(0.5)};
  }
  Rng rng;
  AnyPeople any;
  PeopleWorld world;
  WorkGuard guard;
  Snapshot snapshot;
  Predicate predicate;
  Predicate at_event;
  PeopleScope scope{};
};

TEST(FindPeople, FindsWhomTheObviousWayFinds) {
  int found = 0;
  int passed_over = 0;
  for (std::uint64_t seed = 0; seed < 3'000; ++seed) {
    SCOPED_TRACE(seed);
    Case given(seed);
    const auto known = known_people(given.snapshot, given.scope);
    const auto people = find_people(given.snapshot, given.predicate, given.scope);
    ASSERT_TRUE(known);
    ASSERT_TRUE(people);
    auto histories = given.world.histories();
    for (PersonOrdinal person = 0; person < given.snapshot.person_end; ++person) {
      const Twin twin(histories[person]);
      const bool is_known = std::ranges::any_of(twin.counting, [&](const EventView& event) {
        return event.time_ms <= given.scope.as_of_ms;
      });
      ASSERT_EQ(known->contains(person), is_known) << person;
      const bool holds =
          is_known && twin.holds(given.predicate, given.scope.as_of_ms, {}, {}, given.any.zone());
      ASSERT_EQ(people->contains(person), holds) << person;
      ++(holds ? found : passed_over);
    }
    ASSERT_EQ(given.guard.held_bytes(), 0u);
  }
  EXPECT_GT(found, 2'000);
  EXPECT_GT(passed_over, 5'000);
}

// The rows a page predicate finds, of all conditions at once.
TEST(RowConditions, HoldWhereTheObviousWayHolds) {
  int held = 0;
  int not_held = 0;
  for (std::uint64_t seed = 0; seed < 3'000; ++seed) {
    SCOPED_TRACE(seed);
    Case given(seed);
    const Matcher of = given.any.names();
    const bool of_all = given.rng.chance(0.5);
    std::vector<RowConditions::Question> asked = {{&given.at_event, &of}};
    // Asked twice, it is answered for all of whom it is asked.
    if (of_all)
      asked.insert(given.rng.chance(0.5) ? asked.begin() : asked.end(), {&given.at_event});
    const auto conditions = RowConditions::find(given.snapshot, asked, given.scope);
    ASSERT_TRUE(conditions);
    std::vector<std::vector<std::uint64_t>> rows;
    for (std::uint32_t number = 0; number < given.snapshot.parts.size(); ++number) {
      const Part& part = *given.snapshot.parts[number];
      const auto page = PagePredicate::compile(given.at_event, part, &*conditions, number);
      ASSERT_TRUE(page);
      rows.emplace_back((part.rows_in_page(0) + 63) / 64, ~std::uint64_t{0});
      ASSERT_TRUE(page->restrict(0, rows.back()));
    }
    for (const auto& [person, history] : given.world.histories()) {
      const Twin twin(history);
      std::size_t counting = 0;
      for (std::size_t i = 0; i < history.size(); ++i) {
        const PeopleEvent& event = history[i];
        if (event.is_first_seen) continue;
        const std::size_t index = counting++;
        if (event.time_ms > given.scope.as_of_ms) continue;
        if (!of_all && !of.names(event.name)) continue;
        const bool holds =
            twin.holds(given.at_event, given.scope.as_of_ms, i, index, given.any.zone());
        const std::uint32_t part = event.part - given.world.first_seen_parts();
        ASSERT_EQ((rows[part][event.row / 64] >> (event.row % 64) & 1) != 0, holds)
            << person << " event " << i;
        ++(holds ? held : not_held);
      }
    }
  }
  EXPECT_GT(held, 5'000);
  EXPECT_GT(not_held, 5'000);
}

}  // namespace
}  // namespace hf::test
