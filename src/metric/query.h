// SPDX-License-Identifier: Apache-2.0
//
// The one door for questions: a JSON query in, its JSON answer out (docs/metrics.md).
#pragma once

#include <span>
#include <string>
#include <string_view>

#include "base/json.h"
#include "base/result.h"
#include "metric/query_context.h"
#include "store/snapshot.h"

namespace hf {

/// One metric this version answers.
struct MetricInfo {
  std::string_view name;
  std::string_view description;  ///< One line.
};
[[nodiscard]] std::span<const MetricInfo> metric_list();

/// Answers one query. Equal snapshots, queries and as_of give equal answers, but for elapsed_ms.
/// Errors: those of parse_json; invalid_argument/unknown_metric, unsupported_metric, missing_field
/// and those of the metric's parse and run functions.
[[nodiscard]] Result<std::string> answer_query(const Snapshot& snapshot,
                                               const QueryContext& context,
                                               std::string_view query_json);

/// Finds all that can be wrong with a query whatever the data is: it is read as to be answered, and
/// not answered. Errors: those of answer_query() but for what comes of the data.
[[nodiscard]] Result<void> check_query(const QueryContext& context, const Json& query);

}  // namespace hf
