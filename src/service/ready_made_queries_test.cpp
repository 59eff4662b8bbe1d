// SPDX-License-Identifier: Apache-2.0
#include "service/ready_made_queries.h"

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <map>
#include <set>
#include <vector>

#include "base/rng.h"
#include "metric/event_world.h"
#include "metric/query.h"
#include "service/saved_queries.h"

namespace hf {
namespace {

using test::EventWorld;
using test::utc;
using test::WorldEvent;

Json data_of(EventWorld& world, std::string_view name) {
  const auto answer = answer_query(world.snapshot(), world.context(), find_ready_made(name)->query);
  EXPECT_TRUE(answer) << answer.error().message;
  return *parse_json(*answer)->find("data");
}

/// "4 2 1"
std::string steps_of(EventWorld& world, std::string_view name) {
  std::string counts;
  const Json data = data_of(world, name);
  for (const Json& step : data.find("steps")->array) {
    counts += fmt::format("{}{}", counts.empty() ? "" : " ", step.find("count")->text);
  }
  return counts;
}

WorldEvent event(std::string person, std::string name, std::string_view time) {
  return {.person = std::move(person), .name = std::move(name), .time_ms = utc(time)};
}

TEST(ReadyMadeQueries, AreSoundAndInOrder) {
  const auto all = ready_made_queries();
  EXPECT_TRUE(std::ranges::is_sorted(all, {}, &ReadyMadeQuery::name));
  for (const ReadyMadeQuery& one : all) {
    SCOPED_TRACE(one.name);
    EXPECT_TRUE(check_query_name(one.name));
    const auto checked = checked_query(real_env(), parse_json(one.query).value());
    ASSERT_TRUE(checked) << checked.error().message << checked.error().pointer;
    EXPECT_EQ(*checked, one.query);
    for (const std::string_view title : {one.title, one.title_zh}) {
      EXPECT_TRUE(!title.empty() && title.size() <= query_title_bytes_max);
    }
    for (const std::string_view description : {one.description, one.description_zh}) {
      EXPECT_TRUE(!description.empty() && description.size() <= query_description_bytes_max);
    }
  }
  EXPECT_EQ(find_ready_made("nothing"), nullptr);
}

TEST(ReadyMadeQueries, AcquisitionLeadsVisitorsToTheirPurchase) {
  EventWorld world({
      event("ann", "page", "2026-01-01T09:00"),
      event("ann", "Signed Up", "2026-01-01T09:10"),
      event("ann", "Order Completed", "2026-01-20T09:00"),
      event("bob", "screen", "2026-01-02T09:00"),  // Other spellings.
      event("bob", "sign_up", "2026-01-03T09:00"),
      event("bob", "purchase", "2026-01-04T09:00"),
      event("cid", "Product Viewed", "2026-01-02T09:00"),
      event("cid", "signup", "2026-01-02T09:01"),
      event("dan", "page", "2026-01-02T09:00"),
      event("eve", "page", "2026-01-02T09:00"),
      event("eve", "Account Created", "2026-02-02T09:00"),  // After 31 days.
      event("fay", "Signed Up", "2026-01-02T09:00"),        // Known before any visit.
      event("fay", "page", "2026-01-05T09:00"),
      event("fay", "purchase", "2026-01-06T09:00"),
      event("gus", "purchase", "2026-01-02T09:00"),  // As is this one.
      event("gus", "page", "2026-01-05T09:00"),
  });
  EXPECT_EQ(steps_of(world, "acquisition"), "5 3 2");
}

TEST(ReadyMadeQueries, RepurchaseIsToComeBackInWhateverWay) {
  EventWorld world({
      event("ann", "Order Completed", "2026-01-01T09:00"),
      event("ann", "page", "2026-01-15T09:00"),  // Back.
      event("bob", "purchase", "2026-01-01T09:00"),
      event("bob", "purchase", "2026-01-11T09:00"),  // Back, though nothing but orders is known.
      event("cid", "Order Completed", "2026-01-01T09:00"),
      event("cid", "page", "2026-01-01T09:01"),  // The page of thanks.
      event("cid", "page", "2026-01-01T23:00"),
      event("dan", "page", "2026-01-01T09:00"),
      event("dan", "purchase", "2026-01-01T09:00"),  // Two lines of one order, of that instant.
      event("dan", "purchase", "2026-01-01T09:00"),
      event("eve", "Order Completed", "2026-01-01T09:00"),
      event("eve", "page", "2026-04-15T09:00"),  // After 104 days.
      event("fay", "page", "2026-01-01T09:00"),  // Bought nothing.
      event("fay", "page", "2026-01-10T09:00"),
      event("gus", "page", "2026-01-01T09:00"),
      event("gus", "order_completed", "2026-01-10T09:00"),  // Came before, not after.
      event("hal", "purchase", "2026-01-01T09:00"),
      event("hal", "purchase", "2026-01-08T08:00"),
      event("hal", "page", "2026-01-08T08:30"),  // A day after the first, not after the second.
  });
  EXPECT_EQ(steps_of(world, "repurchase"), "7 3");
  EXPECT_EQ(steps_of(world, "repeat_purchase"), "7 2") << "bob and hal; of dan it is one instant";
}

TEST(ReadyMadeQueries, RepeatPurchaseIsASecondOne) {
  EventWorld world({
      event("ann", "Order Completed", "2026-01-01T09:00"),
      event("ann", "purchase", "2026-03-31T09:00"),  // By another name, after 89 days.
      event("bob", "purchase", "2026-01-01T09:00"),
      event("bob", "purchase", "2026-04-02T09:00"),  // After 91.
      event("cid", "purchase", "2026-01-01T09:00"),
      event("cid", "purchase", "2026-08-01T09:00"),
      event("cid", "purchase", "2026-08-02T09:00"),  // Any two of the orders.
      event("dan", "purchase", "2026-01-01T09:00"),
      event("dan", "page", "2026-01-10T09:00"),
  });
  EXPECT_EQ(steps_of(world, "repeat_purchase"), "4 2");
}

// -- The definitions, told by whoever reads docs/metrics.md ---------------------------------------

constexpr TimestampMs day_ms = 86'400'000;
// Neither a day nor 30 or 90 of them is so many slots: nothing lies on the edge of a window.
constexpr TimestampMs slot_ms = 7 * 3'600'000;

using Lives = std::map<std::string, std::vector<WorldEvent>>;  // By person, in the order of time.

bool is_order(const WorldEvent& event) {
  return event.name == "Order Completed" || event.name == "purchase";
}

Lives any_lives(Rng& rng, bool at_one_instant) {
  const std::array names = {"page", "purchase", "Order Completed", "signup", "Product Viewed"};
  Lives lives;
  for (std::uint64_t person = 0; person < 1 + rng.below(12); ++person) {
    const std::string id = fmt::format("p{}", person);
    std::set<std::uint64_t> taken;
    for (std::uint64_t n = 1 + rng.below(7); n > 0; --n) {
      const std::uint64_t slot = rng.below(rng.below(2) == 0 ? 12 : 400);
      if (!taken.insert(slot).second && !at_one_instant) continue;
      lives[id].push_back(
          {.person = id,
           .name = names[rng.below(names.size())],
           .time_ms = utc("2026-01-01T00:00") + static_cast<TimestampMs>(slot) * slot_ms});
    }
    std::ranges::stable_sort(lives[id], {}, &WorldEvent::time_ms);
  }
  return lives;
}

/// How many persons' lives reach each step, where `depth_of` says how far one comes.
template <class DepthOf>
std::string steps_by_hand(const Lives& lives, std::size_t steps, DepthOf&& depth_of) {
  std::vector<int> counts(steps, 0);
  for (const auto& [person, life] : lives) {
    const std::size_t depth = depth_of(life);
    for (std::size_t step = 0; step < depth; ++step) ++counts[step];
  }
  return fmt::format("{}", fmt::join(counts, " "));
}

std::size_t repurchase_depth(const std::vector<WorldEvent>& life) {
  std::size_t depth = 0;
  for (const WorldEvent& order : life) {
    if (!is_order(order)) continue;
    depth = std::max<std::size_t>(depth, 1);
    for (const WorldEvent& back : life) {
      const TimestampMs after = back.time_ms - order.time_ms;
      if (after >= day_ms && after <= 90 * day_ms) depth = 2;
    }
  }
  return depth;
}

std::size_t repeat_depth(const std::vector<WorldEvent>& life) {
  std::size_t depth = 0;
  for (const WorldEvent& order : life) {
    if (!is_order(order)) continue;
    depth = std::max<std::size_t>(depth, 1);
    for (const WorldEvent& again : life) {
      const TimestampMs after = again.time_ms - order.time_ms;
      if (is_order(again) && after > 0 && after <= 90 * day_ms) depth = 2;
    }
  }
  return depth;
}

std::size_t acquisition_depth(const std::vector<WorldEvent>& life) {
  std::size_t depth = 0;
  for (const WorldEvent& visit : life) {
    if (is_order(visit) || visit.name == "signup") break;  // And what comes later is no visit.
    depth = std::max<std::size_t>(depth, 1);
    for (const WorldEvent& sign_up : life) {
      if (sign_up.name != "signup" || sign_up.time_ms - visit.time_ms > 30 * day_ms) continue;
      depth = std::max<std::size_t>(depth, 2);
      for (const WorldEvent& order : life) {
        if (is_order(order) && order.time_ms > sign_up.time_ms &&
            order.time_ms - visit.time_ms <= 30 * day_ms) {
          depth = 3;
        }
      }
    }
  }
  return depth;
}

TEST(ReadyMadeQueries, AreWhatTheirDefinitionsSay) {
  for (std::uint64_t seed = 0; seed < 300; ++seed) {
    SCOPED_TRACE(seed);
    Rng rng(seed);
    // Of events at one instant the definition of a visit says nothing.
    const bool at_one_instant = seed % 2 == 0;
    const Lives lives = any_lives(rng, at_one_instant);
    std::vector<WorldEvent> events;
    for (const auto& [person, life] : lives) events.insert(events.end(), life.begin(), life.end());
    EventWorld world(events);
    ASSERT_EQ(steps_of(world, "repurchase"), steps_by_hand(lives, 2, repurchase_depth));
    ASSERT_EQ(steps_of(world, "repeat_purchase"), steps_by_hand(lives, 2, repeat_depth));
    if (at_one_instant) continue;
    ASSERT_EQ(steps_of(world, "acquisition"), steps_by_hand(lives, 3, acquisition_depth));
  }
}

TEST(ReadyMadeQueries, WeeklyRetentionIsOfNewPeople) {
  EventWorld world(
      {
          event("ann", "page", "2026-01-05T09:00"),  // A Monday.
          event("ann", "page", "2026-01-13T09:00"),
          event("ann", "page", "2026-01-14T09:00"),
          event("bob", "page", "2026-01-11T09:00"),
          event("bob", "purchase", "2026-01-21T09:00"),
          event("cid", "page", "2026-01-12T09:00"),
      },
      utc("2026-01-26T00:00"));
  const Json data = data_of(world, "weekly_retention");
  std::string shown;
  for (const Json& cohort : data.find("cohorts")->array) {
    shown += cohort.find("start")->text;
    for (std::size_t column = 0; column < 3; ++column) {
      shown += " " + cohort.find("cells")->array[column].find("count")->text;
    }
    shown += "\n";
  }
  EXPECT_EQ(data.find("columns")->array.size(), 9u);
  EXPECT_EQ(shown,
            "2026-01-05 2 1 1\n"
            "2026-01-12 1 0 0\n"
            "2026-01-19 0 0 0\n"
            "2026-01-26 0 0 0\n");
}

}  // namespace
}  // namespace hf
