// SPDX-License-Identifier: Apache-2.0
#include "predicate/behaviour.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <memory>
#include <utility>

#include "calendar/time_text.h"
#include "predicate/condition.h"
#include "predicate/parsing.h"

namespace hf {
namespace {

Result<std::int64_t> whole_number(std::string_view member, const Json& json,
                                  const std::string& pointer, std::int64_t min, std::int64_t max) {
  if (!json.is_number()) return refuse_type(member, "a whole number", json, pointer);
  const auto number = parse_decimal(json.text);
  if (!number || number->scale != 0 || number->units < min || number->units > max) {
    return refuse("out_of_range",
                  fmt::format("{} is a whole number from {} to {}, not: {}", member, min, max,
                              json.text.substr(0, 64)),
                  pointer_to(pointer, member));
  }
  return number->units;
}

// A number that is a Decimal: what is compared exactly.
Result<Decimal> exact_number(std::string_view member, const Json& json,
                             const std::string& pointer) {
  if (!json.is_number()) return refuse_type(member, "a number", json, pointer);
  if (const auto number = parse_decimal(json.text)) return *number;
  return refuse(
      "out_of_range",
      fmt::format("{} is a number of at most 18 digits, 9 of them decimal places, not: {}", member,
                  json.text.substr(0, 64)),
      pointer_to(pointer, member));
}

Result<std::string_view> choice(std::string_view member, const Json& json,
                                std::span<const std::string_view> known,
                                const std::string& pointer) {
  if (!json.is_text()) {
    return refuse_type(member, fmt::format("one of the texts {}", fmt::join(known, ", ")), json,
                       pointer);
  }
  const auto found = std::ranges::find(known, json.text);
  if (found == known.end()) {
    return refuse_value(member, json.text, known, pointer_to(pointer, member));
  }
  return *found;
}

template <class Enum>
Result<Enum> enumerated(std::string_view member, const Json& json,
                        std::span<const std::string_view> known, const std::string& pointer) {
  HF_TRY(const std::string_view name, choice(member, json, known, pointer));
  return static_cast<Enum>(std::ranges::find(known, name) - known.begin());
}

Result<std::optional<Duration>> parse_within(const Json& json, const std::string& pointer) {
  const Json* within = json.find("within");
  if (within == nullptr) return std::nullopt;
  if (!within->is_text()) {
    return refuse_type("within", "an ISO 8601 duration as text, as P30D", *within, pointer);
  }
  auto duration = parse_duration(within->text);
  if (!duration) {
    duration.error().pointer = pointer_to(pointer, "within");
    return std::unexpected(std::move(duration).error());
  }
  return *duration;
}

Result<Duration> required_within(std::string_view form, const Json& json,
                                 const std::string& pointer) {
  HF_TRY(const auto within, parse_within(json, pointer));
  if (within) return *within;
  return refuse("missing_field", fmt::format("{} needs the member within", form), pointer);
}

Result<std::optional<TimeBound>> parse_bound(std::string_view member, const Json& json,
                                             const std::string& pointer) {
  const Json* bound = json.find(member);
  if (bound == nullptr) return std::nullopt;
  if (!bound->is_text()) {
    return refuse_type(member, "a local date or an RFC 3339 instant as text", *bound, pointer);
  }
  if (const auto day = parse_date(bound->text)) return TimeBound{.day = day};
  if (const auto instant = parse_rfc3339(bound->text)) return TimeBound{.instant = *instant};
  return refuse("invalid_time",
                "expected a local date (2026-01-31) or an RFC 3339 instant "
                "(2026-01-31T08:00:00+01:00) from 1970 to 2100",
                pointer_to(pointer, member));
}

// True where nothing lies between them in any zone: local time is never a day away from UTC.
bool is_reversed(const TimeBound& from, const TimeBound& to) {
  if (from.day && to.day) return *from.day > *to.day;
  const auto earliest = from.day ? (std::int64_t{*from.day} - 1) * ms_per_day : from.instant;
  const auto latest = to.day ? (std::int64_t{*to.day} + 2) * ms_per_day : to.instant;
  return earliest >= latest;
}

Result<void> parse_span(const Json& json, const std::string& pointer, Behaviour& behaviour) {
  HF_TRY(behaviour.within, parse_within(json, pointer));
  HF_TRY(behaviour.from, parse_bound("from", json, pointer));
  HF_TRY(behaviour.to, parse_bound("to", json, pointer));
  if (behaviour.within && (behaviour.from || behaviour.to)) {
    return refuse("unsupported_combination", "within stands instead of from and to",
                  pointer_to(pointer, "within"));
  }
  if (behaviour.from && behaviour.to && is_reversed(*behaviour.from, *behaviour.to)) {
    return refuse("invalid_range", "from lies after to: the range is empty",
                  pointer_to(pointer, "from"));
  }
  return {};
}

Result<Behaviour::Count> parse_count(const Json& json, const std::string& pointer) {
  Behaviour::Count count;
  const Json* asked = json.find("count");
  if (asked == nullptr) return count;
  if (!asked->is_object()) {
    return refuse_type("count", "an object with gte, lte or eq", *asked, pointer);
  }
  const std::string place = pointer_to(pointer, "count");
  HF_CHECK(check_members(*asked, std::to_array<std::string_view>({"gte", "lte", "eq"}), place));
  const Json* gte = asked->find("gte");
  const Json* lte = asked->find("lte");
  const Json* eq = asked->find("eq");
  if (gte == nullptr && lte == nullptr && eq == nullptr) {
    return refuse("missing_field", "count needs one of the members gte, lte and eq", place);
  }
  if (eq != nullptr && (gte != nullptr || lte != nullptr)) {
    return refuse("unsupported_combination", "eq stands alone: gte and lte add nothing to it",
                  pointer_to(place, "eq"));
  }
  const auto number = [&](std::string_view member, const Json& value) {
    return whole_number(member, value, place, 0, limits::did_count_max);
  };
  if (eq != nullptr) {
    HF_TRY(count.min, number("eq", *eq));
    count.max = count.min;
    return count;
  }
  count.min = 0;
  if (gte != nullptr) {
    HF_TRY(count.min, number("gte", *gte));
  }
  if (lte != nullptr) {
    HF_TRY(count.max, number("lte", *lte));
  }
  if (count.min > count.max) {
    return refuse("invalid_range", "gte is above lte: no count is both", pointer_to(place, "gte"));
  }
  return count;
}

}  // namespace

Result<Predicate> PredicateParsing::behaviour(std::string_view form, const Json& json,
                                              const std::string& pointer, std::size_t depth) {
  HF_TRY(Behaviour behaviour, behaviour_of(form, json, pointer, depth));
  Predicate predicate;
  predicate.kind = Predicate::Kind::behaviour;
  predicate.behaviour = std::make_shared<const Behaviour>(std::move(behaviour));
  if (form != "did_not") return predicate;
  Predicate denied;
  denied.kind = Predicate::Kind::negation;
  denied.children.push_back(std::move(predicate));
  return denied;
}

Result<Behaviour> PredicateParsing::behaviour_of(std::string_view form, const Json& json,
                                                 const std::string& pointer, std::size_t depth) {
  if (form == "sequence") return sequence(json, pointer, depth);
  if (form == "first") return first(json, pointer, depth);
  if (form == "regularly") return regularly(json, pointer, depth);
  if (form == "change") return change(json, pointer, depth);
  return did(form, json, pointer, depth);
}

Result<void> PredicateParsing::one_matcher(std::string_view form, const Json& json,
                                           const std::string& pointer, std::size_t depth,
                                           Behaviour& behaviour) {
  HF_TRY(Matcher parsed, matcher(*json.find(form), pointer_to(pointer, form), {}, depth + 1));
  behaviour.matchers.push_back(std::move(parsed));
  return {};
}

Result<Behaviour> PredicateParsing::did(std::string_view form, const Json& json,
                                        const std::string& pointer, std::size_t depth) {
  HF_CHECK(check_members(
      json, std::to_array<std::string_view>({form, "count", "within", "from", "to"}), pointer));
  Behaviour did;
  HF_CHECK(one_matcher(form, json, pointer, depth, did));
  HF_TRY(did.count, parse_count(json, pointer));
  HF_CHECK(parse_span(json, pointer, did));
  return did;
}

Result<Behaviour> PredicateParsing::sequence(const Json& json, const std::string& pointer,
                                             std::size_t depth) {
  HF_CHECK(check_members(json, std::to_array<std::string_view>({"sequence", "within"}), pointer));
  const Json& steps = *json.find("sequence");
  const std::string place = pointer_to(pointer, "sequence");
  if (!steps.is_array()) return refuse_type("sequence", "an array of matchers", steps, pointer);
  if (steps.array.empty()) {
    return refuse("missing_field", "sequence needs at least one matcher", place);
  }
  if (steps.array.size() > limits::sequence_steps_max) {
    return refuse("too_many_values",
                  fmt::format("a sequence has at most {} steps, this one: {}",
                              limits::sequence_steps_max, steps.array.size()),
                  place);
  }
  Behaviour sequence;
  sequence.kind = Behaviour::Kind::sequence;
  for (std::size_t i = 0; i < steps.array.size(); ++i) {
    HF_TRY(Matcher step, matcher(steps.array[i], pointer_to(place, i), {}, depth + 1));
    sequence.matchers.push_back(std::move(step));
  }
  HF_TRY(sequence.within, parse_within(json, pointer));
  return sequence;
}

Result<Behaviour> PredicateParsing::first(const Json& json, const std::string& pointer,
                                          std::size_t depth) {
  HF_CHECK(check_members(json, std::to_array<std::string_view>({"first", "within"}), pointer));
  Behaviour first;
  first.kind = Behaviour::Kind::first;
  HF_CHECK(one_matcher("first", json, pointer, depth, first));
  HF_TRY(first.within, required_within("first", json, pointer));
  return first;
}

Result<Behaviour> PredicateParsing::regularly(const Json& json, const std::string& pointer,
                                              std::size_t depth) {
  HF_CHECK(check_members(json, std::to_array<std::string_view>({"regularly", "periods"}), pointer));
  Behaviour regularly;
  regularly.kind = Behaviour::Kind::regularly;
  HF_CHECK(one_matcher("regularly", json, pointer, depth, regularly));
  const Json* periods = json.find("periods");
  if (periods == nullptr) {
    return refuse("missing_field", "regularly needs the member periods", pointer);
  }
  if (!periods->is_object()) {
    return refuse_type("periods", "an object with of, at_least and last", *periods, pointer);
  }
  const std::string place = pointer_to(pointer, "periods");
  HF_CHECK(
      check_members(*periods, std::to_array<std::string_view>({"of", "at_least", "last"}), place));
  for (const std::string_view member : {"of", "at_least", "last"}) {
    if (periods->find(member) == nullptr) {
      return refuse("missing_field", fmt::format("periods needs the member {}", member), place);
    }
  }
  HF_TRY(regularly.unit,
         enumerated<Behaviour::PeriodUnit>(
             "of", *periods->find("of"),
             std::to_array<std::string_view>({"day", "week", "month", "quarter", "year"}), place));
  HF_TRY(regularly.last,
         whole_number("last", *periods->find("last"), place, 1, limits::regular_periods_max));
  HF_TRY(regularly.at_least,
         whole_number("at_least", *periods->find("at_least"), place, 1, regularly.last));
  return regularly;
}

Result<Behaviour> PredicateParsing::change(const Json& json, const std::string& pointer,
                                           std::size_t depth) {
  HF_CHECK(check_members(json,
                         std::to_array<std::string_view>({"change", "of", "property", "within",
                                                          "against", "op", "ratio", "significant"}),
                         pointer));
  Behaviour change;
  change.kind = Behaviour::Kind::change;
  HF_CHECK(one_matcher("change", json, pointer, depth, change));
  if (const Json* of = json.find("of")) {
    HF_TRY(change.of, enumerated<Behaviour::ChangeOf>(
                          "of", *of, std::to_array<std::string_view>({"count", "sum"}), pointer));
  }
  const Json* property = json.find("property");
  if (change.of == Behaviour::ChangeOf::count && property != nullptr) {
    return refuse("unsupported_combination", "a count asks of no property: \"of\": \"sum\" does",
                  pointer_to(pointer, "property"));
  }
  if (change.of == Behaviour::ChangeOf::sum) {
    if (property == nullptr) {
      return refuse("missing_field", "a sum needs the member property", pointer);
    }
    if (!property->is_text()) return refuse_type("property", "a name as text", *property, pointer);
    change.property = property->text;
  }
  HF_TRY(change.within, required_within("change", json, pointer));
  if (const Json* against = json.find("against")) {
    if (against->is_text() && against->text != "previous") {
      return refuse_value("against", against->text, std::to_array<std::string_view>({"previous"}),
                          pointer_to(pointer, "against"));
    }
    if (!against->is_text()) {
      if (!against->is_number()) {
        return refuse_type("against", "previous or a number above 0", *against, pointer);
      }
      HF_TRY(change.benchmark, exact_number("against", *against, pointer));
      if (change.benchmark->units <= 0) {
        return refuse("out_of_range", "a benchmark is above 0", pointer_to(pointer, "against"));
      }
    }
  }
  for (const std::string_view member : {"op", "ratio"}) {
    if (json.find(member) == nullptr) {
      return refuse("missing_field", fmt::format("change needs the member {}", member), pointer);
    }
  }
  constexpr Op ops[] = {Op::lt, Op::lte, Op::gt, Op::gte};
  HF_TRY(const std::size_t op,
         enumerated<std::size_t>("op", *json.find("op"),
                                 std::to_array<std::string_view>({"lt", "lte", "gt", "gte"}),
                                 pointer));
  change.op = ops[op];
  HF_TRY(change.ratio, exact_number("ratio", *json.find("ratio"), pointer));
  if (change.ratio.units < 0) {
    return refuse("out_of_range", "a ratio is not negative", pointer_to(pointer, "ratio"));
  }
  if (const Json* significant = json.find("significant")) {
    if (!significant->is_boolean()) {
      return refuse_type("significant", "true or false", *significant, pointer);
    }
    change.significant = significant->boolean;
  }
  return change;
}

}  // namespace hf
