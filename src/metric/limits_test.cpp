// SPDX-License-Identifier: Apache-2.0
//
// What a question may ask of memory: answers and what is between have limits that are told.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <string>
#include <string_view>
#include <vector>

#include "metric/event_world.h"
#include "metric/query.h"

namespace hf::test {
namespace {

// "k0", "k1", .. as a list.
WorldValue list_of(std::string_view prefix, int items) {
  std::string all;
  for (int i = 0; i < items; ++i) all += fmt::format(R"({}"{}{}")", i == 0 ? "" : ",", prefix, i);
  return stored(ValueKind::list, "[" + all + "]");
}

constexpr std::string_view by_two =
    R"("breakdown":[{"property":"k","top":1000},{"property":"l","top":1000}])";

// Ann visits and buys, with so many items in each of her two lists.
std::vector<WorldEvent> ann_with_lists(int items) {
  const auto event = [&](const char* name, const char* time) {
    return WorldEvent{
        "ann", name, utc(time), {{"k", list_of("k", items)}, {"l", list_of("l", items)}}};
  };
  return {event("visit", "2026-01-05T08:00"), event("buy", "2026-01-05T09:00")};
}

// The reason of the refusal, or "".
std::string refusal(const std::vector<WorldEvent>& events, const std::string& query) {
  EventWorld world(events);
  const auto answer = answer_query(world.snapshot(), world.context(), query);
  return answer ? "" : std::string(answer.error().reason);
}

TEST(FunnelLimits, GroupsOfStepsHaveCellsToo) {
  std::string steps = R"({"event":"visit"})";
  for (int i = 1; i < 30; ++i) steps += fmt::format(R"(,{{"event":"step {}"}})", i);
  const std::string query = fmt::format(R"({{"metric":"funnel","steps":[{}],{}}})", steps, by_two);
  // 30 steps of 6 numbers: 11,111 tables are as many as there may be.
  EXPECT_EQ(refusal(ann_with_lists(105), query), "");  // 11,025 groups and the total.
  EXPECT_EQ(refusal(ann_with_lists(106), query), "too_many_cells");
}

TEST(FunnelLimits, GroupsOfTimesHaveCellsToo) {
  const std::string query =
      fmt::format(R"({{"metric":"funnel","steps":[{{"event":"visit"}},{{"event":"buy"}}],)"
                  R"("view":"time_to_convert","bins":1000,{}}})",
                  by_two);
  EXPECT_EQ(refusal(ann_with_lists(44), query), "");  // 1,936 groups and the total.
  EXPECT_EQ(refusal(ann_with_lists(45), query), "too_many_cells");
}

}  // namespace
}  // namespace hf::test
