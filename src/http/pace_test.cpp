// SPDX-License-Identifier: Apache-2.0
#include "http/pace.h"

#include <gtest/gtest.h>

namespace hf::http {
namespace {

using Phase = Pace::Phase;

constexpr Server::Limits limits{
    .head_ms = 100, .idle_ms = 700, .grace_ms = 500, .bytes_per_s = 1'000, .stall_ms = 900};

TEST(Pace, WaitsForEachPhaseAsLongAsItMayTake) {
  const struct {
    const char* name;
    Phase phase;
    std::int64_t late_ms;  // The first at which it is.
  } cases[] = {
      {"handshake", Phase::handshake, 10'001},
      {"before the first request", Phase::idle, 101},
      {"head", Phase::head, 101},
      {"body", Phase::body, 501},
      {"answer", Phase::answer, 901},
      {"drain", Phase::drain, 1'001},
  };
  for (const auto& each : cases) {
    Pace pace(limits, 0);
    pace.begin(each.phase, 1'000);
    EXPECT_FALSE(pace.is_late(1'000 + each.late_ms - 1)) << each.name;
    EXPECT_TRUE(pace.is_late(1'000 + each.late_ms)) << each.name;
  }
  Pace pace(limits, 0);
  pace.begin(Phase::handler, 0);
  EXPECT_FALSE(pace.is_late(INT64_MAX)) << "that is not the client's doing";
  pace.begin(Phase::idle, 0);
  EXPECT_FALSE(pace.is_late(700));
  EXPECT_TRUE(pace.is_late(701)) << "between two requests";
}

TEST(Pace, AsksForSoManyBytesASecondAfterTheGrace) {
  Pace pace(limits, 0);
  pace.begin(Phase::body, 0);
  for (std::int64_t now = 100; now <= 10'000; now += 100) {
    pace.move(100);
    ASSERT_FALSE(pace.is_late(now)) << now;
  }
  EXPECT_EQ(pace.phase(), Phase::body);
  EXPECT_FALSE(pace.is_late(10'500)) << "half a second's worth ahead";
  EXPECT_TRUE(pace.is_late(10'501));
}

TEST(Pace, LetsNobodyStandStillForWhatWasFastBefore) {
  Pace pace(limits, 0);
  pace.begin(Phase::body, 0);
  pace.move(1'000'000);
  EXPECT_EQ(pace.moved(), 1'000'000u);
  EXPECT_FALSE(pace.is_late(100));
  EXPECT_FALSE(pace.is_late(1'000));
  EXPECT_TRUE(pace.is_late(1'501)) << "half a second after it was last seen to be ahead";
}

}  // namespace
}  // namespace hf::http
