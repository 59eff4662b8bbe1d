// SPDX-License-Identifier: Apache-2.0
//
// Backups taken beside a writer, of damaged data, on machines that fail: each is none, or restores
// to all that was acknowledged before it began, once.
#include "service/backup.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <functional>
#include <map>
#include <set>

#include "base/rng.h"
#include "log/log_reader.h"
#include "service/appender.h"
#include "service/import_world.h"
#include "service/plain_state_file.h"
#include "service/restore.h"

namespace hf {
namespace {

using test::must;
using test::reason_of;
using testing::AnyOf;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::StartsWith;
using Outcome = Appender::Outcome;

const std::string data = "/data";
const std::string target = "/backup";
const std::string again = "/again";

Result<BackupSummary> back_up(const Env& env, const std::string& from, const std::string& to,
                              const CopyControl& control = {}) {
  const test::PlainStateFile state_file(env);
  return backup_data(env, from, to, control, &state_file);
}

Result<RestoreSummary> restored_to(const Env& env, const std::string& from, const std::string& to,
                                   const CopyControl& control = {}) {
  const test::PlainStateFile state_file(env);
  return restore_data(env, from, to, control, &state_file);
}

/// A store and its appender in one process; small files and tables, so that everything happens.
struct Life {
  static Result<std::unique_ptr<Life>> begin(SimEnv& sim, const std::string& directory = data) {
    auto life = std::make_unique<Life>();
    HF_TRY(life->store,
           Store::open(sim.env(), directory, Store::Access::own, {.log = {.file_bytes = 2'000}}));
    HF_TRY(life->appender, Appender::open(*life->store, {.table_keys = 16}));
    return life;
  }

  Result<std::vector<Outcome>> append(const std::vector<std::string>& message_ids) const {
    for (const std::string& id : message_ids) {
      appender->add("app", {.user_id = "u" + id.substr(0, 1),
                            .name = "e",
                            .time_ms = 1'600'000'000'000,
                            .message_id = id});
    }
    return appender->commit();
  }

  /// For after anybody else wrote to the log.
  Result<void> renew_appender() {
    appender = nullptr;
    HF_TRY(appender, Appender::open(*store, {.table_keys = 16}));
    return {};
  }

  std::unique_ptr<Store> store;
  std::unique_ptr<Appender> appender;
};

/// How often each message id is in the store.
std::map<std::string, int> messages(Store& store) {
  std::map<std::string, int> out;
  for (const auto& event : test::visible_events(store)) ++out[event.message_id];
  return out;
}

Result<ImportOutcome> import_rows(const Env& env, Store& store, const std::string& name,
                                  const std::string& rows,
                                  const std::atomic<bool>* stop = nullptr) {
  test::put_file(env, "/in/" + name, "person,event,time,message_id\n" + rows);
  HF_TRY(const ImportPlan plan, plan_import(env, nullptr, {.files = {"/in/" + name}}));
  return run_import(store, nullptr, plan,
                    {.stop = stop, .background_writes = false, .rows_per_part = 3});
}

std::string rows_of(const std::string& prefix, int count) {
  std::string rows;
  for (int i = 0; i < count; ++i) {
    rows += fmt::format("p{},buy,2026-01-0{},{}{}\n", i % 3, 1 + i % 9, prefix, i);
    if (i % 4 == 1) rows += "broken row\n";
  }
  return rows;
}

/// Everything a user can tell apart, as text; the log's end too.
std::string told(const Env& env, const std::string& directory) {
  const auto store = must(Store::open(env, directory, Store::Access::own));
  std::string out = fmt::format("{} {} log {}\n", store->manifest().store_id.hex(),
                                store->settings().timezone, store->applied_end());
  for (const ImportRecord& import : store->manifest().imports) {
    out += fmt::format("import {} {} of {} events, rejected {}\n", import.id,
                       to_string(import.state), import.counts.events, import.counts.rejected);
    const std::string rejects = store->reject_path(import.id);
    if (env.files.exists(rejects)) out += must(read_file(env, rejects, 1 << 20));
  }
  std::vector<std::string> events;
  for (const auto& event : test::visible_events(*store)) events.push_back(event.text());
  std::ranges::sort(events);
  for (const std::string& event : events) out += event + "\n";
  const std::string state = directory + "/state.sqlite";
  if (env.files.exists(state)) out += "state " + must(read_file(env, state, 1 << 20));
  return out;
}

/// A data directory with all kinds of files in it.
void prepare(SimEnv& sim) {
  const Env env = sim.env();
  const auto life = must(Life::begin(sim));
  must(import_rows(env, *life->store, "a.csv", rows_of("a", 6)));
  must(import_rows(env, *life->store, "b.csv", rows_of("b", 3)));
  must(undo_import(*life->store, 2));
  FrameBuilder frame;
  frame.add(encode_record(SettingsRecord{.timezone = "Europe/Berlin"}));
  must(life->store->append(frame));
  must(life->renew_appender());
  for (int i = 0; i < 30; ++i) {
    must(life->append({fmt::format("x{}", i), fmt::format("y{}", i)}));
    if (i == 12) must(life->store->flush());
  }
  must(replace_file(env, "/data/state.sqlite", test::plain_state(2, 3, 4)));
}

std::vector<std::string> files_below(const Env& env, const std::string& directory) {
  std::vector<std::string> files;
  for (const std::string& name : must(env.files.list(directory))) {
    const std::string path = directory + "/" + name;
    if (!env.files.list(path)) {
      files.push_back(path);
    } else {
      std::ranges::move(files_below(env, path), std::back_inserter(files));
    }
  }
  return files;
}

std::string bytes_of(const Env& env, const std::string& path) {
  return must(read_file(env, path, 1 << 24));
}

void flip(const Env& env, const std::string& path, std::uint64_t at) {
  const auto file = must(env.files.open(path, OpenMode::update));
  std::byte byte{};
  must(file->read_at(at, std::span(&byte, 1)));
  byte ^= std::byte{0x04};
  must(file->write_at(at, std::span(&byte, 1)));
}

/// Bytes to damage: both ends, and some between.
std::vector<std::uint64_t> some_places(std::uint64_t size, std::uint64_t step) {
  std::vector<std::uint64_t> places;
  for (std::uint64_t at = 0; at < size; at += step) places.push_back(at);
  if (size > 0) places.push_back(size - 1);
  return places;
}

/// Nothing of a backup or data directory is there.
void expect_nothing_left(const Env& env, const std::string& directory) {
  EXPECT_THAT(must(names_in_the_way(env, directory)), IsEmpty());
}

TEST(Backup, OfAStoreAtRestRestoresWhole) {
  SimEnv sim(1);
  prepare(sim);
  const Env env = sim.env();
  const std::string before = told(env, data);
  const auto backup = must(back_up(env, data, target));
  const auto restored = must(restored_to(env, target, again));
  EXPECT_EQ(told(env, again), before);
  EXPECT_EQ(told(env, data), before);
  EXPECT_EQ(restored.backup.record, backup.record);
  EXPECT_EQ(backup.record.created_at_ms, env.clock.now_ms());
  EXPECT_EQ(backup.record.program, HOLDFAST_VERSION);
  EXPECT_EQ(backup.record.log_begin, 1u);
  EXPECT_EQ(backup.record.log_end, 65u);
  EXPECT_EQ(backup.log_records, 64u);
  EXPECT_GT(backup.log_files, 2u);
  const auto store = must(Store::open(env, data, Store::Access::read));
  EXPECT_EQ(backup.record.generation, store->manifest().generation);
  EXPECT_EQ(backup.parts, store->manifest().parts.size());
  EXPECT_EQ(backup.part_events, 6u + 26u);
  for (const auto& state : {backup.state, restored.backup.state}) {
    ASSERT_TRUE(state.has_value());
    EXPECT_EQ(state->sources, 2u);
    EXPECT_EQ(state->keys, 3u);
    EXPECT_EQ(state->refusals, 4u);
  }
  const auto copy = must(Store::open(env, again, Store::Access::read));
  EXPECT_EQ(copy->manifest().epoch, restored.epoch);
  EXPECT_NE(copy->manifest().epoch, store->manifest().epoch);
  EXPECT_EQ(copy->manifest().data_version, store->manifest().data_version);
}

TEST(Backup, OfAnEmptyStoreAndOfABackupRestored) {
  SimEnv sim(1);
  const Env env = sim.env();
  must(Store::open(env, data, Store::Access::own));
  const auto backup = must(back_up(env, data, target));
  EXPECT_EQ(backup.record.files.size(), 1u);
  const auto first = must(restored_to(env, target, again));
  const auto second = must(back_up(env, again, "/backup2"));
  EXPECT_EQ(second.record.epoch, first.epoch);
  const auto third = must(restored_to(env, "/backup2", "/third"));
  EXPECT_NE(third.epoch, first.epoch);
  EXPECT_EQ(told(env, "/third"), told(env, data));
}

TEST(Backup, CopiesTheStateFirst) {
  SimEnv sim(1);
  prepare(sim);
  const Env env = sim.env();
  std::vector<std::string> files;
  const auto note = [&](const CopyProgress& progress) {
    if (files.empty() || files.back() != progress.file) files.push_back(progress.file);
    // What comes after is not in it.
    if (progress.file.ends_with("MANIFEST")) {
      must(replace_file(env, "/data/state.sqlite", test::plain_state(9, 9, 9)));
    }
  };
  must(back_up(env, data, target, {.on_progress = note}));
  EXPECT_EQ(files[0], "/data/state.sqlite");
  EXPECT_EQ(files[1], "/data/MANIFEST");
  files.clear();
  must(restored_to(env, target, again, {.on_progress = note}));
  EXPECT_EQ(files[files.size() - 2], "/backup/state.sqlite.backup");
  EXPECT_EQ(bytes_of(env, "/again/state.sqlite"), test::plain_state(2, 3, 4));
}

TEST(Backup, WithoutAStateNeedsNoOneWhoKnowsIt) {
  SimEnv sim(1);
  prepare(sim);
  const Env env = sim.env();
  must(back_up(env, data, target));
  EXPECT_EQ(reason_of(backup_data(env, data, "/other")), "state_not_supported");
  EXPECT_FALSE(env.files.exists("/other"));
  const auto restored = restore_data(env, target, again);
  EXPECT_EQ(reason_of(restored), "state_not_supported");
  EXPECT_THAT(restored.error().message, HasSubstr("/backup/state.sqlite.backup"));
  EXPECT_FALSE(env.files.exists(again));

  must(env.files.remove("/data/state.sqlite"));
  const auto without = must(backup_data(env, data, "/other"));
  EXPECT_FALSE(without.state.has_value());
  EXPECT_THAT(bytes_of(env, "/other/BACKUP"), StartsWith("holdfast backup 1 "));
  EXPECT_FALSE(must(restore_data(env, "/other", again)).backup.state.has_value());
  EXPECT_EQ(told(env, again), told(env, data));
}

TEST(Backup, IsNoDataDirectory) {
  SimEnv sim(1);
  prepare(sim);
  must(back_up(sim.env(), data, target));
  for (const auto access : {Store::Access::read, Store::Access::own}) {
    EXPECT_THAT(reason_of(Store::open(sim.env(), target, access)),
                AnyOf("no_data_directory", "bad_manifest"));
  }
  // Whoever tried that has changed nothing that counts.
  must(restored_to(sim.env(), target, again));
}

TEST(Backup, RefusesWhatItCannotDo) {
  SimEnv sim(1);
  prepare(sim);
  const Env env = sim.env();
  EXPECT_EQ(reason_of(back_up(env, "/nothing", target)), "no_data_directory");
  EXPECT_FALSE(env.files.exists(target));
  EXPECT_EQ(reason_of(back_up(env, data, data)), "overlapping_directories");
  EXPECT_EQ(reason_of(back_up(env, data, "/data/backup")), "overlapping_directories");
  test::put_file(env, "/full/file", "");
  EXPECT_EQ(reason_of(back_up(env, data, "/full")), "target_not_empty");
  EXPECT_EQ(reason_of(back_up(env, data, "/full/file")), "not_a_directory");
  must(env.files.make_directories("/empty"));
  must(back_up(env, data, "/empty"));
  EXPECT_EQ(reason_of(back_up(env, data, "/empty")), "target_not_empty");
}

TEST(Restore, RefusesWhatItCannotDo) {
  SimEnv sim(1);
  prepare(sim);
  const Env env = sim.env();
  EXPECT_EQ(reason_of(restored_to(env, target, again)), "no_backup");
  EXPECT_EQ(reason_of(restored_to(env, data, again)), "no_backup");
  EXPECT_FALSE(env.files.exists(again));
  must(back_up(env, data, target));
  EXPECT_EQ(reason_of(restored_to(env, target, "/backup/parts")), "overlapping_directories");
  const auto into_data = restored_to(env, target, data);
  EXPECT_EQ(reason_of(into_data), "data_directory_not_empty");
  EXPECT_THAT(into_data.error().message, HasSubstr("holds Holdfast data already"));
  test::put_file(env, "/cut/parts/00000001.part", "");
  const auto into_cut = restored_to(env, target, "/cut");
  EXPECT_EQ(reason_of(into_cut), "data_directory_not_empty");
  EXPECT_THAT(into_cut.error().message, HasSubstr("empty it and restore again"));
  must(env.files.make_directories(again));
  {
    const auto lock = must(env.files.lock("/again/LOCK", "somebody"));
    EXPECT_EQ(reason_of(restored_to(env, target, again)), "locked");
  }
  must(restored_to(env, target, again));
  test::put_file(env, "/newer/BACKUP", "holdfast backup 3 crc32c=00000000\n{}\n");
  const auto newer = restored_to(env, "/newer", "/other");
  EXPECT_EQ(reason_of(newer), "newer_backup");
  EXPECT_EQ(newer.error().code, ErrorCode::failed_precondition);
}

TEST(Backup, StopsOnRequestAndLeavesNothing) {
  SimEnv sim(1);
  prepare(sim);
  const Env env = sim.env();
  std::uint64_t calls = 0;
  must(back_up(env, data, target, {.on_progress = [&](const auto&) { ++calls; }}));
  ASSERT_GT(calls, 10u);
  for (std::uint64_t n = 1; n <= calls; ++n) {
    std::atomic<bool> stop = false;
    std::uint64_t call = 0;
    const auto stopped =
        back_up(env, data, "/stopped",
                {.on_progress = [&](const auto&) { stop = ++call == n; }, .stop = &stop});
    EXPECT_EQ(reason_of(stopped), "cancelled") << n;
    EXPECT_FALSE(env.files.exists("/stopped"));
  }
  calls = 0;
  must(restored_to(env, target, "/whole", {.on_progress = [&](const auto&) { ++calls; }}));
  for (std::uint64_t n = 1; n <= calls; ++n) {
    std::atomic<bool> stop = false;
    std::uint64_t call = 0;
    const auto stopped =
        restored_to(env, target, again,
                    {.on_progress = [&](const auto&) { stop = ++call == n; }, .stop = &stop});
    EXPECT_EQ(reason_of(stopped), "cancelled") << n;
    expect_nothing_left(env, again);
  }
}

TEST(Backup, TellsHowFarItIs) {
  SimEnv sim(1);
  prepare(sim);
  std::set<std::string> files;
  CopyProgress last;
  const auto note = [&](const CopyProgress& progress) {
    EXPECT_GE(progress.bytes_done, last.bytes_done);
    files.insert(progress.file);
    last = progress;
  };
  const auto backup = must(back_up(sim.env(), data, target, {.on_progress = note}));
  EXPECT_TRUE(files.contains("/data/MANIFEST"));
  EXPECT_TRUE(files.contains("/data/log/00000000000000000001.log"));
  last = {};
  must(restored_to(sim.env(), target, again, {.on_progress = note}));
  EXPECT_EQ(last.bytes_total, backup.bytes);
}

/// Events come, parts are made and compacted, imports come and go and the log loses its beginning,
/// all of it between any two steps of the backup.
TEST(Backup, BesideAWriterHoldsWhatWasAcknowledgedBefore) {
  std::uint64_t came_meanwhile = 0;
  for (std::uint64_t seed = 0; seed < 250; ++seed) {
    SCOPED_TRACE(seed);
    SimEnv sim(seed);
    Rng rng(seed);
    const Env env = sim.env();
    const bool loses_log = seed % 2 == 1;
    auto life = must(Life::begin(sim));
    std::vector<std::string> sent;
    std::set<std::string> acknowledged;
    int files = 0;
    std::vector<std::pair<std::uint32_t, std::vector<std::string>>> imports;  // With their ids.
    const auto work = [&] {
      switch (rng.below(loses_log ? 8 : 7)) {
        case 0:
        case 1:
        case 2: {
          std::vector<std::string> ids;
          for (std::uint64_t n = 1 + rng.below(6); n > 0; --n) {
            ids.push_back(fmt::format("{}-{}", rng.below(5), sent.size() + ids.size()));
          }
          for (const Outcome outcome : must(life->append(ids))) {
            EXPECT_EQ(outcome, Outcome::appended);
          }
          acknowledged.insert(ids.begin(), ids.end());
          sent.insert(sent.end(), ids.begin(), ids.end());
          break;
        }
        case 3: must(life->store->flush()); break;
        case 4: {
          const std::string prefix = fmt::format("i{}-", ++files);
          const auto outcome = must(
              import_rows(env, *life->store, fmt::format("{}.csv", files), rows_of(prefix, 5)));
          must(life->renew_appender());
          std::vector<std::string> ids;
          for (int i = 0; i < 5; ++i) ids.push_back(prefix + std::to_string(i));
          acknowledged.insert(ids.begin(), ids.end());
          imports.emplace_back(outcome.id, std::move(ids));
          break;
        }
        case 5: {
          if (imports.empty()) break;
          const std::size_t i = rng.below(imports.size());
          must(undo_import(*life->store, imports[i].first));
          must(life->renew_appender());
          for (const std::string& id : imports[i].second) acknowledged.erase(id);
          imports.erase(imports.begin() + static_cast<std::ptrdiff_t>(i));
          break;
        }
        case 6:
          must(life->store->compact(rng.chance(0.5) ? Store::CompactionKind::due
                                                    : Store::CompactionKind::full));
          break;
        case 7:
          sim.advance_ms(1000);
          must(life->store->flush());
          life->appender = nullptr;
          must(must(life->store->log())
                   ->remove_before(life->store->manifest().log_end, env.clock.now_ms()));
          // The index of message ids is made anew of what is left.
          must(DuplicateIndex::discard(env, "/data/duplicates"));
          must(life->renew_appender());
          break;
      }
    };
    for (std::uint64_t n = rng.below(30); n > 0; --n) work();
    const std::set<std::string> before = acknowledged;
    const double pace = rng.uniform01();
    std::uint64_t left = rng.below(15);  // Fewer than the backup's looks.
    const auto backup = back_up(env, data, target, {.on_progress = [&](const auto&) {
                                  if (left == 0 || !rng.chance(pace)) return;
                                  --left;
                                  work();
                                }});
    ASSERT_EQ(reason_of(backup), "ok") << backup.error().message;
    const std::set<std::string> afterwards = acknowledged;
    for (int n = 0; n < 10; ++n) work();
    life = nullptr;
    sim.crash(rng.next());

    const auto restored = restored_to(env, target, again);
    ASSERT_EQ(reason_of(restored), "ok") << restored.error().message;
    life = must(Life::begin(sim, again));
    const auto found = messages(*life->store);
    for (const std::string& id : before) {
      if (!afterwards.contains(id)) continue;  // Of an import undone meanwhile.
      ASSERT_TRUE(found.contains(id)) << id << " was acknowledged before and is not in the backup";
    }
    for (const auto& [id, count] : found) {
      ASSERT_EQ(count, 1) << id;
      came_meanwhile += before.contains(id) ? 0 : 1;
    }
    if (loses_log) continue;
    const auto outcomes = must(life->append(sent));
    for (std::size_t i = 0; i < sent.size(); ++i) {
      EXPECT_EQ(outcomes[i] == Outcome::duplicate, found.contains(sent[i])) << sent[i];
    }
    for (const auto& [id, count] : messages(*life->store)) ASSERT_EQ(count, 1) << id;
  }
  EXPECT_GT(came_meanwhile, 300u);
}

TEST(Backup, LooksAgainWhenPartsGoAndGivesUpInTheEnd) {
  SimEnv sim(1);
  const Env env = sim.env();
  const auto life = must(Life::begin(sim));
  must(life->append({"kept"}));
  int files = 0;
  std::uint32_t last = 0;
  const auto replace_import = [&] {
    if (last != 0) must(undo_import(*life->store, last));
    const std::string prefix = fmt::format("i{}-", ++files);
    last =
        must(import_rows(env, *life->store, fmt::format("{}.csv", files), rows_of(prefix, 5))).id;
  };
  replace_import();
  int times = 0;
  // Whenever the part is to be opened that is about to go.
  const auto vanish = [&](const CopyProgress& progress) {
    if (times > 0 && progress.bytes_done > 0 && progress.file.starts_with("/data/parts/")) {
      --times;
      replace_import();
    }
  };
  times = 5;
  const auto backup = must(back_up(env, data, target, {.on_progress = vanish}));
  EXPECT_EQ(times, 0);
  must(restored_to(env, target, again));
  EXPECT_EQ(messages(*must(Store::open(env, again, Store::Access::read))), messages(*life->store));
  // What was copied of parts that went is gone again.
  for (const std::string& path : files_below(env, target)) {
    const std::string name = path.substr(target.size() + 1);
    EXPECT_TRUE(name == "BACKUP" || backup.record.find(name) != nullptr) << name;
  }
  times = 1'000'000;
  EXPECT_EQ(reason_of(back_up(env, data, "/never", {.on_progress = vanish})), "data_changing");
  EXPECT_FALSE(env.files.exists("/never"));
}

/// An import was cut off. While it is backed up it is gone on with to its end, or starts over with
/// a reject file made anew: what is restored is one state of these, so that the import can be gone
/// on with there.
TEST(Backup, OfAnUnfinishedImportCanBeGoneOnWith) {
  int calls = 1;
  for (int n = 0; n / 2 <= calls; ++n) {
    SCOPED_TRACE(n);
    const int at = n / 2;
    const bool starts_over = n % 2 == 0;
    SimEnv sim(1);
    const Env env = sim.env();
    std::vector<std::string> files;
    for (const std::string name : {"m", "n", "o"}) {
      files.push_back("/in/" + name + ".csv");
      test::put_file(env, files.back(), "person,event,time,message_id\n" + rows_of(name, 8));
    }
    auto store = must(Store::open(env, data, Store::Access::own));
    // Stopped once it has read so many files.
    const auto import_some = [&](int files_max) {
      std::atomic<bool> stop = false;
      int read = 0;
      const auto plan = must(plan_import(env, nullptr, {.files = files}));
      return run_import(*store, nullptr, plan,
                        {.on_progress =
                             [&](const ImportProgress& progress) {
                               if (progress.phase == ImportProgress::Phase::rows)
                                 stop = ++read == files_max;
                             },
                         .stop = &stop,
                         .background_writes = false,
                         .rows_per_part = 3});
    };
    ASSERT_EQ(reason_of(import_some(2)), "cancelled");
    ASSERT_FALSE(store->manifest().imports.empty());
    ASSERT_GT(store->manifest().imports[0].reject_bytes, 0u);
    int call = 0;
    must(back_up(env, data, target, {.on_progress = [&](const auto&) {
                   if (++call != at) return;
                   if (!starts_over) {
                     must(import_some(0));
                     return;
                   }
                   // Where other data have come meanwhile; and it comes less far.
                   must(import_rows(env, *store, "other.csv", "q,buy,2026-01-01,m3\n"));
                   ASSERT_EQ(reason_of(import_some(1)), "cancelled");
                 }}));
    calls = std::max(calls, call);
    must(restored_to(env, target, again));
    store = must(Store::open(env, again, Store::Access::own));
    must(import_some(0));
    const auto found = messages(*store);
    EXPECT_EQ(found.size(), 24u);
    for (const auto& [id, count] : found) EXPECT_EQ(count, 1) << id;
    const std::string rejects = bytes_of(env, store->reject_path(1));
    EXPECT_EQ(std::ranges::count(rejects, '\n'), 1 + 3 * 2) << rejects;
  }
  EXPECT_GT(calls, 10);
}

TEST(Backup, OfRejectsMadeAnewAfterALookAtTheManifestLooksAgain) {
  SimEnv sim(1);
  const Env env = sim.env();
  const auto store = must(Store::open(env, data, Store::Access::own));
  const std::string path = store->reject_path(7);
  const auto reject = [&](std::string_view rows) {
    if (env.files.exists(path)) must(env.files.remove(path));
    test::put_file(env, path, rows);
    Manifest next = store->manifest();
    next.imports = {{.id = 7, .reject_bytes = rows.size()}};
    must(store->commit(std::move(next)));
  };
  reject("many rows\n");
  bool once = true;
  must(back_up(env, data, target, {.on_progress = [&](const CopyProgress& progress) {
                 if (progress.file == path && std::exchange(once, false)) reject("few\n");
               }}));
  EXPECT_FALSE(once);
  must(restored_to(env, target, again));
  EXPECT_EQ(bytes_of(env, "/again/rejects/import-7.csv"), "few\n");
}

// -- Machines that fail ---------------------------------------------------------------------------

TEST(BackupCrash, AtAnyCallLeavesNoBackupOrAWholeOne) {
  std::uint64_t calls = 0;
  {
    SimEnv sim(1);
    prepare(sim);
    const std::uint64_t before = sim.mutating_calls();
    must(back_up(sim.env(), data, target));
    calls = sim.mutating_calls() - before;
  }
  ASSERT_GT(calls, 20u);
  int whole = 0;
  int refused = 0;
  for (std::uint64_t n = 1; n <= calls + 8; ++n) {
    SCOPED_TRACE(n);
    SimEnv sim(n);
    prepare(sim);
    const Env env = sim.env();
    const std::string before = told(env, data);
    if (n <= calls) sim.crash_at_call(n);
    const auto backup = back_up(env, data, target);
    EXPECT_EQ(backup.has_value(), n > calls);
    sim.crash(n);
    const auto restored = restored_to(env, target, again);
    if (restored) {
      EXPECT_EQ(told(env, again), before);
      ++whole;
    } else {
      EXPECT_FALSE(backup) << restored.error().message;
      EXPECT_THAT(reason_of(restored), AnyOf("no_backup", "bad_backup"));
      expect_nothing_left(env, again);
      ++refused;
    }
    EXPECT_EQ(told(env, data), before);
  }
  EXPECT_GE(whole, 8);
  EXPECT_GT(refused, 20);
}

TEST(RestoreCrash, AtAnyCallLeavesNoStoreOrAWholeOne) {
  std::uint64_t calls = 0;
  {
    SimEnv sim(1);
    prepare(sim);
    must(back_up(sim.env(), data, target));
    const std::uint64_t before = sim.mutating_calls();
    must(restored_to(sim.env(), target, again));
    calls = sim.mutating_calls() - before;
  }
  ASSERT_GT(calls, 20u);
  int whole = 0;
  int refused = 0;
  for (std::uint64_t n = 1; n <= calls + 8; ++n) {
    SCOPED_TRACE(n);
    SimEnv sim(n);
    prepare(sim);
    const Env env = sim.env();
    const std::string before = told(env, data);
    must(back_up(env, data, target));
    sim.crash(n);
    if (n <= calls) sim.crash_at_call(n);
    const auto restored = restored_to(env, target, again);
    EXPECT_EQ(restored.has_value(), n > calls);
    sim.crash(n + 1);
    if (!must(names_in_the_way(env, again)).empty()) {
      const auto opened = Store::open(env, again, Store::Access::own);
      if (opened || restored) {
        ASSERT_EQ(reason_of(opened), "ok");
        ++whole;
      } else {
        EXPECT_EQ(reason_of(opened), "bad_manifest");
        EXPECT_EQ(reason_of(restored_to(env, target, again)), "data_directory_not_empty");
        ++refused;
      }
    } else {
      EXPECT_FALSE(restored);
    }
    if (env.files.exists("/again/MANIFEST")) {
      EXPECT_EQ(told(env, again), before);
    }
    must(restored_to(env, target, "/second"));
    EXPECT_EQ(told(env, "/second"), before);
  }
  EXPECT_GE(whole, 8);
  EXPECT_GT(refused, 10);
}

/// Names that were not synced come and go in any order.
TEST(RestoreCrash, NeverLeavesTheManifestWithoutTheState) {
  int with_manifest = 0;
  for (std::uint64_t seed = 0; seed < 60; ++seed) {
    SCOPED_TRACE(seed);
    SimEnv sim(seed);
    const Env env = sim.env();
    must(must(Life::begin(sim))->append({"a"}));
    must(replace_file(env, "/data/state.sqlite", test::plain_state(2, 3, 4)));
    must(back_up(env, data, target));
    const std::uint64_t before = sim.mutating_calls();
    must(restored_to(env, target, "/whole"));
    const std::uint64_t calls = sim.mutating_calls() - before;
    sim.crash_at_call(calls - seed % 3);
    EXPECT_FALSE(restored_to(env, target, again));
    sim.crash(seed);
    if (!env.files.exists("/again/MANIFEST")) continue;
    ++with_manifest;
    ASSERT_TRUE(env.files.exists("/again/state.sqlite"));
    EXPECT_EQ(bytes_of(env, "/again/state.sqlite"), test::plain_state(2, 3, 4));
  }
  EXPECT_GT(with_manifest, 3);
}

TEST(BackupCrash, OfWhatADeadWriterLeftHoldsAllItAcknowledged) {
  int backups = 0;
  for (std::uint64_t seed = 0; seed < 600; ++seed) {
    SCOPED_TRACE(seed);
    SimEnv sim(seed);
    Rng rng(seed);
    const Env env = sim.env();
    std::vector<std::string> acknowledged;
    for (int round = 0; round < 3; ++round) {
      sim.crash_at_call(1 + rng.below(60));
      if (const auto life = Life::begin(sim)) {
        for (int i = 0; i < 12; ++i) {
          const std::string id = fmt::format("{}-{}", round, i);
          if (!(*life)->append({id, id + "b"})) break;
          acknowledged.push_back(id);
          acknowledged.push_back(id + "b");
          if (rng.chance(0.1) && !(*life)->store->flush()) break;
        }
      }
      if (rng.chance(0.5)) {
        sim.kill();
      } else {
        sim.crash(rng.next());
      }
    }
    if (!env.files.exists("/data/MANIFEST")) continue;
    // Half of the time another writer takes over in the middle, and makes good what is torn.
    std::unique_ptr<Life> successor;
    std::uint64_t calls_before = rng.chance(0.5) ? rng.below(8) : 1'000;
    const auto take_over = [&](const auto&) {
      if (calls_before-- > 0 || successor) return;
      successor = must(Life::begin(sim));
      for (int i = 0; i < 10; ++i) must(successor->append({fmt::format("later-{}", i)}));
    };
    const auto backup = back_up(env, data, target, {.on_progress = take_over});
    ASSERT_EQ(reason_of(backup), "ok") << backup.error().message;
    ++backups;
    successor = nullptr;
    sim.crash(rng.next());
    must(restored_to(env, target, again));
    const auto life = must(Life::begin(sim, again));
    const auto found = messages(*life->store);
    for (const std::string& id : acknowledged) ASSERT_TRUE(found.contains(id)) << id;
    for (const auto& [id, count] : found) ASSERT_EQ(count, 1) << id;
    for (const auto& [id, count] : found) {
      EXPECT_THAT(must(life->append({id})), testing::ElementsAre(Outcome::duplicate));
    }
  }
  EXPECT_GT(backups, 300);
}

/// A writer dies while it makes a log file, and its successor, which comes after the files were
/// listed, takes that file away and goes on with the one before.
TEST(BackupCrash, OfALogThatLosesItsNewestFileHoldsWhatWasAcknowledged) {
  int unfinished = 0;
  for (std::uint64_t n = 1; n < 120; ++n) {
    SCOPED_TRACE(n);
    SimEnv sim(n);
    const Env env = sim.env();
    std::vector<std::string> acknowledged;
    auto life = must(Life::begin(sim));
    sim.crash_at_call(n);
    while (!sim.crashed()) {
      std::vector<std::string> ids;
      for (int i = 0; i < 8; ++i) ids.push_back(fmt::format("{}-{}", acknowledged.size(), i));
      if (life->append(ids)) std::ranges::copy(ids, std::back_inserter(acknowledged));
    }
    life = nullptr;
    sim.kill();
    const auto files = must(list_log_files(env, "/data/log"));
    if (files.size() < 2) continue;
    const std::string newest = "/data/log/" + log_file_name(files.back());
    if (!must(is_unfinished_log_file(env, newest))) continue;
    ++unfinished;
    const std::string before = "/data/log/" + log_file_name(files[files.size() - 2]);
    const auto take_over = [&](const CopyProgress& progress) {
      if (progress.file != before || life) return;
      life = must(Life::begin(sim));
      must(life->append({"short"}));
    };
    const auto backup = back_up(env, data, target, {.on_progress = take_over});
    ASSERT_EQ(reason_of(backup), "ok") << backup.error().message;
    life = nullptr;
    must(restored_to(env, target, again));
    const auto found = messages(*must(Store::open(env, again, Store::Access::read)));
    for (const std::string& id : acknowledged) ASSERT_TRUE(found.contains(id)) << id;
    for (const auto& [id, count] : found) ASSERT_EQ(count, 1) << id;
  }
  EXPECT_GT(unfinished, 3);
}

/// One failing call after which the disk works again, or one that stays full.
TEST(BackupCrash, AFailureLeavesNothingBehindAndTheNextTrySucceeds) {
  SimEnv sim(1);
  prepare(sim);
  const Env env = sim.env();
  const std::string before = told(env, data);
  std::uint64_t failures = 0;
  for (std::uint64_t n = 1;; ++n) {
    SCOPED_TRACE(n);
    const std::uint64_t calls = sim.fallible_calls();
    sim.fail_call(n, n % 2 == 0 ? SimEnv::Fault::io_error : SimEnv::Fault::disk_full);
    const std::string to = fmt::format("/backup{}", n);
    const auto backup = back_up(env, data, to);
    if (backup && sim.fallible_calls() - calls < n) break;
    if (backup) continue;  // A failed look at what is in the way of nothing.
    ++failures;
    EXPECT_THAT(reason_of(backup), AnyOf("io_error", "disk_full"));
    expect_nothing_left(env, to);
    must(back_up(env, data, to));
  }
  EXPECT_GT(failures, 40u);
  sim.fail_call(1'000'000'000, SimEnv::Fault::io_error);  // The last plan is not due yet.
  must(back_up(env, data, target));
  failures = 0;
  for (std::uint64_t n = 1;; ++n) {
    SCOPED_TRACE(n);
    const std::uint64_t calls = sim.fallible_calls();
    sim.fail_call(n, n % 2 == 0 ? SimEnv::Fault::io_error : SimEnv::Fault::disk_full);
    const std::string to = fmt::format("/again{}", n);
    const auto restored = restored_to(env, target, to);
    if (restored && sim.fallible_calls() - calls < n) break;
    if (restored) continue;
    ++failures;
    EXPECT_THAT(reason_of(restored), AnyOf("io_error", "disk_full"));
    expect_nothing_left(env, to);
    must(restored_to(env, target, to));
    EXPECT_EQ(told(env, to), before);
  }
  EXPECT_GT(failures, 40u);
}

// -- Damage ---------------------------------------------------------------------------------------

TEST(BackupDamage, OfAnyByteOfABackupIsRefused) {
  SimEnv sim(1);
  prepare(sim);
  const Env env = sim.env();
  must(back_up(env, data, target));
  const auto expect_refused = [&](const std::string& what) {
    const auto restored = restored_to(env, target, again);
    ASSERT_FALSE(restored) << what;
    EXPECT_THAT(reason_of(restored), AnyOf("bad_backup", "newer_backup", "no_backup")) << what;
    EXPECT_THAT(restored.error().message, HasSubstr(what.substr(0, what.find(' '))));
    expect_nothing_left(env, again);
  };
  for (const std::string& path : files_below(env, target)) {
    const std::string bytes = bytes_of(env, path);
    for (const std::uint64_t at : some_places(bytes.size(), path == "/backup/BACKUP" ? 1 : 97)) {
      flip(env, path, at);
      expect_refused(fmt::format("{} at {}", path, at));
      flip(env, path, at);
    }
    test::put_file(env, path, bytes.substr(0, bytes.size() - 1));
    expect_refused(path + " cut");
    test::put_file(env, path, bytes + '\0');
    expect_refused(path + " grown");
    must(env.files.remove(path));
    const auto restored = restored_to(env, target, again);
    EXPECT_THAT(reason_of(restored), AnyOf("bad_backup", "no_backup")) << path;
    test::put_file(env, path, bytes);
  }
  must(restored_to(env, target, again));
  EXPECT_EQ(told(env, again), told(env, data));
}

TEST(BackupDamage, OfASourceFileIsNotCopied) {
  SimEnv sim(1);
  prepare(sim);
  const Env env = sim.env();
  const auto expect_refused = [&](const std::string& path) {
    const auto backup = back_up(env, data, target);
    ASSERT_FALSE(backup) << path;
    EXPECT_EQ(backup.error().code, ErrorCode::data_loss);
    EXPECT_THAT(backup.error().message, HasSubstr(path));
    EXPECT_FALSE(env.files.exists(target));
  };
  for (const std::string& path : files_below(env, "/data/parts")) {
    const std::string bytes = bytes_of(env, path);
    for (const std::uint64_t at : some_places(bytes.size(), 97)) {
      flip(env, path, at);
      expect_refused(path);
      flip(env, path, at);
    }
    test::put_file(env, path, bytes.substr(0, 100));
    expect_refused(path);
    must(env.files.remove(path));
    expect_refused(path);
    test::put_file(env, path, bytes);
  }
  // Of the log, what was durable once: a frame that another one follows.
  for (const std::string& path : files_below(env, "/data/log")) {
    for (const std::uint64_t at : {std::uint64_t{20}, std::uint64_t{100}, std::uint64_t{300}}) {
      flip(env, path, at);
      expect_refused(path);
      flip(env, path, at);
    }
  }
  const std::string state = bytes_of(env, "/data/state.sqlite");
  for (const std::uint64_t at : some_places(state.size(), 7)) {
    flip(env, "/data/state.sqlite", at);
    expect_refused("/data/state.sqlite");
    flip(env, "/data/state.sqlite", at);
  }
  const auto rejects = files_below(env, "/data/rejects");
  ASSERT_EQ(rejects.size(), 1u);
  const std::string bytes = bytes_of(env, rejects[0]);
  test::put_file(env, rejects[0], bytes.substr(0, bytes.size() - 1));
  expect_refused(rejects[0]);
  test::put_file(env, rejects[0], bytes);
  must(back_up(env, data, target));
}

TEST(BackupDamage, OfALogThatLostItsEndOrItsMiddleIsNotCopied) {
  for (const bool end : {true, false}) {
    SimEnv sim(1);
    prepare(sim);
    const Env env = sim.env();
    must(must(Life::begin(sim))->store->flush());
    const auto files = files_below(env, "/data/log");
    ASSERT_GT(files.size(), 2u);
    must(env.files.remove(end ? files.back() : files[1]));
    const auto backup = back_up(env, data, target);
    EXPECT_EQ(reason_of(backup), "bad_log");
    EXPECT_FALSE(env.files.exists(target));
  }
}

TEST(BackupDamage, OnTheWayIsSeenWhenTheCopyIsReadBack) {
  SimEnv sim(1);
  prepare(sim);
  const Env env = sim.env();
  must(back_up(env, data, target));
  const auto names = must(back_up(env, data, "/names")).record.files;
  for (const CopiedFile& file : names) {
    if (file.bytes == 0) continue;
    const bool is_state = file.name == backup_format::state_copy;
    // A block was written, and something else is there.
    const auto damage = [&](const std::string& directory) {
      const bool is_copied_back = is_state && directory == again;
      const std::string path =
          directory + "/" + (is_copied_back ? std::string(state_file_name) : file.name);
      return [&, path](const CopyProgress&) {
        if (!env.files.exists(path)) return;
        if (must(must(env.files.open(path, OpenMode::read))->size()) == file.bytes) {
          const auto copy = must(env.files.open(path, OpenMode::update));
          must(copy->write_at(file.bytes / 2, std::as_bytes(std::span("\x01\x02\x03", 3))));
        }
      };
    };
    const auto backup = back_up(env, data, "/bad", {.on_progress = damage("/bad")});
    EXPECT_EQ(reason_of(backup), is_state ? "bad_state" : "bad_copy") << file.name;
    EXPECT_FALSE(env.files.exists("/bad"));
    if (file.name == backup_format::manifest_file) continue;
    const auto restored = restored_to(env, target, again, {.on_progress = damage(again)});
    EXPECT_EQ(reason_of(restored), "bad_copy") << file.name;
    expect_nothing_left(env, again);
  }
}

TEST(BackupDamage, OfARecordThatFitsNotItsFilesIsRefused) {
  SimEnv sim(1);
  prepare(sim);
  const Env env = sim.env();
  const BackupRecord record = must(back_up(env, data, target)).record;
  const auto expect_refused = [&](const std::string& what, const BackupRecord& other,
                                  std::string_view reason = "bad_backup") {
    test::put_file(env, "/backup/BACKUP", encode_backup(other));
    EXPECT_EQ(reason_of(restored_to(env, target, again)), reason) << what;
    expect_nothing_left(env, again);
  };
  std::string last_log;
  for (const CopiedFile& file : record.files) {
    if (file.name == backup_format::state_copy) continue;  // As if there had been none.
    BackupRecord other = record;
    std::erase(other.files, file);
    expect_refused(file.name + " left out", other);
    if (file.name.starts_with("log/")) last_log = std::max(last_log, file.name);
  }
  // All that can be told from its last file is that it ends too early.
  BackupRecord other = record;
  std::erase_if(other.files, [&](const CopiedFile& file) { return file.name == last_log; });
  expect_refused("end of the log left out", other);
  other = record;
  other.log_end += 1;
  expect_refused("log_end", other);
  other = record;
  other.log_begin += 1;
  expect_refused("log_begin", other);

  // A manifest that is whole, but another one.
  const std::string bytes = bytes_of(env, "/backup/MANIFEST.backup");
  Manifest manifest = must(decode_manifest(bytes));
  manifest.settings.currency = "USD";
  test::put_file(env, "/backup/MANIFEST.backup", encode_manifest(manifest));
  expect_refused("manifest", record);
  // And one that knows records the log does not have.
  manifest.log_end = record.log_end + 1;
  const std::string ahead = encode_manifest(manifest);
  test::put_file(env, "/backup/MANIFEST.backup", ahead);
  other = record;
  for (CopiedFile& file : other.files) {
    if (file.name != backup_format::manifest_file) continue;
    file.bytes = ahead.size();
    file.digest = xxh3_128(ahead);
  }
  expect_refused("log_end of the manifest", other, "bad_log");

  test::put_file(env, "/backup/MANIFEST.backup", bytes);

  // A state that is what was backed up, and damaged all the same.
  const std::string state = bytes_of(env, "/backup/state.sqlite.backup");
  std::string damaged = state;
  damaged[100] = '!';
  test::put_file(env, "/backup/state.sqlite.backup", damaged);
  other = record;
  for (CopiedFile& file : other.files) {
    if (file.name == backup_format::state_copy) file.digest = xxh3_128(damaged);
  }
  expect_refused("state", other, "bad_state");
  test::put_file(env, "/backup/state.sqlite.backup", state);

  test::put_file(env, "/backup/BACKUP", encode_backup(record));
  must(restored_to(env, target, again));
}

TEST(BackupRecord, IsReadAsItWasWritten) {
  Rng rng(1);
  for (int n = 0; n < 200; ++n) {
    const auto hash = [&] { return Hash128{.high = rng.next(), .low = rng.next()}; };
    BackupRecord record{.created_at_ms = static_cast<TimestampMs>(rng.below(1u << 30)),
                        .program = "0.1.0",
                        .store_id = hash(),
                        .epoch = hash(),
                        .generation = rng.next(),
                        .data_version = rng.next(),
                        .log_begin = 1 + rng.below(100),
                        .log_end = 101 + rng.below(100),
                        .files = {}};
    for (std::uint64_t i = rng.below(5); i > 0; --i) {
      record.files.push_back(
          {.name = fmt::format("parts/{}.part", i), .bytes = rng.next(), .digest = hash()});
    }
    const auto read = decode_backup(encode_backup(record));
    ASSERT_EQ(reason_of(read), "ok");
    EXPECT_EQ(*read, record);
  }
}

TEST(BackupRecord, IsTheTextOfItsFormatPage) {
  const BackupRecord record{
      .created_at_ms = 1'780'272'000'000,
      .program = "0.1.0",
      .store_id = {.high = 1, .low = 2},
      .epoch = {.high = 3, .low = 0xffffffffffffffff},
      .generation = 4,
      .data_version = 5,
      .log_begin = 6,
      .log_end = 7,
      .files = {{.name = "parts/00000001.part", .bytes = 8, .digest = {.high = 9, .low = 10}}}};
  const std::string body =
      R"({"created_at_ms":1780272000000,"program":"0.1.0",)"
      R"("store_id":"00000000000000010000000000000002",)"
      R"("epoch":"0000000000000003ffffffffffffffff","generation":4,"data_version":5,)"
      R"("log_begin":6,"log_end":7,"files":[{"name":"parts/00000001.part","bytes":8,)"
      R"("digest":"xxh3-128:0000000000000009000000000000000a"}]})"
      "\n";
  EXPECT_EQ(encode_backup(record),
            fmt::format("holdfast backup 1 crc32c={:08x}\n{}", crc32c(body), body));
  // What a later program adds is passed over.
  const std::string more = R"({"more":[1],)" + body.substr(1);
  EXPECT_EQ(
      must(decode_backup(fmt::format("holdfast backup 1 crc32c={:08x}\n{}", crc32c(more), more))),
      record);
}

TEST(BackupRecord, IsOfVersionTwoWithAState) {
  const BackupRecord record{
      .files = {{.name = "MANIFEST.backup", .bytes = 1, .digest = {.high = 2, .low = 3}},
                {.name = "state.sqlite.backup", .bytes = 4, .digest = {.high = 5, .low = 6}}}};
  const std::string body =
      R"({"created_at_ms":0,"program":"","store_id":"00000000000000000000000000000000",)"
      R"("epoch":"00000000000000000000000000000000","generation":0,"data_version":0,)"
      R"("log_begin":1,"log_end":1,"files":[{"name":"MANIFEST.backup","bytes":1,)"
      R"("digest":"xxh3-128:00000000000000020000000000000003"},)"
      R"({"name":"state.sqlite.backup","bytes":4,)"
      R"("digest":"xxh3-128:00000000000000050000000000000006"}]})"
      "\n";
  EXPECT_EQ(encode_backup(record),
            fmt::format("holdfast backup 2 crc32c={:08x}\n{}", crc32c(body), body));
  EXPECT_EQ(must(decode_backup(encode_backup(record))), record);
  // A program of version 1 would not have known it.
  EXPECT_EQ(reason_of(decode_backup(
                fmt::format("holdfast backup 1 crc32c={:08x}\n{}", crc32c(body), body))),
            "bad_backup");
}

TEST(BackupRecord, NamesNoFileOutsideTheBackup) {
  for (const std::string name : {"",
                                 ".",
                                 "..",
                                 "MANIFEST",
                                 "LOCK",
                                 "BACKUP",
                                 "a",
                                 "/parts/a",
                                 "parts",
                                 "parts/",
                                 "parts/.",
                                 "parts/..",
                                 "parts/.a",
                                 "parts/a/b",
                                 "../parts/a",
                                 "state.sqlite",
                                 "parts/state.sqlite/a",
                                 "parts/../a",
                                 "other/a",
                                 "duplicates/1.run"}) {
    BackupRecord record{.files = {{.name = name}}};
    EXPECT_EQ(reason_of(decode_backup(encode_backup(record))), "bad_backup") << name;
  }
  BackupRecord twice{.files = {{.name = "log/1"}, {.name = "log/1"}}};
  EXPECT_EQ(reason_of(decode_backup(encode_backup(twice))), "bad_backup");
  BackupRecord once{.files = {{.name = "log/1"}, {.name = "rejects/1"}, {.name = "parts/1"}}};
  EXPECT_EQ(reason_of(decode_backup(encode_backup(once))), "ok");
}

TEST(Overlap, GoesByTheNamesOfDirectories) {
  struct Case {
    std::string a;
    std::string b;
    bool overlapping;
  };
  const Case cases[] = {
      {"/data", "/data", true},
      {"/data", "/data/", true},
      {"/data", "/data/backup", true},
      {"/data/./x/..", "/data/backup", true},
      {"/data", "/data2", false},
      {"/data", "/backup", false},
      {"/data/a", "/data/b", false},
      {"data", "data/b", true},
      {"/data", "/data/../backup", false},
      {"/", "/backup", true},
  };
  for (const Case& c : cases) {
    EXPECT_EQ(overlap(c.a, c.b), c.overlapping) << c.a << " " << c.b;
    EXPECT_EQ(overlap(c.b, c.a), c.overlapping) << c.b << " " << c.a;
  }
}

}  // namespace
}  // namespace hf
