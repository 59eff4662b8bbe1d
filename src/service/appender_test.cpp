// SPDX-License-Identifier: Apache-2.0
//
// Eight clients that retry, on a machine that dies: what was acknowledged is there, once, by name.
#include "service/appender.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <future>
#include <map>
#include <set>

#include "base/rng.h"
#include "base/sim_env.h"
#include "service/import_world.h"

namespace hf {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using Outcome = Appender::Outcome;

const std::string directory = "/data";

/// A store and its appender in one process; small files and tables, so that everything happens.
struct Life {
  static Result<std::unique_ptr<Life>> begin(SimEnv& sim) {
    auto life = std::make_unique<Life>();
    HF_TRY(life->store,
           Store::open(sim.env(), directory, Store::Access::own, {.log = {.file_bytes = 3'000}}));
    HF_TRY(life->appender, Appender::open(*life->store, {.table_keys = 16}, false));
    return life;
  }

  std::unique_ptr<Store> store;
  std::unique_ptr<Appender> appender;
};

struct Item {
  std::string source;
  std::string message_id;
  std::string user = "u";
};

Result<std::vector<Outcome>> append(Appender& appender, const std::vector<Item>& items) {
  for (const Item& item : items) {
    appender.add(item.source, {.user_id = item.user,
                               .name = "e",
                               .time_ms = 1'600'000'000'000,
                               .message_id = item.message_id});
  }
  return appender.commit();
}

/// How often each message id is in the store.
std::map<std::string, int> messages(Store& store) {
  const Snapshot snapshot = store.snapshot().value();
  std::map<std::string, int> out;
  for (const auto& part : snapshot.parts) {
    const auto column = part->find(part_format::ColumnRole::message_id);
    if (!column) continue;
    for (std::uint32_t page = 0; page < part->page_count(); ++page) {
      const auto texts = part->texts(*column, page).value();
      for (std::uint32_t i = 0; i < part->rows_in_page(page); ++i) {
        if (!texts->at(i).empty()) ++out[std::string(texts->at(i))];
      }
    }
  }
  return out;
}

TEST(Appender, LeavesOutWhatCameBeforeUnderTheSameSource) {
  SimEnv sim(1);
  auto life = Life::begin(sim).value();
  const std::vector<Item> first = {
      {"app", "1"}, {"web", "1"}, {"app", "1"}, {"app", ""}, {"app", ""}};
  EXPECT_THAT(append(*life->appender, first).value(),
              ElementsAre(Outcome::appended, Outcome::appended, Outcome::duplicate,
                          Outcome::appended, Outcome::appended));
  EXPECT_EQ(life->store->head_rows(), 4u);
  const std::vector<Item> again = {{"web", "1"}, {"web", "2"}};
  EXPECT_THAT(append(*life->appender, again).value(),
              ElementsAre(Outcome::duplicate, Outcome::appended));
  EXPECT_THAT(append(*life->appender, {}).value(), IsEmpty());
  life = nullptr;
  life = Life::begin(sim).value();
  EXPECT_THAT(append(*life->appender, again).value(),
              ElementsAre(Outcome::duplicate, Outcome::duplicate));
}

TEST(Appender, PurgesWhatIsOlderThanTheWorkspaceKeepsEvents) {
  SimEnv sim(1);
  constexpr TimestampMs now = 1'600'000'000'000;
  sim.set_now_ms(now);
  auto life = Life::begin(sim).value();
  FrameBuilder frame;
  frame.add(encode_record(SettingsRecord{.keep_events = "P10D"}));
  ASSERT_TRUE(life->store->append(frame));
  for (int day = 0; day < 40; ++day) {
    const std::string id = fmt::format("{}", day);
    life->appender->add(
        "app",
        {.user_id = "ann", .name = "visit", .time_ms = sim.env().clock.now_ms(), .message_id = id});
    ASSERT_TRUE(life->appender->commit());
    // The first call has it purged, later ones compact.
    for (int call = 0; call < 4; ++call) ASSERT_TRUE(life->appender->maintain());
    EXPECT_EQ(messages(*life->store).size(), static_cast<std::size_t>(std::min(day, 10) + 1))
        << day;
    sim.advance_ms(ms_per_day);
  }
  const Snapshot snapshot = life->store->snapshot().value();
  ASSERT_NE(snapshot.with_first_seen, nullptr);
  EXPECT_EQ(snapshot.with_first_seen->parts.front()->time_min(), now) << "ann is not new";
}

TEST(Appender, BuildsADamagedIndexAnewFromTheLog) {
  SimEnv sim(1);
  auto life = Life::begin(sim).value();
  for (int i = 0; i < 100; ++i) {
    const std::string id = fmt::format("{}", i);
    ASSERT_TRUE(append(*life->appender, {{"app", id}}));
    ASSERT_TRUE(life->appender->maintain());
  }
  life = nullptr;
  const auto runs = sim.env().files.list("/data/duplicates").value();
  ASSERT_FALSE(runs.empty());
  const std::string path = "/data/duplicates/" + runs.front();
  std::string bytes = read_file(sim.env(), path, 1 << 20).value();
  bytes[20] = static_cast<char>(bytes[20] ^ 1);
  ASSERT_TRUE(replace_file(sim.env(), path, bytes));
  life = Life::begin(sim).value();
  for (int i = 0; i < 100; ++i) {
    const std::string id = fmt::format("{}", i);
    EXPECT_THAT(append(*life->appender, {{"app", id}}).value(), ElementsAre(Outcome::duplicate));
  }
}

TEST(Appender, AndAnImportKnowEachOthersMessages) {
  test::ImportWorld world;
  test::must(world.import_text(
      "before.csv", "person,event,time,message_id\nu,e,2020-09-13,i1\nu,e,2020-09-13,i2\n",
      {.source = "shop"}));
  {
    const auto appender = Appender::open(world.store()).value();
    EXPECT_THAT(append(*appender, {{"shop", "i1"}, {"web", "i1"}, {"shop", "i3"}}).value(),
                ElementsAre(Outcome::duplicate, Outcome::appended, Outcome::appended));
  }
  ASSERT_TRUE(world.store().flush());
  ASSERT_TRUE(world.store().compact(Store::CompactionKind::full));
  {
    const auto appender = Appender::open(world.store()).value();
    EXPECT_THAT(append(*appender, {{"shop", "i2"}, {"web", "i2"}}).value(),
                ElementsAre(Outcome::duplicate, Outcome::appended));
  }
  test::must(undo_import(world.store(), 1));
  {
    const auto appender = Appender::open(world.store()).value();
    EXPECT_THAT(append(*appender, {{"shop", "i2"}}).value(), ElementsAre(Outcome::appended));
  }
  {
    const auto appender = Appender::open(world.store()).value();
    ASSERT_TRUE(append(*appender, {{"shop", "1"}, {"shop", "2"}}));
  }
  const auto outcome = test::must(world.import_text(
      "a.csv", "person,event,time,message_id\nu,e,2020-09-13,2\nu,e,2020-09-13,3\n",
      {.source = "shop"}));
  EXPECT_EQ(outcome.counts.events, 1u);
  EXPECT_EQ(outcome.counts.duplicates, 1u);
}

// The store's thread appends while one compacts and another reads snapshots.
TEST(Appender, CompactsInTheBackgroundWhileSnapshotsAreRead) {
  SimEnv sim(1);
  const auto store =
      Store::open(sim.env(), directory, Store::Access::own, {.rows_per_part = 50}).value();
  const auto appender = Appender::open(*store, {.table_keys = 64}).value();
  std::size_t most_parts = 0;
  for (int i = 0; i < 40; ++i) {
    std::vector<std::string> ids;
    std::vector<Item> items;
    for (int n = 0; n < 20; ++n) ids.push_back(fmt::format("{}-{}", i, n));
    for (const std::string& id : ids) items.push_back({"app", id, fmt::format("u{}", id.size())});
    ASSERT_TRUE(append(*appender, items));
    ASSERT_TRUE(store->flush());
    const Snapshot snapshot = store->snapshot().value();
    auto reader = std::async(std::launch::async, [&snapshot] {
      std::uint64_t rows = 0;
      for (const auto& part : snapshot.parts) {
        EXPECT_TRUE(part->verify());
        rows += part->row_count();
      }
      return rows;
    });
    ASSERT_TRUE(appender->maintain());
    EXPECT_EQ(reader.get(), static_cast<std::uint64_t>(i + 1) * 20);
    most_parts = std::max(most_parts, snapshot.parts.size());
  }
  EXPECT_FALSE(appender->compaction_error());
  // Left alone, it would be 40.
  EXPECT_LT(most_parts, 40u);
  const auto found = messages(*store);
  EXPECT_EQ(found.size(), 800u);
}

/// Clients send, and send again what was not acknowledged, until everything is.
TEST(AppenderCrash, LosesAndDoublesNothingUnderClientsThatRetry) {
  int deaths = 0;
  for (std::uint64_t seed = 0; seed < 500; ++seed) {
    SCOPED_TRACE(seed);
    SimEnv sim(seed);
    Rng rng(seed);
    constexpr int clients = 8;
    std::vector<int> next(clients, 0);  // The message each client waits for.
    std::set<std::string> acknowledged;
    std::unique_ptr<Life> life;
    const auto die = [&] {
      life = nullptr;
      ++deaths;
      if (rng.chance(0.4)) {
        sim.kill();
      } else {
        sim.crash(rng.next());
      }
    };
    for (int round = 0; round < 60; ++round) {
      if (rng.chance(0.15)) sim.crash_at_call(1 + rng.below(30));
      if (rng.chance(0.05)) sim.fail_call(1 + rng.below(30), SimEnv::Fault::io_error);
      if (life == nullptr) {
        auto begun = Life::begin(sim);
        if (!begun) {
          die();
          continue;
        }
        life = *std::move(begun);
      }
      std::vector<std::string> ids;
      std::vector<int> senders;
      for (int c = 0; c < clients; ++c) {
        if (rng.chance(0.5)) continue;
        senders.push_back(c);
        ids.push_back(fmt::format("{}-{}", c, next[c]));
      }
      std::vector<Item> items;
      for (const std::string& id : ids) items.push_back({"app", id, id});
      const auto outcomes = append(*life->appender, items);
      if (!outcomes) {
        die();
        continue;
      }
      for (std::size_t i = 0; i < ids.size(); ++i) {
        acknowledged.insert(ids[i]);
        ++next[senders[i]];
      }
      auto maintained = life->appender->maintain();
      if (maintained && rng.chance(0.2)) maintained = life->store->flush();
      if (!maintained || rng.chance(0.1)) die();
    }
    life = nullptr;
    sim.crash(rng.next());
    auto last = Life::begin(sim);
    ASSERT_TRUE(last) << last.error().message;
    life = *std::move(last);
    const auto found = messages(*life->store);
    for (const std::string& id : acknowledged) {
      ASSERT_TRUE(found.contains(id)) << id << " was acknowledged and is lost";
    }
    for (const auto& [id, count] : found) ASSERT_EQ(count, 1) << id;
    EXPECT_GE(found.size(), acknowledged.size());
    EXPECT_LE(found.size(), acknowledged.size() + clients);
  }
  EXPECT_GT(deaths, 1'000);
}

}  // namespace
}  // namespace hf
