// SPDX-License-Identifier: Apache-2.0
#include "metric/person_rows.h"

#include <gtest/gtest.h>

#include "base/rng.h"
#include "metric/event_world.h"

namespace hf::test {
namespace {

// Events of few persons in several parts, some of them late, some of one instant.
std::vector<WorldEvent> any_events(Rng& rng, int names) {
  std::vector<WorldEvent> events;
  const auto count = 1 + rng.below(rng.chance(0.1) ? 600 : 60);
  const auto parts = 1 + rng.below(4);
  const bool is_dense = rng.chance(0.3);
  for (std::uint64_t i = 0; i < count; ++i) {
    const TimestampMs t = is_dense ? static_cast<TimestampMs>(rng.below(count))
                                   : static_cast<TimestampMs>(i * 1'000 + rng.below(1'000));
    const bool is_late = rng.chance(0.1);
    events.push_back({.person = fmt::format("p{}", rng.below(3)),
                      .name = fmt::format("e{}", rng.below(static_cast<std::uint64_t>(names))),
                      .time_ms = t,
                      .properties = {},
                      .part = static_cast<int>(is_late ? parts : i * parts / count)});
  }
  return events;
}

// Against reading the person's events one by one.
TEST(PersonRows, AreThePersonsEventsInOrder) {
  int untold = 0;
  int told = 0;
  for (std::uint64_t seed = 1; seed <= 400; ++seed) {
    Rng rng(seed);
    const int names = 1 + static_cast<int>(rng.below(20));
    const EventWorld world(any_events(rng, names + 2));
    std::vector<Matcher> matchers(static_cast<std::size_t>(names));
    Predicate always;
    EventSelection selection;
    selection.as_of = 1'000'000'000;
    for (int i = 0; i < names; ++i) {
      matchers[i].choices.push_back({.event = fmt::format("e{}", i)});
      selection.wanted.push_back({&matchers[i], &always});
    }
    const Snapshot snapshot = world.snapshot();
    const BoundSelection bound = BoundSelection::bind(snapshot, selection).value();
    Interval span{0, selection.as_of};
    if (rng.chance(0.5)) span.from_ms = static_cast<TimestampMs>(rng.below(40'000));
    if (rng.chance(0.5)) span.to_ms = span.from_ms + static_cast<TimestampMs>(rng.below(40'000));
    PersonRows rows(bound, span);
    PersonEventReader reader = PersonEventReader::open(bound).value();
    for_each_person(snapshot, 0, snapshot.person_end, [&](PersonOrdinal, auto runs) {
      std::vector<PersonEvent> events;
      const PersonEvents all = reader.read(runs).value();
      for (const PersonEvent& event : all.events) {
        if (event.time_ms >= span.from_ms && event.time_ms < span.to_ms) events.push_back(event);
      }
      const auto read = rows.read(runs).value();
      if (read == PersonRows::Read::nothing) {
        ASSERT_TRUE(events.empty());
        return;
      }
      if (read == PersonRows::Read::not_told) {
        ++untold;
        return;
      }
      const bool ties =
          std::ranges::adjacent_find(events, {}, &PersonEvent::time_ms) != events.end();
      ASSERT_EQ(rows.has_ties(), ties) << seed;
      if (ties) return;
      ++told;
      std::size_t at = 0;
      rows.with_times([&](const auto& times) {
        for (std::uint32_t row = 0; row < rows.matches(0).size() * 64; ++row) {
          std::uint64_t matched = 0;
          for (std::size_t k = 0; k < matchers.size(); ++k) {
            matched |= (rows.matches(k)[row / 64] >> (row % 64) & 1) << k;
          }
          if (matched == 0) continue;
          ASSERT_LT(at, events.size()) << seed;
          ASSERT_EQ(matched, events[at].matched) << seed;
          ASSERT_EQ(times[row], events[at].time_ms) << seed;
          ++at;
        }
      });
      ASSERT_EQ(at, events.size()) << seed;
    });
  }
  EXPECT_EQ(untold, 0);
  EXPECT_GT(told, 300);
}

}  // namespace
}  // namespace hf::test
