// SPDX-License-Identifier: Apache-2.0
#include "base/points.h"

#include <gtest/gtest.h>

#include <limits>
#include <unordered_set>

#include "base/id.h"

namespace hf {
namespace {

constexpr Points largest{std::numeric_limits<std::int64_t>::max()};

TEST(Points, AddAndCompare) {
  Points due{10};
  due -= Points{3};
  due += Points{1};
  EXPECT_EQ(due, Points{8});
  EXPECT_EQ(-due, Points{-8});
  EXPECT_LT(Points{-1}, Points{0});
}

TEST(Points, WhatARequestCanOverflowIsAnError) {
  EXPECT_EQ(checked_add(Points{2}, Points{3}).value(), Points{5});
  EXPECT_EQ(checked_add(largest, Points{1}).error().reason, "amount_too_large");
  EXPECT_EQ(checked_multiply(Points{-2}, 3).value(), Points{-6});
  EXPECT_EQ(checked_multiply(largest, 2).error().reason, "amount_too_large");
}

TEST(PointsDeathTest, WhatNoInputCanOverflowIsAnAssertion) {
  EXPECT_DEATH((void)(largest + Points{1}), "broken invariant");
  EXPECT_DEATH((void)(Points{-2} - largest), "broken invariant");
}

TEST(Id, NamesOneKindOfThing) {
  using Apple = Id<struct AppleTag, std::uint32_t>;
  using Pear = Id<struct PearTag, std::uint32_t>;
  static_assert(!std::is_convertible_v<Apple, Pear>);
  static_assert(!std::is_convertible_v<std::uint32_t, Apple>);
  EXPECT_LT(Apple{1}, Apple{2});
  EXPECT_EQ(Apple{7}.value(), 7u);
  EXPECT_EQ((std::unordered_set{Apple{1}, Apple{1}, Apple{2}}.size()), 2u);
}

}  // namespace
}  // namespace hf
