// SPDX-License-Identifier: Apache-2.0
#include "metric/trend.h"

#include <fmt/format.h>

#include <algorithm>
#include <numeric>

#include "metric/grouped_walk.h"
#include "metric/query_scope.h"

namespace hf {
namespace {

struct TrendPlan {
  const TrendQuery* query;
  PeriodGrid grid;

  std::size_t rows() const { return static_cast<std::size_t>(grid.rows()); }
  std::size_t cells() const { return rows() * query->series.size(); }
};

// Value of (series, period) at series * rows + period, not yet cumulated.
struct TrendTally {
  std::vector<std::int64_t> values;
  std::vector<std::int64_t> totals;

  void add(const TrendTally& other) {
    for (std::size_t i = 0; i < values.size(); ++i) values[i] += other.values[i];
    for (std::size_t i = 0; i < totals.size(); ++i) totals[i] += other.totals[i];
  }
};

class TrendEvaluator {
 public:
  using Tally = TrendTally;

  explicit TrendEvaluator(const TrendPlan& plan)
      : plan_(&plan),
        cursor_(plan.grid),
        was_seen_(plan.cells()),
        first_period_(plan.query->series.size(), nowhere) {}

  Tally empty_tally() const {
    return {std::vector<std::int64_t>(plan_->cells()),
            std::vector<std::int64_t>(plan_->query->series.size())};
  }

  BucketSize measure(const WalkedUnit& unit) {
    std::int64_t size = 0;
    std::uint64_t did = 0;
    for (const PersonEvent& event : unit.events) {
      if (!cursor_.at(event.time_ms).in_range) continue;
      for (std::size_t s = 0; s < plan_->query->series.size(); ++s) {
        const std::uint64_t bit = std::uint64_t{1} << s;
        if ((event.matched & bit) == 0) continue;
        const bool counts = plan_->query->series[s].math == TrendMath::total || (did & bit) == 0;
        size += counts ? 1 : 0;
        did |= bit;
      }
    }
    return {size, size > 0};
  }

  void add(const WalkedUnit& unit, Tally& tally) {
    for (const PersonEvent& event : unit.events) {
      const PeriodGrid::Segment& segment = cursor_.at(event.time_ms);
      if (!segment.in_range) continue;
      for (std::size_t s = 0; s < plan_->query->series.size(); ++s) {
        if ((event.matched >> s & 1u) == 0) continue;
        const std::size_t cell = s * plan_->rows() + static_cast<std::size_t>(segment.period);
        if (plan_->query->series[s].math == TrendMath::total) {
          ++tally.values[cell];
          ++tally.totals[s];
        } else {
          first_period_[s] = std::min(first_period_[s], segment.period);
          if (was_seen_[cell] == 0) {
            was_seen_[cell] = 1;
            seen_.push_back(cell);
          }
        }
      }
    }
    for (std::size_t s = 0; s < first_period_.size(); ++s) {
      if (first_period_[s] == nowhere) continue;
      ++tally.totals[s];
      // Cumulated, a person counts from its first period on, once.
      if (plan_->query->cumulative) {
        ++tally.values[s * plan_->rows() + static_cast<std::size_t>(first_period_[s])];
      }
      first_period_[s] = nowhere;
    }
    for (const std::size_t cell : seen_) {
      if (!plan_->query->cumulative) ++tally.values[cell];
      was_seen_[cell] = 0;
    }
    seen_.clear();
  }

 private:
  static constexpr std::int32_t nowhere = std::numeric_limits<std::int32_t>::max();
  const TrendPlan* plan_;
  SegmentCursor cursor_;
  // Of the present person's distinct counts.
  std::vector<std::uint8_t> was_seen_;
  std::vector<std::size_t> seen_;
  std::vector<std::int32_t> first_period_;  // By series.
};

TrendTable table_of(const TrendPlan& plan, const TrendTally& tally, BucketPath bucket) {
  TrendTable table{std::move(bucket), {}};
  for (std::size_t s = 0; s < plan.query->series.size(); ++s) {
    TrendSeries& series = table.series.emplace_back();
    const auto begin = tally.values.begin() + static_cast<std::ptrdiff_t>(s * plan.rows());
    series.values.assign(begin, begin + static_cast<std::ptrdiff_t>(plan.rows()));
    series.total = tally.totals[s];
    if (!plan.query->cumulative) continue;
    for (std::size_t p = 1; p < series.values.size(); ++p) series.values[p] += series.values[p - 1];
  }
  return table;
}

void write_table(JsonWriter& out, const TrendAnswer& answer, const TrendTable& table) {
  out.key("series").begin_array();
  for (std::size_t s = 0; s < table.series.size(); ++s) {
    out.begin_object().key("label").text(answer.labels[s]).key("values").begin_array();
    for (const std::int64_t value : table.series[s].values) out.integer(value);
    out.end_array().key("total").integer(table.series[s].total).end_object();
  }
  out.end_array();
}

}  // namespace

namespace {

std::vector<const Matcher*> matchers_of(const TrendQuery& query) {
  std::vector<const Matcher*> matchers;
  for (const TrendQuery::Series& series : query.series) matchers.push_back(&series.matcher);
  return matchers;
}

struct PlannedTrend {
  TrendPlan plan;
  bool has_events;
  std::vector<std::string> periods;
};

Result<PlannedTrend> plan_trend(const Snapshot& snapshot, const TrendQuery& query) {
  HF_TRY(const auto first_event,
         first_named_event(snapshot, matchers_of(query), query.common.as_of));
  HF_TRY(const TimeRange range,
         resolve_range(query.common, query.period.unit == Period::Unit::hour, first_event));
  HF_TRY(PeriodGrid grid,
         PeriodGrid::build(query.period, range, *query.common.zone, query.common.week_start, 0));
  PlannedTrend planned{{&query, std::move(grid)}, first_event.has_value(), {}};
  for (std::int32_t row = 0; row < planned.plan.grid.rows(); ++row) {
    planned.periods.push_back(planned.plan.grid.label(row));
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
  return BoundQuestion::bind(snapshot, context, query.common, scope, std::move(selection),
                             {.event_bits = ~std::uint64_t{0}});
}

}  // namespace

Result<TrendAnswer> run_trend(const Snapshot& snapshot, const QueryContext& context,
                              const TrendQuery& query) {
  HF_TRY(PlannedTrend planned, plan_trend(snapshot, query));
  const TrendPlan& plan = planned.plan;
  TrendAnswer answer;
  answer.has_groups = !query.common.breakdown.empty();
  for (const TrendQuery::Series& series : query.series) {
    answer.labels.push_back(series.matcher.label);
  }
  answer.periods = std::move(planned.periods);
  for (std::int32_t row = 0; row < plan.grid.rows(); ++row) {
    answer.complete.push_back(plan.grid.end(row) <= query.common.as_of + 1);
  }
  if (!planned.has_events || plan.rows() == 0) answer.warnings.push_back(no_events_warning());
  if (query.common.from && plan.grid.cuts_first()) {
    answer.warnings.push_back(
        {"first_period_partial",
         "the range begins inside the first period, which counts from there"});
  }
  if (query.common.to && plan.grid.cuts_last()) {
    answer.warnings.push_back(
        {"last_period_partial", "the range ends inside the last period, which counts up to there"});
  }
  if (plan.rows() == 0) {
    answer.total = table_of(plan, TrendEvaluator(plan).empty_tally(), {});
    return answer;
  }

  const auto fits = [&](std::size_t groups) -> Result<void> {
    if (plan.cells() * (groups + 1) <= static_cast<std::size_t>(TrendQuery::cells_max)) return {};
    return fail(ErrorCode::resource_exhausted, "too_many_cells",
                fmt::format("periods x series x tables are more than an answer may have ({}): "
                            "{} x {} x {}",
                            TrendQuery::cells_max, plan.rows(), query.series.size(), groups + 1));
  };
  HF_CHECK(fits(0));
  HF_TRY(const QueryScope scope,
         QueryScope::find(snapshot, context, query.common, matchers_of(query)));
  HF_TRY(const auto question, bind_trend(snapshot, context, query, scope));
  GroupedWalk<TrendEvaluator, TrendPlan> walk(*question->source, plan,
                                              {.groups = question->groups});
  HF_TRY(const auto tallies, walk.tally(fits));
  answer.total = table_of(plan, tallies.total, {});
  for (const auto& group : tallies.groups) {
    answer.groups.push_back(table_of(plan, group.tally, group.bucket));
  }
  answer.events_scanned = tallies.scan.events;
  answer.persons_scanned = tallies.scan.persons;
  answer.plan = question->bound->steps();
  return answer;
}

Result<Members> trend_members(const Snapshot& snapshot, const QueryContext& context,
                              const TrendQuery& query) {
  const MembersRequest& request = *query.common.members;
  HF_TRY(const PlannedTrend planned, plan_trend(snapshot, query));
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
    if (!period) return tally.totals[series];
    const auto first = tally.values.begin() + static_cast<std::ptrdiff_t>(series * plan.rows());
    const auto at = first + static_cast<std::ptrdiff_t>(*period);
    return query.cumulative ? std::accumulate(first, at + 1, std::int64_t{0}) : *at;
  };
  HF_TRY(auto members, walk.members(request.bucket ? &*request.bucket : nullptr, cell));
  return Members{std::move(members), question->units,
                 query.series[series].math == TrendMath::total};
}

void write_json(JsonWriter& out, const TrendAnswer& answer) {
  out.begin_object().key("periods").begin_array();
  for (const std::string& period : answer.periods) out.text(period);
  out.end_array().key("complete").begin_array();
  for (const bool complete : answer.complete) out.boolean(complete);
  out.end_array();
  write_tables(out, answer, [&](const TrendTable& table) { write_table(out, answer, table); });
  out.end_object();
}

}  // namespace hf
