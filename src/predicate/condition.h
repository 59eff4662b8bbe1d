// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <compare>
#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "event/value.h"
#include "predicate/predicate.h"

namespace hf {

/// True for ne, not_in, not_contains and not_exists.
[[nodiscard]] bool is_negative(Op op);
/// The operator that a negative one denies; a positive one itself.
[[nodiscard]] Op positive_of(Op op);

/// The number a JSON token stands for, of any size. Requires is_number(token).
[[nodiscard]] Scalar scalar_of_number(std::string_view token);

/// Orders two scalars by the rules of QUERY.md: numbers exactly, false before true, texts by their
/// bytes, and where the types differ their canonical texts by their bytes.
[[nodiscard]] std::strong_ordering compare_values(const ValueView& a, const ValueView& b);

/// One condition on a property, a trait or a system trait, prepared for being asked about many
/// values: n values given and a text of m bytes cost O(log n) lookups, O(m log n) for contains.
class Condition {
 public:
  /// Requires kind property, trait or system, and values and pattern as parse_predicate() leaves
  /// them.
  explicit Condition(const Predicate& predicate);

  /// True when the value satisfies the positive operator (positive_of).
  [[nodiscard]] bool holds_positively(const ValueView& value) const;

 private:
  [[nodiscard]] bool holds_for_scalar(const ValueView& value) const;
  [[nodiscard]] bool holds_for_an_item(std::string_view list) const;

  Op op_;  // Positive.
  bool case_insensitive_;
  std::optional<std::size_t> tier_rank_;  // Of the bound, where tiers are ordered by rank.
  std::vector<Scalar> bounds_;            // lt lte gt gte between
  std::vector<std::string> texts_;  // eq in: sorted. contains, starts_with, ends_with (reversed):
                                    // sorted, and none begins with another.
  std::shared_ptr<const Pattern> pattern_;
};

}  // namespace hf
