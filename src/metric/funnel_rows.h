// SPDX-License-Identifier: Apache-2.0
//
// The ordinary funnel found from bits, one a row and step, without looking at most of the rows.
// From a step's event the next one that matters is the next bit of the following step; what begins
// is the last bit of the first step before it.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "metric/funnel_search.h"
#include "metric/funnel_tally.h"
#include "metric/grouped_walk.h"
#include "metric/person_events.h"
#include "metric/person_rows.h"

namespace hf {

/// As FunnelLatest, of rows whose times are all different where they match a step, and of starts
/// none of which WindowEnds::outlived() has.
class FunnelRowSearch {
 public:
  /// `rules` must outlive it; requires order ordered, without windows within and held values.
  explicit FunnelRowSearch(const FunnelRules& rules);

  /// Bit i of the words of a step (each as many) says whether row i matches it; times are by row:
  /// RowTimes or PersonRows::Times. Bits beyond the last row are 0. Valid until the next call.
  template <class Times>
  [[nodiscard]] const FunnelOutcome& search(std::span<const std::span<const std::uint64_t>> steps,
                                            const Times& times);

 private:
  struct Reached {
    TimestampMs time_ms;
    TimestampMs ends_ms;  // The window's last instant.
    std::uint32_t row;
    std::uint32_t before;  // Index into the level below; of the second step the row of the first.
  };
  struct Level {
    std::vector<Reached> reached;  // The first `count`.
    std::size_t count = 0;
  };
  const FunnelRules* rules_;
  std::vector<Level> levels_;  // From the second step on.
  FunnelOutcome outcome_;
};

/// True where walk_funnel_rows() knows the plan's rules and view.
[[nodiscard]] bool has_funnel_rows(const FunnelPlan& plan);

/// The total of persons that a walk with FunnelEvaluator gives, without groups.
/// Errors: those of EventSource.
[[nodiscard]] Result<GroupedTallies<FunnelTally>> walk_funnel_rows(const BoundSelection& bound,
                                                                   const FunnelPlan& plan,
                                                                   const SourceRules& rules);

}  // namespace hf
