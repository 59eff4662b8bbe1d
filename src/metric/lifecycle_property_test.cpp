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
      "lifecycle agrees with its twin", &QueryText::lifecycle, [](const LifecycleAnswer& answer) {
        accounts_close(answer.total);
        for (const LifecycleTable& group : answer.groups) accounts_close(group);
      });
}

}  // namespace
}  // namespace hf::test
