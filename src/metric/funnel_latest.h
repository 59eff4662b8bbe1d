// SPDX-License-Identifier: Apache-2.0
//
// The ordinary funnel: in order, with one window. Of all attempts that have come to a step, the one
// with the latest start can do whatever the others can, so one per step is kept.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <span>

#include "metric/funnel_search.h"
#include "metric/instant_reach.h"

namespace hf {

class FunnelLatest {
 public:
  /// `rules` must outlive it; requires order ordered and no windows within.
  explicit FunnelLatest(const FunnelRules& rules) : rules_(&rules), reach_(rules) {}

  /// Of events that exclude nothing. `only_start`: the only instant at which an attempt may begin.
  [[nodiscard]] FunnelOutcome search(std::span<const FunnelEvent> events,
                                     std::optional<TimestampMs> only_start);

 private:
  // The attempt with the latest start that has done so many steps, with their earliest times.
  struct Level {
    FunnelStart start;
    std::array<TimestampMs, funnel_steps_max> times;
  };

  void begin(TimestampMs t);
  void extend(std::size_t from, std::size_t to, TimestampMs t);
  void pass_instant(std::span<const FunnelEvent> events, bool may_start);
  void reached(std::size_t level);  // Requires level >= outcome_.depth.

  const FunnelRules* rules_;
  InstantReach reach_;
  std::array<Level, funnel_steps_max + 1> levels_ = {};  // By steps done; [0] is not used.
  FunnelOutcome outcome_;
};

}  // namespace hf
