// SPDX-License-Identifier: Apache-2.0
#include "predicate/matcher.h"

#include <algorithm>

#include "event/event.h"

namespace hf {
namespace {

constexpr std::string_view any_name = "*";
constexpr std::string_view any_label = "any event";

}  // namespace

bool event_is_meant(std::string_view wanted, std::string_view name) {
  return wanted == any_name ? !is_inactive_name(name) : wanted == name;
}

std::string label_of_event(std::string_view event) {
  return std::string(event == any_name ? any_label : event);
}

Matcher Matcher::any_event() {
  Matcher matcher;
  matcher.choices.push_back({.event = std::string(any_name), .where = {}});
  matcher.label = any_label;
  return matcher;
}

bool Matcher::is_any_event() const {
  const bool has_every = std::ranges::any_of(
      choices, [](const Choice& choice) { return choice.event == any_name && !choice.has_where; });
  return has_every && std::ranges::none_of(choices, [](const Choice& choice) {
           return is_inactive_name(choice.event);
         });
}

bool Matcher::names(std::string_view event_name) const {
  return std::ranges::any_of(
      choices, [&](const Choice& choice) { return event_is_meant(choice.event, event_name); });
}

bool matches(const Matcher& matcher, const EventView& event) {
  return std::ranges::any_of(matcher.choices, [&](const Matcher::Choice& choice) {
    return event_is_meant(choice.event, event.name) &&
           (!choice.has_where || satisfies(choice.where, event.properties));
  });
}

}  // namespace hf
