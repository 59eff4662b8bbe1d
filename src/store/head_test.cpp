// SPDX-License-Identifier: Apache-2.0
#include "store/head.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/memory_file.h"
#include "base/rng.h"
#include "store/stored_rows.h"

namespace hf {
namespace {

using namespace test;
using testing::ElementsAre;
using testing::ElementsAreArray;
using testing::SizeIs;

/// The rows of several parts in one order: by person and time, earlier parts first.
std::vector<StoredRow> rows_of(const std::vector<std::shared_ptr<const Part>>& parts) {
  std::vector<StoredRow> rows;
  for (const auto& part : parts) {
    const auto some = read_rows(*part).value();
    rows.insert(rows.end(), some.begin(), some.end());
  }
  std::ranges::stable_sort(rows, [](const StoredRow& a, const StoredRow& b) {
    return std::pair(a.person, a.time) < std::pair(b.person, b.time);
  });
  return rows;
}

TEST(Head, ShowsEveryEventAtOnceWheneverItIsAsked) {
  for (std::uint64_t seed = 0; seed < 60; ++seed) {
    SCOPED_TRACE(seed);
    Rng rng(seed);
    PageCache cache(std::size_t{1} << 24);
    PersonRegistry persons(HashKey{}, 0);
    Head head;
    std::vector<AnyEvent> events;
    // An old snapshot stays what it was.
    std::vector<std::shared_ptr<const Part>> old;
    std::vector<StoredRow> old_rows;
    ExpectedParts numbering;
    for (int step = 0; step < 40; ++step) {
      for (std::uint64_t n = rng.below(5); n > 0; --n) {
        AnyEvent event = any_event(rng);
        event.message_id.clear();
        if (!event.received) event.received = 1'700'000'000'000;
        event.with_view([&](const EventView& view) { head.add(view, ""); });
        events.push_back(event);
      }
      EXPECT_EQ(head.rows(), events.size());
      if (rng.chance(0.5)) continue;
      const auto parts = head.parts(persons, cache, {Zone::utc(), {}}).value();
      EXPECT_LE(parts.size(), 8u);
      if (parts.empty()) continue;
      ASSERT_THAT(rows_of(parts),
                  ElementsAreArray(ExpectedParts().next_part(events, 1'700'000'000'000)));
      if (!old.empty()) {
        EXPECT_THAT(rows_of(old), ElementsAreArray(old_rows));
      }
      old = parts;
      old_rows = rows_of(parts);
    }
    if (events.empty()) continue;
    MemoryFile file;
    auto file_part = std::make_unique<MemoryFile>();
    ASSERT_TRUE(head.gather()->write_to(*file_part, 0, {.keep_duplicates = true}, persons, {}));
    const auto part = Part::open(std::move(file_part), "flushed", cache).value();
    EXPECT_THAT(read_rows(*part).value(),
                ElementsAreArray(ExpectedParts().next_part(events, 1'700'000'000'000)));
    EXPECT_EQ(rows_of(head.parts(persons, cache, {Zone::utc(), {}}).value()).size(), events.size())
        << "kept";
    head.clear();
    EXPECT_THAT(head.parts(persons, cache, {Zone::utc(), {}}).value(), SizeIs(0));
  }
}

/// A head that is given events and asked, as a store does it.
class AskedHead {
 public:
  explicit AskedHead(std::uint64_t seed, std::uint32_t rows_joined = 256)
      : head(rows_joined), rng(seed) {}

  void add(std::uint64_t count) {
    for (; count > 0; --count) {
      AnyEvent event = any_event(rng);
      event.message_id.clear();
      if (!event.received) event.received = received_at;
      event.with_view([&](const EventView& view) { head.add(view, ""); });
      events.push_back(std::move(event));
    }
  }
  std::vector<std::shared_ptr<const Part>> parts() {
    return head.parts(persons, cache, {Zone::utc(), {}}).value();
  }
  std::shared_ptr<Head::Merge> due_merge() {
    return head.due_merge(persons, cache, {Zone::utc(), {}});
  }
  /// The slow twin: one part of all.
  std::vector<StoredRow> expected() const { return ExpectedParts().next_part(events, received_at); }
  static constexpr TimestampMs received_at = 1'700'000'000'000;

  PageCache cache{std::size_t{1} << 24};
  PersonRegistry persons{HashKey{}, 0};
  Head head;
  Rng rng;
  std::vector<AnyEvent> events;
};

std::vector<std::uint64_t> sizes(const std::vector<std::shared_ptr<const Part>>& parts) {
  std::vector<std::uint64_t> rows;
  for (const auto& part : parts) rows.push_back(part->row_count());
  return rows;
}

TEST(Head, JoinsNothingLargeWhenItIsAsked) {
  AskedHead asked(1);
  asked.add(1'000);
  const auto first = asked.parts();
  asked.add(200);
  EXPECT_THAT(sizes(asked.parts()), ElementsAre(1'000, 200));
  asked.add(20);
  asked.parts();
  asked.add(30);
  EXPECT_THAT(sizes(asked.parts()), ElementsAre(1'000, 200, 50)) << "tiny ones are one";
  asked.add(5'000);
  const auto parts = asked.parts();
  EXPECT_THAT(sizes(parts), ElementsAre(1'000, 200, 50, 5'000));
  EXPECT_EQ(parts.front(), first.front());
}

TEST(Head, PutsAMergeInThePlaceOfItsInputs) {
  AskedHead asked(2, 0);
  asked.add(1'000);
  asked.parts();
  for (const int rows : {40, 50, 30, 20}) {
    EXPECT_EQ(asked.due_merge(), nullptr) << "too few";
    asked.add(static_cast<std::uint64_t>(rows));
    asked.parts();
  }
  const auto before = asked.parts();
  auto merge = asked.due_merge();
  ASSERT_NE(merge, nullptr);
  EXPECT_EQ(asked.due_merge(), nullptr) << "one at a time";
  asked.add(10);
  EXPECT_THAT(sizes(asked.parts()), ElementsAre(1'000, 40, 50, 30, 20, 10))
      << "as before, and more";
  ASSERT_TRUE(merge->run());
  EXPECT_TRUE(asked.head.put_in_place(*merge));
  merge.reset();
  EXPECT_THAT(sizes(asked.parts()), ElementsAre(1'000, 140, 10));
  EXPECT_THAT(rows_of(asked.parts()), ElementsAreArray(asked.expected()));
  EXPECT_THAT(sizes(before), ElementsAre(1'000, 40, 50, 30, 20)) << "an old snapshot stays";
  EXPECT_EQ(asked.due_merge(), nullptr);
}

TEST(Head, DropsAMergeWhereItsInputsChanged) {
  for (const bool flushed : {false, true}) {
    AskedHead asked(3, 0);
    for (int i = 0; i < 4; ++i) {
      asked.add(20);
      asked.parts();
    }
    auto merge = asked.due_merge();
    ASSERT_NE(merge, nullptr);
    ASSERT_TRUE(merge->run());
    const AnyEvent& gone = asked.events[30];
    const PersonId id = gone.user.empty() ? PersonId{IdKind::anonymous, gone.anonymous}
                                          : PersonId{IdKind::user, gone.user};
    if (flushed) {
      asked.head.clear();
    } else {
      asked.head.erase({&id, 1});
    }
    const std::uint64_t rows = asked.head.rows();
    EXPECT_LT(rows, 80u);
    EXPECT_FALSE(asked.head.put_in_place(*merge));
    EXPECT_EQ(asked.head.rows(), rows);
    EXPECT_EQ(rows_of(asked.parts()).size(), rows);
  }
}

TEST(Head, MergesOfItselfWhereNobodyTakesMerges) {
  AskedHead asked(4, 0);
  std::size_t most = 0;
  for (int i = 0; i < 300; ++i) {
    asked.add(3);
    most = std::max(most, asked.parts().size());
  }
  EXPECT_LE(most, 16u);
  EXPECT_THAT(rows_of(asked.parts()), ElementsAreArray(asked.expected()));
}

TEST(Head, MakesAPartOfManyEventsBeforeItIsAsked) {
  AskedHead asked(5);
  asked.add(5'000);
  EXPECT_EQ(asked.due_merge(), nullptr) << "nobody ever asked";
  asked.parts();
  asked.add(500);
  EXPECT_EQ(asked.due_merge(), nullptr) << "not so many";
  asked.add(12);
  auto merge = asked.due_merge();
  ASSERT_NE(merge, nullptr);
  asked.add(7);
  ASSERT_TRUE(merge->run());
  const auto made = merge->output().part;
  ASSERT_TRUE(asked.head.put_in_place(*merge));
  merge.reset();
  const auto parts = asked.parts();
  EXPECT_EQ(parts[parts.size() - 2], made);
  EXPECT_EQ(parts.back()->row_count(), 7u);
  EXPECT_THAT(rows_of(parts), ElementsAreArray(asked.expected()));
}

TEST(Head, GoesOnWhileWhatItHadIsWrittenToDisk) {
  AskedHead asked(6, 0);
  for (int i = 0; i < 4; ++i) {
    asked.add(20);
    asked.parts();
  }
  auto merge = asked.due_merge();
  asked.add(5);
  const auto taken = asked.head.take(asked.persons);
  ASSERT_TRUE(merge->run());
  EXPECT_FALSE(asked.head.put_in_place(*merge)) << "what is written stays what it is";
  merge.reset();
  EXPECT_EQ(asked.due_merge(), nullptr);
  for (int i = 0; i < 4; ++i) {
    asked.add(3);
    asked.parts();
  }
  EXPECT_THAT(rows_of(asked.parts()), ElementsAreArray(asked.expected()));
  merge = asked.due_merge();
  ASSERT_NE(merge, nullptr) << "of what came since";
  ASSERT_TRUE(merge->run());
  EXPECT_TRUE(asked.head.put_in_place(*merge));
  ASSERT_TRUE(asked.head.holds(*taken));
  asked.head.drop(*taken);
  EXPECT_THAT(sizes(asked.parts()), ElementsAre(12));
  EXPECT_FALSE(asked.head.holds(*taken));
}

TEST(Head, HasTheSameEventsInTheSameOrderBeforeAndAfterMerges) {
  int merges = 0;
  for (std::uint64_t seed = 0; seed < 60; ++seed) {
    SCOPED_TRACE(seed);
    AskedHead asked(seed, static_cast<std::uint32_t>(seed % 3) * 8);
    std::shared_ptr<Head::Merge> merge;
    for (int step = 0; step < 80; ++step) {
      asked.add(asked.rng.below(6));
      if (asked.rng.chance(0.3)) continue;
      const auto parts = asked.parts();
      ASSERT_THAT(rows_of(parts), ElementsAreArray(asked.expected()));
      EXPECT_LE(parts.size(), 24u);
      if (merge == nullptr) {
        merge = asked.due_merge();
      } else if (asked.rng.chance(0.5)) {
        ASSERT_TRUE(merge->run());
        ASSERT_TRUE(asked.head.put_in_place(*merge));
        merge.reset();
        ++merges;
      }
    }
  }
  EXPECT_GT(merges, 100);
}

TEST(PartBuilder, AddsAllOfAnotherAsIfOneByOne) {
  for (std::uint64_t seed = 0; seed < 200; ++seed) {
    SCOPED_TRACE(seed);
    Rng rng(seed);
    const auto events = any_events(rng, 1 + rng.below(60));
    PartBuilder whole(5);
    PartBuilder first(5);
    PartBuilder second(rng.chance(0.5) ? 5 : 7);
    const std::size_t cut = rng.below(events.size() + 1);
    for (std::size_t i = 0; i < events.size(); ++i) {
      AnyEvent event = events[i];
      if (!event.received) event.received = 1'000;
      const std::string source = rng.chance(0.3) ? "app" : "";
      event.with_view([&](const EventView& view) {
        whole.add(view, source);
        (i < cut ? first : second).add(view, source);
      });
    }
    first.add_all(second);
    EXPECT_EQ(first.rows(), whole.rows());
    EXPECT_EQ(first.times_ahead(), whole.times_ahead());
    const auto bytes_of = [&](PartBuilder& builder) {
      MemoryFile file;
      PersonRegistry persons(HashKey{}, 0);
      EXPECT_TRUE(builder.write_to(file, 0, {.source = "shop"}, persons, {}));
      std::string bytes(file.size().value(), '\0');
      EXPECT_TRUE(file.read_at(0, std::as_writable_bytes(std::span(bytes))));
      return bytes;
    };
    EXPECT_EQ(bytes_of(first), bytes_of(whole));
  }
}

}  // namespace
}  // namespace hf
