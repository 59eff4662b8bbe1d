// SPDX-License-Identifier: Apache-2.0
//
// Test support: a shop whose events keep coming while it is asked, and what it is asked.
#pragma once

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <chrono>
#include <functional>
#include <limits>
#include <memory>
#include <span>
#include <string>
#include <thread>
#include <utility>

#include "base/assert.h"
#include "base/rng.h"
#include "base/thread_priority.h"
#include "service/appender.h"
#include "service/workspace.h"

namespace hf::test {

inline constexpr std::int64_t shop_days = 180;
inline constexpr TimestampMs shop_begin_ms = 1'767'571'200'000;  // Monday 2026-01-05.

/// Adds the i-th event of a shop of so many persons: always the same one. One person in a hundred
/// comes with two ids, its times are anywhere in the shop's days, one in eight is from abroad.
inline void add_shop_event(PreparedEvents& events, std::uint64_t persons, std::uint64_t i) {
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
  events.add({.user_id = user,
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

/// The events [first, end).
inline PreparedEvents shop_events(const HashKey& key, std::uint64_t persons, std::uint64_t first,
                                  std::uint64_t end) {
  PreparedEvents events(key, "shop");
  for (std::uint64_t i = first; i < end; ++i) add_shop_event(events, persons, i);
  return events;
}

/// A data directory with the events before `end`, in parts but for about a quarter of a million at
/// the most.
inline void write_shop(const std::string& directory, std::uint64_t persons, std::uint64_t end,
                       const Store::Options& options = {}) {
  const auto store = Store::open(real_env(), directory, Store::Access::own, options).value();
  const auto appender = Appender::open(*store).value();
  constexpr std::uint64_t group = 5'000;
  for (std::uint64_t i = 0; i < end; i += group) {
    appender->add(shop_events(store->manifest().hash_key, persons, i, std::min(end, i + group)));
    HF_ASSERT(appender->commit().has_value());
    if (store->should_flush()) HF_ASSERT(store->flush().has_value());
  }
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

/// Sends a workspace so many events a second, from the given one on, and has all of its parts
/// compacted again and again.
class LivingShop {
 public:
  struct Options {
    std::uint64_t persons = 0;
    std::uint64_t first_event = 0;
    std::uint64_t per_second = 20'000;
    /// Of events not yet compacted: more wait for that, however slow the machine is.
    std::uint64_t ahead_max = std::numeric_limits<std::uint64_t>::max();
    Urgency compaction = Urgency::whenever;
  };
  LivingShop(Workspace& workspace, Options options)
      : workspace_(workspace),
        options_(options),
        event_(options.first_event),
        compacted_(event_.load()) {
    sending_ = std::thread([this] { send(); });
    compacting_ = std::thread([this] { compact(); });
  }
  ~LivingShop() { stop(); }
  LivingShop(const LivingShop&) = delete;
  LivingShop& operator=(const LivingShop&) = delete;

  /// Returns the event after the last one that was sent.
  std::uint64_t stop() {
    stop_ = true;
    wake_sender();
    if (sending_.joinable()) sending_.join();
    if (compacting_.joinable()) compacting_.join();
    return event_;
  }
  [[nodiscard]] std::uint64_t compactions() const { return compactions_; }

 private:
  void send() {
    using Steady = std::chrono::steady_clock;
    constexpr std::uint64_t group = 200;
    const auto began = Steady::now();
    while (!stop_) {
      const std::uint64_t seen = turn_;
      if (event_ - compacted_ > options_.ahead_max) {
        if (!stop_) turn_.wait(seen);
        continue;
      }
      PreparedEvents events =
          shop_events(workspace_.hash_key(), options_.persons, event_, event_ + group);
      HF_ASSERT(
          workspace_
              .submit(std::move(events), [](const auto& done) { HF_ASSERT(done.has_value()); })
              .has_value());
      event_ += group;
      const std::uint64_t sent = event_ - options_.first_event;
      std::this_thread::sleep_until(
          began + std::chrono::microseconds(1'000'000 * sent / options_.per_second));
    }
  }

  void compact() {
    lower_thread_priority(options_.compaction);
    while (!stop_) {
      const std::uint64_t end = event_;
      flush();
      std::unique_ptr<Compaction> compaction;
      with_store([&](Store& store) -> Result<void> {
        HF_TRY(compaction, store.begin_compaction(Store::CompactionKind::full));
        return {};
      });
      if (compaction == nullptr) continue;
      HF_ASSERT(compaction->run().has_value());
      with_store([&](Store& store) { return store.finish_compaction(std::move(compaction)); });
      compacted_ = end;
      ++compactions_;
      wake_sender();
    }
  }

  void wake_sender() {
    ++turn_;
    turn_.notify_one();
  }

  // Beside, as the workspace does it when more events came than will here.
  void flush() {
    std::unique_ptr<Flush> flush;
    with_store([&](Store& store) -> Result<void> {
      if (store.head_rows() == 0) return {};
      HF_TRY(flush, store.begin_flush());
      return {};
    });
    if (flush == nullptr) return;
    HF_ASSERT(flush->run().has_value());
    with_store([&](Store& store) { return store.finish_flush(std::move(flush)); });
  }

  void with_store(const std::function<Result<void>(Store&)>& use) {
    HF_ASSERT(workspace_.with_store(use).has_value());
  }

  Workspace& workspace_;
  Options options_;
  std::atomic<bool> stop_ = false;
  std::atomic<std::uint64_t> event_;      // The next one to be sent.
  std::atomic<std::uint64_t> compacted_;  // Those before, or most of them, are.
  std::atomic<std::uint64_t> compactions_ = 0;
  std::atomic<std::uint64_t> turn_ = 0;  // Goes up where what the sender waits for may be so.
  std::thread sending_;
  std::thread compacting_;
};

}  // namespace hf::test
