// SPDX-License-Identifier: Apache-2.0
#include "store/compaction.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>
#include <vector>

#include "base/sim_env.h"
#include "store/part_rows.h"
#include "store/store.h"
#include "store/stored_rows.h"

namespace hf {
namespace {

using namespace test;
using testing::Pair;

constexpr std::string_view directory = "/data";

PartEntry entry(int number, std::uint64_t rows, std::uint32_t import = 0, std::uint32_t group = 0) {
  return {
      .file = fmt::format("{:08}.part", number), .import = import, .group = group, .rows = rows};
}

Manifest manifest_of(std::vector<PartEntry> parts) {
  Manifest manifest;
  manifest.parts = std::move(parts);
  manifest.imports.push_back({.id = 1, .state = ImportState::running});
  manifest.imports.push_back({.id = 2, .state = ImportState::done});
  return manifest;
}

TEST(ChooseCompaction, TakesTheFewestRowsThatAreFourGroupsNoneOverHalf) {
  struct Case {
    std::string_view name;
    std::vector<PartEntry> parts;
    std::pair<std::size_t, std::size_t> chosen;
  };
  const Case cases[] = {
      {"nothing", {}, {0, 0}},
      {"three small ones", {entry(1, 10), entry(2, 10), entry(3, 10)}, {0, 0}},
      {"four small ones", {entry(1, 10), entry(2, 20), entry(3, 1), entry(4, 10)}, {0, 4}},
      {"a large one stays",
       {entry(1, 10'000'000), entry(2, 10), entry(3, 10), entry(4, 10), entry(5, 10)},
       {1, 5}},
      {"what is mostly one of them stays",
       {entry(1, 100), entry(2, 9), entry(3, 9), entry(4, 9)},
       {0, 0}},
      {"the small ones between larger ones go with these",
       {entry(1, 1'000'000), entry(2, 10), entry(3, 1'000'000), entry(4, 10)},
       {0, 4}},
      {"an import that nobody sees yet stays where it is",
       {entry(1, 10), entry(2, 10), entry(3, 10, 1), entry(4, 10), entry(5, 10)},
       {0, 0}},
      {"a done import is like the others",
       {entry(1, 10), entry(2, 10), entry(3, 10, 2), entry(4, 10)},
       {0, 4}},
      {"a group counts once",
       {entry(1, 10, 0, 1), entry(2, 10, 0, 1), entry(3, 10, 0, 1), entry(4, 10), entry(5, 10)},
       {0, 0}},
      {"a group goes whole",
       {entry(1, 10, 0, 1), entry(2, 10, 0, 1), entry(3, 9), entry(4, 10), entry(5, 10)},
       {0, 5}},
  };
  for (const Case& c : cases) {
    EXPECT_EQ(choose_compaction(manifest_of(c.parts)), c.chosen) << c.name;
  }
}

TEST(ChooseCompaction, LeavesFewGroupsAndWritesARowSeldom) {
  Manifest manifest;
  std::uint64_t written = 0;
  const std::uint64_t flush_rows = 1'000'000;
  const int flushes = 1'000;
  int number = 1;
  for (int i = 0; i < flushes; ++i) {
    manifest.parts.push_back(entry(number++, flush_rows));
    for (auto at = choose_compaction(manifest); at.first < at.second;
         at = choose_compaction(manifest)) {
      std::uint64_t rows = 0;
      for (std::size_t p = at.first; p < at.second; ++p) rows += manifest.parts[p].rows;
      written += rows;
      const auto first = manifest.parts.begin() + static_cast<std::ptrdiff_t>(at.first);
      manifest.parts.erase(first, manifest.parts.begin() + static_cast<std::ptrdiff_t>(at.second));
      manifest.parts.insert(manifest.parts.begin() + static_cast<std::ptrdiff_t>(at.first),
                            entry(number++, rows));
    }
    ASSERT_LE(manifest.parts.size(), 16u);
  }
  EXPECT_LE(written, 7 * flush_rows * flushes);  // log2 of the flushes is 10.
}

TEST(ChooseFullCompaction, TakesEachStretchThatIsMoreThanAGroup) {
  EXPECT_THAT(choose_full_compaction(manifest_of({})), Pair(0, 0));
  EXPECT_THAT(choose_full_compaction(manifest_of({entry(1, 10)})), Pair(0, 0));
  EXPECT_THAT(choose_full_compaction(manifest_of({entry(1, 10), entry(2, 10'000'000)})),
              Pair(0, 2));
  EXPECT_THAT(choose_full_compaction(manifest_of({entry(1, 10, 0, 7), entry(2, 10, 0, 7)})),
              Pair(0, 0));
  EXPECT_THAT(choose_full_compaction(manifest_of({entry(1, 10), entry(2, 10, 1), entry(3, 10, 0, 4),
                                                  entry(4, 10, 0, 4), entry(5, 1)})),
              Pair(2, 5));
}

/// Everything a store holds, by message id; the person left out.
std::map<std::string, StoredRow> rows_of(Store& store) {
  std::map<std::string, StoredRow> out;
  const Snapshot snapshot = store.snapshot().value();
  for (const auto& part : snapshot.parts) {
    auto rows = read_rows(*part).value();
    for (StoredRow& row : rows) {
      row.person = 0;
      EXPECT_TRUE(out.emplace(row.message_id, row).second) << row.message_id;
    }
  }
  return out;
}

/// What PartRows says of each row: source and import, by message id; and that it says what the
/// other readers say.
std::map<std::string, std::string> origins_of(Store& store) {
  std::map<std::string, std::string> out;
  const Snapshot snapshot = store.snapshot().value();
  for (const auto& part : snapshot.parts) {
    const auto expected = read_rows(*part).value();
    PartRows rows = PartRows::open(part).value();
    for (RowNumber row = 0; row < part->row_count(); ++row) {
      const PartRows::Row& read = *rows.at(row).value();
      const StoredRow& stored = expected[row];
      EXPECT_EQ(read.event.user_id, stored.user);
      EXPECT_EQ(read.event.anonymous_id, stored.anonymous);
      EXPECT_EQ(read.event.name, stored.name);
      EXPECT_EQ(read.event.time_ms, stored.raw_time.value_or(stored.time));
      EXPECT_EQ(read.stored_time_ms, stored.time);
      EXPECT_EQ(read.event.received_at_ms, stored.received);
      EXPECT_EQ(read.event.message_id, stored.message_id);
      EXPECT_EQ(read.event.channel, stored.channel);
      EXPECT_EQ(part->persons()[read.position], stored.person);
      std::map<std::pair<std::string, ValueKind>, std::string> properties;
      for (const PropertyView& property : read.event.properties) {
        properties[{std::string(property.name), property.value.kind}] =
            canonical_text(property.value);
      }
      EXPECT_EQ(properties, stored.properties);
      out[stored.message_id] = std::string(read.source);
    }
  }
  return out;
}

TEST(Compaction, KeepsEveryFieldOfEveryRow) {
  for (std::uint64_t seed = 0; seed < 50; ++seed) {
    SCOPED_TRACE(seed);
    Rng rng(seed);
    SimEnv sim(seed);
    sim.set_now_ms(1'600'000'000'000);
    const auto store =
        Store::open(sim.env(), std::string(directory), Store::Access::own, {.rows_per_part = 30})
            .value();
    int message = 0;
    for (int flush = 0; flush < 6; ++flush) {
      FrameBuilder frame;
      for (std::uint64_t n = rng.below(30) + 1; n > 0; --n) {
        AnyEvent event = any_event(rng);
        event.message_id = fmt::format("m{}", message++);
        event.received.reset();
        event.with_view([&](const EventView& view) {
          frame.add(encode_record(EventRecord{rng.chance(0.5) ? "app" : "web", view}));
        });
      }
      ASSERT_TRUE(store->append(frame));
      ASSERT_TRUE(store->flush());
      sim.advance_ms(rng.between(0, 1000));
    }
    const auto before = rows_of(*store);
    const auto origins = origins_of(*store);
    ASSERT_EQ(before.size(), static_cast<std::size_t>(message));
    ASSERT_TRUE(
        store->compact(rng.chance(0.5) ? Store::CompactionKind::due : Store::CompactionKind::full));
    ASSERT_LT(store->manifest().parts.size(), 6u);
    EXPECT_EQ(rows_of(*store), before);
    EXPECT_EQ(origins_of(*store), origins);
    const Snapshot compacted = store->snapshot().value();
    for (const auto& part : compacted.parts) ASSERT_TRUE(part->verify());
    // The files are those the manifest names.
    EXPECT_EQ(sim.env().files.list("/data/parts").value().size(), store->manifest().parts.size());
  }
}

TEST(Compaction, ThatIsCancelledLeavesNothing) {
  SimEnv sim(1);
  sim.set_now_ms(1'600'000'000'000);
  const auto store = Store::open(sim.env(), std::string(directory), Store::Access::own).value();
  for (int flush = 0; flush < 2; ++flush) {
    FrameBuilder frame;
    for (int i = 0; i < 5000; ++i) {
      const std::string id = fmt::format("{}-{}", flush, i);
      frame.add(encode_record(
          EventRecord{"app", {.user_id = "ann", .name = "page", .time_ms = i, .message_id = id}}));
    }
    ASSERT_TRUE(store->append(frame));
    ASSERT_TRUE(store->flush());
  }
  auto compaction = store->begin_compaction(Store::CompactionKind::full).value();
  ASSERT_NE(compaction, nullptr);
  compaction->cancel();
  const auto ran = compaction->run();
  ASSERT_FALSE(ran);
  EXPECT_EQ(ran.error().code, ErrorCode::cancelled);
  EXPECT_EQ(sim.env().files.list("/data/parts").value().size(), 2u);
  EXPECT_EQ(rows_of(*store).size(), 10'000u);
}

// Its files are personal data: what was taken out of them must not come back with the power.
TEST(CompactionCrash, WhatWasTakenOutOfTheFilesStaysOut) {
  for (std::uint64_t seed = 0; seed < 20; ++seed) {
    SCOPED_TRACE(seed);
    SimEnv sim(seed);
    sim.set_now_ms(1'600'000'000'000);
    auto store = Store::open(sim.env(), std::string(directory), Store::Access::own).value();
    const auto append = [&](const LogRecord& record) {
      FrameBuilder frame;
      frame.add(encode_record(record));
      ASSERT_TRUE(store->append(frame));
    };
    append(EventRecord{"app", {.user_id = "forget me", .name = "page", .time_ms = 1}});
    append(EventRecord{"app", {.user_id = "ann", .name = "page", .time_ms = 1}});
    ASSERT_TRUE(store->flush());
    append(EraseRecord{{{IdKind::user, "forget me"}}});
    ASSERT_TRUE(store->compact(Store::CompactionKind::clean));
    store.reset();
    sim.crash(seed);
    const auto files = sim.env().files.list("/data/parts").value();
    EXPECT_EQ(files.size(), 1u);
    for (const std::string& file : files) {
      const auto bytes = read_file(sim.env(), "/data/parts/" + file, 1 << 20).value();
      EXPECT_EQ(bytes.find("forget me"), std::string::npos);
    }
  }
}

}  // namespace
}  // namespace hf
