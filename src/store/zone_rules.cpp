// SPDX-License-Identifier: Apache-2.0
#include "store/zone_rules.h"

#include <algorithm>
#include <iterator>
#include <limits>

namespace hf {

ZoneRules zone_rules(const Zone& zone, TimestampMs first_ms, TimestampMs last_ms) {
  ZoneRules rules{{first_ms, zone.offset_s(first_ms)}};
  for (const Zone::Transition& transition : zone.transitions()) {
    if (transition.from_ms > first_ms && transition.from_ms <= last_ms) rules.push_back(transition);
  }
  return rules;
}

bool are_same(const ZoneRules& a, const ZoneRules& b) {
  return std::ranges::equal(a, b, [](const Zone::Transition& x, const Zone::Transition& y) {
    return x.from_ms == y.from_ms && x.offset_s == y.offset_s;
  });
}

void LocalDays::find(TimestampMs time) {
  const auto after = std::ranges::upper_bound(*rules_, time, {}, &Zone::Transition::from_ms);
  const auto rule = std::prev(after);
  const std::int64_t offset_ms = rule->offset_s * std::int64_t{1'000};
  // Local times begin in 1969.
  day_ = static_cast<Day>((time + offset_ms + ms_per_day) / ms_per_day - 1);
  from_ms_ =
      std::max(std::int64_t{day_} * ms_per_day - offset_ms,
               rule == rules_->begin() ? std::numeric_limits<TimestampMs>::min() : rule->from_ms);
  to_ms_ = (std::int64_t{day_} + 1) * ms_per_day - offset_ms;
  if (after != rules_->end()) to_ms_ = std::min(to_ms_, after->from_ms);
}

}  // namespace hf
