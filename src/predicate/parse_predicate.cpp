// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <optional>
#include <span>
#include <utility>

#include "base/assert.h"
#include "predicate/condition.h"
#include "predicate/nearest_name.h"
#include "predicate/pattern.h"
#include "predicate/predicate.h"

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

// The member that says which form of QUERY.md a predicate is.
constexpr std::array<std::string_view, 4> evaluated_forms = {"all", "any", "not", "property"};
constexpr std::array<std::string_view, 15> other_forms = {
    "trait", "did",   "did_not", "sequence", "first",   "regularly", "change", "segment",
    "stage", "layer", "stay",    "tier",     "balance", "score",     "consent"};

bool is_one_of(std::string_view name, std::span<const std::string_view> names) {
  return std::ranges::find(names, name) != names.end();
}

std::unexpected<Error> refuse(std::string_view reason, std::string message,
                              const std::string& pointer) {
  return fail(ErrorCode::invalid_argument, reason, std::move(message), pointer);
}

std::unexpected<Error> refuse_member(std::string_view name, std::span<const std::string_view> known,
                                     const std::string& pointer) {
  return refuse("unknown_field",
                fmt::format("unknown member; the nearest known one is {}: {}",
                            nearest_name(name, known), name),
                pointer_to(pointer, name));
}

Result<void> check_members(const Json& json, std::span<const std::string_view> known,
                           const std::string& pointer) {
  for (const auto& [name, value] : json.object) {
    if (std::ranges::find(known, name) == known.end()) return refuse_member(name, known, pointer);
  }
  return {};
}

class PredicateParsing {
 public:
  Result<Predicate> parse(const Json& json, const std::string& pointer, std::size_t depth) {
    if (!json.is_object()) {
      return refuse("wrong_type", fmt::format("a predicate is an object, not {}", json.kind_name()),
                    pointer);
    }
    if (depth > limits::predicate_depth_max) {
      return refuse("too_deep",
                    fmt::format("predicates nest at most {} deep", limits::predicate_depth_max),
                    pointer);
    }
    if (++conditions_ > limits::predicate_conditions_max) {
      return refuse("too_many_values",
                    fmt::format("a predicate holds at most {} conditions; a list of values is one",
                                limits::predicate_conditions_max),
                    pointer);
    }
    HF_TRY(const std::string_view form, form_of(json, pointer));
    if (form == "all") return parse_combination(json, Predicate::Kind::all, pointer, depth);
    if (form == "any") return parse_combination(json, Predicate::Kind::any, pointer, depth);
    if (form == "not") return parse_negation(json, pointer, depth);
    return parse_condition(json, pointer);
  }

 private:
  static Result<std::string_view> form_of(const Json& json, const std::string& pointer) {
    for (const auto& [name, value] : json.object) {
      if (is_one_of(name, other_forms)) {
        return refuse("unsupported_predicate",
                      fmt::format("this version does not evaluate the predicate form: {}", name),
                      pointer_to(pointer, name));
      }
    }
    for (const auto& [name, value] : json.object) {
      if (is_one_of(name, evaluated_forms)) return name;
    }
    for (const auto& [name, value] : json.object) {
      if (name != "op" && name != "value") return refuse_member(name, evaluated_forms, pointer);
    }
    return refuse("missing_field", "a predicate has one of the members all, any, not and property",
                  pointer);
  }

  Result<Predicate> parse_combination(const Json& json, Predicate::Kind kind,
                                      const std::string& pointer, std::size_t depth) {
    const std::string_view name = kind == Predicate::Kind::all ? "all" : "any";
    HF_CHECK(check_members(json, std::array{name}, pointer));
    const Json& list = *json.find(name);
    const std::string place = pointer_to(pointer, name);
    if (!list.is_array()) {
      return refuse("wrong_type",
                    fmt::format("{} takes an array of predicates, not {}", name, list.kind_name()),
                    place);
    }
    // No condition is a condition that holds, but no alternative is a slip of the one who asks.
    if (kind == Predicate::Kind::any && list.array.empty()) {
      return refuse("missing_field", "any needs at least one predicate: without, nothing holds",
                    place);
    }
    Predicate predicate;
    predicate.kind = kind;
    for (std::size_t i = 0; i < list.array.size(); ++i) {
      HF_TRY(Predicate child, parse(list.array[i], pointer_to(place, i), depth + 1));
      predicate.children.push_back(std::move(child));
    }
    return predicate;
  }

  Result<Predicate> parse_negation(const Json& json, const std::string& pointer,
                                   std::size_t depth) {
    HF_CHECK(check_members(json, std::array<std::string_view, 1>{"not"}, pointer));
    HF_TRY(Predicate child, parse(*json.find("not"), pointer_to(pointer, "not"), depth + 1));
    Predicate predicate;
    predicate.kind = Predicate::Kind::negation;
    predicate.children.push_back(std::move(child));
    return predicate;
  }

  static Result<Predicate> parse_condition(const Json& json, const std::string& pointer) {
    constexpr std::array<std::string_view, 3> known = {"property", "op", "value"};
    HF_CHECK(check_members(json, known, pointer));
    const Json& property = *json.find("property");
    if (!property.is_text()) {
      return refuse("wrong_type",
                    fmt::format("property takes a name as text, not {}", property.kind_name()),
                    pointer_to(pointer, "property"));
    }
    const Json* op = json.find("op");
    if (op == nullptr) return refuse("missing_field", "a condition needs the member op", pointer);
    Predicate predicate;
    predicate.kind = Predicate::Kind::property;
    predicate.property = property.text;
    HF_TRY(const OpInfo info, parse_op(*op, predicate, pointer_to(pointer, "op")));
    HF_CHECK(parse_value(json.find("value"), info, predicate, pointer));
    return predicate;
  }

  static Result<OpInfo> parse_op(const Json& json, Predicate& predicate,
                                 const std::string& pointer) {
    if (!json.is_text()) {
      return refuse(
          "wrong_type",
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
      return refuse("unknown_op",
                    fmt::format("this operator has no case-insensitive form: {}", name), pointer);
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

  static Result<void> parse_value(const Json* json, const OpInfo& info, Predicate& predicate,
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

  static Result<void> parse_list(const Json& json, const OpInfo& info, Predicate& predicate,
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
      return refuse("missing_field", fmt::format("{} needs at least one value", info.name),
                    pointer);
    }
    for (std::size_t i = 0; i < count; ++i) {
      HF_TRY(Scalar value, parse_scalar(json.array[i], pointer_to(pointer, i)));
      predicate.values.push_back(std::move(value));
    }
    return {};
  }

  static Result<Scalar> parse_scalar(const Json& json, const std::string& pointer) {
    switch (json.kind) {
      case Json::Kind::text: return Scalar{.kind = ValueKind::text, .text = json.text};
      case Json::Kind::boolean: return Scalar{.kind = ValueKind::boolean, .boolean = json.boolean};
      case Json::Kind::number: return scalar_of_number(json.text);
      case Json::Kind::null: return refuse_null(pointer);
      case Json::Kind::array:
      case Json::Kind::object: break;
    }
    return refuse(
        "wrong_type",
        fmt::format("a value is a text, a number, true or false, not {}", json.kind_name()),
        pointer);
  }

  static std::unexpected<Error> refuse_null(const std::string& pointer) {
    return refuse("wrong_type",
                  "null is no value: to ask for events without the property use not_exists",
                  pointer);
  }

  std::size_t conditions_ = 0;
};

}  // namespace

Result<Predicate> parse_predicate(const Json& json, const std::string& pointer) {
  return PredicateParsing().parse(json, pointer, 1);
}

}  // namespace hf
