// SPDX-License-Identifier: Apache-2.0
//
// Arithmetic over the series of a trend: "A/B", "(A - B) * 100 / A". Letters are series, A the
// first; * and / bind closer than + and -, and equals are done from the left.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace hf {

/// A formula that was checked. Immutable.
class Formula {
 public:
  static constexpr std::size_t length_max = 1'000;  ///< Bytes.
  static constexpr std::size_t depth_max = 50;      ///< Parentheses and signs inside one another.

  /// Letters A .. Z, of which the first `series` are known, numbers as 100 or 0.5, + - * /, a minus
  /// sign before an operand, parentheses, spaces.
  /// Errors: invalid_argument/invalid_formula with pointer /formula; the message names the column,
  /// counted from 1.
  [[nodiscard]] static Result<Formula> parse(std::string_view text, std::size_t series);

  [[nodiscard]] const std::string& text() const { return text_; }

  /// Nothing where an operand that it names is nothing, where it divides by zero, and where the
  /// outcome is too large for a double. Requires an operand for each series.
  [[nodiscard]] std::optional<double> evaluate(
      std::span<const std::optional<double>> operands) const;

 private:
  friend class FormulaParser;
  // In the order in which they are done: each takes what it needs from a stack.
  struct Step {
    enum class Kind : std::uint8_t { number, series, negate, add, subtract, multiply, divide };
    Kind kind;
    double number = 0;       // kind number
    std::size_t series = 0;  // kind series
  };

  std::string text_;
  std::vector<Step> steps_;
};

}  // namespace hf
