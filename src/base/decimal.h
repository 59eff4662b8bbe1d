// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <compare>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"

namespace hf {

/// An exact decimal number, units x 10^-scale, in canonical form: the scale is the smallest that
/// holds the value, so equal values have equal representations (17850.0 is 17850).
/// What does not fit is a BigNumber text (see canonical_number).
struct Decimal {
  static constexpr int scale_max = 9;

  std::int64_t units = 0;
  std::int8_t scale = 0;  // 0..scale_max; units % 10 != 0 where scale > 0.

  /// Strips trailing zeros: {150, 1} becomes {15, 0}.
  [[nodiscard]] static Decimal normalized(std::int64_t units, int scale);

  [[nodiscard]] double to_double() const;
  /// Plain notation, no exponent, no trailing zeros: "-0.05", "17850". This is the canonical text.
  [[nodiscard]] std::string to_string() const;

  friend bool operator==(const Decimal&, const Decimal&) = default;
  friend std::strong_ordering operator<=>(const Decimal& a, const Decimal& b);  // Exact.
};

/// Parses an optional sign, digits, an optional fraction and an optional exponent, as JSON and
/// spreadsheets write numbers ("-0.50", "+3", "1e3", ".5", "5."). Nothing when the text is no
/// number, or one that is not int64 x 10^-s with s up to 9 after normalising.
[[nodiscard]] std::optional<Decimal> parse_decimal(std::string_view text);

/// True when the text is a number as parse_decimal() reads it, of any size.
[[nodiscard]] bool is_number(std::string_view text);

/// The canonical text of a number of any size: plain notation while it has at most 40 digits
/// (leading and trailing zeros of the notation included), else d.ddde[-]x with no trailing zeros.
/// Equal numbers have equal canonical texts. Requires is_number(text).
[[nodiscard]] std::string canonical_number(std::string_view text);

/// Compares two numbers of any size exactly, digit by digit. Requires is_number() of both. As in
/// canonical_number(), a power of ten beyond +-10^18 counts as +-10^18, so that no exponent costs
/// memory or overflows.
[[nodiscard]] std::strong_ordering compare_numbers(std::string_view a, std::string_view b);

/// Adds decimals without loss: 128-bit units per scale. Mergeable.
class DecimalSum {
 public:
  void add(Decimal value);
  void add(const DecimalSum& other);
  [[nodiscard]] std::string to_string() const;
  [[nodiscard]] double to_double() const;
  [[nodiscard]] bool is_zero() const { return units_ == 0; }
  friend bool operator==(const DecimalSum&, const DecimalSum&) = default;
  /// Orders part / whole against `ratio`, exactly. Requires a whole that is not 0, a ratio that is
  /// not negative.
  friend std::strong_ordering compare_quotient(const DecimalSum& part, const DecimalSum& whole,
                                               Decimal ratio);

 private:
  __extension__ typedef __int128 Int128;
  Int128 units_ = 0;  // x 10^-Decimal::scale_max
};

}  // namespace hf
