// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>

#include "base/decimal.h"
#include "predicate/behaviour.h"

namespace hf {

/// What one window holds of what a change is asked of. Mergeable.
struct WindowTally {
  std::int64_t events = 0;  ///< Matching, whether or not they have the property.
  DecimalSum sum;           ///< Of the property, where it is a Decimal.
  double squares = 0;       ///< Sum of the squares of what `sum` adds up.

  void add_event() { ++events; }
  void add_value(Decimal value);
};

/// The probability below which chance does not explain a difference.
inline constexpr double significance_level = 0.05;

/// Whether the change holds of these windows; of `before` nothing is asked where there is a
/// benchmark. With `significant` a one-sided test in the direction of op has to agree
/// (stats/chance.h): of counts exact, of sums by their variance. Requires kind change.
[[nodiscard]] bool change_holds(const Behaviour& change, const WindowTally& now,
                                const WindowTally& before);

}  // namespace hf
