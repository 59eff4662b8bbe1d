// SPDX-License-Identifier: Apache-2.0
#include "service/live_feed.h"

#include <fmt/format.h>

#include <utility>

#include "base/json.h"
#include "calendar/time_text.h"

namespace hf {
namespace {

constexpr std::int64_t ns_per_s = 1'000'000'000;

void put_value(JsonWriter& out, const ValueView& value) {
  switch (value.kind) {
    case ValueKind::text: out.text(value.text); return;
    case ValueKind::number: out.raw(value.number.to_string()); return;
    case ValueKind::boolean: out.boolean(value.boolean); return;
    case ValueKind::big_number:
    case ValueKind::list:
    case ValueKind::json: out.raw(value.text); return;
  }
}

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
    out.key("time").text(format_rfc3339(event.time_ms, *Zone::utc()));
    out.key("event").text(event.name);
    if (!event.user_id.empty()) out.key("user_id").text(event.user_id);
    if (!event.anonymous_id.empty()) out.key("anonymous_id").text(event.anonymous_id);
    if (!event.message_id.empty()) out.key("message_id").text(event.message_id);
    if (!event.channel.empty()) out.key("channel").text(event.channel);
    out.key("properties").begin_object();
    for (const PropertyView& property : event.properties) {
      put_value(out.key(property.name), property.value);
    }
    out.end_object().end_object();
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
