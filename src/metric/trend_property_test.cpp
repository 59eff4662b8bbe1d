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
      "trend agrees with its twin", &QueryText::trend, [](const TrendAnswer&) {});
}

}  // namespace
}  // namespace hf::test
