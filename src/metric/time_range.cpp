// SPDX-License-Identifier: Apache-2.0
#include "metric/time_range.h"

#include <algorithm>
#include <limits>

namespace hf {

std::vector<DateRun> date_runs(const Zone& zone, TimestampMs begin, TimestampMs end) {
  std::vector<DateRun> runs;
  const auto transitions = zone.transitions();
  auto next = std::ranges::upper_bound(transitions, begin, {}, &Zone::Transition::from_ms);
  std::int64_t offset_ms = std::int64_t{std::prev(next)->offset_s} * 1000;
  for (TimestampMs t = begin; t < end;) {
    const std::int64_t local = t + offset_ms;
    const std::int64_t day = local / ms_per_day - (local % ms_per_day < 0 ? 1 : 0);
    if (runs.empty() || runs.back().day != day) runs.push_back({t, static_cast<Day>(day)});
    t = (day + 1) * ms_per_day - offset_ms;
    if (next != transitions.end() && next->from_ms <= t) {
      t = next->from_ms;
      offset_ms = std::int64_t{next->offset_s} * 1000;
      ++next;
    }
  }
  return runs;
}

TimeRange earlier(const TimeRange& range, const Duration& duration, const Zone& zone) {
  TimeRange result{earlier(range.begin, duration, 1, zone), earlier(range.end, duration, 1, zone),
                   std::nullopt, std::nullopt};
  if (duration.ms != 0) return result;
  const auto earlier_day = [&](Day day) {
    return add_months(day, -duration.months) - duration.days;
  };
  if (range.first_day) {
    result.first_day = earlier_day(*range.first_day);
    result.begin = zone.start_of_day(*result.first_day);
  }
  if (range.last_day) {
    result.last_day = earlier_day(*range.last_day);
    result.end = zone.start_of_day(*result.last_day + 1);
  }
  return result;
}

std::vector<Interval> instants_of(const TimeRange& range, const Zone& zone) {
  std::vector<Interval> result;
  if (!range.first_day && !range.last_day) {
    if (range.begin < range.end) result.push_back({range.begin, range.end});
    return result;
  }
  // No zone turns back by more than a day: beyond two days from a bound, date and instant agree.
  const TimestampMs low = range.first_day ? range.begin - 2 * ms_per_day : range.begin;
  const TimestampMs high = range.last_day ? range.end + 2 * ms_per_day : range.end;
  const std::vector<DateRun> runs = date_runs(zone, low, high);
  for (std::size_t i = 0; i < runs.size(); ++i) {
    if (range.first_day && runs[i].day < *range.first_day) continue;
    if (range.last_day && runs[i].day > *range.last_day) continue;
    const TimestampMs to = i + 1 < runs.size() ? runs[i + 1].from_ms : high;
    if (!result.empty() && result.back().to_ms == runs[i].from_ms) {
      result.back().to_ms = to;
    } else {
      result.push_back({runs[i].from_ms, to});
    }
  }
  return result;
}

}  // namespace hf
