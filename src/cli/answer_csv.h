// SPDX-License-Identifier: Apache-2.0
//
// Answers as CSV (RFC 4180, but lines end in \n alone), one row a number and what it is of; the
// console writes the same (console/src/export/answer_csv.ts). With a breakdown, `bucket` stands
// before the rest, of several dimensions `bucket_1`, `bucket_2` ..: a missing value is empty, an
// empty one is "", the rest (other), and the total's rows, which come last, have (all).
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "base/json.h"
#include "metric/funnel.h"
#include "metric/lifecycle.h"
#include "metric/retention.h"
#include "metric/segment_size.h"
#include "metric/stickiness.h"
#include "metric/trend.h"

namespace hf {

// `dimensions` are those of the query's breakdown; an answer may have no group to tell them.

/// One row a cell: cohort, size, column, count, eligible, complete, value. Of two windows one a
/// group: initial, retained, current, complete, initial_value, current_value. Values are there
/// where the query asked for one.
[[nodiscard]] std::string retention_csv(const RetentionAnswer& answer, std::size_t dimensions = 1);
/// One row a period and series: start, complete, series, value; previous where it compares.
[[nodiscard]] std::string trend_csv(const TrendAnswer& answer, std::size_t dimensions = 1);
/// One row a period: start, complete, new, returning, resurrecting, dormant (0 or negative),
/// active.
[[nodiscard]] std::string lifecycle_csv(const LifecycleAnswer& answer, std::size_t dimensions = 1);
/// One row a number of periods: active_periods, count. Over time, one a day: start, complete, dau,
/// wau, mau, l7_days, l7_persons, l28_days, l28_persons.
[[nodiscard]] std::string stickiness_csv(const StickinessAnswer& answer,
                                         std::size_t dimensions = 1);
/// One row a step: step, label, count, first and previous (those steps' counts: what the rates are
/// of), seconds_mean, seconds_median, seconds_p90. View trend, one a period: start, complete,
/// entered, completed. Time to convert, one a bin: from, to (seconds), count.
[[nodiscard]] std::string funnel_csv(const FunnelAnswer& answer, std::size_t dimensions = 1);
/// One row a count: what, a column for each set by its label, count. `what` is known, count, set or
/// exactly_in; the columns of the sets say of whom: true in it, false not in it, empty either.
[[nodiscard]] std::string segment_size_csv(const SegmentSizeAnswer& answer,
                                           std::size_t dimensions = 1);

/// The members of one cell: person and ids (parted by ;), of another unit unit, and count where the
/// cell counts events. `data` is the data of an answer.
[[nodiscard]] std::string members_csv_heading(const Json& data);
[[nodiscard]] std::string members_csv_rows(const Json& data);

/// A CSV field, quoted where it must be.
[[nodiscard]] std::string csv_field(std::string_view text);
/// The same of text from outside in what people open in a spreadsheet: what one would take for a
/// formula gets an apostrophe before it. Numbers stay what they are.
[[nodiscard]] std::string csv_safe_field(std::string_view text);

}  // namespace hf
