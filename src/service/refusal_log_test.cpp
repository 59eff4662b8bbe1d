// SPDX-License-Identifier: Apache-2.0
#include "service/refusal_log.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <atomic>
#include <future>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "service/memory_state.h"

namespace hf {
namespace {

/// A state whose changes wait until they may go on.
class HeldState final : public test::MemoryState {
 public:
  Result<void> change(const Work& work) override {
    ++waiting;
    open_.wait();
    return MemoryState::change(work);
  }
  void open() { opened_.set_value(); }
  std::atomic<int> waiting = 0;

 private:
  std::promise<void> opened_;
  std::shared_future<void> open_ = opened_.get_future().share();
};

std::vector<Refusal> refused(const std::string& text, std::size_t count = 1) {
  return std::vector<Refusal>(
      count, {.id = 0, .received_ms = 1, .source = "shop", .reason = "why", .text = text});
}

std::vector<std::string> texts(const State& state) {
  std::vector<std::string> out;
  const RefusalPage page = state.refusals({.limit = refusal_page_max}).value();
  for (const Refusal& refusal : page.refusals) {
    out.insert(out.begin(), refusal.text);
  }
  return out;
}

TEST(RefusalLog, SaysSoOnceTheyAreKept) {
  test::MemoryState state;
  RefusalLog log(state);
  for (int i = 0; i < 5; ++i) {
    std::promise<Result<void>> done;
    ASSERT_TRUE(log.add(refused(fmt::format("{}", i)), [&](Result<void> kept) {
      EXPECT_EQ(texts(state).back(), fmt::format("{}", i)) << "before it is said";
      done.set_value(std::move(kept));
    }));
    EXPECT_TRUE(done.get_future().get());
  }
  EXPECT_EQ(state.changes, 5);
}

TEST(RefusalLog, KeepsTogetherWhatComesTogetherAndInOrder) {
  HeldState state;
  std::atomic<int> done = 0;
  {
    RefusalLog log(state);
    const auto count = [&](const Result<void>& kept) { done += kept.has_value(); };
    ASSERT_TRUE(log.add(refused("0"), count));
    while (state.waiting == 0) std::this_thread::yield();
    for (int i = 1; i < 100; ++i) ASSERT_TRUE(log.add(refused(fmt::format("{}", i)), count));
    EXPECT_EQ(done, 0);
    state.open();
  }  // What waits is kept before it ends.
  EXPECT_EQ(done, 100);
  EXPECT_EQ(state.changes, 2);
  const auto kept = texts(state);
  ASSERT_EQ(kept.size(), 100u);
  for (int i = 0; i < 100; ++i) EXPECT_EQ(kept[static_cast<std::size_t>(i)], fmt::format("{}", i));
}

TEST(RefusalLog, RefusesMoreThanFitsIntoMemory) {
  HeldState state;
  std::atomic<int> done = 0;
  RefusalLog log(state);
  const auto count = [&](const Result<void>&) { ++done; };
  ASSERT_TRUE(log.add(refused("first"), count));
  while (state.waiting == 0) std::this_thread::yield();
  const std::string large(1 << 20, 'x');
  int taken = 0;
  Result<void> outcome;
  while ((outcome = log.add(refused(large), count))) ASSERT_LT(++taken, 100);
  EXPECT_EQ(outcome.error().code, ErrorCode::resource_exhausted);
  EXPECT_EQ(outcome.error().reason, "queue_full");
  EXPECT_EQ(taken, 15) << "16 MiB, with what else is told of them";
  EXPECT_TRUE(log.add(refused("small"), count));
  state.open();
  while (done < taken + 2) std::this_thread::yield();
  EXPECT_TRUE(log.add(refused(large), count)) << "there is room again";
  while (done < taken + 3) std::this_thread::yield();
}

TEST(RefusalLog, SaysWhyTheyAreNotKeptAndGoesOn) {
  test::MemoryState state;
  RefusalLog log(state);
  state.failing = true;
  std::promise<Result<void>> first;
  ASSERT_TRUE(log.add(refused("a"), [&](Result<void> kept) { first.set_value(std::move(kept)); }));
  const auto failed = first.get_future().get();
  ASSERT_FALSE(failed);
  EXPECT_EQ(failed.error().reason, "disk_full");
  state.failing = false;
  std::promise<Result<void>> second;
  ASSERT_TRUE(log.add(refused("b"), [&](Result<void> kept) { second.set_value(std::move(kept)); }));
  EXPECT_TRUE(second.get_future().get());
  EXPECT_EQ(texts(state), std::vector<std::string>{"b"});
}

TEST(RefusalLog, TakesThemFromManyThreads) {
  test::MemoryState state;
  std::atomic<int> done = 0;
  {
    RefusalLog log(state);
    std::vector<std::jthread> threads;
    for (int t = 0; t < 8; ++t) {
      threads.emplace_back([&] {
        for (int i = 0; i < 50; ++i) {
          ASSERT_TRUE(log.add(refused("x", 2),
                              [&](const Result<void>& kept) { done += kept.has_value(); }));
        }
      });
    }
    threads.clear();
  }
  EXPECT_EQ(done, 400);
  EXPECT_EQ(state.refusal_counts().value().ever.at(0).count, 800u);
  EXPECT_LE(state.changes, 400);
}

}  // namespace
}  // namespace hf
