// SPDX-License-Identifier: Apache-2.0
//
// Budgets on one core: parse_time of a plain reading in a zone with summer time 25 ns (CSV import
// reads a million rows a second), local_day 3 ns on increasing times.
#include <benchmark/benchmark.h>
#include <fmt/format.h>

#include <algorithm>
#include <cstdint>
#include <random>
#include <string>
#include <vector>

#include "base/assert.h"
#include "base/env.h"
#include "calendar/time_text.h"
#include "calendar/zone.h"

namespace hf {
namespace {

constexpr std::size_t time_count = 1 << 16;

std::shared_ptr<const Zone> berlin() { return Zone::load(real_env(), "Europe/Berlin").value(); }

// Two years of a shop, increasing unless shuffled.
std::vector<TimestampMs> shop_times(bool shuffled) {
  std::mt19937_64 random(7);
  std::uniform_int_distribution<TimestampMs> any(1'262'304'000'000, 1'325'376'000'000);
  std::vector<TimestampMs> times(time_count);
  for (TimestampMs& time : times) time = any(random);
  if (!shuffled) std::ranges::sort(times);
  return times;
}

void BM_ParseTime(benchmark::State& state, const TimeFormat& format,
                  std::string (*write)(const CivilDate&, int)) {
  const auto zone = berlin();
  std::vector<std::string> texts;
  for (const TimestampMs time : shop_times(false)) {
    const Day day = Zone::utc()->local_day(time);
    const auto second = static_cast<int>((time - day * ms_per_day) / 1'000);
    texts.push_back(write(civil_from_day(day), second));
  }
  for (auto _ : state) {
    std::int64_t sum = 0;
    for (const std::string& text : texts) {
      const auto time = parse_time(text, format, *zone);
      HF_ASSERT(time.has_value());
      sum += *time;
    }
    benchmark::DoNotOptimize(sum);
  }
  state.SetItemsProcessed(state.iterations() * static_cast<std::int64_t>(texts.size()));
}
BENCHMARK_CAPTURE(BM_ParseTime, plain, TimeFormat{}, [](const CivilDate& d, int s) {
  return fmt::format("{:04}-{:02}-{:02} {:02}:{:02}:{:02}", d.year, d.month, d.day, s / 3'600,
                     s / 60 % 60, s % 60);
});
BENCHMARK_CAPTURE(BM_ParseTime, iso_utc, TimeFormat{}, [](const CivilDate& d, int s) {
  return fmt::format("{:04}-{:02}-{:02}T{:02}:{:02}:{:02}.123Z", d.year, d.month, d.day, s / 3'600,
                     s / 60 % 60, s % 60);
});
BENCHMARK_CAPTURE(BM_ParseTime, slashes, (TimeFormat{TimeStyle::pattern, "%m/%d/%Y %H:%M"}),
                  [](const CivilDate& d, int s) {
                    return fmt::format("{}/{}/{} {}:{:02}", d.month, d.day, d.year, s / 3'600,
                                       s / 60 % 60);
                  });
BENCHMARK_CAPTURE(BM_ParseTime, epoch_ms, (TimeFormat{TimeStyle::epoch_ms, ""}),
                  [](const CivilDate& d, int s) {
                    return fmt::format("{}", day_from_civil(d) * ms_per_day + s * 1'000);
                  });

void BM_LocalDay(benchmark::State& state, bool shuffled) {
  const auto zone = berlin();
  const std::vector<TimestampMs> times = shop_times(shuffled);
  for (auto _ : state) {
    std::int64_t sum = 0;
    for (const TimestampMs time : times) sum += zone->local_day(time);
    benchmark::DoNotOptimize(sum);
  }
  state.SetItemsProcessed(state.iterations() * static_cast<std::int64_t>(times.size()));
}
BENCHMARK_CAPTURE(BM_LocalDay, increasing, false);
BENCHMARK_CAPTURE(BM_LocalDay, shuffled, true);

void BM_LoadZone(benchmark::State& state) {
  for (auto _ : state) benchmark::DoNotOptimize(berlin());
}
BENCHMARK(BM_LoadZone);

}  // namespace
}  // namespace hf
