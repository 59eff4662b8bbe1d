// SPDX-License-Identifier: Apache-2.0
#include "metric/funnel_any_order.h"

#include <algorithm>
#include <bit>
#include <utility>

namespace hf {

FunnelAnyOrder::FunnelAnyOrder(const FunnelRules& rules)
    : rules_(&rules), excluded_(rules.exclusions.size()) {
  std::vector<std::size_t> kind_of(rules.steps());
  for (std::size_t k = 0; k < rules.steps(); ++k) {
    if (rules.same_as[k] == k) {
      kind_of[k] = kinds_.size();
      kinds_.emplace_back();
    } else {
      kind_of[k] = kind_of[rules.same_as[k]];
    }
    kinds_[kind_of[k]].steps |= std::uint64_t{1} << k;
    ++kinds_[kind_of[k]].count;
  }
  next_.resize(kinds_.size());
}

FunnelOutcome FunnelAnyOrder::search(std::span<const FunnelEvent> events,
                                     std::optional<TimestampMs> only_start) {
  FunnelOutcome outcome;
  sweep(events, only_start, [&](std::size_t, const FunnelStart&, Times times) {
    outcome.depth = std::max(outcome.depth, times.size());
  });
  if (outcome.depth == 0) return outcome;

  for (auto& times : excluded_) times.clear();
  for (const FunnelEvent& event : events) {
    for (std::uint64_t bits = event.excludes; bits != 0; bits &= bits - 1) {
      excluded_[static_cast<std::size_t>(std::countr_zero(bits))].push_back(event.time_ms);
    }
  }
  candidates_.clear();
  sweep(events, only_start, [&](std::size_t number, const FunnelStart& start, Times times) {
    if (times.size() < outcome.depth) return;
    const Spoiled how = spoiled(times, start.ends_ms);
    if (how == Spoiled::before_end) return;
    candidates_.push_back({times.back(), start, number, how == Spoiled::later});
  });
  // Of each end the latest start; then those that contain no other, by the number of their start.
  std::ranges::sort(candidates_, [](const Candidate& a, const Candidate& b) {
    return a.end_ms != b.end_ms ? a.end_ms < b.end_ms : a.start > b.start;
  });
  const auto same_end = std::ranges::unique(candidates_, {}, &Candidate::end_ms);
  candidates_.erase(same_end.begin(), same_end.end());
  FunnelStart latest;
  std::erase_if(candidates_, [&](const Candidate& candidate) {
    if (candidate.spoiled_later || candidate.start <= latest) return true;
    latest = candidate.start;
    return false;
  });
  std::ranges::sort(candidates_, {}, &Candidate::number);
  auto next = candidates_.begin();
  sweep(events, only_start, [&](std::size_t number, const FunnelStart&, Times times) {
    if (next == candidates_.end() || next->number != number) return;
    outcome.add(times);
    ++next;
  });
  outcome.excluded = outcome.attempts == 0;
  return outcome;
}

// Calls use(number, start, times of its steps) for every attempt.
template <class Use>
void FunnelAnyOrder::sweep(std::span<const FunnelEvent> events,
                           std::optional<TimestampMs> only_start, Use&& use) {
  std::size_t number = 0;
  const auto may_start = [&](const FunnelEvent& event) {
    return event.may_start && (!only_start || *only_start == event.time_ms);
  };
  const bool is_of_one_kind = std::ranges::all_of(events, [&](const FunnelEvent& event) {
    return std::ranges::count_if(
               kinds_, [&](const Kind& kind) { return (kind.steps & event.steps) != 0; }) <= 1;
  });
  if (is_of_one_kind) {
    sweep_back(events, [&](const FunnelEvent& event) {
      if (!may_start(event)) return;
      const TimestampMs t = event.time_ms;
      const FunnelStart start{rules_->window->end(t), t};
      times_.clear();
      for (const auto& next : next_) {
        for (const TimestampMs time : next) {
          if (time <= start.ends_ms) times_.push_back(time);
        }
      }
      std::ranges::sort(times_);
      use(number++, start, Times(times_));
    });
    return;
  }
  list_by_steps(events);
  std::optional<TimestampMs> begun;
  for (const FunnelEvent& event : events) {
    if (event.steps == 0 || begun == event.time_ms || !may_start(event)) continue;
    begun = event.time_ms;
    const FunnelStart start{rules_->window->end(event.time_ms), event.time_ms};
    do_steps(start);
    use(number++, start, Times(times_));
  }
}

// Calls use(event) with the last event of every instant that has steps, backwards, when `next_`
// holds what follows from that instant on.
template <class Use>
void FunnelAnyOrder::sweep_back(std::span<const FunnelEvent> events, Use&& use) {
  for (auto& next : next_) next.clear();
  for (std::size_t i = events.size(); i > 0;) {
    const FunnelEvent& event = events[i - 1];
    std::uint64_t steps = 0;
    for (; i > 0 && events[i - 1].time_ms == event.time_ms; --i) steps |= events[i - 1].steps;
    if (steps == 0) continue;
    for (std::size_t k = 0; k < kinds_.size(); ++k) {
      if ((kinds_[k].steps & steps) == 0) continue;
      if (next_[k].size() == kinds_[k].count) next_[k].pop_back();
      next_[k].insert(next_[k].begin(), event.time_ms);
    }
    use(event);
  }
}

void FunnelAnyOrder::list_by_steps(std::span<const FunnelEvent> events) {
  by_steps_.clear();
  for (const FunnelEvent& event : events) {
    if (event.steps == 0) continue;
    auto at = std::ranges::find(by_steps_, event.steps, &Alike::steps);
    if (at == by_steps_.end()) at = by_steps_.insert(at, {event.steps, {}, 0, 0});
    at->times.push_back(event.time_ms);
  }
}

// Fills times_ with when the first, second, .. different step is done by an attempt. An event that
// cannot be added to those that serve steps never can: first come, first served. Nor can one that
// matches the same steps, unless another of its own instant was in the way.
void FunnelAnyOrder::do_steps(const FunnelStart& start) {
  times_.clear();
  served_.clear();
  served_by_kind_.assign(kinds_.size(), 0);
  for (Alike& alike : by_steps_) {
    while (alike.first < alike.times.size() && alike.times[alike.first] < start.begins_ms) {
      ++alike.first;
    }
    alike.next = alike.first;
  }
  while (times_.size() < rules_->steps()) {
    Alike* earliest = nullptr;
    for (Alike& alike : by_steps_) {
      if (alike.next == alike.times.size()) continue;
      if (earliest == nullptr || alike.times[alike.next] < earliest->times[earliest->next]) {
        earliest = &alike;
      }
    }
    if (earliest == nullptr) return;
    const TimestampMs t = earliest->times[earliest->next];
    if (t > start.ends_ms) return;
    if (serve(earliest->steps, t)) {
      times_.push_back(t);
      ++earliest->next;
      continue;
    }
    const bool was_in_the_way = std::ranges::find(served_, t, &Served::time_ms) != served_.end();
    const auto later =
        was_in_the_way ? std::ranges::upper_bound(
                             earliest->times.begin() + static_cast<std::ptrdiff_t>(earliest->next),
                             earliest->times.end(), t)
                       : earliest->times.end();
    earliest->next = static_cast<std::size_t>(later - earliest->times.begin());
  }
}

bool FunnelAnyOrder::serve(std::uint64_t steps, TimestampMs t) {
  served_.push_back({steps, t, kinds_.size(), false});  // Of no kind yet.
  tried_.clear();
  for (Served& each : served_) each.is_tried = false;
  if (move(served_.size() - 1)) return true;
  served_.pop_back();
  return false;
}

// Finds an event another kind to serve, moving others: an augmenting path, where a kind has room
// for so many events, and for one of each instant.
bool FunnelAnyOrder::move(std::size_t served) {
  if (std::exchange(served_[served].is_tried, true)) return false;
  for (std::size_t k = 0; k < kinds_.size(); ++k) {
    const auto [steps, t, kind, is_tried] = served_[served];
    if (k == kind || (kinds_[k].steps & steps) == 0) continue;
    if (std::ranges::find(tried_, std::pair(k, t)) != tried_.end()) continue;
    tried_.emplace_back(k, t);
    const TimestampMs at_ms = t;  // No lambda captures a structured binding.
    const auto holder = std::ranges::find_if(
        served_, [&](const Served& other) { return other.kind == k && other.time_ms == at_ms; });
    if (holder != served_.end()) {
      if (!move(static_cast<std::size_t>(holder - served_.begin()))) continue;
    } else if (served_by_kind_[k] == kinds_[k].count) {
      bool has_room = false;
      for (std::size_t i = 0; i < served_.size() && !has_room; ++i) {
        has_room = served_[i].kind == k && move(i);
      }
      if (!has_room) continue;
    }
    const std::size_t before = served_[served].kind;
    if (before < kinds_.size()) --served_by_kind_[before];
    served_[served].kind = k;
    ++served_by_kind_[k];
    return true;
  }
  return false;
}

FunnelAnyOrder::Spoiled FunnelAnyOrder::spoiled(Times times, TimestampMs ends_ms) const {
  Spoiled result = Spoiled::no;
  for (std::size_t i = 0; i < excluded_.size(); ++i) {
    const FunnelRules::Exclusion& rule = rules_->exclusions[i];
    if (times.size() < rule.after_step) continue;
    const auto after = std::ranges::upper_bound(excluded_[i], times[rule.after_step - 1]);
    if (after == excluded_[i].end()) continue;
    if (times.size() >= rule.before_step) {
      if (*after < times[rule.before_step - 1]) return Spoiled::before_end;
    } else if (*after <= times.back()) {
      return Spoiled::before_end;
    } else if (*after <= ends_ms) {
      result = Spoiled::later;
    }
  }
  return result;
}

}  // namespace hf
