// SPDX-License-Identifier: Apache-2.0
#include "metric/person_buckets.h"

#include <gtest/gtest.h>

#include "base/rng.h"
#include "metric/event_world.h"
#include "metric/retention.h"

namespace hf::test {
namespace {

std::vector<WorldEvent> any_events(Rng& rng) {
  std::vector<WorldEvent> events;
  const auto parts = 1 + rng.below(4);
  const auto instants = 1 + rng.below(30);
  const bool has_lists = rng.chance(0.2);
  for (auto count = 1 + rng.below(rng.chance(0.1) ? 600 : 60); count > 0; --count) {
    WorldEvent event{.person = fmt::format("p{}", rng.below(4)),
                     .name = fmt::format("e{}", rng.below(4)),
                     .time_ms = static_cast<TimestampMs>(rng.below(instants)),
                     .part = static_cast<int>(rng.below(parts))};
    if (rng.chance(0.6)) {
      event.properties.emplace_back("c", text(fmt::format("v{}", rng.below(5))));
    } else if (has_lists && rng.chance(0.3)) {
      event.properties.emplace_back("c", stored(ValueKind::list, R"(["v1","v2"])"));
    }
    events.push_back(std::move(event));
  }
  return events;
}

// Against sorting each person's events into groups.
TEST(PersonBuckets, AreThoseOfAllThePersonsEvents) {
  int found = 0;
  int not_found = 0;
  for (std::uint64_t seed = 1; seed <= 1'000; ++seed) {
    Rng rng(seed);
    const EventWorld world(any_events(rng));
    std::vector<Matcher> matchers(3);
    Predicate always;
    auto table = std::make_shared<BucketTable>();
    EventSelection selection;
    selection.as_of = rng.chance(0.3) ? static_cast<TimestampMs>(rng.below(30)) : 1'000;
    for (int i = 0; i < 3; ++i) {
      matchers[i].choices.push_back({.event = fmt::format("e{}", i)});
      selection.wanted.push_back({&matchers[i], &always});
    }
    const std::uint64_t bits = 1 + rng.below(7);
    selection.keys.push_back({"c", bits, table.get()});
    const GroupBy by{.how = rng.chance(0.5) ? GroupBy::How::first_touch : GroupBy::How::last_touch,
                     .key = 0,
                     .bits = bits,
                     .persons = {},
                     .table = table,
                     .top = 25};
    const Snapshot snapshot = world.snapshot();
    const BoundSelection bound = BoundSelection::bind(snapshot, selection).value();
    WorkGuard guard;
    const auto found_buckets =
        find_person_buckets(bound, by,
                            {.people = nullptr, .unit_key = {}, .threads = 1, .guard = &guard})
            .value();
    const auto& buckets = found_buckets.buckets;
    PersonEventReader reader = PersonEventReader::open(bound).value();
    GroupSplit split;
    bool is_one_each = true;
    for_each_person(snapshot, 0, snapshot.person_end, [&](PersonOrdinal person, auto runs) {
      const PersonEvents events = reader.read(runs).value();
      std::vector<BucketId> of;
      const auto note = [&](const GroupIds& ids, const PersonEvents&) -> Result<void> {
        of.push_back(ids.front());
        return {};
      };
      ASSERT_TRUE(split.for_each({&by, 1}, person, events, guard, note));
      is_one_each = is_one_each && of.size() == 1;
      if (buckets && of.size() == 1) {
        ASSERT_EQ(buckets->of[person], of.front()) << seed;
      }
    });
    ASSERT_EQ(buckets.has_value(), is_one_each) << seed;
    ++(buckets ? found : not_found);
  }
  EXPECT_GT(found, 500);
  EXPECT_GT(not_found, 50);
}

TEST(PersonBuckets, OnlyThoseWhoAreAskedForDecideWhetherTheyAre) {
  EventWorld world(
      {{"ann", "buy", utc("2026-01-05T08:00"), {}}, {"bob", "buy", utc("2026-01-05T08:00"), {}}});
  const auto ordinals = world.ordinals();
  WorkGuard guard;
  const auto table = std::make_shared<BucketTable>();
  const BucketId red = table->intern("red").value();
  const BucketId blue = table->intern("blue").value();
  const auto keys = PersonKeys::make(world.snapshot().person_end, guard).value();
  keys->set(ordinals.at("ann"), keys->add({red}));
  keys->set(ordinals.at("bob"), keys->add({red, blue}));
  const Matcher any = Matcher::any_event();
  const Predicate always;
  EventSelection selection;
  selection.as_of = utc("2026-02-01T00:00");
  selection.wanted.push_back({&any, &always});
  const BoundSelection bound = BoundSelection::bind(world.snapshot(), selection).value();
  const GroupBy by{.how = GroupBy::How::person, .persons = keys, .table = table, .top = 25};
  const auto asked = [&](const char* person) {
    PersonBitmap people(world.snapshot().person_end);
    people.add(ordinals.at(person));
    return find_person_buckets(bound, by, {.people = &people, .guard = &guard}).value();
  };
  const auto of_ann = asked("ann");
  ASSERT_TRUE(of_ann.buckets);
  EXPECT_EQ(of_ann.buckets->of[ordinals.at("ann")], red);
  EXPECT_FALSE(asked("bob").buckets);
}

TEST(PersonBuckets, WhatIsReadToFindThemIsToldInTheAnswer) {
  EventWorld world({{"ann", "buy", utc("2026-01-05T08:00"), {{"k", text("x")}}},
                    {"ann", "buy", utc("2026-01-06T08:00"), {{"k", text("y")}}},
                    {"bob", "buy", utc("2026-01-05T08:00"), {{"k", text("y")}}}});
  const QueryContext context = world.context();
  const auto ask = [&](const char* json) {
    const auto query = parse_retention(parse_json(json).value(), context);
    return run_retention(world.snapshot(), context, query.value()).value();
  };
  // Days of activity alone are read of no event.
  EXPECT_EQ(ask(R"({"metric":"retention"})").events_scanned, 0u);
  const RetentionAnswer answer =
      ask(R"({"metric":"retention","breakdown":[{"property":"k","attribution":"first_touch"}]})");
  EXPECT_EQ(answer.events_scanned, 3u);
  EXPECT_EQ(answer.persons_scanned, 2u);
  ASSERT_FALSE(answer.plan.empty());
  EXPECT_EQ(answer.plan.back().what, "breakdown by k");
  EXPECT_EQ(answer.plan.back().how, "events");
  EXPECT_EQ(answer.plan.back().events, 3u);
}

}  // namespace
}  // namespace hf::test
