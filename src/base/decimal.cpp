// SPDX-License-Identifier: Apache-2.0
//
// Numbers are kept as written until they prove to be a Decimal. What is longer is handled on its
// text: sign, significant digits (no zero at either end) and the power of ten of the first one,
// so comparing costs one pass and 1e999999999 costs no memory.
#include "base/decimal.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <limits>

#include "base/assert.h"

namespace hf {
namespace {

__extension__ typedef __int128 Int128;
__extension__ typedef unsigned __int128 Uint128;

constexpr std::array<std::int64_t, 19> powers_of_ten = [] {
  std::array<std::int64_t, 19> powers = {1};
  for (std::size_t i = 1; i < powers.size(); ++i) powers[i] = powers[i - 1] * 10;
  return powers;
}();

// A written exponent stops growing here and the resulting one is clamped to half of it: far
// enough from the ends of int64 that adding the length of any text cannot overflow.
constexpr std::int64_t written_exponent_max = 2'000'000'000'000'000'000;
constexpr std::int64_t exponent_max = 1'000'000'000'000'000'000;

constexpr std::int64_t plain_digits_max = 40;

bool is_digit(char c) { return static_cast<unsigned char>(c - '0') < 10; }

// A number taken apart. The value is 0 or d.ddd x 10^exponent, d.ddd being the significant digits.
struct Scanned {
  bool negative = false;
  std::string_view whole;     // Digits before the point; significant ones only.
  std::string_view fraction;  // Digits after it; significant ones only.
  std::int64_t exponent = 0;  // Power of ten of the first significant digit.

  [[nodiscard]] bool is_zero() const { return whole.empty() && fraction.empty(); }
  [[nodiscard]] std::int64_t digit_count() const {
    return static_cast<std::int64_t>(whole.size() + fraction.size());
  }
  [[nodiscard]] char digit(std::int64_t i) const {
    const auto index = static_cast<std::size_t>(i);
    return index < whole.size() ? whole[index] : fraction[index - whole.size()];
  }
};

std::string_view take_digits(std::string_view& text) {
  std::size_t n = 0;
  while (n < text.size() && is_digit(text[n])) ++n;
  const std::string_view digits = text.substr(0, n);
  text.remove_prefix(n);
  return digits;
}

std::optional<Scanned> scan(std::string_view text) {
  Scanned number;
  if (!text.empty() && (text[0] == '-' || text[0] == '+')) {
    number.negative = text[0] == '-';
    text.remove_prefix(1);
  }
  number.whole = take_digits(text);
  const bool point = !text.empty() && text[0] == '.';
  if (point) {
    text.remove_prefix(1);
    number.fraction = take_digits(text);
  }
  if (number.is_zero()) return std::nullopt;  // No digit at all.

  std::int64_t written_exponent = 0;
  if (!text.empty() && (text[0] == 'e' || text[0] == 'E')) {
    text.remove_prefix(1);
    bool negative = false;
    if (!text.empty() && (text[0] == '-' || text[0] == '+')) {
      negative = text[0] == '-';
      text.remove_prefix(1);
    }
    const std::string_view digits = take_digits(text);
    if (digits.empty()) return std::nullopt;
    for (const char c : digits) {
      if (written_exponent > written_exponent_max / 10) {
        written_exponent = written_exponent_max;
        break;
      }
      written_exponent = written_exponent * 10 + (c - '0');
    }
    if (negative) written_exponent = -written_exponent;
  }
  if (!text.empty()) return std::nullopt;

  number.whole.remove_prefix(std::min(number.whole.find_first_not_of('0'), number.whole.size()));
  number.fraction = number.fraction.substr(0, number.fraction.find_last_not_of('0') + 1);
  number.exponent = written_exponent + static_cast<std::int64_t>(number.whole.size()) - 1;
  if (number.whole.empty()) {
    const std::size_t zeros =
        std::min(number.fraction.find_first_not_of('0'), number.fraction.size());
    number.fraction.remove_prefix(zeros);
    number.exponent -= static_cast<std::int64_t>(zeros);
  } else if (number.fraction.empty()) {
    number.whole = number.whole.substr(0, number.whole.find_last_not_of('0') + 1);
  }
  number.exponent = std::clamp(number.exponent, -exponent_max, exponent_max);
  if (number.is_zero()) return Scanned{};  // -0 is 0, and so is 0e5.
  return number;
}

std::optional<Decimal> to_decimal(const Scanned& number) {
  if (number.is_zero()) return Decimal{};
  const std::int64_t count = number.digit_count();
  if (number.exponent > 18 || count > 19) return std::nullopt;
  const std::int64_t last_exponent = number.exponent - count + 1;  // Of the last digit.
  if (last_exponent < -Decimal::scale_max) return std::nullopt;

  std::uint64_t units = 0;  // At most 19 digits are added: below 2^64.
  for (std::int64_t i = 0; i < count; ++i) {
    units = units * 10 + static_cast<std::uint64_t>(number.digit(i) - '0');
  }
  for (std::int64_t i = 0; i < last_exponent; ++i) units *= 10;
  const auto positive_max = static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max());
  if (units > positive_max + (number.negative ? 1 : 0)) return std::nullopt;
  return Decimal{.units = static_cast<std::int64_t>(number.negative ? 0 - units : units),
                 .scale = static_cast<std::int8_t>(last_exponent < 0 ? -last_exponent : 0)};
}

// Writes units x 10^-scale without trailing zeros of the fraction.
std::string plain_notation(bool negative, Uint128 units, int scale) {
  for (; scale > 0 && units % 10 == 0; --scale) units /= 10;
  std::array<char, 48> buffer;
  char* const end = buffer.data() + buffer.size();
  char* begin = end;
  for (int written = 0; units != 0 || written <= scale; ++written) {
    if (written == scale && scale > 0) *--begin = '.';
    *--begin = static_cast<char>('0' + static_cast<int>(units % 10));
    units /= 10;
  }
  if (negative) *--begin = '-';
  return {begin, end};
}

double nearest_double(const std::string& text) {
  double value = 0;
  std::from_chars(text.data(), text.data() + text.size(), value);
  return value;
}

// Dividing rounds only once, and so correctly, while both operands are exact doubles.
constexpr std::int64_t exact_double_max = std::int64_t{1} << 53;

}  // namespace

Decimal Decimal::normalized(std::int64_t units, int scale) {
  HF_ASSERT(scale >= 0);
  for (; scale > 0 && units % 10 == 0; --scale) units /= 10;
  HF_ASSERT(scale <= scale_max);
  return {.units = units, .scale = static_cast<std::int8_t>(scale)};
}

double Decimal::to_double() const {
  if (units >= -exact_double_max && units <= exact_double_max) {
    return static_cast<double>(units) / static_cast<double>(powers_of_ten[scale]);
  }
  return nearest_double(to_string());
}

std::string Decimal::to_string() const {
  const auto magnitude = static_cast<std::uint64_t>(units);
  return plain_notation(units < 0, units < 0 ? 0 - magnitude : magnitude, scale);
}

std::strong_ordering operator<=>(const Decimal& a, const Decimal& b) {
  if (a.scale == b.scale) return a.units <=> b.units;
  const Int128 left = Int128{a.units} * powers_of_ten[Decimal::scale_max - a.scale];
  const Int128 right = Int128{b.units} * powers_of_ten[Decimal::scale_max - b.scale];
  return left < right   ? std::strong_ordering::less
         : left > right ? std::strong_ordering::greater
                        : std::strong_ordering::equal;
}

std::optional<Decimal> parse_decimal(std::string_view text) {
  // The fast path for what a file is full of: at most 18 digits, so no overflow, and no exponent.
  const char* p = text.data();
  const char* const end = p + text.size();
  const bool negative = p != end && *p == '-';
  if (p != end && (*p == '-' || *p == '+')) ++p;
  std::int64_t units = 0;
  const char* const whole = p;
  while (p != end && is_digit(*p) && p - whole < 18) units = units * 10 + (*p++ - '0');
  std::ptrdiff_t digit_count = p - whole;
  int scale = 0;
  if (p != end && *p == '.') {
    const char* const fraction = ++p;
    const std::ptrdiff_t fraction_max = 18 - digit_count;
    while (p != end && is_digit(*p) && p - fraction < fraction_max) {
      units = units * 10 + (*p++ - '0');
    }
    scale = static_cast<int>(p - fraction);
    digit_count += scale;
  }
  if (p == end && digit_count > 0) {
    for (; scale > 0 && units % 10 == 0; --scale) units /= 10;
    if (scale > Decimal::scale_max) return std::nullopt;
    return Decimal{.units = negative ? -units : units, .scale = static_cast<std::int8_t>(scale)};
  }
  // Most cells that are no number end here at their first character.
  if (digit_count == 0) return std::nullopt;
  const std::optional<Scanned> number = scan(text);
  if (!number) return std::nullopt;
  return to_decimal(*number);
}

bool is_number(std::string_view text) { return scan(text).has_value(); }

std::string canonical_number(std::string_view text) {
  const std::optional<Scanned> number = scan(text);
  HF_ASSERT(number.has_value());
  if (number->is_zero()) return "0";
  const std::int64_t count = number->digit_count();
  const std::int64_t exponent = number->exponent;
  std::string out(number->negative ? "-" : "");
  const std::int64_t notation_digits =
      exponent < 0 ? count - exponent : std::max(exponent + 1, count);
  if (notation_digits > plain_digits_max) {
    out += number->digit(0);
    if (count > 1) out += '.';
    for (std::int64_t i = 1; i < count; ++i) out += number->digit(i);
    out += fmt::format("e{}", exponent);
    return out;
  }
  if (exponent < 0) {
    out += "0.";
    out.append(static_cast<std::size_t>(-exponent - 1), '0');
  }
  for (std::int64_t i = 0; i < count; ++i) {
    if (i == exponent + 1 && exponent >= 0) out += '.';
    out += number->digit(i);
  }
  if (exponent >= count) out.append(static_cast<std::size_t>(exponent + 1 - count), '0');
  return out;
}

std::strong_ordering compare_numbers(std::string_view a, std::string_view b) {
  const std::optional<Scanned> left = scan(a);
  const std::optional<Scanned> right = scan(b);
  HF_ASSERT(left.has_value());
  HF_ASSERT(right.has_value());
  const auto sign = [](const Scanned& n) { return n.is_zero() ? 0 : n.negative ? -1 : 1; };
  if (sign(*left) != sign(*right)) return sign(*left) <=> sign(*right);
  if (left->is_zero()) return std::strong_ordering::equal;

  auto magnitudes = left->exponent <=> right->exponent;
  const std::int64_t count = std::max(left->digit_count(), right->digit_count());
  for (std::int64_t i = 0; i < count && magnitudes == 0; ++i) {
    // Digits past the end are zeros, and the last digit present is none.
    magnitudes = (i < left->digit_count() ? left->digit(i) : '0') <=>
                 (i < right->digit_count() ? right->digit(i) : '0');
  }
  return left->negative ? 0 <=> magnitudes : magnitudes;
}

void DecimalSum::add(Decimal value) {
  // 18 thousand million values of the largest size fit; a store cannot hold as many.
  const Int128 units = Int128{value.units} * powers_of_ten[Decimal::scale_max - value.scale];
  const bool overflow = __builtin_add_overflow(units_, units, &units_);
  HF_ASSERT(!overflow);
}

void DecimalSum::add(const DecimalSum& other) {
  const bool overflow = __builtin_add_overflow(units_, other.units_, &units_);
  HF_ASSERT(!overflow);
}

std::string DecimalSum::to_string() const {
  const auto magnitude = static_cast<Uint128>(units_);
  return plain_notation(units_ < 0, units_ < 0 ? 0 - magnitude : magnitude, Decimal::scale_max);
}

double DecimalSum::to_double() const {
  if (units_ >= -exact_double_max && units_ <= exact_double_max) {
    return static_cast<double>(units_) / 1e9;
  }
  return nearest_double(to_string());
}

namespace {

// value x factor, 192 bits wide; ordered as the number is.
struct WideProduct {
  Int128 high;
  std::uint64_t low;
  friend auto operator<=>(const WideProduct&, const WideProduct&) = default;
};

WideProduct multiply(Int128 value, std::int64_t factor) {
  const auto low = Uint128{static_cast<std::uint64_t>(value)} * static_cast<std::uint64_t>(factor);
  const Int128 high = (value >> 64) * factor + static_cast<Int128>(low >> 64);
  return {high, static_cast<std::uint64_t>(low)};
}

}  // namespace

std::strong_ordering compare_quotient(const DecimalSum& part, const DecimalSum& whole,
                                      Decimal ratio) {
  HF_ASSERT(!whole.is_zero() && ratio.units >= 0);
  const WideProduct left = multiply(part.units_, powers_of_ten[ratio.scale]);
  const WideProduct right = multiply(whole.units_, ratio.units);
  return whole.units_ > 0 ? left <=> right : right <=> left;
}

}  // namespace hf
