// SPDX-License-Identifier: Apache-2.0
//
// Funnels whose steps may be done in any order: how many different ones within the window that
// begins with the first.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <span>
#include <utility>
#include <vector>

#include "metric/funnel_search.h"

namespace hf {

class FunnelAnyOrder {
 public:
  /// `rules` must outlive it; requires order any.
  explicit FunnelAnyOrder(const FunnelRules& rules);

  /// `only_start`: the only instant at which an attempt may begin.
  [[nodiscard]] FunnelOutcome search(std::span<const FunnelEvent> events,
                                     std::optional<TimestampMs> only_start);

 private:
  // Steps with the same matcher. Each needs an event of another instant.
  struct Kind {
    std::uint64_t steps = 0;
    std::size_t count = 0;
  };
  struct Served {
    std::uint64_t steps;
    TimestampMs time_ms;
    std::size_t kind;
    bool is_tried;  // In the search at hand.
  };
  // The events that match the same steps.
  struct Alike {
    std::uint64_t steps;
    std::vector<TimestampMs> times;
    std::size_t first;  // Not before the attempt at hand.
    std::size_t next;   // Of the attempt at hand.
  };
  struct Candidate {
    TimestampMs end_ms;
    FunnelStart start;
    std::size_t number;  // Of its start, as the sweep counts them.
    bool spoiled_later;
  };
  using Times = std::span<const TimestampMs>;

  template <class Use>
  void sweep(std::span<const FunnelEvent> events, std::optional<TimestampMs> only_start, Use&& use);
  template <class Use>
  void sweep_back(std::span<const FunnelEvent> events, Use&& use);
  void list_by_steps(std::span<const FunnelEvent> events);
  void do_steps(const FunnelStart& start);
  bool serve(std::uint64_t steps, TimestampMs t);
  bool move(std::size_t served);
  enum class Spoiled : std::uint8_t { no, later, before_end };
  Spoiled spoiled(Times times, TimestampMs ends_ms) const;

  const FunnelRules* rules_;
  std::vector<Kind> kinds_;
  std::vector<std::vector<TimestampMs>> next_;  // By kind: the nearest instants, ascending.
  std::vector<TimestampMs> times_;              // Of the steps of the attempt at hand.
  std::vector<Alike> by_steps_;
  std::vector<Served> served_;
  std::vector<std::size_t> served_by_kind_;
  std::vector<std::pair<std::size_t, TimestampMs>> tried_;
  std::vector<std::vector<TimestampMs>> excluded_;  // By exclusion, ascending.
  std::vector<Candidate> candidates_;
};

}  // namespace hf
