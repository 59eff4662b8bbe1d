// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>
#include <rapidcheck.h>

#include "metric/query_world.h"
#include "metric/trend.h"
#include "metric/trend_twin.h"

namespace hf::test {
namespace {

TEST(Trend, AgreesWithItsDefinitionOnAnyEventsAndQueries) {
  check_cases("trend agrees with its twin", 4'000, [] {
    const QueryChoice q = *any_query_choice();
    const auto choices =
        *rc::gen::scale(0.6, rc::gen::container<std::vector<EventChoice>>(any_event_choice()));
    const std::vector<WorldEvent> events = world_of(choices, q);
    EventWorld world(events, utc(anchors[q.anchor]) + 40 * steps_ms[q.step]);
    const QueryContext context = chosen_ways(world.context(), q);
    const std::string json = QueryText(q).trend();
    const auto query = parse_trend(parse_json(json).value(), context);
    if (!query) RC_LOG() << json << " " << query.error().message;
    RC_ASSERT(query.has_value());
    const auto answer = run_trend(world.snapshot(), context, *query);
    if (!answer) {
      RC_LOG() << json << " " << answer.error().message;
      RC_ASSERT(answer.error().reason == "invalid_range");
      return;
    }
    const std::string expected = data_json(TrendTwin(*query, events).answer());
    const std::string actual = data_json(*answer);
    if (actual != expected) {
      RC_LOG() << json << "\nevents\n";
      for (const WorldEvent& event : by_arrival(events)) RC_LOG() << event;
      RC_LOG() << "twin   " << expected << "\nanswer " << actual;
    }
    RC_ASSERT(actual == expected);
  });
}

}  // namespace
}  // namespace hf::test
