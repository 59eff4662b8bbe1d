// SPDX-License-Identifier: Apache-2.0
#include "base/decimal.h"

#include <gtest/gtest.h>
#include <rapidcheck.h>

#include <algorithm>
#include <charconv>
#include <limits>
#include <string>
#include <vector>

#include "base/rng.h"

namespace hf {
namespace {

// The twin: a number as an integer of any length in decimal digits, 60 of them after the point.
// It reads only the grammar's small exponents, which is what the generator below writes.
constexpr int twin_fraction = 60;

struct BigNumber {
  bool negative = false;
  std::string digits;  // No leading zeros; empty is 0.
  friend bool operator==(const BigNumber&, const BigNumber&) = default;
};

BigNumber read_slowly(std::string_view text) {
  BigNumber number;
  if (text[0] == '-' || text[0] == '+') {
    number.negative = text[0] == '-';
    text.remove_prefix(1);
  }
  int exponent = 0;
  if (const std::size_t e = text.find_first_of("eE"); e != std::string_view::npos) {
    exponent = std::stoi(std::string(text.substr(e + 1)));
    text = text.substr(0, e);
  }
  int zeros_to_add = twin_fraction + exponent;
  if (const std::size_t point = text.find('.'); point != std::string_view::npos) {
    zeros_to_add -= static_cast<int>(text.size() - point - 1);
    number.digits = std::string(text.substr(0, point)) + std::string(text.substr(point + 1));
  } else {
    number.digits = text;
  }
  EXPECT_GE(zeros_to_add, 0);
  number.digits.append(static_cast<std::size_t>(zeros_to_add), '0');
  number.digits.erase(0, std::min(number.digits.find_first_not_of('0'), number.digits.size()));
  if (number.digits.empty()) number.negative = false;
  return number;
}

int compare_slowly(const BigNumber& a, const BigNumber& b) {
  if (a.negative != b.negative) return a.negative ? -1 : 1;
  const int sign = a.negative ? -1 : 1;
  if (a.digits.size() != b.digits.size()) return a.digits.size() < b.digits.size() ? -sign : sign;
  return sign * (a.digits < b.digits ? -1 : a.digits > b.digits ? 1 : 0);
}

std::string plain_slowly(const BigNumber& number) {
  std::string digits = number.digits;
  if (digits.size() <= twin_fraction) digits.insert(0, twin_fraction + 1 - digits.size(), '0');
  digits.insert(digits.size() - twin_fraction, 1, '.');
  digits.erase(digits.find_last_not_of('0') + 1);
  if (digits.back() == '.') digits.pop_back();
  return (number.negative ? "-" : "") + digits;
}

// A Decimal in the twin's words: plain, at most 9 digits after the point, and within int64 units.
bool fits_slowly(const BigNumber& number) {
  const std::string plain = plain_slowly(number);
  const std::size_t point = plain.find('.');
  if (point != std::string::npos && plain.size() - point - 1 > 9) return false;
  std::string units = plain;
  std::erase(units, '.');
  std::erase(units, '-');
  units.erase(0, std::min(units.find_first_not_of('0'), units.size()));
  const std::string max = number.negative ? "9223372036854775808" : "9223372036854775807";
  return units.size() < max.size() || (units.size() == max.size() && units <= max);
}

std::string any_digits(Rng& rng, std::int64_t count_max) {
  std::string digits;
  const bool near_the_edge = rng.chance(0.1);
  if (near_the_edge) digits = "922337203685477580" + std::to_string(rng.between(0, 9));
  for (auto n = rng.between(0, count_max); n > 0 && !near_the_edge; --n) {
    digits += static_cast<char>('0' + (rng.chance(0.4) ? 0 : rng.between(0, 9)));
  }
  return digits;
}

std::string any_number(Rng& rng) {
  const std::int64_t count_max = rng.chance(0.5) ? 3 : 22;
  std::string whole = any_digits(rng, count_max);
  std::string fraction = any_digits(rng, count_max);
  if (whole.empty() && fraction.empty()) whole = "0";
  static constexpr std::string_view signs[] = {"", "-", "+"};
  std::string text = std::string(signs[rng.between(0, 2)]) + whole;
  if (!fraction.empty() || rng.chance(0.1)) text += "." + fraction;
  if (rng.chance(0.3)) text += "e" + std::to_string(rng.between(-30, 30));
  return text;
}

// Another way to write the same number.
std::string rewritten(Rng& rng, const std::string& text) {
  std::string plain = plain_slowly(read_slowly(text));
  if (rng.chance(0.5)) plain += plain.find('.') == std::string::npos ? ".000" : "00";
  if (rng.chance(0.5)) plain.insert(plain[0] == '-' ? 1 : 0, "00");
  if (rng.chance(0.5)) plain += "e0";
  return plain;
}

TEST(Decimal, AgreesWithTheSlowTwin) {
  int decimals = 0;
  for (std::uint64_t seed = 0; seed < 50'000; ++seed) {
    SCOPED_TRACE(seed);
    Rng rng(seed);
    const std::string text = any_number(rng);
    const BigNumber twin = read_slowly(text);
    const std::optional<Decimal> decimal = parse_decimal(text);
    ASSERT_TRUE(is_number(text)) << text;
    ASSERT_EQ(decimal.has_value(), fits_slowly(twin)) << text;
    if (decimal) {
      ++decimals;
      ASSERT_EQ(decimal->to_string(), plain_slowly(twin)) << text;
      ASSERT_EQ(canonical_number(text), plain_slowly(twin)) << text;
      ASSERT_EQ(parse_decimal(rewritten(rng, text)), decimal) << text;
      ASSERT_EQ(Decimal::normalized(decimal->units, decimal->scale), *decimal);
      const std::string plain = decimal->to_string();
      double nearest = 0;
      std::from_chars(plain.data(), plain.data() + plain.size(), nearest);
      ASSERT_EQ(decimal->to_double(), nearest) << text;
    }
  }
  EXPECT_GT(decimals, 20'000);
}

TEST(Decimal, ComparesExactly) {
  for (std::uint64_t seed = 0; seed < 50'000; ++seed) {
    SCOPED_TRACE(seed);
    Rng rng(seed);
    const std::string a = any_number(rng);
    const std::string b = rng.chance(0.2) ? rewritten(rng, a) : any_number(rng);
    const int twin = compare_slowly(read_slowly(a), read_slowly(b));
    ASSERT_EQ(compare_numbers(a, b), twin <=> 0) << a << " " << b;
    ASSERT_EQ(canonical_number(a) == canonical_number(b), twin == 0) << a << " " << b;
    ASSERT_EQ(compare_numbers(canonical_number(a), b), twin <=> 0) << a << " " << b;
    const auto left = parse_decimal(a);
    const auto right = parse_decimal(b);
    if (left && right) {
      ASSERT_EQ(*left <=> *right, twin <=> 0) << a << " " << b;
      ASSERT_EQ(*left == *right, twin == 0) << a << " " << b;
    }
  }
}

TEST(Decimal, PrintsAndReadsBackEveryValue) {
  EXPECT_TRUE(rc::check([] {
    const auto units = *rc::gen::arbitrary<std::int64_t>();
    const Decimal decimal = Decimal::normalized(units, *rc::gen::inRange(0, 10));
    RC_ASSERT(parse_decimal(decimal.to_string()) == decimal);
  }));
  for (const std::int64_t units :
       {std::numeric_limits<std::int64_t>::min(), std::numeric_limits<std::int64_t>::max()}) {
    for (int scale = 0; scale <= Decimal::scale_max; ++scale) {
      const Decimal decimal = Decimal::normalized(units, scale);
      EXPECT_EQ(parse_decimal(decimal.to_string()), decimal);
    }
  }
}

TEST(Decimal, ReadsTheNotationsOfJsonAndSpreadsheets) {
  const struct {
    std::string_view text;
    std::string_view canonical;
  } cases[] = {
      {"0", "0"},
      {"-0", "0"},
      {"-0.00", "0"},
      {"0e999999999999999999999", "0"},
      {"+3", "3"},
      {"-0.50", "-0.5"},
      {".5", "0.5"},
      {"5.", "5"},
      {"-.5", "-0.5"},
      {"1e3", "1000"},
      {"1E+3", "1000"},
      {"17850.0", "17850"},
      {"15.30", "15.3"},
      {"120e-2", "1.2"},
      {"0.000000001", "0.000000001"},
      {"0.1000000000000", "0.1"},
      {"1000000000000000000e-18", "1"},
      {"9223372036854775807", "9223372036854775807"},
      {"-9223372036854775808", "-9223372036854775808"},
      {"000000000000000000000000000012", "12"},
  };
  for (const auto& [text, canonical] : cases) {
    const auto decimal = parse_decimal(text);
    ASSERT_TRUE(decimal.has_value()) << text;
    EXPECT_EQ(decimal->to_string(), canonical) << text;
    EXPECT_EQ(canonical_number(text), canonical) << text;
  }
}

TEST(Decimal, LeavesLongerNumbersToTheirText) {
  const struct {
    std::string_view text;
    std::string_view canonical;
  } cases[] = {
      {"9223372036854775808", "9223372036854775808"},
      {"-9223372036854775809", "-9223372036854775809"},
      {"0.0000000001", "0.0000000001"},
      {"0.00000000010", "0.0000000001"},
      {"1e19", "10000000000000000000"},
      {"1e39", "1000000000000000000000000000000000000000"},
      {"1e40", "1e40"},
      {"-12e39", "-1.2e40"},
      {"1e-39", "0.000000000000000000000000000000000000001"},
      {"1e-40", "1e-40"},
      {"10.5e-41", "1.05e-40"},
      {"1e400", "1e400"},
      {"1e999999999", "1e999999999"},
      {"-1e-999999999", "-1e-999999999"},
      {"1e999999999999999999999999", "1e1000000000000000000"},
      {"7e-999999999999999999999999", "7e-1000000000000000000"},
      {"1e2000000000000000009", "1e1000000000000000000"},
      {"1e1000000000000000001", "1e1000000000000000000"},
      {"1e999999999999999999", "1e999999999999999999"},
      {"10e00000000000000000000000000000000000040", "1e41"},
      {"12345678901234567890123456789012345678901",
       "1.2345678901234567890123456789012345678901e40"},
  };
  for (const auto& [text, canonical] : cases) {
    EXPECT_EQ(parse_decimal(text), std::nullopt) << text;
    EXPECT_EQ(canonical_number(text), canonical) << text;
    EXPECT_EQ(canonical_number(canonical), canonical) << text;
    EXPECT_EQ(compare_numbers(text, canonical), std::strong_ordering::equal) << text;
  }
}

TEST(Decimal, RefusesWhatIsNoNumber) {
  for (const std::string_view text : {"",    "-",   "+",     ".",     "-.",
                                      "e5",  "1e",  "1e+",   "1e5.0", "1 ",
                                      " 1",  "1,5", "--1",   "1.2.3", "0x1",
                                      "nan", "inf", "1_000", "1a",    "123456789012345678901x",
                                      "१"}) {
    EXPECT_EQ(parse_decimal(text), std::nullopt) << text;
    EXPECT_FALSE(is_number(text)) << text;
  }
}

TEST(DecimalSum, LosesNothingAndMerges) {
  for (std::uint64_t seed = 0; seed < 500; ++seed) {
    SCOPED_TRACE(seed);
    Rng rng(seed);
    DecimalSum all;
    DecimalSum parts[3];
    std::vector<Decimal> values;
    for (auto n = rng.between(0, 30); n > 0; --n) {
      const auto units = static_cast<std::int64_t>(rng.next()) >> rng.between(0, 63);
      values.push_back(Decimal::normalized(units, static_cast<int>(rng.between(0, 9))));
    }
    for (const Decimal value : values) {
      all.add(value);
      parts[rng.between(0, 2)].add(value);
    }
    parts[0].add(parts[1]);
    parts[0].add(parts[2]);
    ASSERT_EQ(parts[0], all);
    for (const Decimal value : values) {  // Taking all away again leaves nothing.
      if (value.units == std::numeric_limits<std::int64_t>::min()) continue;
      all.add(Decimal{.units = -value.units, .scale = value.scale});
    }
    ASSERT_TRUE(all.is_zero());
  }
}

TEST(DecimalSum, PrintsTotalsBeyondSixtyFourBits) {
  DecimalSum sum;
  const Decimal largest{.units = std::numeric_limits<std::int64_t>::max(), .scale = 0};
  for (int i = 0; i < 10; ++i) sum.add(largest);
  sum.add(*parse_decimal("0.1"));
  EXPECT_EQ(sum.to_string(), "92233720368547758070.1");
  EXPECT_EQ(sum.to_double(), 92233720368547758070.1);
  DecimalSum tenths;
  for (int i = 0; i < 3; ++i) tenths.add(*parse_decimal("-0.1"));
  EXPECT_EQ(tenths.to_string(), "-0.3");
  EXPECT_EQ(tenths.to_double(), -0.3);
}

DecimalSum sum_of(std::string_view text, int times = 1) {
  DecimalSum sum;
  for (int i = 0; i < times; ++i) sum.add(*parse_decimal(text));
  return sum;
}

TEST(DecimalSum, ComparesQuotientsExactly) {
  const struct {
    DecimalSum part, whole;
    std::string_view ratio;
    int expected;
  } cases[] = {
      {sum_of("0.1", 3), sum_of("1"), "0.3", 0},
      {sum_of("1"), sum_of("3"), "0.333333333", 1},
      {sum_of("1"), sum_of("3"), "0.333333334", -1},
      {sum_of("0"), sum_of("5"), "0", 0},
      {sum_of("-1"), sum_of("5"), "0", -1},
      {sum_of("-1"), sum_of("-2"), "0.5", 0},  // What is divided by turns the order.
      {sum_of("-1"), sum_of("-2"), "0.4", 1},
      {sum_of("1"), sum_of("-2"), "0", -1},
      {sum_of("9223372036854775807", 10), sum_of("9223372036854775807"), "10", 0},
      {sum_of("9223372036854775807", 10), sum_of("1"), "9223372036854775807", 1},
      {sum_of("9223372036854775807"), sum_of("9223372036854775807", 99), "9223372036854775807", -1},
      {sum_of("-9223372036854775807", 99), sum_of("0.000000001"), "9223372036854775807", -1},
  };
  for (const auto& c : cases) {
    const auto order = compare_quotient(c.part, c.whole, *parse_decimal(c.ratio));
    EXPECT_EQ(order < 0   ? -1
              : order > 0 ? 1
                          : 0,
              c.expected)
        << c.part.to_string() << " / " << c.whole.to_string() << " : " << c.ratio;
  }
}

// Small enough for 128 bits: units of the part times units of 1 against whole times ratio.
TEST(DecimalSum, ComparesQuotientsAsProductsOfWholeNumbers) {
  __extension__ typedef __int128 Int128;
  for (std::uint64_t seed = 0; seed < 5'000; ++seed) {
    SCOPED_TRACE(seed);
    Rng rng(seed);
    const auto any = [&](std::int64_t most) { return rng.between(-most, most); };
    const bool wide = rng.chance(0.5);
    const std::int64_t part = any(wide ? 1'000'000'000'000 : 9);
    const std::int64_t whole = any(wide ? 1'000'000'000'000 : 9);
    const std::int64_t ratio = rng.between(0, wide ? 1'000'000'000 : 9);
    const int scale = static_cast<int>(rng.below(3));
    if (whole == 0) continue;
    DecimalSum parts;
    DecimalSum wholes;
    parts.add({part, 0});
    wholes.add({whole, 0});
    const Int128 left = Int128{part} * (scale == 0 ? 1 : scale == 1 ? 10 : 100);
    const Int128 right = Int128{whole} * ratio;
    const auto order = compare_quotient(parts, wholes, Decimal::normalized(ratio, scale));
    EXPECT_EQ(order == 0, left == right);
    EXPECT_EQ(order<0, whole> 0 ? left < right : left > right);
  }
}

}  // namespace
}  // namespace hf
