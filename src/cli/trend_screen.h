// SPDX-License-Identifier: Apache-2.0
//
// Trend as a screen: a bar a period for each series; of groups a line each, with their shape.
#pragma once

#include <string>
#include <vector>

#include "cli/chart.h"
#include "metric/trend.h"

namespace hf {

/// The labels of an answer's series, each with what is counted of it: "purchase, mean of amount".
[[nodiscard]] std::vector<std::string> series_names(const TrendQuery& query,
                                                    const std::vector<std::string>& labels,
                                                    Words words);

/// `answer.labels` are as they are to be shown.
[[nodiscard]] std::string render_trend(const TrendAnswer& answer, const ChartScreen& screen,
                                       const Terminal& terminal, Words words);

}  // namespace hf
