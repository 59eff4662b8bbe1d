// SPDX-License-Identifier: Apache-2.0
#include "store/store.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include "base/sim_env.h"
#include "identity/person_key.h"
#include "store/part_builder.h"

namespace hf {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

const std::string directory = "/data/shop";

Result<std::unique_ptr<Store>> own(SimEnv& sim) {
  return Store::open(sim.env(), directory, Store::Access::own);
}
Result<std::unique_ptr<Store>> read(SimEnv& sim) {
  return Store::open(sim.env(), directory, Store::Access::read);
}

/// Writes a part of one event a user and commits it with its import, which gets `state`.
Result<void> add_import(Store& store, const std::vector<std::string>& users, ImportState state) {
  Manifest next = store.manifest();
  ImportRecord& import = next.imports.emplace_back();
  import.id = next.next_import++;
  import.state = state;
  HF_TRY(PersonRegistry* const persons, store.persons());
  PartBuilder builder(store.env().clock.now_ms());
  for (const std::string& user : users) builder.add({.user_id = user, .name = "page"});
  const std::string file = store.next_part_file();
  HF_TRY(const PartSummary summary,
         builder.write(store.env(), {store.parts_directory(), file, "shop", next.hash_key},
                       *persons, {}));
  next.parts.push_back(PartEntry::of(file, summary));
  next.parts.back().import = import.id;
  next.next_person = persons->next();
  if (state == ImportState::done) ++next.data_version;
  return store.commit(std::move(next));
}

std::vector<std::string> part_files(SimEnv& sim) {
  return sim.env().files.list(directory + "/parts").value();
}

TEST(Store, IsMadeByItsOwnerOnly) {
  SimEnv sim(1);
  const auto missing = read(sim);
  ASSERT_FALSE(missing);
  EXPECT_EQ(missing.error().code, ErrorCode::not_found);
  EXPECT_EQ(missing.error().reason, "no_data_directory");
  EXPECT_THAT(missing.error().message, HasSubstr(directory));
  EXPECT_FALSE(sim.env().files.exists(directory));
  const auto store = own(sim);
  ASSERT_TRUE(store) << store.error().message;
  EXPECT_EQ((*store)->manifest().generation, 1u);
  EXPECT_THAT(sim.env().files.list(directory).value(),
              ElementsAre("LOCK", "MANIFEST", "parts", "rejects"));
  const auto reader = read(sim);
  ASSERT_TRUE(reader) << "beside the owner";
  EXPECT_EQ((*reader)->manifest().store_id, (*store)->manifest().store_id);
  EXPECT_THAT((*reader)->snapshot()->parts, IsEmpty());
}

TEST(Store, DrawsItsIdAndItsSecretAnew) {
  SimEnv one(1);
  SimEnv two(2);
  const auto a = own(one).value();
  const auto b = own(two).value();
  EXPECT_NE(a->manifest().store_id, b->manifest().store_id);
  EXPECT_NE(a->manifest().hash_key, b->manifest().hash_key);
  EXPECT_NE(a->manifest().hash_key, HashKey{});
}

TEST(Store, RefusesASecondOwnerNamingTheFirst) {
  SimEnv sim(1);
  auto first = own(sim).value();
  const auto second = own(sim);
  ASSERT_FALSE(second);
  EXPECT_EQ(second.error().code, ErrorCode::failed_precondition);
  EXPECT_EQ(second.error().reason, "locked");
  EXPECT_THAT(second.error().message, HasSubstr(fmt::format("process {}", ::getpid())));
  first.reset();
  EXPECT_TRUE(own(sim));
}

TEST(Store, ShowsTheDataOfDoneImportsOnly) {
  SimEnv sim(1);
  const auto store = own(sim).value();
  ASSERT_TRUE(add_import(*store, {"a", "b"}, ImportState::done));
  ASSERT_TRUE(add_import(*store, {"b", "c", "d"}, ImportState::running));
  const auto before = store->snapshot();
  ASSERT_TRUE(before) << before.error().message;
  ASSERT_EQ(before->parts.size(), 1u);
  EXPECT_EQ(before->parts[0]->row_count(), 2u);
  EXPECT_EQ(before->person_end, 4u);
  EXPECT_EQ(before->data_version, 1u);
  EXPECT_EQ(store->parts_of(2)->size(), 1u);
  EXPECT_EQ(store->parts_of(3)->size(), 0u);

  Manifest next = store->manifest();
  next.find_import(2)->state = ImportState::done;
  ++next.data_version;
  ASSERT_TRUE(store->commit(next));
  EXPECT_EQ(store->snapshot()->parts.size(), 2u);
  EXPECT_EQ(before->parts.size(), 1u) << "a snapshot stays what it was";

  next = store->manifest();
  next.find_import(2)->state = ImportState::undone;
  ++next.data_version;
  ASSERT_TRUE(store->commit(next));
  EXPECT_EQ(store->snapshot()->parts.size(), 1u);
  EXPECT_EQ(read(sim).value()->snapshot()->parts.size(), 1u);
}

TEST(Store, KnowsThePersonsOfAllPartsVisibleOrNot) {
  SimEnv sim(1);
  auto store = own(sim).value();
  ASSERT_TRUE(add_import(*store, {"a", "b"}, ImportState::done));
  ASSERT_TRUE(add_import(*store, {"b", "c"}, ImportState::running));
  store.reset();
  store = own(sim).value();
  const HashKey key = store->manifest().hash_key;
  PersonRegistry& persons = *store->persons().value();
  const auto ordinal = [&](const char* user) {
    return persons.ordinal_of(person_key(key, IdKind::user, user));
  };
  EXPECT_EQ(ordinal("a"), 0u);
  EXPECT_EQ(ordinal("b"), 1u);
  EXPECT_EQ(ordinal("c"), 2u);
  EXPECT_EQ(ordinal("d"), 3u);
}

TEST(Store, RemovesWhatTheManifestDoesNotName) {
  SimEnv sim(1);
  auto store = own(sim).value();
  ASSERT_TRUE(add_import(*store, {"a"}, ImportState::done));
  ASSERT_TRUE(add_import(*store, {"b"}, ImportState::done));
  const auto leave_behind = [&](const std::string& file) {
    ASSERT_TRUE(sim.env().files.open(directory + "/parts/" + file, OpenMode::create));
  };
  leave_behind("00000003.part.tmp");
  leave_behind("00000007.part");
  ASSERT_TRUE(store->remove_unlisted_files());
  EXPECT_THAT(part_files(sim), ElementsAre("00000001.part", "00000002.part"));

  auto used = store->snapshot().value();
  Manifest next = store->manifest();
  next.parts.erase(next.parts.begin());
  ASSERT_TRUE(store->commit(next));
  ASSERT_TRUE(store->remove_unlisted_files());
  EXPECT_THAT(part_files(sim), ElementsAre("00000002.part"));
  EXPECT_TRUE(used.parts[0]->verify()) << "a snapshot goes on reading what it has open";

  leave_behind("00000009.part");
  used = {};
  store.reset();
  ASSERT_TRUE(own(sim)) << "opening clears what a crash left";
  EXPECT_THAT(part_files(sim), ElementsAre("00000002.part"));
}

TEST(Store, RefusesToBeginAnewWhereTheManifestIsMissingBesideParts) {
  SimEnv sim(1);
  auto store = own(sim).value();
  ASSERT_TRUE(add_import(*store, {"a"}, ImportState::done));
  store.reset();
  ASSERT_TRUE(sim.env().files.remove(directory + "/MANIFEST"));
  const auto opened = own(sim);
  ASSERT_FALSE(opened) << "the next open would have removed every part";
  EXPECT_EQ(opened.error().code, ErrorCode::data_loss);
  EXPECT_EQ(opened.error().reason, "bad_manifest");
  EXPECT_THAT(part_files(sim), ElementsAre("00000001.part"));
}

TEST(Store, RefusesADamagedManifestAndAPartThatIsNotItsOwn) {
  SimEnv sim(1);
  auto store = own(sim).value();
  ASSERT_TRUE(add_import(*store, {"a", "b"}, ImportState::done));
  Manifest fewer = store->manifest();
  fewer.next_person = 1;
  ASSERT_TRUE(store->commit(fewer));
  store.reset();
  store = own(sim).value();
  for (const auto& error :
       {store->snapshot().error(), store->persons().error(), store->parts_of(1).error()}) {
    EXPECT_EQ(error.code, ErrorCode::data_loss);
    EXPECT_EQ(error.reason, "bad_part");
    EXPECT_THAT(error.message, HasSubstr("00000001.part"));
  }
  store.reset();
  const auto file = sim.env().files.open(directory + "/MANIFEST", OpenMode::update).value();
  ASSERT_TRUE(file->write_at(40, std::as_bytes(std::span("x", 1))));
  EXPECT_EQ(own(sim).error().reason, "bad_manifest");
  EXPECT_EQ(read(sim).error().reason, "bad_manifest");
}

TEST(Store, TellsWhereRejectedRowsGo) {
  SimEnv sim(1);
  EXPECT_EQ(own(sim).value()->reject_path(7), directory + "/rejects/import-7.csv");
}

// Makes a store with one import, then commits another while the power is cut at some call.
TEST(Store, HoldsTheOldOrTheNewManifestAfterACrashAtAnyCall) {
  const auto prepare = [](SimEnv& sim) {
    auto store = own(sim).value();
    EXPECT_TRUE(add_import(*store, {"a", "b"}, ImportState::done));
    return store;
  };
  SimEnv untroubled(1);
  std::uint64_t calls = 0;
  {
    const auto store = prepare(untroubled);
    const std::uint64_t before = untroubled.mutating_calls();
    ASSERT_TRUE(add_import(*store, {"b", "c"}, ImportState::done));
    calls = untroubled.mutating_calls() - before;
  }
  bool kept_old = false;
  bool kept_new = false;
  for (std::uint64_t n = 1; n <= calls + 1; ++n) {
    for (std::uint64_t seed = 0; seed < 25; ++seed) {
      SCOPED_TRACE(fmt::format("call {} of {} seed {}", n, calls, seed));
      SimEnv sim(seed);
      auto store = prepare(sim);
      if (n <= calls) sim.crash_at_call(n);
      const bool acknowledged = add_import(*store, {"b", "c"}, ImportState::done).has_value();
      ASSERT_EQ(acknowledged, n > calls);
      store.reset();
      sim.crash(seed);
      const auto again = own(sim);
      ASSERT_TRUE(again) << again.error().message;
      const std::uint64_t version = (*again)->manifest().data_version;
      ASSERT_TRUE(version == 2 || (version == 1 && !acknowledged));
      (version == 1 ? kept_old : kept_new) = true;
      const auto snapshot = (*again)->snapshot();
      ASSERT_TRUE(snapshot) << snapshot.error().message;
      ASSERT_EQ(snapshot->parts.size(), version);
      ASSERT_EQ(snapshot->person_end, version + 1);
      for (const auto& part : snapshot->parts) ASSERT_TRUE(part->verify());
      ASSERT_EQ(part_files(sim).size(), version) << "the other one's part is cleared away";
      ASSERT_TRUE(add_import(**again, {"z"}, ImportState::done)) << "and it goes on";
    }
  }
  EXPECT_TRUE(kept_old);
  EXPECT_TRUE(kept_new);
}

TEST(Store, IsMadeWholeOrNotAtAllWhereverTheFirstOpenCrashes) {
  SimEnv untroubled(1);
  const std::uint64_t before = untroubled.mutating_calls();
  ASSERT_TRUE(own(untroubled));
  const std::uint64_t calls = untroubled.mutating_calls() - before;
  for (std::uint64_t n = 1; n <= calls; ++n) {
    for (std::uint64_t seed = 0; seed < 20; ++seed) {
      SCOPED_TRACE(fmt::format("call {} of {} seed {}", n, calls, seed));
      SimEnv sim(seed);
      sim.crash_at_call(n);
      ASSERT_FALSE(own(sim));
      sim.crash(seed);
      auto store = own(sim);
      ASSERT_TRUE(store) << store.error().message;
      ASSERT_TRUE(add_import(**store, {"a"}, ImportState::done));
      const Hash128 id = (*store)->manifest().store_id;
      store->reset();
      sim.crash(seed + 1);
      ASSERT_EQ(own(sim).value()->manifest().store_id, id);
    }
  }
}

TEST(Store, BuildsOnNothingAfterAFailedCommitUntilItIsOpenedAgain) {
  SimEnv untroubled(1);
  std::uint64_t calls = 0;
  {
    const auto store = own(untroubled).value();
    const std::uint64_t before = untroubled.fallible_calls();
    ASSERT_TRUE(store->commit(store->manifest()));
    calls = untroubled.fallible_calls() - before;
  }
  for (std::uint64_t n = 1; n <= calls; ++n) {
    SCOPED_TRACE(n);
    SimEnv sim(1);
    auto store = own(sim).value();
    ASSERT_TRUE(add_import(*store, {"a"}, ImportState::done));
    Manifest next = store->manifest();
    next.parts.clear();
    next.settings.timezone = "Europe/London";
    sim.fail_call(n, SimEnv::Fault::disk_full);
    const auto failed = store->commit(next);
    ASSERT_FALSE(failed);
    EXPECT_EQ(failed.error().code, ErrorCode::resource_exhausted);
    EXPECT_EQ(store->manifest().settings.timezone, "UTC");
    EXPECT_TRUE(store->snapshot()) << "questions are still answered";
    EXPECT_EQ(store->commit(next).error().reason, "manifest_in_doubt");
    EXPECT_EQ(store->remove_unlisted_files().error().reason, "manifest_in_doubt");
    EXPECT_THAT(part_files(sim), ElementsAre("00000001.part"));
    store.reset();
    store = own(sim).value();
    EXPECT_TRUE(store->commit(store->manifest()));
  }
}

}  // namespace
}  // namespace hf
