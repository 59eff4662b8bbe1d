// SPDX-License-Identifier: Apache-2.0
#include "service/attempt_throttle.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <vector>

namespace hf {
namespace {

constexpr std::int64_t second_ns = 1'000'000'000;

TEST(AttemptThrottle, LetsFiveFailAndThenWaitTwiceAsLongEachTime) {
  AttemptThrottle throttle;
  std::int64_t now = 17 * second_ns;
  std::vector<std::int64_t> waits;
  for (int failure = 0; failure < 17; ++failure) {
    throttle.fail("ann", now);
    const std::int64_t wait = throttle.wait_s("ann", now);
    waits.push_back(wait);
    EXPECT_EQ(throttle.wait_s("bob", now), 0);
    if (wait == 0) continue;
    EXPECT_EQ(throttle.wait_s("ann", now + 1), wait) << "whole seconds, the last one begun";
    EXPECT_EQ(throttle.wait_s("ann", now + wait * second_ns - 1), 1);
    now += wait * second_ns;
    EXPECT_EQ(throttle.wait_s("ann", now), 0);
  }
  EXPECT_EQ(waits, (std::vector<std::int64_t>{0, 0, 0, 0, 1, 2, 4, 8, 16, 32, 64, 128, 256, 300,
                                              300, 300, 300}));
}

TEST(AttemptThrottle, ForgetsWhoSucceedsAndWhoLetsAnHourGoBy) {
  AttemptThrottle throttle;
  for (int i = 0; i < 7; ++i) throttle.fail("ann", 0);
  throttle.forget("ann");
  throttle.fail("ann", 0);
  EXPECT_EQ(throttle.wait_s("ann", 0), 0);
  EXPECT_EQ(throttle.size(), 1u);
  for (int i = 0; i < 7; ++i) throttle.fail("bob", 0);
  const std::int64_t later = AttemptThrottle::remembered_s * second_ns;
  throttle.fail("bob", later);
  EXPECT_EQ(throttle.wait_s("bob", later), 0);
  throttle.forget("nobody");
}

TEST(AttemptThrottle, RemembersSoManyAndForgetsTheLongestAgo) {
  AttemptThrottle throttle;
  for (int i = 0; i < 9; ++i) throttle.fail("ann", 0);
  for (int i = 0; i < 9; ++i) throttle.fail("bob", 1);
  for (std::size_t i = 0; i + 1 < AttemptThrottle::remembered_max; ++i) {
    throttle.fail(fmt::format("address {}", i), 2);
  }
  EXPECT_EQ(throttle.size(), AttemptThrottle::remembered_max);
  EXPECT_EQ(throttle.wait_s("ann", 2), 0);
  EXPECT_GT(throttle.wait_s("bob", 2), 0);
}

}  // namespace
}  // namespace hf
