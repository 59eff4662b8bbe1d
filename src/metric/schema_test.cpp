// SPDX-License-Identifier: Apache-2.0
#include "metric/schema.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>
#include <set>

#include "base/rng.h"
#include "metric/event_world.h"

namespace hf::test {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

WorldEvent event(std::string person, std::string name, std::string_view time,
                 std::vector<std::pair<std::string, WorldValue>> properties = {}, int part = 0) {
  return {std::move(person), std::move(name), utc(time), std::move(properties), part};
}
std::vector<WorldEvent> a_shop() {
  return {event("ann", "buy", "2026-01-05", {{"city", text("Rome")}, {"price", number("1.5")}}),
          event("ann", "look", "2026-01-06", {{"city", text("Rome")}}),
          event("bob", "buy", "2026-02-07", {{"city", text("Paris")}, {"price", text("free")}}, 1),
          event("bob", "look", "2026-01-02", {}, 1),
          event("cid", "look", "2026-01-09", {{"new", boolean(true)}}, 1)};
}
TEST(Schema, NamesEventsAndPropertiesTheMostFrequentFirst) {
  EventWorld world(a_shop());
  const Schema schema = find_schema(world.snapshot(), {}).value();
  EXPECT_THAT(schema.events,
              ElementsAre(Schema::EventName{"look", 3}, Schema::EventName{"buy", 2}));
  EXPECT_THAT(schema.properties,
              ElementsAre(Schema::Property{"city", {ValueKind::text}},
                          Schema::Property{"price", {ValueKind::text, ValueKind::number}},
                          Schema::Property{"new", {ValueKind::boolean}}));
  EXPECT_FALSE(schema.is_sampled);
  const std::string json = schema_json(schema, world.snapshot(), world.context());
  EXPECT_THAT(json, HasSubstr(R"("first_day":"2026-01-02","last_day":"2026-02-07")"));
  EXPECT_THAT(json, HasSubstr(R"({"name":"price","types":["text","number"]})"));
}

TEST(Schema, OfOneEventHasItsPropertiesAlone) {
  EventWorld world(a_shop());
  EXPECT_THAT(find_schema(world.snapshot(), "look")->properties,
              ElementsAre(Schema::Property{"city", {ValueKind::text}},
                          Schema::Property{"new", {ValueKind::boolean}}));
  EXPECT_THAT(find_schema(world.snapshot(), "none")->properties, testing::IsEmpty());
  EXPECT_THAT(find_schema(world.snapshot(), "look")->events, testing::SizeIs(2));
}

TEST(Schema, OfNothingIsEmpty) {
  EventWorld world({});
  const Schema schema = find_schema(world.snapshot(), {}).value();
  EXPECT_EQ(schema_json(schema, world.snapshot(), world.context()),
            R"({"data_version":7,"timezone":"UTC","week_start":"monday","events":[],)"
            R"("properties":[],"sampled":false})");
}

// What lies with persons who are gone is not seen: against counting one by one.
TEST(Schema, AgreesWithCountingWhereSomeEventsAreHidden) {
  for (std::uint64_t seed = 1; seed <= 20; ++seed) {
    Rng rng(seed);
    std::vector<WorldEvent> events;
    for (int i = 0; i < 300; ++i) {
      WorldEvent e{fmt::format("p{}", rng.below(12)),
                   fmt::format("e{}", rng.below(4)),
                   utc("2026-01-01") + rng.between(0, 90) * 86'400'000,
                   {},
                   static_cast<int>(rng.below(3))};
      if (rng.chance(0.3)) e.properties.emplace_back("a", text(rng.chance(0.5) ? "x" : "y"));
      if (e.name == "e1" && rng.chance(0.1)) e.properties.emplace_back("b", number("1"));
      events.push_back(std::move(e));
    }
    EventWorld world(events);
    Snapshot snapshot = world.snapshot();
    const auto gone = static_cast<PersonOrdinal>(rng.below(snapshot.person_end));
    std::set<std::string> gone_id;
    auto belonging = std::make_shared<Belonging>();
    for (PersonOrdinal i = 0; i < snapshot.person_end; ++i) {
      belonging->of.push_back(i == gone ? Belonging::nobody : i);
    }
    std::vector<PartRuns> runs;
    for (const auto& part : snapshot.parts) {
      runs.push_back({part, std::make_shared<OwnerRuns>(owner_runs(*part).value())});
      const auto ids = part->ids().value();
      for (std::size_t p = 0; p < part->persons().size(); ++p) {
        if (part->persons()[p] == gone) gone_id.emplace(ids->entries[ids->first[p]].user_id);
      }
    }
    snapshot.belonging = belonging;
    snapshot.moved = find_moved_runs(runs, *belonging);
    snapshot.index = nullptr;

    std::map<std::string, std::uint64_t> counts;
    std::map<std::string, std::set<std::string>> properties;
    std::optional<TimestampMs> first;
    std::optional<TimestampMs> last;
    for (const WorldEvent& e : events) {
      if (gone_id.contains(e.person)) continue;
      ++counts[e.name];
      first = std::min(first.value_or(e.time_ms), e.time_ms);
      last = std::max(last.value_or(e.time_ms), e.time_ms);
      for (const auto& [name, value] : e.properties) properties[e.name].insert(name);
    }
    const Schema schema = find_schema(snapshot, {}).value();
    std::map<std::string, std::uint64_t> found;
    for (const auto& name : schema.events) found[name.name] = name.count;
    EXPECT_EQ(found, counts) << seed;
    EXPECT_EQ(schema.first_ms, first) << seed;
    EXPECT_EQ(schema.last_ms, last) << seed;
    for (const auto& [name, expected] : properties) {
      std::set<std::string> of_event;
      const Schema of_name = find_schema(snapshot, name).value();
      for (const auto& each : of_name.properties) of_event.insert(each.name);
      EXPECT_EQ(of_event, expected) << seed << name;
    }
  }
}

TEST(Schema, ReadsNoMorePagesThanItMay) {
  std::vector<WorldEvent> events;
  constexpr int rows = 3 * static_cast<int>(part_format::page_rows);
  for (int i = 0; i < rows; ++i) {
    events.push_back({fmt::format("p{:07}", i), "look", utc("2026-01-01"), {}, 0});
  }
  events.back().properties.emplace_back("rare", text("x"));
  EventWorld world(events);
  EXPECT_FALSE(find_schema(world.snapshot(), "look", 3)->is_sampled);
  EXPECT_EQ(find_schema(world.snapshot(), "look", 3)->properties.size(), 1u);
  EXPECT_TRUE(find_schema(world.snapshot(), "look", 2)->is_sampled);
}

}  // namespace
}  // namespace hf::test
