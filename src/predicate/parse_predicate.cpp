// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <utility>

#include "predicate/parsing.h"

namespace hf {
namespace {

// The member that says which form of QUERY.md a predicate is. What a form asks of is named by
// members that may be forms themselves (the property of a change): the first of this list counts.
constexpr auto forms = std::to_array<std::string_view>(
    {"change", "all", "any", "not", "did", "did_not", "sequence", "first", "regularly", "trait",
     "stage", "layer", "stay", "tier", "segment", "consent", "score", "balance", "property"});
// Members beside it: alone they are no misspelt form.
constexpr auto other_members =
    std::to_array<std::string_view>({"op", "value", "at", "count", "within", "from", "to",
                                     "periods", "of", "against", "ratio", "significant"});

bool is_one_of(std::string_view name, std::span<const std::string_view> names) {
  return std::ranges::find(names, name) != names.end();
}

Result<std::string_view> form_of(const Json& json, const std::string& pointer) {
  if (json.find("change") != nullptr) return "change";
  for (const auto& [name, value] : json.object) {
    const auto form = std::ranges::find(forms, name);
    if (form != forms.end()) return *form;
  }
  for (const auto& [name, value] : json.object) {
    if (!is_one_of(name, other_members)) return refuse_member(name, forms, pointer);
  }
  return refuse("missing_field",
                fmt::format("a predicate has one of the members {}", fmt::join(forms, ", ")),
                pointer);
}

}  // namespace

Result<void> PredicateParsing::spend(std::size_t depth, const std::string& pointer) {
  if (depth >= limits::predicate_depth_max) {
    return refuse("too_deep",
                  fmt::format("predicates and the matchers in them nest at most {} deep",
                              limits::predicate_depth_max),
                  pointer);
  }
  if (++conditions_ > limits::predicate_conditions_max) {
    return refuse("too_many_values",
                  fmt::format("a predicate holds at most {} conditions; a list of values is one, "
                              "an event of a matcher another",
                              limits::predicate_conditions_max),
                  pointer);
  }
  return {};
}

Result<Predicate> PredicateParsing::predicate(const Json& json, const std::string& pointer,
                                              AskedOf asked_of, std::size_t depth) {
  if (!json.is_object()) {
    return refuse("wrong_type", fmt::format("a predicate is an object, not {}", json.kind_name()),
                  pointer);
  }
  HF_CHECK(spend(depth, pointer));
  HF_TRY(const std::string_view form, form_of(json, pointer));
  if (form == "all") return combination(json, Predicate::Kind::all, pointer, asked_of, depth);
  if (form == "any") return combination(json, Predicate::Kind::any, pointer, asked_of, depth);
  if (form == "not") return negation(json, pointer, asked_of, depth);
  if (form == "property") {
    if (asked_of == AskedOf::event) return parse_property(json, pointer);
    return refuse("unsupported_combination",
                  "no event is at hand where persons are asked about: a property belongs into the "
                  "where of a matcher, as in {\"did\": {\"event\": .., \"where\": ..}}",
                  pointer_to(pointer, "property"));
  }
  if (form == "trait") return parse_trait(json, pointer, asked_of);
  constexpr auto behaviours = std::to_array<std::string_view>(
      {"did", "did_not", "sequence", "first", "regularly", "change"});
  if (is_one_of(form, behaviours)) return behaviour(form, json, pointer, depth);
  return parse_system_trait(form, json, pointer);
}

Result<Predicate> PredicateParsing::combination(const Json& json, Predicate::Kind kind,
                                                const std::string& pointer, AskedOf asked_of,
                                                std::size_t depth) {
  const std::string_view name = kind == Predicate::Kind::all ? "all" : "any";
  HF_CHECK(check_members(json, std::array{name}, pointer));
  const Json& list = *json.find(name);
  const std::string place = pointer_to(pointer, name);
  if (!list.is_array()) return refuse_type(name, "an array of predicates", list, pointer);
  // No condition is a condition that holds, but no alternative is a slip of the one who asks.
  if (kind == Predicate::Kind::any && list.array.empty()) {
    return refuse("missing_field", "any needs at least one predicate: without, nothing holds",
                  place);
  }
  Predicate combined;
  combined.kind = kind;
  for (std::size_t i = 0; i < list.array.size(); ++i) {
    HF_TRY(Predicate child, predicate(list.array[i], pointer_to(place, i), asked_of, depth + 1));
    combined.children.push_back(std::move(child));
  }
  return combined;
}

Result<Predicate> PredicateParsing::negation(const Json& json, const std::string& pointer,
                                             AskedOf asked_of, std::size_t depth) {
  HF_CHECK(check_members(json, std::to_array<std::string_view>({"not"}), pointer));
  HF_TRY(Predicate child,
         predicate(*json.find("not"), pointer_to(pointer, "not"), asked_of, depth + 1));
  Predicate denied;
  denied.kind = Predicate::Kind::negation;
  denied.children.push_back(std::move(child));
  return denied;
}

Result<Predicate> parse_predicate(const Json& json, const std::string& pointer) {
  return PredicateParsing().predicate(json, pointer, AskedOf::event, 0);
}

Result<Predicate> parse_people_predicate(const Json& json, const std::string& pointer) {
  return PredicateParsing().predicate(json, pointer, AskedOf::person, 0);
}

}  // namespace hf
