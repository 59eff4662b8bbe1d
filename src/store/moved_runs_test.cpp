// SPDX-License-Identifier: Apache-2.0
//
// Whoever belongs to whom when a part is written, and whoever does when it is read: each person's
// events are found, once, in the order time, owner, arrival.
#include "store/moved_runs.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>
#include <tuple>

#include "base/memory_file.h"
#include "base/rng.h"
#include "identity/person_key.h"
#include "store/part_builder.h"
#include "store/snapshot.h"

namespace hf {
namespace {

using testing::ElementsAreArray;

constexpr int owners = 9;

Hash128 key_of(int owner) { return person_key({}, IdKind::anonymous, fmt::format("{}", owner)); }

struct Event {
  TimestampMs time;
  int owner;
  std::string name;  // Which one it is.
  friend auto operator<=>(const Event&, const Event&) = default;
};

struct World {
  explicit World(Rng& random) : rng(random), cache(1 << 22), persons(HashKey{}, 0) {
    // Ordinals are the owners' numbers.
    for (int i = 0; i < owners; ++i) EXPECT_EQ(persons.ordinal_of(key_of(i)), PersonOrdinal(i));
  }

  /// Some owner of each group stands for it.
  std::vector<int> any_belonging() {
    std::vector<int> of(owners);
    for (int i = 0; i < owners; ++i) of[i] = rng.chance(0.5) ? i : static_cast<int>(rng.below(3));
    for (int i = 0; i < 3; ++i) of[i] = of[i] < 3 && of[of[i]] == of[i] ? of[i] : i;
    for (int& person : of) {
      while (of[person] != person) person = of[person];
    }
    return of;
  }

  void write_part() {
    const std::vector<int> of = rng.chance(0.3) ? std::vector<int>{} : any_belonging();
    PartBuilder builder(0);
    for (std::uint64_t n = 1 + rng.below(25); n > 0; --n) {
      const Event event{static_cast<TimestampMs>(rng.below(4)), static_cast<int>(rng.below(owners)),
                        fmt::format("e{}", events.size())};
      events.push_back(event);
      builder.add({.anonymous_id = fmt::format("{}", event.owner),
                   .name = event.name,
                   .time_ms = event.time},
                  "");
    }
    auto file = std::make_unique<MemoryFile>();
    PartBuilder::Target target;
    if (!of.empty()) {
      target.canonical = [&](const Hash128& key) {
        for (int i = 0; i < owners; ++i) {
          if (key_of(i) == key) return key_of(of[i]);
        }
        return key;
      };
    }
    ASSERT_TRUE(builder.write_to(*file, 0, target, persons, {}));
    PartRuns part{.part = Part::open(std::move(file), "part", cache).value()};
    part.owners = std::make_shared<const OwnerRuns>(owner_runs(*part.part).value());
    parts.push_back(std::move(part));
  }

  /// By person, the names of its events in order.
  std::map<PersonOrdinal, std::vector<std::string>> found(const Snapshot& snapshot,
                                                          PersonOrdinal begin, PersonOrdinal end) {
    std::map<PersonOrdinal, std::vector<std::string>> out;
    for_each_person(snapshot, begin, end, [&](PersonOrdinal person, auto runs) {
      std::vector<std::pair<TimestampMs, std::string>> in_order;
      for (const PersonRun& run : runs) {
        const Part& part = *snapshot.parts[run.part];
        const auto times = part.times(0).value();
        const auto names = part.name_codes(0).value();
        for (RowNumber row = run.first_row; row < run.first_row + run.row_count; ++row) {
          in_order.emplace_back(times->values[row], part.names()[names->codes[row]].name);
        }
      }
      std::ranges::stable_sort(in_order, {}, &std::pair<TimestampMs, std::string>::first);
      EXPECT_FALSE(out.contains(person)) << "visited twice";
      for (const auto& [time, name] : in_order) out[person].push_back(name);
    });
    return out;
  }

  Rng& rng;
  PageCache cache;
  PersonRegistry persons;
  std::vector<Event> events;
  std::vector<PartRuns> parts;
};

TEST(MovedRuns, MakePersonsWholeWhoeverLiesWithWhom) {
  int moved = 0;
  int unmoved = 0;
  for (std::uint64_t seed = 0; seed < 2'000; ++seed) {
    SCOPED_TRACE(seed);
    Rng rng(seed);
    World world(rng);
    Snapshot snapshot;
    for (std::uint64_t n = rng.below(4); n > 0; --n) world.write_part();
    for (const PartRuns& part : world.parts) snapshot.parts.push_back(part.part);
    Belonging belonging;
    if (rng.chance(0.8)) {
      for (const int person : world.any_belonging()) {
        belonging.of.push_back(static_cast<PersonOrdinal>(person));
      }
    }
    if (!belonging.of.empty() && rng.chance(0.5)) {
      belonging.of[3 + rng.below(owners - 3)] = Belonging::nobody;
    }
    snapshot.moved = find_moved_runs(world.parts, belonging);
    ++(snapshot.moved ? moved : unmoved);
    snapshot.person_end = owners;

    std::vector<Event> sorted = world.events;
    std::ranges::stable_sort(sorted, [](const Event& a, const Event& b) {
      return std::tuple(a.time, a.owner) < std::tuple(b.time, b.owner);
    });
    std::map<PersonOrdinal, std::vector<std::string>> expected;
    for (const Event& event : sorted) {
      const PersonOrdinal person = belonging.person(static_cast<PersonOrdinal>(event.owner));
      if (person != Belonging::nobody) expected[person].push_back(event.name);
    }
    ASSERT_EQ(world.found(snapshot, 0, owners), expected);
    const auto cut = static_cast<PersonOrdinal>(rng.below(owners + 1));
    auto halves = world.found(snapshot, 0, cut);
    halves.merge(world.found(snapshot, cut, owners));
    ASSERT_EQ(halves, expected) << "cut at " << cut;
  }
  EXPECT_GT(moved, 500);
  EXPECT_GT(unmoved, 100);
}

}  // namespace
}  // namespace hf
