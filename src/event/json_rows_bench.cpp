// SPDX-License-Identifier: Apache-2.0
//
// Track calls as a server-side library writes them, about 330 bytes a line, read to events.
#include <benchmark/benchmark.h>
#include <fmt/format.h>

#include <cstdint>
#include <string>
#include <variant>

#include "event/json_rows.h"

namespace hf {
namespace {

std::string synthetic_calls(int rows) {
  std::string text;
  std::uint64_t state = 7;
  for (int i = 0; i < rows; ++i) {
    state = state * 6364136223846793005u + 1442695040888963407u;
    const auto pick = static_cast<unsigned>(state >> 40);
    text += fmt::format(
        R"({{"type":"track","messageId":"api-1iI{:08}-{:016x}","userId":"u{:07}","event":"Order Completed",)"
        R"("timestamp":"2026-03-{:02}T{:02}:{:02}:{:02}.123Z","properties":{{"order_id":"o{}","total":{}.{:02},)"
        R"("currency":"EUR","products":["sku-{}","sku-{}"]}},"context":{{"library":{{"name":"node","version":"2.1"}},)"
        R"("locale":"de-DE"}},"integrations":{{}}}})"
        "\n",
        i, state, pick % 1'000'000, 1 + pick % 28, pick % 24, pick % 60, pick % 59, i, pick % 300,
        pick % 100, pick % 777, pick % 999);
  }
  return text;
}

void BM_JsonRowsToEvents(benchmark::State& state) {
  constexpr int rows = 100'000;
  const std::string text = synthetic_calls(rows);
  CallBuffer buffer;
  for (auto _ : state) {
    JsonRowReader reader(ByteSource::from_bytes(text));
    int events = 0;
    std::size_t properties = 0;
    for (;;) {
      const auto next = reader.next();
      if (!next || std::holds_alternative<End>(*next)) break;
      const auto* row = std::get_if<JsonRow>(&*next);
      if (row == nullptr || !row->call) continue;
      if (const auto event = to_event(*row->call, row->fields, buffer)) {
        ++events;
        properties += event->properties.size();
      }
    }
    benchmark::DoNotOptimize(properties);
    if (events != rows || properties != 5u * rows) state.SkipWithError("wrong events");
  }
  state.SetItemsProcessed(state.iterations() * rows);
  state.SetBytesProcessed(static_cast<std::int64_t>(state.iterations() * text.size()));
}
BENCHMARK(BM_JsonRowsToEvents)->Unit(benchmark::kMillisecond);

}  // namespace
}  // namespace hf
