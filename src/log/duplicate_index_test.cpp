// SPDX-License-Identifier: Apache-2.0
//
// The twin of the index is a map from key to the time it was added. Exact means: what was added
// within the window is known, what was never added is not; in between both are right.
#include "log/duplicate_index.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <set>
#include <thread>

#include "log/duplicate_run.h"
#include "log/duplicate_world.h"

namespace hf {
namespace {

using namespace test;
using testing::SizeIs;

using Options = DuplicateIndex::Options;

const std::string& directory = duplicates_directory;

// The index.

TEST(DuplicateIndex, AgreesWithAMapOfTimesOverItsWindow) {
  for (std::uint64_t seed = 0; seed < 80; ++seed) {
    SCOPED_TRACE(seed);
    Rng rng(seed);
    SimEnv sim(seed);
    const Env env = sim.env();
    const Options options{
        .memory_bytes = std::size_t{1} << rng.between(10, 20),
        .window_ms = rng.between(0, 2'000),
        .table_keys = rng.chance(0.2) ? 0 : static_cast<std::size_t>(rng.between(1, 600))};
    auto index = must(DuplicateIndex::open(env, directory, options));
    std::unique_ptr<DuplicateIndex::Merge> merge;
    bool is_merge_run = false;
    Journal journal;
    for (int step = 0; step < 150; ++step) {
      switch (rng.below(12)) {
        case 0: must(index->flush()); break;
        case 1:
          if (merge) break;
          merge = index->begin_merge();
          is_merge_run = false;
          break;
        case 2:
          if (merge && !is_merge_run) must(merge->run());
          is_merge_run = true;
          break;
        case 3:
          if (merge && is_merge_run) must(index->finish_merge(std::move(merge)));
          merge.reset();  // Dropped, if it was not run.
          break;
        case 4:
          if (rng.chance(0.7)) break;
          if (rng.chance(0.5)) merge.reset();
          index.reset();  // A merge may outlive it.
          merge.reset();
          index = must(DuplicateIndex::open(env, directory, options));
          journal.add_again(*index);
          break;
        case 5: must(index->verify()); break;
        default: {
          std::vector<Hash128> keys(rng.below(100));
          for (Hash128& key : keys) key = any_key(rng);
          // Some come again.
          for (Hash128& key : keys) {
            if (journal.added().empty() || !rng.chance(0.2)) continue;
            const auto at = journal.added().lower_bound(uniform_key(rng));
            if (at != journal.added().end()) key = at->first;
          }
          journal.add(*index, std::move(keys), rng.chance(0.3) ? rng.between(0, 100) : 0,
                      rng.chance(0.2) ? rng.below(3) : 0);
          if (index->should_flush() && rng.chance(0.9)) must(index->flush());
        }
      }
      if (step % 10 == 0) journal.expect_agreement(*index, options.window_ms, rng);
      if (testing::Test::HasFatalFailure()) return;
    }
  }
}

TEST(DuplicateIndex, KnowsRunsOfAnyNumberOfKeysAndNotTheirNeighbours) {
  for (const std::size_t n : {0, 1, 2, 254, 255, 256, 509, 510, 511, 3'000}) {
    SCOPED_TRACE(n);
    SimEnv sim(1);
    const auto index = must(DuplicateIndex::open(sim.env(), directory, {.table_keys = 1'000}));
    const std::vector<Hash128> keys = uniform_keys(n, n);
    index->add(keys, 1, n + 2, first_ms);
    must(index->flush());
    EXPECT_EQ(index->flushed_end(), n + 2);
    EXPECT_EQ(index->size().keys, n);
    EXPECT_EQ(count_known(*index, keys), static_cast<std::int64_t>(n));
    std::vector<Hash128> others = keys;
    for (Hash128& key : others) ++key.low;
    EXPECT_EQ(count_known(*index, others), 0);
    for (Hash128& key : others) key.low -= 2;
    EXPECT_EQ(count_known(*index, others), 0);
    EXPECT_FALSE(knows(*index, Hash128{}));
    EXPECT_FALSE(knows(*index, all_ones));
    must(index->verify());
  }
}

TEST(DuplicateIndex, KnowsTheFirstAndTheLastKeyThereIs) {
  SimEnv sim(1);
  auto index = must(DuplicateIndex::open(sim.env(), directory, {}));
  index->add(std::vector{all_ones, Hash128{}}, 1, 3, first_ms);
  EXPECT_EQ(find(*index, std::vector{Hash128{}, all_ones, Hash128{0, 1}}),
            (std::vector{true, true, false}));
  must(index->flush());
  EXPECT_EQ(index->size().keys, 2u);
  EXPECT_EQ(find(*index, std::vector{Hash128{}, all_ones, Hash128{0, 1}}),
            (std::vector{true, true, false}));
}

TEST(DuplicateIndex, TellsApartKeysThatBeginAlike) {
  SimEnv sim(1);
  const auto index = must(DuplicateIndex::open(sim.env(), directory, {.table_keys = 5'000}));
  Rng rng(1);
  std::vector<Hash128> keys;
  std::vector<Hash128> others;
  for (std::uint64_t i = 0; i < 2'000; ++i) {
    const std::uint64_t top = std::uint64_t{i % 2 == 0 ? 0xFFFFFFFF : 5} << 32;
    (rng.chance(0.5) ? keys : others).push_back({top + i / 100, rng.next()});
  }
  index->add(keys, 1, 10, first_ms);
  for (int flushed = 0; flushed < 2; ++flushed) {
    EXPECT_EQ(count_known(*index, keys), static_cast<std::int64_t>(keys.size()));
    EXPECT_EQ(count_known(*index, others), 0);
    must(index->flush());
  }
}

TEST(DuplicateIndex, AnswersEachKeyOfABatchThatHasItTwice) {
  SimEnv sim(1);
  const auto index = must(DuplicateIndex::open(sim.env(), directory, {}));
  const std::vector<Hash128> keys = uniform_keys(1, 100);
  index->add(std::span(keys).first(50), 1, 51, first_ms);
  must(index->flush());
  std::vector<Hash128> batch = keys;
  batch.insert(batch.end(), keys.begin(), keys.end());
  const std::vector<bool> known = find(*index, batch);
  for (std::size_t i = 0; i < batch.size(); ++i) EXPECT_EQ(known[i], i % 100 < 50);
}

TEST(DuplicateIndex, TellsWhenItsTableIsFullAndStillTakesMore) {
  SimEnv sim(1);
  const auto index = must(DuplicateIndex::open(sim.env(), directory, {.table_keys = 100}));
  const std::vector<Hash128> keys = uniform_keys(1, 5'000);
  for (std::size_t i = 0; i < keys.size(); ++i) {
    ASSERT_EQ(index->should_flush(), i >= 100) << i;
    index->add({&keys[i], 1}, 1 + i, 2 + i, first_ms);
  }
  EXPECT_EQ(index->size().keys, 5'000u);
  EXPECT_EQ(count_known(*index, keys), 5'000);
  must(index->flush());
  EXPECT_FALSE(index->should_flush());
  EXPECT_EQ(count_known(*index, keys), 5'000);
  EXPECT_LT(index->size().memory_bytes, 5'000u * 4);  // The table is small again.
}

TEST(DuplicateIndex, WantsAFlushWhenTheTableSpansASeventhOfTheWindow) {
  SimEnv sim(1);
  auto index = must(DuplicateIndex::open(sim.env(), directory, {.window_ms = 700}));
  const auto key = [](std::uint64_t i) { return std::vector{Hash128{i, i}}; };
  EXPECT_FALSE(index->should_flush());
  index->add(key(1), 1, 2, first_ms);
  index->add(key(2), 2, 3, first_ms + 100);
  EXPECT_FALSE(index->should_flush());
  index->add(key(3), 3, 4, first_ms + 101);
  EXPECT_TRUE(index->should_flush());
  must(index->flush());
  index->add(key(4), 4, 5, first_ms + 1'000);
  EXPECT_FALSE(index->should_flush());
}

TEST(DuplicateIndex, CountsRecordsWithoutKeysAsFlushedToo) {
  SimEnv sim(1);
  auto index = must(DuplicateIndex::open(sim.env(), directory, {}));
  EXPECT_EQ(index->flushed_end(), 0u);
  must(index->flush());  // Of nothing: nothing happens.
  EXPECT_EQ(index->flushed_end(), 0u);
  EXPECT_EQ(index->size().runs, 0u);
  index->add({}, 7, 9, first_ms);  // The log may begin anywhere.
  must(index->flush());
  EXPECT_EQ(index->flushed_end(), 9u);
  index = must(DuplicateIndex::open(sim.env(), directory, {}));
  EXPECT_EQ(index->flushed_end(), 9u);
  EXPECT_FALSE(knows(*index, Hash128{}));
  const std::vector<Hash128> keys = uniform_keys(1, 10);
  index->add(keys, 9, 19, first_ms);
  must(index->flush());
  EXPECT_EQ(count_known(*index, keys), 10);
  must(index->verify());
}

TEST(DuplicateIndex, ForgetsRunsThatLeftTheWindowAndOnlyThose) {
  SimEnv sim(1);
  const Options options{.window_ms = 700, .table_keys = 10};
  auto index = must(DuplicateIndex::open(sim.env(), directory, options));
  const std::vector<Hash128> keys = uniform_keys(1, 300);
  for (std::uint64_t i = 0; i < 30; ++i) {
    index->add(std::span(keys).subspan(i * 10, 10), 1 + i * 10, 11 + i * 10,
               first_ms + static_cast<TimestampMs>(i) * 100);
    must(index->flush());
    for (std::uint64_t j = 0; j <= i; ++j) {
      const auto known = count_known(*index, std::span(keys).subspan(j * 10, 10));
      ASSERT_EQ(known, i - j <= 7 ? 10 : 0) << i << " " << j;
    }
    ASSERT_EQ(must(sim.env().files.list(directory)).size(), std::min<std::size_t>(i + 1, 8));
    // What is gone in front is no gap.
    index = must(DuplicateIndex::open(sim.env(), directory, options));
    ASSERT_EQ(index->flushed_end(), 11 + i * 10);
  }
}

TEST(DuplicateIndex, StaysWithinItsMemoryAndExactWhateverItHolds) {
  SimEnv sim(1);
  const Options options{.memory_bytes = 192 << 10};
  auto index = must(DuplicateIndex::open(sim.env(), directory, options));
  const std::vector<Hash128> keys = uniform_keys(1, 400'000);  // Whole filters: 700 kB.
  const std::vector<Hash128> others = uniform_keys(2, 200);
  std::uint64_t bytes_max = 0;
  const auto check = [&](const DuplicateIndex& checked, std::size_t end) {
    bytes_max = std::max(bytes_max, checked.size().memory_bytes);
    ASSERT_LE(checked.size().memory_bytes, options.memory_bytes);
    if (end % 50'000 != 0) return;
    Rng rng(end);
    std::vector<Hash128> some;
    for (int i = 0; i < 200; ++i) some.push_back(keys[rng.below(end)]);
    ASSERT_EQ(count_known(checked, some), 200);
    ASSERT_EQ(count_known(checked, others), 0);
  };
  for (std::size_t at = 0; at < keys.size(); at += 100) {
    index->add(std::span(keys).subspan(at, 100), 1 + at, 101 + at, first_ms);
    check(*index, at + 100);
    if (!index->should_flush()) continue;
    must(index->flush());
    while (auto merge = index->begin_merge()) {
      check(*index, at + 100);
      must(merge->run());
      must(index->finish_merge(std::move(merge)));
      check(*index, at + 100);
    }
    if (testing::Test::HasFatalFailure()) return;
  }
  EXPECT_GT(bytes_max, options.memory_bytes * 3 / 4);
  must(index->flush());
  must(index->verify());
  index = must(DuplicateIndex::open(sim.env(), directory, options));
  check(*index, keys.size());
  EXPECT_EQ(index->size().keys, keys.size());
}

// Merging.

std::vector<DuplicateRunInfo> runs_on_disk(const Env& env) {
  std::vector<DuplicateRunInfo> runs;
  for (const std::string& name : must(env.files.list(directory))) {
    runs.push_back(
        must(DuplicateRun::open(env, directory, parse_duplicate_run_name(name).value()))->info());
  }
  return runs;
}

TEST(DuplicateMerge, KeepsRunsFewByWritingEachKeyAFewTimes) {
  struct Case {
    std::string name;
    std::int64_t step_ms;  // Between flushes; the window is 7 s.
    std::size_t keys;      // A flush.
    std::size_t runs_max;
    double writes_max;
  };
  for (const Case& c : {Case{"a burst", 0, 100, 16, 6}, Case{"steady", 10, 100, 24, 5},
                        Case{"slow", 100, 100, 24, 5}, Case{"trickle", 100, 1, 24, 12},
                        Case{"hardly any", 900, 1, 10, 2}}) {
    SCOPED_TRACE(c.name);
    SimEnv sim(1);
    const Env env = sim.env();
    const auto index =
        must(DuplicateIndex::open(env, directory, {.window_ms = 7'000, .table_keys = 100}));
    Rng rng(1);
    Offset next = 1;
    TimestampMs now = first_ms;
    std::uint64_t written = 0;
    std::size_t runs_max = 0;
    for (int i = 0; i < 1'000; ++i) {
      std::vector<Hash128> keys(c.keys);
      for (Hash128& key : keys) key = uniform_key(rng);
      index->add(keys, next, next + keys.size(), now);
      next += keys.size();
      now += c.step_ms;
      must(index->flush());
      written += keys.size();
      while (auto merge = index->begin_merge()) {
        must(merge->run());
        const std::vector<DuplicateRunInfo> before = runs_on_disk(env);
        must(index->finish_merge(std::move(merge)));
        const std::vector<DuplicateRunInfo> after = runs_on_disk(env);
        for (const DuplicateRunInfo& run : after) {
          ASSERT_LE(run.time_max - run.time_min, 1'000);
          // The merged one stood beside those it replaced.
          const bool is_merged = std::ranges::any_of(before, [&](const DuplicateRunInfo& other) {
            return other.range.first >= run.range.first && other.range.end <= run.range.end &&
                   other.range != run.range;
          });
          if (is_merged) written += run.keys;
        }
      }
      runs_max = std::max<std::size_t>(runs_max, index->size().runs);
    }
    EXPECT_LE(runs_max, c.runs_max);
    EXPECT_LE(static_cast<double>(written) / (1'000.0 * static_cast<double>(c.keys)), c.writes_max);
  }
}

TEST(DuplicateMerge, GoesOnBesideAllElse) {
  SimEnv sim(1);
  const auto index =
      must(DuplicateIndex::open(sim.env(), directory, {.window_ms = 100'000, .table_keys = 2'000}));
  const std::vector<Hash128> keys = uniform_keys(1, 60'000);
  const std::vector<Hash128> others = uniform_keys(2, 500);
  int merges = 0;
  std::unique_ptr<DuplicateIndex::Merge> merge;
  std::thread thread;
  for (std::size_t at = 0; at < keys.size(); at += 500) {
    if (!merge && (merge = index->begin_merge())) {
      thread = std::thread([&merge_to_run = *merge] { must(merge_to_run.run()); });
    }
    index->add(std::span(keys).subspan(at, 500), 1 + at, 501 + at,
               first_ms + static_cast<TimestampMs>(at));
    if (index->should_flush()) must(index->flush());
    const std::size_t some = at / 500 % 5 * (at / 5);  // From anywhere before.
    ASSERT_EQ(count_known(*index, std::span(keys).subspan(some, 500)), 500);
    ASSERT_EQ(count_known(*index, others), 0);
    if (merge && at % 5'000 == 0) {
      thread.join();
      must(index->finish_merge(std::move(merge)));
      ++merges;
    }
  }
  if (thread.joinable()) thread.join();
  EXPECT_GE(merges, 3);
}

TEST(DuplicateMerge, HoldsRunsThatExpireMeanwhile) {
  SimEnv sim(1);
  const auto index =
      must(DuplicateIndex::open(sim.env(), directory, {.window_ms = 700, .table_keys = 10}));
  const std::vector<Hash128> keys = uniform_keys(1, 60);
  for (std::uint64_t i = 0; i < 4; ++i) {
    index->add(std::span(keys).subspan(i * 10, 10), 1 + i * 10, 11 + i * 10, first_ms);
    must(index->flush());
  }
  auto merge = index->begin_merge();
  ASSERT_NE(merge, nullptr);
  const auto flush_at = [&](std::uint64_t i, TimestampMs time) {
    index->add(std::span(keys).subspan(i * 10, 10), 1 + i * 10, 11 + i * 10, time);
    must(index->flush());
  };
  flush_at(4, first_ms + 5'000);
  EXPECT_EQ(index->size().runs, 5u);
  must(merge->run());
  must(index->finish_merge(std::move(merge)));
  EXPECT_EQ(index->size().runs, 2u);
  EXPECT_EQ(must(DuplicateIndex::open(sim.env(), directory, {}))->size().runs, 2u);
  flush_at(5, first_ms + 5'001);
  EXPECT_EQ(index->size().runs, 2u);
  EXPECT_EQ(index->size().keys, 20u);
}

TEST(DuplicateMerge, LeavesNothingBehindWhenItIsDropped) {
  SimEnv sim(1);
  const auto index = must(DuplicateIndex::open(sim.env(), directory, {.table_keys = 10}));
  for (Offset i = 1; i < 8; ++i) {
    index->add(uniform_keys(i, 10), i, i + 1, first_ms);
    must(index->flush());
  }
  const std::vector<std::string> before = must(sim.env().files.list(directory));
  for (const bool run : {false, true}) {
    auto merge = index->begin_merge();
    ASSERT_NE(merge, nullptr);
    if (run) must(merge->run());
    merge.reset();
    EXPECT_EQ(must(sim.env().files.list(directory)), before);
  }
  merge_all(*index);
  EXPECT_EQ(index->size().runs, 1u);
}

// Opening.

TEST(DuplicateIndexOpen, RemovesWhatMergesAndExpiryLeftOver) {
  SimEnv sim(1);
  const Env env = sim.env();
  const Options options{.window_ms = 700, .table_keys = 10};
  auto index = must(DuplicateIndex::open(env, directory, options));
  std::map<std::string, std::string> ever;  // Every file there ever was.
  const auto note = [&] {
    for (const std::string& name : must(env.files.list(directory)))
      ever[name] = bytes_of(env, name);
  };
  Journal journal;
  for (std::uint64_t i = 0; i < 60; ++i) {
    journal.add(*index, uniform_keys(i, 10), 30);
    must(index->flush());
    note();
    auto merge = index->begin_merge();
    if (!merge) continue;
    must(merge->run());
    note();
    if (i % 3 != 0) must(index->finish_merge(std::move(merge)));  // Others are dropped.
  }
  const std::vector<std::string> live = must(env.files.list(directory));
  ASSERT_GT(ever.size(), live.size() + 30);
  index.reset();
  // Power loss may bring back any of them.
  Rng rng(1);
  for (int round = 0; round < 100; ++round) {
    for (const auto& [name, bytes] : ever) {
      if (rng.chance(round == 0 ? 1 : 0.3)) put(env, name, bytes);
      if (rng.chance(0.1)) put(env, name + ".tmp", bytes.substr(0, rng.below(bytes.size())));
    }
    index = must(DuplicateIndex::open(env, directory, options));
    ASSERT_EQ(index->flushed_end(), journal.end());
    journal.expect_agreement(*index, options.window_ms, rng);
    must(index->verify());
    ASSERT_LE(must(env.files.list(directory)).size(), live.size());
    for (const std::string& name : must(env.files.list(directory)))
      ASSERT_TRUE(ever.contains(name));
    for (const std::string& name : live) put(env, name, ever[name]);
  }
}

}  // namespace
}  // namespace hf
