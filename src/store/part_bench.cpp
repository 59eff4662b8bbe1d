// SPDX-License-Identifier: Apache-2.0
//
// One part of a million events of a shop, in memory: what building it costs beyond parsing, and
// what its pages cost when they are decoded (cold) and when the cache has them (warm).
#include <benchmark/benchmark.h>
#include <fmt/format.h>

#include <array>
#include <memory>
#include <string>

#include "base/assert.h"
#include "base/rng.h"
#include "base/sim_env.h"
#include "store/part_builder.h"

namespace hf {
namespace {

constexpr std::uint32_t row_count = 1'000'000;
constexpr std::uint32_t user_count = 20'000;
constexpr TimestampMs first_ms = 1'700'000'000'000;

PartBuilder shop_events() {
  static constexpr std::array<std::string_view, 5> names = {"page", "view", "search", "cart",
                                                            "purchase"};
  static constexpr std::array<std::string_view, 3> countries = {"GB", "DE", "CN"};
  Rng rng(7);
  PartBuilder builder(first_ms + std::int64_t{40'000'000} * 1'000);
  for (std::uint32_t i = 0; i < row_count; ++i) {
    const std::string user = fmt::format("customer-{}", rng.below(user_count));
    const std::size_t name = std::min(rng.below(names.size()), rng.below(names.size()));
    const std::array<PropertyView, 2> properties = {{
        {"country", {.kind = ValueKind::text, .text = countries[rng.below(countries.size())]}},
        {"amount",
         {.kind = ValueKind::number, .number = Decimal::normalized(rng.between(1, 20'000), 2)}},
    }};
    builder.add({.user_id = user,
                 .name = names[name],
                 .time_ms = first_ms + rng.between(0, 31'000'000) * 1'000,
                 .properties = std::span(properties).first(name == 4 ? 2 : 1)});
  }
  return builder;
}

/// The part, written once.
class ShopPart {
 public:
  static ShopPart& get() {
    static ShopPart part;
    return part;
  }
  std::shared_ptr<const Part> open(PageCache& cache) {
    return Part::open(sim_.env(), "/1.part", cache).value();
  }

 private:
  ShopPart() : sim_(1) {
    PersonRegistry persons(HashKey{}, 0);
    const auto summary =
        shop_events().write(sim_.env(), {"", "1.part", "shop", HashKey{}}, persons, {});
    HF_ASSERT(summary.has_value() && summary->rows == row_count);
  }
  SimEnv sim_;
};

void BM_AddEvents(benchmark::State& state) {
  for (auto _ : state) {
    const PartBuilder builder = shop_events();
    HF_ASSERT(builder.rows() == row_count);
  }
  state.SetItemsProcessed(state.iterations() * row_count);
}
BENCHMARK(BM_AddEvents)->Unit(benchmark::kMillisecond);

// Duplicates, sorting, encoding, compressing; the file is in memory.
void BM_WritePart(benchmark::State& state) {
  PartBuilder builder = shop_events();
  std::uint64_t bytes = 0;
  for (auto _ : state) {
    SimEnv sim(1);
    PersonRegistry persons(HashKey{}, 0);
    const auto summary =
        builder.write(sim.env(), {"", "1.part", "shop", HashKey{}}, persons, {}).value();
    HF_ASSERT(summary.rows == row_count && summary.persons == user_count);
    bytes = summary.bytes;
  }
  state.SetItemsProcessed(state.iterations() * row_count);
  state.counters["bytes_per_row"] = static_cast<double>(bytes) / row_count;
}
BENCHMARK(BM_WritePart)->Unit(benchmark::kMillisecond);

// Argument 1: warm. `scan` returns what it counted, which must be the same each time.
template <class Scan>
void scan_pages(benchmark::State& state, std::uint64_t expected, Scan&& scan) {
  PageCache cache(state.range(0) != 0 ? std::size_t{1} << 30 : 0);
  const auto part = ShopPart::get().open(cache);
  for (auto _ : state) {
    std::uint64_t counted = 0;
    for (std::uint32_t page = 0; page < part->page_count(); ++page) counted += scan(*part, page);
    HF_ASSERT(counted == expected);
  }
  state.SetItemsProcessed(state.iterations() * row_count);
}

void BM_ScanTimes(benchmark::State& state) {
  scan_pages(state, row_count, [](const Part& part, std::uint32_t page) {
    std::uint64_t valid = 0;
    const auto times = part.times(page).value();
    for (const TimestampMs time : times->values) valid += time >= first_ms;
    return valid;
  });
}
BENCHMARK(BM_ScanTimes)->Arg(0)->Arg(1)->Unit(benchmark::kMillisecond);

void BM_ScanCompactTimes(benchmark::State& state) {
  scan_pages(state, row_count, [](const Part& part, std::uint32_t page) {
    std::uint64_t valid = 0;
    const auto times = part.compact_times(page).value();
    for (const std::uint32_t offset : times->offsets) valid += offset < 0x80000000u;
    return valid;
  });
}
BENCHMARK(BM_ScanCompactTimes)->Arg(0)->Arg(1)->Unit(benchmark::kMillisecond);

std::uint64_t purchases() {
  static const std::uint64_t count = [] {
    PageCache cache(0);
    for (const NameInfo& name : ShopPart::get().open(cache)->names()) {
      if (name.name == "purchase") return name.count;
    }
    return std::uint64_t{0};
  }();
  return count;
}

void BM_ScanNames(benchmark::State& state) {
  scan_pages(state, purchases(), [](const Part& part, std::uint32_t page) {
    std::uint32_t wanted = 0;
    while (part.names()[wanted].name != "purchase") ++wanted;
    std::uint64_t found = 0;
    const auto names = part.name_codes(page).value();
    for (std::size_t i = 0; i < names->codes.size(); ++i) found += names->codes[i] == wanted;
    return found;
  });
}
BENCHMARK(BM_ScanNames)->Arg(0)->Arg(1)->Unit(benchmark::kMillisecond);

// A column most rows have no value in.
void BM_ScanNumbers(benchmark::State& state) {
  scan_pages(state, purchases(), [](const Part& part, std::uint32_t page) {
    const std::uint32_t column = part.find_property("amount").front();
    const auto numbers = part.numbers(column, page).value();
    std::uint64_t found = 0;
    for (std::uint32_t row = 0; row < part.rows_in_page(page); ++row) found += numbers->has(row);
    return found;
  });
}
BENCHMARK(BM_ScanNumbers)->Arg(0)->Arg(1)->Unit(benchmark::kMillisecond);

void BM_Verify(benchmark::State& state) {
  PageCache cache(0);
  for (auto _ : state) HF_ASSERT(ShopPart::get().open(cache)->verify().has_value());
  state.SetItemsProcessed(state.iterations() * row_count);
}
BENCHMARK(BM_Verify)->Unit(benchmark::kMillisecond);

}  // namespace
}  // namespace hf
