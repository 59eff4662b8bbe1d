// SPDX-License-Identifier: Apache-2.0
//
// The conditions of the predicate language that ask what a person did: did, sequence, first,
// regularly, change. Each is asked at a reference point of the person's history: an instant (all
// events up to and including it), or one of the person's events (all before it, and itself).
#pragma once

#include <cstdint>
#include <limits>
#include <optional>
#include <string>
#include <vector>

#include "base/decimal.h"
#include "calendar/date.h"
#include "calendar/zone.h"
#include "predicate/matcher.h"

namespace hf {

/// One end of a fixed span of time as it was written: a local date (`day` set; whole, inclusive)
/// or an instant (inclusive as `from`, exclusive as `to`).
struct TimeBound {
  std::optional<Day> day;
  TimestampMs instant = 0;  ///< Where `day` is not set.
};

struct Behaviour {
  enum class Kind : std::uint8_t { did, sequence, first, regularly, change };
  /// Inclusive; {1, max} where nothing is said.
  struct Count {
    std::int64_t min = 1;
    std::int64_t max = std::numeric_limits<std::int64_t>::max();
    [[nodiscard]] bool holds(std::int64_t n) const { return min <= n && n <= max; }
  };
  enum class PeriodUnit : std::uint8_t { day, week, month, quarter, year };
  enum class ChangeOf : std::uint8_t { count, sum };

  Kind kind = Kind::did;
  std::vector<Matcher> matchers;  ///< One; of a sequence one a step, 1 .. sequence_steps_max.
  Count count;                    ///< did
  /// did, sequence, first, change: only events in [reference - within, reference]; calendar parts
  /// are taken off in the zone of the question (the same local time so many calendar days earlier).
  std::optional<Duration> within;
  std::optional<TimeBound> from;  ///< did: instead of within, each may be absent.
  std::optional<TimeBound> to;

  /// regularly: of the last `last` periods that end at the reference, at least `at_least` have a
  /// match. Period i is (reference - (i + 1) units, reference - i units], calendar arithmetic.
  PeriodUnit unit = PeriodUnit::week;
  std::int64_t at_least = 1;
  std::int64_t last = 1;

  /// change: (count or sum in the window) / (the same of the window before it, or `benchmark`)
  /// compared with `ratio`. The window is [reference - within, reference], the one before it
  /// [reference - 2 within, reference - within). Never holds where what is divided by is 0.
  ChangeOf of = ChangeOf::count;
  std::string property;              ///< sum
  std::optional<Decimal> benchmark;  ///< Absent: the window before.
  Op op = Op::lt;                    ///< lt lte gt gte
  Decimal ratio = {};
  bool significant = false;  ///< Holds only where chance does not explain it (docs/predicates.md).
};

namespace limits {
inline constexpr std::int64_t did_count_max = 1'000'000'000;
inline constexpr std::size_t sequence_steps_max = 30;
inline constexpr std::int64_t regular_periods_max = 1'000;
}  // namespace limits

}  // namespace hf
