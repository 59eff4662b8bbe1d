// SPDX-License-Identifier: Apache-2.0
#include "service/import_jobs.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <future>
#include <map>
#include <set>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "base/rng.h"
#include "service/import_world.h"
#include "service/upkeep.h"

namespace hf {
namespace {

using test::ImportWorld;
using test::must;
using test::reason_of;
using testing::ElementsAre;
using testing::SizeIs;
using State = ImportJobs::State;

template <class Ready>
bool comes_true(Ready&& ready) {
  for (int i = 0; i < 4'000; ++i) {
    if (ready()) return true;
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
  }
  return false;
}

/// A workspace of a simulated machine, its imports, and a file to import.
struct Ground {
  SimEnv sim{1};
  std::unique_ptr<Workspace> workspace;
  std::unique_ptr<ImportJobs> jobs;

  explicit Ground(const ImportJobs::Options& options = {.rows_per_part = 2}) {
    sim.set_now_ms(1'780'272'000'000);
    workspace = must(Workspace::open(sim.env(), "/data", {}));
    jobs = std::make_unique<ImportJobs>(sim.env(), *workspace, options);
  }
  ImportOptions file(const std::string& name, const std::string& bytes,
                     const std::string& source = "app") {
    test::put_file(sim.env(), "/in/" + name, bytes);
    return {.files = {"/in/" + name}, .source = source};
  }
  ImportJobs::Job ended(std::uint64_t id) {
    EXPECT_TRUE(comes_true([&] {
      const State state = must(jobs->job(id)).state;
      return state != State::waiting && state != State::running;
    }));
    return must(jobs->job(id));
  }
  std::vector<test::StoredEvent> events() {
    std::vector<test::StoredEvent> out;
    const auto reading = must(workspace->read());
    for (const auto& part : reading.snapshot.parts) test::read_part(*part, out);
    return out;
  }
};

/// Appends one event of source "app" and says whether it was new.
bool append(Workspace& workspace, const std::string& user, const std::string& id) {
  PreparedEvents events(workspace.hash_key(), "app");
  events.add({.user_id = user, .name = "appended", .time_ms = 1'600'000'000'000, .message_id = id});
  std::promise<Result<std::vector<Appender::Outcome>>> done;
  must(workspace.submit(std::move(events), [&](auto outcomes) { done.set_value(outcomes); }));
  return must(done.get_future().get()) == std::vector{Appender::Outcome::appended};
}

const std::string head = "person,event,time,message_id\n";

TEST(ImportJobs, RunsOneAfterTheOtherAndTellsOfEach) {
  Ground ground;
  std::string rows = head;
  for (int i = 0; i < 9; ++i) rows += fmt::format("p{},e,2026-01-01,m{}\n", i, i);
  const auto first = must(ground.jobs->start(ground.file("a.csv", rows)));
  const auto second = must(ground.jobs->start(ground.file("b.csv", rows + "q,e,2026-01-01,m9\n")));
  EXPECT_LT(first.id, second.id);
  const auto a = ground.ended(first.id);
  const auto b = ground.ended(second.id);
  EXPECT_EQ(a.state, State::done);
  EXPECT_THAT(a.files, ElementsAre("a.csv"));
  EXPECT_EQ(a.outcome->counts.events, 9u);
  EXPECT_EQ(a.outcome->persons_new, 9u);
  EXPECT_EQ(b.outcome->counts.events, 1u);
  EXPECT_EQ(b.outcome->counts.duplicates, 9u);
  EXPECT_EQ(b.outcome->persons_new, 1u);
  EXPECT_THAT(ground.jobs->jobs(), SizeIs(2));
  EXPECT_THAT(ground.events(), SizeIs(10));
}

TEST(ImportJobs, WhatCannotBeImportedIsRefusedAtOnceAndWhatFailsIsTold) {
  Ground ground;
  EXPECT_EQ(reason_of(ground.jobs->start({.files = {"/in/none.csv"}})), "not_found");
  EXPECT_EQ(reason_of(ground.jobs->start(ground.file("a.csv", ""))), "empty_input");
  EXPECT_EQ(reason_of(ground.jobs->job(7)), "no_import_job");
  EXPECT_EQ(reason_of(ground.jobs->cancel(7)), "no_import_job");
  ImportOptions strict = ground.file("a.csv", head + "p,e,2026-01-01,1\np,,2026-01-02,2\n");
  strict.strict = true;
  const auto job = ground.ended(must(ground.jobs->start(strict)).id);
  EXPECT_EQ(job.state, State::failed);
  EXPECT_EQ(job.error->reason, "rejected_row");
  EXPECT_THAT(ground.events(), SizeIs(0));
}

TEST(ImportJobs, OnlySoManyWait) {
  Ground ground({.rows_per_part = 2, .waiting_max = 2});
  std::promise<void> begun;
  std::promise<void> end;
  std::thread holding([&] {
    must(ground.workspace->with_store([&](Store&) -> Result<void> {
      begun.set_value();
      end.get_future().wait();
      return {};
    }));
  });
  begun.get_future().wait();
  const auto import = [&](int i) {
    return ground.jobs->start(
        ground.file(fmt::format("{}.csv", i), head + fmt::format("p,e,2026-01-01,{}\n", i)));
  };
  const auto first = must(import(0));
  EXPECT_TRUE(comes_true([&] { return must(ground.jobs->job(first.id)).state == State::running; }));
  must(import(1));
  const auto last = must(import(2));
  EXPECT_EQ(reason_of(import(3)), "too_many_imports");
  must(ground.jobs->cancel(last.id));
  end.set_value();
  holding.join();
  EXPECT_EQ(ground.ended(last.id).state, State::cancelled);
  EXPECT_THAT(ground.events(), SizeIs(2));
}

TEST(ImportJobs, ForgetTheOldestThatEnded) {
  Ground ground({.rows_per_part = 2, .ended_kept = 2});
  for (int i = 0; i < 4; ++i) {
    const auto file =
        ground.file(fmt::format("{}.csv", i), head + fmt::format("p,e,2026-01-01,{}\n", i));
    (void)ground.ended(must(ground.jobs->start(file)).id);
  }
  std::vector<std::uint64_t> ids;
  for (const auto& job : ground.jobs->jobs()) ids.push_back(job.id);
  EXPECT_THAT(ids, ElementsAre(3, 4));
}

TEST(ImportJobs, OneThatWasStoppedGoesOnWhenItIsAskedForAgain) {
  Ground ground;
  std::string rows = head;
  for (int i = 0; i < 2'000; ++i) rows += fmt::format("p{},e,2026-01-01,m{}\n", i, i);
  const ImportOptions file = ground.file("a.csv", rows);
  // The end of the jobs stops it, wherever it is.
  must(ground.jobs->start(file));
  EXPECT_TRUE(comes_true([&] { return ground.jobs->jobs().front().progress.bytes_done > 0; }));
  ground.jobs = std::make_unique<ImportJobs>(ground.sim.env(), *ground.workspace,
                                             ImportJobs::Options{.rows_per_part = 500});
  const auto job = ground.ended(must(ground.jobs->start(file)).id);
  EXPECT_EQ(job.state, State::done);
  EXPECT_THAT(ground.events(), SizeIs(2'000));
}

// Import and appending at the same time, of the same source and with the same ids.
TEST(ImportJobs, EachMessageIdCountsOnceWhateverCameFirst) {
  int clashes = 0;
  for (std::uint64_t seed = 0; seed < 20; ++seed) {
    SCOPED_TRACE(seed);
    Ground ground({.rows_per_part = 8});
    Rng rng(seed);
    constexpr int ids = 120;
    std::string rows = head;
    std::set<std::string> all;
    for (int i = 0; i < ids; ++i) {
      const std::string id = fmt::format("m{}", rng.below(ids));
      rows += fmt::format("u{},imported,2026-01-01,{}\n", rng.below(20), id);
      all.insert(id);
    }
    const auto import = must(ground.jobs->start(ground.file("a.csv", rows)));
    std::set<std::string> acknowledged;
    // Some ids are of the file, most are not.
    for (int i = 0; i < 60; ++i) {
      const std::string id = fmt::format("m{}", rng.below(ids * 20));
      if (append(*ground.workspace, fmt::format("u{}", rng.below(40)), id)) acknowledged.insert(id);
      all.insert(id);
      if (rng.chance(0.1)) {
        must(ground.workspace->with_store([](Store& store) { return store.flush(); }));
      }
    }
    const auto job = ground.ended(import.id);
    ASSERT_TRUE(job.state == State::done || job.error->reason == "data_changing");
    if (job.state != State::done) {
      (void)ground.ended(must(ground.jobs->start(ground.file("a.csv", rows))).id);
      ++clashes;
    }
    std::map<std::string, int> found;
    std::map<PersonOrdinal, std::set<std::string>> users;
    std::map<std::string, std::set<PersonOrdinal>> ordinals;
    for (const auto& event : ground.events()) {
      ++found[event.message_id];
      users[event.ordinal].insert(event.user_id);
      ordinals[event.user_id].insert(event.ordinal);
      if (acknowledged.contains(event.message_id)) {
        EXPECT_EQ(event.name, "appended");
      }
    }
    EXPECT_EQ(found.size(), all.size());
    for (const std::string& id : all) EXPECT_EQ(found[id], 1) << id;
    for (const auto& [ordinal, of] : users) EXPECT_THAT(of, SizeIs(1)) << ordinal;
    for (const auto& [user, of] : ordinals) EXPECT_THAT(of, SizeIs(1)) << user;
  }
}

/// An import whose every step is followed by what others do to the store.
Result<ImportOutcome> import_beside(ImportWorld& world, const ImportOptions& options,
                                    const std::function<void(int step)>& others) {
  const ImportPlan plan = must(plan_import(world.env(), nullptr, options));
  int steps = 0;
  const WithStore with_store = [&](const StoreStep& step) {
    auto outcome = step(world.store());
    others(++steps);
    return outcome;
  };
  return run_import(world.env(), with_store, nullptr, plan,
                    {.background_writes = false, .rows_per_part = 2});
}

void append_logged(Store& store, const std::string& id) {
  FrameBuilder frame;
  frame.add(encode_record(EventRecord{
      "app", {.user_id = "p", .name = "late", .time_ms = 1'600'000'000'000, .message_id = id}}));
  must(store.append(frame));
}

TEST(ImportBeside, StartsOverWhenAnAppendedEventHasTheIdOfARowThatIsWritten) {
  ImportWorld world;
  const ImportOptions options{
      .files = {world.put("a.csv",
                          head + "p,e,2026-01-01,1\nq,e,2026-01-01,2\nr,e,2026-01-01,3\n")},
      .source = "app"};
  const auto outcome = must(import_beside(world, options, [&](int step) {
    if (step == 2) append_logged(world.store(), "2");
  }));
  EXPECT_EQ(outcome.counts.events, 2u);
  EXPECT_EQ(outcome.counts.duplicates, 1u);
  std::vector<std::string> found;
  for (const auto& event : world.events()) found.push_back(event.name + event.message_id);
  EXPECT_THAT(found, testing::UnorderedElementsAre("e1", "late2", "e3"));
}

TEST(ImportBeside, GivesUpWhereItsIdsKeepComing) {
  ImportWorld world;
  std::string rows = head;
  for (int i = 0; i < 40; ++i) rows += fmt::format("p,e,2026-01-01,{}\n", i);
  const ImportOptions options{.files = {world.put("a.csv", rows)}, .source = "app"};
  int next = 0;
  bool is_new_run = false;
  const auto outcome = import_beside(world, options, [&](int) {
    const auto written = world.store().manifest().find_import(1)->counts.events;
    if (written == 0) is_new_run = true;
    // The id of a row that lies in a part by now.
    if (written >= 10 && std::exchange(is_new_run, false)) {
      append_logged(world.store(), fmt::format("{}", next++));
    }
  });
  EXPECT_EQ(reason_of(outcome), "data_changing");
  EXPECT_EQ(next, 3);
  EXPECT_EQ(must(world.import(options)).counts.events, 37u);
}

TEST(ImportBeside, IsTakenBackWhileItRuns) {
  ImportWorld world;
  const ImportOptions options{
      .files = {
          world.put("a.csv", head + "p,e,2026-01-01,1\nq,e,2026-01-01,2\nr,e,2026-01-01,3\n")}};
  const auto outcome = import_beside(world, options, [&](int step) {
    if (step == 2) must(undo_import(world.store(), 1));
  });
  EXPECT_EQ(reason_of(outcome), "undone");
  EXPECT_THAT(world.events(), SizeIs(0));
  EXPECT_EQ(must(world.import(options)).counts.events, 3u);
}

// What others do meanwhile is as if it had come before the import: that becomes seen at its end.
TEST(ImportBeside, IsTheSameAsAnImportAfterWhatOthersDidMeanwhile) {
  const auto facts = [](ImportWorld& world) {
    std::vector<std::string> out;
    for (auto event : world.events()) {
      event.ordinal = 0;  // Given in another order.
      out.push_back(event.text());
    }
    std::ranges::sort(out);
    return out;
  };
  for (std::uint64_t seed = 0; seed < 60; ++seed) {
    SCOPED_TRACE(seed);
    Rng rng(seed);
    std::string rows = "person,anonymous_id,event,time,message_id\n";
    for (int i = 0; i < 30; ++i) {
      rows += fmt::format("u{},{},e{},2026-0{}-01,{}\n", rng.below(6),
                          rng.chance(0.3) ? fmt::format("a{}", rng.below(4)) : "", rng.below(3),
                          1 + rng.below(5), rng.chance(0.5) ? fmt::format("m{}", i) : "");
    }
    const std::string before = "person,event,time\nu1,old,2026-01-01\nu2,old,2026-02-01\n";
    struct Deed {
      int step;
      std::function<void(Store&)> run;
    };
    std::vector<Deed> deeds;
    for (int i = 0; i < 6; ++i) {
      const auto user = [&] { return PersonId{IdKind::user, fmt::format("u{}", rng.below(8))}; };
      const int step = 1 + static_cast<int>(rng.below(16));
      switch (rng.below(7)) {
        case 0:
          deeds.push_back({step, [id = fmt::format("x{}", i)](Store& s) { append_logged(s, id); }});
          break;
        case 1: deeds.push_back({step, [](Store& s) { must(s.flush()); }}); break;
        case 2:
          deeds.push_back({step, [id = user(), now = rng.chance(0.5)](Store& s) {
                             (void)erase_person(s, id, now);
                           }});
          break;
        case 3:
          deeds.push_back({step, [a = user(), b = user()](Store& s) {
                             if (a != b) (void)link_persons(s, a, b);
                           }});
          break;
        case 4:
          deeds.push_back({step, [](Store& s) {
                             must(purge_events(s, 1'769'904'000'000 /* 2026-02-01 */, ""));
                           }});
          break;
        case 5:
          deeds.push_back({step, [](Store& s) { must(s.compact(Store::CompactionKind::full)); }});
          break;
        default:
          deeds.push_back({step, [](Store& s) {
                             FrameBuilder frame;
                             frame.add(encode_record(SettingsRecord{.timezone = "Asia/Tokyo"}));
                             must(s.append(frame));
                           }});
          break;
      }
    }
    std::ranges::stable_sort(deeds, {}, &Deed::step);
    ImportWorld beside(seed);
    ImportWorld after(seed);
    for (ImportWorld* world : {&beside, &after}) {
      world->install_zone("Asia/Tokyo");
      must(world->import_text("before.csv", before));
    }
    const ImportOptions options{.files = {beside.put("a.csv", rows)}, .source = "app"};
    (void)after.put("a.csv", rows);
    std::size_t next = 0;
    const auto run_until = [&](ImportWorld& world, int step) {
      while (next < deeds.size() && deeds[next].step <= step) deeds[next++].run(world.store());
    };
    const auto outcome =
        must(import_beside(beside, options, [&](int step) { run_until(beside, step); }));
    // Those of the last step came after the import.
    run_until(beside, 1'000);
    next = 0;
    // 1 step begins, 15 write two rows each, one the rest, one shows: all deeds came before that.
    run_until(after, 16);
    const auto twin = must(after.import(options));
    run_until(after, 1'000);
    EXPECT_EQ(outcome.counts.events, twin.counts.events);
    const auto seen = facts(beside);
    EXPECT_TRUE(seen == facts(after));
    beside.close();
    EXPECT_TRUE(facts(beside) == seen) << "after opening it again";
    must(beside.store().compact(Store::CompactionKind::full));
    EXPECT_TRUE(facts(beside) == seen) << "after compaction";
    std::map<std::string, std::set<PersonOrdinal>> ordinals;
    for (const auto& event : beside.events()) {
      if (!event.user_id.empty()) ordinals[event.user_id].insert(event.ordinal);
    }
    for (const auto& [user, of] : ordinals) EXPECT_THAT(of, SizeIs(1)) << user;
  }
}

}  // namespace
}  // namespace hf
