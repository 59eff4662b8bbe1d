// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <vector>

#include "metric/common_fields.h"
#include "metric/period_grid.h"
#include "metric/query_context.h"

namespace hf {

/// Tells where the range as it was asked begins or ends inside a period, which then counts in part.
void warn_of_partial_periods(const CommonFields& common, const PeriodGrid& grid,
                             std::vector<Warning>& warnings);

}  // namespace hf
