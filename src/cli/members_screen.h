// SPDX-License-Identifier: Apache-2.0
//
// Who is behind a cell, as a table.
#pragma once

#include <string>

#include "base/json.h"
#include "cli/chart.h"

namespace hf {

/// `data` is the data of an answer with members.
[[nodiscard]] std::string render_members(const Json& data, const ChartScreen& screen,
                                         const Terminal& terminal, Words words);

}  // namespace hf
