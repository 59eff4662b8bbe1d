// SPDX-License-Identifier: Apache-2.0
#include "service/live_feed.h"

#include <fmt/format.h>

#include <utility>

#include "base/json.h"
#include "calendar/time_text.h"
#include "service/event_json.h"

namespace hf {
namespace {

constexpr std::int64_t ns_per_s = 1'000'000'000;

}  // namespace

void LiveFeed::watch(Watcher watcher) {
  watchers_.lock()->push_back({std::move(watcher), env_.clock.monotonic_ns() / ns_per_s});
}

void LiveFeed::tell(std::string_view kind, const std::function<std::string()>& make) {
  const std::int64_t second = env_.clock.monotonic_ns() / ns_per_s;
  const auto watchers = watchers_.lock();
  std::string json;
  for (auto at = watchers->begin(); at != watchers->end();) {
    if (at->second != second) {
      at->second = second;
      at->told = 0;
    }
    if (at->told == items_per_s_max) {
      ++at->skipped;
      ++at;
      continue;
    }
    ++at->told;
    if (json.empty()) json = make();
    at = at->watcher(kind, json) ? std::next(at) : watchers->erase(at);
  }
}

void LiveFeed::show(std::string_view source, const EventView& event, TimestampMs received_ms) {
  tell("event", [&] {
    JsonWriter out;
    out.begin_object();
    out.key("source").text(source);
    out.key("received_at").text(format_rfc3339(received_ms, *Zone::utc()));
    write_event(out, event);
    out.end_object();
    return out.take();
  });
}

void LiveFeed::show(const Refusal& refusal) {
  tell("refusal", [&] {
    JsonWriter out;
    out.begin_object();
    out.key("source").text(refusal.source);
    out.key("received_at").text(format_rfc3339(refusal.received_ms, *Zone::utc()));
    out.key("reason").text(refusal.reason);
    out.key("message").text(refusal.message);
    out.key("text").text(refusal.text);
    out.end_object();
    return out.take();
  });
}

void LiveFeed::tick() {
  const auto watchers = watchers_.lock();
  std::erase_if(*watchers, [](Watching& each) {
    const std::uint64_t skipped = std::exchange(each.skipped, 0);
    if (skipped == 0) return !each.watcher("idle", {});
    return !each.watcher("skipped", fmt::format(R"({{"count":{}}})", skipped));
  });
}

}  // namespace hf
