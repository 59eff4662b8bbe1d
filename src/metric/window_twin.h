// SPDX-License-Identifier: Apache-2.0
//
// The end of one window straight from the calendar, for the tests.
#pragma once

#include "calendar/date.h"
#include "calendar/zone.h"

namespace hf::test {

inline TimestampMs plain_window_end(TimestampMs begin, const Duration& length, const Zone& zone) {
  if (length.ms != 0) return begin + length.ms;
  const Day day = zone.local_day(begin);
  const std::int64_t reading = begin + zone.offset_s(begin) * std::int64_t{1'000};
  const Day target = add_months(day, length.months) + length.days;
  return zone.from_local(reading + (target - day) * ms_per_day);
}

}  // namespace hf::test
