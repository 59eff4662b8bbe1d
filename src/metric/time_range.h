// SPDX-License-Identifier: Apache-2.0
//
// The span of time a query is about. Bounds given as local dates hold by date, bounds given as
// instants by instant: where a zone turns its clocks back over midnight (St John's until 2011, at
// 00:01) a date is not one stretch of time.
#pragma once

#include <optional>
#include <vector>

#include "base/env.h"
#include "calendar/date.h"
#include "calendar/zone.h"

namespace hf {

struct TimeRange {
  TimestampMs begin = 0;
  TimestampMs end = 0;           ///< Exclusive.
  std::optional<Day> first_day;  ///< Where set, bounds by local date instead of `begin`.
  std::optional<Day> last_day;   ///< Inclusive; where set, instead of `end`.
};

/// [from_ms, to_ms)
struct Interval {
  TimestampMs from_ms;
  TimestampMs to_ms;
};

/// The instants of the range, ascending and apart: one interval nearly always.
[[nodiscard]] std::vector<Interval> instants_of(const TimeRange& range, const Zone& zone);

/// The range as much earlier as the duration is long: a bound that is a local date by date, as
/// add_months() and so many days before, one that is an instant as earlier() says. With a duration
/// that has an exact part dates are the instants at which they begin and end.
[[nodiscard]] TimeRange earlier(const TimeRange& range, const Duration& duration, const Zone& zone);

/// From `from_ms` until the next run's, the local date is `day`.
struct DateRun {
  TimestampMs from_ms;
  Day day;
};

/// How the local date changes over [begin, end): the first run begins at `begin`. Dates may go
/// back.
[[nodiscard]] std::vector<DateRun> date_runs(const Zone& zone, TimestampMs begin, TimestampMs end);

}  // namespace hf
