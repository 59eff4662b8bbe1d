// SPDX-License-Identifier: Apache-2.0
#include "base/work_guard.h"

#include <gtest/gtest.h>

#include "base/sim_env.h"

namespace hf {
namespace {

TEST(WorkGuard, WithoutLimitsNothingEndsIt) {
  WorkGuard guard;
  EXPECT_TRUE(guard.check());
  EXPECT_TRUE(guard.take(std::size_t{1} << 60));
}

TEST(WorkGuard, EndsAtItsDeadline) {
  SimEnv env(1);
  const Env outside = env.env();
  const std::int64_t now = outside.clock.monotonic_ns();
  const WorkGuard over(outside.clock, {.deadline_ns = now});
  EXPECT_EQ(over.check().error().reason, "time_limit");
  const WorkGuard later(outside.clock, {.deadline_ns = now + 60'000'000'000});
  EXPECT_TRUE(later.check());
}

TEST(WorkGuard, EndsWhenItIsCancelled) {
  WorkGuard guard;
  guard.cancel();
  EXPECT_EQ(guard.check().error().code, ErrorCode::cancelled);
}

TEST(WorkGuard, HoldsAsManyBytesAsItMayAndNotOneMore) {
  SimEnv env(1);
  const Env outside = env.env();
  WorkGuard guard(outside.clock, {.bytes_max = 100});
  {
    HeldBytes held(guard);
    EXPECT_TRUE(held.grow_to(60));
    EXPECT_TRUE(held.grow_to(100));
    EXPECT_EQ(held.grow_to(101).error().reason, "memory_limit");
    EXPECT_EQ(guard.held_bytes(), 100u);
    EXPECT_EQ(guard.take(1).error().reason, "memory_limit");
  }
  EXPECT_EQ(guard.held_bytes(), 0u);
  EXPECT_EQ(guard.take(std::numeric_limits<std::size_t>::max()).error().reason, "memory_limit");
}

}  // namespace
}  // namespace hf
