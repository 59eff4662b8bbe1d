// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>
#include <rapidcheck.h>

#include "metric/query_world.h"
#include "metric/stickiness.h"
#include "metric/stickiness_twin.h"

namespace hf::test {
namespace {

TEST(Stickiness, AgreesWithItsDefinitionOnAnyEventsAndQueries) {
  check_against_twin<parse_stickiness, run_stickiness, StickinessTwin>(
      "stickiness agrees with its twin", &QueryText::stickiness,
      [](const EventWorld& world, const QueryContext& context, const StickinessQuery& query,
         const StickinessAnswer& answer, const QueryChoice& q) {
        const auto [table, bucket] = any_table(answer, q.from_slot);
        const auto number = static_cast<std::size_t>(q.to_slots);
        if (!table->histogram.empty()) {
          const std::size_t k = number % table->histogram.size();
          check_members<stickiness_members>(world, context, query,
                                            fmt::format(R"({{"active_periods":{}}})", k + 1),
                                            bucket, table->histogram[k]);
        }
        if (table->days.empty()) return;
        const std::size_t row = number % table->days.size();
        const StickinessDay& day = table->days[row];
        const std::array kinds{std::pair("dau", day.dau), std::pair("wau", day.wau),
                               std::pair("mau", day.mau)};
        const auto& [kind, count] = kinds[number % kinds.size()];
        check_members<stickiness_members>(
            world, context, query,
            fmt::format(R"({{"period":"{}","kind":"{}"}})", answer.periods[row], kind), bucket,
            count);
      });
}

}  // namespace
}  // namespace hf::test
