// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <compare>
#include <cstdint>
#include <string>
#include <string_view>

#include "base/decimal.h"
#include "base/result.h"

namespace hf {

/// An ISO 4217 currency code. Any three capital letters are taken, so that a code newer than this
/// program works, except those that name no spendable money (XAU, XDR, XTS, XXX, ..).
class Currency {
 public:
  /// Errors: invalid_argument/unknown_currency.
  [[nodiscard]] static Result<Currency> parse(std::string_view code);

  [[nodiscard]] std::string_view code() const { return {code_.data(), code_.size()}; }
  /// Digits of the minor unit: 2 for EUR, 0 for JPY, 3 for KWD; 2 where ISO 4217 says nothing else.
  [[nodiscard]] int minor_digits() const;

  friend bool operator==(const Currency&, const Currency&) = default;

 private:
  explicit Currency(std::array<char, 3> code) : code_(code) {}
  std::array<char, 3> code_;
};

/// An amount in minor units (cents) of one currency. Never a double.
struct Money {
  std::int64_t minor = 0;
  Currency currency;

  /// The exact amount: 12.5 EUR is 1250 cents. Errors: invalid_argument with reason
  /// too_many_digits (12.345 EUR: rounding is the caller's decision) or amount_too_large.
  [[nodiscard]] static Result<Money> from_decimal(const Decimal& amount, Currency currency);
  [[nodiscard]] Decimal to_decimal() const;
  /// With all minor digits, then the code: "12.50 EUR", "-300 JPY".
  [[nodiscard]] std::string to_string() const;

  friend bool operator==(const Money&, const Money&) = default;
  /// Unordered between currencies.
  friend std::partial_ordering operator<=>(const Money& a, const Money& b) {
    if (a.currency != b.currency) return std::partial_ordering::unordered;
    return a.minor <=> b.minor;
  }
};

/// Errors: invalid_argument with reason currency_mismatch or amount_too_large. A Result and no
/// operator: both can be brought about by what a customer sends.
[[nodiscard]] Result<Money> add(const Money& a, const Money& b);
[[nodiscard]] Result<Money> subtract(const Money& a, const Money& b);

}  // namespace hf
