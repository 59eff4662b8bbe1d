// SPDX-License-Identifier: Apache-2.0
#include "metric/formula.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <cmath>
#include <string>
#include <utility>
#include <vector>

#include "base/rng.h"

namespace hf::test {
namespace {

using Operands = std::vector<std::optional<double>>;

std::optional<double> value_of(std::string_view text, const Operands& operands) {
  const auto formula = Formula::parse(text, operands.size());
  EXPECT_TRUE(formula) << text << " " << formula.error().message;
  return formula->evaluate(operands);
}

TEST(Formula, BindsAsArithmeticDoes) {
  const Operands abc{12, 3, 2};
  EXPECT_EQ(value_of("A/B", abc), 4);
  EXPECT_EQ(value_of("A-B-C", abc), 7);  // Not A - (B - C).
  EXPECT_EQ(value_of("A/B/C", abc), 2);  // Not A / (B / C).
  EXPECT_EQ(value_of("A - B * C", abc), 6);
  EXPECT_EQ(value_of("(A-B)*C", abc), 18);
  EXPECT_EQ(value_of(" -A + 0.5*B ", abc), -10.5);
  EXPECT_EQ(value_of("A*-(B--C)", abc), -60);
  EXPECT_EQ(value_of("100", abc), 100);
}

TEST(Formula, IsNothingWhereAnOperandIsNothingOrZeroDivides) {
  EXPECT_EQ(value_of("A/B", {1, 0}), std::nullopt);
  EXPECT_EQ(value_of("A/(B-B)", {1, 5}), std::nullopt);
  EXPECT_EQ(value_of("0/B", {1, 0}), std::nullopt);
  EXPECT_EQ(value_of("A+B", {1, std::nullopt}), std::nullopt);
  EXPECT_EQ(value_of("A*0", {std::nullopt, 1}), std::nullopt);
  EXPECT_EQ(value_of("A", {1, std::nullopt}), 1);  // What it does not name is no operand.
  EXPECT_EQ(value_of("A*A", {1e200, 1}), std::nullopt);
  EXPECT_FALSE(std::signbit(*value_of("A*-1", {0, 1})));
}

TEST(Formula, IsRefusedAtItsColumn) {
  struct Refusal {
    std::string text;
    const char* place;
  };
  const Refusal refusals[] = {
      {"", "column: 1"},
      {"A+", "column: 3"},
      {"A B", "column: 3"},
      {"A+C", "column: 3"},
      {"(A", "column: 3"},
      {"A)", "column: 2"},
      {"a", "column: 1"},
      {"1.", "column: 3"},
      {".5", "column: 1"},
      {"A//B", "column: 3"},
      {"A\xc3\x97"
       "B",
       "column: 2"},
      {"1e5", "column: 2"},
      {"A+*B", "column: 3"},
      {std::string("A\0", 2), "column: 2"},
      {"()", "column: 2"},
      {std::string(400, '9'), "column: 1"},
      {std::string(51, '(') + "A" + std::string(51, ')'), "column: 51"},
      {std::string(51, '-') + "A", "column: 51"},
  };
  for (const Refusal& refusal : refusals) {
    const auto formula = Formula::parse(refusal.text, 2);
    ASSERT_FALSE(formula) << refusal.text;
    EXPECT_EQ(formula.error().reason, "invalid_formula");
    EXPECT_EQ(formula.error().pointer, "/formula");
    EXPECT_TRUE(formula.error().message.ends_with(refusal.place))
        << refusal.text << ": " << formula.error().message;
  }
}

TEST(Formula, MayBeAsLongAndAsDeepAsItsLimits) {
  EXPECT_TRUE(Formula::parse(std::string(50, '(') + "A" + std::string(50, ')'), 1));
  std::string text = "A";
  while (text.size() + 2 <= Formula::length_max) text += "+A";
  text.resize(Formula::length_max, ' ');
  EXPECT_TRUE(Formula::parse(text, 1));
  EXPECT_FALSE(Formula::parse(text + " ", 1));
}

// A random formula with its value as it was put together, the text with spaces and parentheses that
// say no more than the tree does. `binds` is 0 of a sum, 1 of a product, 2 of an operand.
struct Grown {
  std::string text;
  std::optional<double> value;
  int binds;
};

Grown grow(Rng& rng, const Operands& operands, int depth) {
  const auto space = [&] { return std::string(rng.below(2), ' '); };
  if (depth == 0 || rng.chance(0.2)) {
    if (rng.chance(0.3)) return {space() + "2.25", 2.25, 2};
    const std::size_t i = rng.below(operands.size());
    return {space() + static_cast<char>('A' + i), operands[i], 2};
  }
  const auto inside = [&](const Grown& grown, int needed) {
    if (grown.binds >= needed && rng.chance(0.8)) return grown.text;
    return space() + "(" + grown.text + space() + ")";
  };
  const Grown left = grow(rng, operands, depth - 1);
  if (rng.chance(0.15)) {
    const auto value = left.value ? std::optional(-*left.value) : std::nullopt;
    return {space() + "-" + inside(left, 2), value, 2};
  }
  const Grown right = grow(rng, operands, depth - 1);
  const char op = "+-*/"[rng.below(4)];
  const int binds = op == '+' || op == '-' ? 0 : 1;
  Grown both{inside(left, binds) + space() + op + inside(right, binds + 1), std::nullopt, binds};
  if (!left.value || !right.value || (op == '/' && *right.value == 0)) return both;
  both.value = op == '+'   ? *left.value + *right.value
               : op == '-' ? *left.value - *right.value
               : op == '*' ? *left.value * *right.value
                           : *left.value / *right.value;
  return both;
}

TEST(Formula, AgreesWithTheTreeItWasWrittenFrom) {
  int numbers = 0;
  for (std::uint64_t seed = 0; seed < 20'000; ++seed) {
    Rng rng(seed);
    Operands operands;
    for (int i = 0; i < 4; ++i) {
      operands.push_back(static_cast<double>(rng.between(-3, 3)) / 2);
      if (rng.chance(0.1)) operands.back().reset();
    }
    const Grown grown = grow(rng, operands, static_cast<int>(rng.below(6)));
    if (grown.text.size() > Formula::length_max) continue;
    ASSERT_EQ(value_of(grown.text, operands), grown.value) << grown.text << " seed " << seed;
    numbers += grown.value ? 1 : 0;
  }
  EXPECT_GT(numbers, 10'000);
}

}  // namespace
}  // namespace hf::test
