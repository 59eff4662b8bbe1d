// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>
#include <rapidcheck.h>

#include "metric/lifecycle.h"
#include "metric/lifecycle_twin.h"
#include "metric/query_world.h"

namespace hf::test {
namespace {

// Persons neither appear from nowhere nor vanish.
void accounts_close(const LifecycleTable& table) {
  for (std::size_t i = 1; i < table.rows.size(); ++i) {
    const LifecycleRow& row = table.rows[i];
    RC_ASSERT(row.active() ==
              table.rows[i - 1].active() + row.fresh + row.resurrecting - row.dormant);
  }
}

TEST(Lifecycle, AgreesWithItsDefinitionOnAnyEventsAndQueries) {
  check_cases("lifecycle agrees with its twin", 4'000, [] {
    const QueryChoice q = *any_query_choice();
    const auto choices =
        *rc::gen::scale(0.6, rc::gen::container<std::vector<EventChoice>>(any_event_choice()));
    const std::vector<WorldEvent> events = world_of(choices, q);
    EventWorld world(events, utc(anchors[q.anchor]) + 40 * steps_ms[q.step]);
    const QueryContext context = chosen_ways(world.context(), q);
    const std::string json = QueryText(q).lifecycle();
    const auto query = parse_lifecycle(parse_json(json).value(), context);
    if (!query) RC_LOG() << json << " " << query.error().message;
    RC_ASSERT(query.has_value());
    const auto answer = run_lifecycle(world.snapshot(), context, *query);
    if (!answer) {
      RC_LOG() << json << " " << answer.error().message;
      RC_ASSERT(answer.error().reason == "invalid_range");
      return;
    }
    const std::string expected = data_json(LifecycleTwin(*query, events).answer());
    const std::string actual = data_json(*answer);
    if (actual != expected) {
      RC_LOG() << json << "\nevents\n";
      for (const WorldEvent& event : by_arrival(events)) RC_LOG() << event;
      RC_LOG() << "twin   " << expected << "\nanswer " << actual;
    }
    RC_ASSERT(actual == expected);
    accounts_close(answer->total);
    for (const LifecycleTable& group : answer->groups) accounts_close(group);
  });
}

}  // namespace
}  // namespace hf::test
