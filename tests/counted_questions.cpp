// SPDX-License-Identifier: Apache-2.0
//
// Asks one question of each kernel, for callgrind to count the instructions of: each is asked once
// so that its pages are read, then once more, counted, under its name. See
// instruction_counts_test.cpp.
#include <fmt/format.h>
#include <valgrind/callgrind.h>

#include <array>
#include <cstdlib>
#include <string>

#include "base/memory_file.h"
#include "base/rng.h"
#include "base/sim_env.h"
#include "metric/query.h"
#include "store/part_builder.h"

namespace {

using namespace hf;

constexpr TimestampMs begin_ms = 1'767'571'200'000;  // Monday 2026-01-05.
constexpr std::uint64_t people = 6'000;
constexpr int events_per_part = 60'000;

struct Counted {
  const char* name;
  const char* query;
  bool bitmaps = true;
  bool day_sets = true;
};
constexpr auto counted = std::to_array<Counted>({
    {"retention_days", R"("metric":"retention","entry":"first_time","period":"week")"},
    {"retention_day_rows",
     R"("metric":"retention","period":"week","where":{"property":"app","op":"eq","value":"ios"})"},
    {"retention_rows", R"("metric":"retention","period":"week")", true, false},
    {"retention_postings",
     R"("metric":"retention","entry":"first_time","start":{"event":"signup"},)"
     R"("return":{"event":"buy"},"periods":30)"},
    {"retention_events", R"("metric":"retention","period":"week")", false},
    {"lifecycle_days", R"("metric":"lifecycle")"},
    {"stickiness_days", R"("metric":"stickiness","over_time":true)"},
    {"stickiness_histogram", R"("metric":"stickiness")"},
    {"trend_events", R"("metric":"trend","series":[{"event":"buy","math":"unique"}])"},
});

}  // namespace

int main() {
  Rng rng(7);
  PageCache cache(std::size_t{1} << 28);
  PersonRegistry persons({}, 0);
  Snapshot snapshot;
  for (int part = 0; part < 2; ++part) {
    PartBuilder builder(timestamp_end_ms - 1);
    for (int i = 0; i < events_per_part; ++i) {
      const std::uint64_t person = rng.below(people);
      const std::string id = fmt::format("u{}", person);
      const std::array<PropertyView, 1> properties{
          {{"app", {.kind = ValueKind::text, .text = person % 4 == 0 ? "ios" : "web"}}}};
      const std::uint64_t name = rng.below(200);
      builder.add({.user_id = id,
                   .name = name == 0   ? "signup"
                           : name < 3  ? "buy"
                           : name < 80 ? "view"
                                       : "click",
                   .time_ms = begin_ms + rng.between(part * 40, part * 40 + 50) * ms_per_day +
                              rng.between(0, 86'399) * 1'000,
                   .message_id = {},
                   .channel = {},
                   .properties = properties});
    }
    auto file = std::make_unique<MemoryFile>();
    const PartBuilder::Target target{.zone = Zone::utc(), .keep_duplicates = true};
    if (!builder.write_to(*file, 0, target, persons, {})) return 1;
    snapshot.parts.push_back(Part::open(std::move(file), "part", cache).value());
  }
  snapshot.person_end = persons.next();
  SimEnv sim(1);
  sim.set_now_ms(begin_ms + 100 * ms_per_day);
  const Env env = sim.env();
  for (const Counted& each : counted) {
    const QueryContext context{
        .env = env, .threads = 1, .day_sets = each.day_sets, .bitmaps = each.bitmaps};
    const std::string query = fmt::format(R"({{{},"from":"2026-01-05"}})", each.query);
    if (!answer_query(snapshot, context, query)) return 1;
    CALLGRIND_START_INSTRUMENTATION;
    const bool answered = answer_query(snapshot, context, query).has_value();
    CALLGRIND_STOP_INSTRUMENTATION;
    CALLGRIND_DUMP_STATS_AT(each.name);
    if (!answered) return 1;
  }
  snapshot.parts.clear();
  return 0;
}
