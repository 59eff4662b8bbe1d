// SPDX-License-Identifier: Apache-2.0
#include "base/parallel.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <vector>

namespace hf {
namespace {

TEST(ForEachItem, DoesEachOnce) {
  for (const unsigned threads : {0u, 1u, 2u, 7u}) {
    for (const std::uint32_t items : {0u, 1u, 5u, 1'000u}) {
      std::vector<std::atomic<int>> done(items);
      std::atomic<unsigned> highest = 0;
      ASSERT_TRUE(for_each_item(threads, items, [&](unsigned thread, std::uint32_t item) {
        ++done[item];
        for (unsigned seen = highest; seen < thread && !highest.compare_exchange_weak(seen, thread);
             seen = highest) {
        }
        return Result<void>{};
      }));
      for (const auto& times : done) EXPECT_EQ(times, 1);
      EXPECT_LE(highest, std::max(threads, 1u) - 1);
    }
  }
}

TEST(ForEachItem, LeavesThoseBehindWhoComeTooLate) {
  // So little to do that most threads begin when all is done and what they were to help with is
  // gone.
  for (int i = 0; i < 2'000; ++i) {
    std::vector<int> done(4);
    ASSERT_TRUE(for_each_item(4, 4, [&](unsigned, std::uint32_t item) {
      ++done[item];
      return Result<void>{};
    }));
    ASSERT_EQ(done, std::vector<int>(4, 1));
  }
}

TEST(ForEachItem, EndsWithTheFirstFailure) {
  std::atomic<std::uint32_t> begun = 0;
  const Result<void> outcome = for_each_item(2, 1'000'000, [&](unsigned, std::uint32_t item) {
    ++begun;
    return item == 3 ? Result<void>(fail(ErrorCode::data_loss, "broken", "item 3"))
                     : Result<void>{};
  });
  ASSERT_FALSE(outcome);
  EXPECT_EQ(outcome.error().reason, "broken");
  EXPECT_LT(begun, 1'000'000u);
}

}  // namespace
}  // namespace hf
