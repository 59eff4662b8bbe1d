// SPDX-License-Identifier: Apache-2.0
#include "store/day_rows.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <utility>
#include <vector>

#include "base/memory_file.h"
#include "base/rng.h"
#include "calendar/zone.h"
#include "store/part_builder.h"

namespace hf {
namespace {

constexpr std::uint32_t page_rows = part_format::page_rows;

struct Cut {
  std::uint32_t place;
  Day day;
  friend bool operator==(const Cut&, const Cut&) = default;
};

/// Day and place of each row, looked up one by one.
std::vector<Cut> days_of_rows(const Part& part, const Zone& zone) {
  std::vector<Cut> out;
  for (std::size_t position = 0; position < part.persons().size(); ++position) {
    const std::uint32_t place = part.persons()[position] % PersonChunk::persons;
    for (RowNumber row = part.row_offsets()[position]; row < part.row_offsets()[position + 1];
         ++row) {
      const auto times = part.times(row / page_rows).value();
      out.push_back({place, zone.local_day(times->values[row % page_rows])});
    }
  }
  return out;
}

void expect_cuts(const Part& part, const DayRows& cuts, const std::vector<Cut>& rows, Rng& rng) {
  const auto begins = [&](RowNumber row) {  // Neighbours in the directory have other places.
    return row == 0 || rows[row] != rows[row - 1];
  };
  for (int round = 0; round < 30; ++round) {
    const std::uint32_t size = part.row_count();
    RowNumber first = round % 3 == 0 ? 0 : static_cast<RowNumber>(rng.below(size));
    RowNumber end = round % 2 == 0 ? size : static_cast<RowNumber>(rng.below(size + 1));
    if (end < first) std::swap(first, end);
    std::vector<std::uint64_t> matches((size + 63) / 64);
    const double share = std::vector{0.0, 0.01, 0.2, 0.9, 1.0}[rng.below(5)];
    for (std::uint32_t i = 0; i < size; ++i) {
      if (rng.chance(share)) matches[i / 64] |= std::uint64_t{1} << (i % 64);
    }
    std::vector<Cut> expected;
    bool is_in = false;  // The cut at hand is among those expected.
    for (RowNumber i = first; i < end; ++i) {
      if (i == first || begins(i)) is_in = false;
      if (is_in || (matches[i / 64] >> (i % 64) & 1) == 0) continue;
      expected.push_back(rows[i]);
      is_in = true;
    }
    std::vector<Cut> found;
    cuts.for_each_cut(first, end, matches.data(), [&](std::uint32_t cut) {
      found.push_back({DayRows::place(cut), cuts.first_day + static_cast<Day>(DayRows::day(cut))});
    });
    ASSERT_EQ(found.size(), expected.size());
    ASSERT_TRUE(found == expected) << "rows " << first << " to " << end;
  }
}

void check(std::uint64_t seed, std::uint32_t events, std::uint32_t people, std::int64_t span_ms) {
  SCOPED_TRACE(fmt::format("seed {}: {} events of {} people", seed, events, people));
  Rng rng(seed);
  const std::vector<const char*> names{"UTC", "Asia/Shanghai", "America/St_Johns", "Pacific/Apia"};
  const auto zone = Zone::load(real_env(), names[rng.below(names.size())]).value();
  constexpr TimestampMs now = 1'800'000'000'000;
  PartBuilder builder(now);
  const TimestampMs start = rng.chance(0.3) ? 0 : rng.between(0, now - span_ms);
  for (std::uint32_t i = 0; i < events; ++i) {
    const std::string id = fmt::format("u{}", rng.below(people) * rng.below(2));  // Some have many.
    builder.add({.user_id = id,
                 .name = "visit",
                 .time_ms = start + rng.between(0, span_ms),
                 .message_id = {},
                 .channel = {}});
  }
  PersonRegistry persons({}, 0);
  auto file = std::make_unique<MemoryFile>();
  ASSERT_TRUE(builder.write_to(*file, 0, {.zone = nullptr, .keep_duplicates = true}, persons, {}));
  PageCache cache(std::size_t{1} << 26);
  const auto part = Part::open(std::move(file), "part", cache).value();
  const auto cuts = part->day_rows(*zone).value();
  expect_cuts(*part, *cuts, days_of_rows(*part, *zone), rng);
}

TEST(DayRows, FindTheDaysOfMatchingRows) {
  for (std::uint64_t seed = 0; seed < 200; ++seed) {
    Rng rng(seed);
    const auto events = static_cast<std::uint32_t>(1 + rng.below(400));
    const auto people = static_cast<std::uint32_t>(1 + rng.below(40));
    const std::int64_t days = std::vector<std::int64_t>{1, 30, 3'000, 20'000}[rng.below(4)];
    check(seed, events, people, days * ms_per_day);
  }
}

TEST(DayRows, GoOnFromPageToPage) {
  check(1, 2 * page_rows, 3, 2 * ms_per_day);  // Cuts of many words, and over the page's end.
  check(2, 2 * page_rows + 1, 5'000, 40 * ms_per_day);
  check(3, page_rows + 63, 1, 1'000 * ms_per_day);
  check(4, 3 * page_rows, 30'000, 90 * ms_per_day);
}

}  // namespace
}  // namespace hf
