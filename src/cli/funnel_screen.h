// SPDX-License-Identifier: Apache-2.0
//
// Funnel as a screen: a row a step, with who came so far and who was lost before it; or period by
// period who entered and came through; or how long that took.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "cli/chart.h"
#include "metric/funnel.h"

namespace hf {

struct FunnelScreen {
  ChartScreen chart;
  std::vector<std::string> steps;  ///< Their names.
  std::size_t from_step = 1;       ///< trend, time_to_convert; from 1.
  std::size_t to_step = 1;
  bool any_order = false;  ///< Steps are numbers of steps done.
};

/// "in order, within 14 days of the first step": by which rules it counts.
[[nodiscard]] std::string funnel_rules(const FunnelQuery& query, Words words);

[[nodiscard]] std::string render_funnel(const FunnelAnswer& answer, const FunnelScreen& screen,
                                        const Terminal& terminal, Words words);

}  // namespace hf
