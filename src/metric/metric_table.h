// SPDX-License-Identifier: Apache-2.0
//
// The metrics of this version, one row each. Whoever answers questions, in whatever form, goes by
// this table: so a form can neither lack a metric nor leave out a step of answering it.
#pragma once

#include <array>
#include <cstddef>
#include <optional>
#include <string_view>
#include <tuple>
#include <type_traits>
#include <utility>

#include "base/json.h"
#include "base/result.h"
#include "metric/funnel.h"
#include "metric/lifecycle.h"
#include "metric/members.h"
#include "metric/query.h"
#include "metric/query_context.h"
#include "metric/retention.h"
#include "metric/sample.h"
#include "metric/segment_size.h"
#include "metric/stickiness.h"
#include "metric/trend.h"
#include "store/snapshot.h"

namespace hf {

/// Fails with failed_precondition/stale_version where the cell is of an answer to other data.
[[nodiscard]] Result<void> check_data_version(const Snapshot& snapshot,
                                              const MembersRequest& request);

template <auto parse_query, auto run, auto find_members>
struct Metric {
  MetricInfo info;

  /// Errors: those of the metric's parse function.
  [[nodiscard]] static auto parse(const Json& json, const QueryContext& context) {
    return parse_query(json, context);
  }
  /// The answer as it is to be told: where the query has a sample, of estimates. Errors: those of
  /// the metric's run function.
  template <class Query>
  [[nodiscard]] static auto answer(const Snapshot& snapshot, const QueryContext& context,
                                   const Query& query) {
    auto answer = run(snapshot, context, query);
    if (answer && query.common.sample) estimate(*answer, query);
    return answer;
  }
  /// All of the cell, for members_json(). Requires query.common.members. Errors: those of
  /// check_data_version() and of the metric's members function.
  template <class Query>
  [[nodiscard]] static Result<Members> members(const Snapshot& snapshot,
                                               const QueryContext& context, const Query& query) {
    HF_CHECK(check_data_version(snapshot, *query.common.members));
    return find_members(snapshot, context, query);
  }
};

inline constexpr std::tuple metric_table(
    Metric<parse_retention, run_retention, retention_members>{
        {"retention",
         "of the persons who did something in a period, how many return in later ones"}},
    Metric<parse_trend, run_trend, trend_members>{
        {"trend", "events or distinct persons per period, one or more series"}},
    Metric<parse_lifecycle, run_lifecycle, lifecycle_members>{
        {"lifecycle",
         "persons of each period: new, returning, resurrecting; and those gone dormant"}},
    Metric<parse_stickiness, run_stickiness, stickiness_members>{
        {"stickiness",
         "in how many periods persons are active; or daily, weekly, monthly active ones"}},
    Metric<parse_funnel, run_funnel, funnel_members>{
        {"funnel",
         "of the persons who took a first step, how many took the next ones, and how fast"}},
    Metric<parse_segment_size, run_segment_size, segment_size_members>{
        {"segment_size", "of how many persons a condition holds, and how conditions overlap"}});

/// The place in `metric_table` of the one that the query names. Errors, all invalid_argument:
/// wrong_type, missing_field, unknown_metric, unsupported_metric.
[[nodiscard]] Result<std::size_t> find_metric(const Json& query);

/// What `use` returns, a Result, when it is called with the metric that the query names: one of the
/// rows of `metric_table`. Errors: those of find_metric() and of `use`.
template <class Use>
auto with_metric(const Json& query, Use&& use) {
  using Outcome = std::invoke_result_t<Use, const std::tuple_element_t<0, decltype(metric_table)>&>;
  const Result<std::size_t> found = find_metric(query);
  if (!found) return Outcome(std::unexpected(found.error()));
  std::optional<Outcome> outcome;
  const auto use_if_found = [&](std::size_t index, const auto& metric) {
    if (index == *found) outcome.emplace(use(metric));
  };
  std::apply(
      [&](const auto&... metric) {
        std::size_t index = 0;
        (use_if_found(index++, metric), ...);
      },
      metric_table);
  return *std::move(outcome);
}

}  // namespace hf
