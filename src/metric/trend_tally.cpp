// SPDX-License-Identifier: Apache-2.0
#include "metric/trend_tally.h"

#include <algorithm>
#include <bit>
#include <utility>

#include "base/assert.h"

namespace hf {
namespace {

// The one of the two that min or max keeps.
Decimal extreme_of(TrendMath math, Decimal a, Decimal b) {
  return math == TrendMath::min ? std::min(a, b) : std::max(a, b);
}

bool is_extreme(TrendMath math) { return math == TrendMath::min || math == TrendMath::max; }

template <class Number>
void add_each(std::vector<Number>& sums, const std::vector<Number>& more) {
  for (std::size_t i = 0; i < sums.size(); ++i) {
    if constexpr (std::is_same_v<Number, DecimalSum>) {
      sums[i].add(more[i]);
    } else {
      sums[i] += more[i];
    }
  }
}

}  // namespace

std::size_t TrendPlan::cells() const {
  std::size_t rows = 0;
  for (const PeriodGrid& grid : grids) rows += static_cast<std::size_t>(grid.rows());
  return rows * query->series.size();
}

RangeTally::RangeTally(const TrendQuery& query, std::size_t rows)
    : counts(query.series.size() * rows), count_totals(query.series.size()) {
  for (const TrendQuery::Series& series : query.series) {
    if (series.math == TrendMath::per_user) {
      persons.resize(counts.size());
      person_totals.resize(query.series.size());
    }
    if (series.math == TrendMath::sum || series.math == TrendMath::avg) sums.resize(counts.size());
    if (is_extreme(series.math)) extremes.resize(counts.size());
  }
}

void RangeTally::add(const TrendQuery& query, const RangeTally& other) {
  const std::size_t rows = counts.size() / query.series.size();
  for (std::size_t cell = 0; cell < extremes.size(); ++cell) {
    if (other.counts[cell] == 0) continue;
    extremes[cell] = counts[cell] == 0 ? other.extremes[cell]
                                       : extreme_of(query.series[cell / rows].math, extremes[cell],
                                                    other.extremes[cell]);
  }
  add_each(counts, other.counts);
  add_each(count_totals, other.count_totals);
  add_each(persons, other.persons);
  add_each(person_totals, other.person_totals);
  add_each(sums, other.sums);
  numbers.insert(numbers.end(), other.numbers.begin(), other.numbers.end());
}

RangeCounter::RangeCounter(const TrendPlan& plan, const PeriodGrid& grid)
    : plan_(&plan),
      rows_(static_cast<std::size_t>(grid.rows())),
      cursor_(grid),
      was_seen_(plan.query->series.size() * rows_),
      first_period_(plan.query->series.size(), nowhere),
      active_days_(plan.query->series.size()) {
  for (std::size_t s = 0; s < plan.query->series.size(); ++s) {
    const TrendMath math = plan.query->series[s].math;
    if (active_days(math) > 0) active_bits_ |= std::uint64_t{1} << s;
    if (math == TrendMath::unique) unique_bits_ |= std::uint64_t{1} << s;
  }
  if (active_bits_ == 0) return;
  for (std::int32_t row = 0; row < grid.rows(); ++row) ends_.push_back(grid.last_day(row));
}

// Whether the day is among the `days` that end with the last day of some row.
bool RangeCounter::is_in_window(Day day, Day days) const {
  const auto end = std::ranges::lower_bound(ends_, day);
  return end != ends_.end() && *end - days < day;
}

std::int64_t RangeCounter::size(const WalkedUnit& unit) {
  std::int64_t events = 0;
  std::uint64_t persons_of = 0;
  for (const PersonEvent& event : unit.events) {
    if (cursor_.at(event.time_ms).in_range) {
      events += std::popcount(event.matched & ~active_bits_ & ~unique_bits_);
      persons_of |= event.matched & unique_bits_;
    }
    std::uint64_t active = event.matched & active_bits_ & ~persons_of;
    if (active == 0) continue;
    const Day day = plan_->query->common.zone->local_day(event.time_ms);
    for (; active != 0; active &= active - 1) {
      const auto s = static_cast<std::size_t>(std::countr_zero(active));
      if (is_in_window(day, active_days(plan_->query->series[s].math))) {
        persons_of |= std::uint64_t{1} << s;
      }
    }
  }
  return events + std::popcount(persons_of);
}

void RangeCounter::add(const WalkedUnit& unit, RangeTally& tally) {
  for (const PersonEvent& event : unit.events) {
    const PeriodGrid::Segment& segment = cursor_.at(event.time_ms);
    if (segment.in_range) add_event(unit, event, segment.period, tally);
    std::uint64_t active = event.matched & active_bits_;
    if (active == 0) continue;
    // In range or not: the windows reach back before it, and hold whole days.
    const Day day = plan_->query->common.zone->local_day(event.time_ms);
    for (; active != 0; active &= active - 1) {
      std::vector<Day>& days = active_days_[static_cast<std::size_t>(std::countr_zero(active))];
      if (days.empty() || days.back() != day) days.push_back(day);
    }
  }
  settle_seen(tally);
  for (std::uint64_t active = active_bits_; active != 0; active &= active - 1) {
    settle_active(static_cast<std::size_t>(std::countr_zero(active)), tally);
  }
}

void RangeCounter::add_event(const WalkedUnit& unit, const PersonEvent& event, std::int32_t period,
                             RangeTally& tally) {
  for (std::uint64_t bits = event.matched & ~active_bits_; bits != 0; bits &= bits - 1) {
    const auto s = static_cast<std::size_t>(std::countr_zero(bits));
    const TrendMath math = plan_->query->series[s].math;
    const std::size_t cell = s * rows_ + static_cast<std::size_t>(period);
    if (is_of_numbers(math)) {
      const EventNumber& number = unit.number(event, plan_->value_of_series[s]);
      if (number.state == NumberState::number) add_number(s, cell, number.number, tally);
      continue;
    }
    if (math != TrendMath::unique) {
      ++tally.counts[cell];
      ++tally.count_totals[s];
    }
    if (math != TrendMath::total) see(s, cell, period);
  }
}

void RangeCounter::add_number(std::size_t series, std::size_t cell, Decimal number,
                              RangeTally& tally) {
  const TrendMath math = plan_->query->series[series].math;
  if (percent_of(math) > 0) {
    if (plan_->keeps_numbers) {
      if (room_left_ == 0) {
        if (!plan_->room->take_block()) return;
        room_left_ = BlockRoom::block_values;
      }
      --room_left_;
      tally.numbers.push_back({static_cast<std::uint32_t>(cell), number});
    }
  } else if (is_extreme(math)) {
    Decimal& kept = tally.extremes[cell];
    kept = tally.counts[cell] == 0 ? number : extreme_of(math, kept, number);
  } else {
    tally.sums[cell].add(number);
  }
  ++tally.counts[cell];
  ++tally.count_totals[series];
}

void RangeCounter::see(std::size_t series, std::size_t cell, std::int32_t period) {
  first_period_[series] = std::min(first_period_[series], period);
  if (was_seen_[cell] != 0) return;
  was_seen_[cell] = 1;
  seen_.push_back(cell);
}

void RangeCounter::settle_seen(RangeTally& tally) {
  if (seen_.empty()) return;
  const TrendQuery& query = *plan_->query;
  const auto persons = [&](std::size_t s) -> std::vector<std::int64_t>& {
    return query.series[s].math == TrendMath::unique ? tally.counts : tally.persons;
  };
  for (std::size_t s = 0; s < first_period_.size(); ++s) {
    if (first_period_[s] == nowhere) continue;
    ++(query.series[s].math == TrendMath::unique ? tally.count_totals : tally.person_totals)[s];
    // Cumulated, a person counts from its first period on, once.
    if (query.cumulative) ++persons(s)[s * rows_ + static_cast<std::size_t>(first_period_[s])];
    first_period_[s] = nowhere;
  }
  for (const std::size_t cell : seen_) {
    if (!query.cumulative) ++persons(cell / rows_)[cell];
    was_seen_[cell] = 0;
  }
  seen_.clear();
}

// Counts the person in each row whose window has one of its days.
void RangeCounter::settle_active(std::size_t series, RangeTally& tally) {
  std::vector<Day>& days = active_days_[series];
  if (days.empty()) return;
  const Day length = active_days(plan_->query->series[series].math);
  // Dates go back where a zone turns its clocks back over midnight.
  if (!std::ranges::is_sorted(days)) std::ranges::sort(days);
  const auto row_of = [&](Day day) {
    return static_cast<std::size_t>(std::ranges::lower_bound(ends_, day) - ends_.begin());
  };
  std::size_t done = 0;
  for (const Day day : days) {
    if (done == rows_) break;
    const std::size_t end = row_of(day + length);
    for (std::size_t row = std::max(done, row_of(day)); row < end; ++row) {
      ++tally.counts[series * rows_ + row];
      // The last row ends with the range.
      if (row + 1 == rows_) ++tally.count_totals[series];
    }
    done = std::max(done, end);
  }
  days.clear();
}

TrendEvaluator::TrendEvaluator(const TrendPlan& plan) : plan_(&plan) {
  for (const PeriodGrid& grid : plan.grids) counters_.emplace_back(plan, grid);
}

TrendTally TrendEvaluator::empty_tally() const {
  TrendTally tally{plan_->query, {}};
  for (const RangeCounter& counter : counters_) tally.ranges.push_back(counter.empty_tally());
  return tally;
}

BucketSize TrendEvaluator::measure(const WalkedUnit& unit) {
  const std::int64_t size = counters_.front().size(unit);
  const auto has_any = [&](RangeCounter& counter) { return counter.size(unit) > 0; };
  return {size, size > 0 || std::any_of(counters_.begin() + 1, counters_.end(), has_any)};
}

void TrendEvaluator::add(const WalkedUnit& unit, Tally& tally) {
  for (std::size_t i = 0; i < counters_.size(); ++i) counters_[i].add(unit, tally.ranges[i]);
}

}  // namespace hf
