// SPDX-License-Identifier: Apache-2.0
#include "service/ready_made_queries.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>

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
      event("dan", "purchase", "2026-01-01T09:00"),  // Two lines of one order.
      event("dan", "purchase", "2026-01-01T09:00"),
      event("eve", "Order Completed", "2026-01-01T09:00"),
      event("eve", "page", "2026-04-15T09:00"),  // After 104 days.
      event("fay", "page", "2026-01-01T09:00"),  // Bought nothing.
      event("fay", "page", "2026-01-10T09:00"), event("gus", "page", "2026-01-01T09:00"),
      event("gus", "order_completed", "2026-01-10T09:00"),  // Came before, not after.
      event("hal", "purchase", "2026-01-01T09:00"), event("hal", "purchase", "2026-01-08T08:00"),
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
