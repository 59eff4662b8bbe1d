// SPDX-License-Identifier: Apache-2.0
#include "predicate/nearest_name.h"

#include <gtest/gtest.h>

#include <array>
#include <string>

namespace hf {
namespace {

TEST(NearestName, IsTheOneWithTheFewestSlips) {
  constexpr std::array<std::string_view, 5> known = {"property", "op", "value", "any", "all"};
  const struct {
    std::string_view name, nearest;
  } cases[] = {
      {"propertie", "property"}, {"po", "op"}, {"vaule", "value"},       {"any", "any"},
      {"alll", "all"},           {"", "op"},   {"operator", "property"},
  };
  for (const auto& c : cases) EXPECT_EQ(nearest_name(c.name, known), c.nearest) << c.name;
}

TEST(NearestName, ComparesOnlyTheBeginOfAHugeName) {
  constexpr std::array<std::string_view, 2> known = {"a", "b"};
  EXPECT_EQ(nearest_name(std::string(1 << 20, 'b'), known), "b");
}

TEST(NearMiss, IsNoneWhereNothingIsNear) {
  constexpr std::array<std::string_view, 3> known = {"retention", "sql", "person"};
  EXPECT_EQ(near_miss("retenton", known), "retention");
  EXPECT_EQ(near_miss("rtention s", known), "retention");
  EXPECT_EQ(near_miss("sq", known), "sql");
  EXPECT_EQ(near_miss("abc", known), std::nullopt);
  EXPECT_EQ(near_miss("nonsense", known), std::nullopt);
  EXPECT_EQ(near_miss("sql", {}), std::nullopt);
}

}  // namespace
}  // namespace hf
