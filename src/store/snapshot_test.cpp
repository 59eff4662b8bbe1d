// SPDX-License-Identifier: Apache-2.0
#include "store/snapshot.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <map>
#include <utility>

#include "base/rng.h"
#include "base/sim_env.h"
#include "store/part_builder.h"

namespace hf {
namespace {

struct Visit {
  PersonOrdinal person;
  std::vector<std::pair<std::uint32_t, std::uint32_t>> runs;  // Part, number of rows.
  friend bool operator==(const Visit&, const Visit&) = default;
};

// The twin counts the events of each person and part.
TEST(ForEachPerson, VisitsEveryPersonOnceWithItsRunsInPartOrder) {
  for (std::uint64_t seed = 0; seed < 100; ++seed) {
    SCOPED_TRACE(seed);
    Rng rng(seed);
    SimEnv sim(seed);
    PageCache cache(1 << 20);
    PersonRegistry persons(HashKey{}, 0);
    ASSERT_TRUE(sim.env().files.make_directories("/parts"));
    Snapshot snapshot;
    std::map<PersonOrdinal, std::map<std::uint32_t, std::uint32_t>> twin;
    const auto part_count = static_cast<std::uint32_t>(rng.below(5));
    for (std::uint32_t n = 0; n < part_count; ++n) {
      PartBuilder builder(1'700'000'000'000);
      for (std::uint64_t i = rng.below(30) + 1; i > 0; --i) {
        const std::string user = fmt::format("u{}", rng.below(25));
        builder.add({.user_id = user, .name = "page"});
        const Hash128 key = keyed_hash128(HashKey{}, "u" + user);
        ++twin[persons.ordinal_of(key)][n];
      }
      const std::string file = fmt::format("{}.part", n);
      ASSERT_TRUE(builder.write(sim.env(), {"/parts", file, "shop", HashKey{}}, persons, {}));
      snapshot.parts.push_back(Part::open(sim.env(), "/parts/" + file, cache).value());
    }
    snapshot.person_end = persons.next();
    const auto a = static_cast<PersonOrdinal>(rng.below(27));
    const auto b = static_cast<PersonOrdinal>(rng.between(a, 27));
    for (const auto& [begin, end] : {std::pair{PersonOrdinal{0}, snapshot.person_end}, {a, b}}) {
      std::vector<Visit> expected;
      for (const auto& [person, parts] : twin) {
        if (person >= begin && person < end) {
          expected.push_back({person, {parts.begin(), parts.end()}});
        }
      }
      std::vector<Visit> visits;
      for_each_person(snapshot, begin, end,
                      [&](PersonOrdinal person, std::span<const PersonRun> runs) {
                        Visit& visit = visits.emplace_back(Visit{person, {}});
                        for (const PersonRun& run : runs) {
                          visit.runs.emplace_back(run.part, run.row_count);
                          const Part& part = *snapshot.parts[run.part];
                          const auto at = std::ranges::find(part.persons(), person);
                          ASSERT_NE(at, part.persons().end());
                          ASSERT_EQ(run.first_row, part.row_offsets()[at - part.persons().begin()]);
                        }
                      });
      ASSERT_EQ(visits, expected);
    }
  }
}

}  // namespace
}  // namespace hf
