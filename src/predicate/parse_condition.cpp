// SPDX-License-Identifier: Apache-2.0
//
// Conditions with an operator: on a property, on a trait, and on what Holdfast found of a person.
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <utility>

#include "predicate/condition.h"
#include "predicate/nearest_name.h"
#include "predicate/parsing.h"
#include "predicate/pattern.h"

namespace hf {
namespace {

enum class Argument : std::uint8_t { none, text, scalar, two, list, scalar_or_list };

struct OpInfo {
  std::string_view name;
  Op op;
  bool has_case_insensitive;
  Argument argument;
};

constexpr std::string_view case_insensitive_suffix = "_ci";

constexpr std::array op_infos = {
    OpInfo{"eq", Op::eq, true, Argument::scalar_or_list},
    OpInfo{"ne", Op::ne, true, Argument::scalar_or_list},
    OpInfo{"lt", Op::lt, false, Argument::scalar},
    OpInfo{"lte", Op::lte, false, Argument::scalar},
    OpInfo{"gt", Op::gt, false, Argument::scalar},
    OpInfo{"gte", Op::gte, false, Argument::scalar},
    OpInfo{"between", Op::between, false, Argument::two},
    OpInfo{"in", Op::in, true, Argument::list},
    OpInfo{"not_in", Op::not_in, true, Argument::list},
    OpInfo{"contains", Op::contains, true, Argument::scalar_or_list},
    OpInfo{"not_contains", Op::not_contains, true, Argument::scalar_or_list},
    OpInfo{"starts_with", Op::starts_with, true, Argument::scalar_or_list},
    OpInfo{"ends_with", Op::ends_with, true, Argument::scalar_or_list},
    OpInfo{"matches", Op::matches, true, Argument::text},
    OpInfo{"exists", Op::exists, false, Argument::none},
    OpInfo{"not_exists", Op::not_exists, false, Argument::none},
};

std::unexpected<Error> refuse_null(const std::string& pointer) {
  return refuse("wrong_type",
                "null is no value: to ask for events without the property use not_exists", pointer);
}

Result<Scalar> parse_scalar(const Json& json, const std::string& pointer) {
  switch (json.kind) {
    case Json::Kind::text: return Scalar{.kind = ValueKind::text, .text = json.text};
    case Json::Kind::boolean: return Scalar{.kind = ValueKind::boolean, .boolean = json.boolean};
    case Json::Kind::number: return scalar_of_number(json.text);
    case Json::Kind::null: return refuse_null(pointer);
    case Json::Kind::array:
    case Json::Kind::object: break;
  }
  return refuse("wrong_type",
                fmt::format("a value is a text, a number, true or false, not {}", json.kind_name()),
                pointer);
}

Result<void> parse_list(const Json& json, const OpInfo& info, Predicate& predicate,
                        const std::string& pointer) {
  const std::size_t count = json.array.size();
  if (count > limits::predicate_values_max) {
    return refuse("too_many_values",
                  fmt::format("a list holds at most {} values, this one: {}",
                              limits::predicate_values_max, count),
                  pointer);
  }
  if (info.argument == Argument::two && count != 2) {
    return refuse(count < 2 ? "missing_field" : "too_many_values",
                  fmt::format("{} takes two values, low and high, not: {}", info.name, count),
                  pointer);
  }
  if (count == 0) {
    return refuse("missing_field", fmt::format("{} needs at least one value", info.name), pointer);
  }
  for (std::size_t i = 0; i < count; ++i) {
    HF_TRY(Scalar value, parse_scalar(json.array[i], pointer_to(pointer, i)));
    predicate.values.push_back(std::move(value));
  }
  return {};
}

Result<OpInfo> parse_op(const Json& json, Predicate& predicate, const std::string& pointer) {
  if (!json.is_text()) {
    return refuse("wrong_type",
                  fmt::format("op takes the name of an operator as text, not {}", json.kind_name()),
                  pointer);
  }
  std::string_view name = json.text;
  const bool case_insensitive = name.ends_with(case_insensitive_suffix);
  if (case_insensitive) name.remove_suffix(case_insensitive_suffix.size());
  const auto info = std::ranges::find(op_infos, name, &OpInfo::name);
  if (info != op_infos.end() && (!case_insensitive || info->has_case_insensitive)) {
    predicate.op = info->op;
    predicate.case_insensitive = case_insensitive;
    return *info;
  }
  if (info != op_infos.end()) {
    return refuse("unknown_op", fmt::format("this operator has no case-insensitive form: {}", name),
                  pointer);
  }
  std::vector<std::string> with_suffix;
  for (const OpInfo& known : op_infos) {
    if (known.has_case_insensitive) {
      with_suffix.push_back(fmt::format("{}{}", known.name, case_insensitive_suffix));
    }
  }
  std::vector<std::string_view> names(with_suffix.begin(), with_suffix.end());
  for (const OpInfo& known : op_infos) names.push_back(known.name);
  return refuse("unknown_op",
                fmt::format("unknown operator; the nearest known one is {}: {}",
                            nearest_name(json.text, names), json.text),
                pointer);
}

Result<void> parse_value(const Json* json, const OpInfo& info, Predicate& predicate,
                         const std::string& pointer) {
  const std::string place = pointer_to(pointer, "value");
  if (info.argument == Argument::none) {
    if (json == nullptr) return {};
    return refuse("unknown_field", fmt::format("{} takes no value", info.name), place);
  }
  if (json == nullptr) {
    return refuse("missing_field", fmt::format("{} needs the member value", info.name), pointer);
  }
  const bool needs_list = info.argument == Argument::list || info.argument == Argument::two;
  const bool takes_list = needs_list || info.argument == Argument::scalar_or_list;
  if (json->is_null()) return refuse_null(place);
  if (json->is_array() && !takes_list) {
    return refuse("wrong_type", fmt::format("{} takes one value, not a list", info.name), place);
  }
  if (!json->is_array() && needs_list) {
    return refuse(
        "wrong_type",
        fmt::format("{} takes a list of {}, not {}", info.name,
                    info.argument == Argument::two ? "two values, low and high" : "values",
                    json->kind_name()),
        place);
  }
  if (info.argument == Argument::text && !json->is_text()) {
    return refuse("wrong_type",
                  fmt::format("{} takes a pattern as text, not {}", info.name, json->kind_name()),
                  place);
  }
  predicate.value_is_list = json->is_array();
  if (json->is_array()) {
    HF_CHECK(parse_list(*json, info, predicate, place));
  } else {
    HF_TRY(Scalar value, parse_scalar(*json, place));
    predicate.values.push_back(std::move(value));
  }
  if (predicate.op == Op::matches) {
    HF_TRY(predicate.pattern, Pattern::compile(json->text, predicate.case_insensitive, place));
  }
  return {};
}

constexpr Op numeric_ops[] = {Op::eq,      Op::ne, Op::lt,     Op::lte,    Op::gt,        Op::gte,
                              Op::between, Op::in, Op::not_in, Op::exists, Op::not_exists};

Result<void> check_numeric(const Predicate& predicate, const std::string& pointer) {
  if (std::ranges::find(numeric_ops, predicate.op) == std::end(numeric_ops) ||
      predicate.case_insensitive) {
    return refuse("unknown_op",
                  "this is a number, which is compared with eq, ne, lt, lte, gt, gte, "
                  "between, in, not_in, exists and not_exists only",
                  pointer_to(pointer, "op"));
  }
  const std::string place = pointer_to(pointer, "value");
  for (std::size_t i = 0; i < predicate.values.size(); ++i) {
    const ValueKind kind = predicate.values[i].kind;
    if (kind == ValueKind::number || kind == ValueKind::big_number) continue;
    return refuse(
        "wrong_type",
        fmt::format("this is a number and compared with numbers, not with a {}", to_string(kind)),
        predicate.value_is_list ? pointer_to(place, i) : place);
  }
  return {};
}

// The condition on what the member `form` names, op and value read.
Result<Predicate> named_condition(std::string_view form, const Json& json, Predicate::Kind kind,
                                  std::string_view prefix, const std::string& pointer) {
  const Json& name = *json.find(form);
  if (!name.is_text()) return refuse_type(form, "a name as text", name, pointer);
  Predicate predicate;
  predicate.kind = kind;
  predicate.property = fmt::format("{}{}", prefix, name.text);
  HF_CHECK(parse_op_and_value(json, kind == Predicate::Kind::system, predicate, pointer));
  return predicate;
}

}  // namespace

Result<void> parse_op_and_value(const Json& json, bool numeric, Predicate& predicate,
                                const std::string& pointer) {
  const Json* op = json.find("op");
  if (op == nullptr) return refuse("missing_field", "a condition needs the member op", pointer);
  HF_TRY(const OpInfo info, parse_op(*op, predicate, pointer_to(pointer, "op")));
  HF_CHECK(parse_value(json.find("value"), info, predicate, pointer));
  if (numeric) return check_numeric(predicate, pointer);
  return {};
}

Result<Predicate> parse_property(const Json& json, const std::string& pointer) {
  HF_CHECK(
      check_members(json, std::to_array<std::string_view>({"property", "op", "value"}), pointer));
  return named_condition("property", json, Predicate::Kind::property, "", pointer);
}

Result<Predicate> parse_trait(const Json& json, const std::string& pointer, AskedOf asked_of) {
  HF_CHECK(check_members(json, std::to_array<std::string_view>({"trait", "op", "value", "at"}),
                         pointer));
  HF_TRY(Predicate predicate, named_condition("trait", json, Predicate::Kind::trait, "", pointer));
  const Json* at = json.find("at");
  if (at == nullptr) return predicate;
  const std::string place = pointer_to(pointer, "at");
  if (!at->is_text()) return refuse_type("at", "the text event", *at, pointer);
  if (at->text != "event") {
    return refuse_value("at", at->text, std::to_array<std::string_view>({"event"}), place);
  }
  if (asked_of == AskedOf::person) {
    return refuse("unsupported_combination",
                  "no event is at hand where persons are asked about: a trait has its latest value "
                  "there",
                  place);
  }
  predicate.at_event = true;
  return predicate;
}

Result<Predicate> parse_measure(std::string_view form, std::string_view prefix, const Json& json,
                                const std::string& pointer) {
  HF_CHECK(check_members(json, std::to_array<std::string_view>({form, "op", "value"}), pointer));
  if (const Json& name = *json.find(form); name.is_text() && name.text.empty()) {
    return refuse("missing_field", fmt::format("the name is empty: {}", form),
                  pointer_to(pointer, form));
  }
  return named_condition(form, json, Predicate::Kind::system, prefix, pointer);
}

}  // namespace hf
