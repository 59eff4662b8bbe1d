// SPDX-License-Identifier: Apache-2.0
//
// What a hand-out of a snapshot costs the thread that owns the store, in its CPU time, while events
// come: two million lie in parts, then one is taken after so many new events (argument 1), up to
// 300,000 in the head, with links (of one person in so many: argument 2, 0 none) and new persons
// among them. Counters: microseconds a hand-out; the most parts of the head one had; merges, run
// between two hand-outs, and what they cost; what a flush at the end costs the owner before and
// after, and beside.
#include <benchmark/benchmark.h>
#include <fmt/format.h>
#include <time.h>

#include <algorithm>
#include <array>
#include <memory>
#include <string>
#include <vector>

#include "base/assert.h"
#include "base/rng.h"
#include "base/sim_env.h"
#include "store/store.h"

namespace hf {
namespace {

constexpr TimestampMs first_ms = 1'700'000'000'000;
constexpr std::uint64_t events_in_parts = 2'000'000;
constexpr std::uint64_t events_in_head = 300'000;
constexpr std::uint64_t persons = 22'000;

double cpu_us() {
  timespec t{};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
  return static_cast<double>(t.tv_sec) * 1e6 + static_cast<double>(t.tv_nsec) * 1e-3;
}

/// Appends the events [first, end): one person in `with_two_ids`, of 0 nobody, has two ids, one
/// event in a thousand is of somebody new.
void append(Store& store, std::uint64_t first, std::uint64_t end, std::uint64_t with_two_ids) {
  static constexpr std::array<std::string_view, 5> names = {"page", "view", "search", "cart",
                                                            "purchase"};
  FrameBuilder frame;
  for (std::uint64_t i = first; i < end; ++i) {
    Rng rng(i);
    const std::uint64_t person = rng.below(1'000) == 0 ? persons + i : rng.below(persons);
    const std::string user = fmt::format("customer-{}", person);
    const std::string visitor =
        with_two_ids != 0 && person % with_two_ids == 0 ? fmt::format("visitor-{}", person) : "";
    const std::uint64_t alone = visitor.empty() ? 2 : rng.below(8);
    const std::string message = fmt::format("message-{}", i);
    const std::array<PropertyView, 2> properties = {{
        {"country", {.kind = ValueKind::text, .text = person % 3 == 0 ? "GB" : "DE"}},
        {"amount",
         {.kind = ValueKind::number, .number = Decimal::normalized(rng.between(1, 20'000), 2)}},
    }};
    const std::size_t name = std::min(rng.below(names.size()), rng.below(names.size()));
    frame.add(
        encode_record(EventRecord{"shop",
                                  {.user_id = alone == 0 ? std::string_view{} : user,
                                   .anonymous_id = alone == 1 ? std::string_view{} : visitor,
                                   .name = names[name],
                                   .time_ms = first_ms + rng.between(0, 15'000'000) * 1'000,
                                   .message_id = message,
                                   .properties = std::span(properties).first(name == 4 ? 2 : 1)}}));
  }
  HF_ASSERT(store.append(frame).has_value());
}

void BM_HandOut(benchmark::State& state) {
  const auto step = static_cast<std::uint64_t>(state.range(0));
  const auto with_two_ids = static_cast<std::uint64_t>(state.range(1));
  std::vector<double> us;
  std::size_t parts_max = 0;
  double merge_us = 0;
  double merges = 0;
  double begin_flush_us = 0;
  double flush_us = 0;
  double finish_flush_us = 0;
  for (auto _ : state) {
    SimEnv sim(1);
    sim.set_now_ms(first_ms + std::int64_t{16'000'000} * 1'000);
    const auto store = Store::open(sim.env(), "/data", Store::Access::own).value();
    for (std::uint64_t i = 0; i < events_in_parts; i += 10'000) {
      append(*store, i, i + 10'000, with_two_ids);
      if ((i + 10'000) % 500'000 == 0) HF_ASSERT(store->flush().has_value());
    }
    HF_ASSERT(store->snapshot().has_value());
    const std::size_t on_disk = store->manifest().parts.size();
    for (std::uint64_t i = 0; i < events_in_head; i += step) {
      append(*store, events_in_parts + i, events_in_parts + i + step, with_two_ids);
      const double begin = cpu_us();
      const auto snapshot = store->snapshot();
      us.push_back(cpu_us() - begin);
      HF_ASSERT(snapshot.has_value());
      parts_max = std::max(parts_max, snapshot->parts.size() - on_disk);
      if (auto merge = store->begin_head_merge()) {
        const double merging = cpu_us();
        HF_ASSERT(merge->run().has_value());
        merge_us += cpu_us() - merging;
        ++merges;
        store->finish_head_merge(std::move(merge));
      }
    }
    double begin = cpu_us();
    auto flush = store->begin_flush();
    begin_flush_us = cpu_us() - begin;
    HF_ASSERT(flush.has_value());
    begin = cpu_us();
    HF_ASSERT((*flush)->run().has_value());
    flush_us = cpu_us() - begin;
    begin = cpu_us();
    HF_ASSERT(store->finish_flush(*std::move(flush)).has_value());
    finish_flush_us = cpu_us() - begin;
  }
  std::ranges::sort(us);
  state.counters["p50_us"] = us[us.size() / 2];
  state.counters["p99_us"] = us[us.size() * 99 / 100];
  state.counters["max_us"] = us.back();
  state.counters["parts_max"] = static_cast<double>(parts_max);
  state.counters["merges"] = merges;
  state.counters["begin_flush_us"] = begin_flush_us;
  state.counters["flush_us"] = flush_us;
  state.counters["finish_flush_us"] = finish_flush_us;
  state.counters["merge_us_per_event"] = merge_us / events_in_head;
}
BENCHMARK(BM_HandOut)
    ->ArgsProduct({{20, 100, 1'000}, {0, 100}})
    ->Iterations(1)
    ->Unit(benchmark::kSecond);

}  // namespace
}  // namespace hf
