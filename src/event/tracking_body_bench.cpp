// SPDX-License-Identifier: Apache-2.0
//
// Bodies as server-side libraries send them: 500 calls of about 370 bytes, and one call alone.
#include <benchmark/benchmark.h>
#include <fmt/format.h>

#include <cstdint>
#include <string>
#include <variant>

#include "base/rng.h"
#include "event/tracking_body.h"

namespace hf {
namespace {

constexpr TimestampMs received_at_ms = 1'772'000'000'000;

std::string synthetic_call(int i) {
  std::uint64_t state = static_cast<std::uint64_t>(i) + 7;
  const std::uint64_t id = splitmix64(state);
  const auto pick = static_cast<unsigned>(id >> 40);
  return fmt::format(
      R"({{"timestamp":"2026-02-{:02}T{:02}:{:02}:{:02}.123Z","integrations":{{}},"userId":"u{:07}",)"
      R"("properties":{{"order_id":"o{}","total":{}.{:02},"currency":"EUR","products":["sku-{}","sku-{}"]}},)"
      R"("event":"Order Completed","type":"track","context":{{"library":{{"name":"@segment/analytics-node",)"
      R"("version":"3.1.0"}},"locale":"de-DE"}},"messageId":"node-next-17720000{:05}-{:016x}",)"
      R"("_metadata":{{"nodeVersion":"22.1.0","jsRuntime":"node"}}}})",
      1 + pick % 28, pick % 24, pick % 60, pick % 59, pick % 1'000'000, i, pick % 300, pick % 100,
      pick % 777, pick % 999, i, id);
}

std::string synthetic_body(int calls) {
  std::string body = "{\"batch\":[";
  for (int i = 0; i < calls; ++i) {
    if (i > 0) body += ',';
    body += synthetic_call(i);
  }
  return body + R"(],"writeKey":"wk","sentAt":"2026-02-25T06:00:00.000Z"})";
}

void read_body(benchmark::State& state, TrackingEndpoint endpoint, const std::string& body,
               int calls) {
  for (auto _ : state) {
    state.PauseTiming();
    std::string copy;
    copy.reserve(body.size() + TrackingBody::padding_bytes);
    copy = body;
    state.ResumeTiming();
    auto opened = TrackingBody::open(endpoint, std::move(copy), received_at_ms);
    int events = 0;
    std::size_t properties = 0;
    while (opened) {
      const auto item = opened->next();
      if (std::holds_alternative<End>(item)) break;
      const auto* event = std::get_if<TrackingEvent>(&item);
      if (event == nullptr) continue;
      ++events;
      properties += event->event.properties.size();
    }
    if (events != calls || properties != 5u * static_cast<unsigned>(calls)) {
      state.SkipWithError("wrong events");
    }
  }
  state.SetItemsProcessed(state.iterations() * calls);
  state.SetBytesProcessed(static_cast<std::int64_t>(state.iterations() * body.size()));
}

void BM_TrackingBatch(benchmark::State& state) {
  const auto calls = static_cast<int>(state.range(0));
  read_body(state, TrackingEndpoint::batch, synthetic_body(calls), calls);
}
BENCHMARK(BM_TrackingBatch)->Arg(500)->Arg(15)->Unit(benchmark::kMicrosecond);

void BM_TrackingCall(benchmark::State& state) {
  read_body(state, TrackingEndpoint::track, synthetic_call(1), 1);
}
BENCHMARK(BM_TrackingCall)->Unit(benchmark::kMicrosecond);

}  // namespace
}  // namespace hf
