// SPDX-License-Identifier: Apache-2.0
//
// Retention off the days of activity against retention off the rows, on stores large enough for
// several chunks of persons. Small stores against the naive evaluator: retention_property_test.cpp
// and living_property_test.cpp.
#include "metric/retention_days.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <array>

#include "base/memory_file.h"
#include "base/rng.h"
#include "base/sim_env.h"
#include "metric/query.h"
#include "metric/query_context.h"
#include "store/part_builder.h"

namespace hf {
namespace {

/// The members of an answer that do not tell of its making.
std::string data_of(const std::string& answer) { return answer.substr(answer.find("\"data\":")); }

class LargeWorld {
 public:
  explicit LargeWorld(std::uint64_t seed) : rng_(seed), cache_(std::size_t{1} << 28) {
    const PersonOrdinal people = PersonChunk::persons * 2 + 500;
    PersonRegistry persons({}, 0);
    auto belonging = std::make_shared<Belonging>();
    for (int i = 0; i < 3; ++i) {
      PartBuilder builder(timestamp_end_ms - 1);
      const auto first = rng_.below(people);
      for (int event = 0; event < 60'000; ++event) {
        // Neighbours, so that sets are dense in places and sparse in others.
        const auto person =
            event % 3 == 0 ? rng_.below(people) : (first + rng_.below(4000)) % people;
        const std::string id = fmt::format("u{}", person);
        const bool is_late = rng_.chance(0.01);
        builder.add({.user_id = id,
                     .name = rng_.chance(0.05) ? "identify" : "visit",
                     .time_ms = start_ms +
                                rng_.between(is_late ? -400 : 20 * i, 20 * i + 25) * ms_per_day +
                                rng_.between(0, ms_per_day - 1),
                     .message_id = {},
                     .channel = {}});
      }
      auto file = std::make_unique<MemoryFile>();
      EXPECT_TRUE(builder.write_to(
          *file, 0, {.zone = i == 1 ? nullptr : Zone::utc(), .keep_duplicates = true}, persons,
          {}));
      snapshot.parts.push_back(Part::open(std::move(file), "part", cache_).value());
    }
    snapshot.person_end = persons.next();
    for (PersonOrdinal owner = 0; owner < persons.next(); ++owner) belonging->of.push_back(owner);
    for (int merged = 0; merged < 400; ++merged) {
      // To one that is itself: who belongs to whom has no chains.
      const auto to = static_cast<PersonOrdinal>(rng_.below(1000));
      const auto from = static_cast<PersonOrdinal>(1000 + rng_.below(persons.next() - 1000));
      belonging->of[from] = rng_.chance(0.2) ? Belonging::nobody : to;
    }
    snapshot.belonging = belonging;
    std::vector<PartRuns> runs;
    for (const auto& part : snapshot.parts) {
      runs.push_back({part, std::make_shared<std::vector<OwnerRun>>(owner_runs(*part).value())});
    }
    snapshot.moved = find_moved_runs(runs, *belonging);
  }
  ~LargeWorld() { snapshot.parts.clear(); }

  static constexpr TimestampMs start_ms = 1'767'571'200'000;  // Monday 2026-01-05
  Snapshot snapshot;

 private:
  Rng rng_;
  PageCache cache_;
};

TEST(RetentionDays, CountWhatTheRowsCount) {
  const std::array queries{
      R"("period":"day","from":"2026-01-05","periods":200)",
      R"("period":"week","periods":12)",
      R"("period":"week","entry":"first_time","from":"2026-01-14","to":"2026-02-20")",
      R"("period":"month","periods":3)",
      R"("period":"P5D","entry":"first_time","from":"2026-01-10")",
      R"("period":"day","from":"2026-01-20","as_of":"2026-02-01T12:34:56Z")",
      R"("period":"week","from":"2026-01-07","to":"2026-01-29","week_start":"sunday","periods":5)"};
  for (std::uint64_t seed = 1; seed <= 2; ++seed) {
    LargeWorld world(seed);
    // The parts know of UTC, and one of none.
    const auto zone = Zone::load(real_env(), seed == 1 ? "UTC" : "Asia/Kolkata").value();
    for (const char* query : queries) {
      SCOPED_TRACE(query);
      SimEnv clock(1);
      clock.set_now_ms(LargeWorld::start_ms + 100 * ms_per_day);
      const Env env{
          .files = real_env().files, .clock = clock.env().clock, .random = clock.env().random};
      const std::string text = fmt::format(R"({{"metric":"retention",{}}})", query);
      const auto days =
          answer_query(world.snapshot, {.env = env, .default_zone = zone, .threads = 2}, text);
      const auto rows =
          answer_query(world.snapshot,
                       {.env = env, .default_zone = zone, .threads = 1, .day_sets = false}, text);
      ASSERT_TRUE(days) << days.error().message;
      EXPECT_NE(days->substr(0, 400), rows->substr(0, 400)) << "nobody read the rows";
      EXPECT_EQ(data_of(*days), data_of(*rows));
    }
  }
}

}  // namespace
}  // namespace hf
