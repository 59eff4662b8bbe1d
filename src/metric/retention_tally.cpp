// SPDX-License-Identifier: Apache-2.0
#include "metric/retention_tally.h"

#include <algorithm>

#include "base/assert.h"

namespace hf {

RetentionTally::RetentionTally(const RetentionPlan& plan) : counts(plan.cells()) {
  const RetentionQuery& query = *plan.query;
  if (query.window == Window::rolling) eligible.resize(plan.cells());
  if (query.aggregate == Aggregate::count) events.resize(plan.cells());
  if (query.aggregate == Aggregate::sum || query.aggregate == Aggregate::avg) {
    sums.resize(plan.cells());
  }
}

void RetentionTally::add(const RetentionTally& other) {
  for (std::size_t i = 0; i < counts.size(); ++i) counts[i] += other.counts[i];
  for (std::size_t i = 0; i < eligible.size(); ++i) eligible[i] += other.eligible[i];
  for (std::size_t i = 0; i < events.size(); ++i) events[i] += other.events[i];
  for (std::size_t i = 0; i < sums.size(); ++i) sums[i].add(other.sums[i]);
}

RetentionEvaluator::RetentionEvaluator(const RetentionPlan& plan)
    : plan_(&plan),
      adds_numbers_(!plan.query->value_property.empty()),
      cursor_(plan.grid),
      periods_(static_cast<std::size_t>(plan.grid.size()) + 1),
      columns_(plan.columns.size() + 1) {}

BucketSize RetentionEvaluator::measure(const WalkedUnit& unit) {
  find_memberships(unit.events);
  return {static_cast<std::int64_t>(memberships_.size()), !memberships_.empty()};
}

void RetentionEvaluator::add(const WalkedUnit& unit, Tally& tally) {
  find_memberships(unit.events);
  if (memberships_.empty()) return;
  if (plan_->query->window == Window::calendar) {
    collect_periods(unit);
    for (const Membership& membership : memberships_) {
      count_calendar(membership);
      settle(membership, unit.trait, tally);
    }
    forget_periods();
  } else {
    for (const Membership& membership : memberships_) {
      count_rolling(membership, unit);
      settle(membership, unit.trait, tally);
    }
  }
}

void RetentionEvaluator::find_memberships(std::span<const PersonEvent> events) {
  memberships_.clear();
  const Entry entry = plan_->query->entry;
  const std::uint64_t deciding =
      entry == Entry::first_ever ? plan_->named_bit : retention_bits::start;
  for (const PersonEvent& event : events) {
    if ((event.matched & deciding) == 0) continue;
    const PeriodGrid::Segment& segment = cursor_.at(event.time_ms);
    const bool starts = segment.in_range && (event.matched & retention_bits::start) != 0;
    if (starts && (memberships_.empty() || memberships_.back().row != segment.period)) {
      HF_ASSERT(segment.period >= 0 && segment.period < plan_->grid.rows());
      memberships_.push_back({segment.period, event.time_ms});
      if (plan_->query->window == Window::rolling) return;  // One cohort a person.
    }
    if (entry != Entry::every_period) return;  // Only the first one counts, in range or not.
  }
  // Periods go back where a zone turns its clocks back over midnight.
  if (!std::ranges::is_sorted(memberships_, {}, &Membership::row)) {
    std::ranges::stable_sort(memberships_, {}, &Membership::row);
    memberships_.erase(std::ranges::unique(memberships_, {}, &Membership::row).begin(),
                       memberships_.end());
  }
}

void RetentionEvaluator::add_event(Amount& amount, const WalkedUnit& unit,
                                   const PersonEvent& event) const {
  ++amount.events;
  if (!adds_numbers_) return;
  const EventNumber& number = unit.number(event);
  if (number.state == NumberState::number) amount.sum.add(number.number);
}

void RetentionEvaluator::collect_periods(const WalkedUnit& unit) {
  for (const PersonEvent& event : unit.events) {
    if ((event.matched & (retention_bits::start | retention_bits::returning)) == 0) continue;
    const PeriodGrid::Segment& segment = cursor_.at(event.time_ms);
    if (segment.period == PeriodGrid::before) continue;
    Activity& activity = periods_[segment.period];
    if (activity.starts.events == 0 && activity.returns.events == 0) {
      touched_.push_back(segment.period);
    }
    if ((event.matched & retention_bits::start) != 0 && segment.in_range) {
      add_event(activity.starts, unit, event);
    }
    if ((event.matched & retention_bits::returning) != 0) add_event(activity.returns, unit, event);
  }
  std::ranges::sort(touched_);
  touched_.erase(std::ranges::unique(touched_).begin(), touched_.end());
}

void RetentionEvaluator::forget_periods() {
  for (const std::int32_t period : touched_) periods_[period] = {};
  touched_.clear();
}

void RetentionEvaluator::hit(std::int32_t k, const Amount& amount) {
  const bool beyond = k > plan_->k_max();
  if (beyond && plan_->query->count_return == CountReturn::exactly) return;
  const std::size_t column =
      beyond ? plan_->columns.size() : static_cast<std::size_t>(plan_->column_of[k]);
  if (columns_[column].events == 0) hit_columns_.push_back(column);
  columns_[column].events += amount.events;
  if (adds_numbers_) columns_[column].sum.add(amount.sum);
}

void RetentionEvaluator::count_calendar(const Membership& membership) {
  columns_[0] = periods_[membership.row].starts;
  const auto next = std::ranges::upper_bound(touched_, membership.row);
  for (auto period = next; period != touched_.end(); ++period) {
    const Amount& returns = periods_[*period].returns;
    if (returns.events > 0) hit(*period - membership.row, returns);
  }
}

void RetentionEvaluator::count_rolling(const Membership& membership, const WalkedUnit& unit) {
  columns_[0] = {};
  for (const PersonEvent& event : unit.events) {
    const std::int64_t elapsed_ms = event.time_ms - membership.start_ms;
    if (elapsed_ms < 0) continue;
    const std::int64_t k = elapsed_ms / plan_->rolling_ms;
    if (k == 0) {
      if ((event.matched & retention_bits::start) != 0 && cursor_.at(event.time_ms).in_range) {
        add_event(columns_[0], unit, event);
      }
    } else if ((event.matched & retention_bits::returning) != 0) {
      Amount amount;
      add_event(amount, unit, event);
      hit(static_cast<std::int32_t>(std::min<std::int64_t>(k, plan_->k_max() + 1)), amount);
    }
  }
}

// Turns what was counted by column into the person's share of the cells, and forgets it.
void RetentionEvaluator::settle(const Membership& membership, const std::optional<Decimal>& trait,
                                Tally& tally) {
  const RetentionQuery& query = *plan_->query;
  const std::size_t row = static_cast<std::size_t>(membership.row) * plan_->columns.size();
  credit(row, columns_[0], trait, tally);
  const bool rolling = query.window == Window::rolling;
  const auto is_eligible = [&](std::size_t column) {
    return !rolling || membership.start_ms +
                               (plan_->decisive_k(column) + std::int64_t{1}) * plan_->rolling_ms <=
                           query.common.as_of + 1;
  };
  if (rolling) {
    tally.eligible[row] += 1;
    for (std::size_t c = 1; c < plan_->columns.size(); ++c) {
      if (is_eligible(c)) tally.eligible[row + c] += 1;
    }
  }
  if (query.count_return == CountReturn::exactly) {
    for (const std::size_t c : hit_columns_) {
      if (columns_[c].events >= plan_->occurrences && is_eligible(c)) {
        credit(row + c, columns_[c], trait, tally);
      }
    }
  } else if (!hit_columns_.empty()) {
    // Columns follow one another without gaps, so "in it or later" is the sum from there on.
    Amount later;
    for (std::size_t c = plan_->columns.size(); c > 0; --c) {
      later.events += columns_[c].events;
      if (adds_numbers_) later.sum.add(columns_[c].sum);
      if (c < plan_->columns.size() && later.events >= plan_->occurrences && is_eligible(c)) {
        credit(row + c, later, trait, tally);
      }
    }
  }
  for (const std::size_t c : hit_columns_) columns_[c] = {};
  hit_columns_.clear();
}

void RetentionEvaluator::credit(std::size_t cell, const Amount& amount,
                                const std::optional<Decimal>& trait, Tally& tally) const {
  tally.counts[cell] += 1;
  if (!tally.events.empty()) tally.events[cell] += amount.events;
  if (!tally.sums.empty()) {
    if (!plan_->query->value_trait.empty()) {
      if (trait) tally.sums[cell].add(*trait);
    } else {
      tally.sums[cell].add(amount.sum);
    }
  }
}

}  // namespace hf
