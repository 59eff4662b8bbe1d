// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>
#include <rapidcheck.h>

#include "metric/query_world.h"
#include "metric/retention.h"
#include "metric/retention_twin.h"

namespace hf::test {
namespace {

// One world and one query: the answer on one and on three threads, and the twin's, are the same.
void agrees(const std::vector<EventChoice>& choices, const QueryChoice& q) {
  const std::vector<WorldEvent> events = world_of(choices, q);
  EventWorld world(events, utc(anchors[q.anchor]) + 40 * steps_ms[q.step]);
  const QueryContext context = chosen_ways(world.context(), q);
  const std::string json = QueryText(q).retention();
  const auto query = parse_retention(parse_json(json).value(), context);
  if (!query) {
    RC_LOG() << json << " " << query.error().message;
    RC_ASSERT(query.error().reason == "invalid_range");
    return;
  }
  const auto answer = run_retention(world.snapshot(), context, *query);
  if (!answer) {
    RC_LOG() << json << " " << answer.error().message;
    RC_ASSERT(answer.error().reason == "invalid_range");
    RC_ASSERT(query->common.from.has_value());
    return;
  }
  RC_CLASSIFY(q.windows > 0, "two windows");
  RC_CLASSIFY(!query->common.breakdown.empty(), "breakdown");
  RC_CLASSIFY(!answer->total.cohorts.empty(), "has rows");
  RetentionTwin twin(*query, events, asked_events(events, query->common, world.ordinals()));
  const std::string expected = data_json(twin.answer());
  const std::string actual = data_json(*answer);
  if (actual != expected) {
    RC_LOG() << json << "\nevents\n";
    for (const WorldEvent& event : by_arrival(events)) RC_LOG() << event;
    RC_LOG() << "twin   " << expected << "\nanswer " << actual;
  }
  RC_ASSERT(actual == expected);

  const auto [table, bucket] = any_table(*answer, q.from_slot);
  const auto number = static_cast<std::size_t>(q.to_slots);
  if (answer->has_windows) {
    const std::array windows{std::pair("initial", table->windows.initial),
                             std::pair("retained", table->windows.retained),
                             std::pair("current", table->windows.current)};
    const auto& [window, count] = windows[number % windows.size()];
    check_members<retention_members>(world, context, *query,
                                     fmt::format(R"({{"window":"{}"}})", window), bucket, count);
  } else if (!table->cohorts.empty()) {
    const RetentionCohort& cohort = table->cohorts[number % table->cohorts.size()];
    const std::size_t column = number % cohort.cells.size();
    check_members<retention_members>(
        world, context, *query,
        fmt::format(R"({{"cohort":"{}","column":{}}})", cohort.start, column), bucket,
        cohort.cells[column].count);
  }

  // Nothing returns that was not there: users of a later column are of the cohort.
  if (query->aggregate != Aggregate::users) return;
  for (const RetentionCohort& cohort : answer->total.cohorts) {
    for (const RetentionCell& cell : cohort.cells) {
      RC_ASSERT(cell.count <= cohort.size);
      RC_ASSERT(cell.count <= cell.eligible);
    }
  }
}

TEST(Retention, AgreesWithItsDefinitionOnAnyEventsAndQueries) {
  check_cases("retention agrees with its twin", 5'000, [] {
    const QueryChoice q = *any_query_choice();
    const auto choices =
        *rc::gen::scale(0.6, rc::gen::container<std::vector<EventChoice>>(any_event_choice()));
    agrees(choices, q);
  });
}

// The path for sets of periods: only what it takes, and more events.
TEST(Retention, FastPathAgreesWithItsDefinition) {
  check_cases("period sets agree with the twin", 2'000, [] {
    QueryChoice q = *any_query_choice();
    q.windows = q.window = q.count_return = q.occurrences = q.value = q.breakdown = q.unit = 0;
    q.entry %= 2;
    q.columns %= 3;
    const auto choices = *rc::gen::container<std::vector<EventChoice>>(any_event_choice());
    agrees(choices, q);
  });
}

}  // namespace
}  // namespace hf::test
