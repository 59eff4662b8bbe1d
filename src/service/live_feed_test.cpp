// SPDX-License-Identifier: Apache-2.0
#include "service/live_feed.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <array>
#include <atomic>
#include <string>
#include <thread>
#include <vector>

#include "base/json.h"
#include "base/rng.h"
#include "base/sim_env.h"
#include "event/any_events.h"

namespace hf {
namespace {

using testing::ElementsAre;

constexpr TimestampMs day = 1'780'272'000'000;  // 2026-06-01.

class LiveFeedTest : public testing::Test {
 protected:
  LiveFeed::Watcher into(std::vector<std::string>& told) {
    return [&told](std::string_view kind, std::string_view json) {
      told.push_back(std::string(kind) + (json.empty() ? "" : " ") + std::string(json));
      return true;
    };
  }
  void show() { feed_.show("shop", {.user_id = "u", .name = "e", .time_ms = day}, day); }

  SimEnv sim_{1};
  LiveFeed feed_{sim_.env()};
};

TEST_F(LiveFeedTest, TellsOfEventsAndRefusalsInJson) {
  EXPECT_FALSE(feed_.is_watched());
  show();
  std::vector<std::string> told;
  feed_.watch(into(told));
  EXPECT_TRUE(feed_.is_watched());
  const std::array<PropertyView, 6> properties = {{
      {"a \"text\"", {.kind = ValueKind::text, .text = "line\nend"}},
      {"number", {.kind = ValueKind::number, .number = Decimal::normalized(1250, 2)}},
      {"boolean", {.kind = ValueKind::boolean, .boolean = true}},
      {"big", {.kind = ValueKind::big_number, .text = "1e400"}},
      {"list", {.kind = ValueKind::list, .text = "[1,\"b\"]"}},
      {"json", {.kind = ValueKind::json, .text = "[{\"c\":null}]"}},
  }};
  feed_.show("shop",
             {.user_id = "u1",
              .anonymous_id = "a1",
              .name = "Order Completed",
              .time_ms = day - 1,
              .message_id = "m1",
              .channel = "web",
              .properties = properties},
             day);
  feed_.show({.id = 0,
              .received_ms = day,
              .source = "shop",
              .reason = "missing_event",
              .message = "an event has a name",
              .text = "{\"event\":\"\"}"});
  show();
  EXPECT_THAT(
      told,
      ElementsAre(R"(event {"source":"shop","received_at":"2026-06-01T00:00:00Z",)"
                  R"("time":"2026-05-31T23:59:59.999Z","event":"Order Completed","user_id":"u1",)"
                  R"("anonymous_id":"a1","message_id":"m1","channel":"web","properties":)"
                  R"({"a \"text\"":"line\nend","number":12.5,"boolean":true,"big":1e400,)"
                  R"("list":[1,"b"],"json":[{"c":null}]}})",
                  R"(refusal {"source":"shop","received_at":"2026-06-01T00:00:00Z",)"
                  R"("reason":"missing_event","message":"an event has a name",)"
                  R"("text":"{\"event\":\"\"}"})",
                  R"(event {"source":"shop","received_at":"2026-06-01T00:00:00Z",)"
                  R"("time":"2026-06-01T00:00:00Z","event":"e","user_id":"u","properties":{}})"));
}

TEST_F(LiveFeedTest, WritesJsonOfWhateverIsValid) {
  std::vector<std::string> told;
  feed_.watch(into(told));
  for (std::uint64_t seed = 0; seed < 500; ++seed) {
    Rng rng(seed);
    test::any_event(rng).with_view([&](const EventView& event) {
      feed_.show("shop", event, day);
      const auto json = parse_json(std::string_view(told.back()).substr(6));
      ASSERT_TRUE(json) << json.error().message << "\n" << told.back();
      EXPECT_EQ(json->find("event")->text, event.name);
      EXPECT_EQ(json->find("properties")->object.size(), event.properties.size());
    });
    sim_.advance_ms(1'000);
  }
}

TEST_F(LiveFeedTest, CountsWhatIsTooMuchToBeTold) {
  std::vector<std::string> told;
  feed_.watch(into(told));
  for (int i = 0; i < 73; ++i) show();
  EXPECT_EQ(told.size(), LiveFeed::items_per_s_max);
  told.clear();
  feed_.tick();
  feed_.tick();
  EXPECT_THAT(told, ElementsAre(R"(skipped {"count":23})", "idle"));
  told.clear();
  show();
  EXPECT_THAT(told, ElementsAre()) << "it is the same second";
  sim_.advance_ms(1'000);
  show();
  EXPECT_EQ(told.size(), 1u);
  feed_.tick();
  EXPECT_EQ(told.back(), R"(skipped {"count":1})");
}

TEST_F(LiveFeedTest, ForgetsWhoIsGone) {
  std::vector<std::string> told;
  int left = 2;
  feed_.watch([&](std::string_view, std::string_view) { return --left > 0; });
  feed_.watch(into(told));
  bool is_there = true;
  feed_.watch([&](std::string_view, std::string_view) { return is_there; });
  show();
  EXPECT_EQ(feed_.watchers(), 3u);
  show();
  EXPECT_EQ(feed_.watchers(), 2u);
  is_there = false;
  feed_.tick();
  EXPECT_EQ(feed_.watchers(), 1u);
  EXPECT_EQ(told.size(), 3u);
}

TEST_F(LiveFeedTest, MayBeWatchedFromManyThreads) {
  std::atomic<int> told = 0;
  std::vector<std::jthread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&] {
      for (int i = 0; i < 100; ++i) {
        int left = 5;
        feed_.watch([&told, left](std::string_view, std::string_view) mutable {
          ++told;
          return --left > 0;
        });
        show();
        feed_.tick();
      }
    });
  }
  threads.clear();
  for (int i = 0; i < 5; ++i) feed_.tick();
  EXPECT_FALSE(feed_.is_watched());
  EXPECT_EQ(told, 4 * 100 * 5);
}

}  // namespace
}  // namespace hf
