// SPDX-License-Identifier: Apache-2.0
#include "predicate/number_set.h"

#include <algorithm>
#include <limits>

#include "base/assert.h"
#include "predicate/condition.h"

#if defined(__SSE4_2__)
#include <nmmintrin.h>
#endif

namespace hf {
namespace {

__extension__ typedef __int128 Int128;

constexpr Int128 units_min = std::numeric_limits<std::int64_t>::min();
constexpr Int128 units_max = std::numeric_limits<std::int64_t>::max();

// The largest integer u with u x 10^-scale <= the bound, kept to what int64 can be compared with.
struct Floor {
  Int128 units;  // units_min - 1 .. units_max
  bool exact;    // u x 10^-scale is the bound itself.
};

Int128 power_of_ten(int exponent) {
  Int128 power = 1;
  for (; exponent > 0; --exponent) power *= 10;
  return power;
}

Floor floor_of(Decimal bound, int scale) {
  Floor floor = {bound.units, true};
  if (scale >= bound.scale) {
    floor.units *= power_of_ten(scale - bound.scale);  // Below 2^63 x 10^9: fits 128 bits.
  } else {
    const Int128 divisor = power_of_ten(bound.scale - scale);
    const Int128 remainder = floor.units % divisor;
    floor.units = floor.units / divisor - (remainder < 0 ? 1 : 0);
    floor.exact = remainder == 0;
  }
  if (floor.units > units_max) return {units_max, false};
  if (floor.units < units_min) return {units_min - 1, false};
  return floor;
}

// A bound of any size: 65 comparisons of digits, once a condition and scale.
Floor floor_of_big(const std::string& bound, int scale) {
  const auto order = [&](Int128 units) {
    const auto number = Decimal::normalized(static_cast<std::int64_t>(units), scale);
    return compare_numbers(number.to_string(), bound);
  };
  Int128 below = units_min - 1;  // The largest known to be <= bound, or none.
  Int128 above = units_max + 1;  // The smallest known to be > bound, or none.
  while (above - below > 1) {
    const Int128 middle = below + (above - below) / 2;
    (order(middle) <= 0 ? below : above) = middle;
  }
  return {below, below >= units_min && order(below) == 0};
}

Floor floor_of(const Scalar& bound, int scale) {
  return bound.kind == ValueKind::number ? floor_of(bound.number, scale)
                                         : floor_of_big(bound.text, scale);
}

std::uint64_t rows_between(const std::int64_t* units, std::int64_t low, std::int64_t high) {
  std::uint64_t rows = 0;
#if defined(__SSE4_2__)
  const __m128i least = _mm_set1_epi64x(low);
  const __m128i most = _mm_set1_epi64x(high);
  for (int i = 0; i < 64; i += 2) {
    const __m128i two = _mm_loadu_si128(reinterpret_cast<const __m128i*>(units + i));
    const __m128i outside = _mm_or_si128(_mm_cmpgt_epi64(least, two), _mm_cmpgt_epi64(two, most));
    const auto inside = static_cast<unsigned>(~_mm_movemask_pd(_mm_castsi128_pd(outside))) & 3u;
    rows |= std::uint64_t{inside} << i;
  }
#else
  for (int i = 0; i < 64; ++i) {
    rows |= std::uint64_t{units[i] >= low && units[i] <= high} << i;
  }
#endif
  return rows;
}

}  // namespace

std::optional<NumberSet> NumberSet::of(const Predicate& condition) {
  const Op op = positive_of(condition.op);
  NumberSet set;
  if (op == Op::eq || op == Op::in) {
    std::vector<Decimal> points;
    for (const Scalar& value : condition.values) {
      if (value.kind == ValueKind::number) points.push_back(value.number);
      if (value.kind != ValueKind::text) continue;  // No Decimal is a big number, or "true".
      const auto number = parse_decimal(value.text);
      if (number && number->to_string() == value.text) points.push_back(*number);
    }
    set.set_points(std::move(points));
    return set;
  }
  const bool has_order =
      op == Op::lt || op == Op::lte || op == Op::gt || op == Op::gte || op == Op::between;
  const bool has_numbers = std::ranges::all_of(condition.values, [](const Scalar& value) {
    return value.kind == ValueKind::number || value.kind == ValueKind::big_number;
  });
  if (!has_order || !has_numbers) return std::nullopt;
  set.is_range_ = true;
  for (int scale = 0; scale <= Decimal::scale_max; ++scale) {
    const Floor first = floor_of(condition.values.front(), scale);
    const Floor last = floor_of(condition.values.back(), scale);
    Int128 low = units_min;
    Int128 high = units_max;
    if (op == Op::gt) low = first.units + 1;
    if (op == Op::gte || op == Op::between) low = first.units + (first.exact ? 0 : 1);
    if (op == Op::lt) high = last.units - (last.exact ? 1 : 0);
    if (op == Op::lte || op == Op::between) high = last.units;
    set.ranges_[static_cast<std::size_t>(scale)] = {low, high};
  }
  return set;
}

void NumberSet::set_points(std::vector<Decimal> points) {
  std::ranges::sort(points);
  const auto repeated = std::ranges::unique(points);
  points.erase(repeated.begin(), repeated.end());
  for (const Decimal point : points) {
    for (int scale = point.scale; scale <= Decimal::scale_max; ++scale) {
      const Floor floor = floor_of(point, scale);
      if (!floor.exact) break;
      units_[static_cast<std::size_t>(scale)].push_back(static_cast<std::int64_t>(floor.units));
    }
  }
  points_ = std::move(points);
}

bool NumberSet::meets(Decimal smallest, Decimal largest) const {
  if (!is_range_) {
    const auto at = std::ranges::lower_bound(points_, smallest);
    return at != points_.end() && *at <= largest;
  }
  // The lower bound is met by some number if by the largest one, the upper if by the smallest.
  return largest.units >= ranges_[static_cast<std::size_t>(largest.scale)].low &&
         smallest.units <= ranges_[static_cast<std::size_t>(smallest.scale)].high;
}

bool NumberSet::contains(std::int64_t units, int scale) const {
  HF_ASSERT(scale >= 0 && scale <= Decimal::scale_max);
  const auto s = static_cast<std::size_t>(scale);
  if (is_range_) return units >= ranges_[s].low && units <= ranges_[s].high;
  return std::ranges::binary_search(units_[s], units);
}

std::uint64_t NumberSet::rows(std::span<const std::int64_t> units, int scale) const {
  HF_ASSERT(units.size() <= 64);
  HF_ASSERT(scale >= 0 && scale <= Decimal::scale_max);
  const auto s = static_cast<std::size_t>(scale);
  std::uint64_t rows = 0;
  if (units.size() < 64 || (!is_range_ && units_[s].size() > few_max)) {
    for (std::size_t i = 0; i < units.size(); ++i) {
      rows |= std::uint64_t{contains(units[i], scale)} << i;
    }
    return rows;
  }
  if (is_range_) {
    const auto [low, high] = ranges_[s];
    if (low > units_max || high < units_min) return 0;
    return rows_between(units.data(), static_cast<std::int64_t>(std::max(low, units_min)),
                        static_cast<std::int64_t>(std::min(high, units_max)));
  }
  for (const std::int64_t point : units_[s]) rows |= rows_between(units.data(), point, point);
  return rows;
}

}  // namespace hf
