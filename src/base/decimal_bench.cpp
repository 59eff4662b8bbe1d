// SPDX-License-Identifier: Apache-2.0
#include "base/decimal.h"

#include <benchmark/benchmark.h>

#include <string>
#include <vector>

#include "base/rng.h"

namespace hf {
namespace {

// Prices and quantities as a shop's CSV has them. Budget: 20 ns a cell on one core.
std::vector<std::string> cells() {
  Rng rng(7);
  std::vector<std::string> texts;
  for (int i = 0; i < 4096; ++i) {
    texts.push_back(Decimal::normalized(rng.between(-99, 99'999), 2).to_string());
  }
  return texts;
}

void BM_ParseDecimal(benchmark::State& state) {
  const std::vector<std::string> texts = cells();
  std::string total;
  for (auto _ : state) {
    DecimalSum sum;
    for (const std::string& text : texts) sum.add(*parse_decimal(text));
    total = sum.to_string();
  }
  DecimalSum expected;
  for (const std::string& text : texts) expected.add(*parse_decimal(text + "e0"));
  if (total != expected.to_string()) state.SkipWithError("wrong sum");
  state.SetItemsProcessed(state.iterations() * static_cast<std::int64_t>(texts.size()));
}
BENCHMARK(BM_ParseDecimal);

void BM_RefuseText(benchmark::State& state) {
  for (auto _ : state) benchmark::DoNotOptimize(parse_decimal("WHITE HANGING HEART"));
  state.SetItemsProcessed(state.iterations());
}
BENCHMARK(BM_RefuseText);

void BM_DecimalToString(benchmark::State& state) {
  const Decimal value{.units = 1799, .scale = 2};
  for (auto _ : state) benchmark::DoNotOptimize(value.to_string());
  state.SetItemsProcessed(state.iterations());
}
BENCHMARK(BM_DecimalToString);

}  // namespace
}  // namespace hf
