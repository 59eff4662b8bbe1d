// SPDX-License-Identifier: Apache-2.0
#include "stats/selection.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <limits>
#include <vector>

#include "base/rng.h"

namespace hf {
namespace {

using testing::ElementsAre;

constexpr std::int64_t int_min = std::numeric_limits<std::int64_t>::min();
constexpr std::int64_t int_max = std::numeric_limits<std::int64_t>::max();

TEST(SelectRanks, AreThoseOfSortedValues) {
  Rng rng(5);
  for (int world = 0; world < 2'000; ++world) {
    std::vector<std::int64_t> values(1 + rng.below(60));
    const unsigned shift = static_cast<unsigned>(rng.below(64));
    for (auto& value : values) value = static_cast<std::int64_t>(rng.next()) >> shift;
    std::vector<std::size_t> ranks(rng.below(5));
    for (auto& rank : ranks) rank = rng.below(values.size());
    std::ranges::sort(ranks);
    std::vector<std::int64_t> sorted = values;
    std::ranges::sort(sorted);
    const auto selected = select_ranks(values, ranks);
    ASSERT_EQ(selected.size(), ranks.size());
    for (std::size_t i = 0; i < ranks.size(); ++i) ASSERT_EQ(selected[i], sorted[ranks[i]]);
  }
}

TEST(SelectRanks, OfTheLeastAndTheGreatestThereAre) {
  const std::vector<std::int64_t> values{int_max, 0, int_min, -1, int_max};
  const std::vector<std::size_t> ranks{0, 1, 2, 3, 4};
  EXPECT_THAT(select_ranks(values, ranks), ElementsAre(int_min, -1, 0, int_max, int_max));
  EXPECT_THAT(select_ranks({}, {}), ElementsAre());
}

TEST(Quantiles, LieBetweenTheNearestInProportion) {
  const std::vector<std::size_t> percents{0, 50, 90, 100};
  const std::vector<std::int64_t> one{7};
  EXPECT_THAT(quantiles(one, percents), ElementsAre(7, 7, 7, 7));
  const std::vector<std::int64_t> four{40, 10, 30, 20};
  EXPECT_THAT(quantiles(four, percents), ElementsAre(10, 25, 37, 40));
}

}  // namespace
}  // namespace hf
