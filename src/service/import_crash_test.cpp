// SPDX-License-Identifier: Apache-2.0
//
// Imports on a machine that loses its power, or fails, at each single call: what a later run of
// the same import leaves must be what an undisturbed one does, and nothing shows before it is done.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>

#include "base/rng.h"
#include "service/import_world.h"

namespace hf {
namespace {

using test::must;
using test::reason_of;
using test::StoredEvent;
using testing::AnyOf;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;

constexpr TimestampMs now_ms = 1'780'272'000'000;  // 2026-06-01T00:00:00Z
constexpr std::uint32_t rows_per_part = 4;

/// Where the disk is small.
const Store::Options small_log{.log = {.file_bytes = 4'000, .room_bytes = 500}};

/// What is to be imported: three files, one compressed, with rejected rows, repeated message ids,
/// times ahead and numbers that do not fit; and what was imported before it.
struct Scenario {
  std::string name;
  bool identify_rows = false;
  bool json = false;
};

std::string csv_of(int file) {
  std::string text = "person,event,time,message_id,value\n";
  for (int i = 0; i < 11; ++i) {
    const int n = file * 100 + i;
    if (i == 3 || i == 8) text += "broken row\n";
    text += fmt::format("p{},{},{},{},{}\n", n % 5, i % 3 == 0 ? "buy" : "view",
                        i == 5 ? "2030-01-01" : fmt::format("2026-01-{:02}", 1 + n % 28),
                        i % 4 == 0 ? fmt::format("m{}", n / 2) : "",
                        i == 6 ? "12345678901234567890.5" : std::to_string(n));
  }
  return text;
}

std::string json_of(int file) {
  std::string text;
  for (int i = 0; i < 11; ++i) {
    const int n = file * 100 + i;
    if (i == 4) text += "{broken\n";
    text += fmt::format(R"({{"person":"p{}","event":"e","time":"2026-01-{:02}","value":{}}})",
                        n % 5, 1 + n % 28, n);
    text += '\n';
  }
  return text;
}

ImportOptions options_of(const Scenario& scenario) {
  const std::string suffix = scenario.json ? ".jsonl" : ".csv";
  return {.files = {"/in/a" + suffix, "/in/b" + suffix + ".gz", "/in/c" + suffix},
          .overrides = {.types = scenario.json ? std::vector<std::string>{}
                                               : std::vector<std::string>{"value=number"}},
          .identify_rows = scenario.identify_rows};
}

void put_files(const Env& env, const Scenario& scenario) {
  const auto text = [&](int file) { return scenario.json ? json_of(file) : csv_of(file); };
  const auto files = options_of(scenario).files;
  test::put_file(env, files[0], text(0));
  test::put_file(env, files[1], test::gzipped(text(1)));
  test::put_file(env, files[2], text(2));
  test::put_file(env, "/in/before.csv",
                 "person,event,time,message_id\np1,old,2025-01-01,m4\nq,old,2025-01-01,x\n");
}

Result<ImportOutcome> import_files(const Env& env, Store& store, const ImportOptions& options) {
  HF_TRY(const ImportPlan plan, plan_import(env, nullptr, options));
  return run_import(store, nullptr, plan,
                    {.background_writes = false, .rows_per_part = rows_per_part});
}

Result<ImportOutcome> run(const Env& env, const Scenario& scenario) {
  HF_TRY(const auto store, Store::open(env, "/data", Store::Access::own, small_log));
  return import_files(env, *store, options_of(scenario));
}

/// Everything a user can tell apart of a store, as text.
std::string told(const Env& env) {
  const auto store = must(Store::open(env, "/data", Store::Access::own, small_log));
  std::string out;
  for (const ImportRecord& import : store->manifest().imports) {
    out +=
        fmt::format("import {} {} events {} rejected {} duplicates {} ahead {} big {} rejects {}\n",
                    import.id, to_string(import.state), import.counts.events,
                    import.counts.rejected, import.counts.duplicates, import.counts.times_ahead,
                    import.counts.big_numbers, import.reject_bytes);
    const std::string rejects = store->reject_path(import.id);
    if (env.files.exists(rejects)) out += must(read_file(env, rejects, 1 << 20));
  }
  out += fmt::format("next person {} data {} parts {}\n", store->manifest().next_person,
                     store->manifest().data_version, store->manifest().parts.size());
  for (const StoredEvent& event : test::visible_events(*store)) out += event.text() + "\n";
  out += fmt::format("files {}", must(env.files.list("/data/parts")).size());
  for (const std::string& name : must(env.files.list("/data/rejects"))) out += " " + name;
  return out;
}

/// A machine on which the files lie and the import before it is done.
void prepare(SimEnv& sim, const Scenario& scenario) {
  sim.set_now_ms(now_ms);
  const Env env = sim.env();
  put_files(env, scenario);
  const auto store = must(Store::open(env, "/data", Store::Access::own, small_log));
  must(import_files(env, *store, {.files = {"/in/before.csv"}}));
}

std::vector<StoredEvent> visible_to_a_reader(const Env& env) {
  return test::visible_events(*must(Store::open(env, "/data", Store::Access::read)));
}

class ImportCrash : public testing::TestWithParam<Scenario> {};

INSTANTIATE_TEST_SUITE_P(Scenarios, ImportCrash,
                         testing::Values(Scenario{.name = "csv"},
                                         Scenario{.name = "identified_rows", .identify_rows = true},
                                         Scenario{.name = "json", .json = true}),
                         [](const auto& test) { return test.param.name; });

TEST_P(ImportCrash, AtAnyCallIsMadeGoodByTheSameImport) {
  const Scenario& scenario = GetParam();
  std::string undisturbed;
  std::uint64_t calls = 0;
  {
    SimEnv sim(1);
    prepare(sim, scenario);
    const std::uint64_t before = sim.mutating_calls();
    const auto outcome = must(run(sim.env(), scenario));
    calls = sim.mutating_calls() - before;
    EXPECT_GT(outcome.counts.rejected, 1u);
    undisturbed = told(sim.env());
  }
  ASSERT_GT(calls, 50u);
  for (std::uint64_t n = 1; n <= calls; ++n) {
    for (const std::uint64_t seed : {2 * n, 2 * n + 1}) {
      SCOPED_TRACE(testing::Message()
                   << "cut at call " << n << " of " << calls << ", seed " << seed);
      SimEnv sim(1);
      prepare(sim, scenario);
      sim.crash_at_call(n);
      const bool was_told_done = run(sim.env(), scenario).has_value();
      ASSERT_TRUE(sim.crashed());
      sim.crash(seed);
      // The record that shows it may have reached the disk; before it nothing may show.
      const std::size_t shown = visible_to_a_reader(sim.env()).size();
      const auto reader = must(Store::open(sim.env(), "/data", Store::Access::read));
      const ImportRecord* import = reader->manifest().find_import(2);
      const bool is_done = import != nullptr && import->state == ImportState::done;
      ASSERT_EQ(shown != 2, is_done);
      ASSERT_TRUE(is_done || !was_told_done);
      ASSERT_TRUE(!is_done || n > calls / 2);
      const auto outcome = run(sim.env(), scenario);
      ASSERT_EQ(reason_of(outcome), "ok");
      ASSERT_EQ(told(sim.env()), undisturbed);
    }
  }
}

// A second cut while the first is being made good.
TEST_P(ImportCrash, ThriceIsMadeGoodToo) {
  const Scenario& scenario = GetParam();
  std::string undisturbed;
  {
    SimEnv sim(1);
    prepare(sim, scenario);
    must(run(sim.env(), scenario));
    undisturbed = told(sim.env());
  }
  for (std::uint64_t seed = 0; seed < 60; ++seed) {
    SCOPED_TRACE(seed);
    Rng rng(seed);
    SimEnv sim(1);
    prepare(sim, scenario);
    for (int cut = 0; cut < 3; ++cut) {
      sim.crash_at_call(static_cast<std::uint64_t>(rng.between(1, 60)));
      const bool done = run(sim.env(), scenario).has_value();
      ASSERT_TRUE(done || sim.crashed());
      sim.crash(rng.next());
    }
    must(run(sim.env(), scenario));
    ASSERT_EQ(told(sim.env()), undisturbed);
  }
}

TEST_P(ImportCrash, KillMinusNineIsMadeGoodToo) {
  const Scenario& scenario = GetParam();
  std::string undisturbed;
  std::uint64_t calls = 0;
  {
    SimEnv sim(1);
    prepare(sim, scenario);
    const std::uint64_t before = sim.mutating_calls();
    must(run(sim.env(), scenario));
    calls = sim.mutating_calls() - before;
    undisturbed = told(sim.env());
  }
  for (std::uint64_t n = 1; n <= calls; ++n) {
    SCOPED_TRACE(n);
    SimEnv sim(1);
    prepare(sim, scenario);
    sim.crash_at_call(n);
    (void)run(sim.env(), scenario);
    ASSERT_TRUE(sim.crashed());
    sim.kill();
    must(run(sim.env(), scenario));
    ASSERT_EQ(told(sim.env()), undisturbed);
  }
}

TEST_P(ImportCrash, FailingCallIsAnErrorAndALaterRunCompletes) {
  const Scenario& scenario = GetParam();
  std::string undisturbed;
  std::uint64_t calls = 0;
  {
    SimEnv sim(1);
    prepare(sim, scenario);
    const std::uint64_t before = sim.fallible_calls();
    must(run(sim.env(), scenario));
    calls = sim.fallible_calls() - before;
    undisturbed = told(sim.env());
  }
  int unnoticed = 0;
  for (const auto fault : {SimEnv::Fault::io_error, SimEnv::Fault::disk_full}) {
    for (std::uint64_t n = 1; n <= calls; ++n) {
      // Afterwards the same process tries again, another one does, or the power is cut first.
      const std::uint64_t after = (n + (fault == SimEnv::Fault::io_error ? 0 : 1)) % 3;
      SCOPED_TRACE(testing::Message()
                   << "failing call " << n << " of " << calls << ", then " << after);
      SimEnv sim(n);
      prepare(sim, scenario);
      const Env env = sim.env();
      sim.fail_call(n, fault);
      auto store = Store::open(env, "/data", Store::Access::own, small_log);
      if (store) {
        const auto failed = import_files(env, **store, options_of(scenario));
        ASSERT_THAT(reason_of(failed), AnyOf("io_error", "disk_full", "ok"));
        unnoticed += failed ? 1 : 0;
        if (after == 0) {
          // Unless manifest or log themselves were being written, even the same store can go on.
          ASSERT_THAT(reason_of(import_files(env, **store, options_of(scenario))),
                      AnyOf("ok", "manifest_in_doubt", "log_stopped"));
        }
      } else {
        ASSERT_THAT(reason_of(store), AnyOf("io_error", "disk_full"));
      }
      store = fail(ErrorCode::cancelled, "closed", "");
      if (after == 2) sim.crash(n);
      ASSERT_EQ(reason_of(run(env, scenario)), "ok");
      ASSERT_EQ(told(env), undisturbed);
    }
  }
  // Looking at the header of a compressed file reads more than is needed, here its very end. And
  // once the log says that the import is seen, the manifest may follow later.
  EXPECT_LE(unnoticed, 2 + 2 * 6);
}

TEST(ImportDiskFull, KeepsWhatIsWrittenAndGoesOnWhenThereIsRoom) {
  const Scenario scenario{.name = "csv"};
  SimEnv sim(1);
  prepare(sim, scenario);
  std::string undisturbed;
  {
    SimEnv other(1);
    prepare(other, scenario);
    must(run(other.env(), scenario));
    undisturbed = told(other.env());
  }
  bool was_full = false;
  for (std::uint64_t capacity = 4'000;; capacity += 500) {
    sim.set_capacity(capacity);
    const auto outcome = run(sim.env(), scenario);
    if (outcome) break;
    ASSERT_EQ(reason_of(outcome), "disk_full");
    was_full = true;
    ASSERT_THAT(visible_to_a_reader(sim.env()), SizeIs(2));
  }
  EXPECT_TRUE(was_full);
  sim.set_capacity(1 << 20);
  EXPECT_EQ(told(sim.env()), undisturbed);
}

TEST(ImportStop, InTheMiddleShowsNothingAndTheSameImportGoesOn) {
  for (const bool identify : {false, true}) {
    for (const bool background : {false, true}) {
      const Scenario scenario{.name = "csv", .identify_rows = identify};
      std::string undisturbed;
      {
        SimEnv sim(1);
        prepare(sim, scenario);
        must(run(sim.env(), scenario));
        undisturbed = told(sim.env());
      }
      SimEnv sim(1);
      prepare(sim, scenario);
      const Env env = sim.env();
      int resumed = 0;
      for (int runs = 0;; ++runs) {
        ASSERT_LT(runs, 100);
        const auto store = must(Store::open(env, "/data", Store::Access::own, small_log));
        const ImportPlan plan = must(plan_import(env, nullptr, options_of(scenario)));
        std::atomic<bool> stop = false;
        // Digests, then one file after the other, report progress.
        int reports = 0;
        const int reports_max = 4 + runs / 10;
        const auto outcome = run_import(
            *store, nullptr, plan,
            {.on_progress = [&](const ImportProgress&) { stop = ++reports >= reports_max; },
             .stop = &stop,
             .background_writes = background,
             .rows_per_part = rows_per_part});
        if (outcome) {
          resumed += outcome->resumed ? 1 : 0;
          break;
        }
        ASSERT_EQ(reason_of(outcome), "cancelled");
        ASSERT_EQ(outcome.error().code, ErrorCode::cancelled);
        ASSERT_THAT(test::visible_events(*store), SizeIs(2));
      }
      EXPECT_EQ(resumed, 1);
      EXPECT_EQ(told(env), undisturbed);
    }
  }
}

// Undo.

TEST(UndoCrash, AtAnyCallLeavesTheImportOrTakesItAway) {
  const Scenario scenario{.name = "csv"};
  const auto undo = [](const Env& env) -> Result<ImportRecord> {
    HF_TRY(const auto store, Store::open(env, "/data", Store::Access::own, small_log));
    return undo_import(*store, 2);
  };
  std::string undisturbed;
  std::string before_undo;
  std::uint64_t calls = 0;
  std::uint64_t fallible = 0;
  {
    SimEnv sim(1);
    prepare(sim, scenario);
    must(run(sim.env(), scenario));
    before_undo = told(sim.env());
    const std::uint64_t before = sim.mutating_calls();
    const std::uint64_t fallible_before = sim.fallible_calls();
    must(undo(sim.env()));
    calls = sim.mutating_calls() - before;
    fallible = sim.fallible_calls() - fallible_before;
    undisturbed = told(sim.env());
    EXPECT_THAT(test::visible_events(*must(Store::open(sim.env(), "/data", Store::Access::read))),
                SizeIs(2));
  }
  const auto make_good = [&](SimEnv& sim) {
    const std::size_t shown = visible_to_a_reader(sim.env()).size();
    const auto again = undo(sim.env());
    if (again) {
      ASSERT_NE(shown, 2u);
    } else {
      ASSERT_EQ(reason_of(again), "already_undone");
      ASSERT_EQ(shown, 2u);
    }
    ASSERT_EQ(told(sim.env()), undisturbed);
  };
  for (std::uint64_t n = 1; n <= calls; ++n) {
    for (std::uint64_t seed = 0; seed < 4; ++seed) {
      SCOPED_TRACE(testing::Message()
                   << "cut at call " << n << " of " << calls << ", seed " << seed);
      SimEnv sim(1);
      prepare(sim, scenario);
      must(run(sim.env(), scenario));
      sim.crash_at_call(n);
      const bool was_told_done = undo(sim.env()).has_value();
      ASSERT_TRUE(sim.crashed());
      sim.crash(seed);
      ASSERT_TRUE(!was_told_done || visible_to_a_reader(sim.env()).size() == 2);
      make_good(sim);
    }
  }
  for (std::uint64_t n = 1; n <= fallible; ++n) {
    SCOPED_TRACE(testing::Message() << "failing call " << n);
    SimEnv sim(1);
    prepare(sim, scenario);
    must(run(sim.env(), scenario));
    sim.fail_call(n, SimEnv::Fault::io_error);
    ASSERT_THAT(reason_of(undo(sim.env())), AnyOf("io_error", "manifest_in_doubt", "ok"));
    make_good(sim);
  }
}

}  // namespace
}  // namespace hf
