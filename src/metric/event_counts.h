// SPDX-License-Identifier: Apache-2.0
//
// How many events there are in which slot of time, whoever did them. Each part is read in the
// cheapest shape it has for the question: counts by day, postings of rare names, or rows.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "metric/activity.h"
#include "metric/time_slots.h"
#include "store/snapshot.h"

namespace hf {

struct EventCounts {
  std::vector<std::vector<std::int64_t>> events;  ///< By activity, then slot.
  std::uint64_t events_scanned = 0;
  std::vector<ReadStep> steps;  ///< By activity and shape, those that occur.
};
/// Counts what matches, of the scope's people. Activities are not of first-seen parts. Errors:
/// those of Part's readers and of WorkGuard::check().
[[nodiscard]] Result<EventCounts> count_events(const Snapshot& snapshot,
                                               std::span<const Activity> activities,
                                               const TimeSlots& slots,
                                               const ActivityPlan::Scope& scope);

}  // namespace hf
