// SPDX-License-Identifier: Apache-2.0
#include "metric/retention_bitmaps.h"

#include <algorithm>
#include <bit>
#include <memory>

#include "metric/period_sets.h"

namespace hf {
namespace {

// One thread's counting.
class RetentionCounter {
 public:
  RetentionCounter(const RetentionPlan& plan, const ActivityPlan& activity,
                   const PersonBuckets* buckets)
      : plan_(&plan),
        slots_(&activity.slots()),
        buckets_(buckets),
        return_activity_(activity.activities() - 1),
        started_(0, plan.grid.rows()),
        returned_(0, plan.grid.size()),
        tally(plan) {
    if (buckets != nullptr) by_cell.resize(plan.cells() * buckets->end);
  }

  void count(const ActivityBitmaps& bitmaps) {
    returned_.load(bitmaps, *slots_, return_activity_, false);
    if (plan_->query->entry == Entry::first_time) {
      find_first_times(bitmaps);
    } else {
      started_.load(bitmaps, *slots_, 0, true);
    }
    const std::size_t columns = plan_->columns.size();
    for (std::int32_t row = 0; row < started_.end(); ++row) {
      const std::uint64_t* const cohort = started_[row];
      if (cohort == nullptr) continue;
      const std::size_t first = static_cast<std::size_t>(row) * columns;
      count_cell(first, bitmaps.chunk(), cohort, nullptr);
      for (std::size_t c = 1; c < columns; ++c) {
        const std::int32_t period = row + plan_->columns[c].first;
        if (!returned_.holds(period) || returned_[period] == nullptr) continue;
        count_cell(first + c, bitmaps.chunk(), cohort, returned_[period]);
      }
    }
  }

 private:
  // Those of the cohort who are also in `returned`, where there is such a set.
  void count_cell(std::size_t cell, std::uint32_t chunk, const std::uint64_t* cohort,
                  const std::uint64_t* returned) {
    if (buckets_ == nullptr) {
      const BitmapKernels& kernels = bitmap_kernels();
      tally.counts[cell] += static_cast<std::int64_t>(
          returned == nullptr ? kernels.count(cohort, PersonChunk::words)
                              : kernels.count_and(cohort, returned, PersonChunk::words));
      return;
    }
    const std::uint16_t* of = buckets_->of.data() + (chunk << PersonChunk::bits);
    std::int64_t* const counts = by_cell.data() + cell * buckets_->end;
    for (std::size_t w = 0; w < PersonChunk::words; ++w, of += 64) {
      std::uint64_t rest = returned == nullptr ? cohort[w] : cohort[w] & returned[w];
      for (; rest != 0; rest &= rest - 1) ++counts[of[std::countr_zero(rest)]];
    }
  }

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
  const PersonBuckets* buckets_;  // Null: no groups.
  std::size_t return_activity_;
  PeriodSets started_;
  PeriodSets returned_;

 public:
  RetentionTally tally;               // Without groups.
  std::vector<std::int64_t> by_cell;  // By cell, then bucket.
};

// Each person is in one bucket: the total is their sum.
GroupedTallies<RetentionTally> tallies_of(const RetentionPlan& plan, const RetentionGroup& group,
                                          const std::vector<std::int64_t>& by_cell) {
  const std::size_t buckets = group.buckets->end;
  const std::size_t columns = plan.columns.size();
  GroupedTallies<RetentionTally> result{.total = RetentionTally(plan), .groups = {}, .scan = {}};
  std::vector<BucketSize> sizes(group.by->table->size());
  for (std::size_t cell = 0; cell < plan.cells(); cell += columns) {
    for (std::size_t id = 0; id < buckets; ++id) {
      const std::int64_t size = by_cell[cell * buckets + id];
      sizes[id].add({size, size > 0});
    }
  }
  const BucketRanking ranking = rank_buckets(*group.by->table, sizes, group.by->top);
  for (const Bucket& bucket : ranking.shown) result.groups.push_back({{bucket}, result.total});
  for (std::size_t cell = 0; cell < plan.cells(); ++cell) {
    for (std::size_t id = 0; id < buckets; ++id) {
      const std::int64_t count = by_cell[cell * buckets + id];
      if (count == 0) continue;
      result.total.counts[cell] += count;
      const auto slot = ranking.slot(static_cast<BucketId>(id));
      result.groups[static_cast<std::size_t>(slot)].tally.counts[cell] += count;
    }
  }
  return result;
}

}  // namespace

std::optional<TimeSlots> retention_slots(const RetentionPlan& plan) {
  const RetentionQuery& query = *plan.query;
  const bool is_asked =
      query.window == Window::calendar && query.count_return == CountReturn::exactly &&
      query.aggregate == Aggregate::users && plan.occurrences == 1 && query.common.unit.empty() &&
      query.entry != Entry::first_ever &&
      std::ranges::all_of(plan.columns, [](const RetentionColumn& c) { return c.first == c.last; });
  if (!is_asked) return std::nullopt;
  // Whose first time lies before the first row is in no cohort.
  const std::int32_t first_period = query.entry == Entry::first_time ? PeriodGrid::before : 0;
  return TimeSlots::build(plan.grid, query.common.as_of, [&](const PeriodGrid::Segment& segment) {
    return segment.period >= first_period && segment.period < plan.grid.size();
  });
}

Result<std::optional<GroupedTallies<RetentionTally>>> count_retention(
    const RetentionPlan& plan, const ActivityPlan& activity, unsigned threads,
    const std::optional<RetentionGroup>& group) {
  constexpr std::size_t counts_max = 4'000'000;
  if (group && plan.cells() * group->buckets->end > counts_max) return std::nullopt;
  HeldBytes held(activity.guard());
  if (group) {
    HF_CHECK(held.grow_to(plan.cells() * group->buckets->end * sizeof(std::int64_t) *
                          std::max(1u, threads)));
  }
  std::vector<std::unique_ptr<RetentionCounter>> counters(std::max(1u, threads));
  for (auto& counter : counters) {
    counter = std::make_unique<RetentionCounter>(plan, activity, group ? group->buckets : nullptr);
  }
  const std::size_t steps = activity.slots().size() + plan.cells();
  const auto count = [&](unsigned thread, const ActivityBitmaps& sets) {
    counters[thread]->count(sets);
  };
  HF_TRY(const ActivityScan scan, for_each_chunk(activity, steps, threads, count));
  GroupedTallies<RetentionTally> tallies{.total = RetentionTally(plan), .groups = {}, .scan = {}};
  if (group) {
    std::vector<std::int64_t>& sum = counters.front()->by_cell;
    for (std::size_t i = 1; i < counters.size(); ++i) {
      for (std::size_t at = 0; at < sum.size(); ++at) sum[at] += counters[i]->by_cell[at];
    }
    tallies = tallies_of(plan, *group, sum);
  } else {
    for (const auto& counter : counters) tallies.total.add(counter->tally);
  }
  tallies.scan = {.events = scan.events, .persons = scan.persons};
  return tallies;
}

}  // namespace hf
