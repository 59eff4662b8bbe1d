// SPDX-License-Identifier: Apache-2.0
//
// Which steps of a funnel the events of one instant can serve, an event each, in any order.
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <vector>

#include "metric/funnel_search.h"

namespace hf {

/// Finds how far an attempt gets within one instant, as a matching of consecutive steps with
/// events: no order of the events is tried out, and of thousands a few suffice.
class InstantReach {
 public:
  /// `rules` must outlive it.
  explicit InstantReach(const FunnelRules& rules);

  /// The events of one instant.
  void set(std::span<const FunnelEvent> events);

  /// Bit k: an event matches step k + 1.
  [[nodiscard]] std::uint64_t steps() const { return steps_; }
  /// The most steps an attempt has done after this instant that had done `level` before it, fewer
  /// than there are. Every number from `level` to that can be reached.
  [[nodiscard]] std::size_t from(std::size_t level) {
    if (reach_[level] == unknown) reach_[level] = static_cast<std::uint8_t>(find(level));
    return reach_[level];
  }

 private:
  static constexpr std::uint8_t unknown = 0xff;
  std::size_t find(std::size_t level);
  bool serve(std::size_t step);

  const FunnelRules* rules_;
  std::uint64_t repeats_ = 0;  // Bit k: step k + 1 has the matcher of step k, and must be later.
  std::uint64_t steps_ = 0;
  bool each_serves_one_ = true;
  std::array<std::uint8_t, funnel_steps_max> reach_ = {};
  std::vector<std::uint64_t> events_;  // Steps of each event that may be of use.
  std::vector<std::int8_t> serves_;    // By event: its step, or -1.
  std::vector<std::uint8_t> tried_;
};

}  // namespace hf
