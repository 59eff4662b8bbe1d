// SPDX-License-Identifier: Apache-2.0
#include "metric/property_values.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>

#include "base/rng.h"
#include "metric/event_world.h"
#include "metric/trend.h"
#include "predicate/case_folding.h"

namespace hf::test {
namespace {

using testing::ElementsAre;

WorldEvent event(std::string person, std::string name, std::string_view time,
                 std::vector<std::pair<std::string, WorldValue>> properties = {}, int part = 0) {
  return {std::move(person), std::move(name), utc(time), std::move(properties), part};
}
/// The values as "value count", and ".." where there are more.
std::vector<std::string> values_of(const std::string& answer) {
  std::vector<std::string> out;
  const Json json = parse_json(answer).value();
  for (const Json& each : json.find("values")->array) {
    out.push_back(each.find("value")->text + " " + each.find("count")->text);
  }
  if (json.find("more")->boolean) out.emplace_back("..");
  return out;
}

TEST(PropertyValues, AreCountedAndFound) {
  std::vector<WorldEvent> events{
      event("ann", "buy", "2026-01-05", {{"city", text("Rome")}, {"price", number("1.5")}}),
      event("ann", "look", "2026-01-06", {{"city", text("Rome")}}),
      event("bob", "buy", "2026-02-07", {{"city", text("Paris")}, {"price", text("free")}}, 1),
      event("bob", "identify", "2026-02-07", {{"city", text("Nowhere")}}, 1)};
  for (int i = 0; i < 5; ++i) {
    events.push_back(event("dan", "buy", "2026-03-01", {{"city", text("Parma")}}));
  }
  EventWorld world(events);
  const auto ask = [&](const ValueQuery& query) {
    return values_of(find_values(world.snapshot(), world.context(), query).value());
  };
  EXPECT_THAT(ask({.property = "city"}), ElementsAre("Parma 5", "Rome 2", "Paris 1"));
  EXPECT_THAT(ask({.property = "city", .event = "look"}), ElementsAre("Rome 1"));
  EXPECT_THAT(ask({.property = "city", .search = "pAR"}), ElementsAre("Parma 5", "Paris 1"));
  EXPECT_THAT(ask({.property = "city", .limit = 1}), ElementsAre("Parma 5", ".."));
  EXPECT_THAT(ask({.property = "price"}), ElementsAre("1.5 1", "free 1"));
  for (const std::uint64_t limit : {0, 1'001}) {
    const auto refused =
        find_values(world.snapshot(), world.context(), {.property = "city", .limit = limit});
    EXPECT_EQ(refused.error().reason, "out_of_range");
  }
}

TEST(PropertyValues, OfNothingAreNone) {
  EventWorld world({});
  EXPECT_EQ(find_values(world.snapshot(), world.context(), {.property = "city"}).value(),
            R"({"values":[],"more":false})");
}

/// As a trend counts that is broken down by the property. Of an event whose list has the text that
/// is searched for, the trend shows all values.
std::string counted_by_trend(const Snapshot& snapshot, const QueryContext& context,
                             const ValueQuery& query) {
  std::string where = R"({"property":"v","op":"exists"})";
  if (query.search) {
    where = fmt::format(R"({{"property":"v","op":"contains_ci","value":"{}"}})", *query.search);
  }
  const std::string trend =
      fmt::format(R"({{"metric":"trend","period":"year","series":[{{"event":"{}"}}],"where":{},)"
                  R"("breakdown":[{{"property":"v","top":{}}}]}})",
                  query.event.value_or("*"), where, Dimension::top_max);
  const TrendQuery parsed = parse_trend(parse_json(trend).value(), context).value();
  const TrendAnswer answer = run_trend(snapshot, context, parsed).value();
  JsonWriter out;
  std::uint64_t found = 0;
  out.begin_object().key("values").begin_array();
  for (const TrendTable& group : answer.groups) {
    if (group.bucket.front().kind != Bucket::Kind::value) continue;
    const std::string folded = fold_case(group.bucket.front().text);
    if (query.search && folded.find(fold_case(*query.search)) == std::string::npos) continue;
    if (++found > query.limit) continue;
    out.begin_object().key("value").text(group.bucket.front().text);
    out.key("count").integer(std::get<std::int64_t>(group.series[0].total)).end_object();
  }
  out.end_array().key("more").boolean(found > query.limit).end_object();
  return out.take();
}

TEST(PropertyValues, AreWhatATrendCounts) {
  for (std::uint64_t seed = 1; seed <= 60; ++seed) {
    Rng rng(seed);
    std::vector<WorldEvent> events;
    const bool has_later = rng.chance(0.3);
    for (int i = 0; i < 200; ++i) {
      WorldEvent e{fmt::format("p{}", rng.below(10)),
                   rng.chance(0.1) ? "identify" : fmt::format("e{}", rng.below(3)),
                   utc("2026-01-01") + rng.between(0, has_later ? 500 : 300) * 86'400'000,
                   {},
                   static_cast<int>(rng.below(3))};
      switch (rng.below(7)) {
        case 0: e.properties.emplace_back("v", text(fmt::format("Aa{}", rng.below(5)))); break;
        case 1: e.properties.emplace_back("v", number(rng.chance(0.5) ? "1" : "2.50")); break;
        case 2: e.properties.emplace_back("v", boolean(rng.chance(0.5))); break;
        case 3: e.properties.emplace_back("v", text("1")); break;
        case 4: e.properties.emplace_back("v", stored(ValueKind::list, R"(["Aa1","b"])")); break;
        default: break;
      }
      events.push_back(std::move(e));
    }
    EventWorld world(events);
    Snapshot snapshot = world.snapshot();
    if (rng.chance(0.5)) {
      const auto gone = static_cast<PersonOrdinal>(rng.below(snapshot.person_end));
      auto belonging = std::make_shared<Belonging>();
      for (PersonOrdinal i = 0; i < snapshot.person_end; ++i) {
        belonging->of.push_back(i == gone ? Belonging::nobody : i);
      }
      std::vector<PartRuns> runs;
      for (const auto& part : snapshot.parts) {
        runs.push_back({part, std::make_shared<OwnerRuns>(owner_runs(*part).value())});
      }
      snapshot.belonging = belonging;
      snapshot.moved = find_moved_runs(runs, *belonging);
      snapshot.index = nullptr;
    }
    ValueQuery query{.property = "v", .limit = 1 + rng.below(12)};
    if (rng.chance(0.4)) query.event = "e1";
    if (rng.chance(0.4)) query.search = rng.chance(0.5) ? "aA" : "1";
    const QueryContext context = world.context(2);
    EXPECT_EQ(find_values(snapshot, context, query).value(),
              counted_by_trend(snapshot, context, query))
        << seed;
  }
}

}  // namespace
}  // namespace hf::test
