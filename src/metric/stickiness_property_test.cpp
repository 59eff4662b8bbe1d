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
      "stickiness agrees with its twin", &QueryText::stickiness, [](const StickinessAnswer&) {});
}

}  // namespace
}  // namespace hf::test
