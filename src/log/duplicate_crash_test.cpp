// SPDX-License-Identifier: Apache-2.0
//
// The index on a machine that loses its power, or fails, at each single call.

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "log/duplicate_run.h"
#include "log/duplicate_world.h"

namespace hf {
namespace {

using namespace test;
using testing::AnyOf;
using testing::HasSubstr;
using testing::IsEmpty;

const std::string& directory = duplicates_directory;

// Crashes. What flush() said is flushed must be known after any power loss, and nothing besides.

/// Fills, flushes, merges and lets expire, so that every kind of change is there. Notes what is
/// promised: `flushed_end` is that of the last flush() that succeeded.
Result<void> live_on(const Env& env, Journal& journal, Offset& flushed_end, bool merges) {
  HF_TRY(const auto index,
         DuplicateIndex::open(env, directory, {.window_ms = 1'400, .table_keys = 20}));
  flushed_end = index->flushed_end();
  journal.add_again(*index);
  std::unique_ptr<DuplicateIndex::Merge> merge;
  for (std::uint64_t i = 0; i < 14; ++i) {
    if (merges && i % 3 == 0) merge = index->begin_merge();
    if (merge && i % 3 == 1) HF_CHECK(merge->run());
    journal.add(*index, uniform_keys(journal.end(), 20), 97, i % 3);
    HF_CHECK(index->flush());
    flushed_end = index->flushed_end();
    if (merge && i % 3 == 2) HF_CHECK(index->finish_merge(std::move(merge)));
  }
  return {};
}

/// Opens it and goes on, twice, looking each time.
void expect_whole(SimEnv& sim, Journal& journal, Offset flushed_end) {
  Rng rng(1);
  for (int again = 0; again < 2; ++again) {
    auto index = DuplicateIndex::open(sim.env(), directory, {.window_ms = 1'400, .table_keys = 20});
    ASSERT_EQ(reason_of(index), "ok") << index.error().message;
    ASSERT_GE((*index)->flushed_end(), flushed_end);
    ASSERT_EQ(reason_of((*index)->verify()), "ok");
    journal.cut((*index)->flushed_end());  // The log ends just there.
    ASSERT_EQ((*index)->flushed_end(), journal.end() == 1 ? 0 : journal.end());
    journal.expect_agreement(**index, 1'400, rng);
    for (const std::string& name : must(sim.env().files.list(directory))) {
      ASSERT_THAT(name, testing::EndsWith(".run"));
    }
    index->reset();
    ASSERT_EQ(reason_of(live_on(sim.env(), journal, flushed_end, true)), "ok");
  }
}

struct Life {
  SimEnv sim{1};
  Journal journal;
  Offset flushed_end = 0;
};

TEST(DuplicateIndexCrash, AtAnyCallLosesNothingThatWasFlushed) {
  std::uint64_t calls = 0;
  {
    Life life;
    must(live_on(life.sim.env(), life.journal, life.flushed_end, false));
    const std::uint64_t before = life.sim.mutating_calls();
    must(live_on(life.sim.env(), life.journal, life.flushed_end, true));
    calls = life.sim.mutating_calls() - before;
  }
  ASSERT_GT(calls, 100u);
  for (std::uint64_t n = 1; n <= calls + 1; ++n) {
    for (std::uint64_t seed = 0; seed < 6; ++seed) {
      SCOPED_TRACE(fmt::format("cut at call {} of {}, seed {}", n, calls, seed));
      Life life;
      must(live_on(life.sim.env(), life.journal, life.flushed_end, false));
      life.sim.crash_at_call(n);
      // Cut while something is removed that is of no use, it may come to its end.
      const auto lived = live_on(life.sim.env(), life.journal, life.flushed_end, true);
      ASSERT_TRUE(n <= calls || lived.has_value());
      ASSERT_EQ(life.sim.crashed(), n <= calls);
      if (seed == 5) {
        life.sim.kill();
      } else {
        life.sim.crash(seed);
      }
      expect_whole(life.sim, life.journal, life.flushed_end);
      if (testing::Test::HasFatalFailure()) return;
    }
  }
}

TEST(DuplicateIndexCrash, AfterAnyFailedCallLosesNothingEither) {
  std::uint64_t calls = 0;
  {
    Life life;
    must(live_on(life.sim.env(), life.journal, life.flushed_end, false));
    const std::uint64_t before = life.sim.fallible_calls();
    must(live_on(life.sim.env(), life.journal, life.flushed_end, true));
    calls = life.sim.fallible_calls() - before;
  }
  for (std::uint64_t n = 1; n <= calls; ++n) {
    SCOPED_TRACE(fmt::format("failing call {} of {}", n, calls));
    Life life;
    must(live_on(life.sim.env(), life.journal, life.flushed_end, false));
    life.sim.fail_call(n, n % 2 == 0 ? SimEnv::Fault::io_error : SimEnv::Fault::disk_full);
    try {
      const auto lived = live_on(life.sim.env(), life.journal, life.flushed_end, true);
      ASSERT_THAT(reason_of(lived), AnyOf("ok", "io_error", "disk_full"));
    } catch (const std::runtime_error& error) {
      ASSERT_THAT(std::string(error.what()), HasSubstr("simulated"));  // A lookup was what failed.
    }
    if (n % 3 != 0) life.sim.crash(n);
    expect_whole(life.sim, life.journal, life.flushed_end);
    if (testing::Test::HasFatalFailure()) return;
  }
}

// The index goes on after a failure, as if the call had not been made.
TEST(DuplicateIndexCrash, FailedCallLeavesTheIndexAsItWas) {
  constexpr std::int64_t window_ms = 1'400;
  const auto live = [](SimEnv& sim, std::uint64_t failing_call) {
    Journal journal;
    int failures = 0;
    {
      const auto index = must(
          DuplicateIndex::open(sim.env(), directory, {.window_ms = window_ms, .table_keys = 20}));
      if (failing_call != 0) sim.fail_call(failing_call, SimEnv::Fault::io_error);
      Rng rng(1);
      for (std::uint64_t i = 0; i < 16; ++i) {
        journal.add(*index, uniform_keys(i, 20), 97);
        const Offset flushed_end = index->flushed_end();
        const DuplicateIndex::Size size = index->size();
        if (const auto flushed = index->flush(); !flushed) {
          ++failures;
          EXPECT_EQ(index->flushed_end(), flushed_end);
          EXPECT_EQ(index->size().keys, size.keys);
          if (i % 2 == 0) must(index->flush());
        }
        if (auto merge = index->begin_merge()) {
          if (!merge->run()) {
            ++failures;
            if (i % 2 == 0) continue;
            must(merge->run());
          }
          failures += index->finish_merge(std::move(merge)) ? 0 : 1;
        }
        if (failures != 0 || failing_call == 0) journal.expect_agreement(*index, window_ms, rng);
        if (testing::Test::HasFatalFailure()) break;
      }
      must(index->flush());
    }
    EXPECT_LE(failures, 1);
    sim.crash(failing_call);
    const auto index = must(
        DuplicateIndex::open(sim.env(), directory, {.window_ms = window_ms, .table_keys = 20}));
    EXPECT_EQ(index->flushed_end(), journal.end());
    Rng rng(2);
    journal.expect_agreement(*index, window_ms, rng);
    must(index->verify());
    return failures;
  };
  SimEnv undisturbed(1);
  ASSERT_EQ(live(undisturbed, 0), 0);
  const std::uint64_t calls = undisturbed.fallible_calls();
  int failures = 0;
  for (std::uint64_t n = 1; n <= calls; ++n) {
    SCOPED_TRACE(n);
    SimEnv sim(n);
    try {
      failures += live(sim, n);
    } catch (const std::runtime_error& error) {
      ASSERT_THAT(std::string(error.what()), HasSubstr("simulated"));  // A lookup was what failed.
    }
    if (testing::Test::HasFailure()) return;
  }
  EXPECT_GT(failures, 80);
}

TEST(DuplicateDiscardCrash, LeavesNoneOrWhatIsStillWhole) {
  std::uint64_t calls = 0;
  for (std::uint64_t n = 0; n == 0 || n <= calls + 1; ++n) {
    for (std::uint64_t seed = 0; seed < 8; ++seed) {
      SCOPED_TRACE(fmt::format("cut at call {} of {}, seed {}", n, calls, seed));
      Life life;
      const Env env = life.sim.env();
      must(live_on(env, life.journal, life.flushed_end, true));
      const std::uint64_t before = life.sim.mutating_calls();
      if (n != 0) life.sim.crash_at_call(n);
      const bool done = DuplicateIndex::discard(env, directory).has_value();
      if (n == 0) calls = life.sim.mutating_calls() - before;
      life.sim.crash(seed);
      if (done) {
        ASSERT_THAT(must(env.files.list(directory)), IsEmpty());
        continue;
      }
      const auto index = DuplicateIndex::open(env, directory, {.window_ms = 1'400});
      if (!index) {
        ASSERT_EQ(reason_of(index), "bad_duplicates");
        continue;
      }
      life.journal.cut((*index)->flushed_end());
      Rng rng(seed);
      life.journal.expect_agreement(**index, 1'400, rng);
      if (testing::Test::HasFatalFailure()) return;
    }
  }
  EXPECT_GT(calls, 3u);
}

}  // namespace
}  // namespace hf
