// SPDX-License-Identifier: Apache-2.0
#include "store/day_counts.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <limits>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "base/memory_file.h"
#include "base/rng.h"
#include "calendar/zone.h"
#include "store/part_builder.h"

namespace hf {
namespace {

using Counts = std::map<std::pair<std::uint32_t, Day>, std::uint32_t>;

/// Row by row: of which name each is, and on which day of the zone.
Counts counts_of(const Part& part, const Zone& zone) {
  Counts counts;
  for (std::uint32_t page = 0; page < part.page_count(); ++page) {
    const auto names = part.name_codes(page).value();
    const auto times = part.times(page).value();
    for (std::uint32_t i = 0; i < part.rows_in_page(page); ++i) {
      ++counts[{names->codes[i], zone.local_day(times->values[i])}];
    }
  }
  return counts;
}

TEST(DayCounts, CountTheRowsOfEachNameAndDay) {
  const std::vector<const char*> zones{"UTC", "Asia/Shanghai", "America/St_Johns", "Pacific/Apia",
                                       "America/Sao_Paulo"};
  for (std::uint64_t seed = 0; seed < 200; ++seed) {
    SCOPED_TRACE(seed);
    Rng rng(seed);
    const auto zone = Zone::load(real_env(), zones[seed % zones.size()]).value();
    // From few names and days, a table, to many of both, which is none.
    const std::uint64_t names = seed % 2 == 0 ? 5 : 300;
    const std::int64_t span_ms = ms_per_day * std::vector<std::int64_t>{1, 40, 20'000}[seed % 3];
    constexpr TimestampMs now = 1'800'000'000'000;
    const TimestampMs start = rng.chance(0.3) ? 0 : rng.between(0, now - span_ms);
    PartBuilder builder(now);
    const std::uint64_t events = seed == 0 ? part_format::page_rows + 100 : 1 + rng.below(400);
    for (std::uint64_t i = 0; i < events; ++i) {
      const std::string user = fmt::format("u{}", rng.below(20));
      const std::string name = fmt::format("event {}", rng.below(names));
      builder.add({.user_id = user, .name = name, .time_ms = start + rng.between(0, span_ms)});
    }
    PersonRegistry persons({}, 0);
    auto file = std::make_unique<MemoryFile>();
    ASSERT_TRUE(
        builder.write_to(*file, 0, {.zone = nullptr, .keep_duplicates = true}, persons, {}));
    PageCache cache(std::size_t{1} << 26);
    const auto part = Part::open(std::move(file), "part", cache).value();
    EXPECT_FALSE(part->has_day_counts(*zone));
    const auto counts = part->day_counts(*zone).value();
    EXPECT_TRUE(part->has_day_counts(*zone));
    Counts found;
    for (std::uint32_t name = 0; name < part->names().size(); ++name) {
      Day last = std::numeric_limits<Day>::min();
      for (const DayCounts::Count& count : counts->of(name)) {
        ASSERT_GT(count.day, last);
        last = count.day;
        found[{name, count.day}] = count.rows;
      }
    }
    ASSERT_TRUE(found == counts_of(*part, *zone));
    EXPECT_EQ(part->day_counts(*zone).value(), counts) << "kept";
  }
}

}  // namespace
}  // namespace hf
