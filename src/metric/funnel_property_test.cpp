// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>
#include <rapidcheck.h>

#include "base/rng.h"
#include "metric/funnel.h"
#include "metric/funnel_twin.h"
#include "metric/query_world.h"
#include "store/part_format.h"

namespace hf::test {
namespace {

TEST(Funnel, AgreesWithItsDefinitionOnAnyEventsAndQueries) {
  check_against_twin<parse_funnel, run_funnel, FunnelTwin>(
      "funnel agrees with its twin", &QueryText::funnel,
      [](const EventWorld& world, const QueryContext& context, const FunnelQuery& query,
         const FunnelAnswer& answer, const QueryChoice& q) {
        for (std::size_t k = 1; k < answer.total.steps.size(); ++k) {
          RC_ASSERT(answer.total.steps[k].count <= answer.total.steps[k - 1].count);
        }
        for (const FunnelPeriod& period : answer.total.periods) {
          RC_ASSERT(period.completed <= period.entered);
        }
        std::int64_t binned = 0;
        for (const FunnelBin& bin : answer.total.bins) binned += bin.count;
        RC_ASSERT(binned == answer.total.converted);

        const auto [table, bucket] = any_table(answer, q.from_slot);
        const auto number = static_cast<std::size_t>(q.to_slots);
        const auto check = [&](const std::string& cell, std::int64_t count) {
          check_members<funnel_members>(world, context, query, cell, bucket, count);
        };
        if (!table->steps.empty()) {
          const std::size_t k = number % table->steps.size();
          check(fmt::format(R"({{"step":{}}})", k + 1), table->steps[k].count);
          if (k > 0) {
            check(fmt::format(R"({{"step":{},"dropped":true}})", k + 1),
                  table->steps[k - 1].count - table->steps[k].count);
          }
        }
        if (!table->periods.empty()) {
          const std::size_t row = number % table->periods.size();
          check(fmt::format(R"({{"period":"{}","kind":"completed"}})", answer.periods[row]),
                table->periods[row].completed);
        }
        if (!table->bins.empty()) {
          const std::size_t bin = number % table->bins.size();
          check(fmt::format(R"({{"bin":{}}})", bin), table->bins[bin].count);
          check("{}", table->converted);
        }
      });
}

// Persons whose rows lie together are found from bits: few are where events come in four parts, so
// here most come in one.
TEST(FunnelRows, GiveWhatEventsOneByOneGive) {
  check_cases("funnel rows agree with events", 8'000, [] {
    QueryChoice q = *any_query_choice();
    q.entry = 0;
    auto choices =
        *rc::gen::scale(0.6, rc::gen::container<std::vector<EventChoice>>(any_event_choice()));
    for (EventChoice& choice : choices) choice.part = choice.part % 3 == 1 ? 1 : 0;
    const std::vector<WorldEvent> events = world_of(choices, q);
    EventWorld world(events, utc(anchors[q.anchor]) + 40 * steps_ms[q.step]);
    QueryContext context = world.context();
    const auto query = parse_funnel(parse_json(QueryText(q).funnel()).value(), context);
    RC_ASSERT(query.has_value());
    const auto by_rows = run_funnel(world.snapshot(), context, *query);
    context.bitmaps = false;
    const auto by_events = run_funnel(world.snapshot(), context, *query);
    RC_ASSERT(by_rows.has_value() == by_events.has_value());
    if (!by_rows) return;
    if (data_json(*by_rows) != data_json(*by_events)) {
      RC_LOG() << QueryText(q).funnel() << "\nevents\n";
      for (const WorldEvent& event : by_arrival(events)) RC_LOG() << event;
      RC_LOG() << "by rows   " << data_json(*by_rows) << "\nby events " << data_json(*by_events);
    }
    RC_ASSERT(data_json(*by_rows) == data_json(*by_events));
    RC_ASSERT(by_rows->events_scanned == by_events->events_scanned);
    RC_ASSERT(by_rows->persons_scanned == by_events->persons_scanned);
  });
}

TEST(FunnelRows, CrossPages) {
  Rng rng(7);
  constexpr std::array names = {"visit", "cart", "buy", "help"};
  std::vector<WorldEvent> events;
  for (std::uint32_t i = 0; i < 5 * part_format::page_rows / 2; ++i) {
    events.push_back({fmt::format("person {}", i / 1'000),
                      names[rng.below(4)],
                      utc("2026-01-05") + i % 1'000 * 60'000,
                      {},
                      0});
  }
  EventWorld world(events);
  QueryContext context = world.context();
  const auto query =
      parse_funnel(parse_json(R"({"steps":[{"event":"visit"},{"event":"cart"},{"event":"buy"}],)"
                              R"("window":"PT4M"})")
                       .value(),
                   context);
  ASSERT_TRUE(query);
  const auto by_rows = run_funnel(world.snapshot(), context, *query);
  context.bitmaps = false;
  const auto by_events = run_funnel(world.snapshot(), context, *query);
  ASSERT_TRUE(by_rows && by_events);
  EXPECT_EQ(data_json(*by_rows), data_json(*by_events));
  EXPECT_GT(by_rows->total.steps[2].count, 0);
}

}  // namespace
}  // namespace hf::test
