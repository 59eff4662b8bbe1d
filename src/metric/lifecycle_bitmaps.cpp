// SPDX-License-Identifier: Apache-2.0
#include "metric/lifecycle_bitmaps.h"

#include <algorithm>
#include <memory>

#include "metric/period_sets.h"
#include "store/row_walk.h"

namespace hf {
namespace {

// One thread's counting.
class LifecycleCounter {
 public:
  LifecycleCounter(const LifecyclePlan& plan, const ActivityPlan& activity)
      : plan_(&plan),
        slots_(&activity.slots()),
        seen_activity_(activity.activities() - 1),
        active_(PeriodGrid::before, plan.grid.rows()),
        seen_in_(PeriodGrid::before, plan.grid.rows()),
        tally(plan.rows()) {}

  void count(const ActivityBitmaps& bitmaps) {
    active_.load(bitmaps, *slots_, 0, false);
    const bool is_same = seen_activity_ == 0;
    if (!is_same) seen_in_.load(bitmaps, *slots_, seen_activity_, false);
    const PeriodSets& seen_in = is_same ? active_ : seen_in_;
    const BitmapKernels& kernels = bitmap_kernels();
    const auto common = [&](const std::uint64_t* a, const std::uint64_t* b) -> std::int64_t {
      if (a == nullptr || b == nullptr) return 0;
      return static_cast<std::int64_t>(kernels.count_and(a, b, PersonChunk::words));
    };
    const auto size = [&](const std::uint64_t* set) -> std::int64_t {
      return set == nullptr ? 0 : static_cast<std::int64_t>(kernels.count(set, PersonChunk::words));
    };
    // Who is not new by a first match: those who had one before, and those with another rule.
    PersonSet seen{};
    if (plan_->created != nullptr) {
      const std::uint64_t* const known = plan_->created->known().chunk(bitmaps.chunk());
      std::copy_n(known, seen.size(), seen.begin());
      count_created(bitmaps.chunk(), known);
    }
    std::int64_t active_before = 0;
    for (std::int32_t period = PeriodGrid::before; period < active_.end(); ++period) {
      const std::uint64_t* const set = active_[period];
      const std::int64_t active = size(set);
      if (period > 0) {  // Row 0 of the grid is the period before the answer's first.
        const auto row = static_cast<std::size_t>(period) - 1;
        const std::int64_t known = common(set, seen.data());
        const std::int64_t stayed = common(set, active_[period - 1]);
        tally.fresh[row] += active - known;
        tally.returning[row] += stayed;
        tally.resurrecting[row] += known - stayed;
        tally.dormant[row] += active_before - stayed;
      }
      if (seen_in[period] != nullptr) kernels.add(seen.data(), seen_in[period], seen.size());
      active_before = active;
    }
  }

 private:
  // Those of the periods in which they were created, who are counted as resurrecting beside.
  void count_created(std::uint32_t chunk, const std::uint64_t* known) {
    const auto contains = [&](std::int32_t period, std::uint32_t place) {
      const std::uint64_t* const set = active_[period];
      return set != nullptr && (set[place / 64] >> (place % 64) & 1) != 0;
    };
    const auto count = [&](std::uint32_t place) {
      const PersonOrdinal person = (chunk << PersonChunk::bits) + place;
      const std::int32_t period = plan_->grid.find(*plan_->created->of(person)).period;
      if (period <= 0 || period >= plan_->grid.rows()) return true;
      if (!contains(period, place) || contains(period - 1, place)) return true;
      const auto row = static_cast<std::size_t>(period) - 1;
      ++tally.fresh[row];
      --tally.resurrecting[row];
      return true;
    };
    (void)for_each_row(
        0, PersonChunk::persons, [&](std::uint32_t word) { return known[word]; }, count);
  }

  const LifecyclePlan* plan_;
  const TimeSlots* slots_;
  std::size_t seen_activity_;
  PeriodSets active_;
  PeriodSets seen_in_;

 public:
  LifecycleTally tally;
};

}  // namespace

std::optional<TimeSlots> lifecycle_slots(const LifecyclePlan& plan) {
  if (!plan.query->common.breakdown.empty() || !plan.query->common.unit.empty())
    return std::nullopt;
  return TimeSlots::build(
      plan.grid, plan.query->common.as_of,
      [&](const PeriodGrid::Segment& segment) { return segment.period < plan.grid.rows(); });
}

Result<LifecycleCounts> count_lifecycle(const LifecyclePlan& plan, const ActivityPlan& activity,
                                        unsigned threads) {
  std::vector<std::unique_ptr<LifecycleCounter>> counters(std::max(1u, threads));
  for (auto& counter : counters) counter = std::make_unique<LifecycleCounter>(plan, activity);
  HF_TRY(const ActivityScan scan, for_each_chunk(activity, 5 * activity.slots().size(), threads,
                                                 [&](unsigned thread, const ActivityBitmaps& sets) {
                                                   counters[thread]->count(sets);
                                                 }));
  LifecycleCounts counts{LifecycleTally(plan.rows()), scan};
  for (const auto& counter : counters) counts.tally.add(counter->tally);
  return counts;
}

}  // namespace hf
