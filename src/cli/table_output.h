// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

#include "cli/terminal.h"
#include "cli/words.h"
#include "metric/lifecycle.h"
#include "metric/retention.h"
#include "metric/stickiness.h"
#include "metric/trend.h"

namespace hf {

/// One row a cell: bucket, cohort, size, column, count, eligible, complete, value (RFC 4180).
/// `bucket` is there with a breakdown, `value` where the query asked for one.
[[nodiscard]] std::string retention_csv(const RetentionAnswer& answer);
/// One row a period and series: bucket, start, complete, series, value.
[[nodiscard]] std::string trend_csv(const TrendAnswer& answer);
/// One row a period: bucket, start, complete, new, returning, resurrecting, dormant (0 or
/// negative), active.
[[nodiscard]] std::string lifecycle_csv(const LifecycleAnswer& answer);
/// One row a number of periods: bucket, active_periods, count. Over time, one a day: bucket, start,
/// complete, dau, wau, mau, l7_days, l7_persons, l28_days, l28_persons.
[[nodiscard]] std::string stickiness_csv(const StickinessAnswer& answer);
/// A bar per period and series.
[[nodiscard]] std::string render_trend(const TrendAnswer& answer, const std::string& period,
                                       const Terminal& terminal, Words words);

/// A CSV field, quoted where it must be.
[[nodiscard]] std::string csv_field(std::string_view text);

}  // namespace hf
