// SPDX-License-Identifier: Apache-2.0
//
// Test support: one person's events, written down in a test, and questions about them.
#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <deque>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/env.h"
#include "base/json.h"
#include "calendar/time_text.h"
#include "calendar/zone.h"
#include "predicate/condition.h"
#include "predicate/person_predicate.h"
#include "predicate/predicate.h"

namespace hf::test {

/// In test texts ' stands for ".
inline Json json_of(std::string text) {
  std::ranges::replace(text, '\'', '"');
  const auto json = parse_json(text);
  EXPECT_TRUE(json) << text;
  return json ? *json : Json{};
}

inline Predicate predicate_of(const std::string& text) {
  auto predicate = parse_predicate(json_of(text), "");
  EXPECT_TRUE(predicate) << text << ": " << predicate.error().pointer << ' '
                         << predicate.error().message;
  return predicate ? *std::move(predicate) : Predicate{};
}

inline std::shared_ptr<const Zone> zone_of(std::string_view name) {
  auto zone = Zone::load(real_env(), name);
  EXPECT_TRUE(zone) << name;
  return zone ? *zone : Zone::utc();
}

/// "2026-01-31 09:00", seconds and fraction may follow, local to `zone` where no offset does.
inline TimestampMs instant(std::string_view text, const Zone& zone) {
  const auto time = parse_time(text, {}, zone);
  EXPECT_TRUE(time) << text;
  return time ? *time : 0;
}

/// The events of one person, in the order in which they are told.
class Life {
 public:
  explicit Life(std::string_view zone = "UTC") : zone_(zone_of(zone)) {}

  /// Of scalars, `properties` is their JSON object.
  Life& at(std::string_view time, std::string_view name, const std::string& properties = "{}") {
    return at_ms(instant(time, *zone_), name, properties);
  }
  Life& at_ms(TimestampMs time_ms, std::string_view name, const std::string& properties = "{}") {
    EventView event;
    event.user_id = "u";
    event.name = told_->texts.emplace_back(name);
    event.time_ms = time_ms;
    auto& views = told_->properties.emplace_back();
    for (const auto& [key, value] : json_of(properties).object) {
      const Scalar& scalar = told_->values.emplace_back(scalar_of(value));
      views.push_back({told_->texts.emplace_back(key), scalar.view()});
    }
    event.properties = views;
    events_.push_back(event);
    return *this;
  }

  [[nodiscard]] PersonHistory history() const { return {events_}; }
  [[nodiscard]] const Zone& zone() const { return *zone_; }

  [[nodiscard]] bool holds(const std::string& predicate, std::string_view as_of) const {
    return holds_at(predicate_of(predicate), history(), {instant(as_of, *zone_)}, *zone_);
  }
  /// At each event, asked at `as_of`: "x" where it holds, "." where not.
  [[nodiscard]] std::string at_events(const std::string& predicate, std::string_view as_of) const {
    const Predicate parsed = predicate_of(predicate);
    PersonPredicate bound(parsed, history(), instant(as_of, *zone_), *zone_);
    std::string held;
    for (std::size_t i = 0; i < bound.event_count(); ++i)
      held += bound.holds_at_event(i) ? 'x' : '.';
    return held;
  }

 private:
  static Scalar scalar_of(const Json& value) {
    switch (value.kind) {
      case Json::Kind::number: return scalar_of_number(value.text);
      case Json::Kind::boolean: return {.kind = ValueKind::boolean, .boolean = value.boolean};
      case Json::Kind::text: return {.text = value.text};
      default: ADD_FAILURE() << value.kind_name(); return {};
    }
  }

  // What the events' views point to: a copy of a life shares it.
  struct Told {
    std::deque<std::string> texts;
    std::deque<Scalar> values;
    std::deque<std::vector<PropertyView>> properties;
  };
  std::shared_ptr<const Zone> zone_;
  std::shared_ptr<Told> told_ = std::make_shared<Told>();
  std::vector<EventView> events_;
};

}  // namespace hf::test
