// SPDX-License-Identifier: Apache-2.0
#include "predicate/matcher.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <utility>

#include "event/event.h"
#include "predicate/nearest_name.h"

namespace hf {
namespace {

constexpr std::string_view any_name = "*";
constexpr std::string_view any_label = "any event";

bool is_meant(std::string_view wanted, std::string_view name) {
  return wanted == any_name ? !is_inactive_name(name) : wanted == name;
}

std::unexpected<Error> refuse(std::string_view reason, std::string message,
                              const std::string& pointer) {
  return fail(ErrorCode::invalid_argument, reason, std::move(message), pointer);
}

Result<void> check_members(const Json& json, std::span<const std::string_view> own,
                           std::span<const std::string_view> beside, const std::string& pointer) {
  std::vector<std::string_view> known(own.begin(), own.end());
  known.insert(known.end(), beside.begin(), beside.end());
  for (const auto& [name, value] : json.object) {
    if (std::ranges::find(known, name) != known.end()) continue;
    return refuse("unknown_field",
                  fmt::format("unknown member; the nearest known one is {}: {}",
                              nearest_name(name, known), name),
                  pointer_to(pointer, name));
  }
  return {};
}

class MatcherParsing {
 public:
  // Appends to `choices`; the value is the label.
  Result<std::string> parse(const Json& json, const std::string& pointer,
                            std::span<const std::string_view> beside, std::size_t depth) {
    if (!json.is_object()) {
      return refuse("wrong_type", fmt::format("a matcher is an object, not {}", json.kind_name()),
                    pointer);
    }
    if (depth > limits::matcher_depth_max) {
      return refuse("too_deep",
                    fmt::format("matchers nest at most {} deep", limits::matcher_depth_max),
                    pointer);
    }
    const bool is_any_of = json.find("any_of") != nullptr;
    HF_TRY(std::string label, is_any_of ? parse_any_of(json, pointer, beside, depth)
                                        : parse_event(json, pointer, beside));
    const Json* given = json.find("label");
    if (given == nullptr) return label;
    if (!given->is_text()) {
      return refuse("wrong_type", fmt::format("label takes a text, not {}", given->kind_name()),
                    pointer_to(pointer, "label"));
    }
    return given->text;
  }

  std::vector<Matcher::Choice> choices;

 private:
  Result<std::string> parse_event(const Json& json, const std::string& pointer,
                                  std::span<const std::string_view> beside) {
    constexpr std::array<std::string_view, 4> known = {"event", "any_of", "where", "label"};
    HF_CHECK(check_members(json, known, beside, pointer));
    const Json* event = json.find("event");
    if (event == nullptr) {
      return refuse("missing_field", "a matcher needs one of the members event and any_of",
                    pointer);
    }
    if (!event->is_text()) {
      return refuse("wrong_type",
                    fmt::format("event takes an event name as text, not {}", event->kind_name()),
                    pointer_to(pointer, "event"));
    }
    if (event->text.empty()) {
      return refuse("missing_field", "the event name is empty; * means any event",
                    pointer_to(pointer, "event"));
    }
    if (choices.size() == limits::matcher_choices_max) {
      return refuse("too_many_values",
                    fmt::format("a matcher names at most {} events", limits::matcher_choices_max),
                    pointer);
    }
    Matcher::Choice choice;
    choice.event = event->text;
    if (const Json* where = json.find("where")) {
      HF_TRY(choice.where, parse_predicate(*where, pointer_to(pointer, "where")));
      choice.has_where = true;
    }
    choices.push_back(std::move(choice));
    return event->text == any_name ? std::string(any_label) : event->text;
  }

  Result<std::string> parse_any_of(const Json& json, const std::string& pointer,
                                   std::span<const std::string_view> beside, std::size_t depth) {
    constexpr std::array<std::string_view, 2> known = {"any_of", "label"};
    HF_CHECK(check_members(json, known, beside, pointer));
    const Json& list = *json.find("any_of");
    const std::string place = pointer_to(pointer, "any_of");
    if (!list.is_array()) {
      return refuse("wrong_type",
                    fmt::format("any_of takes an array of matchers, not {}", list.kind_name()),
                    place);
    }
    if (list.array.empty()) {
      return refuse("missing_field", "any_of needs at least one matcher", place);
    }
    if (list.array.size() > limits::matcher_choices_max) {
      return refuse("too_many_values",
                    fmt::format("any_of holds at most {} matchers, this one: {}",
                                limits::matcher_choices_max, list.array.size()),
                    place);
    }
    std::vector<std::string> labels;
    for (std::size_t i = 0; i < list.array.size(); ++i) {
      HF_TRY(std::string label, parse(list.array[i], pointer_to(place, i), {}, depth + 1));
      if (std::ranges::find(labels, label) == labels.end()) labels.push_back(std::move(label));
    }
    return fmt::format("{}", fmt::join(labels, " or "));
  }
};

}  // namespace

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
      choices, [&](const Choice& choice) { return is_meant(choice.event, event_name); });
}

Result<Matcher> parse_matcher(const Json& json, const std::string& pointer,
                              std::span<const std::string_view> beside) {
  MatcherParsing parsing;
  HF_TRY(std::string label, parsing.parse(json, pointer, beside, 1));
  return Matcher{.choices = std::move(parsing.choices), .label = std::move(label)};
}

bool matches(const Matcher& matcher, const EventView& event) {
  return std::ranges::any_of(matcher.choices, [&](const Matcher::Choice& choice) {
    return is_meant(choice.event, event.name) &&
           (!choice.has_where || satisfies(choice.where, event.properties));
  });
}

}  // namespace hf
