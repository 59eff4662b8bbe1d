// SPDX-License-Identifier: Apache-2.0
#include "metric/profile_created.h"

#include <gtest/gtest.h>

#include <optional>

#include "metric/event_world.h"

namespace hf::test {
namespace {

TEST(CreatedInstant, IsReadFromTextsAndNumbers) {
  struct Case {
    const char* name;
    WorldValue value;
    std::optional<TimestampMs> expected;
  };
  const TimestampMs monday = utc("2026-01-05");
  const Case cases[] = {
      {"RFC 3339", text("2026-01-05T01:00:00+01:00"), monday},
      {"fraction", text("2026-01-05T00:00:00.25Z"), monday + 250},
      {"local", text("2026-01-05T05:30:00"), monday},
      {"date", text("2026-01-05"), monday - 19'800'000},
      {"seconds", number("1767571200"), monday},
      {"fraction of seconds", number("1767571200.5"), monday + 500},
      {"milliseconds", number("1767571200250"), monday + 250},
      {"number as text", text("1767571200"), monday},
      {"the first second", number("631152000"), utc("1990-01-01")},
      {"the second before it", number("631151999"), std::nullopt},
      {"the first millisecond", number("631152000000"), utc("1990-01-01")},
      {"the millisecond before it", number("631151999999"), std::nullopt},
      {"the last second", number("4102444799"), utc("2100-01-01") - 1000},
      {"microseconds", number("1767571200000000"), std::nullopt},
      {"negative", number("-1767571200"), std::nullopt},
      {"before 1970", text("1969-12-31T00:00:00Z"), std::nullopt},
      {"no time", text("soon"), std::nullopt},
      {"empty", text(""), std::nullopt},
      {"boolean", boolean(true), std::nullopt},
      {"list", stored(ValueKind::list, R"(["2026-01-05"])"), std::nullopt},
      {"big number", stored(ValueKind::big_number, "17675712000000000000000"), std::nullopt},
  };
  const auto kolkata = Zone::load(real_env(), "Asia/Kolkata").value();
  for (const auto& [name, value, expected] : cases) {
    EXPECT_EQ(created_instant(value.view(), *kolkata), expected) << name;
  }
}

}  // namespace
}  // namespace hf::test
