// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "base/decimal.h"
#include "predicate/predicate.h"

namespace hf {

/// The numbers for which a condition holds, as integers of each scale a page may have, so that
/// exact decimals are compared as int64: 12.5 <= x is 125 <= units at scale 1, 13 <= units at 0.
class NumberSet {
 public:
  /// The set for the positive operator of the condition; nothing where it depends on the text of
  /// the number (contains, matches, a bound that is no number): then ask row by row.
  [[nodiscard]] static std::optional<NumberSet> of(const Predicate& condition);

  /// False when no number of [smallest, largest] is in the set.
  [[nodiscard]] bool meets(Decimal smallest, Decimal largest) const;
  /// Asks about units x 10^-scale, normalised or not. Requires 0 <= scale <= Decimal::scale_max.
  [[nodiscard]] bool contains(std::int64_t units, int scale) const;
  /// Bit i is set where units[i] x 10^-scale is in the set. Requires units.size() <= 64.
  [[nodiscard]] std::uint64_t rows(std::span<const std::int64_t> units, int scale) const;

 private:
  static constexpr std::size_t scales = Decimal::scale_max + 1;
  static constexpr std::size_t few_max = 4;
  __extension__ typedef __int128 Int128;
  struct Range {
    Int128 low;   // Past int64 where no number of this scale is large enough.
    Int128 high;  // Below int64 where none is small enough.
  };
  void set_points(std::vector<Decimal> points);

  bool is_range_ = false;
  std::array<Range, scales> ranges_ = {};  // By scale.
  std::vector<Decimal> points_;            // Sorted, distinct.
  std::array<std::vector<std::int64_t>, scales>
      units_;  // points_, by scale, where int64 holds them.
};

}  // namespace hf
