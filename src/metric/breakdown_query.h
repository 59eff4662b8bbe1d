// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <vector>

#include "base/json.h"
#include "metric/common_fields.h"

namespace hf {

/// Reads the member `breakdown`; no dimensions where it is absent. Errors, all invalid_argument
/// with pointer: wrong_type, out_of_range, unknown_field, unknown_value, missing_field,
/// unsupported_combination, unsupported_breakdown.
[[nodiscard]] Result<std::vector<Dimension>> parse_breakdown(const Json& query,
                                                             WeekStart week_start,
                                                             CommonRules rules);

}  // namespace hf
