// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "predicate/parsing.h"

namespace hf {
namespace {

Result<void> check_matcher_members(const Json& json, std::vector<std::string_view> known,
                                   std::span<const std::string_view> beside,
                                   const std::string& pointer) {
  known.insert(known.end(), beside.begin(), beside.end());
  return check_members(json, known, pointer);
}

}  // namespace

Result<Matcher> PredicateParsing::matcher(const Json& json, const std::string& pointer,
                                          std::span<const std::string_view> beside,
                                          std::size_t depth) {
  Matcher parsed;
  HF_TRY(parsed.label, alternatives(json, pointer, beside, depth, parsed.choices));
  return parsed;
}

Result<std::string> PredicateParsing::alternatives(const Json& json, const std::string& pointer,
                                                   std::span<const std::string_view> beside,
                                                   std::size_t depth,
                                                   std::vector<Matcher::Choice>& choices) {
  if (!json.is_object()) {
    return refuse("wrong_type", fmt::format("a matcher is an object, not {}", json.kind_name()),
                  pointer);
  }
  if (depth >= limits::matcher_depth_max) {
    return refuse("too_deep",
                  fmt::format("matchers and the predicates in them nest at most {} deep",
                              limits::matcher_depth_max),
                  pointer);
  }
  std::string label;
  if (json.find("any_of") != nullptr) {
    HF_TRY(label, any_of(json, pointer, beside, depth, choices));
  } else {
    HF_TRY(Matcher::Choice choice, event(json, pointer, beside, depth));
    if (choices.size() == limits::matcher_choices_max) {
      return refuse("too_many_values",
                    fmt::format("a matcher names at most {} events", limits::matcher_choices_max),
                    pointer);
    }
    label = label_of_event(choice.event);
    choices.push_back(std::move(choice));
  }
  const Json* given = json.find("label");
  if (given == nullptr) return label;
  if (!given->is_text()) return refuse_type("label", "a text", *given, pointer);
  return given->text;
}

Result<Matcher::Choice> PredicateParsing::event(const Json& json, const std::string& pointer,
                                                std::span<const std::string_view> beside,
                                                std::size_t depth) {
  HF_CHECK(check_matcher_members(json, {"event", "any_of", "where", "label"}, beside, pointer));
  const Json* name = json.find("event");
  if (name == nullptr) {
    return refuse("missing_field", "a matcher needs one of the members event and any_of", pointer);
  }
  if (!name->is_text()) return refuse_type("event", "an event name as text", *name, pointer);
  if (name->text.empty()) {
    return refuse("missing_field", "the event name is empty; * means any event",
                  pointer_to(pointer, "event"));
  }
  HF_CHECK(spend(depth, pointer));
  Matcher::Choice choice;
  choice.event = name->text;
  if (const Json* where = json.find("where")) {
    HF_TRY(choice.where,
           predicate(*where, pointer_to(pointer, "where"), AskedOf::event, depth + 1));
    choice.has_where = true;
  }
  return choice;
}

Result<std::string> PredicateParsing::any_of(const Json& json, const std::string& pointer,
                                             std::span<const std::string_view> beside,
                                             std::size_t depth,
                                             std::vector<Matcher::Choice>& choices) {
  HF_CHECK(check_matcher_members(json, {"any_of", "label"}, beside, pointer));
  const Json& list = *json.find("any_of");
  const std::string place = pointer_to(pointer, "any_of");
  if (!list.is_array()) return refuse_type("any_of", "an array of matchers", list, pointer);
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
    HF_TRY(std::string label,
           alternatives(list.array[i], pointer_to(place, i), {}, depth + 1, choices));
    if (std::ranges::find(labels, label) == labels.end()) labels.push_back(std::move(label));
  }
  return fmt::format("{}", fmt::join(labels, " or "));
}

Result<Matcher> parse_matcher(const Json& json, const std::string& pointer,
                              std::span<const std::string_view> beside) {
  return PredicateParsing().matcher(json, pointer, beside, 0);
}

}  // namespace hf
