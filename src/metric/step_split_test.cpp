// SPDX-License-Identifier: Apache-2.0
#include "metric/step_split.h"

#include <gtest/gtest.h>

#include <span>
#include <utility>
#include <vector>

#include "base/work_guard.h"

namespace hf::test {
namespace {

// One person's events, each with a value of its own.
class OwnValues {
 public:
  OwnValues(std::uint32_t count, std::uint64_t matched) : sets_(count) {
    for (std::uint32_t i = 0; i < count; ++i) {
      sets_[i] = {BucketTable::missing + 1 + i};
      keys_.push_back(&sets_[i]);
      events_.push_back({.time_ms = i, .matched = matched, .detail = i});
    }
  }
  [[nodiscard]] PersonEvents events() const {
    return {.events = events_, .keys = keys_.data(), .key_count = 1};
  }

 private:
  std::vector<BucketSet> sets_;
  std::vector<const BucketSet*> keys_;
  std::vector<PersonEvent> events_;
};

class CountingClock final : public Clock {
 public:
  [[nodiscard]] TimestampMs now_ms() const override { return 0; }
  [[nodiscard]] std::int64_t monotonic_ns() const override { return ++asked; }
  mutable std::int64_t asked = 0;
};

struct Seen {
  BucketId value;
  std::vector<std::pair<TimestampMs, std::uint64_t>> events;  // Time and what it matches.
  friend bool operator==(const Seen&, const Seen&) = default;
};

// Not seen through: the compiler would count levels of the split that one key never has.
[[gnu::noinline]] std::vector<StepKey> at_first_step() { return {{.key = 0, .step = 1}}; }

TEST(StepSplit, TimeGrowsWithTheEventsNotWithTheirSquare) {
  constexpr std::uint32_t count = 100'000;
  const OwnValues values(count, 1);
  const CountingClock clock;
  WorkGuard guard(clock, {.deadline_ns = WorkGuard::no_deadline - 1});
  StepSplit split;
  std::size_t events = 0;
  const auto use = [&](std::span<const BucketId>, const PersonEvents& served) -> Result<void> {
    events += served.depths.at_least == 1 && served.depths.below > 1 ? served.events.size() : 0;
    return {};
  };
  ASSERT_TRUE(split.for_each(at_first_step(), values.events(), guard, use));
  EXPECT_EQ(events, count);
  // Asked once in 16,384 events that were copied.
  EXPECT_EQ(clock.asked, count / 16'384);
}

TEST(StepSplit, EndsWhenNobodyWaitsForIt) {
  // Each serves another step too, and so is in every bucket.
  const OwnValues values(1'000, 0b11);
  WorkGuard guard;
  guard.cancel();
  StepSplit split;
  std::size_t buckets = 0;
  const auto use = [&](std::span<const BucketId>, const PersonEvents&) -> Result<void> {
    ++buckets;
    return {};
  };
  const auto outcome = split.for_each(at_first_step(), values.events(), guard, use);
  ASSERT_FALSE(outcome);
  EXPECT_EQ(outcome.error().reason, "cancelled");
  EXPECT_LT(buckets, 20u);
}

TEST(StepSplit, ABucketHasItsOwnEventsAndThoseOfOtherStepsInOrder) {
  const BucketSet red{BucketTable::missing + 1};
  const BucketSet both{BucketTable::missing + 1, BucketTable::missing + 2};
  const std::vector<const BucketSet*> keys{&both, &red, &both, &red};
  const std::vector<PersonEvent> events{{.time_ms = 0, .matched = 0b10, .detail = 0},
                                        {.time_ms = 1, .matched = 0b11, .detail = 1},
                                        {.time_ms = 2, .matched = 0b01, .detail = 2},
                                        {.time_ms = 3, .matched = 0b01, .detail = 3}};
  std::vector<Seen> seen;
  const auto use = [&](std::span<const BucketId> ids, const PersonEvents& served) -> Result<void> {
    seen.push_back({ids.front(), {}});
    for (const PersonEvent& event : served.events) {
      seen.back().events.emplace_back(event.time_ms, event.matched);
    }
    return {};
  };
  WorkGuard guard;
  StepSplit split;
  const PersonEvents person{.events = events, .keys = keys.data(), .key_count = 1};
  ASSERT_TRUE(split.for_each(at_first_step(), person, guard, use));
  ASSERT_GE(seen.size(), 2u);
  EXPECT_EQ(seen[0], (Seen{BucketTable::missing + 1, {{0, 2}, {1, 3}, {2, 1}, {3, 1}}}));
  EXPECT_EQ(seen[1], (Seen{BucketTable::missing + 2, {{0, 2}, {1, 2}, {2, 1}}}));
}

}  // namespace
}  // namespace hf::test
