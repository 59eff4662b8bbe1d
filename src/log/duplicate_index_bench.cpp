// SPDX-License-Identifier: Apache-2.0
//
// Message keys of six days on the disk, 10 million of them, or HOLDFAST_BENCH_KEYS: with 100
// million (the goal, 1.8 GB under TMPDIR) a batch of new keys must be looked up in less than 1 us a
// key.
#include <benchmark/benchmark.h>
#include <fmt/format.h>

#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <memory>
#include <string>

#include "base/assert.h"
#include "base/rng.h"
#include "log/duplicate_index.h"

namespace hf {
namespace {

constexpr std::size_t batch_keys = 500;  // A request.
constexpr TimestampMs first_ms = 1'700'000'000'000;
constexpr std::int64_t day_ms = 86'400'000;

std::uint64_t key_count() {
  const char* text = std::getenv("HOLDFAST_BENCH_KEYS");  // NOLINT(concurrency-mt-unsafe)
  const std::uint64_t wanted = text == nullptr ? 10'000'000 : std::strtoull(text, nullptr, 10);
  return std::max<std::uint64_t>(1, wanted / batch_keys) * batch_keys;
}

// As good as a keyed hash of i.
Hash128 key_of(std::uint64_t i) {
  std::uint64_t state = i;
  const std::uint64_t high = splitmix64(state);
  state ^= high;
  return {high, splitmix64(state)};
}

double ms_since(std::chrono::steady_clock::time_point begin) {
  return std::chrono::duration<double, std::milli>(std::chrono::steady_clock::now() - begin)
      .count();
}

/// The index, built once and removed at the end.
class BuiltIndex {
 public:
  static BuiltIndex& get() {
    static BuiltIndex built;
    return built;
  }
  BuiltIndex(const BuiltIndex&) = delete;
  BuiltIndex& operator=(const BuiltIndex&) = delete;
  ~BuiltIndex() {
    index_.reset();
    std::filesystem::remove_all(directory_);
  }

  [[nodiscard]] const DuplicateIndex& index() const { return *index_; }
  [[nodiscard]] std::string directory() const { return directory_.string(); }
  double build_s = 0;
  double flush_ms_max = 0;
  double merge_s = 0;
  std::uint64_t memory_bytes_max = 0;

 private:
  BuiltIndex()
      : directory_(std::filesystem::temp_directory_path() /
                   fmt::format("holdfast_bench_{}", real_env().clock.now_ms())),
        index_(DuplicateIndex::open(real_env(), directory_.string(), {}).value()) {
    const auto begin = std::chrono::steady_clock::now();
    const std::uint64_t count = key_count();
    std::vector<Hash128> keys(batch_keys);
    for (std::uint64_t at = 0; at < count; at += batch_keys) {
      for (std::size_t i = 0; i < batch_keys; ++i) keys[i] = key_of(at + i);
      const auto time =
          static_cast<double>(6 * day_ms) * static_cast<double>(at) / static_cast<double>(count);
      index_->add(keys, at + 1, at + batch_keys + 1, first_ms + static_cast<std::int64_t>(time));
      if (index_->should_flush()) flush();
    }
    flush();
    build_s = ms_since(begin) / 1e3;
  }
  void note_memory() { memory_bytes_max = std::max(memory_bytes_max, index_->size().memory_bytes); }
  void flush() {
    note_memory();
    const auto begin = std::chrono::steady_clock::now();
    HF_ASSERT(index_->flush().has_value());
    flush_ms_max = std::max(flush_ms_max, ms_since(begin));
    const auto merge_begin = std::chrono::steady_clock::now();
    while (auto merge = index_->begin_merge()) {
      note_memory();
      HF_ASSERT(merge->run().has_value());
      HF_ASSERT(index_->finish_merge(std::move(merge)).has_value());
    }
    merge_s += ms_since(merge_begin) / 1e3;
  }

  std::filesystem::path directory_;
  std::unique_ptr<DuplicateIndex> index_;
};

// Adding, flushing and merging, one after the other.
void BM_BuildIndex(benchmark::State& state) {
  const BuiltIndex& built = BuiltIndex::get();
  for (auto _ : state) state.SetIterationTime(built.build_s);
  const DuplicateIndex::Size size = built.index().size();
  HF_ASSERT(size.keys == key_count());
  state.SetItemsProcessed(static_cast<std::int64_t>(size.keys));
  state.counters["flush_ms_max"] = built.flush_ms_max;
  state.counters["merge_s"] = built.merge_s;
  state.counters["runs"] = static_cast<double>(size.runs);
  state.counters["memory_MB_max"] = static_cast<double>(built.memory_bytes_max) / 1e6;
  state.counters["disk_MB"] = static_cast<double>(size.disk_bytes) / 1e6;
}
BENCHMARK(BM_BuildIndex)->UseManualTime()->Iterations(1)->Unit(benchmark::kSecond);

void find_batches(benchmark::State& state, bool is_known, std::size_t size) {
  const DuplicateIndex& index = BuiltIndex::get().index();
  const std::uint64_t count = key_count();
  Rng rng(7);
  std::vector<Hash128> keys(size);
  const auto known = std::make_unique<bool[]>(size);
  for (auto _ : state) {
    for (Hash128& key : keys) key = key_of(rng.below(count) + (is_known ? 0 : count));
    const auto found = index.find(keys, {known.get(), size});
    HF_ASSERT(found.has_value());
    for (std::size_t i = 0; i < size; ++i) HF_ASSERT(known[i] == is_known);
  }
  state.SetItemsProcessed(state.iterations() * static_cast<std::int64_t>(size));
}
void BM_FindNewKeys(benchmark::State& state) {
  find_batches(state, false, static_cast<std::size_t>(state.range(0)));
}
void BM_FindKnownKeys(benchmark::State& state) {
  find_batches(state, true, static_cast<std::size_t>(state.range(0)));
}
BENCHMARK(BM_FindNewKeys)->Arg(1)->Arg(500);
BENCHMARK(BM_FindKnownKeys)->Arg(1)->Arg(500);

void BM_OpenIndex(benchmark::State& state) {
  const std::string directory = BuiltIndex::get().directory();
  for (auto _ : state) {
    const auto index = DuplicateIndex::open(real_env(), directory, {}).value();
    HF_ASSERT(index->flushed_end() == key_count() + 1);
  }
}
BENCHMARK(BM_OpenIndex)->Unit(benchmark::kMillisecond);

}  // namespace
}  // namespace hf
