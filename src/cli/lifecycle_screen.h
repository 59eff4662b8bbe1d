// SPDX-License-Identifier: Apache-2.0
//
// Lifecycle as a screen: a row a period, its numbers, and a bar that grows to the right by who is
// there and to the left by who has gone.
#pragma once

#include <string>

#include "cli/chart.h"
#include "metric/lifecycle.h"

namespace hf {

[[nodiscard]] std::string render_lifecycle(const LifecycleAnswer& answer, const ChartScreen& screen,
                                           const Terminal& terminal, Words words);

}  // namespace hf
