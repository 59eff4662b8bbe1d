// SPDX-License-Identifier: Apache-2.0
#include "store/day_sets.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <map>
#include <set>

#include "base/memory_file.h"
#include "base/sim_env.h"
#include "calendar/zone.h"
#include "store/moved_runs.h"
#include "store/part_builder.h"
#include "store/stored_rows.h"

namespace hf {
namespace {

using namespace test;

/// The sets of a chunk, day by day, by looking at every pair.
using ByDay = std::map<Day, std::set<PersonOrdinal>>;

ByDay sets_of(const DaySets& sets, std::uint32_t chunk, Day first, Day last) {
  ByDay out;
  std::map<Day, std::vector<std::uint64_t>> words;
  sets.add_each(chunk, first, last, nullptr, [&](Day day) {
    auto& of_day = words[day];
    of_day.resize(PersonChunk::words);
    return of_day.data();
  });
  for (const auto& [day, of_day] : words) {
    for (std::uint32_t place = 0; place < PersonChunk::persons; ++place) {
      if ((of_day[place / 64] >> (place % 64) & 1) != 0)
        out[day].insert((chunk << PersonChunk::bits) + place);
    }
  }
  return out;
}

TEST(DaySets, HoldEachOwnerOnEachOfItsDays) {
  Rng rng(1);
  for (int world = 0; world < 40; ++world) {
    SCOPED_TRACE(world);
    std::vector<OwnerDay> days;
    const auto owners = 1 + rng.below(3 * PersonChunk::persons);
    const auto span = static_cast<Day>(1 + rng.below(world % 4 == 0 ? 47'000 : 40));
    const std::uint64_t pairs = rng.below(60'000);
    for (std::uint64_t i = 0; i < pairs; ++i) {
      days.push_back({static_cast<PersonOrdinal>(rng.below(owners)),
                      static_cast<Day>(rng.below(static_cast<std::uint64_t>(span))) - 1});
    }
    if (rng.chance(0.5)) std::ranges::sort(days);
    const std::set<OwnerDay> expected(days.begin(), days.end());
    const DaySets sets(days);
    const std::vector<OwnerDay> listed(expected.begin(), expected.end());
    EXPECT_EQ(sets.all(), listed);
    ASSERT_EQ(sets.empty(), expected.empty());
    if (expected.empty()) continue;
    EXPECT_EQ(sets.first_day(), std::ranges::min(expected, {}, &OwnerDay::day).day);
    EXPECT_EQ(sets.last_day(), std::ranges::max(expected, {}, &OwnerDay::day).day);
    const auto chunk = static_cast<std::uint32_t>(rng.below(4));
    const Day first = static_cast<Day>(rng.below(40)) - 1;
    const Day last = first + static_cast<Day>(rng.below(20));
    ByDay by_day;
    std::vector<Day> of_one;
    const PersonOrdinal one = expected.begin()->owner;
    for (const OwnerDay& each : expected) {
      if (each.owner == one) of_one.push_back(each.day);
      if (each.owner >> PersonChunk::bits != chunk || each.day < first || each.day >= last)
        continue;
      by_day[each.day].insert(each.owner);
    }
    EXPECT_EQ(sets_of(sets, chunk, first, last), by_day);
    EXPECT_EQ(sets.days_of(one), of_one);
  }
}

/// A zone whose clocks go back over midnight once, in the time of any_event().
std::shared_ptr<const Zone> any_zone(Rng& rng) {
  const std::array<const char*, 4> names{"UTC", "Asia/Shanghai", "America/New_York",
                                         "Pacific/Apia"};
  return Zone::load(real_env(), names[rng.below(names.size())]).value();
}

TEST(PartDays, AreThoseOfItsRowsInAnyZone) {
  Rng rng(2);
  for (int world = 0; world < 150; ++world) {
    SCOPED_TRACE(world);
    auto events = any_events(rng, 1 + rng.below(200));
    for (AnyEvent& event : events) {
      if (rng.chance(0.2)) event.name = rng.chance(0.5) ? "identify" : "hf:sent";
    }
    const auto zone = any_zone(rng);
    PersonRegistry persons({}, 0);
    PartBuilder builder(1'600'000'000'000);
    for (const AnyEvent& event : events) {
      event.with_view([&](const EventView& view) { builder.add(view); });
    }
    const Hash128 everybody = person_key({}, IdKind::user, "u1");
    const bool merges = rng.chance(0.5);
    const PartBuilder::Target target{
        .canonical =
            [&](const Hash128& key) { return merges && key.low % 3 == 0 ? everybody : key; },
        .zone = rng.chance(0.8) ? zone : nullptr,
        .keep_duplicates = true};
    auto file = std::make_unique<MemoryFile>();
    ASSERT_TRUE(builder.write_to(*file, 0, target, persons, {}));
    PageCache cache(1 << 20);
    const auto part = Part::open(std::move(file), "part", cache).value();
    ASSERT_TRUE(part->verify());
    EXPECT_TRUE(target.zone == nullptr || part->keeps_days_of(*zone));

    // By the rows, with the ids each came with.
    const auto asked = rng.chance(0.5) ? zone : any_zone(rng);
    const std::vector<StoredRow> rows = read_rows(*part).value();
    const auto expected = [&](TimestampMs until) {
      std::set<OwnerDay> days;
      for (const StoredRow& row : rows) {
        if (row.name == "identify" || row.name == "alias" || row.name == "hf:sent") continue;
        if (row.time > until) continue;
        const bool is_user = !row.user.empty();
        const Hash128 key = person_key({}, is_user ? IdKind::user : IdKind::anonymous,
                                       is_user ? row.user : row.anonymous);
        days.insert({persons.known(key).value(), asked->local_day(row.time)});
      }
      return std::vector<OwnerDay>(days.begin(), days.end());
    };
    const auto sets = part->day_sets(*asked).value();
    EXPECT_EQ(sets->all(), expected(timestamp_end_ms));
    const TimestampMs until = any_event(rng).time;
    const ZoneRules rules = zone_rules(*asked, part->time_min(), part->time_max());
    EXPECT_EQ(DaySets(read_owner_days(*part, rules, until).value()).all(), expected(until));
  }
}

TEST(PartDays, GoByTheRulesNotTheNameOfTheZone) {
  PersonRegistry persons({}, 0);
  PartBuilder builder(1'600'000'000'000);
  builder.add({.user_id = "ann",
               .name = "visit",
               .time_ms = 1'600'000'000'000,
               .message_id = {},
               .channel = {}});
  const auto zone = [](const char* name) { return Zone::load(real_env(), name).value(); };
  auto file = std::make_unique<MemoryFile>();
  ASSERT_TRUE(builder.write_to(*file, 0, {.zone = zone("Europe/Berlin")}, persons, {}));
  PageCache cache(1 << 20);
  const auto part = Part::open(std::move(file), "part", cache).value();
  EXPECT_TRUE(part->keeps_days_of(*zone("Europe/Paris")));
  EXPECT_FALSE(part->keeps_days_of(*zone("Europe/London")));
}

}  // namespace
}  // namespace hf
