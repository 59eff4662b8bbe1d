// SPDX-License-Identifier: Apache-2.0
#include "metric/funnel.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <memory>
#include <numeric>

#include "metric/funnel_rows.h"
#include "metric/funnel_tally.h"
#include "metric/grouped_walk.h"
#include "metric/partial_periods.h"
#include "metric/query_fields.h"
#include "metric/query_scope.h"
#include "stats/selection.h"

namespace hf {
namespace {

constexpr double ms_per_s = 1000;

// The order of the values, which depends on how persons were split, does not matter.
FunnelSeconds seconds_of(const std::vector<std::int64_t>& values) {
  if (values.empty()) return {};
  const std::int64_t sum = std::accumulate(values.begin(), values.end(), std::int64_t{0});
  constexpr std::array<std::size_t, 2> percents{50, 90};
  const std::vector<double> of = quantiles(values, percents);
  return {static_cast<double>(sum) / static_cast<double>(values.size()) / ms_per_s,
          of[0] / ms_per_s, of[1] / ms_per_s};
}

constexpr std::int64_t usual_bins_max = 60;

// The cube root of n, rounded up, from 3 to 60.
std::int64_t usual_bins(std::size_t n) {
  std::int64_t bins = 3;
  while (bins < usual_bins_max && bins * bins * bins < static_cast<std::int64_t>(n)) ++bins;
  return bins;
}

std::vector<FunnelBin> bins_of(const std::vector<std::int64_t>& values,
                               std::optional<std::size_t> asked) {
  std::vector<FunnelBin> result;
  if (values.empty()) return result;
  const auto [low, high] = std::ranges::minmax(values);
  const std::int64_t bins = asked ? static_cast<std::int64_t>(*asked) : usual_bins(values.size());
  const std::int64_t divisor = bins * 1000;
  std::int64_t width_s = (high - low + divisor - 1) / divisor;
  if (width_s == 0) width_s = 60;
  const std::int64_t width_ms = width_s * 1000;
  for (std::int64_t i = 0; i < bins; ++i) {
    result.push_back({static_cast<double>(low + i * width_ms) / ms_per_s,
                      static_cast<double>(low + (i + 1) * width_ms) / ms_per_s});
  }
  for (const std::int64_t value : values) {
    ++result[static_cast<std::size_t>(std::min(bins - 1, (value - low) / width_ms))].count;
  }
  return result;
}

FunnelTable table_of(const FunnelPlan& plan, const FunnelTally& tally, BucketPath bucket) {
  FunnelTable table{.bucket = std::move(bucket)};
  switch (plan.query->view) {
    case FunnelView::steps:
      for (std::size_t k = 0; k < tally.counts.size(); ++k) {
        table.steps.push_back({tally.counts[k], seconds_of(tally.durations_ms[k])});
      }
      break;
    case FunnelView::trend:
      for (std::size_t i = 0; i < tally.counts.size(); i += 2) {
        table.periods.push_back({tally.counts[i], tally.counts[i + 1]});
      }
      break;
    case FunnelView::time_to_convert:
      table.bins = bins_of(tally.durations_ms[0], plan.query->bins);
      table.converted = static_cast<std::int64_t>(tally.durations_ms[0].size());
      table.seconds = seconds_of(tally.durations_ms[0]);
      break;
  }
  return table;
}

// Refuses more numbers than an answer may have, of so many tables of what the view lists.
Result<void> check_cells(const FunnelPlan& plan, std::size_t tables) {
  std::size_t rows = 0;
  std::size_t numbers = 0;
  std::string_view what;
  switch (plan.query->view) {
    case FunnelView::steps:
      rows = plan.query->steps.size();
      numbers = 6;  // count, two rates, mean, median, p90
      what = "steps";
      break;
    case FunnelView::trend:
      rows = static_cast<std::size_t>(plan.grid->rows());
      numbers = 2;  // entered, completed
      what = "periods";
      break;
    case FunnelView::time_to_convert:
      rows = plan.query->bins.value_or(std::size_t{usual_bins_max});
      numbers = 1;
      what = "bins";
      break;
  }
  if (rows * numbers * tables <= std::size_t{FunnelQuery::cells_max}) return {};
  return fail(ErrorCode::resource_exhausted, "too_many_cells",
              fmt::format("{} x numbers x tables are more than an answer may have ({}): "
                          "{} x {} x {}",
                          what, FunnelQuery::cells_max, rows, numbers, tables));
}

FunnelPlan plan_of(const FunnelQuery& query, std::vector<Interval> range,
                   std::optional<PeriodGrid> grid) {
  const Zone& zone = *query.common.zone;
  Interval begins =
      range.empty() ? Interval{0, 0} : Interval{range.front().from_ms, range.back().to_ms};
  // Whether a period is complete is asked of its last instant, which the range may cut off.
  if (grid && grid->rows() > 0) begins.to_ms = std::max(begins.to_ms, grid->end(grid->rows() - 1));
  FunnelPlan plan{&query, {}, std::move(range), std::move(grid)};
  plan.rules.order = query.order;
  plan.rules.window = std::make_shared<const WindowEnds>(query.window, zone, begins);
  plan.rules.holds_values = !query.hold_constant.empty();
  plan.rules.first_only = query.entry == FunnelEntry::first;
  for (const FunnelQuery::Step& step : query.steps) {
    plan.rules.same_as.push_back(step.same_as);
    if (!step.within) continue;
    plan.rules.within.resize(query.steps.size());
    plan.rules.within[plan.rules.same_as.size() - 1] =
        std::make_shared<const WindowEnds>(*step.within, zone, begins);
  }
  for (const FunnelQuery::Exclusion& exclusion : query.exclude) {
    plan.rules.exclusions.push_back({exclusion.after_step, exclusion.before_step});
  }
  return plan;
}

void write_rate(JsonWriter& out, std::int64_t numerator, std::int64_t denominator) {
  out.begin_object().key("numerator").integer(numerator);
  out.key("denominator").integer(denominator).key("rate");
  if (denominator == 0) {
    out.null();
  } else {
    out.number(static_cast<double>(numerator) / static_cast<double>(denominator));
  }
  out.end_object();
}

void write_seconds(JsonWriter& out, const FunnelSeconds& seconds) {
  out.key("seconds").begin_object();
  const auto write = [&](std::string_view name, const std::optional<double>& value) {
    out.key(name);
    if (value) {
      out.number(*value);
    } else {
      out.null();
    }
  };
  write("mean", seconds.mean);
  write("median", seconds.median);
  write("p90", seconds.p90);
  out.end_object();
}

void write_steps(JsonWriter& out, const FunnelAnswer& answer, const FunnelTable& table) {
  out.key("steps").begin_array();
  for (std::size_t k = 0; k < table.steps.size(); ++k) {
    const FunnelStep& step = table.steps[k];
    out.begin_object().key("label").text(answer.labels[k]).key("count").integer(step.count);
    out.key("from_first");
    write_rate(out, step.count, table.steps.front().count);
    if (k == 0) {
      out.key("from_previous").null().key("seconds").null();
    } else {
      out.key("from_previous");
      write_rate(out, step.count, table.steps[k - 1].count);
      write_seconds(out, step.seconds);
    }
    out.end_object();
  }
  out.end_array();
}

void write_table(JsonWriter& out, const FunnelAnswer& answer, const FunnelTable& table) {
  switch (answer.view) {
    case FunnelView::steps: write_steps(out, answer, table); return;
    case FunnelView::trend:
      out.key("periods").begin_array();
      for (std::size_t i = 0; i < table.periods.size(); ++i) {
        out.begin_object().key("start").text(answer.periods[i]);
        out.key("complete").boolean(answer.complete[i]);
        out.key("entered").integer(table.periods[i].entered);
        out.key("completed").integer(table.periods[i].completed).end_object();
      }
      out.end_array();
      return;
    case FunnelView::time_to_convert:
      out.key("bins").begin_array();
      for (const FunnelBin& bin : table.bins) {
        out.begin_object().key("from").number(bin.from).key("to").number(bin.to);
        out.key("count").integer(bin.count).end_object();
      }
      out.end_array().key("count").integer(table.converted);
      write_seconds(out, table.seconds);
      return;
  }
}

}  // namespace

namespace {

struct PlannedFunnel {
  FunnelPlan plan;
  bool has_events;
  std::vector<std::string> periods;  // trend
};

Result<PlannedFunnel> plan_funnel(const Snapshot& snapshot, const FunnelQuery& query,
                                  WorkGuard& guard) {
  std::vector<const Matcher*> named;
  for (const FunnelQuery::Step& step : query.steps) named.push_back(&step.matcher);
  const bool by_hour = query.view == FunnelView::trend && query.period.unit == Period::Unit::hour;
  HF_TRY(const auto first_event, first_named_event(snapshot, named, query.common.as_of, guard));
  HF_TRY(const TimeRange range, resolve_range(query.common, by_hour, first_event));
  std::optional<PeriodGrid> grid;
  if (query.view == FunnelView::trend) {
    HF_TRY(grid,
           PeriodGrid::build(query.period, range, *query.common.zone, query.common.week_start, 0));
  }
  PlannedFunnel planned{plan_of(query, instants_of(range, *query.common.zone), std::move(grid)),
                        first_event.has_value(),
                        {}};
  if (planned.plan.grid) {
    for (std::int32_t row = 0; row < planned.plan.grid->rows(); ++row) {
      planned.periods.push_back(planned.plan.grid->label(row));
    }
  }
  return planned;
}

// What a funnel reads. It must not move: the selection points into it.
class FunnelReads {
 public:
  explicit FunnelReads(const FunnelQuery& query) {
    const Predicate* const where = &query.common.where;
    for (const FunnelQuery::Step& step : query.steps) add(step.matcher, where);
    groups.event_bits = (std::uint64_t{1} << query.steps.size()) - 1;
    groups.beside_bits = ~groups.event_bits;
    for (const FunnelQuery::Exclusion& exclusion : query.exclude) add(exclusion.matcher, where);
    // Strictly in order all events have a say: those that match nothing come between.
    if (query.order == FunnelOrder::strict) add(any_event_, where);
    for (const std::string& property : query.hold_constant) {
      held_.push_back(std::make_unique<BucketTable>());
      selection.keys.push_back({property, ~std::uint64_t{0}, held_.back().get()});
    }
  }
  FunnelReads(const FunnelReads&) = delete;
  FunnelReads& operator=(const FunnelReads&) = delete;

  EventSelection selection;
  GroupRules groups;
  std::vector<const Matcher*> matchers;

 private:
  void add(const Matcher& matcher, const Predicate* where) {
    selection.wanted.push_back({&matcher, where});
    matchers.push_back(&matcher);
  }
  const Matcher any_event_ = Matcher::any_event();
  std::vector<std::unique_ptr<BucketTable>> held_;
};

}  // namespace

Result<FunnelAnswer> run_funnel(const Snapshot& snapshot, const QueryContext& context,
                                const FunnelQuery& query) {
  FunnelAnswer answer;
  answer.view = query.view;
  answer.has_groups = !query.common.breakdown.empty();
  for (std::size_t k = 0; k < query.steps.size(); ++k) {
    answer.labels.push_back(query.order == FunnelOrder::any
                                ? fmt::format("{} {}", k + 1, k == 0 ? "step" : "steps")
                                : query.steps[k].matcher.label);
  }
  HF_TRY(PlannedFunnel planned, plan_funnel(snapshot, query, *context.guard));
  BlockRoom room(*context.guard, sizeof(std::int64_t));
  planned.plan.room = &room;
  const FunnelPlan& plan = planned.plan;
  answer.periods = std::move(planned.periods);
  if (!planned.has_events || plan.range.empty()) answer.warnings.push_back(no_events_warning());
  if (plan.grid) {
    for (std::int32_t row = 0; row < plan.grid->rows(); ++row) {
      answer.complete.push_back(plan.rules.window->end(plan.grid->end(row) - 1) <=
                                query.common.as_of);
    }
    warn_of_partial_periods(query.common, *plan.grid, answer.warnings);
  }
  if (plan.range.empty()) {
    answer.total = table_of(plan, FunnelEvaluator(plan).empty_tally(), {});
    return answer;
  }

  const auto fits = [&](std::size_t groups) { return check_cells(plan, groups + 1); };
  const FunnelReads reads(query);
  HF_TRY(const QueryScope scope, QueryScope::find(snapshot, context, query.common, reads.matchers));
  HF_TRY(const auto question, BoundQuestion::bind(snapshot, context, query.common, scope,
                                                  reads.selection, reads.groups));
  // Bits of rows where these decide; a context without bitmaps asks for events one by one.
  const bool by_rows =
      context.bitmaps && has_funnel_rows(plan) && !answer.has_groups && query.common.unit.empty();
  GroupedWalk<FunnelEvaluator, FunnelPlan> walk(*question->source, plan,
                                                {.groups = question->groups});
  HF_TRY(const auto tallies, by_rows ? walk_funnel_rows(*question->bound, plan,
                                                        {.people = scope.people(),
                                                         .unit_key = {},
                                                         .threads = context.threads,
                                                         .guard = context.guard})
                                     : walk.tally(fits));
  answer.total = table_of(plan, tallies.total, {});
  for (const auto& group : tallies.groups) {
    answer.groups.push_back(table_of(plan, group.tally, group.bucket));
  }
  answer.events_scanned = tallies.scan.events;
  answer.persons_scanned = tallies.scan.persons;
  answer.plan = question->bound->steps();
  return answer;
}

Result<Members> funnel_members(const Snapshot& snapshot, const QueryContext& context,
                               const FunnelQuery& query) {
  const MembersRequest& request = *query.common.members;
  const BucketPath* const bucket = request.bucket ? &*request.bucket : nullptr;
  HF_TRY(PlannedFunnel planned, plan_funnel(snapshot, query, *context.guard));
  BlockRoom room(*context.guard, sizeof(std::int64_t));
  planned.plan.room = &room;
  const FunnelPlan& plan = planned.plan;
  const FunnelReads reads(query);
  HF_TRY(const QueryScope scope, QueryScope::find(snapshot, context, query.common, reads.matchers));
  const auto find = [&](const QueryContext& asking, auto&& cell) -> Result<Members> {
    HF_TRY(const auto question, BoundQuestion::bind(snapshot, asking, query.common, scope,
                                                    reads.selection, reads.groups));
    GroupedWalk<FunnelEvaluator, FunnelPlan> walk(*question->source, plan,
                                                  {.groups = question->groups});
    HF_TRY(auto members, walk.members(bucket, cell));
    return Members{std::move(members), question->units};
  };
  switch (query.view) {
    case FunnelView::steps: {
      HF_CHECK(check_cell(request.cell, {"step", "dropped"}));
      const auto steps = std::ssize(query.steps);
      HF_TRY(const auto dropped, boolean_field(request.cell, "dropped", "/members/cell"));
      const bool is_drop = dropped.value_or(false);
      HF_TRY(const std::int64_t step, cell_number(request.cell, "step", is_drop ? 2 : 1, steps));
      const auto at = static_cast<std::size_t>(step) - 1;
      return find(context, [&](const FunnelTally& tally) {
        return is_drop ? tally.counts[at - 1] - tally.counts[at] : tally.counts[at];
      });
    }
    case FunnelView::trend: {
      HF_CHECK(check_cell(request.cell, {"period", "kind"}));
      const std::vector<std::string> kinds{"entered", "completed"};
      HF_TRY(const std::size_t row, cell_label(request.cell, "period", planned.periods));
      HF_TRY(const std::size_t kind, cell_label(request.cell, "kind", kinds));
      return find(context, [&](const FunnelTally& tally) { return tally.counts[2 * row + kind]; });
    }
    case FunnelView::time_to_convert: break;
  }
  HF_CHECK(check_cell(request.cell, {"bin"}));
  if (request.cell.find("bin") == nullptr) {
    return find(context,
                [](const FunnelTally& tally) { return std::ssize(tally.durations_ms[0]); });
  }
  // Where the bins lie depends on everybody.
  HF_TRY(const FunnelAnswer answer, run_funnel(snapshot, context, query));
  const FunnelTable* table = &answer.total;
  if (bucket != nullptr) {
    const auto group = std::ranges::find(answer.groups, *bucket, &FunnelTable::bucket);
    if (group == answer.groups.end()) return unknown_bucket();
    table = &*group;
  }
  HF_TRY(const std::int64_t number,
         cell_number(request.cell, "bin", 0, std::ssize(table->bins) - 1));
  const auto at = static_cast<std::size_t>(number);
  const FunnelBin bin = table->bins[at];
  const bool is_last = at + 1 == table->bins.size();
  // One thread has one tally, to which times are only added.
  QueryContext alone = context;
  alone.threads = 1;
  std::size_t seen = 0;
  std::int64_t in_bin = 0;
  return find(alone, [&](const FunnelTally& tally) {
    for (; seen < tally.durations_ms[0].size(); ++seen) {
      const double seconds = static_cast<double>(tally.durations_ms[0][seen]) / ms_per_s;
      in_bin += seconds >= bin.from && (seconds < bin.to || is_last) ? 1 : 0;
    }
    return in_bin;
  });
}

void write_json(JsonWriter& out, const FunnelAnswer& answer) {
  out.begin_object();
  write_tables(out, answer, [&](const FunnelTable& table) { write_table(out, answer, table); });
  out.end_object();
}

}  // namespace hf
