// SPDX-License-Identifier: Apache-2.0
#include "metric/funnel_chains.h"

#include <algorithm>
#include <bit>

#include "base/assert.h"

namespace hf {

FunnelChains::FunnelChains(const FunnelRules& rules)
    : rules_(&rules), reach_(rules), levels_(rules.steps() + 1) {}

FunnelOutcome FunnelChains::search(std::span<const FunnelEvent> events,
                                   std::optional<TimestampMs> only_start) {
  depth_ = 0;
  pass(events, only_start, false);
  const bool has_excluded = depth_ > 0 && std::ranges::any_of(events, [](const FunnelEvent& event) {
                              return event.excludes != 0;
                            });
  // How far a person came is asked of all attempts, spoiled ones too: hence twice.
  if (has_excluded) pass(events, only_start, true);
  return outcome();
}

void FunnelChains::pass(std::span<const FunnelEvent> events, std::optional<TimestampMs> only_start,
                        bool spoils) {
  spoils_ = spoils;
  open_ = 0;
  candidates_.clear();
  links_.clear();
  for (auto& level : levels_) level.clear();
  const bool strict = rules_->order == FunnelOrder::strict;
  for (std::size_t begin = 0; begin < events.size();) {
    const TimestampMs t = events[begin].time_ms;
    std::uint64_t steps = 0;
    std::uint64_t excludes = 0;
    std::size_t end = begin;
    for (; end < events.size() && events[end].time_ms == t; ++end) {
      steps |= events[end].steps;
      excludes |= events[end].excludes;
    }
    if (!spoils) excludes = 0;
    if (steps != 0 || excludes != 0 || strict) {
      pass_instant(events.subspan(begin, end - begin),
                   events[begin].may_start && (!only_start || *only_start == t), excludes);
    }
    begin = end;
  }
}

void FunnelChains::pass_instant(std::span<const FunnelEvent> events, bool may_start,
                                std::uint64_t excludes) {
  const bool strict = rules_->order == FunnelOrder::strict;
  const TimestampMs t = events.front().time_ms;
  reach_.set(events);
  for (std::uint64_t bits = reach_.steps(); bits != 0; bits &= bits - 1) {
    const auto level = static_cast<std::size_t>(std::countr_zero(bits));
    linked_[level] = none;
    if (level > 0) {
      bases_[level] = choose(level, t);
    } else {
      bases_[0].reset();
      if (may_start) bases_[0] = Attempt{{rules_->window->end(t), t}, none, 0};
    }
  }
  if (excludes != 0) spoil(t, excludes);
  if (strict) {
    for (auto& level : levels_) level.clear();
  }
  for (std::uint64_t bits = reach_.steps(); bits != 0;) {
    const auto to = static_cast<std::size_t>(64 - std::countl_zero(bits));
    bits ^= std::uint64_t{1} << (to - 1);
    const Attempt* best = nullptr;
    const Attempt* best_to_keep = nullptr;
    // Downwards: of one start, the attempt that had done more steps has done them earlier.
    for (std::size_t from = to; from-- > 0 && reach_.from(from) >= to;) {
      const std::optional<Attempt>& base = bases_[from];
      if (!base || is_spoiled(from, to, excludes)) continue;
      if (best == nullptr || base->start > best->start) best = &*base;
      // Strictly in order an attempt goes on where all of the instant's events are its own, or
      // where it begins with the last of them.
      if (strict && from > 0 && to - from != events.size()) continue;
      if (best_to_keep == nullptr || base->start > best_to_keep->start) best_to_keep = &*base;
    }
    if (best == nullptr) continue;
    const bool has_next =
        to < rules_->steps() && to - 1 < rules_->within.size() && rules_->within[to - 1] != nullptr;
    const TimestampMs until =
        has_next ? rules_->within[to - 1]->end(t) : std::numeric_limits<TimestampMs>::max();
    record(to, best->start, {until, link(*best, to, t)});
    if (to < rules_->steps() && best_to_keep != nullptr) {
      keep(to, best_to_keep->start, {until, link(*best_to_keep, to, t)});
    }
  }
}

// The attempt of so many steps that can go on at `t` and counts before others.
std::optional<FunnelChains::Attempt> FunnelChains::choose(std::size_t level, TimestampMs t) {
  std::optional<Attempt> best;
  std::erase_if(levels_[level], [&](Chains& chains) {
    if (chains.start.ends_ms < t) return true;
    while (chains.first < chains.waiting.size() && chains.waiting[chains.first].until_ms < t) {
      ++chains.first;
    }
    if (chains.first == chains.waiting.size()) return true;
    if (!best || chains.start > best->start) {
      best = Attempt{chains.start, chains.waiting[chains.first].last, level};
    }
    return false;
  });
  return best;
}

// True where going `from` .. `to` at an instant with these excluded events is spoiled by them.
bool FunnelChains::is_spoiled(std::size_t from, std::size_t to, std::uint64_t excludes) const {
  for (; excludes != 0; excludes &= excludes - 1) {
    const auto& rule = rules_->exclusions[static_cast<std::size_t>(std::countr_zero(excludes))];
    if (rule.after_step <= from && to < rule.before_step) return true;
  }
  return false;
}

// Drops what had done after_step before `t` and has yet to do before_step after it.
void FunnelChains::spoil(TimestampMs t, std::uint64_t excludes) {
  for (std::size_t level = 1; level < rules_->steps(); ++level) {
    if (!is_spoiled(level, level, excludes)) continue;
    levels_[level].clear();
    if (level != depth_) continue;
    for (; open_ < candidates_.size(); ++open_) {
      if (candidates_[open_].closes_ms >= t) candidates_[open_].spoiled = true;
    }
  }
}

FunnelChains::Link FunnelChains::link(const Attempt& from, std::size_t to, TimestampMs t) {
  // The highest level is asked for first: the lower ones lie on the way to it.
  Link& first = linked_[from.level];
  if (first == none) {
    HF_ASSERT(links_.size() + funnel_steps_max <
              static_cast<std::size_t>(std::numeric_limits<Link>::max()));
    first = static_cast<Link>(links_.size());
    for (std::size_t level = from.level; level < to; ++level) {
      links_.push_back({t, level == from.level ? from.last : static_cast<Link>(links_.size()) - 1});
    }
  }
  return first + static_cast<Link>(to - from.level) - 1;
}

void FunnelChains::keep(std::size_t level, const FunnelStart& start, Waiting waiting) {
  Chains* same = nullptr;
  std::erase_if(levels_[level], [&](Chains& chains) {
    if (chains.start >= start) return false;
    while (chains.waiting.size() > chains.first &&
           chains.waiting.back().until_ms <= waiting.until_ms) {
      chains.waiting.pop_back();
    }
    return chains.waiting.size() == chains.first;
  });
  for (Chains& chains : levels_[level]) {
    if (chains.start == start) same = &chains;
    if (chains.start >= start && chains.waiting.size() > chains.first &&
        chains.waiting.back().until_ms >= waiting.until_ms) {
      return;
    }
  }
  if (same != nullptr) {
    same->waiting.push_back(waiting);
  } else {
    levels_[level].push_back({start, {waiting}});
  }
}

void FunnelChains::record(std::size_t level, const FunnelStart& start, Waiting waiting) {
  if (!spoils_ && level > depth_) {
    depth_ = level;
    candidates_.clear();
  }
  if (level != depth_) return;
  const TimestampMs closes = std::min(start.ends_ms, waiting.until_ms);
  // The start's earlier end stands before this one, and whatever spoils it spoils this one.
  if (!candidates_.empty() && !candidates_.back().spoiled && candidates_.back().start == start &&
      candidates_.back().closes_ms <= closes) {
    return;
  }
  candidates_.push_back({start, closes, waiting.last});
}

FunnelOutcome FunnelChains::outcome() const {
  FunnelOutcome outcome{.depth = depth_};
  FunnelStart latest;
  std::array<TimestampMs, funnel_steps_max> times;
  for (const Candidate& candidate : candidates_) {
    if (candidate.spoiled || candidate.start <= latest) continue;
    latest = candidate.start;
    Link at = candidate.last;
    for (std::size_t k = depth_; k-- > 0; at = links_[static_cast<std::size_t>(at)].before) {
      times[k] = links_[static_cast<std::size_t>(at)].time_ms;
    }
    outcome.add({times.data(), depth_});
  }
  outcome.excluded = depth_ > 0 && outcome.attempts == 0;
  return outcome;
}

}  // namespace hf
