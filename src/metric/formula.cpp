// SPDX-License-Identifier: Apache-2.0
#include "metric/formula.h"

#include <fmt/format.h>

#include <charconv>
#include <cmath>

#include "base/assert.h"

namespace hf {

// sum    = product {("+" | "-") product}
// product = operand {("*" | "/") operand}
// operand = "-" operand | "(" sum ")" | letter | number
class FormulaParser {
 public:
  FormulaParser(std::string_view text, std::size_t series) : text_(text), series_(series) {}

  Result<std::vector<Formula::Step>> parse() {
    HF_CHECK(read_sum());
    if (peek() != end) return refuse("expected + - * / or the end");
    return std::move(steps_);
  }

 private:
  using Kind = Formula::Step::Kind;
  static constexpr char end = '\0';

  // Refused at the character that comes next, or behind the last one.
  std::unexpected<Error> refuse(std::string_view what) const {
    return fail(ErrorCode::invalid_argument, "invalid_formula",
                fmt::format("{}, at column: {}", what, at_ + 1), "/formula");
  }

  // The next character that is no space; a NUL in the text is refused as any other byte is.
  char peek() {
    while (at_ < text_.size() && text_[at_] == ' ') ++at_;
    if (at_ == text_.size()) return end;
    return text_[at_] == end ? '?' : text_[at_];
  }

  Result<void> read_sum() {
    HF_CHECK(read_product());
    for (char next = peek(); next == '+' || next == '-'; next = peek()) {
      ++at_;
      HF_CHECK(read_product());
      steps_.push_back({next == '+' ? Kind::add : Kind::subtract});
    }
    return {};
  }

  Result<void> read_product() {
    HF_CHECK(read_operand());
    for (char next = peek(); next == '*' || next == '/'; next = peek()) {
      ++at_;
      HF_CHECK(read_operand());
      steps_.push_back({next == '*' ? Kind::multiply : Kind::divide});
    }
    return {};
  }

  Result<void> read_operand() {
    const char next = peek();
    if (next == '-' || next == '(') {
      if (depth_ == Formula::depth_max) {
        return refuse(fmt::format("signs and parentheses are more than {} deep", depth_));
      }
      ++depth_;
      ++at_;
      HF_CHECK(next == '-' ? read_operand() : read_sum());
      --depth_;
      if (next == '-') {
        steps_.push_back({Kind::negate});
        return {};
      }
      if (peek() != ')') return refuse("expected + - * / or )");
      ++at_;
      return {};
    }
    if (next >= 'A' && next <= 'Z') return read_series(static_cast<std::size_t>(next - 'A'));
    if (is_digit(next)) return read_number();
    return refuse("expected a series' letter, a number, - or (");
  }

  Result<void> read_series(std::size_t series) {
    if (series >= series_) {
      return refuse(
          fmt::format("the query has series A to {}", static_cast<char>('A' + series_ - 1)));
    }
    ++at_;
    steps_.push_back({.kind = Kind::series, .series = series});
    return {};
  }

  Result<void> read_number() {
    std::size_t to = at_;
    const auto pass_digits = [&] {
      const std::size_t from = to;
      while (to < text_.size() && is_digit(text_[to])) ++to;
      return to > from;
    };
    (void)pass_digits();
    if (to < text_.size() && text_[to] == '.') {
      ++to;
      if (!pass_digits()) {
        at_ = to;
        return refuse("expected a digit");
      }
    }
    Formula::Step step{Kind::number};
    const auto [stopped, error] =
        std::from_chars(text_.data() + at_, text_.data() + to, step.number);
    if (error != std::errc()) return refuse("the number is too large or too small");
    HF_ASSERT(stopped == text_.data() + to);
    at_ = to;
    steps_.push_back(step);
    return {};
  }

  static bool is_digit(char c) { return c >= '0' && c <= '9'; }

  std::string_view text_;
  std::size_t series_;
  std::size_t at_ = 0;
  std::size_t depth_ = 0;
  std::vector<Formula::Step> steps_;
};

Result<Formula> Formula::parse(std::string_view text, std::size_t series) {
  HF_ASSERT(series >= 1 && series <= 26);
  if (text.size() > length_max) {
    return fail(ErrorCode::invalid_argument, "invalid_formula",
                fmt::format("a formula has at most {} bytes", length_max), "/formula");
  }
  HF_TRY(auto steps, FormulaParser(text, series).parse());
  Formula formula;
  formula.text_ = text;
  formula.steps_ = std::move(steps);
  return formula;
}

std::optional<double> Formula::evaluate(std::span<const std::optional<double>> operands) const {
  std::vector<double> stack;
  for (const Step& step : steps_) {
    if (step.kind == Step::Kind::number) {
      stack.push_back(step.number);
      continue;
    }
    if (step.kind == Step::Kind::series) {
      HF_ASSERT(step.series < operands.size());
      if (!operands[step.series]) return std::nullopt;
      stack.push_back(*operands[step.series]);
      continue;
    }
    const double right = stack.back();
    if (step.kind == Step::Kind::negate) {
      stack.back() = -right;
      continue;
    }
    stack.pop_back();
    double& left = stack.back();
    switch (step.kind) {
      case Step::Kind::add: left += right; break;
      case Step::Kind::subtract: left -= right; break;
      case Step::Kind::multiply: left *= right; break;
      default:
        if (right == 0) return std::nullopt;
        left /= right;
    }
  }
  HF_ASSERT(stack.size() == 1);
  if (!std::isfinite(stack.back())) return std::nullopt;
  return stack.back() + 0.0;  // No answer says -0.
}

}  // namespace hf
