// SPDX-License-Identifier: Apache-2.0
//
// What a question may ask of memory: answers and what is between have limits that are told.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <string>
#include <string_view>
#include <vector>

#include "metric/block_room.h"
#include "metric/event_world.h"
#include "metric/query.h"
#include "store/person_bitmap.h"

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

// The reason of the refusal where so many bytes may be held, or "".
std::string refusal_within(std::size_t bytes, const std::vector<WorldEvent>& events,
                           const std::string& query) {
  EventWorld world(events);
  QueryContext context = world.context();
  WorkGuard guard(context.env.clock, {.bytes_max = bytes});
  context.guard = &guard;
  std::string reason;
  {
    const auto answer = answer_query(world.snapshot(), context, query);
    if (!answer) reason = answer.error().reason;
  }
  EXPECT_EQ(guard.held_bytes(), 0u);  // All is given back.
  return reason;
}

TEST(MemoryLimits, TheTimesOfAFunnelAreToldToTheGuard) {
  // Held is a block at a time.
  constexpr std::size_t block = BlockRoom::block_values * sizeof(std::int64_t) * 4;
  const std::string steps = R"({"metric":"funnel","steps":[{"event":"visit"},{"event":"buy"}])";
  for (const std::string& query :
       {steps + "}", steps + R"(,"view":"time_to_convert"})",
        steps + R"(,"breakdown":[{"property":"k"}]})", steps + R"(,"order":"strict"})"}) {
    SCOPED_TRACE(query);
    EXPECT_EQ(refusal_within(block, ann_with_lists(1), query), "");
    EXPECT_EQ(refusal_within(block - 1, ann_with_lists(1), query), "memory_limit");
  }
}

TEST(MemoryLimits, CountsByBucketAreToldToTheGuard) {
  const std::string query =
      R"({"metric":"retention","from":"2026-01-05","to":"2026-01-05","breakdown":)"
      R"([{"property":"k","attribution":"first_touch"}]})";
  constexpr std::size_t buckets_of_persons = PersonChunk::persons * sizeof(std::uint16_t);
  EXPECT_EQ(refusal_within(2 * buckets_of_persons, ann_with_lists(1), query), "");
  EXPECT_EQ(refusal_within(buckets_of_persons - 1, ann_with_lists(1), query), "memory_limit");
  // A cell and the bucket's count of it more than that.
  EXPECT_EQ(refusal_within(buckets_of_persons + 8, ann_with_lists(1), query), "memory_limit");
}

constexpr std::string_view by_three =
    R"("breakdown":[{"property":"k","top":1000},{"property":"l","top":1000},)"
    R"({"property":"m","top":1000}])";

// Of three lists; of the last of so many items.
WorldEvent with_three_lists(const char* name, const char* time, int items, int last) {
  return {"ann",
          name,
          utc(time),
          {{"k", list_of("k", items)}, {"l", list_of("l", items)}, {"m", list_of("m", last)}}};
}

TEST(CombinationLimits, OneEventIsInAtMostAHundredThousand) {
  const std::string query =
      fmt::format(R"({{"metric":"trend","series":[{{"event":"buy"}}],"from":"2026-01-05",)"
                  R"("to":"2026-01-05",{}}})",
                  by_three);
  const char* const time = "2026-01-05T08:00";
  EXPECT_EQ(refusal({with_three_lists("buy", time, 50, 40)}, query), "");  // Exactly.
  EXPECT_EQ(refusal({with_three_lists("buy", time, 50, 41)}, query), "too_many_cells");
}

TEST(CombinationLimits, AllEventsOfAPersonAreInAtMostAMillionMoreThanOneEach) {
  const std::string query =
      fmt::format(R"({{"metric":"trend","series":[{{"event":"buy"}}],"from":"2026-01-05",)"
                  R"("to":"2026-01-05",{}}})",
                  by_three);
  std::vector<WorldEvent> events{with_three_lists("buy", "2026-01-05T08:00", 1, 11)};
  for (int i = 0; i < 10; ++i) {
    events.push_back(with_three_lists("buy", "2026-01-05T09:00", 50, 40));
  }
  EXPECT_EQ(refusal(events, query), "");  // 1,000,000 + 11
  events.front() = with_three_lists("buy", "2026-01-05T08:00", 1, 12);
  EXPECT_EQ(refusal(events, query), "too_many_cells");
}

TEST(CombinationLimits, ValuesHeldConstantMultiplyToo) {
  const std::string query = R"({"metric":"funnel","steps":[{"event":"visit"},{"event":"buy"}],)"
                            R"("hold_constant":["k","l","m"]})";
  const auto events = [](int last) {
    return std::vector{with_three_lists("visit", "2026-01-05T08:00", 50, last),
                       with_three_lists("buy", "2026-01-05T09:00", 1, 1)};
  };
  EXPECT_EQ(refusal(events(40), query), "");
  EXPECT_EQ(refusal(events(41), query), "too_many_cells");
}

TEST(CombinationLimits, TraitsOfAPersonMultiplyToo) {
  // With all but one of the values in "other" there are few groups.
  const std::string query =
      R"({"metric":"segment_size","breakdown":[{"trait":"k","top":1},{"trait":"l","top":1},)"
      R"({"trait":"m","top":1}]})";
  const char* const time = "2026-01-05T08:00";
  EXPECT_EQ(refusal({with_three_lists("identify", time, 50, 40)}, query), "");
  EXPECT_EQ(refusal({with_three_lists("identify", time, 50, 41)}, query), "too_many_cells");
}

TEST(SegmentSizeLimits, TheFirstGroupThatIsTooManyIsRefused) {
  std::vector<WorldEvent> events{with_three_lists("identify", "2026-01-05T08:00", 50, 40)};
  events.push_back(with_three_lists("identify", "2026-01-05T08:00", 1, 1));
  events.back().person = "bob";
  events.back().properties = {{"k", text("x")}};
  EventWorld world(events);
  const auto answer = answer_query(
      world.snapshot(), world.context(),
      R"({"metric":"segment_size","breakdown":[{"trait":"k","top":1000},{"trait":"l","top":1000},)"
      R"({"trait":"m","top":1000}]})");
  ASSERT_FALSE(answer);
  EXPECT_EQ(answer.error().message, "more groups than an answer may have: 100000");
}

}  // namespace
}  // namespace hf::test
