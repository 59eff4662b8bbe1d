// SPDX-License-Identifier: Apache-2.0
//
// Segment size as a screen: a bar a group, how sets overlap in pairs, and who is in exactly which.
#pragma once

#include <string>

#include "cli/chart.h"
#include "metric/segment_size.h"

namespace hf {

[[nodiscard]] std::string render_segment_size(const SegmentSizeAnswer& answer,
                                              const ChartScreen& screen, const Terminal& terminal,
                                              Words words);

}  // namespace hf
