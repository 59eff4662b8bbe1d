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
#include <string_view>

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
// Those of bench/compare.cpp are named beside.
constexpr auto counted = std::to_array<Counted>({
    {"retention_days", R"("metric":"retention","entry":"first_time","period":"week")"},  // Q1.
    {"retention_day_rows",
     R"("metric":"retention","period":"week","where":{"property":"app","op":"eq","value":"ios"})"},
    {"retention_rows", R"("metric":"retention","period":"week")", true, false},
    {"retention_postings",  // Q2.
     R"("metric":"retention","entry":"first_time","start":{"event":"signup"},)"
     R"("return":{"event":"buy"},"periods":30)"},
    {"retention_events", R"("metric":"retention","period":"week")", false},
    {"retention_first_touch",  // Q9.
     R"("metric":"retention","entry":"first_time","period":"week","periods":12,)"
     R"("start":{"any_of":[{"event":"view"},{"event":"search"},{"event":"buy"}]},)"
     R"("return":{"any_of":[{"event":"view"},{"event":"search"},{"event":"buy"}]},)"
     R"("where":{"property":"app","op":"eq","value":"ios"},)"
     R"("breakdown":[{"property":"country","attribution":"first_touch","top":1000}])"},
    {"retention_by_event",
     R"("metric":"retention","period":"week","breakdown":[{"property":"country"}])"},
    {"retention_people", R"("metric":"retention","period":"week",)"
                         R"("people":{"did":{"event":"buy"},"within":"P90D"})"},
    {"retention_sample", R"("metric":"retention","period":"week","sample":0.1)"},
    {"retention_members", R"("metric":"retention","period":"week",)"
                          R"("members":{"cell":{"cohort":"2026-01-19","column":2}})"},
    {"lifecycle_days", R"("metric":"lifecycle")"},  // Q4.
    {"lifecycle_day_rows",
     R"("metric":"lifecycle","where":{"property":"app","op":"eq","value":"ios"})"},
    {"lifecycle_members",
     R"("metric":"lifecycle","members":{"cell":{"period":"2026-02-10","kind":"dormant"}})"},
    {"stickiness_days", R"("metric":"stickiness","over_time":true)"},  // Q5.
    {"stickiness_day_rows", R"("metric":"stickiness","over_time":true,)"
                            R"("where":{"property":"app","op":"eq","value":"ios"})"},
    {"stickiness_histogram", R"("metric":"stickiness")"},
    {"stickiness_histogram_rows",
     R"("metric":"stickiness","where":{"property":"app","op":"eq","value":"ios"})"},
    {"trend_counts", R"("metric":"trend","series":[{"event":"view"}])"},
    {"trend_rows", R"("metric":"trend","series":[{"event":"view"}],)"
                   R"("where":{"property":"app","op":"eq","value":"ios"})"},
    {"trend_unique", R"("metric":"trend","series":[{"event":"buy","math":"unique"}])"},
    {"trend_events", R"("metric":"trend","series":[{"event":"buy","math":"unique"}])", false},
    {"trend_sum",
     R"("metric":"trend","series":[{"event":"view","math":"sum","property":"price"}])"},
    {"trend_median",
     R"("metric":"trend","series":[{"event":"view","math":"median","property":"price"}])"},
    {"trend_by_event",
     R"("metric":"trend","series":[{"event":"view"}],"breakdown":[{"property":"country"}])"},
    {"trend_members", R"("metric":"trend","series":[{"event":"view"}],)"
                      R"("members":{"cell":{"series":0,"period":"2026-02-10"}})"},
    {"funnel_rows",  // Q3.
     R"("metric":"funnel","window":"PT168H","steps":[{"event":"view"},{"event":"search"},)"
     R"({"event":"cart"},{"event":"pay"},{"event":"buy"}])"},
    {"funnel_any_order",
     R"("metric":"funnel","window":"PT168H","order":"any","steps":[{"event":"view"},)"
     R"({"event":"search"},{"event":"cart"},{"event":"pay"},{"event":"buy"}])"},
    {"funnel_excluded_held",
     R"("metric":"funnel","window":"PT168H","steps":[{"event":"view"},{"event":"search"},)"
     R"({"event":"cart"}],"exclude":[{"event":"signup"}],"hold_constant":["country"])"},
    {"funnel_members",
     R"("metric":"funnel","window":"PT168H","steps":[{"event":"view"},{"event":"search"},)"
     R"({"event":"cart"}],"members":{"cell":{"step":3,"dropped":true}})"},
    {"segment_size",  // Q8.
     R"("metric":"segment_size","as_of":"2026-03-20","people":{"all":[)"
     R"({"did":{"event":"cart"},"count":{"gte":3},"within":"P30D"},)"
     R"({"did_not":{"event":"buy"},"within":"P14D"}]})"},
});

/// Steps of a funnel, each rarer than the one before.
const char* name_of(std::uint64_t number) {
  if (number == 0) return "signup";
  if (number < 3) return "buy";
  if (number < 80) return "view";
  if (number < 120) return "search";
  if (number < 140) return "cart";
  if (number < 146) return "pay";
  return "click";
}

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
      // One event in eight is from abroad.
      const std::uint64_t country = rng.below(8) == 0 ? rng.below(12) : person % 12;
      const std::string country_name = fmt::format("{:c}{:c}", 'A' + country, 'B' + country);
      const Decimal price = Decimal::normalized(rng.between(1, 9'999), 2);
      const std::array<PropertyView, 3> properties{
          {{"app", {.kind = ValueKind::text, .text = person % 4 == 0 ? "ios" : "web"}},
           {"country", {.kind = ValueKind::text, .text = country_name}},
           {"price", {.kind = ValueKind::number, .number = price}}}};
      builder.add({.user_id = id,
                   .name = name_of(rng.below(200)),
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
    const bool has_range = !std::string_view(each.name).starts_with("segment_size");
    const std::string query =
        fmt::format(R"({{{}{}}})", each.query, has_range ? R"(,"from":"2026-01-05")" : "");
    if (const auto first = answer_query(snapshot, context, query); !first) {
      fmt::print(stderr, "{}: {}\n", each.name, first.error().message);
      return 1;
    }
    CALLGRIND_START_INSTRUMENTATION;
    const bool answered = answer_query(snapshot, context, query).has_value();
    CALLGRIND_STOP_INSTRUMENTATION;
    CALLGRIND_DUMP_STATS_AT(each.name);
    if (!answered) return 1;
  }
  snapshot.parts.clear();
  return 0;
}
