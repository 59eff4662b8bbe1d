// SPDX-License-Identifier: Apache-2.0
#include "predicate/number_set.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <limits>

#include "base/rng.h"
#include "predicate/condition.h"

namespace hf {
namespace {

constexpr std::int64_t int64_min = std::numeric_limits<std::int64_t>::min();
constexpr std::int64_t int64_max = std::numeric_limits<std::int64_t>::max();

Decimal any_decimal(Rng& rng) {
  const int scale = static_cast<int>(rng.below(Decimal::scale_max + 1));
  if (rng.chance(0.1)) return Decimal::normalized(rng.between(int64_min, int64_max), scale);
  if (rng.chance(0.1)) return Decimal::normalized(rng.chance(0.5) ? int64_min : int64_max, scale);
  return Decimal::normalized(rng.between(-30, 30), static_cast<int>(rng.below(3)));
}

Scalar any_scalar(Rng& rng) {
  constexpr std::string_view big[] = {
      "9223372036854775808", "-9223372036854775809", "1e40", "-1e40", "0.0000000001",
      "-0.0000000001",       "2.00000000000001"};
  if (rng.chance(0.2)) return scalar_of_number(big[rng.below(std::size(big))]);
  return {.kind = ValueKind::number, .number = any_decimal(rng)};
}

Predicate any_condition(Rng& rng) {
  constexpr Op ops[] = {Op::eq,  Op::ne,      Op::lt, Op::lte,   Op::gt,
                        Op::gte, Op::between, Op::in, Op::not_in};
  Predicate condition;
  condition.kind = Predicate::Kind::property;
  condition.op = ops[rng.below(std::size(ops))];
  const bool is_list = condition.op == Op::in || condition.op == Op::not_in;
  const std::size_t count = condition.op == Op::between ? 2 : is_list ? 1 + rng.below(8) : 1;
  for (std::size_t i = 0; i < count; ++i) {
    condition.values.push_back(any_scalar(rng));
    if ((is_list || condition.op == Op::eq) && rng.chance(0.2)) {
      const Scalar as_text = {.text = canonical_text(condition.values.back().view()) +
                                      (rng.chance(0.3) ? ".0" : "")};
      condition.values.back() = as_text;
    }
  }
  return condition;
}

// Mostly numbers beside the values asked about, where a wrong rounding shows.
std::int64_t any_units(Rng& rng, const Predicate& condition, int scale) {
  if (rng.chance(0.1)) return rng.chance(0.5) ? int64_min : int64_max;
  const Scalar& value = condition.values[rng.below(condition.values.size())];
  double near = value.kind == ValueKind::number ? value.number.to_double() : 2;
  for (int s = 0; s < scale; ++s) near *= 10;
  if (near > 9e18 || near < -9e18) return rng.between(int64_min, int64_max);
  return static_cast<std::int64_t>(near) + rng.between(-2, 2);
}

TEST(NumberSet, AgreesWithComparingDecimalByDecimal) {
  for (std::uint64_t seed = 0; seed < 4'000; ++seed) {
    SCOPED_TRACE(seed);
    Rng rng(seed);
    const Predicate predicate = any_condition(rng);
    const Condition condition(predicate);
    const auto set = NumberSet::of(predicate);
    ASSERT_TRUE(set);
    for (int scale = 0; scale <= Decimal::scale_max; ++scale) {
      std::vector<std::int64_t> units(rng.chance(0.8) ? 64 : rng.below(65));
      for (std::int64_t& u : units) u = any_units(rng, predicate, scale);
      std::uint64_t expected = 0;
      std::vector<Decimal> numbers;
      for (std::size_t i = 0; i < units.size(); ++i) {
        numbers.push_back(Decimal::normalized(units[i], scale));
        const bool holds =
            condition.holds_positively({.kind = ValueKind::number, .number = numbers.back()});
        ASSERT_EQ(set->contains(units[i], scale), holds) << numbers.back().to_string();
        expected |= std::uint64_t{holds} << i;
      }
      ASSERT_EQ(set->rows(units, scale), expected) << "scale " << scale;
      if (expected != 0) {
        const auto [smallest, largest] = std::ranges::minmax(numbers);
        ASSERT_TRUE(set->meets(smallest, largest));
      }
    }
  }
}

TEST(NumberSet, DoesNotMeetARangeBesideIt) {
  const auto set_of = [](Op op, std::vector<std::string_view> values) {
    Predicate condition;
    condition.kind = Predicate::Kind::property;
    condition.op = op;
    for (const auto value : values) condition.values.push_back(scalar_of_number(value));
    return *NumberSet::of(condition);
  };
  const Decimal one{1, 0}, two{2, 0};
  const struct {
    std::string_view name;
    NumberSet set;
    bool meets;
  } cases[] = {
      {"lt 1", set_of(Op::lt, {"1"}), false},
      {"lte 1", set_of(Op::lte, {"1"}), true},
      {"gt 2", set_of(Op::gt, {"2"}), false},
      {"gte 2", set_of(Op::gte, {"2"}), true},
      {"gt 1.9999999999", set_of(Op::gt, {"1.9999999999"}), true},
      {"between 2.1 and 3", set_of(Op::between, {"2.1", "3"}), false},
      {"between 0 and 1", set_of(Op::between, {"0", "1"}), true},
      {"eq 1.5", set_of(Op::eq, {"1.5"}), true},
      {"eq 3", set_of(Op::eq, {"3"}), false},
      {"gt 1e40", set_of(Op::gt, {"1e40"}), false},
      {"lt 1e40", set_of(Op::lt, {"1e40"}), true},
  };
  for (const auto& c : cases) EXPECT_EQ(c.set.meets(one, two), c.meets) << c.name;
  // A bound no number of that scale can have says nothing about the other bound.
  EXPECT_TRUE(set_of(Op::lt, {"-10000000000"}).meets({-20'000'000'000, 0}, {1, 9}));
}

TEST(NumberSet, IsNothingWhereTheTextOfTheNumberDecides) {
  Predicate condition;
  condition.kind = Predicate::Kind::property;
  condition.values = {{.text = "1"}};
  for (const Op op : {Op::contains, Op::starts_with, Op::ends_with, Op::lt, Op::gte}) {
    condition.op = op;
    EXPECT_FALSE(NumberSet::of(condition));
  }
}

}  // namespace
}  // namespace hf
