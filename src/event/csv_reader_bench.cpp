// SPDX-License-Identifier: Apache-2.0
//
// An event log as shops export it: rows of about 60 bytes, 6 fields. Budget: 250 MB/s on one core,
// a quarter of what an import of 1 million rows/s may take (DESIGN section 9).
#include <benchmark/benchmark.h>
#include <fmt/format.h>

#include <cstdint>
#include <string>
#include <variant>

#include "event/csv_reader.h"

namespace hf {
namespace {

struct Log {
  std::string text;
  std::uint64_t fields = 0;
};

Log synthetic_log(int rows, bool is_quoted) {
  Log log = {.text = "time,user,event,item,price,channel\n"};
  const std::string_view quote = is_quoted ? "\"" : "";
  std::uint64_t state = 7;
  for (int i = 0; i < rows; ++i) {
    state = state * 6364136223846793005u + 1442695040888963407u;
    const auto pick = static_cast<unsigned>(state >> 40);
    log.text +=
        fmt::format("2026-03-{:02} {:02}:{:02}:{:02},u{:07},{}view item{},{},{}.{:02},web\n",
                    1 + pick % 28, pick % 24, pick % 60, pick % 59, pick % 1'000'000, quote, quote,
                    pick % 50'000, pick % 300, pick % 100);
    log.fields += 6;
  }
  return log;
}

void read_log(benchmark::State& state, const Log& log) {
  std::uint64_t rows = 0;
  for (auto _ : state) {
    state.PauseTiming();
    CsvReader reader(ByteSource::from_bytes(log.text), {});
    state.ResumeTiming();
    std::uint64_t fields = 0;
    std::uint64_t bytes = 0;
    for (;;) {
      const auto next = reader.next();
      if (!next || std::holds_alternative<End>(*next)) break;
      if (const auto* row = std::get_if<CsvRow>(&*next)) {
        fields += row->fields.size();
        for (const std::string_view field : row->fields) bytes += field.size();
        ++rows;
      }
    }
    benchmark::DoNotOptimize(bytes);
    if (fields != log.fields) state.SkipWithError("wrong number of fields");
  }
  state.SetItemsProcessed(static_cast<std::int64_t>(rows));
  state.SetBytesProcessed(static_cast<std::int64_t>(state.iterations() * log.text.size()));
}

void BM_CsvReaderPlain(benchmark::State& state) {
  read_log(state, synthetic_log(1'000'000, /*is_quoted=*/false));
}
BENCHMARK(BM_CsvReaderPlain)->Unit(benchmark::kMillisecond);

void BM_CsvReaderOneQuotedField(benchmark::State& state) {
  read_log(state, synthetic_log(1'000'000, /*is_quoted=*/true));
}
BENCHMARK(BM_CsvReaderOneQuotedField)->Unit(benchmark::kMillisecond);

}  // namespace
}  // namespace hf
