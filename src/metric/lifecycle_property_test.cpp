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
  check_against_twin<parse_lifecycle, run_lifecycle, LifecycleTwin>(
      "lifecycle agrees with its twin", &QueryText::lifecycle,
      [](const EventWorld& world, const QueryContext& context, const LifecycleQuery& query,
         const LifecycleAnswer& answer, const QueryChoice& q) {
        accounts_close(answer.total);
        for (const LifecycleTable& group : answer.groups) accounts_close(group);
        const auto [table, bucket] = any_table(answer, q.from_slot);
        if (table->rows.empty()) return;
        const std::size_t row = static_cast<std::size_t>(q.to_slots) % table->rows.size();
        const LifecycleRow& cell = table->rows[row];
        const std::array kinds{std::pair("new", cell.fresh), std::pair("returning", cell.returning),
                               std::pair("resurrecting", cell.resurrecting),
                               std::pair("dormant", cell.dormant),
                               std::pair("active", cell.active())};
        const auto& [kind, count] = kinds[static_cast<std::size_t>(q.to_slots) % kinds.size()];
        check_members<lifecycle_members>(
            world, context, query,
            fmt::format(R"({{"period":"{}","kind":"{}"}})", answer.periods[row], kind), bucket,
            count);
      });
}

}  // namespace
}  // namespace hf::test
