// SPDX-License-Identifier: Apache-2.0
//
// Hand-computed cases; docs/metrics.md tells them as worked examples.
#include "metric/funnel.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <vector>

#include "metric/event_world.h"

namespace hf::test {
namespace {

std::string quoted(std::string text) {
  std::ranges::replace(text, '\'', '"');
  return text;
}

FunnelAnswer ask(const std::vector<WorldEvent>& events, const std::string& query) {
  EventWorld world(events);
  const QueryContext context = world.context();
  const auto parsed = parse_funnel(parse_json(quoted(query)).value(), context);
  EXPECT_TRUE(parsed) << parsed.error().message;
  auto answer = run_funnel(world.snapshot(), context, *parsed);
  EXPECT_TRUE(answer) << answer.error().message;
  return *std::move(answer);
}

using Counts = std::vector<std::int64_t>;
Counts counts_of(const FunnelAnswer& answer) {
  Counts counts;
  for (const FunnelStep& step : answer.total.steps) counts.push_back(step.count);
  return counts;
}

WorldEvent event(std::string person, std::string name, std::string_view time,
                 const char* sku = nullptr) {
  WorldEvent event{std::move(person), std::move(name), utc(time), {}, 0};
  if (sku != nullptr) event.properties.emplace_back("sku", text(sku));
  return event;
}

// The persons of docs/metrics.md#funnel.
std::vector<WorldEvent> shoppers() {
  return {event("ann", "visit", "2026-01-05T09:00"),     event("ann", "cart", "2026-01-05T09:10"),
          event("ann", "help", "2026-01-05T09:20", "x"), event("ann", "buy", "2026-01-05T09:30"),
          event("bob", "visit", "2026-01-05T10:00"),     event("bob", "visit", "2026-01-05T12:00"),
          event("bob", "cart", "2026-01-05T12:05"),      event("cid", "buy", "2026-01-06T08:00"),
          event("cid", "visit", "2026-01-06T09:00"),     event("cid", "cart", "2026-01-07T09:00"),
          event("cid", "buy", "2026-01-30T09:00"),       event("dan", "cart", "2026-01-06T10:00")};
}
const std::string steps =
    "{'metric':'funnel','steps':[{'event':'visit'},{'event':'cart'},{'event':'buy'}]";

TEST(FunnelExample, CountsHowFarPersonsCome) {
  const auto answer = ask(shoppers(), steps + "}");
  EXPECT_EQ(answer.labels, (std::vector<std::string>{"visit", "cart", "buy"}));
  EXPECT_EQ(counts_of(answer), (Counts{3, 3, 1}));
  const FunnelSeconds& to_cart = answer.total.steps[1].seconds;
  EXPECT_EQ(to_cart.mean, 29'100);  // Ann 600, Bob 300 from his last visit, Cid 86,400.
  EXPECT_EQ(to_cart.median, 600);
  EXPECT_DOUBLE_EQ(to_cart.p90.value(), 69'240);
  EXPECT_EQ(answer.total.steps[2].seconds.median, 1'200);
  EXPECT_FALSE(answer.total.steps[0].seconds.mean);
}

// By bucket: the counts, and the median seconds to the second step.
struct Group {
  std::string bucket;
  Counts counts;
  std::optional<double> seconds;
  friend bool operator==(const Group&, const Group&) = default;
};
std::vector<Group> groups_of(const FunnelAnswer& answer) {
  std::vector<Group> groups;
  for (const FunnelTable& table : answer.groups) {
    JsonWriter bucket;
    write_json(bucket, table.bucket);
    Group& group = groups.emplace_back(Group{bucket.take(), {}, table.steps[1].seconds.median});
    for (const FunnelStep& step : table.steps) group.counts.push_back(step.count);
  }
  return groups;
}

std::vector<WorldEvent> carts() {
  return {event("ann", "visit", "2026-01-05T09:00", "blue"),
          event("ann", "cart", "2026-01-05T09:10", "red"),
          event("ann", "cart", "2026-01-05T09:20", "blue"),
          event("bob", "visit", "2026-01-05T10:00", "red"),
          event("bob", "cart", "2026-01-05T10:05"),
          event("cid", "visit", "2026-01-05T11:00", "red"),
          event("dan", "cart", "2026-01-05T12:00", "red")};
}
const std::string to_cart = "{'metric':'funnel','steps':[{'event':'visit'},{'event':'cart'}]";

TEST(FunnelExample, AStepSaysInWhichBucketAPersonIs) {
  const auto answer =
      ask(carts(), to_cart + ",'breakdown':[{'property':'sku','attribution':'step','step':2}]}");
  EXPECT_EQ(counts_of(answer), (Counts{3, 2}));
  EXPECT_EQ(groups_of(answer), (std::vector<Group>{{"[null]", {2, 1}, 300},
                                                   {R"(["blue"])", {1, 1}, 1'200},
                                                   {R"(["red"])", {1, 1}, 600}}));
  // Of the first step, which is the default.
  const auto first =
      ask(carts(), to_cart + ",'breakdown':[{'property':'sku','attribution':'step'}]}");
  EXPECT_EQ(groups_of(first),
            (std::vector<Group>{{R"(["red"])", {2, 1}, 300}, {R"(["blue"])", {1, 1}, 600}}));
}

TEST(Funnel, AnExcludedEventIsOfTheGroupWithItsValue) {
  const std::vector<WorldEvent> events{event("ann", "visit", "2026-01-05T09:00", "red"),
                                       event("ann", "visit", "2026-01-05T09:00", "blue"),
                                       event("ann", "help", "2026-01-05T09:05", "red"),
                                       event("ann", "cart", "2026-01-05T09:10", "red"),
                                       event("ann", "cart", "2026-01-05T09:10", "blue")};
  const auto answer = ask(events, to_cart +
                                      ",'exclude':[{'event':'help'}],"
                                      "'breakdown':[{'property':'sku','attribution':'all'}]}");
  EXPECT_EQ(counts_of(answer), (Counts{0, 0}));
  EXPECT_EQ(groups_of(answer), (std::vector<Group>{{R"(["blue"])", {1, 1}, 600}}));
}

TEST(FunnelExample, TheWindowIsOfFourteenDaysWhereNoneIsGiven) {
  EXPECT_EQ(counts_of(ask(shoppers(), steps + ",'window':'P14D'}")), (Counts{3, 3, 1}));
  EXPECT_EQ(counts_of(ask(shoppers(), steps + ",'window':'P30D'}")), (Counts{3, 3, 2}));
  // Its last instant is inside.
  EXPECT_EQ(counts_of(ask(shoppers(), steps + ",'window':'PT30M'}")), (Counts{3, 2, 1}));
  EXPECT_EQ(counts_of(ask(shoppers(), steps + ",'window':'PT29M'}")), (Counts{3, 2, 0}));
}

TEST(FunnelExample, StrictStepsFollowOneAnother) {
  // Ann asked for help before she bought.
  EXPECT_EQ(counts_of(ask(shoppers(), steps + ",'order':'strict'}")), (Counts{3, 3, 0}));
  // What `where` leaves out does not come between.
  EXPECT_EQ(counts_of(ask(shoppers(), steps + ",'order':'strict','where':{'not':{'property':'sku',"
                                              "'op':'exists'}}}")),
            (Counts{3, 3, 1}));
}

TEST(FunnelExample, InAnyOrderStepsAreCounted) {
  const auto answer = ask(shoppers(), steps + ",'order':'any'}");
  EXPECT_EQ(answer.labels, (std::vector<std::string>{"1 step", "2 steps", "3 steps"}));
  EXPECT_EQ(counts_of(answer), (Counts{4, 3, 2}));  // Cid bought first, Dan only filled a cart.
}

TEST(FunnelExample, AWindowWithinIsForTheNextStep) {
  const std::string within =
      "{'metric':'funnel','steps':[{'event':'visit'},{'event':'cart','within':'PT19M'},"
      "{'event':'buy'}]}";
  EXPECT_EQ(counts_of(ask(shoppers(), within)), (Counts{3, 3, 0}));
}

TEST(FunnelExample, AnExcludedEventRemovesThePerson) {
  EXPECT_EQ(counts_of(ask(shoppers(), steps + ",'exclude':[{'event':'help','after_step':2,"
                                              "'before_step':3}]}")),
            (Counts{2, 2, 0}));
  EXPECT_EQ(counts_of(ask(shoppers(), steps + ",'exclude':[{'event':'help','before_step':2}]}")),
            (Counts{3, 3, 1}));
}

TEST(FunnelExample, TheFirstAttemptAloneMayCount) {
  const auto answer = ask(shoppers(), steps + ",'entry':'first'}");
  EXPECT_EQ(counts_of(answer), (Counts{3, 3, 1}));
  EXPECT_EQ(answer.total.steps[1].seconds.median, 7'500);  // Bob, from his first visit.
}

TEST(FunnelExample, AHeldValueIsTheSameInAllSteps) {
  const std::vector<WorldEvent> events = {event("ann", "visit", "2026-01-05T09:00", "red"),
                                          event("ann", "visit", "2026-01-05T09:05", "blue"),
                                          event("ann", "cart", "2026-01-05T09:10", "red"),
                                          event("bob", "visit", "2026-01-05T10:00", "red"),
                                          event("bob", "cart", "2026-01-05T10:10", "blue"),
                                          event("cid", "visit", "2026-01-05T10:00")};
  const std::string query =
      "{'metric':'funnel','steps':[{'event':'visit'},{'event':'cart'}],'hold_constant':['sku']}";
  const auto answer = ask(events, query);
  EXPECT_EQ(counts_of(answer), (Counts{2, 1}));  // Cid's visit has no sku.
  EXPECT_EQ(answer.total.steps[1].seconds.mean, 600);
}

TEST(FunnelExample, ATrendCountsByTheFirstStep) {
  const auto answer = ask(shoppers(), steps +
                                          ",'view':'trend','from':'2026-01-05',"
                                          "'to':'2026-01-07','as_of':'2026-01-20T12:00:00Z'}");
  EXPECT_EQ(answer.periods, (std::vector<std::string>{"2026-01-05", "2026-01-06", "2026-01-07"}));
  // Until 20 January, 12:00, who came on the 6th may still convert.
  EXPECT_EQ(answer.complete, (std::vector<bool>{true, false, false}));
  ASSERT_EQ(answer.total.periods.size(), 3u);
  EXPECT_EQ(answer.total.periods[0].entered, 2);
  EXPECT_EQ(answer.total.periods[0].completed, 1);
  EXPECT_EQ(answer.total.periods[1].entered, 1);
  EXPECT_EQ(answer.total.periods[1].completed, 0);
  EXPECT_EQ(answer.total.periods[2].entered, 0);
}

TEST(FunnelExample, APersonEntersInEachPeriodInWhichItBegins) {
  const std::vector<WorldEvent> events = {
      event("ann", "visit", "2026-01-05T09:00"), event("ann", "visit", "2026-01-05T10:00"),
      event("ann", "visit", "2026-01-06T09:00"), event("ann", "cart", "2026-01-06T10:00")};
  const auto answer = ask(events,
                          "{'metric':'funnel','steps':[{'event':'visit'},{'event':'cart'}],"
                          "'view':'trend','from':'2026-01-05','to':'2026-01-06'}");
  EXPECT_EQ(answer.total.periods[0].entered, 1);
  EXPECT_EQ(answer.total.periods[0].completed, 1);
  EXPECT_EQ(answer.total.periods[1].entered, 1);
  EXPECT_EQ(answer.total.periods[1].completed, 1);
}

TEST(FunnelExample, TheTimeToConvertIsDistributedOverBins) {
  const auto answer = ask(shoppers(), steps + ",'view':'time_to_convert','to_step':2}");
  EXPECT_EQ(answer.total.converted, 3);
  ASSERT_EQ(answer.total.bins.size(), 3u);
  EXPECT_EQ(answer.total.bins[0].from, 300);
  EXPECT_EQ(answer.total.bins[0].to, 29'000);
  EXPECT_EQ(answer.total.bins[0].count, 2);
  EXPECT_EQ(answer.total.bins[1].count, 0);
  EXPECT_EQ(answer.total.bins[2].to, 86'400);
  EXPECT_EQ(answer.total.bins[2].count, 1);  // The last one includes the maximum.
  EXPECT_EQ(answer.total.seconds.median, 600);
  // All in one second: bins of a minute.
  const auto one = ask(shoppers(), steps + ",'view':'time_to_convert'}");
  ASSERT_EQ(one.total.bins.size(), 3u);
  EXPECT_EQ(one.total.bins[0].from, 1'800);
  EXPECT_EQ(one.total.bins[0].to, 1'860);
  EXPECT_EQ(one.total.bins[0].count, 1);
}

TEST(FunnelExample, WhereClocksChangeTheEarlierWindowMayEndLater) {
  // 1:30 is skipped on the 29th, and is then read as 2:30; 2:10 is 2:10, twenty minutes earlier.
  const std::vector<WorldEvent> events = {event("ann", "visit", "2026-03-28T01:30"),
                                          event("ann", "visit", "2026-03-28T02:10"),
                                          event("ann", "cart", "2026-03-29T01:20")};
  const auto answer = ask(events,
                          "{'metric':'funnel','steps':[{'event':'visit'},{'event':'cart'}],"
                          "'window':'P1D','timezone':'Europe/London'}");
  EXPECT_EQ(counts_of(answer), (Counts{1, 1}));
  EXPECT_EQ(answer.total.steps[1].seconds.mean, 85'800);
}

TEST(FunnelExample, AllStepsLieInTheRange) {
  // Cid filled his cart on the 7th.
  EXPECT_EQ(counts_of(ask(shoppers(), steps + ",'to':'2026-01-06','window':'P30D'}")),
            (Counts{3, 2, 1}));
  EXPECT_EQ(counts_of(ask(shoppers(), steps + ",'from':'2026-01-06','window':'P30D'}")),
            (Counts{1, 1, 1}));
}

TEST(Funnel, WritesItsNumbersAsTheContractSays) {
  JsonWriter out;
  write_json(out, ask(shoppers(),
                      "{'metric':'funnel','steps':[{'event':'visit'},"
                      "{'event':'buy','label':'bought'},{'event':'never'}]}"));
  EXPECT_EQ(out.str(),
            quoted("{'steps':[{'label':'visit','count':3,"
                   "'from_first':{'numerator':3,'denominator':3,'rate':1},"
                   "'from_previous':null,'seconds':null},"
                   "{'label':'bought','count':1,"
                   "'from_first':{'numerator':1,'denominator':3,'rate':0.3333333333333333},"
                   "'from_previous':{'numerator':1,'denominator':3,'rate':0.3333333333333333},"
                   "'seconds':{'mean':1800,'median':1800,'p90':1800}},"
                   "{'label':'never','count':0,"
                   "'from_first':{'numerator':0,'denominator':3,'rate':0},"
                   "'from_previous':{'numerator':0,'denominator':1,'rate':0},"
                   "'seconds':{'mean':null,'median':null,'p90':null}}]}"));
}

TEST(Funnel, WithoutEventsIsAnEmptyAnswerWithAWarning) {
  const auto answer = ask({}, steps + "}");
  EXPECT_EQ(counts_of(answer), (Counts{0, 0, 0}));
  ASSERT_EQ(answer.warnings.size(), 1u);
  EXPECT_EQ(answer.warnings[0].code, "no_events");
}

TEST(Funnel, RefusesWhatItDoesNotUnderstandWithItsPlace) {
  struct Refusal {
    const char* name;
    std::string query;
    const char* reason;
    const char* pointer;
  };
  const std::string two = "{'steps':[{'event':'a'},{'event':'b'}]";
  std::string many = "{'steps':[{'event':'a'}";
  for (int i = 0; i < 30; ++i) many += ",{'event':'a'}";
  const Refusal refusals[] = {
      {"no steps", "{}", "missing_field", "/steps"},
      {"no list", "{'steps':{'event':'a'}}", "wrong_type", "/steps"},
      {"empty list", "{'steps':[]}", "out_of_range", "/steps"},
      {"31 steps", many + "]}", "out_of_range", "/steps"},
      {"a step that is none", "{'steps':[{'event':'a'},5]}", "wrong_type", "/steps/1"},
      {"unknown field", "{'steps':[{'event':'a','wihtin':'P1D'}]}", "unknown_field",
       "/steps/0/wihtin"},
      {"no window", two + ",'window':'tomorrow'}", "invalid_duration", "/window"},
      {"window of both", two + ",'window':'P1DT1H'}", "invalid_duration", "/window"},
      {"long window", two + ",'window':'P201Y'}", "invalid_duration", "/window"},
      {"within of the last", "{'steps':[{'event':'a'},{'event':'b','within':'P1D'}]}",
       "unsupported_combination", "/steps/1/within"},
      {"within in any order",
       "{'order':'any','steps':[{'event':'a','within':'P1D'},{'event':'b'}]}",
       "unsupported_combination", "/steps/0/within"},
      {"unknown order", two + ",'order':'loose'}", "unknown_value", "/order"},
      {"exclude no list", two + ",'exclude':{'event':'x'}}", "wrong_type", "/exclude"},
      {"exclude after the last", two + ",'exclude':[{'event':'x','after_step':2}]}", "out_of_range",
       "/exclude/0/after_step"},
      {"exclude before the first", two + ",'exclude':[{'event':'x','before_step':1}]}",
       "out_of_range", "/exclude/0/before_step"},
      {"exclude backwards",
       "{'steps':[{'event':'a'},{'event':'b'},{'event':'c'}],"
       "'exclude':[{'event':'x','after_step':2,'before_step':2}]}",
       "out_of_range", "/exclude/0/before_step"},
      {"exclude of one step", "{'steps':[{'event':'a'}],'exclude':[{'event':'x'}]}",
       "unsupported_combination", "/exclude"},
      {"hold no list", two + ",'hold_constant':'sku'}", "wrong_type", "/hold_constant"},
      {"hold six", two + ",'hold_constant':['a','b','c','d','e','f']}", "out_of_range",
       "/hold_constant"},
      {"unknown view", two + ",'view':'sankey'}", "unknown_value", "/view"},
      {"bins without time", two + ",'bins':5}", "unsupported_combination", "/bins"},
      {"period without trend", two + ",'period':'day'}", "unsupported_combination", "/period"},
      {"from_step without a view of it", two + ",'from_step':1}", "unsupported_combination",
       "/from_step"},
      {"no bins", two + ",'view':'time_to_convert','bins':0}", "out_of_range", "/bins"},
      {"to_step beyond", two + ",'view':'trend','to_step':3}", "out_of_range", "/to_step"},
      {"to_step before from_step", two + ",'view':'trend','from_step':2,'to_step':1}",
       "out_of_range", "/to_step"},
      {"time to itself", two + ",'view':'time_to_convert','from_step':2}", "out_of_range",
       "/from_step"},
      {"time of one step", "{'steps':[{'event':'a'}],'view':'time_to_convert'}", "out_of_range",
       "/steps"},
      {"unknown entry", two + ",'entry':'last'}", "unknown_value", "/entry"},
      {"a step beyond the last",
       two + ",'breakdown':[{'property':'a','attribution':'step','step':3}]}", "out_of_range",
       "/breakdown/0/step"},
      {"step 0", two + ",'breakdown':[{'property':'a','attribution':'step','step':0}]}",
       "out_of_range", "/breakdown/0/step"},
      {"a step in any order",
       two + ",'order':'any','breakdown':[{'trait':'b'},{'property':'a','attribution':'step'}]}",
       "unsupported_combination", "/breakdown/1/attribution"},
      {"breakdown", two + ",'breakdown':[{'property':''}]}", "missing_field",
       "/breakdown/0/property"},
  };
  EventWorld world({});
  const QueryContext context = world.context();
  for (const Refusal& refusal : refusals) {
    SCOPED_TRACE(refusal.name);
    const auto parsed = parse_funnel(parse_json(quoted(refusal.query)).value(), context);
    ASSERT_FALSE(parsed);
    EXPECT_EQ(parsed.error().reason, refusal.reason) << parsed.error().message;
    EXPECT_EQ(parsed.error().pointer, refusal.pointer);
  }
}

TEST(Funnel, KnowsStepsThatAreTheSame) {
  EventWorld world({});
  const auto query = parse_funnel(
      parse_json(quoted("{'steps':[{'event':'a','label':'x','within':'P1D'},{'event':'b'},"
                        "{'event':'a'},{'event':'a','where':{'property':'k','op':'exists'}}]}"))
          .value(),
      world.context());
  ASSERT_TRUE(query) << query.error().message;
  EXPECT_EQ(query->steps[0].same_as, 0u);
  EXPECT_EQ(query->steps[1].same_as, 1u);
  EXPECT_EQ(query->steps[2].same_as, 0u);
  EXPECT_EQ(query->steps[3].same_as, 3u);
}

}  // namespace
}  // namespace hf::test
