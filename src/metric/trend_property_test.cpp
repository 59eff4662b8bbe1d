// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>
#include <rapidcheck.h>

#include "metric/query_world.h"
#include "metric/trend.h"
#include "metric/trend_twin.h"

namespace hf::test {
namespace {

TEST(Trend, AgreesWithItsDefinitionOnAnyEventsAndQueries) {
  check_against_twin<parse_trend, run_trend, TrendTwin>(
      "trend agrees with its twin", &QueryText::trend,
      [](const EventWorld& world, const QueryContext& context, const TrendQuery& query,
         const TrendAnswer& answer, const QueryChoice& q, const TrendTwin& twin) {
        const TrendAnswer counts = twin.counts();
        const auto [table, bucket] = any_table(counts, q.from_slot);
        const std::size_t number = static_cast<std::size_t>(q.to_slots) % query.series.size();
        const TrendSeries& series = table->series[number];
        const std::size_t row = static_cast<std::size_t>(q.to_slots) % (series.values.size() + 1);
        const bool is_total = row == series.values.size();
        const TrendValue& expected = is_total ? series.total : series.values[row];
        check_members<trend_members>(
            world, context, query,
            is_total ? fmt::format(R"({{"series":{}}})", number)
                     : fmt::format(R"({{"series":{},"period":"{}"}})", number, answer.periods[row]),
            bucket, std::get<std::int64_t>(expected));
      });
}

}  // namespace
}  // namespace hf::test
