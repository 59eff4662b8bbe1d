// SPDX-License-Identifier: Apache-2.0
#include "metric/person_walk.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <vector>

#include "metric/event_world.h"

namespace hf::test {
namespace {

class PersonWalk : public ::testing::Test {
 protected:
  static constexpr PersonOrdinal persons = 5'000;
  static std::vector<WorldEvent> events() {
    std::vector<WorldEvent> events;
    for (PersonOrdinal i = 0; i < persons; ++i) {
      events.push_back({fmt::format("person {}", i), "visit", utc("2026-01-05T08:00"), {}});
      if (i % 2 == 0) events.push_back(events.back());
    }
    return events;
  }

  EventWorld world_{events()};
  WorkGuard guard_;
};

TEST_F(PersonWalk, GoesOverEachPersonOnceAndCountsWhatItDid) {
  PersonBitmap people(persons);
  for (PersonOrdinal person = 0; person < 100; ++person) people.add(person);
  for (const unsigned threads : {1u, 3u}) {
    std::vector<int> seen(persons);
    const auto use = [&](unsigned, PersonOrdinal person, std::span<const PersonRun>) {
      ++seen[person];
      return Result<void>{};
    };
    const auto all =
        walk_persons(world_.snapshot(), {.threads = threads, .guard = &guard_}, use).value();
    EXPECT_EQ(seen, std::vector<int>(persons, 1));
    EXPECT_EQ(all.persons, persons);
    EXPECT_EQ(all.events, persons * 3 / 2);
    const auto some = walk_persons(world_.snapshot(),
                                   {.people = &people, .threads = threads, .guard = &guard_}, use)
                          .value();
    EXPECT_EQ(some.persons, 100u);
    EXPECT_EQ(guard_.progress().done, guard_.progress().expected);
  }
}

TEST_F(PersonWalk, EndsWhenNobodyWaitsForIt) {
  PersonOrdinal seen = 0;
  const auto use = [&](unsigned, PersonOrdinal, std::span<const PersonRun>) {
    ++seen;
    guard_.cancel();
    return Result<void>{};
  };
  const auto outcome = walk_persons(world_.snapshot(), {.guard = &guard_}, use);
  ASSERT_FALSE(outcome);
  EXPECT_EQ(outcome.error().reason, "cancelled");
  EXPECT_LE(seen, 1'024u);
}

TEST_F(PersonWalk, EndsWithTheFirstFailure) {
  PersonOrdinal seen = 0;
  const auto use = [&](unsigned, PersonOrdinal, std::span<const PersonRun>) -> Result<void> {
    ++seen;
    return fail(ErrorCode::unavailable, "io_error", "of a test");
  };
  const auto outcome = walk_persons(world_.snapshot(), {.guard = &guard_}, use);
  ASSERT_FALSE(outcome);
  EXPECT_EQ(outcome.error().reason, "io_error");
  EXPECT_EQ(seen, 1u);
}

}  // namespace
}  // namespace hf::test
