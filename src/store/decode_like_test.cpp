// SPDX-License-Identifier: Apache-2.0
#include "store/decode_like.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <map>
#include <string>
#include <vector>

#include "base/sim_env.h"
#include "event/any_events.h"
#include "store/store.h"

namespace hf {
namespace {

using namespace test;
using Things = std::map<DecodedThing, std::uint32_t>;

constexpr std::string_view directory = "/data";

/// As all questions together do.
void decode_all(const Part& part, const Zone& zone) {
  for (std::uint32_t page = 0; page < part.page_count(); ++page) {
    ASSERT_TRUE(part.times(page));
    ASSERT_TRUE(part.compact_times(page));
    ASSERT_TRUE(part.received_at(page));
    ASSERT_TRUE(part.name_codes(page));
  }
  for (std::uint32_t column = 0; column < part.columns().size(); ++column) {
    const ColumnInfo& info = part.columns()[column];
    using part_format::ColumnRole;
    const bool is_codes = info.role == ColumnRole::id_code || info.role == ColumnRole::channel ||
                          info.role == ColumnRole::property || info.role == ColumnRole::source;
    for (std::uint32_t page = 0; page < part.page_count(); ++page) {
      if (info.role == ColumnRole::message_id) {
        ASSERT_TRUE(part.texts(column, page));
      }
      if (!is_codes) continue;
      if (info.kind == ValueKind::number && info.role == ColumnRole::property) {
        ASSERT_TRUE(part.numbers(column, page));
      } else {
        ASSERT_TRUE(part.codes(column, page));
      }
    }
    if (is_codes && info.role != ColumnRole::id_code &&
        (info.role != ColumnRole::property || info.kind != ValueKind::number)) {
      ASSERT_TRUE(part.dictionary(column));
    }
  }
  ASSERT_TRUE(part.ids());
  ASSERT_TRUE(part.day_sets(zone));
  ASSERT_TRUE(part.day_counts(zone));
  ASSERT_TRUE(part.day_rows(zone));
  for (std::uint32_t name = 0; name < part.names().size(); ++name) {
    if (!part.has_postings(name)) continue;
    ASSERT_TRUE(part.postings(name));
  }
}

class DecodeLike : public testing::Test {
 protected:
  DecodeLike() : sim_(1) {
    sim_.set_now_ms(1'600'000'000'000);
    store_ = Store::open(sim_.env(), std::string(directory), Store::Access::own,
                         {.postings = {1000, 1000}})
                 .value();
  }

  void append(int events) {
    FrameBuilder frame;
    for (int i = 0; i < events; ++i) {
      AnyEvent event = any_event(rng_);
      event.message_id = fmt::format("m{}", next_++);
      event.received.reset();
      event.with_view([&](const EventView& view) {
        frame.add(encode_record(EventRecord{rng_.chance(0.5) ? "app" : "web", view}));
      });
    }
    ASSERT_TRUE(store_->append(frame));
  }

  /// The store's parts once more, with another cache.
  std::vector<std::shared_ptr<const Part>> opened(PageCache& cache) {
    std::vector<std::shared_ptr<const Part>> parts;
    for (const PartEntry& entry : store_->manifest().parts) {
      parts.push_back(
          Part::open(sim_.env(), fmt::format("{}/parts/{}", directory, entry.file), cache).value());
    }
    return parts;
  }

  SimEnv sim_;
  Rng rng_{1};
  int next_ = 0;
  std::unique_ptr<Store> store_;
  std::shared_ptr<const Zone> zone_ = Zone::utc();
};

TEST_F(DecodeLike, DecodesAllThatOthersHaveDecoded) {
  append(300);
  ASSERT_TRUE(store_->flush());
  PageCache cache(std::size_t{1} << 30);
  const auto before = opened(cache);
  const auto after = opened(cache);
  decode_all(*before.front(), *zone_);
  ASSERT_GT(before.front()->decoded().size(), 20u);
  EXPECT_EQ(after.front()->decoded(), Things{});
  ASSERT_TRUE(decode_like(before, *after.front(), cache, zone_.get()));
  EXPECT_EQ(after.front()->decoded(), before.front()->decoded());
}

TEST_F(DecodeLike, LeavesOutWhatFewOfTheOthersHaveDecoded) {
  for (int part = 0; part < 3; ++part) {
    append(50);
    ASSERT_TRUE(store_->flush());
  }
  PageCache cache(std::size_t{1} << 30);
  const auto before = opened(cache);
  const auto after = opened(cache).back();
  ASSERT_EQ(before.size(), 3u);
  for (const auto& part : before) ASSERT_TRUE(part->name_codes(0));
  ASSERT_TRUE(before[0]->received_at(0));
  ASSERT_TRUE(before[1]->times(0));
  ASSERT_TRUE(before[2]->times(0));
  ASSERT_TRUE(decode_like(before, *after, cache, nullptr));
  EXPECT_EQ(
      after->decoded(),
      (Things{
          {{.kind = DecodedThing::Kind::times}, 1},
          {{.kind = DecodedThing::Kind::name_codes, .role = part_format::ColumnRole::name}, 1}}));
}

TEST_F(DecodeLike, DrivesNothingOutOfAFullCache) {
  append(300);
  ASSERT_TRUE(store_->flush());
  std::size_t bytes = 0;
  {
    PageCache large(std::size_t{1} << 30);
    const auto parts = opened(large);
    decode_all(*parts.front(), *zone_);
    bytes = large.memory_bytes();
  }
  PageCache cache(bytes);
  const auto before = opened(cache);
  const auto after = opened(cache);
  decode_all(*before.front(), *zone_);
  const Things decoded = before.front()->decoded();
  ASSERT_TRUE(decode_like(before, *after.front(), cache, zone_.get()));
  EXPECT_EQ(after.front()->decoded(), Things{});
  EXPECT_EQ(before.front()->decoded(), decoded);
}

// A question after a merge, a flush or a compaction decodes nothing that one before it decoded.
TEST_F(DecodeLike, IsDoneOfWhatTakesThePlaceOfOthersInAStore) {
  const auto things = [&] {
    Things all;
    const Snapshot snapshot = store_->snapshot().value();
    for (const auto& part : snapshot.parts) {
      for (const auto& [thing, pages] : part->decoded()) all[thing] += pages;
    }
    return all;
  };
  const auto ask = [&] {
    const Snapshot snapshot = store_->snapshot().value();
    for (const auto& part : snapshot.parts) {
      for (std::uint32_t page = 0; page < part->page_count(); ++page) {
        ASSERT_TRUE(part->compact_times(page));
      }
      ASSERT_TRUE(part->ids());
    }
  };
  const auto expect_decoded = [&] {
    const Snapshot snapshot = store_->snapshot().value();
    ASSERT_EQ(snapshot.parts.size(), 1u);
    const Things decoded = snapshot.parts.front()->decoded();
    EXPECT_TRUE(decoded.contains({.kind = DecodedThing::Kind::compact_times}));
    EXPECT_TRUE(decoded.contains({.kind = DecodedThing::Kind::ids}));
  };
  for (int i = 0; i < 5; ++i) {
    append(300);
    ask();
  }
  ASSERT_GT(store_->snapshot()->parts.size(), 3u);
  ASSERT_EQ(things().size(), 2u);
  const auto merge = store_->begin_head_merge();
  ASSERT_NE(merge, nullptr);
  ASSERT_TRUE(merge->run());
  ASSERT_TRUE(store_->finish_head_merge(merge));
  expect_decoded();

  auto flush = store_->begin_flush().value();
  ASSERT_TRUE(flush->run());
  ASSERT_TRUE(store_->finish_flush(std::move(flush)));
  expect_decoded();

  append(300);
  ASSERT_TRUE(store_->flush());
  ask();
  auto compaction = store_->begin_compaction(Store::CompactionKind::full).value();
  ASSERT_NE(compaction, nullptr);
  ASSERT_TRUE(compaction->run());
  ASSERT_TRUE(store_->finish_compaction(std::move(compaction)));
  expect_decoded();
}

}  // namespace
}  // namespace hf
