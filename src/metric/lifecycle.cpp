// SPDX-License-Identifier: Apache-2.0
#include "metric/lifecycle.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <limits>
#include <utility>

#include "metric/grouped_walk.h"
#include "metric/lifecycle_bitmaps.h"
#include "metric/query_scope.h"

namespace hf {
namespace {

void add_each(std::vector<std::int64_t>& sums, const std::vector<std::int64_t>& more) {
  for (std::size_t i = 0; i < sums.size(); ++i) sums[i] += more[i];
}

LifecycleTable table_of(const LifecyclePlan& plan, const LifecycleTally& tally, BucketPath bucket) {
  LifecycleTable table{std::move(bucket), {}};
  for (std::size_t row = 0; row < plan.rows(); ++row) {
    table.rows.push_back(
        {tally.fresh[row], tally.returning[row], tally.resurrecting[row], tally.dormant[row]});
  }
  return table;
}

void write_quick_ratio(JsonWriter& out, const LifecycleRow& row) {
  const std::int64_t gained = row.fresh + row.resurrecting;
  out.key("quick_ratio").begin_object().key("numerator").integer(gained);
  out.key("denominator").integer(row.dormant).key("rate");
  if (row.dormant == 0) {
    out.null();
  } else {
    out.number(static_cast<double>(gained) / static_cast<double>(row.dormant));
  }
  out.end_object();
}

void write_table(JsonWriter& out, const LifecycleAnswer& answer, const LifecycleTable& table) {
  out.key("periods").begin_array();
  for (std::size_t i = 0; i < table.rows.size(); ++i) {
    const LifecycleRow& row = table.rows[i];
    out.begin_object().key("start").text(answer.periods[i]);
    out.key("complete").boolean(answer.complete[i]);
    out.key("new").integer(row.fresh).key("returning").integer(row.returning);
    out.key("resurrecting").integer(row.resurrecting).key("dormant").integer(-row.dormant);
    out.key("active").integer(row.active());
    write_quick_ratio(out, row);
    out.end_object();
  }
  out.end_array();
}

}  // namespace

LifecycleTally::LifecycleTally(std::size_t rows)
    : fresh(rows), returning(rows), resurrecting(rows), dormant(rows) {}

void LifecycleTally::add(const LifecycleTally& other) {
  add_each(fresh, other.fresh);
  add_each(returning, other.returning);
  add_each(resurrecting, other.resurrecting);
  add_each(dormant, other.dormant);
}

LifecycleEvaluator::LifecycleEvaluator(const LifecyclePlan& plan)
    : plan_(&plan), cursor_(plan.grid) {}

void LifecycleEvaluator::find_periods(std::span<const PersonEvent> events) {
  active_.clear();
  first_seen_ = std::numeric_limits<std::int32_t>::max();
  for (const PersonEvent& event : events) {
    const std::int32_t period = cursor_.at(event.time_ms).period;
    first_seen_ = std::min(first_seen_, period);
    if ((event.matched & lifecycle_bits::active) == 0) continue;
    if (period < 0 || period >= plan_->grid.rows()) continue;
    if (active_.empty() || active_.back() != period) active_.push_back(period);
  }
  // Periods go back where a zone turns its clocks back over midnight.
  if (!std::ranges::is_sorted(active_)) {
    std::ranges::sort(active_);
    active_.erase(std::ranges::unique(active_).begin(), active_.end());
  }
}

// The period in which the person is new, if it is active there and was not just before. Requires
// find_periods().
std::int32_t LifecycleEvaluator::new_in(UnitId person) const {
  if (plan_->created == nullptr) return first_seen_;
  const auto created = plan_->created->of(person);
  return created ? plan_->grid.find(*created).period : first_seen_;
}

BucketSize LifecycleEvaluator::measure(const WalkedUnit& unit) {
  find_periods(unit.events);
  const auto before = active_.empty() || active_.front() > 0 ? 0 : 1;
  // Who was active before the first row alone is dormant in it, and is shown.
  return {static_cast<std::int64_t>(active_.size()) - before, !active_.empty()};
}

void LifecycleEvaluator::add(const WalkedUnit& unit, Tally& tally) {
  find_periods(unit.events);
  const std::int32_t new_in = this->new_in(unit.unit);
  for (std::size_t i = 0; i < active_.size(); ++i) {
    // The answer's row; -1 is the period before.
    const std::int32_t row = active_[i] - 1;
    if (row >= 0) {
      const bool was_active = i > 0 && active_[i - 1] == active_[i] - 1;
      std::vector<std::int64_t>& counts = was_active             ? tally.returning
                                          : new_in == active_[i] ? tally.fresh
                                                                 : tally.resurrecting;
      ++counts[static_cast<std::size_t>(row)];
    }
    const bool stays = i + 1 < active_.size() && active_[i + 1] == active_[i] + 1;
    const auto next = static_cast<std::size_t>(active_[i]);
    if (!stays && next < plan_->rows()) ++tally.dormant[next];
  }
}

namespace {

// Who was there before keeps that place though the events were purged.
const Snapshot& history_of(const Snapshot& snapshot) {
  return snapshot.with_first_seen ? *snapshot.with_first_seen : snapshot;
}

Result<QueryScope> scope_of(const Snapshot& snapshot, const QueryContext& context,
                            const LifecycleQuery& query) {
  const std::array<const Matcher*, 1> matchers{&query.match};
  return QueryScope::find(history_of(snapshot), context, query.common, matchers);
}

struct PlannedLifecycle {
  LifecyclePlan plan;
  bool has_events;
  std::vector<std::string> periods;  // The answer's.
};

Result<PlannedLifecycle> plan_lifecycle(const Snapshot& snapshot, const LifecycleQuery& query,
                                        WorkGuard& guard) {
  const std::array<const Matcher*, 1> named{&query.match};
  HF_TRY(const auto first_event, first_named_event(snapshot, named, query.common.as_of, guard));
  HF_TRY(const TimeRange range,
         resolve_range(query.common, query.period.unit == Period::Unit::hour, first_event));
  HF_TRY(PeriodGrid grid, PeriodGrid::build_whole(query.period, range, *query.common.zone,
                                                  query.common.week_start, 1));
  PlannedLifecycle planned{{&query, std::move(grid)}, first_event.has_value(), {}};
  for (std::int32_t row = 1; row < planned.plan.grid.rows(); ++row) {
    planned.periods.push_back(planned.plan.grid.label(row));
  }
  return planned;
}

Result<void> find_created(const Snapshot& snapshot, const QueryScope& scope, LifecyclePlan& plan) {
  if (!plan.query->new_means_created) return {};
  HF_TRY(plan.created, ProfilesCreated::find(snapshot, scope.people(), scope.when()));
  return {};
}

Result<std::unique_ptr<BoundQuestion>> bind_lifecycle(const Snapshot& snapshot,
                                                      const QueryContext& context,
                                                      const LifecycleQuery& query,
                                                      const QueryScope& scope) {
  EventSelection selection;
  selection.wanted.push_back({&query.match, &query.common.where});
  if (snapshot.with_first_seen) {
    selection.wanted.push_back({&query.match, &query.common.where});
    selection.first_seen_bits = lifecycle_bits::seen;
  }
  return BoundQuestion::bind(history_of(snapshot), context, query.common, scope,
                             std::move(selection),
                             {.event_bits = lifecycle_bits::active | lifecycle_bits::seen});
}

}  // namespace

Result<LifecycleAnswer> run_lifecycle(const Snapshot& snapshot, const QueryContext& context,
                                      const LifecycleQuery& query) {
  HF_TRY(PlannedLifecycle planned, plan_lifecycle(snapshot, query, *context.guard));
  LifecyclePlan& plan = planned.plan;
  LifecycleAnswer answer;
  answer.has_groups = !query.common.breakdown.empty();
  answer.periods = std::move(planned.periods);
  for (std::int32_t row = 1; row < plan.grid.rows(); ++row) {
    answer.complete.push_back(plan.grid.end(row) <= query.common.as_of + 1);
  }
  if (!planned.has_events || plan.rows() == 0) answer.warnings.push_back(no_events_warning());
  if (plan.rows() == 0) return answer;

  const auto fits = [&](std::size_t groups) -> Result<void> {
    constexpr std::size_t numbers = 4;  // new, returning, resurrecting, dormant
    if (plan.rows() * numbers * (groups + 1) <= std::size_t{LifecycleQuery::cells_max}) return {};
    return fail(ErrorCode::resource_exhausted, "too_many_cells",
                fmt::format("periods x numbers x tables are more than an answer may have ({}): "
                            "{} x {} x {}",
                            LifecycleQuery::cells_max, plan.rows(), numbers, groups + 1));
  };
  HF_CHECK(fits(0));
  HF_TRY(const QueryScope scope, scope_of(snapshot, context, query));
  HF_CHECK(find_created(snapshot, scope, plan));
  if (const auto slots = lifecycle_slots(plan); slots && context.bitmaps) {
    std::vector<Activity> activities{{&query.match, &query.common.where}};
    if (snapshot.with_first_seen) activities.push_back({&query.match, &query.common.where, true});
    const ActivityPlan::Scope activity_scope{query.common.zone.get(), query.common.as_of, &context,
                                             scope.people(), scope.conditions()};
    HF_TRY(const ActivityPlan activity,
           ActivityPlan::bind(history_of(snapshot), activities, *slots, activity_scope));
    HF_TRY(const LifecycleCounts counts, count_lifecycle(plan, activity, context.threads));
    answer.total = table_of(plan, counts.tally, {});
    answer.events_scanned = counts.scan.events;
    answer.persons_scanned = counts.scan.persons;
    answer.plan = activity.steps();
    return answer;
  }
  HF_TRY(const auto question, bind_lifecycle(snapshot, context, query, scope));
  GroupedWalk<LifecycleEvaluator, LifecyclePlan> walk(*question->source, plan,
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

Result<Members> lifecycle_members(const Snapshot& snapshot, const QueryContext& context,
                                  const LifecycleQuery& query) {
  const MembersRequest& request = *query.common.members;
  HF_CHECK(check_cell(request.cell, {"period", "kind"}));
  HF_TRY(PlannedLifecycle planned, plan_lifecycle(snapshot, query, *context.guard));
  const std::vector<std::string> kinds{"new", "returning", "resurrecting", "dormant", "active"};
  HF_TRY(const std::size_t row, cell_label(request.cell, "period", planned.periods));
  HF_TRY(const std::size_t kind, cell_label(request.cell, "kind", kinds));
  HF_TRY(const QueryScope scope, scope_of(snapshot, context, query));
  HF_CHECK(find_created(snapshot, scope, planned.plan));
  HF_TRY(const auto question, bind_lifecycle(snapshot, context, query, scope));
  GroupedWalk<LifecycleEvaluator, LifecyclePlan> walk(*question->source, planned.plan,
                                                      {.groups = question->groups});
  const auto cell = [&](const LifecycleTally& tally) {
    const std::int64_t active = tally.fresh[row] + tally.returning[row] + tally.resurrecting[row];
    return std::array{tally.fresh[row], tally.returning[row], tally.resurrecting[row],
                      tally.dormant[row], active}[kind];
  };
  HF_TRY(auto members, walk.members(request.bucket ? &*request.bucket : nullptr, cell));
  return Members{std::move(members), question->units};
}

void write_json(JsonWriter& out, const LifecycleAnswer& answer) {
  out.begin_object();
  write_tables(out, answer, [&](const LifecycleTable& table) { write_table(out, answer, table); });
  out.end_object();
}

}  // namespace hf
