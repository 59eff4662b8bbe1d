// SPDX-License-Identifier: Apache-2.0
#include "metric/retention_days.h"

#include <algorithm>
#include <array>
#include <memory>

#include "base/assert.h"
#include "base/bitmap.h"
#include "metric/period_bitmaps.h"

namespace hf {
namespace {

constexpr std::size_t slots_max = 2048;  // 4 MB of bitmaps a thread.

using Words = std::array<std::uint64_t, PersonChunk::words>;

// One thread's counting.
class DayCounter {
 public:
  DayCounter(const DayIndex& index, const RetentionPlan& plan, std::span<const DaySlot> slots)
      : plan_(&plan),
        slots_(slots),
        kernels_(bitmap_kernels()),
        sets_(index, slots),
        returned_(static_cast<std::size_t>(plan.grid.size())),
        started_(static_cast<std::size_t>(plan.grid.rows())),
        tally(plan) {}

  void count(std::uint32_t chunk) {
    sets_.load(chunk);
    std::ranges::fill(returned_, nullptr);
    std::ranges::fill(started_, nullptr);
    merged_.clear();
    const bool first_time = plan_->query->entry == Entry::first_time;
    Words seen{};
    for (std::size_t i = 0; i < slots_.size(); ++i) {
      const std::uint64_t* const active = sets_.slot(i);
      if (active == nullptr) continue;
      const DaySlot& slot = slots_[i];
      if (slot.period >= 0 && slot.period < plan_->grid.size()) {
        unite(returned_[static_cast<std::size_t>(slot.period)], active);
      }
      const bool is_start = slot.in_range && slot.period >= 0 && slot.period < plan_->grid.rows();
      if (is_start && !first_time) unite(started_[static_cast<std::size_t>(slot.period)], active);
      if (is_start && first_time) {
        Words& entered = *merged_.emplace_back(std::make_unique<Words>());
        for (std::size_t w = 0; w < seen.size(); ++w) entered[w] = active[w] & ~seen[w];
        unite(started_[static_cast<std::size_t>(slot.period)], entered.data());
      }
      kernels_.add(seen.data(), active, seen.size());
    }
    persons += kernels_.count(seen.data(), seen.size());

    const std::size_t columns = plan_->columns.size();
    for (std::size_t row = 0; row < started_.size(); ++row) {
      if (started_[row] == nullptr) continue;
      std::int64_t* const cells = tally.counts.data() + row * columns;
      cells[0] += static_cast<std::int64_t>(kernels_.count(started_[row], PersonChunk::words));
      for (std::size_t c = 1; c < columns; ++c) {
        const std::size_t period = row + static_cast<std::size_t>(plan_->columns[c].first);
        if (period >= returned_.size() || returned_[period] == nullptr) continue;
        cells[c] += static_cast<std::int64_t>(
            kernels_.count_and(started_[row], returned_[period], PersonChunk::words));
      }
    }
  }

 private:
  // The set of a period is mostly one slot's; only where the range cuts it are there more.
  void unite(const std::uint64_t*& set, const std::uint64_t* more) {
    if (set == nullptr) {
      set = more;
      return;
    }
    Words& both = *merged_.emplace_back(std::make_unique<Words>());
    std::copy_n(set, both.size(), both.data());
    kernels_.add(both.data(), more, both.size());
    set = both.data();
  }

  const RetentionPlan* plan_;
  std::span<const DaySlot> slots_;
  const BitmapKernels& kernels_;
  PeriodBitmaps sets_;
  std::vector<const std::uint64_t*> returned_;  // By period; nullptr: nobody.
  std::vector<const std::uint64_t*> started_;   // By row.
  std::vector<std::unique_ptr<Words>> merged_;  // What these point to, if not into sets_.

 public:
  RetentionTally tally;
  std::uint64_t persons = 0;
};

}  // namespace

bool can_count_days(const RetentionPlan& plan) {
  const RetentionQuery& query = *plan.query;
  if (!query.start.is_any_event() || !query.returning.is_any_event() ||
      !query.common.where.asks_nothing() || query.window != Window::calendar ||
      query.count_return != CountReturn::exactly || query.aggregate != Aggregate::users ||
      plan.occurrences != 1 || query.common.breakdown || query.entry == Entry::first_ever) {
    return false;
  }
  if (!std::ranges::all_of(plan.columns,
                           [](const RetentionColumn& c) { return c.first == c.last; })) {
    return false;
  }
  const auto slots = day_slots(plan.grid, *query.common.zone, query.common.as_of);
  return slots && slots->size() <= slots_max;
}

DayCounts count_days(const DayIndex& index, const RetentionPlan& plan, unsigned threads) {
  const CommonFields& common = plan.query->common;
  const auto slots = day_slots(plan.grid, *common.zone, common.as_of);
  HF_ASSERT(slots.has_value());
  std::vector<std::unique_ptr<DayCounter>> counters(std::max(1u, threads));
  for (auto& counter : counters) counter = std::make_unique<DayCounter>(index, plan, *slots);
  const std::size_t steps = slots->size() + plan.cells();
  for_each_chunk(index, steps, threads,
                 [&](unsigned thread, std::uint32_t chunk) { counters[thread]->count(chunk); });
  DayCounts counts{RetentionTally(plan), 0};
  for (const auto& counter : counters) {
    counts.tally.add(counter->tally);
    counts.persons += counter->persons;
  }
  return counts;
}

}  // namespace hf
