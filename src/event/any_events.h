// SPDX-License-Identifier: Apache-2.0
//
// Test support: random events.
#pragma once

#include <fmt/format.h>

#include <algorithm>
#include <cstdint>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "base/rng.h"
#include "calendar/zone.h"
#include "event/event.h"

namespace hf::test {

struct AnyValue {
  ValueKind kind = ValueKind::text;
  std::string text;
  Decimal number = {};
  bool boolean = false;

  [[nodiscard]] ValueView view() const { return {kind, boolean, number, text}; }
};

struct AnyEvent {
  std::string user;
  std::string anonymous;
  std::string name;
  TimestampMs time = 0;
  std::optional<TimestampMs> received;
  std::string message_id;
  std::string channel;
  std::vector<std::pair<std::string, AnyValue>> properties;

  /// Calls use(EventView).
  template <class Use>
  void with_view(Use&& use) const {
    std::vector<PropertyView> views;
    for (const auto& [property, value] : properties) views.push_back({property, value.view()});
    use(EventView{.user_id = user,
                  .anonymous_id = anonymous,
                  .name = name,
                  .time_ms = time,
                  .received_at_ms = received,
                  .message_id = message_id,
                  .channel = channel,
                  .properties = views});
  }
};

inline Decimal any_decimal(Rng& rng) {
  const auto scale = static_cast<int>(rng.between(0, Decimal::scale_max));
  switch (rng.below(5)) {
    case 0: return Decimal::normalized(rng.between(-300, 300), scale);
    case 1: return Decimal::normalized(rng.between(INT64_MIN, INT64_MAX), scale);
    case 2: return Decimal::normalized(rng.chance(0.5) ? INT64_MIN : INT64_MAX, scale);
    case 3: return Decimal::normalized(rng.between(0, 100'000), 2);
    default: return Decimal::normalized(rng.between(0, 10), 0);
  }
}

inline AnyValue any_value(Rng& rng) {
  const auto kind = static_cast<ValueKind>(rng.between(1, 6));
  AnyValue value{.kind = kind};
  switch (kind) {
    case ValueKind::number: value.number = any_decimal(rng); break;
    case ValueKind::boolean: value.boolean = rng.chance(0.5); break;
    case ValueKind::text:
      value.text = rng.chance(0.1) ? std::string() : fmt::format("Größe {}", rng.below(20));
      break;
    case ValueKind::big_number: value.text = fmt::format("1{:030}", rng.below(9)); break;
    case ValueKind::list: value.text = fmt::format("[{},\"x\"]", rng.below(9)); break;
    case ValueKind::json: value.text = fmt::format("[{{\"sku\":{}}}]", rng.below(9)); break;
  }
  return value;
}

/// Small ranges everywhere, so that persons, times, names and ids collide.
inline AnyEvent any_event(Rng& rng) {
  AnyEvent event;
  if (rng.chance(0.7)) event.user = fmt::format("u{}", rng.below(6));
  if (event.user.empty() || rng.chance(0.4)) event.anonymous = fmt::format("a{}", rng.below(5));
  event.name = fmt::format("event {}", std::min(rng.below(8), rng.below(8)));
  switch (rng.below(4)) {
    case 0: event.time = rng.between(0, 5) * ms_per_day; break;
    case 1: event.time = 1'600'000'000'000 + rng.between(0, 3'000); break;
    case 2: event.time = rng.between(timestamp_min_ms, timestamp_end_ms - 1); break;
    default: event.time = 1'600'000'000'000 + rng.between(0, 30) * 60'000; break;
  }
  if (rng.chance(0.2)) event.received = event.time + rng.between(-2, 2) * ms_per_day;
  if (event.received) {
    event.received =
        std::clamp<TimestampMs>(*event.received, timestamp_min_ms, timestamp_end_ms - 1);
  }
  if (rng.chance(0.5)) event.message_id = fmt::format("m{}", rng.below(200));
  if (rng.chance(0.3)) event.channel = rng.chance(0.5) ? "web" : "app";
  std::set<std::string> used;
  for (std::uint64_t n = rng.below(5); n > 0; --n) {
    const std::string name = fmt::format("p{}", rng.below(6));
    if (!used.insert(name).second) continue;
    // Mostly of one kind, sometimes of another.
    event.properties.emplace_back(name, any_value(rng));
  }
  if (rng.chance(0.1)) {
    event.name = "alias";
    AnyValue previous{.kind = ValueKind::text, .text = fmt::format("u{}", rng.below(6))};
    if (rng.chance(0.8)) event.properties.emplace_back("previous_id", previous);
  }
  return event;
}

inline std::vector<AnyEvent> any_events(Rng& rng, std::size_t count) {
  // Now and then every event has a value of everything, and often none of something.
  const bool has_message_ids = rng.chance(0.7);
  const bool has_channels = rng.chance(0.7);
  std::vector<AnyEvent> events;
  for (std::size_t i = 0; i < count; ++i) {
    AnyEvent& event = events.emplace_back(any_event(rng));
    if (!has_message_ids) event.message_id.clear();
    if (!has_channels) event.channel.clear();
  }
  return events;
}

}  // namespace hf::test
