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
