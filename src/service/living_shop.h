// SPDX-License-Identifier: Apache-2.0
//
// Test support: a shop whose events keep coming while it is asked, and what it is asked.
#pragma once

#include <fmt/format.h>

#include <array>
#include <atomic>
#include <chrono>
#include <condition_variable>
#include <future>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <utility>

#include "base/assert.h"
#include "base/rng.h"
#include "base/thread_priority.h"
#include "service/appender.h"

namespace hf::test {

inline constexpr std::int64_t shop_days = 180;
inline constexpr TimestampMs shop_begin_ms = 1'767'571'200'000;  // Monday 2026-01-05.

/// Adds the i-th event of a shop of so many persons: always the same one. One person in a hundred
/// comes with two ids, its times are anywhere in the shop's days, one in eight is from abroad.
inline void add_shop_event(Appender& appender, std::uint64_t persons, std::uint64_t i) {
  Rng rng(i);
  const std::uint64_t person = rng.below(persons);
  const std::string user = fmt::format("user-{}", person);
  const std::string visitor = fmt::format("visitor-{}", person);
  const std::string message = fmt::format("message-{}", i);
  const std::uint64_t name = rng.below(100);
  const std::uint64_t country = rng.below(8) == 0 ? rng.below(12) : person % 12;
  const std::string country_name = fmt::format("{:c}{:c}", 'A' + country, 'B' + country);
  constexpr std::array platforms = {"ios", "android", "web"};
  const std::array<PropertyView, 3> properties{
      {{"country", {.text = country_name}},
       {"platform", {.text = platforms[person % platforms.size()]}},
       {"price",
        {.kind = ValueKind::number, .number = Decimal::normalized(rng.between(1, 9'999), 2)}}}};
  const bool has_price = name >= 80;
  appender.add("shop", {.user_id = user,
                        .anonymous_id = person % 100 == 0 ? visitor : "",
                        .name = name < 45   ? "view_item"
                                : name < 70 ? "search"
                                : name < 80 ? "page"
                                : name < 90 ? "add_to_cart"
                                : name < 94 ? "begin_checkout"
                                : name < 97 ? "add_payment"
                                            : "purchase",
                        .time_ms = shop_begin_ms + rng.between(0, shop_days * ms_per_day - 1),
                        .message_id = message,
                        .properties = std::span(properties).first(has_price ? 3 : 2)});
}

struct ShopQuestion {
  const char* name;
  const char* query;
};
inline constexpr auto living_questions = std::to_array<ShopQuestion>({
    {"retention by week",
     R"({"metric":"retention","period":"week","from":"2026-01-05","to":"2026-06-28"})"},
    {"of one platform, by rows",
     R"({"metric":"retention","period":"week","from":"2026-01-05","to":"2026-06-28",)"
     R"("where":{"property":"platform","op":"eq","value":"ios"}})"},
    {"by country", R"({"metric":"retention","entry":"first_time","period":"week","periods":12,)"
                   R"("from":"2026-01-05","to":"2026-06-28",)"
                   R"("breakdown":[{"property":"country","attribution":"first_touch"}]})"},
    {"lifecycle by day", R"({"metric":"lifecycle","from":"2026-01-05","to":"2026-06-28"})"},
    {"DAU, WAU, MAU",
     R"({"metric":"stickiness","over_time":true,"from":"2026-01-05","to":"2026-06-28"})"},
    {"trend, total",
     R"({"metric":"trend","series":[{"event":"*"}],"from":"2026-01-05","to":"2026-06-28"})"},
    {"trend, unique", R"({"metric":"trend","series":[{"event":"view_item","math":"unique"}],)"
                      R"("from":"2026-01-05","to":"2026-06-28"})"},
    {"trend, sum",
     R"({"metric":"trend","series":[{"event":"purchase","math":"sum","property":"price"}],)"
     R"("from":"2026-01-05","to":"2026-06-28"})"},
    {"funnel of five steps",
     R"({"metric":"funnel","window":"P7D","from":"2026-01-05","to":"2026-06-28","steps":[)"
     R"({"event":"view_item"},{"event":"add_to_cart"},{"event":"begin_checkout"},)"
     R"({"event":"add_payment"},{"event":"purchase"}]})"},
    {"did 3 times, did not", R"({"metric":"segment_size","as_of":"2026-06-28","people":{"all":[)"
                             R"({"did":{"event":"add_to_cart"},"count":{"gte":3},"within":"P30D"},)"
                             R"({"did_not":{"event":"purchase"},"within":"P14D"}]}})"},
    {"members of a cell",
     R"({"metric":"lifecycle","from":"2026-01-05","to":"2026-06-28",)"
     R"("members":{"cell":{"period":"2026-03-10","kind":"dormant"},"limit":100}})"},
});

/// A thread that owns a store: it appends so many events a second, from the given one on, compacts
/// everything again and again, and hands out snapshots.
class LivingShop {
 public:
  struct Options {
    std::uint64_t persons = 0;
    std::uint64_t first_event = 0;
    std::uint64_t per_second = 20'000;
  };
  LivingShop(Store& store, Appender& appender, Options options)
      : store_(store),
        appender_(appender),
        options_(options),
        event_(options.first_event),
        thread_([this] { run(); }) {}
  ~LivingShop() {
    stop_ = true;
    thread_.join();
  }
  LivingShop(const LivingShop&) = delete;
  LivingShop& operator=(const LivingShop&) = delete;

  /// What there is, and the events before which are in it.
  struct Seen {
    Snapshot snapshot;
    std::uint64_t end_event = 0;
  };
  Seen look() {
    std::promise<Seen> wanted;
    auto given = wanted.get_future();
    {
      const std::lock_guard lock(mutex_);
      wanted_ = std::move(wanted);
    }
    asked_.notify_one();
    return given.get();
  }

  /// The event after the last one; once this has ended, or about so.
  [[nodiscard]] std::uint64_t next_event() const { return event_; }
  [[nodiscard]] std::uint64_t compactions() const { return compactions_; }

 private:
  static constexpr std::uint64_t group = 200;

  void run() {
    using Clock = std::chrono::steady_clock;
    const auto began = Clock::now();
    while (!stop_) {
      for (std::uint64_t i = 0; i < group; ++i)
        add_shop_event(appender_, options_.persons, event_++);
      HF_ASSERT(appender_.commit().has_value());
      HF_ASSERT(appender_.maintain().has_value());
      compact();
      // Until the next group is due; whoever asks is answered at once.
      const std::uint64_t appended = event_ - options_.first_event;
      const auto due =
          began + std::chrono::microseconds(1'000'000 * appended / options_.per_second);
      std::unique_lock lock(mutex_);
      while (asked_.wait_until(lock, due, [this] { return wanted_.has_value(); })) {
        wanted_->set_value({store_.snapshot().value(), event_});
        wanted_.reset();
      }
    }
    if (compaction_ != nullptr) compaction_->cancel();
    if (compacting_.valid()) (void)compacting_.get();
  }

  void compact() {
    if (compaction_ == nullptr) {
      HF_ASSERT(store_.flush().has_value());
      compaction_ = store_.begin_compaction(Store::CompactionKind::full).value();
      if (compaction_ == nullptr) return;
      compacting_ = std::async(std::launch::async, [compaction = compaction_.get()] {
        lower_thread_priority();
        return compaction->run();
      });
      return;
    }
    if (compacting_.wait_for(std::chrono::seconds(0)) != std::future_status::ready) return;
    HF_ASSERT(compacting_.get().has_value());
    HF_ASSERT(store_.finish_compaction(std::move(compaction_)).has_value());
    ++compactions_;
  }

  Store& store_;
  Appender& appender_;
  Options options_;
  std::mutex mutex_;
  std::condition_variable asked_;
  std::optional<std::promise<Seen>> wanted_;
  std::atomic<bool> stop_ = false;
  std::atomic<std::uint64_t> event_;
  std::atomic<std::uint64_t> compactions_ = 0;
  std::unique_ptr<Compaction> compaction_;
  std::future<Result<void>> compacting_;
  std::thread thread_;
};

}  // namespace hf::test
