// SPDX-License-Identifier: Apache-2.0
#include "metric/partial_periods.h"

namespace hf {

void warn_of_partial_periods(const CommonFields& common, const PeriodGrid& grid,
                             std::vector<Warning>& warnings) {
  if (common.from && grid.cuts_first()) {
    warnings.push_back({"first_period_partial",
                        "the range begins inside the first period, which counts from there"});
  }
  if (common.to && grid.cuts_last()) {
    warnings.push_back(
        {"last_period_partial", "the range ends inside the last period, which counts up to there"});
  }
}

}  // namespace hf
