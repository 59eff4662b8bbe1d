// SPDX-License-Identifier: Apache-2.0
#include "metric/query.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <vector>

#include "base/json.h"
#include "calendar/time_text.h"
#include "metric/common_fields.h"
#include "metric/funnel.h"
#include "metric/lifecycle.h"
#include "metric/query_fields.h"
#include "metric/retention.h"
#include "metric/sample.h"
#include "metric/segment_size.h"
#include "metric/stickiness.h"
#include "metric/trend.h"

namespace hf {
namespace {

using Answerer = Result<std::string> (*)(const Snapshot&, const QueryContext&, const Json&,
                                         std::string_view metric, std::int64_t begun_ns);

// What every answer begins with.
void write_head(JsonWriter& out, const Snapshot& snapshot, const CommonFields& common,
                std::string_view metric) {
  out.begin_object().key("metric").text(metric);
  std::string section(metric);  // Headings have words, joined by '-' in their addresses.
  std::ranges::replace(section, '_', '-');
  out.key("definition").text(fmt::format("docs/metrics.md#{}", section));
  out.key("as_of").text(format_rfc3339(common.as_of, *common.zone));
  out.key("timezone").text(common.zone->name());
  out.key("data_version").integer(static_cast<std::int64_t>(snapshot.data_version));
  out.key("exact").boolean(!common.sample);
  if (!common.sample) return;
  out.key("sample").begin_object().key("share").number(*common.sample);
  out.key("error_factor").number(sample_error_factor(*common.sample)).end_object();
}

template <class Answer>
std::string write_answer(const Snapshot& snapshot, const QueryContext& context,
                         const CommonFields& common, const Answer& answer, std::string_view metric,
                         std::int64_t begun_ns) {
  JsonWriter out;
  write_head(out, snapshot, common, metric);
  out.key("events_scanned").integer(static_cast<std::int64_t>(answer.events_scanned));
  out.key("persons_scanned").integer(static_cast<std::int64_t>(answer.persons_scanned));
  JsonWriter data;  // Before the clock is read: writing is part of answering.
  write_json(data, answer);
  const std::int64_t elapsed_ns = context.env.clock.monotonic_ns() - begun_ns;
  const std::int64_t elapsed_us = elapsed_ns / 1000;
  out.key("elapsed_ms").number(static_cast<double>(elapsed_us) / 1000.0);
  out.key("warnings").begin_array();
  for (const Warning& warning : answer.warnings) {
    out.begin_object().key("code").text(warning.code);
    out.key("message").text(warning.message).end_object();
  }
  out.end_array();
  if (context.explain) {
    out.key("plan").begin_array();
    for (const ReadStep& step : answer.plan) {
      out.begin_object().key("of").text(step.what).key("shape").text(step.how);
      out.key("parts").integer(static_cast<std::int64_t>(step.parts));
      out.key("events").integer(static_cast<std::int64_t>(step.events)).end_object();
    }
    out.end_array();
  }
  out.key("data").raw(data.str()).end_object();
  return out.take();
}

template <class Query, class Find>
Result<std::string> answer_members(const Snapshot& snapshot, const QueryContext& context,
                                   const Query& query, Find&& find, std::string_view metric,
                                   std::int64_t begun_ns) {
  const MembersRequest& request = *query.common.members;
  if (request.data_version && *request.data_version != snapshot.data_version) {
    return fail(ErrorCode::failed_precondition, "stale_version",
                fmt::format("the data changed since that answer; ask again. It is now: {}",
                            snapshot.data_version),
                "/members/data_version");
  }
  HF_TRY(const Members members, find(snapshot, context, query));
  HF_TRY(const std::string data, members_json(snapshot, request, members, *context.guard));
  JsonWriter out;
  write_head(out, snapshot, query.common, metric);
  const std::int64_t elapsed_ns = context.env.clock.monotonic_ns() - begun_ns;
  out.key("elapsed_ms").number(static_cast<double>(elapsed_ns / 1000) / 1000.0);
  out.key("warnings").begin_array().end_array();
  out.key("data").raw(data).end_object();
  return out.take();
}

template <auto parse, auto run, auto find_members>
Result<std::string> answer(const Snapshot& snapshot, const QueryContext& context, const Json& json,
                           std::string_view metric, std::int64_t begun_ns) {
  HF_TRY(const auto query, parse(json, context));
  if (query.common.members) {
    return answer_members(snapshot, context, query, find_members, metric, begun_ns);
  }
  HF_TRY(auto answer, run(snapshot, context, query));
  if (query.common.sample) estimate(answer, query);
  return write_answer(snapshot, context, query.common, answer, metric, begun_ns);
}

using Checker = Result<void> (*)(const Json&, const QueryContext&);

template <auto parse>
Result<void> check(const Json& json, const QueryContext& context) {
  HF_CHECK(parse(json, context));
  return {};
}

constexpr std::array metrics = std::to_array<MetricInfo>({
    {"retention", "of the persons who did something in a period, how many return in later ones"},
    {"trend", "events or distinct persons per period, one or more series"},
    {"lifecycle", "persons of each period: new, returning, resurrecting; and those gone dormant"},
    {"stickiness", "in how many periods persons are active; or daily, weekly, monthly active ones"},
    {"funnel", "of the persons who took a first step, how many took the next ones, and how fast"},
    {"segment_size", "of how many persons a condition holds, and how conditions overlap"},
});
constexpr std::array answerers = std::to_array<Answerer>({
    answer<parse_retention, run_retention, retention_members>,
    answer<parse_trend, run_trend, trend_members>,
    answer<parse_lifecycle, run_lifecycle, lifecycle_members>,
    answer<parse_stickiness, run_stickiness, stickiness_members>,
    answer<parse_funnel, run_funnel, funnel_members>,
    answer<parse_segment_size, run_segment_size, segment_size_members>,
});
static_assert(metrics.size() == answerers.size());
constexpr std::array checkers = std::to_array<Checker>({
    check<parse_retention>,
    check<parse_trend>,
    check<parse_lifecycle>,
    check<parse_stickiness>,
    check<parse_funnel>,
    check<parse_segment_size>,
});
static_assert(metrics.size() == checkers.size());

// Metrics of the query language that this version does not answer.
constexpr std::array later_metrics = std::to_array<std::string_view>(
    {"paths", "interval", "correlation", "revenue", "rfm", "survival", "nps", "csat", "ces",
     "loyalty_index", "six_factors", "engagement", "activity_score", "early_warning",
     "stay_contrast", "sessions", "virality", "compare_groups"});

/// The index of the query's metric in the lists above.
Result<std::size_t> find_metric(const Json& json) {
  if (!json.is_object()) return wrong_type(json, "", "an object");
  HF_TRY(const auto metric, text_field(json, "metric", ""));
  std::vector<std::string_view> names;
  for (const MetricInfo& info : metrics) names.push_back(info.name);
  if (!metric) {
    return fail(ErrorCode::invalid_argument, "missing_field",
                fmt::format("a query names its metric, one of {}", join_names(names)), "/metric");
  }
  const auto found = std::ranges::find(names, *metric);
  if (found != names.end()) return static_cast<std::size_t>(found - names.begin());
  if (std::ranges::find(later_metrics, *metric) != later_metrics.end()) {
    return fail(
        ErrorCode::invalid_argument, "unsupported_metric",
        fmt::format("this metric is not in this version, {} are: {}", join_names(names), *metric),
        "/metric");
  }
  return fail(ErrorCode::invalid_argument, "unknown_metric",
              fmt::format("unknown metric, known are {}: {}", join_names(names), *metric),
              "/metric");
}

}  // namespace

std::span<const MetricInfo> metric_list() { return metrics; }

Result<std::string> answer_query(const Snapshot& snapshot, const QueryContext& context,
                                 std::string_view query_json) {
  const std::int64_t begun_ns = context.env.clock.monotonic_ns();
  HF_TRY(const Json json, parse_json(query_json));
  HF_TRY(const std::size_t index, find_metric(json));
  return answerers[index](snapshot, context, json, metrics[index].name, begun_ns);
}

Result<void> check_query(const QueryContext& context, const Json& query) {
  HF_TRY(const std::size_t index, find_metric(query));
  return checkers[index](query, context);
}

}  // namespace hf
