// SPDX-License-Identifier: Apache-2.0
#include "store/page_cache.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <deque>
#include <thread>
#include <vector>

#include "base/rng.h"

namespace hf {
namespace {

struct NumberedPage final : CachedPage {
  NumberedPage(std::uint32_t n, std::size_t bytes) : number(n) { memory_bytes = bytes; }
  std::uint32_t number;
};

std::shared_ptr<const CachedPage> page(std::uint32_t number, std::size_t bytes) {
  return std::make_shared<NumberedPage>(number, bytes);
}
std::uint32_t number_of(const std::shared_ptr<const CachedPage>& found) {
  return static_cast<const NumberedPage&>(*found).number;
}

TEST(PageCache, DropsTheLeastRecentlyUsedPageFirst) {
  PageCache cache(30);
  for (std::uint32_t i = 0; i < 3; ++i) cache.insert({1, 0, i}, page(i, 10));
  EXPECT_NE(cache.find({1, 0, 0}), nullptr);  // Now 1 is the oldest.
  cache.insert({1, 0, 3}, page(3, 10));
  EXPECT_EQ(cache.find({1, 0, 1}), nullptr);
  EXPECT_NE(cache.find({1, 0, 0}), nullptr);
  EXPECT_NE(cache.find({1, 0, 2}), nullptr);
  EXPECT_NE(cache.find({1, 0, 3}), nullptr);
}

TEST(PageCache, DoesNotKeepAPageLargerThanItself) {
  PageCache cache(30);
  const auto large = page(1, 31);
  cache.insert({1, 0, 0}, large);
  EXPECT_EQ(cache.find({1, 0, 0}), nullptr);
  EXPECT_EQ(cache.memory_bytes(), 0u);
  EXPECT_EQ(number_of(large), 1u);
}

TEST(PageCache, LeavesPagesInUseAlive) {
  PageCache cache(10);
  cache.insert({1, 0, 0}, page(7, 10));
  const auto used = cache.find({1, 0, 0});
  cache.insert({1, 0, 1}, page(8, 10));
  EXPECT_EQ(cache.find({1, 0, 0}), nullptr);
  EXPECT_EQ(number_of(used), 7u);
}

// The twin keeps a list, most recently used first, and searches it.
TEST(PageCache, AgreesWithAListThatIsSearched) {
  for (std::uint64_t seed = 0; seed < 300; ++seed) {
    SCOPED_TRACE(seed);
    Rng rng(seed);
    const std::size_t budget = rng.below(200);
    PageCache cache(budget);
    struct Entry {
      PageCache::Key key;
      std::uint32_t number;
      std::size_t bytes;
    };
    std::deque<Entry> twin;
    const auto bytes_of_twin = [&] {
      std::size_t bytes = 0;
      for (const Entry& entry : twin) bytes += entry.bytes;
      return bytes;
    };
    for (std::uint32_t step = 0; step < 200; ++step) {
      const PageCache::Key key{rng.below(3), static_cast<std::uint32_t>(rng.below(3)),
                               static_cast<std::uint32_t>(rng.below(4))};
      const auto at = std::ranges::find(twin, key, &Entry::key);
      if (rng.chance(0.02)) {
        cache.erase_part(key.part);
        std::erase_if(twin, [&](const Entry& entry) { return entry.key.part == key.part; });
      } else if (rng.chance(0.5)) {
        const auto found = cache.find(key);
        ASSERT_EQ(found != nullptr, at != twin.end());
        if (found == nullptr) continue;
        ASSERT_EQ(number_of(found), at->number);
        const Entry entry = *at;
        twin.erase(at);
        twin.push_front(entry);
      } else {
        const std::size_t bytes = rng.below(60);
        cache.insert(key, page(step, bytes));
        if (at == twin.end()) twin.push_front({key, step, bytes});
        while (bytes_of_twin() > budget) twin.pop_back();
      }
      ASSERT_EQ(cache.memory_bytes(), bytes_of_twin());
      ASSERT_LE(cache.memory_bytes(), budget);
    }
    cache.clear();
    ASSERT_EQ(cache.memory_bytes(), 0u);
  }
}

TEST(PageCache, NumbersPartsApart) {
  PageCache cache(1);
  EXPECT_NE(cache.next_part_key(), cache.next_part_key());
}

TEST(PageCache, ServesManyThreadsAtOnce) {
  PageCache cache(500);
  std::vector<std::jthread> threads;
  for (std::uint64_t t = 0; t < 4; ++t) {
    threads.emplace_back([&cache, t] {
      Rng rng(t);
      for (int i = 0; i < 5'000; ++i) {
        const auto n = static_cast<std::uint32_t>(rng.below(100));
        const PageCache::Key key{n % 4, n, 0};
        if (const auto found = cache.find(key)) {
          EXPECT_EQ(number_of(found), n);
        } else {
          cache.insert(key, page(n, 10));
        }
        if (i % 500 == 0) cache.erase_part(n % 4);
      }
    });
  }
  threads.clear();
  EXPECT_LE(cache.memory_bytes(), 500u);
}

}  // namespace
}  // namespace hf
