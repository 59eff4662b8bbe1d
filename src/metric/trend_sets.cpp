// SPDX-License-Identifier: Apache-2.0
#include "metric/trend_sets.h"

#include <algorithm>
#include <memory>
#include <utility>

#include "metric/event_counts.h"
#include "metric/period_sets.h"

namespace hf {
namespace {

bool counts_events(TrendMath math) {
  return math == TrendMath::total || math == TrendMath::per_user;
}
bool counts_persons(TrendMath math) {
  return math == TrendMath::unique || math == TrendMath::per_user;
}

/// Which series ask something, and their events.
struct Asked {
  std::vector<std::size_t> series;
  std::vector<Activity> activities;

  Asked(const TrendQuery& query, bool (*asks)(TrendMath)) {
    for (std::size_t s = 0; s < query.series.size(); ++s) {
      if (!asks(query.series[s].math)) continue;
      series.push_back(s);
      activities.push_back({&query.series[s].matcher, &query.common.where});
    }
  }
};

/// Where the persons of a series are counted: by cell, and in all.
std::pair<std::vector<std::int64_t>*, std::int64_t*> persons_of(const TrendQuery& query,
                                                                RangeTally& tally,
                                                                std::size_t series) {
  if (query.series[series].math == TrendMath::unique) {
    return {&tally.counts, &tally.count_totals[series]};
  }
  return {&tally.persons, &tally.person_totals[series]};
}

// One thread's counting of persons.
class PersonCounter {
 public:
  PersonCounter(const TrendQuery& query, const PeriodGrid& grid, const TimeSlots& slots,
                const Asked& asked)
      : query_(&query),
        slots_(&slots),
        asked_(&asked),
        rows_(grid.rows()),
        active_(0, grid.rows()),
        tally(query, static_cast<std::size_t>(grid.rows())) {}

  void count(const ActivityBitmaps& bitmaps) {
    const BitmapKernels& kernels = bitmap_kernels();
    for (std::size_t i = 0; i < asked_->series.size(); ++i) {
      const std::size_t series = asked_->series[i];
      const auto [cells, total] = persons_of(*query_, tally, series);
      active_.load(bitmaps, *slots_, i, true);
      PersonSet anybody{};
      std::int64_t seen = 0;
      for (std::int32_t period = 0; period < rows_; ++period) {
        const std::uint64_t* const set = active_[period];
        if (set == nullptr) continue;
        kernels.add(anybody.data(), set, anybody.size());
        std::int64_t& cell =
            (*cells)[series * static_cast<std::size_t>(rows_) + static_cast<std::size_t>(period)];
        if (query_->cumulative) {
          // A person counts from its first period on, once.
          const std::int64_t so_far = size_of(anybody.data());
          cell += so_far - std::exchange(seen, so_far);
        } else {
          cell += size_of(set);
        }
      }
      *total += size_of(anybody.data());
    }
  }

 private:
  static std::int64_t size_of(const std::uint64_t* set) {
    return static_cast<std::int64_t>(bitmap_kernels().count(set, PersonChunk::words));
  }

  const TrendQuery* query_;
  const TimeSlots* slots_;
  const Asked* asked_;
  std::int32_t rows_;
  PeriodSets active_;

 public:
  RangeTally tally;
};

}  // namespace

Result<std::optional<TrendCounts>> count_trend(const TrendPlan& plan, const Snapshot& snapshot,
                                               const ActivityPlan::Scope& scope) {
  const TrendQuery& query = *plan.query;
  const bool fits = query.common.breakdown.empty() && query.common.unit.empty() &&
                    std::ranges::all_of(query.series, [](const TrendQuery::Series& series) {
                      return counts_events(series.math) || counts_persons(series.math);
                    });
  if (!fits) return std::nullopt;
  std::vector<TimeSlots> slots;
  for (const PeriodGrid& grid : plan.grids) {
    auto of_grid = TimeSlots::build(grid, scope.as_of_ms, [&](const PeriodGrid::Segment& segment) {
      return segment.in_range && segment.period >= 0 && segment.period < grid.rows();
    });
    if (!of_grid) return std::nullopt;
    slots.push_back(*std::move(of_grid));
  }
  const Asked events(query, counts_events);
  const Asked persons(query, counts_persons);
  TrendCounts out{.tally = {&query, {}}, .scan = {}, .steps = {}};
  for (std::size_t range = 0; range < plan.grids.size(); ++range) {
    const PeriodGrid& grid = plan.grids[range];
    RangeTally& tally = out.tally.ranges.emplace_back(query, static_cast<std::size_t>(grid.rows()));
    if (!events.series.empty()) {
      HF_TRY(const EventCounts counts,
             count_events(snapshot, events.activities, slots[range], scope));
      for (std::size_t i = 0; i < events.series.size(); ++i) {
        const std::size_t series = events.series[i];
        for (std::size_t slot = 0; slot < slots[range].size(); ++slot) {
          const auto row = static_cast<std::size_t>(slots[range][slot].period);
          tally.counts[series * static_cast<std::size_t>(grid.rows()) + row] +=
              counts.events[i][slot];
          tally.count_totals[series] += counts.events[i][slot];
        }
      }
      out.scan.events += counts.events_scanned;
      out.steps.insert(out.steps.end(), counts.steps.begin(), counts.steps.end());
    }
    if (persons.series.empty()) continue;
    HF_TRY(const ActivityPlan activity,
           ActivityPlan::bind(snapshot, persons.activities, slots[range], scope));
    const unsigned threads = scope.context->threads;
    std::vector<std::unique_ptr<PersonCounter>> counters(std::max(1u, threads));
    for (auto& counter : counters) {
      counter = std::make_unique<PersonCounter>(query, grid, slots[range], persons);
    }
    HF_TRY(const ActivityScan scan,
           for_each_chunk(activity, 3 * persons.series.size() * slots[range].size(), threads,
                          [&](unsigned thread, const ActivityBitmaps& sets) {
                            counters[thread]->count(sets);
                          }));
    for (const auto& counter : counters) tally.add(query, counter->tally);
    out.scan.events += scan.events;
    out.scan.persons = std::max(out.scan.persons, scan.persons);
    const std::vector<ReadStep> steps = activity.steps();
    out.steps.insert(out.steps.end(), steps.begin(), steps.end());
  }
  return out;
}

}  // namespace hf
