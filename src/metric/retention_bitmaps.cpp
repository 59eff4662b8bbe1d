// SPDX-License-Identifier: Apache-2.0
#include "metric/retention_bitmaps.h"

#include <algorithm>
#include <memory>

#include "metric/period_sets.h"

namespace hf {
namespace {

// One thread's counting.
class RetentionCounter {
 public:
  RetentionCounter(const RetentionPlan& plan, const ActivityPlan& activity)
      : plan_(&plan),
        slots_(&activity.slots()),
        return_activity_(activity.activities() - 1),
        started_(0, plan.grid.rows()),
        returned_(0, plan.grid.size()),
        tally(plan) {}

  void count(const ActivityBitmaps& bitmaps) {
    returned_.load(bitmaps, *slots_, return_activity_, false);
    if (plan_->query->entry == Entry::first_time) {
      find_first_times(bitmaps);
    } else {
      started_.load(bitmaps, *slots_, 0, true);
    }
    const BitmapKernels& kernels = bitmap_kernels();
    const std::size_t columns = plan_->columns.size();
    for (std::int32_t row = 0; row < started_.end(); ++row) {
      const std::uint64_t* const cohort = started_[row];
      if (cohort == nullptr) continue;
      std::int64_t* const cells = tally.counts.data() + static_cast<std::size_t>(row) * columns;
      cells[0] += static_cast<std::int64_t>(kernels.count(cohort, PersonChunk::words));
      for (std::size_t c = 1; c < columns; ++c) {
        const std::int32_t period = row + plan_->columns[c].first;
        if (!returned_.holds(period) || returned_[period] == nullptr) continue;
        cells[c] += static_cast<std::int64_t>(
            kernels.count_and(cohort, returned_[period], PersonChunk::words));
      }
    }
  }

 private:
  void find_first_times(const ActivityBitmaps& bitmaps) {
    started_.clear();
    PersonSet seen{};
    for (std::size_t i = 0; i < slots_->size(); ++i) {
      const std::uint64_t* const set = bitmaps.slot(0, i);
      if (set == nullptr) continue;
      const TimeSlots::Slot& slot = (*slots_)[i];
      if (slot.in_range && started_.holds(slot.period)) {
        started_.add_without(slot.period, set, seen);
      }
      bitmap_kernels().add(seen.data(), set, seen.size());
    }
  }

  const RetentionPlan* plan_;
  const TimeSlots* slots_;
  std::size_t return_activity_;
  PeriodSets started_;
  PeriodSets returned_;

 public:
  RetentionTally tally;
};

}  // namespace

std::optional<TimeSlots> retention_slots(const RetentionPlan& plan) {
  const RetentionQuery& query = *plan.query;
  const bool is_asked =
      query.window == Window::calendar && query.count_return == CountReturn::exactly &&
      query.aggregate == Aggregate::users && plan.occurrences == 1 &&
      query.common.breakdown.empty() && query.common.unit.empty() &&
      query.entry != Entry::first_ever &&
      std::ranges::all_of(plan.columns, [](const RetentionColumn& c) { return c.first == c.last; });
  if (!is_asked) return std::nullopt;
  // Whose first time lies before the first row is in no cohort.
  const std::int32_t first_period = query.entry == Entry::first_time ? PeriodGrid::before : 0;
  return TimeSlots::build(plan.grid, query.common.as_of, [&](const PeriodGrid::Segment& segment) {
    return segment.period >= first_period && segment.period < plan.grid.size();
  });
}

Result<RetentionCounts> count_retention(const RetentionPlan& plan, const ActivityPlan& activity,
                                        unsigned threads) {
  std::vector<std::unique_ptr<RetentionCounter>> counters(std::max(1u, threads));
  for (auto& counter : counters) counter = std::make_unique<RetentionCounter>(plan, activity);
  const std::size_t steps = activity.slots().size() + plan.cells();
  HF_TRY(const ActivityScan scan, for_each_chunk(activity, steps, threads,
                                                 [&](unsigned thread, const ActivityBitmaps& sets) {
                                                   counters[thread]->count(sets);
                                                 }));
  RetentionCounts counts{RetentionTally(plan), scan};
  for (const auto& counter : counters) counts.tally.add(counter->tally);
  return counts;
}

}  // namespace hf
