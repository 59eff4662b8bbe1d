// SPDX-License-Identifier: Apache-2.0
#include "metric/trend.h"

#include <fmt/format.h>

#include <algorithm>
#include <numeric>

#include "metric/grouped_walk.h"
#include "metric/partial_periods.h"
#include "metric/query_scope.h"
#include "metric/trend_sets.h"
#include "metric/trend_tally.h"

namespace hf {
namespace {

std::vector<const Matcher*> matchers_of(const TrendQuery& query) {
  std::vector<const Matcher*> matchers;
  for (const TrendQuery::Series& series : query.series) matchers.push_back(&series.matcher);
  return matchers;
}

// Which of the selection's values a series is of, and which properties these are.
struct TrendProperties {
  std::vector<std::size_t> value_of_series;
  std::vector<EventSelection::Value> values;

  explicit TrendProperties(const TrendQuery& query) {
    for (std::size_t s = 0; s < query.series.size(); ++s) {
      if (!is_of_numbers(query.series[s].math)) {
        value_of_series.push_back(0);
        continue;
      }
      const std::string& property = query.series[s].property;
      auto value = std::ranges::find(values, property, &EventSelection::Value::property);
      if (value == values.end()) value = values.insert(value, {property, 0});
      value->bits |= std::uint64_t{1} << s;
      value_of_series.push_back(static_cast<std::size_t>(value - values.begin()));
    }
  }
};

struct PlannedTrend {
  TrendPlan plan;
  bool has_events;
  std::vector<std::string> periods;
};

Result<PlannedTrend> plan_trend(const Snapshot& snapshot, const TrendQuery& query,
                                BlockRoom& room) {
  const Zone& zone = *query.common.zone;
  HF_TRY(const auto first_event,
         first_named_event(snapshot, matchers_of(query), query.common.as_of, room.guard()));
  HF_TRY(const TimeRange range,
         resolve_range(query.common, query.period.unit == Period::Unit::hour, first_event));
  HF_TRY(PeriodGrid grid, PeriodGrid::build(query.period, range, zone, query.common.week_start, 0));
  PlannedTrend planned{.plan = {.query = &query,
                                .grids = {},
                                .value_of_series = TrendProperties(query).value_of_series,
                                .room = &room},
                       .has_events = first_event.has_value(),
                       .periods = {}};
  for (std::int32_t row = 0; row < grid.rows(); ++row) planned.periods.push_back(grid.label(row));
  const bool is_empty = grid.rows() == 0;
  planned.plan.grids.push_back(std::move(grid));
  if (query.compare) {
    HF_TRY(PeriodGrid before,
           PeriodGrid::build(query.period,
                             is_empty ? TimeRange{} : earlier(range, *query.compare, zone), zone,
                             query.common.week_start, 0));
    planned.plan.grids.push_back(std::move(before));
  }
  return planned;
}

Result<std::unique_ptr<BoundQuestion>> bind_trend(const Snapshot& snapshot,
                                                  const QueryContext& context,
                                                  const TrendQuery& query,
                                                  const QueryScope& scope) {
  EventSelection selection;
  for (const TrendQuery::Series& series : query.series) {
    selection.wanted.push_back({&series.matcher, &query.common.where});
  }
  selection.values = TrendProperties(query).values;
  return BoundQuestion::bind(snapshot, context, query.common, scope, std::move(selection),
                             {.event_bits = ~std::uint64_t{0}});
}

// What there is to say of an answer before anything is counted.
void describe(const PlannedTrend& planned, TrendAnswer& answer) {
  const TrendPlan& plan = planned.plan;
  const TrendQuery& query = *plan.query;
  const PeriodGrid& grid = plan.grids.front();
  answer.has_groups = !query.common.breakdown.empty();
  answer.has_previous = query.compare.has_value();
  answer.has_formula = query.formula.has_value();
  for (const TrendQuery::Series& series : query.series) {
    answer.labels.push_back(series.matcher.label);
  }
  if (query.formula) answer.labels.push_back(query.formula->text());
  answer.periods = planned.periods;
  for (std::int32_t row = 0; row < grid.rows(); ++row) {
    answer.complete.push_back(grid.end(row) <= query.common.as_of + 1);
  }
  if (!planned.has_events || plan.rows() == 0) answer.warnings.push_back(no_events_warning());
  warn_of_partial_periods(query.common, grid, answer.warnings);
}

}  // namespace

Result<TrendAnswer> run_trend(const Snapshot& snapshot, const QueryContext& context,
                              const TrendQuery& query) {
  BlockRoom room(*context.guard, sizeof(RangeTally::Number));
  HF_TRY(const PlannedTrend planned, plan_trend(snapshot, query, room));
  const TrendPlan& plan = planned.plan;
  TrendAnswer answer;
  describe(planned, answer);
  if (plan.rows() == 0) {
    TrendTally nothing = TrendEvaluator(plan).empty_tally();
    answer.total = table_of(plan, nothing, {});
    return answer;
  }

  const auto fits = [&](std::size_t groups) -> Result<void> {
    if (plan.cells() * (groups + 1) <= static_cast<std::size_t>(TrendQuery::cells_max)) return {};
    return fail(ErrorCode::resource_exhausted, "too_many_cells",
                fmt::format("periods x series x tables are more than an answer may have ({}): "
                            "{} x {}",
                            TrendQuery::cells_max, plan.cells(), groups + 1));
  };
  HF_CHECK(fits(0));
  HF_TRY(const QueryScope scope,
         QueryScope::find(snapshot, context, query.common, matchers_of(query)));
  if (context.bitmaps) {
    const ActivityPlan::Scope of{query.common.zone.get(), query.common.as_of, &context,
                                 scope.people(), scope.conditions()};
    HF_TRY(auto counts, count_trend(plan, snapshot, of));
    if (counts) {
      answer.total = table_of(plan, counts->tally, {});
      answer.events_scanned = counts->scan.events;
      answer.persons_scanned = counts->scan.persons;
      answer.plan = std::move(counts->steps);
      return answer;
    }
  }
  HF_TRY(const auto question, bind_trend(snapshot, context, query, scope));
  GroupedWalk<TrendEvaluator, TrendPlan> walk(*question->source, plan,
                                              {.groups = question->groups});
  HF_TRY(auto tallies, walk.tally(fits));
  HF_CHECK(room.outcome());
  answer.total = table_of(plan, tallies.total, {});
  for (auto& group : tallies.groups) {
    HF_CHECK(context.guard->check());
    answer.groups.push_back(table_of(plan, group.tally, group.bucket));
  }
  if (tallies.scan.too_big) {
    answer.warnings.push_back(
        {"numbers_too_big",
         "numbers beyond the range of exact decimals were left out of what is of numbers"});
  }
  answer.events_scanned = tallies.scan.events;
  answer.persons_scanned = tallies.scan.persons;
  answer.plan = question->bound->steps();
  return answer;
}

Result<Members> trend_members(const Snapshot& snapshot, const QueryContext& context,
                              const TrendQuery& query) {
  const MembersRequest& request = *query.common.members;
  HF_CHECK(check_cell(request.cell, {"series", "period"}));
  BlockRoom room(*context.guard, sizeof(RangeTally::Number));
  HF_TRY(PlannedTrend planned, plan_trend(snapshot, query, room));
  planned.plan.keeps_numbers = false;
  const TrendPlan& plan = planned.plan;
  HF_TRY(const std::int64_t number,
         cell_number(request.cell, "series", 0, std::ssize(query.series) - 1));
  const auto series = static_cast<std::size_t>(number);
  std::optional<std::size_t> period;
  if (request.cell.find("period") != nullptr) {
    HF_TRY(period, cell_label(request.cell, "period", planned.periods));
  }
  HF_TRY(const QueryScope scope,
         QueryScope::find(snapshot, context, query.common, matchers_of(query)));
  HF_TRY(const auto question, bind_trend(snapshot, context, query, scope));
  GroupedWalk<TrendEvaluator, TrendPlan> walk(*question->source, plan,
                                              {.groups = question->groups});
  const auto cell = [&](const TrendTally& tally) {
    const RangeTally& range = tally.ranges.front();
    if (!period) return range.count_totals[series];
    const auto first = range.counts.begin() + static_cast<std::ptrdiff_t>(series * plan.rows());
    const auto at = first + static_cast<std::ptrdiff_t>(*period);
    return query.cumulative ? std::accumulate(first, at + 1, std::int64_t{0}) : *at;
  };
  HF_TRY(auto members, walk.members(request.bucket ? &*request.bucket : nullptr, cell));
  const TrendMath math = query.series[series].math;
  const bool counts_persons = math == TrendMath::unique || active_days(math) > 0;
  return Members{std::move(members), question->units, !counts_persons};
}

}  // namespace hf
