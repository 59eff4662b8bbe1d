// SPDX-License-Identifier: Apache-2.0
#include "metric/retention_windows.h"

#include <algorithm>

namespace hf {
namespace {

bool contains(std::span<const Interval> intervals, TimestampMs t) {
  return std::ranges::any_of(intervals,
                             [&](const Interval& i) { return t >= i.from_ms && t < i.to_ms; });
}

void add_event(RetentionValue& value, const WalkedUnit& unit, const PersonEvent& event) {
  ++value.events;
  if (unit.value_count == 0) return;
  const EventNumber& number = unit.number(event);
  if (number.state == NumberState::number) value.sum.add(number.number);
}

void add_value(RetentionValue& value, const RetentionValue& more,
               const std::optional<Decimal>& trait, bool by_trait) {
  value.events += more.events;
  if (!by_trait) {
    value.sum.add(more.sum);
  } else if (trait) {
    value.sum.add(*trait);
  }
}

}  // namespace

void WindowTally::add(const WindowTally& other) {
  initial += other.initial;
  retained += other.retained;
  current += other.current;
  add_value(initial_value, other.initial_value, {}, false);
  add_value(current_value, other.current_value, {}, false);
}

WindowEvaluator::Person WindowEvaluator::look_at(const WalkedUnit& unit) const {
  Person person;
  const Entry entry = plan_->query->entry;
  const std::uint64_t deciding =
      entry == Entry::first_ever ? plan_->named_bit : retention_bits::start;
  bool decided = false;
  for (const PersonEvent& event : unit.events) {
    const bool starts =
        (event.matched & retention_bits::start) != 0 && contains(plan_->initial, event.time_ms);
    if (starts) add_event(person.starts, unit, event);
    if ((event.matched & deciding) != 0 && !decided) {
      person.is_initial = starts;
      decided = starts || entry != Entry::every_period;
    }
    if ((event.matched & retention_bits::returning) != 0 &&
        contains(plan_->current, event.time_ms)) {
      add_event(person.returns, unit, event);
    }
  }
  return person;
}

BucketSize WindowEvaluator::measure(const WalkedUnit& unit) const {
  const Person person = look_at(unit);
  return {person.is_initial ? 1 : 0,
          person.is_initial || person.returns.events >= plan_->occurrences};
}

void WindowEvaluator::add(const WalkedUnit& unit, Tally& tally) const {
  const Person person = look_at(unit);
  const bool by_trait = !plan_->query->value_trait.empty();
  const bool is_current = person.returns.events >= plan_->occurrences;
  if (is_current) ++tally.current;
  if (!person.is_initial) return;
  ++tally.initial;
  add_value(tally.initial_value, person.starts, unit.trait, by_trait);
  if (!is_current) return;
  ++tally.retained;
  add_value(tally.current_value, person.returns, unit.trait, by_trait);
}

}  // namespace hf
