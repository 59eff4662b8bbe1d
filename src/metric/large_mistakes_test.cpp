// SPDX-License-Identifier: Apache-2.0
//
// What breaks on size: one person with a million events, thousands of events at one instant, a
// funnel as long as they may be; see classic_mistakes_test.cpp for the others. The search of
// funnels has its own in funnel_search_test.cpp.
#include <gtest/gtest.h>

#include "base/work_guard.h"
#include "metric/told.h"

namespace hf::test {
namespace {

// Whatever grows with the square of the events takes minutes; all that is asked here, of a million
// events, far less than a second each.
constexpr std::int64_t seconds_max =
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
    60;
#else
    5;
#endif

/// Asks all of the shop's questions, each with a breakdown too, of one crowded person.
void expect_quick_answers(const std::vector<WorldEvent>& events) {
  EventWorld world(events, utc("2026-02-03T09:00"));
  const auto ask = [&](const std::string& question) {
    WorkGuard guard(real_env().clock,
                    {.deadline_ns = real_env().clock.monotonic_ns() + seconds_max * 1'000'000'000});
    QueryContext context = world.context(2);
    context.guard = &guard;
    const std::int64_t begin = real_env().clock.monotonic_ns();
    const auto answer = answer_query(world.snapshot(), context, quoted(question));
    EXPECT_TRUE(answer) << answer.error().message << ' ' << question;
    EXPECT_LE((real_env().clock.monotonic_ns() - begin) / 1'000'000, seconds_max * 1'000)
        << question;
  };
  for (const char* question : shop_questions) {
    ask(question + std::string("}"));
    ask(question + shop_breakdown(question, 0) + "}");
  }
}

std::vector<WorldEvent> of_one_person(std::int64_t count, auto&& time_of) {
  constexpr std::array names = {"visit", "cart", "buy", "help", "visit"};
  constexpr std::array countries = {"GB", "DE", "FR"};
  std::vector<WorldEvent> events;
  events.reserve(static_cast<std::size_t>(count));
  for (std::int64_t i = 0; i < count; ++i) {
    WorldEvent event{"robot", names[static_cast<std::size_t>(i) % names.size()], time_of(i), {}, 0};
    event.properties.emplace_back(
        "country", text(countries[static_cast<std::size_t>(i / 7) % countries.size()]));
    if (event.name == "buy") event.properties.emplace_back("amount", number("2.5"));
    events.push_back(std::move(event));
  }
  return events;
}

// Events of one instant tried in every order, or each against each: an import that knows only
// dates, and nothing answers any more.
TEST(ClassicMistake, ThousandsOfEventsOfOneInstantAreQuick) {
  const auto at_noon = [](std::int64_t) { return utc("2026-01-15T12:00"); };
  expect_quick_answers(of_one_person(10'000, at_noon));
  // Ten times as many, as squares of 10,000 are quick too.
  expect_quick_answers(of_one_person(100'000, at_noon));
}

// One robot of a million events that takes the time (or the memory) of all others together.
TEST(ClassicMistake, OnePersonWithAMillionEventsIsQuick) {
  const std::vector<WorldEvent> events =
      of_one_person(1'000'000, [](std::int64_t i) { return utc("2026-01-01") + i * 2'500; });
  expect_quick_answers(events);
}

// Long funnels refused, or answered for ten steps.
TEST(ClassicMistake, AFunnelHasThirtySteps) {
  std::vector<WorldEvent> events;
  std::string steps;
  for (int i = 1; i <= 30; ++i) {
    const std::string name = fmt::format("step {}", i);
    steps += fmt::format("{}{{'event':'{}'}}", i == 1 ? "" : ",", name);
    const TimestampMs t = utc("2026-01-05") + i * 60'000;
    events.push_back({"ann", name, t, {}, i % 2});
    if (i < 30) events.push_back({"bob", name, t, {}, 0});
    if (i > 1) events.push_back({"cid", name, t, {}, 0});  // Without the first step.
  }
  EventWorld world(events);
  for (const char* order : {"ordered", "strict", "any"}) {
    const std::string data = ask_each_way(
        world, fmt::format("{{'metric':'funnel','steps':[{}],'order':'{}'}}", steps, order));
    const std::string counts = told(data, "steps.*.count");
    EXPECT_EQ(counts.size(), 59u) << order;
    EXPECT_EQ(counts.substr(56), std::string_view(order) == "any" ? "3 1" : "2 1") << order;
  }
}

}  // namespace
}  // namespace hf::test
