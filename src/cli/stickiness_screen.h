// SPDX-License-Identifier: Apache-2.0
//
// Stickiness as a screen: a bar for each number of active periods, or day by day the share of the
// month's people who are there.
#pragma once

#include <string>

#include "cli/chart.h"
#include "metric/stickiness.h"

namespace hf {

struct StickinessScreen {
  ChartScreen chart;
  bool cumulative = false;
  /// The range begins with the first event, so the first days' windows reach back before the data.
  bool from_first_event = false;
};

[[nodiscard]] std::string render_stickiness(const StickinessAnswer& answer,
                                            const StickinessScreen& screen,
                                            const Terminal& terminal, Words words);

}  // namespace hf
