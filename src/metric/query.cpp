// SPDX-License-Identifier: Apache-2.0
#include "metric/query.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <vector>

#include "base/json.h"
#include "calendar/time_text.h"
#include "metric/common_fields.h"
#include "metric/metric_table.h"
#include "metric/query_fields.h"
#include "metric/sample.h"

namespace hf {
namespace {

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

Result<std::string> write_members(const Snapshot& snapshot, const QueryContext& context,
                                  const CommonFields& common, const Members& members,
                                  std::string_view metric, std::int64_t begun_ns) {
  HF_TRY(const std::string data, members_json(snapshot, *common.members, members, *context.guard));
  JsonWriter out;
  write_head(out, snapshot, common, metric);
  const std::int64_t elapsed_ns = context.env.clock.monotonic_ns() - begun_ns;
  out.key("elapsed_ms").number(static_cast<double>(elapsed_ns / 1000) / 1000.0);
  out.key("warnings").begin_array().end_array();
  out.key("data").raw(data).end_object();
  return out.take();
}

constexpr auto infos =
    std::apply([](const auto&... metric) { return std::array{metric.info...}; }, metric_table);

// Metrics of the query language that this version does not answer.
constexpr std::array later_metrics = std::to_array<std::string_view>(
    {"paths", "interval", "correlation", "revenue", "rfm", "survival", "nps", "csat", "ces",
     "loyalty_index", "six_factors", "engagement", "activity_score", "early_warning",
     "stay_contrast", "sessions", "virality", "compare_groups"});

}  // namespace

Result<void> check_data_version(const Snapshot& snapshot, const MembersRequest& request) {
  if (!request.data_version || *request.data_version == snapshot.data_version) return {};
  return fail(ErrorCode::failed_precondition, "stale_version",
              fmt::format("the data changed since that answer; ask again. It is now: {}",
                          snapshot.data_version),
              "/members/data_version");
}

Result<std::size_t> find_metric(const Json& json) {
  if (!json.is_object()) return wrong_type(json, "", "an object");
  HF_TRY(const auto metric, text_field(json, "metric", ""));
  std::vector<std::string_view> names;
  for (const MetricInfo& info : infos) names.push_back(info.name);
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

std::span<const MetricInfo> metric_list() { return infos; }

Result<std::string> answer_query(const Snapshot& snapshot, const QueryContext& context,
                                 std::string_view query_json) {
  const std::int64_t begun_ns = context.env.clock.monotonic_ns();
  HF_TRY(const Json json, parse_json(query_json));
  return with_metric(json, [&](const auto& metric) -> Result<std::string> {
    HF_TRY(const auto query, metric.parse(json, context));
    const std::string_view name = metric.info.name;
    if (query.common.members) {
      HF_TRY(const Members members, metric.members(snapshot, context, query));
      return write_members(snapshot, context, query.common, members, name, begun_ns);
    }
    HF_TRY(const auto answer, metric.answer(snapshot, context, query));
    return write_answer(snapshot, context, query.common, answer, name, begun_ns);
  });
}

Result<void> check_query(const QueryContext& context, const Json& query) {
  return with_metric(query, [&](const auto& metric) -> Result<void> {
    HF_CHECK(metric.parse(query, context));
    return {};
  });
}

}  // namespace hf
