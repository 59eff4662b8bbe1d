// SPDX-License-Identifier: Apache-2.0
#include "predicate/behaviour_window.h"

#include <algorithm>

#include "base/assert.h"

namespace hf {

Duration one_of(Behaviour::PeriodUnit unit) {
  switch (unit) {
    case Behaviour::PeriodUnit::day: return {.days = 1};
    case Behaviour::PeriodUnit::week: return {.days = 7};
    case Behaviour::PeriodUnit::month: return {.months = 1};
    case Behaviour::PeriodUnit::quarter: return {.months = 3};
    case Behaviour::PeriodUnit::year: return {.months = 12};
  }
  HF_ASSERT(!"a period without a unit");
  return {};
}

TimeSpan fixed_span(const Behaviour& behaviour, const Zone& zone) {
  TimeSpan span{timestamp_min_ms, timestamp_end_ms - 1};
  if (const auto& from = behaviour.from) {
    span.from_ms =
        std::max(span.from_ms, from->day ? zone.start_of_day(*from->day) : from->instant);
  }
  if (const auto& to = behaviour.to) {
    const TimestampMs end = to->day ? zone.start_of_day(*to->day + 1) : to->instant;
    span.to_ms = std::min(span.to_ms, end - 1);
  }
  return span;
}

TimeSpan span_looked_at(const Behaviour& behaviour, TimestampMs reference, const Zone& zone) {
  TimeSpan span = fixed_span(behaviour, zone);
  span.to_ms = std::min(span.to_ms, reference);
  const auto look_back = [&](const Duration& length, int times) {
    span.from_ms = std::max(span.from_ms, earlier(reference, length, times, zone));
  };
  switch (behaviour.kind) {
    case Behaviour::Kind::first: return span;  // An earlier one decides too.
    case Behaviour::Kind::did:
    case Behaviour::Kind::sequence:
      if (behaviour.within) look_back(*behaviour.within, 1);
      break;
    case Behaviour::Kind::regularly:
      look_back(one_of(behaviour.unit), static_cast<int>(behaviour.last));
      break;
    case Behaviour::Kind::change: look_back(*behaviour.within, 2); break;
  }
  return span;
}

}  // namespace hf
