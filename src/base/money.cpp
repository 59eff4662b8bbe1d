// SPDX-License-Identifier: Apache-2.0
#include "base/money.h"

#include <fmt/format.h>

#include <algorithm>

namespace hf {
namespace {

struct MinorDigits {
  std::string_view code;
  int digits;
};

// ISO 4217 list one, amendment 176: all active codes whose minor unit is not 2. Sorted by code.
constexpr MinorDigits minor_digits_table[] = {
    {"BHD", 3}, {"BIF", 0}, {"CLF", 4}, {"CLP", 0}, {"DJF", 0}, {"GNF", 0}, {"IQD", 3},
    {"ISK", 0}, {"JOD", 3}, {"JPY", 0}, {"KMF", 0}, {"KRW", 0}, {"KWD", 3}, {"LYD", 3},
    {"OMR", 3}, {"PYG", 0}, {"RWF", 0}, {"TND", 3}, {"UGX", 0}, {"UYI", 0}, {"UYW", 4},
    {"VND", 0}, {"VUV", 0}, {"XAF", 0}, {"XOF", 0}, {"XPF", 0},
};

// Metals, bond market units, units of account, the test code and "no currency": they have no minor
// unit at all. Sorted.
constexpr std::string_view not_money[] = {"XAG", "XAU", "XBA", "XBB", "XBC", "XBD", "XDR",
                                          "XPD", "XPT", "XSU", "XTS", "XUA", "XXX"};

static_assert(std::ranges::is_sorted(minor_digits_table, {}, &MinorDigits::code));
static_assert(std::ranges::is_sorted(not_money));

std::int64_t power_of_ten(int exponent) {
  std::int64_t power = 1;
  for (; exponent > 0; --exponent) power *= 10;
  return power;
}

Result<void> check_same_currency(const Money& a, const Money& b) {
  if (a.currency == b.currency) return {};
  return fail(ErrorCode::invalid_argument, "currency_mismatch",
              fmt::format("amounts in different currencies: {} and {}", a.currency.code(),
                          b.currency.code()));
}

std::unexpected<Error> too_large(Currency currency) {
  return fail(ErrorCode::invalid_argument, "amount_too_large",
              fmt::format("amount beyond 64 bits of minor units: {}", currency.code()));
}

}  // namespace

Result<Currency> Currency::parse(std::string_view code) {
  const bool letters =
      code.size() == 3 && std::ranges::all_of(code, [](char c) { return c >= 'A' && c <= 'Z'; });
  if (!letters || std::ranges::binary_search(not_money, code)) {
    return fail(ErrorCode::invalid_argument, "unknown_currency",
                fmt::format("not an ISO 4217 currency code: {}", code));
  }
  return Currency({code[0], code[1], code[2]});
}

int Currency::minor_digits() const {
  const auto entry = std::ranges::lower_bound(minor_digits_table, code(), {}, &MinorDigits::code);
  return entry != std::end(minor_digits_table) && entry->code == code() ? entry->digits : 2;
}

Result<Money> Money::from_decimal(const Decimal& amount, Currency currency) {
  const int digits = currency.minor_digits();
  if (amount.scale > digits) {
    return fail(ErrorCode::invalid_argument, "too_many_digits",
                fmt::format("more than {} digits after the point of an amount: {} {}", digits,
                            amount.to_string(), currency.code()));
  }
  std::int64_t minor = 0;
  if (__builtin_mul_overflow(amount.units, power_of_ten(digits - amount.scale), &minor)) {
    return too_large(currency);
  }
  return Money{.minor = minor, .currency = currency};
}

Decimal Money::to_decimal() const { return Decimal::normalized(minor, currency.minor_digits()); }

std::string Money::to_string() const {
  const int digits = currency.minor_digits();
  const auto bits = static_cast<std::uint64_t>(minor);
  const std::uint64_t magnitude = minor < 0 ? 0 - bits : bits;
  const auto unit = static_cast<std::uint64_t>(power_of_ten(digits));
  const std::string_view sign = minor < 0 ? "-" : "";
  if (digits == 0) return fmt::format("{}{} {}", sign, magnitude, currency.code());
  return fmt::format("{}{}.{:0{}} {}", sign, magnitude / unit, magnitude % unit, digits,
                     currency.code());
}

Result<Money> add(const Money& a, const Money& b) {
  HF_CHECK(check_same_currency(a, b));
  Money sum = a;
  if (__builtin_add_overflow(a.minor, b.minor, &sum.minor)) return too_large(a.currency);
  return sum;
}

Result<Money> subtract(const Money& a, const Money& b) {
  HF_CHECK(check_same_currency(a, b));
  Money difference = a;
  if (__builtin_sub_overflow(a.minor, b.minor, &difference.minor)) return too_large(a.currency);
  return difference;
}

}  // namespace hf
