// SPDX-License-Identifier: Apache-2.0
//
// When windows of one length end, for any instant at which one may begin. Days and months are the
// zone's: P1D ends at the same local time on the next date. So that asking costs an addition, the
// calendar is done once for a span of time and kept as stretches in which every window is as long.
#pragma once

#include <cstdint>
#include <vector>

#include "calendar/date.h"
#include "calendar/zone.h"
#include "metric/time_range.h"

namespace hf {

/// Immutable; const methods may run concurrently.
class WindowEnds {
 public:
  /// For windows that begin in `begins`. Requires that `length` has either calendar parts or time,
  /// and is at most 200 years.
  WindowEnds(const Duration& length, const Zone& zone, const Interval& begins);

  /// The last instant inside the window that begins at `begin_ms`. Not always the later the later
  /// it begins: from 30 and 31 January, P1M ends on 28 February, the first perhaps at a later hour.
  [[nodiscard]] TimestampMs end(TimestampMs begin_ms) const {
    if (stretches_.size() == 1) return begin_ms + stretches_.front().length_ms;
    return begin_ms + length_ms(begin_ms);
  }
  /// Where windows begin that end before one that began earlier does. Ascending, few.
  [[nodiscard]] const std::vector<Interval>& outlived() const { return outlived_; }

 private:
  // Windows that begin at from_ms or later, until the next stretch does, are this long.
  struct Stretch {
    TimestampMs from_ms;
    std::int64_t length_ms;
  };

  [[nodiscard]] std::int64_t length_ms(TimestampMs begin_ms) const;
  void append(Stretch stretch);
  void find_outlived(TimestampMs end_ms);

  // As Zone finds offsets: by the stretch in force where a bucket of 25 days begins.
  static constexpr int bucket_bits = 31;
  TimestampMs base_ms_ = 0;
  std::vector<Stretch> stretches_;  // Never empty.
  std::vector<std::uint32_t> first_of_bucket_;
  std::vector<Interval> outlived_;
};

}  // namespace hf
