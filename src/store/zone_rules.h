// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <vector>

#include "calendar/zone.h"

namespace hf {

/// What decides which local day an instant is on, over some stretch of time.
using ZoneRules = std::vector<Zone::Transition>;

/// The offsets of a zone from `first_ms` to `last_ms`: two zones with equal ones have the same days
/// there, whatever their names and whatever a newer zone database says of other years.
[[nodiscard]] ZoneRules zone_rules(const Zone& zone, TimestampMs first_ms, TimestampMs last_ms);
[[nodiscard]] bool are_same(const ZoneRules& a, const ZoneRules& b);

/// The local day of times that mostly come in order.
class LocalDays {
 public:
  /// Must outlive it.
  explicit LocalDays(const ZoneRules& rules) : rules_(&rules) {}
  [[nodiscard]] Day of(TimestampMs time) {
    if (time < from_ms_ || time >= to_ms_) find(time);
    return day_;
  }

 private:
  void find(TimestampMs time);

  const ZoneRules* rules_;
  TimestampMs from_ms_ = 0;  // Between these, the day is day_.
  TimestampMs to_ms_ = 0;
  Day day_ = 0;
};

}  // namespace hf
