// SPDX-License-Identifier: Apache-2.0
//
// Equality needs no types: equal numbers have equal canonical texts, and so have equal booleans
// and texts, while values of different types are compared by these texts anyway.
#include "predicate/condition.h"

#include <algorithm>
#include <utility>

#include "base/assert.h"
#include "predicate/case_folding.h"
#include "predicate/pattern.h"
#include "predicate/system_trait.h"

namespace hf {
namespace {

bool is_numeric(ValueKind kind) {
  return kind == ValueKind::number || kind == ValueKind::big_number;
}

// Requires sorted texts of which none begins with another: then the one text that `text` may begin
// with is the last one not after it.
bool begins_with_one(std::string_view text, const std::vector<std::string>& sorted) {
  const auto after = std::ranges::upper_bound(
      sorted, text, {}, [](const std::string& s) { return std::string_view(s); });
  return after != sorted.begin() && text.starts_with(*std::prev(after));
}

void sort_without_continuations(std::vector<std::string>& texts) {
  std::ranges::sort(texts);
  std::vector<std::string> kept;
  for (std::string& text : texts) {
    if (kept.empty() || !text.starts_with(kept.back())) kept.push_back(std::move(text));
  }
  texts = std::move(kept);
}

bool contains_one(std::string_view text, const std::vector<std::string>& sorted) {
  if (sorted.size() == 1) return text.find(sorted.front()) != std::string_view::npos;
  for (std::size_t at = 0; at <= text.size(); ++at) {
    if (begins_with_one(text.substr(at), sorted)) return true;
  }
  return false;
}

}  // namespace

bool is_negative(Op op) { return positive_of(op) != op; }

Op positive_of(Op op) {
  switch (op) {
    case Op::ne: return Op::eq;
    case Op::not_in: return Op::in;
    case Op::not_contains: return Op::contains;
    case Op::not_exists: return Op::exists;
    case Op::eq:
    case Op::lt:
    case Op::lte:
    case Op::gt:
    case Op::gte:
    case Op::between:
    case Op::in:
    case Op::contains:
    case Op::starts_with:
    case Op::ends_with:
    case Op::matches:
    case Op::exists: return op;
  }
  HF_ASSERT(!"an operator without a sign");
  return op;
}

std::strong_ordering compare_values(const ValueView& a, const ValueView& b) {
  if (a.kind == ValueKind::number && b.kind == ValueKind::number) return a.number <=> b.number;
  if (is_numeric(a.kind) && is_numeric(b.kind)) {
    return compare_numbers(canonical_text(a), canonical_text(b));
  }
  if (a.kind == ValueKind::boolean && b.kind == ValueKind::boolean) return a.boolean <=> b.boolean;
  return canonical_text(a) <=> canonical_text(b);
}

Condition::Condition(const Predicate& predicate)
    : op_(positive_of(predicate.op)),
      case_insensitive_(predicate.case_insensitive),
      pattern_(predicate.pattern) {
  HF_ASSERT(predicate.kind == Predicate::Kind::property ||
            predicate.kind == Predicate::Kind::trait || predicate.kind == Predicate::Kind::system);
  const auto take_texts = [&] {
    for (const Scalar& value : predicate.values) {
      std::string text = canonical_text(value.view());
      texts_.push_back(case_insensitive_ ? fold_case(text) : std::move(text));
    }
  };
  switch (op_) {
    case Op::eq:
    case Op::in:
      take_texts();
      std::ranges::sort(texts_);
      break;
    case Op::contains:
    case Op::starts_with:
      take_texts();
      sort_without_continuations(texts_);
      break;
    case Op::ends_with:
      take_texts();
      for (std::string& text : texts_) std::ranges::reverse(text);
      sort_without_continuations(texts_);
      break;
    case Op::lt:
    case Op::lte:
    case Op::gt:
    case Op::gte:
      HF_ASSERT(predicate.values.size() == 1);
      bounds_ = predicate.values;
      if (predicate.kind == Predicate::Kind::system &&
          predicate.property.starts_with(tier_prefix)) {
        tier_rank_ = tier_rank(bounds_[0].text);
        HF_ASSERT(tier_rank_);
      }
      break;
    case Op::between:
      HF_ASSERT(predicate.values.size() == 2);
      bounds_ = predicate.values;
      break;
    case Op::matches: HF_ASSERT(pattern_ != nullptr); break;
    default: HF_ASSERT(op_ == Op::exists);
  }
}

bool Condition::holds_positively(const ValueView& value) const {
  if (op_ == Op::exists) return true;
  if (value.kind == ValueKind::list) return holds_for_an_item(value.text);
  if (value.kind == ValueKind::json) {
    const bool on_text =
        op_ == Op::eq || op_ == Op::in || op_ == Op::contains || op_ == Op::matches;
    return on_text && holds_for_scalar(value);
  }
  return holds_for_scalar(value);
}

bool Condition::holds_for_scalar(const ValueView& value) const {
  if (!bounds_.empty()) {
    std::strong_ordering order = std::strong_ordering::equal;
    if (tier_rank_) {
      const auto rank = tier_rank(canonical_text(value));
      if (!rank) return false;
      order = *rank <=> *tier_rank_;
    } else {
      order = compare_values(value, bounds_[0].view());
    }
    switch (op_) {
      case Op::lt: return order < 0;
      case Op::lte: return order <= 0;
      case Op::gt: return order > 0;
      case Op::gte: return order >= 0;
      default: return order >= 0 && compare_values(value, bounds_[1].view()) <= 0;
    }
  }
  std::string text = canonical_text(value);
  if (op_ == Op::matches) return pattern_->matches(text);
  if (case_insensitive_) text = fold_case(text);
  switch (op_) {
    case Op::contains: return contains_one(text, texts_);
    case Op::starts_with: return begins_with_one(text, texts_);
    case Op::ends_with: std::ranges::reverse(text); return begins_with_one(text, texts_);
    default: return std::ranges::binary_search(texts_, text);
  }
}

bool Condition::holds_for_an_item(std::string_view list) const {
  const auto json = parse_json(list);
  if (!json || !json->is_array()) return false;
  return std::ranges::any_of(json->array, [&](const Json& item) {
    switch (item.kind) {
      case Json::Kind::text: return holds_for_scalar({.kind = ValueKind::text, .text = item.text});
      case Json::Kind::boolean:
        return holds_for_scalar({.kind = ValueKind::boolean, .boolean = item.boolean});
      case Json::Kind::number: return holds_for_scalar(scalar_of_number(item.text).view());
      default: return false;  // null is no value: no positive operator holds for it.
    }
  });
}

Scalar scalar_of_number(std::string_view token) {
  if (const auto number = parse_decimal(token)) {
    return {.kind = ValueKind::number, .number = *number};
  }
  return {.kind = ValueKind::big_number, .text = canonical_number(token)};
}

}  // namespace hf
