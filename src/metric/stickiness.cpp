// SPDX-License-Identifier: Apache-2.0
#include "metric/stickiness.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <numeric>
#include <utility>

#include "base/assert.h"
#include "metric/grouped_walk.h"
#include "metric/partial_periods.h"
#include "metric/query_scope.h"
#include "metric/stickiness_bitmaps.h"

namespace hf {
namespace {

void add_each(std::vector<std::int64_t>& sums, const std::vector<std::int64_t>& more) {
  for (std::size_t i = 0; i < sums.size(); ++i) sums[i] += more[i];
}

std::vector<std::int64_t> histogram_of(const StickinessPlan& plan, const StickinessTally& tally) {
  std::vector<std::int64_t> histogram(tally.histogram.begin() + 1, tally.histogram.end());
  if (plan.query->cumulative) {
    std::partial_sum(histogram.rbegin(), histogram.rend(), histogram.rbegin());
  }
  return histogram;
}

std::vector<StickinessDay> days_of(const StickinessPlan& plan, const StickinessTally& tally) {
  std::vector<StickinessDay> days(plan.rows());
  for (std::size_t row = 0; row < days.size(); ++row) {
    const std::size_t at = row + static_cast<std::size_t>(plan.look_back);
    const auto sum_of_last = [&](std::int32_t n) {
      const auto end = tally.dau.begin() + static_cast<std::ptrdiff_t>(at) + 1;
      return std::accumulate(end - n, end, std::int64_t{0});
    };
    days[row] = {.dau = tally.dau[at],
                 .wau = tally.wau[row],
                 .mau = tally.mau[row],
                 .l7_days = sum_of_last(StickinessPlan::wau_days),
                 .l28_days = sum_of_last(StickinessPlan::l28_days),
                 .l28 = tally.l28[row]};
  }
  return days;
}

StickinessTable table_of(const StickinessPlan& plan, const StickinessTally& tally,
                         BucketPath bucket) {
  StickinessTable table{std::move(bucket), {}, {}};
  if (plan.query->over_time) {
    table.days = days_of(plan, tally);
  } else {
    table.histogram = histogram_of(plan, tally);
  }
  return table;
}

void write_average(JsonWriter& out, std::string_view name, std::int64_t days,
                   std::int64_t persons) {
  out.key(name).begin_object().key("days").integer(days).key("persons").integer(persons);
  out.end_object();
}

void write_table(JsonWriter& out, const StickinessAnswer& answer, const StickinessTable& table) {
  if (!answer.over_time) {
    out.key("histogram").begin_array();
    for (std::size_t i = 0; i < table.histogram.size(); ++i) {
      out.begin_object().key("active_periods").integer(static_cast<std::int64_t>(i) + 1);
      out.key("count").integer(table.histogram[i]).end_object();
    }
    out.end_array();
    return;
  }
  out.key("over_time").begin_array();
  for (std::size_t i = 0; i < table.days.size(); ++i) {
    const StickinessDay& day = table.days[i];
    out.begin_object().key("start").text(answer.periods[i]);
    out.key("complete").boolean(answer.complete[i]);
    out.key("dau").integer(day.dau).key("wau").integer(day.wau).key("mau").integer(day.mau);
    write_average(out, "l7", day.l7_days, day.wau);
    write_average(out, "l28", day.l28_days, day.l28);
    out.end_object();
  }
  out.end_array();
}

Result<PeriodGrid> grid_of(const StickinessQuery& query, const TimeRange& range) {
  const Zone& zone = *query.common.zone;
  const WeekStart week_start = query.common.week_start;
  if (!query.over_time) return PeriodGrid::build(query.period, range, zone, week_start, 0);
  return PeriodGrid::build_whole(query.period, range, zone, week_start,
                                 StickinessPlan::mau_days - 1);
}

void add_warnings(const StickinessPlan& plan, StickinessAnswer& answer) {
  const CommonFields& common = plan.query->common;
  warn_of_partial_periods(common, plan.grid, answer.warnings);
}

}  // namespace

StickinessTally::StickinessTally(const StickinessPlan& plan) {
  if (!plan.query->over_time) {
    histogram.resize(plan.rows() + 1);
    return;
  }
  dau.resize(static_cast<std::size_t>(plan.grid.rows()));
  for (auto* counts : {&wau, &l28, &mau}) counts->resize(plan.rows());
}

void StickinessTally::add(const StickinessTally& other) {
  add_each(histogram, other.histogram);
  add_each(dau, other.dau);
  add_each(wau, other.wau);
  add_each(l28, other.l28);
  add_each(mau, other.mau);
}

StickinessEvaluator::StickinessEvaluator(const StickinessPlan& plan)
    : plan_(&plan), cursor_(plan.grid), events_in_(static_cast<std::size_t>(plan.grid.rows())) {}

void StickinessEvaluator::find_active(std::span<const PersonEvent> events) {
  active_.clear();
  for (const PersonEvent& event : events) {
    const PeriodGrid::Segment& segment = cursor_.at(event.time_ms);
    if (!segment.in_range) continue;
    HF_ASSERT(segment.period >= 0 && segment.period < plan_->grid.rows());
    if (events_in_[segment.period]++ == 0) active_.push_back(segment.period);
  }
  // Periods go back where a zone turns its clocks back over midnight.
  if (!std::ranges::is_sorted(active_)) std::ranges::sort(active_);
  std::erase_if(active_, [&](std::int32_t row) {
    return !plan_->query->per_interval.holds(std::exchange(events_in_[row], 0));
  });
}

BucketSize StickinessEvaluator::measure(const WalkedUnit& unit) {
  find_active(unit.events);
  if (!plan_->query->over_time) return {active_.empty() ? 0 : 1, !active_.empty()};
  const auto first = std::ranges::lower_bound(active_, plan_->look_back);
  // Who was active in the days before the range alone is in the windows of its first ones.
  return {active_.end() - first, !active_.empty()};
}

void StickinessEvaluator::add(const WalkedUnit& unit, Tally& tally) {
  find_active(unit.events);
  if (!plan_->query->over_time) {
    if (!active_.empty()) ++tally.histogram[active_.size()];
    return;
  }
  for (const std::int32_t row : active_) ++tally.dau[row];
  add_window(StickinessPlan::wau_days, tally.wau);
  add_window(StickinessPlan::l28_days, tally.l28);
  add_window(StickinessPlan::mau_days, tally.mau);
}

// Counts the person on each of the answer's days on which it was active in the last `days`.
void StickinessEvaluator::add_window(std::int32_t days, std::vector<std::int64_t>& counts) const {
  for (std::size_t i = 0; i < active_.size(); ++i) {
    // From this active day to the end of what it reaches, or to the next one.
    const std::int32_t next = i + 1 < active_.size() ? active_[i + 1] : plan_->grid.rows();
    const std::int32_t end = std::min(active_[i] + days, next);
    for (std::int32_t row = std::max(active_[i], plan_->look_back); row < end; ++row) {
      ++counts[static_cast<std::size_t>(row - plan_->look_back)];
    }
  }
}

namespace {

Result<QueryScope> scope_of(const Snapshot& snapshot, const QueryContext& context,
                            const StickinessQuery& query) {
  const std::array<const Matcher*, 1> matchers{&query.match};
  return QueryScope::find(snapshot, context, query.common, matchers);
}

struct PlannedStickiness {
  StickinessPlan plan;
  bool has_events;
  std::vector<std::string> periods;  // over_time
};

Result<PlannedStickiness> plan_stickiness(const Snapshot& snapshot, const StickinessQuery& query,
                                          WorkGuard& guard) {
  const std::array<const Matcher*, 1> named{&query.match};
  HF_TRY(const auto first_event, first_named_event(snapshot, named, query.common.as_of, guard));
  HF_TRY(const TimeRange range,
         resolve_range(query.common, query.period.unit == Period::Unit::hour, first_event));
  HF_TRY(PeriodGrid grid, grid_of(query, range));
  PlannedStickiness planned{
      {&query, std::move(grid), query.over_time ? StickinessPlan::mau_days - 1 : 0},
      first_event.has_value(),
      {}};
  if (!query.over_time) return planned;
  for (std::int32_t row = planned.plan.look_back; row < planned.plan.grid.rows(); ++row) {
    planned.periods.push_back(planned.plan.grid.label(row));
  }
  return planned;
}

Result<std::unique_ptr<BoundQuestion>> bind_stickiness(const Snapshot& snapshot,
                                                       const QueryContext& context,
                                                       const StickinessQuery& query,
                                                       const QueryScope& scope) {
  EventSelection selection;
  selection.wanted.push_back({&query.match, &query.common.where});
  return BoundQuestion::bind(snapshot, context, query.common, scope, std::move(selection),
                             {.event_bits = 1});
}

}  // namespace

Result<StickinessAnswer> run_stickiness(const Snapshot& snapshot, const QueryContext& context,
                                        const StickinessQuery& query) {
  HF_TRY(PlannedStickiness planned, plan_stickiness(snapshot, query, *context.guard));
  const StickinessPlan& plan = planned.plan;
  StickinessAnswer answer;
  answer.over_time = query.over_time;
  answer.has_groups = !query.common.breakdown.empty();
  answer.periods = std::move(planned.periods);
  if (query.over_time) {
    for (std::int32_t row = plan.look_back; row < plan.grid.rows(); ++row) {
      answer.complete.push_back(plan.grid.end(row) <= query.common.as_of + 1);
    }
  }
  if (!planned.has_events || plan.rows() == 0) answer.warnings.push_back(no_events_warning());
  if (plan.rows() == 0) return answer;
  add_warnings(plan, answer);

  const auto fits = [&](std::size_t groups) -> Result<void> {
    const std::size_t numbers = query.over_time ? 4 : 1;
    if (plan.rows() * numbers * (groups + 1) <= std::size_t{StickinessQuery::cells_max}) return {};
    return fail(ErrorCode::resource_exhausted, "too_many_cells",
                fmt::format("periods x numbers x tables are more than an answer may have ({}): "
                            "{} x {} x {}",
                            StickinessQuery::cells_max, plan.rows(), numbers, groups + 1));
  };
  HF_CHECK(fits(0));
  HF_TRY(const QueryScope scope, scope_of(snapshot, context, query));
  if (const auto slots = stickiness_slots(plan); slots && context.bitmaps) {
    const std::array<Activity, 1> activities{{{&query.match, &query.common.where}}};
    const ActivityPlan::Scope activity_scope{query.common.zone.get(), query.common.as_of, &context,
                                             scope.people(), scope.conditions()};
    HF_TRY(const ActivityPlan activity,
           ActivityPlan::bind(snapshot, activities, *slots, activity_scope));
    HF_TRY(const StickinessCounts counts, count_stickiness(plan, activity, context.threads));
    answer.total = table_of(plan, counts.tally, {});
    answer.events_scanned = counts.scan.events;
    answer.persons_scanned = counts.scan.persons;
    answer.plan = activity.steps();
    return answer;
  }
  HF_TRY(const auto question, bind_stickiness(snapshot, context, query, scope));
  GroupedWalk<StickinessEvaluator, StickinessPlan> walk(*question->source, plan,
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

Result<Members> stickiness_members(const Snapshot& snapshot, const QueryContext& context,
                                   const StickinessQuery& query) {
  const MembersRequest& request = *query.common.members;
  HF_TRY(const PlannedStickiness planned, plan_stickiness(snapshot, query, *context.guard));
  const StickinessPlan& plan = planned.plan;
  HF_TRY(const QueryScope scope, scope_of(snapshot, context, query));
  const auto find = [&](auto&& cell) -> Result<Members> {
    HF_TRY(const auto question, bind_stickiness(snapshot, context, query, scope));
    GroupedWalk<StickinessEvaluator, StickinessPlan> walk(*question->source, plan,
                                                          {.groups = question->groups});
    HF_TRY(auto members, walk.members(request.bucket ? &*request.bucket : nullptr, cell));
    return Members{std::move(members), question->units};
  };
  if (query.over_time) {
    HF_CHECK(check_cell(request.cell, {"period", "kind"}));
    const std::vector<std::string> kinds{"dau", "wau", "mau"};
    HF_TRY(const std::size_t row, cell_label(request.cell, "period", planned.periods));
    HF_TRY(const std::size_t kind, cell_label(request.cell, "kind", kinds));
    const std::size_t day = row + static_cast<std::size_t>(plan.look_back);
    return find([&](const StickinessTally& tally) {
      return std::array{tally.dau[day], tally.wau[row], tally.mau[row]}[kind];
    });
  }
  HF_CHECK(check_cell(request.cell, {"active_periods"}));
  HF_TRY(const std::int64_t active,
         cell_number(request.cell, "active_periods", 1, static_cast<std::int64_t>(plan.rows())));
  return find([&](const StickinessTally& tally) {
    const auto first = tally.histogram.begin() + active;
    return query.cumulative ? std::accumulate(first, tally.histogram.end(), std::int64_t{0})
                            : *first;
  });
}

void write_json(JsonWriter& out, const StickinessAnswer& answer) {
  out.begin_object();
  write_tables(out, answer, [&](const StickinessTable& table) { write_table(out, answer, table); });
  out.end_object();
}

}  // namespace hf
