// SPDX-License-Identifier: Apache-2.0
#include "metric/funnel_tally.h"

#include <algorithm>
#include <numeric>

#include "base/assert.h"

namespace hf {

std::int64_t mean_ms(const FunnelOutcome& outcome, std::size_t from, std::size_t to) {
  HF_ASSERT(from < to && to <= outcome.depth && outcome.attempts > 0);
  const std::int64_t sum = std::accumulate(
      outcome.sums_ms.begin() + static_cast<std::ptrdiff_t>(from - 1),
      outcome.sums_ms.begin() + static_cast<std::ptrdiff_t>(to - 1), std::int64_t{0});
  return (2 * sum + outcome.attempts) / (2 * outcome.attempts);
}

void FunnelTally::add(const FunnelTally& other) {
  for (std::size_t i = 0; i < counts.size(); ++i) counts[i] += other.counts[i];
  for (std::size_t i = 0; i < durations_ms.size(); ++i) {
    durations_ms[i].insert(durations_ms[i].end(), other.durations_ms[i].begin(),
                           other.durations_ms[i].end());
  }
}

FunnelEvaluator::FunnelEvaluator(const FunnelPlan& plan) : plan_(&plan), search_(plan.rules) {
  if (plan.grid) cursor_.emplace(*plan.grid);
}

FunnelTally FunnelEvaluator::empty_tally() const {
  const std::size_t steps = plan_->query->steps.size();
  switch (plan_->query->view) {
    case FunnelView::steps:
      return {std::vector<std::int64_t>(steps), std::vector<std::vector<std::int64_t>>(steps)};
    case FunnelView::trend: return {std::vector<std::int64_t>(2 * plan_->grid->rows()), {}};
    case FunnelView::time_to_convert: return {{}, std::vector<std::vector<std::int64_t>>(1)};
  }
  HF_ASSERT(false);
  return {};
}

BucketSize FunnelEvaluator::measure(const WalkedUnit& unit) {
  take(unit);
  std::int64_t size = 0;
  switch (plan_->query->view) {
    case FunnelView::steps: size = searched(unit).counts() ? 1 : 0; break;
    case FunnelView::trend:
      for_each_period([&](std::int32_t, const FunnelOutcome& outcome) {
        if (!unit.depths.contain(outcome.depth)) return;
        if (outcome.depth >= plan_->query->from_step) ++size;
      });
      break;
    case FunnelView::time_to_convert: size = time_to_convert(searched(unit)) ? 1 : 0; break;
  }
  return {size, size > 0};
}

void FunnelEvaluator::add(const WalkedUnit& unit, Tally& tally) {
  take(unit);
  if (plan_->query->view != FunnelView::trend) {
    add_outcome(searched(unit), tally);
    return;
  }
  for_each_period([&](std::int32_t period, const FunnelOutcome& outcome) {
    if (!unit.depths.contain(outcome.depth)) return;
    const auto at = static_cast<std::size_t>(period) * 2;
    if (outcome.depth >= plan_->query->from_step) ++tally.counts[at];
    if (outcome.depth >= plan_->query->to_step) ++tally.counts[at + 1];
  });
}

// Of the events taken; no attempt where the group at hand is of others.
FunnelOutcome FunnelEvaluator::searched(const WalkedUnit& unit) {
  FunnelOutcome outcome = search_.search(events_);
  if (!unit.depths.contain(outcome.depth)) outcome = {};
  return outcome;
}

void FunnelEvaluator::keep(std::int64_t duration_ms, std::vector<std::int64_t>& durations_ms) {
  if (plan_->room != nullptr) {
    if (room_left_ == 0) {
      if (!plan_->room->take_block()) {
        outcome_ = plan_->room->outcome();
        return;
      }
      room_left_ = BlockRoom::block_values;
    }
    --room_left_;
  }
  durations_ms.push_back(duration_ms);
}

void FunnelEvaluator::add_outcome(const FunnelOutcome& outcome, Tally& tally) {
  if (plan_->query->view == FunnelView::time_to_convert) {
    if (const auto duration = time_to_convert(outcome)) keep(*duration, tally.durations_ms[0]);
    return;
  }
  HF_ASSERT(plan_->query->view == FunnelView::steps);
  if (!outcome.counts()) return;
  for (std::size_t k = 0; k < outcome.depth; ++k) {
    ++tally.counts[k];
    if (k > 0) keep(mean_ms(outcome, k, k + 1), tally.durations_ms[k]);
  }
}

void FunnelEvaluator::take(const WalkedUnit& unit) {
  const std::span<const PersonEvent> events = unit.events;
  held_.clear();
  events_.clear();
  period_of_.clear();
  const std::size_t steps = plan_->query->steps.size();
  const auto step_bits = (std::uint64_t{1} << steps) - 1;
  const auto exclusion_bits = (std::uint64_t{1} << plan_->query->exclude.size()) - 1;
  const auto taken = [&](const PersonEvent& event) {
    const std::uint64_t matched = event.matched;
    return FunnelEvent{event.time_ms, matched & step_bits, matched >> steps & exclusion_bits};
  };
  if (!cursor_ && !plan_->rules.holds_values && plan_->range.size() == 1) {
    // Nearly always, and then of every event: written without looking for room each time.
    const auto [from, to] = plan_->range.front();
    events_.resize(events.size());
    std::size_t count = 0;
    for (const PersonEvent& event : events) {
      events_[count] = taken(event);
      count += event.time_ms >= from && event.time_ms < to ? 1 : 0;
    }
    events_.resize(count);
    return;
  }
  for (const PersonEvent& event : events) {
    if (cursor_) {
      const PeriodGrid::Segment& segment = cursor_->at(event.time_ms);
      if (!segment.in_range) continue;
      append(taken(event), unit, event, segment.period);
    } else if (std::ranges::any_of(plan_->range, [&](const Interval& interval) {
                 return event.time_ms >= interval.from_ms && event.time_ms < interval.to_ms;
               })) {
      append(taken(event), unit, event, 0);
    }
  }
}

void FunnelEvaluator::append(FunnelEvent taken, const WalkedUnit& unit, const PersonEvent& event,
                             std::int32_t period) {
  if (!plan_->rules.holds_values) {
    events_.push_back(taken);
    period_of_.push_back(period);
    return;
  }
  // An event with a list of values is one of each of them.
  std::size_t count = 1;
  for (std::size_t at = 0; at < plan_->query->hold_constant.size(); ++at) {
    count = std::min(count * unit.key(event, at)->size(), combinations_max + 1);
  }
  if (count > combinations_max ||
      events_.size() + count > unit.events.size() + unit_combinations_max) {
    outcome_ = too_many_combinations();
  }
  if (!outcome_) return;
  std::vector<BucketId> values(plan_->query->hold_constant.size());
  const auto visit = [&](auto&& self, std::size_t at) -> void {
    if (at < values.size()) {
      for (const BucketId value : *unit.key(event, at)) {
        values[at] = value;
        self(self, at + 1);
      }
      return;
    }
    const bool is_missing = std::ranges::find(values, BucketTable::missing) != values.end();
    taken.held =
        is_missing
            ? FunnelEvent::no_value
            : held_.try_emplace(values, static_cast<std::uint32_t>(held_.size())).first->second;
    events_.push_back(taken);
    period_of_.push_back(period);
  };
  visit(visit, 0);
}

std::optional<std::int64_t> FunnelEvaluator::time_to_convert(const FunnelOutcome& outcome) const {
  if (!outcome.counts() || outcome.depth < plan_->query->to_step) return std::nullopt;
  return mean_ms(outcome, plan_->query->from_step, plan_->query->to_step);
}

bool FunnelEvaluator::may_begin(const FunnelEvent& event) const {
  if (plan_->rules.holds_values && event.held == FunnelEvent::no_value) return false;
  return plan_->rules.order == FunnelOrder::any ? event.steps != 0 : (event.steps & 1u) != 0;
}

// Calls use(period, outcome) for each period in which an attempt begins that counts, each searched
// by itself: what an attempt of another period does has no say in it.
template <class Use>
void FunnelEvaluator::for_each_period(Use&& use) {
  entered_.clear();
  for (std::size_t i = 0; i < events_.size(); ++i) {
    if (!may_begin(events_[i])) continue;
    const TimestampMs t = events_[i].time_ms;
    const TimestampMs end = plan_->rules.window->end(t);
    // Times ascend, so do periods but where clocks go back over midnight.
    auto at =
        std::ranges::find(entered_.rbegin(), entered_.rend(), period_of_[i], &Entered::period);
    if (at == entered_.rend()) {
      entered_.push_back({period_of_[i], t, end});
    } else {
      at->end_ms = std::max(at->end_ms, end);
    }
    if (plan_->rules.first_only) break;
  }
  for (const auto& [period, first, last] : entered_) {
    const auto begin = std::ranges::lower_bound(events_, first, {}, &FunnelEvent::time_ms);
    const auto end = std::ranges::upper_bound(events_, last, {}, &FunnelEvent::time_ms);
    for (auto at = begin; at != end; ++at) {
      at->may_start = period_of_[static_cast<std::size_t>(at - events_.begin())] == period;
    }
    const FunnelOutcome outcome = search_.search(std::span<const FunnelEvent>(begin, end));
    if (outcome.counts()) use(period, outcome);
  }
}

}  // namespace hf
