// SPDX-License-Identifier: Apache-2.0
//
// How predicates and matchers are parsed: a predicate holds matchers in its behaviours, a matcher
// holds predicates in its `where`, so one parsing with one budget reads both. Private to the
// folder; others call parse_predicate(), parse_people_predicate() and parse_matcher().
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "base/json.h"
#include "base/result.h"
#include "predicate/behaviour.h"
#include "predicate/matcher.h"
#include "predicate/predicate.h"

namespace hf {

/// What is at hand where a predicate is asked.
enum class AskedOf : std::uint8_t { event, person };

class PredicateParsing {
 public:
  /// `depth` counts the predicates and matchers around it. Errors: those of parse_predicate().
  Result<Predicate> predicate(const Json& json, const std::string& pointer, AskedOf asked_of,
                              std::size_t depth);
  Result<Matcher> matcher(const Json& json, const std::string& pointer,
                          std::span<const std::string_view> beside, std::size_t depth);

 private:
  Result<void> spend(std::size_t depth, const std::string& pointer);
  Result<Predicate> combination(const Json& json, Predicate::Kind kind, const std::string& pointer,
                                AskedOf asked_of, std::size_t depth);
  Result<Predicate> negation(const Json& json, const std::string& pointer, AskedOf asked_of,
                             std::size_t depth);

  // Each appends to `choices`; the value is the label.
  Result<std::string> alternatives(const Json& json, const std::string& pointer,
                                   std::span<const std::string_view> beside, std::size_t depth,
                                   std::vector<Matcher::Choice>& choices);
  Result<std::string> any_of(const Json& json, const std::string& pointer,
                             std::span<const std::string_view> beside, std::size_t depth,
                             std::vector<Matcher::Choice>& choices);
  Result<Matcher::Choice> event(const Json& json, const std::string& pointer,
                                std::span<const std::string_view> beside, std::size_t depth);

  // parse_behaviour.cpp
  Result<Predicate> behaviour(std::string_view form, const Json& json, const std::string& pointer,
                              std::size_t depth);
  Result<Behaviour> behaviour_of(std::string_view form, const Json& json,
                                 const std::string& pointer, std::size_t depth);
  Result<void> one_matcher(std::string_view form, const Json& json, const std::string& pointer,
                           std::size_t depth, Behaviour& behaviour);
  Result<Behaviour> did(std::string_view form, const Json& json, const std::string& pointer,
                        std::size_t depth);
  Result<Behaviour> sequence(const Json& json, const std::string& pointer, std::size_t depth);
  Result<Behaviour> first(const Json& json, const std::string& pointer, std::size_t depth);
  Result<Behaviour> regularly(const Json& json, const std::string& pointer, std::size_t depth);
  Result<Behaviour> change(const Json& json, const std::string& pointer, std::size_t depth);

  std::size_t conditions_ = 0;
};

/// The condition on a property or on a trait: its name, op and value. Errors: as above.
[[nodiscard]] Result<Predicate> parse_property(const Json& json, const std::string& pointer);
[[nodiscard]] Result<Predicate> parse_trait(const Json& json, const std::string& pointer,
                                            AskedOf asked_of);
/// stage, layer, stay, segment, consent, tier, balance, score.
[[nodiscard]] Result<Predicate> parse_system_trait(std::string_view form, const Json& json,
                                                   const std::string& pointer);
/// The condition on a number Holdfast keeps of a person: balance and score.
[[nodiscard]] Result<Predicate> parse_measure(std::string_view form, std::string_view prefix,
                                              const Json& json, const std::string& pointer);
/// Reads the members op and value. With `numeric` only operators that compare numbers or ask
/// whether there is one, and only numbers.
[[nodiscard]] Result<void> parse_op_and_value(const Json& json, bool numeric, Predicate& predicate,
                                              const std::string& pointer);

[[nodiscard]] std::unexpected<Error> refuse(std::string_view reason, std::string message,
                                            const std::string& pointer);
/// Refuses the member, naming the nearest known one.
[[nodiscard]] std::unexpected<Error> refuse_member(std::string_view name,
                                                   std::span<const std::string_view> known,
                                                   const std::string& pointer);
[[nodiscard]] Result<void> check_members(const Json& json, std::span<const std::string_view> known,
                                         const std::string& pointer);
/// "stage takes a name as text, not a number".
[[nodiscard]] std::unexpected<Error> refuse_type(std::string_view member, std::string_view expected,
                                                 const Json& json, const std::string& pointer);
/// Refuses a text that is none of `known`, naming the nearest and all of them.
[[nodiscard]] std::unexpected<Error> refuse_value(std::string_view what, std::string_view value,
                                                  std::span<const std::string_view> known,
                                                  const std::string& pointer);

}  // namespace hf
