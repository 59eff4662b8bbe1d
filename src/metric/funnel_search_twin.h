// SPDX-License-Identifier: Apache-2.0
//
// A person's way through a funnel straight from its definition, for the tests: every attempt is
// written down, then those that count are picked by the rules of funnel_search.h, one by one.
#pragma once

#include <algorithm>
#include <map>
#include <set>
#include <span>
#include <utility>
#include <vector>

#include "metric/funnel_search.h"

namespace hf::test {

class FunnelSearchTwin {
 public:
  FunnelSearchTwin(const FunnelRules& rules, std::span<const FunnelEvent> events)
      : rules_(rules), given_(events.begin(), events.end()) {}

  FunnelOutcome outcome() {
    if (rules_.holds_values) {
      std::erase_if(given_, [](const FunnelEvent& e) { return e.held == FunnelEvent::no_value; });
    }
    if (rules_.first_only) {
      for (const FunnelEvent& e : given_) {
        if (only_start_ || !can_begin(e)) continue;
        only_start_ = e.time_ms;
      }
    }
    std::map<std::uint32_t, std::vector<FunnelEvent>> by_value;
    for (const FunnelEvent& e : given_) by_value[rules_.holds_values ? e.held : 0].push_back(e);
    std::vector<std::pair<std::uint32_t, Attempt>> all;
    for (const auto& [value, events] : by_value) {
      events_ = events;
      for (Attempt& attempt : attempts()) all.emplace_back(value, std::move(attempt));
    }
    FunnelOutcome outcome;
    for (const auto& [value, attempt] : all) {
      outcome.depth = std::max(outcome.depth, attempt.times.size());
    }
    if (outcome.depth == 0) return outcome;
    std::erase_if(all, [&](const auto& a) { return a.second.times.size() < outcome.depth; });
    for (const auto& [value, events] : by_value) {
      events_ = events;
      std::vector<Attempt> own;
      for (const auto& [of, attempt] : all) {
        if (of == value) own.push_back(attempt);
      }
      for (const Attempt& attempt : those_that_count(std::move(own))) outcome.add(attempt.times);
    }
    outcome.excluded = outcome.attempts == 0;
    return outcome;
  }

 private:
  struct Attempt {
    FunnelStart start;
    std::vector<TimestampMs> times;
    std::vector<std::size_t> events;
  };

  bool can_begin(const FunnelEvent& e) const {
    return rules_.order == FunnelOrder::any ? e.steps != 0 : (e.steps & 1u) != 0;
  }
  bool may_begin(const FunnelEvent& e) const {
    return can_begin(e) && e.may_start && (!only_start_ || *only_start_ == e.time_ms);
  }

  std::vector<Attempt> attempts() {
    found_.clear();
    for (std::size_t i = 0; i < events_.size(); ++i) {
      if (!may_begin(events_[i])) continue;
      const TimestampMs t = events_[i].time_ms;
      Attempt attempt{{rules_.window->end(t), t}, {t}, {i}};
      if (rules_.order == FunnelOrder::any) {
        found_.push_back(in_any_order(attempt.start));
      } else {
        go_on(attempt);
      }
    }
    return found_;
  }

  void go_on(Attempt& attempt) {
    found_.push_back(attempt);
    const std::size_t k = attempt.times.size();
    if (k == rules_.steps()) return;
    for (std::size_t i = 0; i < events_.size(); ++i) {
      const FunnelEvent& e = events_[i];
      if ((e.steps >> k & 1u) == 0 || std::ranges::count(attempt.events, i) > 0) continue;
      const TimestampMs before = attempt.times.back();
      if (e.time_ms < before || e.time_ms > attempt.start.ends_ms) continue;
      if (rules_.same_as[k] == rules_.same_as[k - 1] && e.time_ms == before) continue;
      if (!rules_.within.empty() && rules_.within[k - 1] != nullptr &&
          e.time_ms > rules_.within[k - 1]->end(before)) {
        continue;
      }
      attempt.times.push_back(e.time_ms);
      attempt.events.push_back(i);
      if (rules_.order != FunnelOrder::strict || is_consecutive(attempt)) go_on(attempt);
      attempt.times.pop_back();
      attempt.events.pop_back();
    }
  }

  // Those of its first instant can stand before it, those of its last one after it.
  bool is_consecutive(const Attempt& attempt) const {
    for (std::size_t i = 0; i < events_.size(); ++i) {
      if (std::ranges::count(attempt.events, i) > 0) continue;
      const TimestampMs t = events_[i].time_ms;
      if (t > attempt.times.front() && t < attempt.times.back()) return false;
    }
    return true;
  }

  Attempt in_any_order(const FunnelStart& start) const {
    Attempt attempt{start, {}, {}};
    for (const FunnelEvent& last : events_) {
      if (last.time_ms < start.begins_ms || last.time_ms > start.ends_ms) continue;
      std::vector<FunnelEvent> inside;
      for (const FunnelEvent& e : events_) {
        if (e.time_ms >= start.begins_ms && e.time_ms <= last.time_ms) inside.push_back(e);
      }
      std::set<std::pair<std::size_t, TimestampMs>> taken;
      const std::size_t done = most_steps(inside, 0, taken);
      while (attempt.times.size() < done) attempt.times.push_back(last.time_ms);
    }
    return attempt;
  }

  // The most steps from `step` on that have an event each; of the same steps each its own instant.
  std::size_t most_steps(std::vector<FunnelEvent>& left, std::size_t step,
                         std::set<std::pair<std::size_t, TimestampMs>>& taken) const {
    if (step == rules_.steps()) return 0;
    std::size_t most = most_steps(left, step + 1, taken);
    for (std::size_t i = 0; i < left.size(); ++i) {
      if ((left[i].steps >> step & 1u) == 0) continue;
      const std::pair key(rules_.same_as[step], left[i].time_ms);
      if (!taken.insert(key).second) continue;
      const std::uint64_t steps = std::exchange(left[i].steps, 0);
      most = std::max(most, 1 + most_steps(left, step + 1, taken));
      left[i].steps = steps;
      taken.erase(key);
    }
    return most;
  }

  // Rule 1. `later`: only what comes after its end; else only what comes up to there.
  bool is_spoiled(const Attempt& attempt, bool later) const {
    const std::size_t depth = attempt.times.size();
    TimestampMs closes = attempt.start.ends_ms;
    if (depth < rules_.steps() && !rules_.within.empty() && rules_.within[depth - 1] != nullptr) {
      closes = std::min(closes, rules_.within[depth - 1]->end(attempt.times.back()));
    }
    for (std::size_t j = 0; j < rules_.exclusions.size(); ++j) {
      const auto [a, b] = rules_.exclusions[j];
      if (depth < a) continue;
      for (const FunnelEvent& e : events_) {
        if ((e.excludes >> j & 1u) == 0 || e.time_ms <= attempt.times[a - 1]) continue;
        const bool is_inside = depth >= b
                                   ? e.time_ms < attempt.times[b - 1]
                                   : e.time_ms <= attempt.times.back() || e.time_ms <= closes;
        if (is_inside && later == (e.time_ms > attempt.times.back())) return true;
      }
    }
    return false;
  }

  std::vector<Attempt> those_that_count(std::vector<Attempt> all) const {
    std::erase_if(all, [&](const Attempt& a) { return is_spoiled(a, false); });
    // Rule 2.
    const std::vector<Attempt> unspoiled = all;
    std::erase_if(all, [&](const Attempt& a) {
      return std::ranges::any_of(unspoiled, [&](const Attempt& b) {
        return b.times.back() == a.times.back() && b.start > a.start;
      });
    });
    std::erase_if(all, [&](const Attempt& a) { return is_spoiled(a, true); });
    // Rule 3.
    const std::vector<Attempt> left = all;
    std::erase_if(all, [&](const Attempt& a) {
      return std::ranges::any_of(left, [&](const Attempt& b) {
        const bool is_same = b.start == a.start && b.times.back() == a.times.back();
        return !is_same && b.start >= a.start && b.times.back() <= a.times.back();
      });
    });
    // Rule 4.
    std::map<std::pair<FunnelStart, TimestampMs>, Attempt> one_each;
    for (const Attempt& a : all) {
      const auto [at, is_new] = one_each.try_emplace({a.start, a.times.back()}, a);
      if (a.times < at->second.times) at->second = a;
    }
    std::vector<Attempt> result;
    for (const auto& [ends, attempt] : one_each) result.push_back(attempt);
    return result;
  }

  const FunnelRules& rules_;
  std::vector<FunnelEvent> given_;
  std::vector<FunnelEvent> events_;
  std::optional<TimestampMs> only_start_;
  std::vector<Attempt> found_;
};

}  // namespace hf::test
