// SPDX-License-Identifier: Apache-2.0
//
// Every shape of reading against the evaluators that look at one event after the other, on stores
// large enough for several chunks of persons. Small stores against the naive twins:
// retention_property_test.cpp and its neighbours, living_property_test.cpp.
#include "metric/activity.h"

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
        const std::array<PropertyView, 1> properties{
            {{"app", {.kind = ValueKind::text, .text = person % 3 == 0 ? "ios" : "web"}}}};
        // The second part has milliseconds over years: its times do not fit 32 bits.
        const TimestampMs year = i == 1 && rng_.chance(0.01) ? -2'000 * ms_per_day : 0;
        builder.add({.user_id = id,
                     .name = any_name(),
                     .time_ms = start_ms + year +
                                rng_.between(is_late ? -400 : 20 * i, 20 * i + 25) * ms_per_day +
                                rng_.between(0, ms_per_day - 1),
                     .message_id = {},
                     .channel = {},
                     .properties = properties});
      }
      auto file = std::make_unique<MemoryFile>();
      EXPECT_TRUE(builder.write_to(*file, 0,
                                   {.zone = i == 1 ? nullptr : Zone::utc(),
                                    .keep_duplicates = true,
                                    .postings = i == 2 ? PostingRule{0, 0} : PostingRule{}},
                                   persons, {}));
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
      runs.push_back({part, std::make_shared<OwnerRuns>(owner_runs(*part).value())});
    }
    snapshot.moved = find_moved_runs(runs, *belonging);
  }
  ~LargeWorld() { snapshot.parts.clear(); }

  static constexpr TimestampMs start_ms = 1'767'571'200'000;  // Monday 2026-01-05
  Snapshot snapshot;

 private:
  const char* any_name() {
    if (rng_.chance(0.05)) return "identify";
    if (rng_.chance(0.01)) return "signup";
    return rng_.chance(0.015) ? "buy" : "visit";
  }

  Rng rng_;
  PageCache cache_;
};

constexpr std::array questions{
    R"("metric":"retention","period":"day","from":"2026-01-05","periods":200)",
    R"("metric":"retention","period":"week","periods":12)",
    R"("metric":"retention","period":"week","entry":"first_time","from":"2026-01-14","to":"2026-02-20")",
    R"("metric":"retention","period":"month","periods":3)",
    R"("metric":"retention","period":"P5D","entry":"first_time","from":"2026-01-10")",
    R"("metric":"retention","period":"day","from":"2026-01-20","as_of":"2026-02-01T12:34:56Z")",
    R"("metric":"retention","period":"week","from":"2026-01-07","to":"2026-01-29","week_start":"sunday","periods":5)",
    R"("metric":"retention","start":{"event":"signup"},"return":{"event":"buy"},"from":"2026-01-05","periods":30)",
    R"("metric":"retention","start":{"event":"signup"},"return":{"event":"buy"},"entry":"first_time","from":"2026-01-05","periods":30)",
    R"("metric":"retention","start":{"event":"signup"},"from":"2026-01-05","periods":30)",
    R"("metric":"retention","start":{"any_of":[{"event":"signup"},{"event":"buy"}]},"from":"2026-01-05")",
    R"("metric":"retention","from":"2026-01-05","where":{"property":"app","op":"eq","value":"ios"},"periods":30)",
    R"("metric":"retention","from":"2026-01-05","to":"2026-01-09","period":"hour","periods":24)",
    R"("metric":"lifecycle","from":"2026-01-05")",
    R"("metric":"lifecycle","period":"week")",
    R"("metric":"lifecycle","period":"month","match":{"event":"buy"})",
    R"("metric":"lifecycle","from":"2026-01-20","as_of":"2026-02-01T12:34:56Z","where":{"property":"app","op":"eq","value":"ios"})",
    R"("metric":"stickiness","over_time":true,"from":"2026-01-05")",
    R"("metric":"stickiness","over_time":true,"from":"2026-01-05","match":{"event":"buy"})",
    R"("metric":"stickiness","over_time":true,"from":"2026-01-20","as_of":"2026-02-01T12:34:56Z")",
    R"("metric":"stickiness","from":"2026-01-05")",
    R"("metric":"stickiness","period":"week","from":"2026-01-08","to":"2026-02-20","cumulative":true)",
    R"("metric":"stickiness","period":"hour","from":"2026-01-05","to":"2026-01-09")"};

TEST(Activity, CountsTheSameInEveryShape) {
  for (std::uint64_t seed = 1; seed <= 3; ++seed) {
    LargeWorld world(seed);
    // The parts know of UTC, and one of none.
    const auto zone = Zone::load(real_env(), seed < 3 ? "UTC" : "Asia/Kolkata").value();
    if (seed == 2) world.snapshot.index = std::make_shared<SnapshotIndex>();
    for (const char* question : questions) {
      SCOPED_TRACE(question);
      SimEnv clock(1);
      clock.set_now_ms(LargeWorld::start_ms + 100 * ms_per_day);
      const Env env{
          .files = real_env().files, .clock = clock.env().clock, .random = clock.env().random};
      const auto ask = [&](QueryContext context) {
        const auto answer = answer_query(world.snapshot, context, fmt::format("{{{}}}", question));
        EXPECT_TRUE(answer) << answer.error().message;
        return answer ? data_of(*answer) : "";
      };
      const QueryContext best{.env = env, .default_zone = zone, .threads = 2};
      QueryContext slow = best;
      slow.bitmaps = false;
      slow.threads = 1;
      const std::string expected = ask(slow);
      EXPECT_EQ(ask(best), expected);
      for (const bool days : {false, true}) {
        QueryContext some = best;
        some.day_sets = days;
        some.postings = !days;
        EXPECT_EQ(ask(some), expected) << (days ? "without postings" : "without days");
      }
      QueryContext rows = best;
      rows.day_sets = rows.postings = false;
      EXPECT_EQ(ask(rows), expected) << "by rows";
    }
  }
}

}  // namespace
}  // namespace hf
