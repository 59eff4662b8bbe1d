// SPDX-License-Identifier: Apache-2.0
//
// Test support: events as plain structs, and the snapshot they become.
#pragma once

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <ostream>
#include <string>
#include <utility>
#include <vector>

#include "base/json.h"
#include "base/sim_env.h"
#include "calendar/time_text.h"
#include "calendar/zone.h"
#include "event/event.h"
#include "metric/query_context.h"
#include "store/page_cache.h"
#include "store/part.h"
#include "store/part_builder.h"
#include "store/person_registry.h"
#include "store/snapshot.h"

namespace hf::test {

struct WorldValue {
  ValueKind kind = ValueKind::text;
  std::string text;
  Decimal number = {};
  bool boolean = false;
  [[nodiscard]] ValueView view() const { return {kind, boolean, number, text}; }
};
inline WorldValue text(std::string value) { return {ValueKind::text, std::move(value), {}, {}}; }
inline WorldValue number(const char* value) {
  return {ValueKind::number, "", parse_decimal(value).value(), {}};
}
inline WorldValue boolean(bool value) { return {ValueKind::boolean, "", {}, value}; }
inline WorldValue stored(ValueKind kind, std::string value) {
  return {kind, std::move(value), {}, {}};
}

struct WorldEvent {
  std::string person;
  std::string name;
  TimestampMs time_ms = 0;
  std::vector<std::pair<std::string, WorldValue>> properties;
  int part = 0;                          // Which part of the snapshot it arrives in.
  bool purged = false;                   // Gone, but that it was the first is still known.
  std::optional<bool> where_holds = {};  // Of a query's `where` that asks of persons.

  [[nodiscard]] const WorldValue* find(std::string_view property) const {
    for (const auto& [name_of, value] : properties) {
      if (name_of == property) return &value;
    }
    return nullptr;
  }
  [[nodiscard]] std::vector<PropertyView> views() const {
    std::vector<PropertyView> views;
    for (const auto& [name_of, value] : properties) views.push_back({name_of, value.view()});
    return views;
  }
};

inline std::ostream& operator<<(std::ostream& out, const WorldEvent& event) {
  out << fmt::format("{} {} {} part {}", event.person, event.name,
                     format_rfc3339(event.time_ms, *Zone::utc()), event.part);
  for (const auto& [name, value] : event.properties) {
    out << fmt::format(" {}={}:{}", name, to_string(value.kind), canonical_text(value.view()));
  }
  return out << '\n';
}

/// "2026-01-31T08:00" in UTC, seconds optional.
inline TimestampMs utc(std::string_view time) { return parse_time(time, {}, *Zone::utc()).value(); }

/// Events in the order in which they arrive: part by part, each in the order given.
inline std::vector<WorldEvent> by_arrival(std::vector<WorldEvent> events) {
  std::ranges::stable_sort(events, {}, &WorldEvent::part);
  return events;
}

/// A snapshot of these events, built as an import builds it.
class EventWorld {
 public:
  explicit EventWorld(const std::vector<WorldEvent>& given,
                      TimestampMs now_ms = utc("2026-12-31T12:00"))
      : env_(1), cache_(std::size_t{1} << 28) {
    env_.set_now_ms(now_ms);
    const Env env = env_.env();
    EXPECT_TRUE(env.files.make_directories("/parts"));
    PersonRegistry persons(HashKey{}, 0);
    const std::vector<WorldEvent> events = by_arrival(given);
    for (std::size_t i = 0; i < events.size();) {
      const int part = events[i].part;
      PartBuilder builder(timestamp_end_ms - 1);
      for (; i < events.size() && events[i].part == part; ++i) {
        const auto properties = events[i].views();
        EventView view;
        view.user_id = events[i].person;
        view.name = events[i].name;
        view.time_ms = events[i].time_ms;
        view.properties = properties;
        builder.add(view);
      }
      const std::string file = fmt::format("part{}", part);
      const auto summary = builder.write(
          env,
          {.directory = "/parts",
           .file = file,
           .source = "test",
           .hash_key = {},
           .zone = part % 2 == 0 ? Zone::utc() : nullptr,
           .postings = part % 3 == 0 ? PostingRule{1000, 1000} : PostingRule{400, 600}},
          persons, {});
      EXPECT_TRUE(summary) << summary.error().message;
      auto opened = Part::open(env, "/parts/" + file, cache_);
      EXPECT_TRUE(opened) << opened.error().message;
      snapshot_.parts.push_back(*std::move(opened));
    }
    snapshot_.person_end = persons.next();
    snapshot_.data_version = 7;
  }
  ~EventWorld() { snapshot_.parts.clear(); }
  EventWorld(const EventWorld&) = delete;
  EventWorld& operator=(const EventWorld&) = delete;

  [[nodiscard]] const Snapshot& snapshot() const { return snapshot_; }
  [[nodiscard]] std::map<std::string, PersonOrdinal> ordinals() const {
    std::map<std::string, PersonOrdinal> ordinals;
    for (const auto& part : snapshot_.parts) {
      const auto ids = part->ids().value();
      for (std::size_t i = 0; i < part->persons().size(); ++i) {
        ordinals.emplace(ids->entries[ids->first[i]].user_id, part->persons()[i]);
      }
    }
    return ordinals;
  }
  [[nodiscard]] QueryContext context(unsigned threads = 1) {
    // The clock of the simulation, the zones of the system.
    environment_ = std::make_unique<Env>(
        Env{.files = real_env().files, .clock = env_.env().clock, .random = env_.env().random});
    return {.env = *environment_, .threads = threads};
  }
  SimEnv& env() { return env_; }

 private:
  SimEnv env_;
  PageCache cache_;
  std::unique_ptr<Env> environment_;
  Snapshot snapshot_;
};

template <class Answer>
std::string data_json(const Answer& answer) {
  JsonWriter out;
  write_json(out, answer);
  out.raw(" ");
  std::string text = out.take();
  for (const Warning& warning : answer.warnings) text += "\nwarning " + warning.code;
  return text;
}

}  // namespace hf::test
