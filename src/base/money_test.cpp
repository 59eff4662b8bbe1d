// SPDX-License-Identifier: Apache-2.0
#include "base/money.h"

#include <gtest/gtest.h>
#include <rapidcheck.h>

#include <limits>

namespace hf {
namespace {

Currency currency(std::string_view code) { return Currency::parse(code).value(); }

TEST(Currency, KnowsMinorDigits) {
  const struct {
    std::string_view code;
    int digits;
  } cases[] = {{"EUR", 2}, {"CNY", 2}, {"JPY", 0}, {"KRW", 0}, {"KWD", 3}, {"TND", 3},
               {"CLF", 4}, {"UYW", 4}, {"BHD", 3}, {"XPF", 0}, {"ZWG", 2}};
  for (const auto& [code, digits] : cases) EXPECT_EQ(currency(code).minor_digits(), digits) << code;
}

TEST(Currency, RefusesWhatNobodyPaysWith) {
  for (const std::string_view code : {"", "EU", "EURO", "eur", "E R", "XAU", "XXX", "XTS"}) {
    const auto parsed = Currency::parse(code);
    ASSERT_FALSE(parsed) << code;
    EXPECT_EQ(parsed.error().reason, "unknown_currency");
  }
}

TEST(Money, TakesExactDecimalsOnly) {
  const auto minor = [](std::string_view amount, std::string_view code) {
    return Money::from_decimal(parse_decimal(amount).value(), currency(code));
  };
  EXPECT_EQ(minor("12.5", "EUR")->minor, 1250);
  EXPECT_EQ(minor("-0.01", "EUR")->minor, -1);
  EXPECT_EQ(minor("300", "JPY")->minor, 300);
  EXPECT_EQ(minor("0.005", "KWD")->minor, 5);
  EXPECT_EQ(minor("12.345", "EUR").error().reason, "too_many_digits");
  EXPECT_EQ(minor("0.5", "JPY").error().reason, "too_many_digits");
  EXPECT_EQ(minor("92233720368547758.07", "EUR")->minor, std::numeric_limits<std::int64_t>::max());
  EXPECT_EQ(minor("92233720368547759", "EUR").error().reason, "amount_too_large");
}

TEST(Money, PrintsAllMinorDigits) {
  EXPECT_EQ((Money{1250, currency("EUR")}.to_string()), "12.50 EUR");
  EXPECT_EQ((Money{-5, currency("EUR")}.to_string()), "-0.05 EUR");
  EXPECT_EQ((Money{-300, currency("JPY")}.to_string()), "-300 JPY");
  EXPECT_EQ((Money{1, currency("CLF")}.to_string()), "0.0001 CLF");
  EXPECT_EQ((Money{std::numeric_limits<std::int64_t>::min(), currency("EUR")}.to_string()),
            "-92233720368547758.08 EUR");
  EXPECT_TRUE(rc::check([](std::int64_t minor) {
    for (const std::string_view code : {"EUR", "JPY", "KWD", "CLF"}) {
      const Money money{minor, currency(code)};
      RC_ASSERT(Money::from_decimal(money.to_decimal(), money.currency).value() == money);
      const std::string text = money.to_string();
      RC_ASSERT(parse_decimal(text.substr(0, text.size() - 4)) == money.to_decimal());
    }
  }));
}

TEST(Money, DoesNotMixCurrencies) {
  const Money euro{100, currency("EUR")};
  const Money yen{100, currency("JPY")};
  EXPECT_EQ(add(euro, euro)->minor, 200);
  EXPECT_EQ(subtract(euro, euro)->minor, 0);
  EXPECT_EQ(add(euro, yen).error().reason, "currency_mismatch");
  EXPECT_EQ(subtract(euro, yen).error().reason, "currency_mismatch");
  EXPECT_NE(euro, yen);
  EXPECT_FALSE(euro < yen || yen < euro);
  EXPECT_LT((Money{99, currency("EUR")}), euro);
  const Money largest{std::numeric_limits<std::int64_t>::max(), currency("EUR")};
  EXPECT_EQ(add(largest, euro).error().reason, "amount_too_large");
}

}  // namespace
}  // namespace hf
