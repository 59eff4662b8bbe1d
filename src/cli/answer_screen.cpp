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
#include "metric/query.h"
#include "predicate/explain.h"

namespace hf {
namespace {

/// A question being answered for people.
struct Asked {
  const Json& query;
  const Session::Reading& reading;
  const QueryContext& context;
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

Result<std::string> show(const Asked& asked, const RetentionQuery& query) {
  HF_TRY(const RetentionAnswer answer, run_retention(asked.reading.snapshot, asked.context, query));
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

Result<std::string> show(const Asked& asked, const TrendQuery& query) {
  HF_TRY(TrendAnswer answer, run_trend(asked.reading.snapshot, asked.context, query));
  name_cohorts(query.common, answer.groups, asked.words);
  answer.labels = series_names(query, answer.labels, asked.words);
  std::string all;
  for (const std::string& label : answer.labels) all += (all.empty() ? "" : " · ") + label;
  const ChartScreen chart =
      chart_of(asked, query.common, titled(asked.words("Trend", "趋势"), all, asked.words));
  return render_trend(answer, chart, asked.terminal, asked.words);
}

Result<std::string> show(const Asked& asked, const LifecycleQuery& query) {
  HF_TRY(LifecycleAnswer answer, run_lifecycle(asked.reading.snapshot, asked.context, query));
  name_cohorts(query.common, answer.groups, asked.words);
  const ChartScreen chart =
      chart_of(asked, query.common,
               titled(asked.words("Lifecycle", "生命周期"),
                      event_text(query.match.label, asked.words), asked.words));
  return render_lifecycle(answer, chart, asked.terminal, asked.words);
}

Result<std::string> show(const Asked& asked, const StickinessQuery& query) {
  HF_TRY(StickinessAnswer answer, run_stickiness(asked.reading.snapshot, asked.context, query));
  name_cohorts(query.common, answer.groups, asked.words);
  const StickinessScreen screen{
      .chart = chart_of(asked, query.common,
                        titled(asked.words("Stickiness", "粘性"),
                               event_text(query.match.label, asked.words), asked.words)),
      .cumulative = query.cumulative,
      .from_first_event = !query.common.from};
  return render_stickiness(answer, screen, asked.terminal, asked.words);
}

Result<std::string> show(const Asked& asked, const FunnelQuery& query) {
  HF_TRY(FunnelAnswer answer, run_funnel(asked.reading.snapshot, asked.context, query));
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

Result<std::string> show(const Asked& asked, const SegmentSizeQuery& query) {
  HF_TRY(SegmentSizeAnswer answer, run_segment_size(asked.reading.snapshot, asked.context, query));
  name_cohorts(query.common, answer.groups, asked.words);
  const ChartScreen chart =
      chart_of(asked, query.common, std::string(asked.words("Segment size", "分群规模")));
  return render_segment_size(answer, chart, asked.terminal, asked.words);
}

// -- Members --------------------------------------------------------------------------------------

Result<Json> answer_data(const Asked& asked, std::string_view query) {
  HF_TRY(const std::string text, answer_query(asked.reading.snapshot, asked.context, query));
  HF_TRY(const Json answer, parse_json(text));
  return *answer.find("data");
}

Result<std::string> show_members(const Asked& asked, const CommonFields& common,
                                 std::string_view query) {
  HF_TRY(const Json data, answer_data(asked, query));
  JsonWriter cell;
  cell.json(*asked.query.find("members")->find("cell"));
  return render_members(
      data,
      chart_of(asked, common,
               titled(fmt::format(fmt::runtime(asked.words("Members of {}", "{} 的成员")),
                                  text_field_of(asked.query, "metric")),
                      cell.str(), asked.words)),
      asked.terminal, asked.words);
}

// The query with another page of its members.
std::string page_query(const Json& query, const std::string& cursor) {
  JsonWriter out;
  out.begin_object();
  for (const auto& [name, value] : query.object) {
    if (name != "members") {
      out.key(name).json(value);
      continue;
    }
    out.key(name).begin_object();
    for (const auto& [field, content] : value.object) {
      if (field != "cursor") out.key(field).json(content);
    }
    out.key("limit").integer(MembersRequest::limit_max);
    if (!cursor.empty()) out.key("cursor").text(cursor);
    out.end_object();
  }
  return out.end_object().take();
}

Result<std::string> members_csv(const Asked& asked, std::string_view query) {
  const Json* members = asked.query.find("members");
  if (members->find("limit") != nullptr) {
    HF_TRY(const Json data, answer_data(asked, query));
    return members_csv_heading(data) + members_csv_rows(data);
  }
  // A table that silently ends after the first page would pass for the whole.
  std::string out;
  std::string cursor = text_field_of(*members, "cursor");
  do {
    HF_TRY(const Json data, answer_data(asked, page_query(asked.query, cursor)));
    if (out.empty()) out = members_csv_heading(data);
    out += members_csv_rows(data);
    cursor = text_field_of(data, "cursor");
  } while (!cursor.empty());
  return out;
}

// -- By metric ------------------------------------------------------------------------------------

template <auto parse>
Result<std::string> screen_by(const Asked& asked, std::string_view text) {
  HF_TRY(const auto query, parse(asked.query, asked.context));
  if (query.common.members) return show_members(asked, query.common, text);
  return show(asked, query);
}

template <auto parse, auto run, auto write>
Result<std::string> csv_by(const Asked& asked, std::string_view text) {
  HF_TRY(const auto query, parse(asked.query, asked.context));
  if (query.common.members) return members_csv(asked, text);
  HF_TRY(const auto answer, run(asked.reading.snapshot, asked.context, query));
  return write(answer, query.common.breakdown.size());
}

// Series of one label would be one series to who reads the table.
Result<std::string> trend_csv_by(const Asked& asked, std::string_view text) {
  HF_TRY(const TrendQuery query, parse_trend(asked.query, asked.context));
  if (query.common.members) return members_csv(asked, text);
  HF_TRY(TrendAnswer answer, run_trend(asked.reading.snapshot, asked.context, query));
  std::vector<std::string> sorted = answer.labels;
  std::ranges::sort(sorted);
  if (std::ranges::adjacent_find(sorted) != sorted.end()) {
    answer.labels = series_names(query, answer.labels, Words{Language::english});
  }
  return trend_csv(answer, query.common.breakdown.size());
}

struct Form {
  std::string_view metric;
  Result<std::string> (*screen)(const Asked&, std::string_view);
  Result<std::string> (*csv)(const Asked&, std::string_view);
};
constexpr Form forms[] = {
    {"retention", screen_by<parse_retention>,
     csv_by<parse_retention, run_retention, retention_csv>},
    {"trend", screen_by<parse_trend>, trend_csv_by},
    {"lifecycle", screen_by<parse_lifecycle>,
     csv_by<parse_lifecycle, run_lifecycle, lifecycle_csv>},
    {"stickiness", screen_by<parse_stickiness>,
     csv_by<parse_stickiness, run_stickiness, stickiness_csv>},
    {"funnel", screen_by<parse_funnel>, csv_by<parse_funnel, run_funnel, funnel_csv>},
    {"segment_size", screen_by<parse_segment_size>,
     csv_by<parse_segment_size, run_segment_size, segment_size_csv>},
};

Result<std::string> answer_by(const Session::Reading& reading, const QueryContext& context,
                              std::string_view text, const Terminal& terminal, Words words,
                              const OwnWords& own,
                              Result<std::string> (*Form::*form)(const Asked&, std::string_view)) {
  HF_TRY(const Json query, parse_json(text));
  const std::string metric = query.is_object() ? text_field_of(query, "metric") : "";
  const auto found = std::ranges::find(forms, metric, &Form::metric);
  if (found != std::end(forms)) {
    return ((*found).*form)({query, reading, context, terminal, words, own}, text);
  }
  HF_CHECK(answer_query(reading.snapshot, context, text));  // Whether it is a question at all.
  return fail(ErrorCode::invalid_argument, "unsupported_format",
              "this metric is answered as JSON only");
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
  return answer_by(reading, context, query, terminal, words, own, &Form::screen);
}

Result<std::string> answer_csv(const Session::Reading& reading, const QueryContext& context,
                               std::string_view query) {
  return answer_by(reading, context, query, {}, {}, {}, &Form::csv);
}

}  // namespace hf
