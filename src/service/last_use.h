// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <atomic>
#include <cstdint>

#include "base/env.h"

namespace hf {

/// When something was used last, to the minute, noted by every thread that uses it.
struct LastUse {
  std::atomic<TimestampMs> minute{INT64_MIN};
  std::atomic<TimestampMs> saved{INT64_MIN};

  void note(TimestampMs now_ms) {
    constexpr std::int64_t minute_ms = 60'000;
    const TimestampMs now_minute = now_ms - now_ms % minute_ms;
    TimestampMs noted = minute.load(std::memory_order_relaxed);
    // Writes once a minute, so that threads do not take the line from one another.
    while (noted < now_minute &&
           !minute.compare_exchange_weak(noted, now_minute, std::memory_order_relaxed)) {
    }
  }
};

}  // namespace hf
