// SPDX-License-Identifier: Apache-2.0
#include "base/guarded.h"

#include <gtest/gtest.h>

#include <chrono>
#include <thread>
#include <vector>

namespace hf {
namespace {

TEST(Guarded, LetsOneThreadAtATimeIn) {
  Guarded<int> count(0);
  {
    std::vector<std::jthread> threads;
    for (int t = 0; t < 4; ++t) {
      threads.emplace_back([&count] {
        for (int i = 0; i < 5'000; ++i) {
          ++*count.lock();
          count.with([](int& value) { ++value; });
        }
      });
    }
  }
  EXPECT_EQ(*count.lock(), 40'000);
  EXPECT_EQ(count.with([](int value) { return value / 2; }), 20'000);
}

TEST(Guarded, WaitsUntilTheValueIsReady) {
  Guarded<std::vector<int>> queue;
  std::condition_variable changed;
  std::jthread producer([&] {
    queue.lock()->push_back(7);
    changed.notify_one();
  });
  auto items = queue.lock();
  items.wait(changed, [](const auto& values) { return !values.empty(); });
  EXPECT_EQ(items->front(), 7);
  EXPECT_FALSE(items.wait_for(changed, std::chrono::milliseconds(1),
                              [](const auto& values) { return values.empty(); }));
}

TEST(Guarded, ReadsThroughConst) {
  const Guarded<int> value(5);
  EXPECT_EQ(*value.lock(), 5);
  EXPECT_EQ(value.with([](const int& v) { return v; }), 5);
}

}  // namespace
}  // namespace hf
