// SPDX-License-Identifier: Apache-2.0
#include "metric/retention.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "base/assert.h"
#include "calendar/time_text.h"
#include "metric/partial_periods.h"
#include "metric/query_scope.h"
#include "metric/retention_bitmaps.h"
#include "metric/retention_tally.h"
#include "metric/retention_windows.h"

namespace hf {
namespace {

// How many periods after the cohort's a table shows at most where the query does not say.
std::int32_t default_periods_max(const Period& period) {
  switch (period.unit) {
    case Period::Unit::day: return 30;
    case Period::Unit::hour: return 24;
    case Period::Unit::week: return 12;
    case Period::Unit::month: return 12;
    case Period::Unit::quarter: return 8;
    case Period::Unit::year: return 5;
    case Period::Unit::duration: return 12;
  }
  HF_ASSERT(false);
  return 0;
}

Warning too_big_warning() {
  return {"numbers_too_big",
          "numbers with more digits than an exact decimal holds were left out of the value"};
}

// What a retention query reads. It must not move: the selection points into it.
class RetentionReads {
 public:
  explicit RetentionReads(const RetentionQuery& query) {
    const Predicate* where = &query.common.where;
    selection.wanted = {{&query.start, where}, {&query.returning, where}};
    if (query.entry == Entry::first_ever) {
      named_ = query.start;
      for (Matcher::Choice& choice : named_.choices) choice = {choice.event, {}, false};
      named_bit = append({&named_, &always_});
    }
    // What was purged makes nobody new again, and counts for nothing else.
    if (query.entry != Entry::every_period) {
      selection.first_seen_bits = retention_bits::start | named_bit;
    }
    constexpr std::uint64_t either = retention_bits::start | retention_bits::returning;
    if (!query.value_trait.empty()) {
      // A trait is the person's, not the event's: `where` has no say in it.
      identify_.choices.push_back({"identify", {}, false});
      walk.trait_bits = append({&identify_, &always_});
      selection.values.push_back({query.value_trait, walk.trait_bits});
    } else if (!query.value_property.empty()) {
      selection.values.push_back({query.value_property, either});
    }
    groups = {.event_bits = either, .first_event_bits = named_bit};
  }
  RetentionReads(const RetentionReads&) = delete;
  RetentionReads& operator=(const RetentionReads&) = delete;

  EventSelection selection;
  WalkRules walk;
  GroupRules groups;
  std::uint64_t named_bit = 0;

 private:
  std::uint64_t append(EventSelection::Wanted wanted) {
    selection.wanted.push_back(wanted);
    return std::uint64_t{1} << (selection.wanted.size() - 1);
  }
  Matcher named_;
  Matcher identify_;
  Predicate always_;
};

// A value that is not asked for counts persons with enough events; else one event is enough.
std::int64_t deciding_occurrences(const RetentionQuery& query) {
  return query.aggregate == Aggregate::users ? query.min_occurrences : 1;
}

RetentionMean mean_of(const std::vector<RetentionCohort>& cohorts, std::size_t columns) {
  RetentionMean mean;
  for (std::size_t c = 0; c < columns; ++c) {
    Ratio weighted;
    double rates = 0;
    std::int64_t cells = 0;
    for (const RetentionCohort& cohort : cohorts) {
      const RetentionCell& cell = cohort.cells[c];
      if (cohort.size == 0 || !cell.complete) continue;
      weighted.numerator += cell.count;
      weighted.denominator += cell.eligible;
      rates += Ratio{cell.count, cell.eligible}.rate().value_or(0);
      ++cells;
    }
    mean.weighted.push_back(weighted);
    mean.simple.push_back(cells == 0 ? std::nullopt
                                     : std::optional(rates / static_cast<double>(cells)));
  }
  return mean;
}

RetentionTable table_of(const RetentionPlan& plan, const RetentionTally& tally) {
  const TimestampMs seen_end = plan.query->common.as_of + 1;
  const bool rolling = plan.query->window == Window::rolling;
  const std::size_t columns = plan.columns.size();
  RetentionTable table;
  for (std::int32_t row = 0; row < plan.grid.rows(); ++row) {
    RetentionCohort& cohort = table.cohorts.emplace_back();
    const std::size_t base = static_cast<std::size_t>(row) * columns;
    cohort.start = plan.grid.label(row);
    cohort.size = tally.counts[base];
    for (std::size_t c = 0; c < columns; ++c) {
      RetentionCell& cell = cohort.cells.emplace_back();
      cell.count = tally.counts[base + c];
      if (!tally.events.empty()) cell.value.events = tally.events[base + c];
      if (!tally.sums.empty()) cell.value.sum = tally.sums[base + c];
      const std::int32_t k = plan.decisive_k(c);
      if (c == 0) {
        cell.eligible = cohort.size;
        cell.complete = plan.grid.end(row) <= seen_end;
      } else if (!rolling) {
        const bool begun = plan.grid.start(row + plan.columns[c].first) <= plan.query->common.as_of;
        cell.eligible = begun ? cohort.size : 0;
        cell.complete = plan.grid.end(row + k) <= seen_end;
      } else {
        cell.eligible = tally.eligible[base + c];
        cell.complete =
            cohort.size > 0
                ? cell.eligible == cohort.size
                : plan.grid.end(row) + (k + std::int64_t{1}) * plan.rolling_ms <= seen_end;
      }
    }
  }
  table.mean = mean_of(table.cohorts, columns);
  return table;
}

Result<void> check_cells(const RetentionPlan& plan, std::size_t tables) {
  const auto cells = static_cast<std::int64_t>(plan.cells() * tables);
  if (cells <= RetentionQuery::cells_max) return {};
  return fail(
      ErrorCode::resource_exhausted, "too_many_cells",
      fmt::format("rows x columns x tables are more than an answer may have ({}): "
                  "{} x {} x {}",
                  RetentionQuery::cells_max, plan.grid.rows(), plan.columns.size(), tables));
}

// What an entry looks at: who was first keeps that place though its events were purged.
const Snapshot& history_of(const Snapshot& snapshot, const RetentionQuery& query) {
  const bool looks_back = query.entry != Entry::every_period && snapshot.with_first_seen;
  return looks_back ? *snapshot.with_first_seen : snapshot;
}

Result<QueryScope> scope_of(const Snapshot& snapshot, const QueryContext& context,
                            const RetentionQuery& query) {
  const std::array<const Matcher*, 2> matchers{&query.start, &query.returning};
  return QueryScope::find(history_of(snapshot, query), context, query.common, matchers);
}

// A question of the table form with what it is counted by.
struct PlannedRetention {
  RetentionPlan plan;
  std::vector<std::string> columns;
  std::vector<Warning> warnings;
};

Result<PlannedRetention> plan_retention(const Snapshot& snapshot, const RetentionQuery& query,
                                        WorkGuard& guard) {
  const std::array<const Matcher*, 1> named{&query.start};
  HF_TRY(const auto first_event, first_named_event(snapshot, named, query.common.as_of, guard));
  HF_TRY(const TimeRange range,
         resolve_range(query.common, query.period.unit == Period::Unit::hour, first_event));
  const std::int32_t look_ahead =
      query.columns.empty() ? default_periods_max(query.period) : query.columns.back().last;
  HF_TRY(PeriodGrid grid, PeriodGrid::build(query.period, range, *query.common.zone,
                                            query.common.week_start, look_ahead));
  PlannedRetention planned{{&query, std::move(grid), {{0, 0}}, {0}}, {}, {}};
  RetentionPlan& plan = planned.plan;
  if (query.columns.empty()) {
    const std::int32_t periods =
        plan.grid.rows() == 0
            ? 1
            : std::clamp(plan.grid.find(query.common.as_of).period, 1, look_ahead);
    for (std::int32_t k = 1; k <= periods; ++k) plan.columns.push_back({k, k});
  } else {
    plan.columns.insert(plan.columns.end(), query.columns.begin(), query.columns.end());
  }
  for (std::size_t c = 0; c < plan.columns.size(); ++c) {
    const RetentionColumn& column = plan.columns[c];
    planned.columns.push_back(column.first == column.last
                                  ? fmt::format("{}", column.first)
                                  : fmt::format("{}-{}", column.first, column.last));
    plan.column_of.resize(static_cast<std::size_t>(column.last) + 1, static_cast<std::int32_t>(c));
  }
  plan.rolling_ms = query.period.rolling_ms();
  plan.occurrences = deciding_occurrences(query);
  HF_CHECK(check_cells(plan, 1));

  if (!first_event || plan.grid.rows() == 0) planned.warnings.push_back(no_events_warning());
  warn_of_partial_periods(query.common, plan.grid, planned.warnings);
  return planned;
}

// What was read to find in which one bucket each person is. The persons are those of the rest.
void add_touches(const Snapshot& snapshot, const RetentionQuery& query, const WalkScan& touches,
                 RetentionAnswer& answer) {
  if (touches.events == 0) return;
  answer.events_scanned += touches.events;
  answer.persons_scanned = std::max(answer.persons_scanned, touches.persons);
  answer.plan.push_back({fmt::format("breakdown by {}", query.common.breakdown.front().name),
                         "events", snapshot.parts.size(), touches.events});
}

WindowPlan plan_windows(const RetentionQuery& query, const RetentionReads& reads) {
  const Zone& zone = *query.common.zone;
  return {&query, instants_of(query.windows->initial, zone),
          instants_of(query.windows->current, zone), deciding_occurrences(query), reads.named_bit};
}

Result<RetentionAnswer> run_windows(const Snapshot& snapshot, const QueryContext& context,
                                    const RetentionQuery& query) {
  const RetentionQuery::Windows& windows = *query.windows;
  const Zone& zone = *query.common.zone;
  RetentionAnswer answer;
  answer.aggregate = query.aggregate;
  answer.has_windows = true;
  answer.initial_from = format_rfc3339(windows.initial.begin, zone);
  answer.initial_to = format_rfc3339(windows.initial.end, zone);
  answer.current_from = format_rfc3339(windows.current.begin, zone);
  answer.current_to = format_rfc3339(windows.current.end, zone);

  RetentionReads reads(query);
  const WindowPlan plan = plan_windows(query, reads);
  HF_TRY(const QueryScope scope, scope_of(snapshot, context, query));
  HF_TRY(const auto question,
         BoundQuestion::bind(history_of(snapshot, query), context, query.common, scope,
                             reads.selection, reads.groups));
  reads.walk.groups = question->groups;
  GroupedWalk<WindowEvaluator, WindowPlan> walk(*question->source, plan, reads.walk);
  HF_TRY(const auto tallies, walk.tally([](std::size_t) { return Result<void>{}; }));
  const bool complete = (plan.current.empty() ? windows.current.end : plan.current.back().to_ms) <=
                        query.common.as_of + 1;
  const auto table = [&](const WindowTally& tally, const BucketPath& bucket) {
    RetentionTable result;
    result.bucket = bucket;
    result.windows = tally;
    result.windows.current_complete = complete;
    return result;
  };
  answer.total = table(tallies.total, {});
  answer.has_groups = !query.common.breakdown.empty();
  for (const auto& group : tallies.groups) {
    answer.groups.push_back(table(group.tally, group.bucket));
  }
  answer.events_scanned = tallies.scan.events;
  answer.persons_scanned = tallies.scan.persons;
  answer.plan = question->bound->steps();

  const std::array<const Matcher*, 1> named{&query.start};
  HF_TRY(const auto first_event,
         first_named_event(snapshot, named, query.common.as_of, *context.guard));
  if (!first_event) {
    answer.warnings.push_back(no_events_warning());
  }
  const bool overlap = std::ranges::any_of(plan.initial, [&](const Interval& a) {
    return std::ranges::any_of(plan.current, [&](const Interval& b) {
      return a.from_ms < b.to_ms && b.from_ms < a.to_ms;
    });
  });
  if (overlap) {
    answer.warnings.push_back(
        {"windows_overlap", "initial and current overlap: an event may count in both"});
  }
  if (tallies.scan.too_big) answer.warnings.push_back(too_big_warning());
  return answer;
}

}  // namespace

Result<RetentionAnswer> run_retention(const Snapshot& snapshot, const QueryContext& context,
                                      const RetentionQuery& query) {
  if (query.windows) return run_windows(snapshot, context, query);
  HF_TRY(PlannedRetention planned, plan_retention(snapshot, query, *context.guard));
  RetentionPlan& plan = planned.plan;
  RetentionAnswer answer;
  answer.aggregate = query.aggregate;
  answer.has_groups = !query.common.breakdown.empty();
  answer.columns = std::move(planned.columns);
  answer.warnings = std::move(planned.warnings);
  RetentionReads reads(query);
  plan.named_bit = reads.named_bit;
  if (plan.grid.rows() == 0) {
    answer.total = table_of(plan, RetentionTally(plan));
    return answer;
  }
  const Snapshot& history = history_of(snapshot, query);
  HF_TRY(const QueryScope scope, scope_of(snapshot, context, query));
  const auto show = [&](const GroupedTallies<RetentionTally>& tallies) {
    answer.total = table_of(plan, tallies.total);
    for (const auto& group : tallies.groups) {
      RetentionTable& table = answer.groups.emplace_back(table_of(plan, group.tally));
      table.bucket = group.bucket;
    }
    answer.events_scanned = tallies.scan.events;
    answer.persons_scanned = tallies.scan.persons;
  };
  const auto slots = context.bitmaps ? retention_slots(plan) : std::nullopt;
  // By sets of persons, unless the breakdown puts one person into several groups.
  const auto by_sets = [&](const std::optional<RetentionGroup>& group) -> Result<bool> {
    const bool looks_back = query.entry != Entry::every_period;
    std::vector<Activity> activities{{&query.start, &query.common.where, looks_back}};
    const bool is_same = query.start.is_any_event() && query.returning.is_any_event() &&
                         (!looks_back || history.first_seen_parts == 0);
    if (!is_same) activities.push_back({&query.returning, &query.common.where});
    const ActivityPlan::Scope activity_scope{query.common.zone.get(), query.common.as_of, &context,
                                             scope.people(), scope.conditions()};
    HF_TRY(const ActivityPlan activity,
           ActivityPlan::bind(history, activities, *slots, activity_scope));
    HF_TRY(const auto tallies, count_retention(plan, activity, context.threads, group));
    if (!tallies) return false;
    HF_CHECK(check_cells(plan, tallies->groups.size() + 1));
    show(*tallies);
    answer.plan = activity.steps();
    return true;
  };
  if (slots && !answer.has_groups) {
    HF_CHECK(by_sets({}));
    return answer;
  }
  HF_TRY(const auto question,
         BoundQuestion::bind(history, context, query.common, scope, reads.selection, reads.groups));
  WalkScan touches;
  if (slots && question->groups.size() == 1) {
    const GroupBy& by = question->groups.front();
    HF_TRY(const auto found, find_person_buckets(*question->bound, by,
                                                 {.people = scope.people(),
                                                  .unit_key = {},
                                                  .threads = context.threads,
                                                  .guard = context.guard}));
    touches = found.scan;
    if (found.buckets) {
      HF_TRY(const bool is_done, by_sets(RetentionGroup{&by, &*found.buckets}));
      if (is_done) {
        add_touches(history, query, touches, answer);
        return answer;
      }
    }
  }
  reads.walk.groups = question->groups;
  GroupedWalk<RetentionEvaluator, RetentionPlan> walk(*question->source, plan, reads.walk);
  HF_TRY(const auto tallies,
         walk.tally([&](std::size_t groups) { return check_cells(plan, groups + 1); }));
  show(tallies);
  answer.plan = question->bound->steps();
  add_touches(history, query, touches, answer);
  if (tallies.scan.too_big) answer.warnings.push_back(too_big_warning());
  return answer;
}

Result<Members> retention_members(const Snapshot& snapshot, const QueryContext& context,
                                  const RetentionQuery& query) {
  const MembersRequest& request = *query.common.members;
  const BucketPath* const bucket = request.bucket ? &*request.bucket : nullptr;
  RetentionReads reads(query);
  HF_TRY(const QueryScope scope, scope_of(snapshot, context, query));
  const auto question = [&] {
    return BoundQuestion::bind(history_of(snapshot, query), context, query.common, scope,
                               reads.selection, reads.groups);
  };
  if (query.windows) {
    const std::vector<std::string> windows{"initial", "retained", "current"};
    HF_CHECK(check_cell(request.cell, {"window"}));
    HF_TRY(const std::size_t window, cell_label(request.cell, "window", windows));
    const WindowPlan plan = plan_windows(query, reads);
    HF_TRY(const auto bound, question());
    reads.walk.groups = bound->groups;
    GroupedWalk<WindowEvaluator, WindowPlan> walk(*bound->source, plan, reads.walk);
    HF_TRY(auto members, walk.members(bucket, [&](const WindowTally& tally) {
      return std::array{tally.initial, tally.retained, tally.current}[window];
    }));
    return Members{std::move(members), bound->units};
  }
  HF_CHECK(check_cell(request.cell, {"cohort", "column"}));
  HF_TRY(PlannedRetention planned, plan_retention(snapshot, query, *context.guard));
  RetentionPlan& plan = planned.plan;
  plan.named_bit = reads.named_bit;
  std::vector<std::string> cohorts;
  for (std::int32_t row = 0; row < plan.grid.rows(); ++row) cohorts.push_back(plan.grid.label(row));
  HF_TRY(const std::size_t row, cell_label(request.cell, "cohort", cohorts));
  HF_TRY(const std::int64_t column,
         cell_number(request.cell, "column", 0, std::ssize(plan.columns) - 1));
  const std::size_t cell = row * plan.columns.size() + static_cast<std::size_t>(column);
  HF_TRY(const auto bound, question());
  reads.walk.groups = bound->groups;
  GroupedWalk<RetentionEvaluator, RetentionPlan> walk(*bound->source, plan, reads.walk);
  HF_TRY(auto members,
         walk.members(bucket, [&](const RetentionTally& tally) { return tally.counts[cell]; }));
  return Members{std::move(members), bound->units};
}

}  // namespace hf
