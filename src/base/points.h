// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <compare>
#include <cstdint>

#include "base/assert.h"
#include "base/result.h"

namespace hf {

/// Loyalty points in the smallest unit of their wallet, whose scale says how many make one point
/// on display. May be negative: a difference, or the debit side of a posting.
///
/// Amounts that come from outside (a request, a rule's multiplication) go through checked_add() and
/// checked_multiply(), because a request must not be able to end the process. The operators are
/// for amounts already admitted, where a lot pays at most what it holds; there an overflow would
/// be a broken invariant, so they assert.
struct Points {
  std::int64_t units = 0;

  friend constexpr bool operator==(Points, Points) = default;
  friend constexpr auto operator<=>(Points, Points) = default;

  friend constexpr Points operator+(Points a, Points b) {
    const bool overflow = __builtin_add_overflow(a.units, b.units, &a.units);
    HF_ASSERT(!overflow);
    return a;
  }
  friend constexpr Points operator-(Points a, Points b) {
    const bool overflow = __builtin_sub_overflow(a.units, b.units, &a.units);
    HF_ASSERT(!overflow);
    return a;
  }
  friend constexpr Points operator-(Points a) { return Points{} - a; }
  constexpr Points& operator+=(Points other) { return *this = *this + other; }
  constexpr Points& operator-=(Points other) { return *this = *this - other; }
};

/// Errors: invalid_argument/amount_too_large.
[[nodiscard]] inline Result<Points> checked_add(Points a, Points b) {
  if (__builtin_add_overflow(a.units, b.units, &a.units)) {
    return fail(ErrorCode::invalid_argument, "amount_too_large", "points beyond 64 bits in a sum");
  }
  return a;
}

/// Errors: invalid_argument/amount_too_large.
[[nodiscard]] inline Result<Points> checked_multiply(Points a, std::int64_t factor) {
  if (__builtin_mul_overflow(a.units, factor, &a.units)) {
    return fail(ErrorCode::invalid_argument, "amount_too_large",
                "points beyond 64 bits in a product");
  }
  return a;
}

}  // namespace hf
