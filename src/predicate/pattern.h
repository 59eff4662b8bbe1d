// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <memory>
#include <string>
#include <string_view>

#include "base/result.h"

namespace hf {

/// A compiled regular expression in RE2 syntax: linear time, bounded memory, whatever its author
/// and the text intend. Immutable; const methods may run concurrently.
class Pattern {
 public:
  static constexpr std::size_t expression_bytes_max = 1'000;
  static constexpr std::size_t memory_bytes_max = 8 << 20;

  /// Errors: invalid_argument/invalid_pattern at `pointer` (syntax, longer than
  /// expression_bytes_max, or too large once compiled).
  [[nodiscard]] static Result<std::shared_ptr<const Pattern>> compile(const std::string& expression,
                                                                      bool case_insensitive,
                                                                      const std::string& pointer);
  ~Pattern();

  /// True when the expression matches anywhere in the text; ^ and $ are its begin and end.
  [[nodiscard]] bool matches(std::string_view text) const;

 private:
  struct Body;
  explicit Pattern(std::unique_ptr<const Body> body);
  std::unique_ptr<const Body> body_;
};

}  // namespace hf
