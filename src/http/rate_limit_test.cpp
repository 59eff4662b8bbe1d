// SPDX-License-Identifier: Apache-2.0
#include "http/rate_limit.h"

#include <gtest/gtest.h>

#include "base/rng.h"

namespace hf::http {
namespace {

constexpr std::int64_t second = 1'000'000'000;

TEST(RateLimit, OfZeroIsNone) {
  RateLimit limit(0);
  for (int i = 0; i < 1'000; ++i) EXPECT_EQ(limit.take(1, 1'000'000, 0), std::nullopt);
}

TEST(RateLimit, LetsTheUnusedOfTwoSecondsThroughAtOnce) {
  RateLimit limit(100);
  EXPECT_EQ(limit.take(1, 200, 0), std::nullopt);
  EXPECT_EQ(limit.take(1, 1, 0), 1);
  EXPECT_EQ(limit.take(2, 200, 0), std::nullopt);  // Another key's.
  EXPECT_EQ(limit.take(1, 150, second), 1);
  EXPECT_EQ(limit.take(1, 100, second), std::nullopt);
  EXPECT_EQ(limit.take(1, 200, 100 * second), std::nullopt);
  EXPECT_EQ(limit.take(1, 200, 100 * second), 2);
}

TEST(RateLimit, TakesWhatIsLargerThanABucketAndOwesIt) {
  RateLimit limit(10);
  EXPECT_EQ(limit.take(1, 50, 0), std::nullopt);
  EXPECT_EQ(limit.take(1, 1, 0), 4);
  EXPECT_EQ(limit.take(1, 1, 3 * second), 1);
  EXPECT_EQ(limit.take(1, 1, 4 * second), std::nullopt);
}

TEST(RateLimit, NeverLetsMoreThroughThanTheRateAndOneBucket) {
  for (std::uint64_t seed = 0; seed < 200; ++seed) {
    Rng rng(seed);
    const std::uint64_t rate = 1 + rng.below(50);
    RateLimit limit(rate);
    std::int64_t now = 0;
    std::uint64_t taken = 0;
    for (int i = 0; i < 500; ++i) {
      now += static_cast<std::int64_t>(rng.below(second));
      const std::uint64_t events = 1 + rng.below(2 * rate);
      const auto wait = limit.take(7, events, now);
      if (!wait) {
        taken += events;
      } else {
        EXPECT_GE(*wait, 1);
      }
    }
    EXPECT_LE(taken, rate * (static_cast<std::uint64_t>(now / second) + 1 + RateLimit::burst_s));
  }
}

}  // namespace
}  // namespace hf::http
