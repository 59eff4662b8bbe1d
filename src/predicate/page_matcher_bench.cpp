// SPDX-License-Identifier: Apache-2.0
//
// Rows per second of finding the events a question means, in pages that are already decoded.
#include <benchmark/benchmark.h>

#include <bit>
#include <cstdlib>
#include <string>
#include <vector>

#include "base/assert.h"
#include "base/json.h"
#include "base/rng.h"
#include "base/sim_env.h"
#include "predicate/matcher.h"
#include "store/page_cache.h"
#include "store/part.h"
#include "store/part_builder.h"
#include "store/person_registry.h"

namespace hf {
namespace {

constexpr std::size_t row_count = 4 * part_format::page_rows;

// 12 event names, 200 cities, 5,000 pages, prices of two decimals.
class Shop {
 public:
  Shop() : env_(1), cache_(std::size_t{1} << 28) {
    PartBuilder builder(1'700'000'000'000);
    Rng rng(7);
    for (std::size_t i = 0; i < row_count; ++i) {
      const std::string name = "event " + std::to_string(rng.below(12));
      const std::string city = "city " + std::to_string(rng.below(200));
      const std::string url = "/page/" + std::to_string(rng.below(5'000));
      const Decimal price = Decimal::normalized(rng.between(0, 100'000), 2);
      const PropertyView properties[] = {{"city", {.text = city}},
                                         {"url", {.text = url}},
                                         {"price", {.kind = ValueKind::number, .number = price}}};
      EventView event;
      event.user_id = "u";
      event.name = name;
      event.time_ms = 1'600'000'000'000 + static_cast<std::int64_t>(i);
      event.properties = properties;
      builder.add(event);
    }
    const Env env = env_.env();
    HF_ASSERT(env.files.make_directories("/parts"));
    PersonRegistry persons(HashKey{}, 0);
    HF_ASSERT(builder.write(
        env, {.directory = "/parts", .file = "p", .source = "s", .hash_key = {}}, persons, {}));
    part_ = *Part::open(env, "/parts/p", cache_);
  }
  [[nodiscard]] const Part& part() const { return *part_; }

 private:
  SimEnv env_;
  PageCache cache_;
  std::shared_ptr<const Part> part_;
};

void find(benchmark::State& state, const char* matcher_text, double share_least,
          double share_most) {
  static const Shop shop;
  const auto matcher = parse_matcher(*parse_json(matcher_text), "");
  const auto bound = PageMatcher::compile(*matcher, {}, shop.part());
  std::vector<std::uint64_t> rows(part_format::page_rows / 64);
  std::size_t found = 0;
  for (auto _ : state) {
    found = 0;
    for (std::uint32_t page = 0; page < shop.part().page_count(); ++page) {
      HF_ASSERT(bound->find(page, rows));
      for (const std::uint64_t word : rows) found += static_cast<std::size_t>(std::popcount(word));
    }
  }
  const double share = static_cast<double>(found) / row_count;
  HF_ASSERT(share >= share_least && share <= share_most);
  state.SetItemsProcessed(state.iterations() * static_cast<std::int64_t>(row_count));
}

BENCHMARK_CAPTURE(find, one_name, R"({"event":"event 3"})", 0.08, 0.09);
BENCHMARK_CAPTURE(find, any_event, R"({"event":"*"})", 1, 1);
BENCHMARK_CAPTURE(find, small_dictionary,
                  R"({"event":"*","where":{"property":"city","op":"ends_with","value":"7"}})", 0.09,
                  0.11);
BENCHMARK_CAPTURE(find, large_dictionary_one_value,
                  R"({"event":"*","where":{"property":"url","op":"eq","value":"/page/77"}})",
                  0.0001, 0.0003);
BENCHMARK_CAPTURE(find, large_dictionary_many_values,
                  R"({"event":"*","where":{"property":"url","op":"contains","value":"7"}})", 0.26,
                  0.28);
BENCHMARK_CAPTURE(find, number_range,
                  R"({"event":"*","where":{"property":"price","op":"gte","value":500}})", 0.49,
                  0.51);
BENCHMARK_CAPTURE(find, number_as_text,
                  R"({"event":"*","where":{"property":"price","op":"contains","value":"77"}})",
                  0.02, 0.05);
BENCHMARK_CAPTURE(find, one_name_and_number,
                  R"({"event":"event 3","where":{"property":"price","op":"gte","value":500}})",
                  0.03, 0.05);

}  // namespace
}  // namespace hf
