// SPDX-License-Identifier: Apache-2.0
#include "cli/answer_screen.h"

#include <fmt/format.h>

#include <algorithm>

#include "cli/answer_csv.h"
#include "cli/funnel_screen.h"
#include "cli/lifecycle_screen.h"
#include "cli/members_screen.h"
#include "cli/query_flags.h"
#include "cli/retention_screen.h"
#include "cli/segment_size_screen.h"
#include "cli/stickiness_screen.h"
#include "cli/trend_screen.h"
#include "metric/metric_table.h"
#include "metric/query.h"
#include "predicate/explain.h"

namespace hf {
namespace {

/// A question being answered for people.
struct Asked {
  const Json& query;
  const Session::Reading& reading;
  const Terminal& terminal;
  Words words;
  const OwnWords& own;
};

std::string text_field_of(const Json& query, std::string_view name) {
  const Json* member = query.find(name);
  return member != nullptr && member->is_text() ? member->text : "";
}

std::string titled(std::string_view name, const std::string& what, Words words) {
  return std::string(name) + std::string(words(": ", "：")) + what;
}

ChartScreen chart_of(const Asked& asked, const CommonFields& common, std::string title) {
  ChartScreen screen = screen_of(asked.query, common, asked.reading, asked.words);
  screen.title = asked.own.title.empty() ? std::move(title) : asked.own.title;
  return screen;
}

// Cohorts are called by the first dates of their periods; on a screen by the periods.
template <class Groups>
void name_cohorts(const CommonFields& common, Groups& groups, Words words) {
  const auto period_of = [](Period::Unit unit) -> std::string_view {
    switch (unit) {
      case Period::Unit::week: return "week";
      case Period::Unit::month: return "month";
      case Period::Unit::quarter: return "quarter";
      case Period::Unit::year: return "year";
      default: return "day";
    }
  };
  for (auto& group : groups) {
    for (std::size_t i = 0; i < common.breakdown.size(); ++i) {
      Bucket& bucket = group.bucket[i];
      const Dimension& dimension = common.breakdown[i];
      if (dimension.by != Dimension::By::cohort || bucket.kind != Bucket::Kind::value) continue;
      bucket.text = period_label(bucket.text, period_of(dimension.cohort), words);
    }
  }
}

// -- A screen for each metric ---------------------------------------------------------------------

// One column a period, counted exactly.
bool is_plain(const RetentionQuery& query) {
  return query.count_return == CountReturn::exactly &&
         std::ranges::all_of(query.columns,
                             [](const RetentionColumn& c) { return c.first == c.last; });
}

std::string show(const Asked& asked, const RetentionQuery& query, RetentionAnswer answer) {
  name_cohorts(query.common, answer.groups, asked.words);
  const ChartScreen chart = chart_of(asked, query.common,
                                     titled(asked.words("Retention", "留存"),
                                            event_text(query.start.label, asked.words) + " → " +
                                                event_text(query.returning.label, asked.words),
                                            asked.words));
  const RetentionScreen screen{
      .title = chart.title,
      .subtitle = chart.subtitle,
      .period = chart.period,
      .plain = is_plain(query),
      .data_end = chart.data_end,
      .next_command = asked.own.next_command,
      .notes = chart.notes,
      .value_of = query.value_trait.empty() ? query.value_property : query.value_trait};
  return render_retention(answer, screen, asked.terminal, asked.words);
}

std::string show(const Asked& asked, const TrendQuery& query, TrendAnswer answer) {
  name_cohorts(query.common, answer.groups, asked.words);
  answer.labels = series_names(query, answer.labels, asked.words);
  std::string all;
  for (const std::string& label : answer.labels) all += (all.empty() ? "" : " · ") + label;
  const ChartScreen chart =
      chart_of(asked, query.common, titled(asked.words("Trend", "趋势"), all, asked.words));
  return render_trend(answer, chart, asked.terminal, asked.words);
}

std::string show(const Asked& asked, const LifecycleQuery& query, LifecycleAnswer answer) {
  name_cohorts(query.common, answer.groups, asked.words);
  const ChartScreen chart =
      chart_of(asked, query.common,
               titled(asked.words("Lifecycle", "生命周期"),
                      event_text(query.match.label, asked.words), asked.words));
  return render_lifecycle(answer, chart, asked.terminal, asked.words);
}

std::string show(const Asked& asked, const StickinessQuery& query, StickinessAnswer answer) {
  name_cohorts(query.common, answer.groups, asked.words);
  const StickinessScreen screen{
      .chart = chart_of(asked, query.common,
                        titled(asked.words("Stickiness", "粘性"),
                               event_text(query.match.label, asked.words), asked.words)),
      .cumulative = query.cumulative,
      .from_first_event = !query.common.from};
  return render_stickiness(answer, screen, asked.terminal, asked.words);
}

std::string show(const Asked& asked, const FunnelQuery& query, FunnelAnswer answer) {
  name_cohorts(query.common, answer.groups, asked.words);
  FunnelScreen screen{.from_step = query.from_step,
                      .to_step = query.to_step,
                      .any_order = query.order == FunnelOrder::any};
  std::string steps;
  for (const FunnelQuery::Step& step : query.steps) {
    screen.steps.push_back(step.matcher.label);
    steps += (steps.empty() ? "" : " → ") + event_text(step.matcher.label, asked.words);
  }
  screen.chart =
      chart_of(asked, query.common, titled(asked.words("Funnel", "漏斗"), steps, asked.words));
  screen.chart.notes.insert(screen.chart.notes.begin(), funnel_rules(query, asked.words));
  return render_funnel(answer, screen, asked.terminal, asked.words);
}

std::string show(const Asked& asked, const SegmentSizeQuery& query, SegmentSizeAnswer answer) {
  name_cohorts(query.common, answer.groups, asked.words);
  const ChartScreen chart =
      chart_of(asked, query.common, std::string(asked.words("Segment size", "分群规模")));
  return render_segment_size(answer, chart, asked.terminal, asked.words);
}

// -- A table for each metric ----------------------------------------------------------------------

std::string csv(const RetentionQuery& query, const RetentionAnswer& answer) {
  return retention_csv(answer, query.common.breakdown.size());
}

// Series of one label would be one series to who reads the table.
std::string csv(const TrendQuery& query, TrendAnswer answer) {
  std::vector<std::string> sorted = answer.labels;
  std::ranges::sort(sorted);
  if (std::ranges::adjacent_find(sorted) != sorted.end()) {
    answer.labels = series_names(query, answer.labels, Words{Language::english});
  }
  return trend_csv(answer, query.common.breakdown.size());
}

std::string csv(const LifecycleQuery& query, const LifecycleAnswer& answer) {
  return lifecycle_csv(answer, query.common.breakdown.size());
}

std::string csv(const StickinessQuery& query, const StickinessAnswer& answer) {
  return stickiness_csv(answer, query.common.breakdown.size());
}

std::string csv(const FunnelQuery& query, const FunnelAnswer& answer) {
  return funnel_csv(answer, query.common.breakdown.size());
}

std::string csv(const SegmentSizeQuery& query, const SegmentSizeAnswer& answer) {
  return segment_size_csv(answer, query.common.breakdown.size());
}

// -- Members --------------------------------------------------------------------------------------

Result<Json> page_of(const Snapshot& snapshot, const MembersRequest& request,
                     const Members& members, WorkGuard& guard) {
  HF_TRY(const std::string page, members_json(snapshot, request, members, guard));
  return parse_json(page);
}

Result<std::string> show_members(const Asked& asked, const CommonFields& common,
                                 const Members& members, WorkGuard& guard) {
  HF_TRY(const Json page, page_of(asked.reading.snapshot, *common.members, members, guard));
  JsonWriter cell;
  cell.json(common.members->cell);
  return render_members(
      page,
      chart_of(asked, common,
               titled(fmt::format(fmt::runtime(asked.words("Members of {}", "{} 的成员")),
                                  text_field_of(asked.query, "metric")),
                      cell.str(), asked.words)),
      asked.terminal, asked.words);
}

Result<std::string> members_csv(const Snapshot& snapshot, const Json& query, MembersRequest request,
                                const Members& members, WorkGuard& guard) {
  // A table that silently ends after the first page would pass for the whole.
  const bool has_limit = query.find("members")->find("limit") != nullptr;
  if (!has_limit) request.limit = static_cast<std::size_t>(MembersRequest::limit_max);
  std::string out;
  do {
    HF_TRY(const Json page, page_of(snapshot, request, members, guard));
    if (out.empty()) out = members_csv_heading(page);
    out += members_csv_rows(page);
    request.cursor = text_field_of(page, "cursor");
  } while (!has_limit && !request.cursor.empty());
  return out;
}

}  // namespace

ChartScreen screen_of(const Json& query, const CommonFields& common,
                      const Session::Reading& reading, Words words) {
  ChartScreen screen{.title = {},
                     .subtitle = data_facts(reading, words),
                     .period = text_field_of(query, "period"),
                     .data_end = data_end(reading, common)};
  if (screen.period.empty()) screen.period = "day";
  const auto note = [&](std::string_view english, std::string_view chinese,
                        const std::string& what) {
    screen.notes.push_back(std::string(words(english, chinese)) + harmless(what));
  };
  if (common.people) note("people: ", "人员：", explain(*common.people, words.language));
  if (query.find("where") != nullptr) {
    note("events: ", "事件：", explain(common.where, words.language));
  }
  if (const Json* sample = query.find("sample"); sample != nullptr) {
    note("an estimate, from this share of the people: ", "估计值，抽样比例：", sample->text);
  }
  if (!common.unit.empty()) note("counted by: ", "计数单位：", common.unit);
  return screen;
}

Result<std::string> answer_screen(const Session::Reading& reading, const QueryContext& context,
                                  std::string_view query, const Terminal& terminal, Words words,
                                  const OwnWords& own) {
  HF_TRY(const Json json, parse_json(query));
  const Asked asked{json, reading, terminal, words, own};
  return with_metric(json, [&](const auto& metric) -> Result<std::string> {
    HF_TRY(const auto parsed, metric.parse(json, context));
    if (parsed.common.members) {
      HF_TRY(const Members members, metric.members(reading.snapshot, context, parsed));
      return show_members(asked, parsed.common, members, *context.guard);
    }
    HF_TRY(auto answer, metric.answer(reading.snapshot, context, parsed));
    return show(asked, parsed, std::move(answer));
  });
}

Result<std::string> answer_csv(const Session::Reading& reading, const QueryContext& context,
                               std::string_view query) {
  HF_TRY(const Json json, parse_json(query));
  return with_metric(json, [&](const auto& metric) -> Result<std::string> {
    HF_TRY(const auto parsed, metric.parse(json, context));
    if (parsed.common.members) {
      HF_TRY(const Members members, metric.members(reading.snapshot, context, parsed));
      return members_csv(reading.snapshot, json, *parsed.common.members, members, *context.guard);
    }
    HF_TRY(auto answer, metric.answer(reading.snapshot, context, parsed));
    return csv(parsed, std::move(answer));
  });
}

}  // namespace hf
