// SPDX-License-Identifier: Apache-2.0
//
// The ordinary funnel of a person whose rows lie together: found from bits, one a row and step,
// without looking at most of the rows. From a step's event the next one that matters is the next
// bit of the following step; what begins is the last bit of the first step before it.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "metric/funnel_search.h"
#include "metric/funnel_tally.h"
#include "metric/grouped_walk.h"
#include "metric/person_events.h"

namespace hf {

/// As FunnelLatest, of rows whose times are all different where they match a step, and of starts
/// none of which WindowEnds::outlived() has.
class FunnelRowSearch {
 public:
  /// `rules` must outlive it; requires order ordered, without windows within and held values.
  explicit FunnelRowSearch(const FunnelRules& rules);

  /// Bit i of the words of a step (each as many) says whether row i matches it; times are by row.
  /// Bits beyond the last row are 0.
  [[nodiscard]] FunnelOutcome search(std::span<const std::span<const std::uint64_t>> steps,
                                     const RowTimes& times);

 private:
  struct Reached {
    std::uint32_t start_row;
    std::uint32_t row;
    std::uint32_t before;  // Index into the level below.
  };
  const FunnelRules* rules_;
  std::vector<std::vector<Reached>> levels_;  // From the second step on.
};

/// True where walk_funnel_rows() knows the plan's rules and view.
[[nodiscard]] bool has_funnel_rows(const FunnelPlan& plan);

/// The total of persons that a walk with FunnelEvaluator gives, without groups.
/// Errors: those of EventSource.
[[nodiscard]] Result<GroupedTallies<FunnelTally>> walk_funnel_rows(const BoundSelection& bound,
                                                                   const FunnelPlan& plan,
                                                                   const SourceRules& rules);

}  // namespace hf
