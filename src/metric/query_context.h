// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <thread>

#include "base/env.h"
#include "base/work_guard.h"
#include "calendar/zone.h"

namespace hf {

/// What the asker should know about an answer; codes are part of the public API.
struct Warning {
  std::string code;  ///< "no_events", "first_period_partial", ..
  std::string message;
  friend bool operator==(const Warning&, const Warning&) = default;
};

/// How the events of one matcher were found.
struct ReadStep {
  std::string what;      ///< The matcher's label.
  std::string_view how;  ///< An ActivityShape's name, or "events": one by one.
  std::uint64_t parts = 0;
  std::uint64_t events = 0;  ///< Read for it.
};

[[nodiscard]] inline unsigned default_query_threads() {
  return std::clamp(std::thread::hardware_concurrency(), 1u, 8u);
}

/// For who asks without limits.
[[nodiscard]] inline WorkGuard& unlimited_work() {
  static WorkGuard guard;
  return guard;
}

/// What a query is answered with besides the data.
struct QueryContext {
  const Env& env;
  std::shared_ptr<const Zone> default_zone = Zone::utc();  ///< The workspace's; never null.
  WeekStart default_week_start = WeekStart::monday;
  unsigned threads = default_query_threads();  ///< 1: the caller's thread alone.
  WorkGuard* guard = &unlimited_work();        ///< Never null.
  // What may be used; the slower ways give the same answers.
  bool day_sets = true;  ///< Days of activity.
  bool postings = true;  ///< Lists of rare names.
  bool bitmaps = true;   ///< Sets of persons at all; else events one by one.
  bool explain = false;  ///< Answers say how they were found ("plan").
};

}  // namespace hf
