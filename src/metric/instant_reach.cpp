// SPDX-License-Identifier: Apache-2.0
#include "metric/instant_reach.h"

#include <algorithm>
#include <bit>

namespace hf {

InstantReach::InstantReach(const FunnelRules& rules) : rules_(&rules) {
  for (std::size_t k = 1; k < rules.steps(); ++k) {
    if (rules.same_as[k] == rules.same_as[k - 1]) repeats_ |= std::uint64_t{1} << k;
  }
}

void InstantReach::set(std::span<const FunnelEvent> events) {
  steps_ = 0;
  each_serves_one_ = true;
  reach_.fill(unknown);
  events_.clear();
  std::array<std::uint8_t, funnel_steps_max> seen = {};
  for (const FunnelEvent& event : events) {
    if (event.steps == 0) continue;
    steps_ |= event.steps;
    each_serves_one_ = each_serves_one_ && std::has_single_bit(event.steps);
    // A step for which there are as many events as there are steps always finds a free one.
    bool is_of_use = false;
    for (std::uint64_t bits = event.steps; bits != 0; bits &= bits - 1) {
      std::uint8_t& count = seen[static_cast<std::size_t>(std::countr_zero(bits))];
      if (count == rules_->steps()) continue;
      ++count;
      is_of_use = true;
    }
    if (is_of_use) events_.push_back(event.steps);
  }
}

std::size_t InstantReach::find(std::size_t level) {
  if (!each_serves_one_ && events_.size() > 1) {
    serves_.assign(events_.size(), -1);
  }
  std::size_t reached = level;
  for (; reached < rules_->steps(); ++reached) {
    const std::uint64_t bit = std::uint64_t{1} << reached;
    if ((steps_ & bit) == 0) break;
    if (reached > level) {
      if ((repeats_ & bit) != 0 || events_.size() == 1) break;
    }
    if (each_serves_one_ || events_.size() == 1) continue;
    tried_.assign(events_.size(), 0);
    if (!serve(reached)) break;
  }
  return reached;
}

// An augmenting path of a bipartite matching.
bool InstantReach::serve(std::size_t step) {
  for (std::size_t i = 0; i < events_.size(); ++i) {
    if ((events_[i] >> step & 1u) == 0 || tried_[i] != 0) continue;
    tried_[i] = 1;
    if (serves_[i] >= 0 && !serve(static_cast<std::size_t>(serves_[i]))) continue;
    serves_[i] = static_cast<std::int8_t>(step);
    return true;
  }
  return false;
}

}  // namespace hf
