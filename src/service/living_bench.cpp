// SPDX-License-Identifier: Apache-2.0
//
// Retention over a store that is at rest, and over the same one while another thread appends 20,000
// events a second and everything is compacted again and again: from asking for a snapshot to the
// answer. On the disk of TMPDIR (default /tmp).
#include <benchmark/benchmark.h>
#include <fmt/format.h>

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstdlib>
#include <filesystem>
#include <future>
#include <mutex>
#include <thread>

#include "base/assert.h"
#include "base/rng.h"
#include "base/thread_priority.h"
#include "metric/query.h"
#include "service/appender.h"

namespace hf {
namespace {

constexpr std::int64_t days = 180;
constexpr TimestampMs begin_ms = 1'767'571'200'000;  // Monday 2026-01-05.
constexpr std::uint64_t stored_events = 4'000'000;
constexpr std::uint64_t events_per_person = 90;
constexpr std::uint64_t appended_per_second = 20'000;
constexpr std::string_view question =
    R"({"metric":"retention","period":"week","start":{"event":"*"},"return":{"event":"*"},)"
    R"("from":"2026-01-05","to":"2026-06-28"})";

/// 4 million events in parts of a million, one in a hundred with two ids, and a head.
class Shop {
 public:
  Shop() {
    directory_ = (std::filesystem::temp_directory_path() / "hf_living_XXXXXX").string();
    HF_ASSERT(::mkdtemp(directory_.data()) != nullptr);
    store = Store::open(real_env(), directory_, Store::Access::own).value();
    appender = Appender::open(*store).value();
    while (events_ < stored_events + 50'000) {
      add(500);
      HF_ASSERT(appender->commit().has_value());
      if (store->should_flush()) HF_ASSERT(store->flush().has_value());
    }
  }
  ~Shop() {
    appender.reset();
    store.reset();
    std::filesystem::remove_all(directory_);
  }
  Shop(const Shop&) = delete;
  Shop& operator=(const Shop&) = delete;

  void add(int count) {
    for (int i = 0; i < count; ++i, ++events_) {
      const std::uint64_t person = rng_.below(stored_events / events_per_person);
      const std::string user = fmt::format("user-{}", person);
      const std::string visitor = fmt::format("visitor-{}", person);
      const std::string message = fmt::format("message-{}", events_);
      appender->add("bench", {.user_id = user,
                              .anonymous_id = person % 100 == 0 ? visitor : "",
                              .name = events_ % 8 == 0 ? "buy" : "view",
                              .time_ms = begin_ms + rng_.between(0, days * ms_per_day - 1),
                              .message_id = message});
    }
  }

  std::unique_ptr<Store> store;
  std::unique_ptr<Appender> appender;

 private:
  std::string directory_;
  Rng rng_{7};
  std::uint64_t events_ = 0;
};

Shop& shop() {
  static Shop shop;
  return shop;
}

void ask(const Snapshot& snapshot) {
  const QueryContext context{.env = real_env(), .threads = 2};
  const auto answer = answer_query(snapshot, context, question);
  if (!answer) fmt::print(stderr, "{}\n", answer.error().message);
  HF_ASSERT(answer.has_value());
  benchmark::DoNotOptimize(answer->size());
}

void BM_RetentionAtRest(benchmark::State& state) {
  Shop& at = shop();
  ask(at.store->snapshot().value());  // Pages are read.
  for (auto _ : state) ask(at.store->snapshot().value());
}
BENCHMARK(BM_RetentionAtRest)->UseRealTime()->MinTime(5.0)->Unit(benchmark::kMillisecond);

/// The thread that owns the store: appends, compacts, and hands out snapshots.
class Writer {
 public:
  explicit Writer(Shop& shop) : shop_(shop), thread_([this] { run(); }) {}
  ~Writer() {
    stop_ = true;
    thread_.join();
  }
  Writer(const Writer&) = delete;
  Writer& operator=(const Writer&) = delete;

  Snapshot snapshot() {
    std::promise<Snapshot> wanted;
    auto given = wanted.get_future();
    {
      const std::lock_guard lock(mutex_);
      wanted_ = std::move(wanted);
    }
    asked_.notify_one();
    return given.get();
  }

  std::atomic<std::uint64_t> compactions = 0;
  std::atomic<std::uint64_t> appended = 0;

 private:
  void run() {
    using Clock = std::chrono::steady_clock;
    const auto began = Clock::now();
    while (!stop_) {
      shop_.add(200);
      HF_ASSERT(shop_.appender->commit().has_value());
      HF_ASSERT(shop_.appender->maintain().has_value());
      appended += 200;
      compact();
      // Until the next group is due; whoever asks is answered at once.
      const auto due =
          began + std::chrono::microseconds(1'000'000 * appended / appended_per_second);
      std::unique_lock lock(mutex_);
      while (asked_.wait_until(lock, due, [this] { return wanted_.has_value(); })) {
        wanted_->set_value(shop_.store->snapshot().value());
        wanted_.reset();
      }
    }
    if (compaction_ != nullptr) compaction_->cancel();
    if (compacting_.valid()) (void)compacting_.get();
  }

  void compact() {
    if (compaction_ == nullptr) {
      HF_ASSERT(shop_.store->flush().has_value());
      compaction_ = shop_.store->begin_compaction(Store::CompactionKind::full).value();
      if (compaction_ == nullptr) return;
      compacting_ = std::async(std::launch::async, [compaction = compaction_.get()] {
        lower_thread_priority();
        return compaction->run();
      });
      return;
    }
    if (compacting_.wait_for(std::chrono::seconds(0)) != std::future_status::ready) return;
    HF_ASSERT(compacting_.get().has_value());
    HF_ASSERT(shop_.store->finish_compaction(std::move(compaction_)).has_value());
    ++compactions;
  }

  Shop& shop_;
  std::mutex mutex_;
  std::condition_variable asked_;
  std::optional<std::promise<Snapshot>> wanted_;
  std::atomic<bool> stop_ = false;
  std::unique_ptr<Compaction> compaction_;
  std::future<Result<void>> compacting_;
  std::thread thread_;
};

void BM_RetentionWhileAppendingAndCompacting(benchmark::State& state) {
  Writer writer(shop());
  for (auto _ : state) ask(writer.snapshot());
  state.counters["appended"] =
      benchmark::Counter(static_cast<double>(writer.appended), benchmark::Counter::kIsRate);
  state.counters["compactions"] = static_cast<double>(writer.compactions);
}
BENCHMARK(BM_RetentionWhileAppendingAndCompacting)
    ->UseRealTime()
    ->MinTime(15.0)
    ->Unit(benchmark::kMillisecond);

}  // namespace
}  // namespace hf
