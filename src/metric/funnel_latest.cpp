// SPDX-License-Identifier: Apache-2.0
#include "metric/funnel_latest.h"

#include <algorithm>
#include <bit>

namespace hf {

FunnelOutcome FunnelLatest::search(std::span<const FunnelEvent> events,
                                   std::optional<TimestampMs> only_start) {
  for (std::size_t level = 1; level <= outcome_.depth; ++level) levels_[level].start = {};
  outcome_ = {};
  for (std::size_t i = 0; i < events.size(); ++i) {
    const FunnelEvent& event = events[i];
    if (event.steps == 0) continue;
    const TimestampMs t = event.time_ms;
    const bool may_start = event.may_start && (!only_start || *only_start == t);
    if (i + 1 < events.size() && events[i + 1].time_ms == t) {
      std::size_t end = i + 1;
      while (end < events.size() && events[end].time_ms == t) ++end;
      pass_instant(events.subspan(i, end - i), may_start);
      i = end - 1;
      continue;
    }
    // Downwards: an event serves one step, so what it adds to a step takes no part in the next.
    for (std::uint64_t bits = event.steps; bits != 0;) {
      const auto step = static_cast<std::size_t>(63 - std::countl_zero(bits));
      bits ^= std::uint64_t{1} << step;
      if (step == 0) {
        if (may_start) begin(t);
      } else if (levels_[step].start.ends_ms >= t &&
                 levels_[step].start > levels_[step + 1].start) {
        extend(step, step + 1, t);
      }
    }
  }
  return outcome_;
}

void FunnelLatest::begin(TimestampMs t) {
  const FunnelStart start{rules_->window->end(t), t};
  if (start <= levels_[1].start) return;
  levels_[1].start = start;
  levels_[1].times[0] = t;
  if (outcome_.depth <= 1) reached(1);
}

void FunnelLatest::extend(std::size_t from, std::size_t to, TimestampMs t) {
  levels_[to].start = levels_[from].start;
  // Of a number that is known the copy is a few moves; funnels are rarely longer.
  constexpr std::size_t usual = 8;
  if (from <= usual) {
    std::copy_n(levels_[from].times.begin(), usual, levels_[to].times.begin());
  } else {
    std::copy_n(levels_[from].times.begin(), from, levels_[to].times.begin());
  }
  for (std::size_t k = from; k < to; ++k) levels_[to].times[k] = t;
  if (to >= outcome_.depth) reached(to);
}

void FunnelLatest::pass_instant(std::span<const FunnelEvent> events, bool may_start) {
  reach_.set(events);
  const TimestampMs t = events.front().time_ms;
  levels_[0].start = may_start && (reach_.steps() & 1u) != 0
                         ? FunnelStart{rules_->window->end(t), t}
                         : FunnelStart{};
  // Downwards: what is below a level is as it was before the instant. With the same start the
  // higher level's times are the earlier ones.
  for (std::uint64_t bits = reach_.steps(); bits != 0;) {
    const auto to = static_cast<std::size_t>(64 - std::countl_zero(bits));
    bits ^= std::uint64_t{1} << (to - 1);
    std::optional<std::size_t> best;
    FunnelStart latest = levels_[to].start;
    for (std::size_t from = to; from-- > 0 && reach_.from(from) >= to;) {
      if (levels_[from].start.ends_ms < t || levels_[from].start <= latest) continue;
      latest = levels_[from].start;
      best = from;
    }
    if (best) extend(*best, to, t);
  }
}

void FunnelLatest::reached(std::size_t level) {
  if (level > outcome_.depth) outcome_ = {.depth = level};
  outcome_.add({levels_[level].times.data(), level});
}

}  // namespace hf
