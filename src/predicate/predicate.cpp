// SPDX-License-Identifier: Apache-2.0
#include "predicate/predicate.h"

#include <algorithm>

#include "base/assert.h"
#include "predicate/condition.h"

namespace hf {

bool value_satisfies(const Predicate& condition, const ValueView& value) {
  return Condition(condition).holds_positively(value) != is_negative(condition.op);
}

bool asks_of_person(const Predicate& predicate) {
  switch (predicate.kind) {
    case Predicate::Kind::property: return false;
    case Predicate::Kind::trait:
    case Predicate::Kind::system:
    case Predicate::Kind::behaviour: return true;
    default: return std::ranges::any_of(predicate.children, asks_of_person);
  }
}

bool asks_of_event(const Predicate& predicate) {
  switch (predicate.kind) {
    case Predicate::Kind::property: return true;
    case Predicate::Kind::trait: return predicate.at_event;
    case Predicate::Kind::system:
    case Predicate::Kind::behaviour: return false;
    default: return std::ranges::any_of(predicate.children, asks_of_event);
  }
}

bool satisfies(const Predicate& predicate, std::span<const PropertyView> properties) {
  const auto holds = [&](const Predicate& child) { return satisfies(child, properties); };
  switch (predicate.kind) {
    case Predicate::Kind::all: return std::ranges::all_of(predicate.children, holds);
    case Predicate::Kind::any: return std::ranges::any_of(predicate.children, holds);
    case Predicate::Kind::negation:
      HF_ASSERT(predicate.children.size() == 1);
      return !holds(predicate.children.front());
    default: break;
  }
  HF_ASSERT(predicate.kind == Predicate::Kind::property);
  const auto property = std::ranges::find(properties, predicate.property, &PropertyView::name);
  if (property == properties.end()) return is_negative(predicate.op);
  return value_satisfies(predicate, property->value);
}

}  // namespace hf
