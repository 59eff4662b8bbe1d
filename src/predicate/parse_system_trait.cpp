// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <utility>

#include "predicate/parsing.h"
#include "predicate/system_trait.h"

namespace hf {
namespace {

Predicate system_condition(std::string property) {
  Predicate predicate;
  predicate.kind = Predicate::Kind::system;
  predicate.property = std::move(property);
  return predicate;
}

Result<std::string> name_in(std::string_view member, const Json& name, const std::string& pointer) {
  if (!name.is_text()) return refuse_type(member, "a name as text", name, pointer);
  if (name.text.empty()) {
    return refuse("missing_field", fmt::format("the name is empty: {}", member),
                  pointer_to(pointer, member));
  }
  return name.text;
}

// stage, layer and stay: one name or a list of which any will do.
Result<Predicate> parse_standing(std::string_view form, const Json& json,
                                 const std::string& pointer) {
  const auto known = standing_names(form);
  Predicate predicate = system_condition(std::string(form));
  const auto take = [&](const Json& name, const std::string& place) -> Result<void> {
    if (!name.is_text()) {
      return refuse(
          "wrong_type",
          fmt::format("{} takes a name as text or a list of names, not {}", form, name.kind_name()),
          place);
    }
    if (std::ranges::find(known, name.text) == known.end()) {
      return refuse_value(form, name.text, known, place);
    }
    predicate.values.push_back({.text = name.text});
    return {};
  };
  const Json& names = *json.find(form);
  const std::string place = pointer_to(pointer, form);
  if (!names.is_array()) {
    HF_CHECK(take(names, place));
    return predicate;
  }
  if (names.array.empty()) {
    return refuse("missing_field", fmt::format("{} needs at least one name", form), place);
  }
  if (names.array.size() > limits::predicate_values_max) {
    return refuse("too_many_values",
                  fmt::format("a list holds at most {} values, this one: {}",
                              limits::predicate_values_max, names.array.size()),
                  place);
  }
  predicate.value_is_list = true;
  for (std::size_t i = 0; i < names.array.size(); ++i) {
    HF_CHECK(take(names.array[i], pointer_to(place, i)));
  }
  return predicate;
}

// segment and consent: given or not.
Result<Predicate> parse_membership(std::string_view form, std::string_view prefix, const Json& json,
                                   const std::string& pointer) {
  HF_TRY(const std::string name, name_in(form, *json.find(form), pointer));
  Predicate predicate = system_condition(fmt::format("{}{}", prefix, name));
  predicate.values.push_back({.kind = ValueKind::boolean, .boolean = true});
  return predicate;
}

struct TierOp {
  std::string_view name;
  Op op;
};
constexpr TierOp tier_ops[] = {{"eq", Op::eq},   {"ne", Op::ne}, {"lt", Op::lt},
                               {"lte", Op::lte}, {"gt", Op::gt}, {"gte", Op::gte}};

Result<Predicate> parse_tier(const Json& json, const std::string& pointer) {
  const Json& tier = *json.find("tier");
  if (!tier.is_object()) {
    return refuse_type("tier", "an object with programme and one of eq, ne, lt, lte, gt, gte", tier,
                       pointer);
  }
  const std::string place = pointer_to(pointer, "tier");
  std::vector<std::string_view> known = {"programme"};
  for (const TierOp& op : tier_ops) known.push_back(op.name);
  HF_CHECK(check_members(tier, known, place));
  const Json* programme = tier.find("programme");
  if (programme == nullptr) {
    return refuse("missing_field", "tier needs the member programme", place);
  }
  HF_TRY(const std::string name, name_in("programme", *programme, place));
  Predicate predicate = system_condition(fmt::format("{}{}", tier_prefix, name));
  const TierOp* asked = nullptr;
  for (const TierOp& op : tier_ops) {
    const Json* value = tier.find(op.name);
    if (value == nullptr) continue;
    if (asked != nullptr) {
      return refuse(
          "unsupported_combination",
          fmt::format("a tier is compared once: {} stands beside {}", op.name, asked->name),
          pointer_to(place, op.name));
    }
    asked = &op;
    HF_TRY(std::string wanted, name_in(op.name, *value, place));
    const bool by_rank = op.op != Op::eq && op.op != Op::ne;
    if (by_rank && !tier_rank(wanted)) {
      return refuse_value("tier, of those whose order is known", wanted, tier_names,
                          pointer_to(place, op.name));
    }
    predicate.op = op.op;
    predicate.values.push_back({.text = std::move(wanted)});
  }
  if (asked == nullptr) {
    return refuse("missing_field", "tier needs one of the members eq, ne, lt, lte, gt and gte",
                  place);
  }
  return predicate;
}

}  // namespace

Result<Predicate> parse_system_trait(std::string_view form, const Json& json,
                                     const std::string& pointer) {
  if (form == "balance") return parse_measure(form, balance_prefix, json, pointer);
  if (form == "score") return parse_measure(form, score_prefix, json, pointer);
  HF_CHECK(check_members(json, std::array{form}, pointer));
  if (form == "segment") return parse_membership(form, segment_prefix, json, pointer);
  if (form == "consent") return parse_membership(form, consent_prefix, json, pointer);
  if (form == "tier") return parse_tier(json, pointer);
  return parse_standing(form, json, pointer);
}

}  // namespace hf
