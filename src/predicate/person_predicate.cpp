// SPDX-License-Identifier: Apache-2.0
#include "predicate/person_predicate.h"

#include <algorithm>

#include "base/assert.h"
#include "predicate/behaviour_window.h"
#include "predicate/change.h"
#include "predicate/system_trait.h"

namespace hf {
namespace {

const PropertyView* find_property(const EventView& event, std::string_view name) {
  const auto found = std::ranges::find(event.properties, name, &PropertyView::name);
  return found == event.properties.end() ? nullptr : &*found;
}

}  // namespace

PersonPredicate::PersonPredicate(const Predicate& predicate, PersonHistory history,
                                 TimestampMs as_of_ms, const Zone& zone)
    : predicate_(predicate), as_of_ms_(as_of_ms), zone_(zone) {
  HF_ASSERT(std::ranges::is_sorted(history.events, {}, &EventView::time_ms));
  const auto after = std::ranges::upper_bound(history.events, as_of_ms, {}, &EventView::time_ms);
  events_ = history.events.first(static_cast<std::size_t>(after - history.events.begin()));
}

bool PersonPredicate::holds() {
  HF_ASSERT(!asks_of_event(predicate_));
  return holds(predicate_, {.time_ms = as_of_ms_, .end = events_.size(), .has_event = false});
}

bool PersonPredicate::holds_at_event(std::size_t event) {
  return holds(predicate_, at_event(event));
}

PersonPredicate::Moment PersonPredicate::at_event(std::size_t event) const {
  HF_ASSERT(event < events_.size());
  return {.time_ms = events_[event].time_ms, .end = event + 1, .has_event = true};
}

bool PersonPredicate::holds(const Predicate& predicate, const Moment& moment) {
  const auto child_holds = [&](const Predicate& child) { return holds(child, moment); };
  switch (predicate.kind) {
    case Predicate::Kind::all: return std::ranges::all_of(predicate.children, child_holds);
    case Predicate::Kind::any: return std::ranges::any_of(predicate.children, child_holds);
    case Predicate::Kind::negation:
      HF_ASSERT(predicate.children.size() == 1);
      return !child_holds(predicate.children.front());
    case Predicate::Kind::property:
      HF_ASSERT(moment.has_event);
      return satisfies_condition(predicate,
                                 find_property(events_[moment.end - 1], predicate.property));
    case Predicate::Kind::trait:
    case Predicate::Kind::system: return holds_of_trait(predicate, moment);
    case Predicate::Kind::behaviour: return holds_of_behaviour(*predicate.behaviour, moment);
  }
  HF_ASSERT(!"a predicate without a kind");
  return false;
}

bool PersonPredicate::satisfies_condition(const Predicate& condition,
                                          const PropertyView* property) {
  const bool negative = is_negative(condition.op);
  if (property == nullptr) return negative;
  const auto& prepared = conditions_.try_emplace(&condition, condition).first->second;
  return prepared.holds_positively(property->value) != negative;
}

bool PersonPredicate::holds_of_trait(const Predicate& predicate, const Moment& moment) {
  const bool is_system = predicate.kind == Predicate::Kind::system;
  const auto& set = events_with({is_system ? system_trait_event : trait_event, predicate.property});
  HF_ASSERT(!predicate.at_event || moment.has_event);
  const std::size_t end = predicate.at_event ? moment.end : events_.size();
  const auto after = std::ranges::lower_bound(set, end);
  const PropertyView* latest = after == set.begin()
                                   ? nullptr
                                   : find_property(events_[*std::prev(after)], predicate.property);
  return satisfies_condition(predicate, latest);
}

bool PersonPredicate::holds_of_behaviour(const Behaviour& behaviour, const Moment& moment) {
  switch (behaviour.kind) {
    case Behaviour::Kind::did: return did(behaviour, moment);
    case Behaviour::Kind::sequence: return sequence(behaviour, moment);
    case Behaviour::Kind::first: return first(behaviour, moment);
    case Behaviour::Kind::regularly: return regularly(behaviour, moment);
    case Behaviour::Kind::change: return change(behaviour, moment);
  }
  HF_ASSERT(!"a behaviour without a kind");
  return false;
}

bool PersonPredicate::did(const Behaviour& behaviour, const Moment& moment) {
  const std::vector<bool>& matching = matches(behaviour.matchers.front());
  std::size_t begin = window_begin(behaviour, moment);
  std::size_t end = moment.end;
  if (const auto& from = behaviour.from) {
    begin = first_from(from->day ? zone_.start_of_day(*from->day) : from->instant, moment);
  }
  if (const auto& to = behaviour.to) {
    end = first_from(to->day ? zone_.start_of_day(*to->day + 1) : to->instant, moment);
  }
  std::int64_t count = 0;
  for (std::size_t i = begin; i < end; ++i) count += matching[i] ? 1 : 0;
  return behaviour.count.holds(count);
}

// Taking the earliest event for each step leaves the most for the others.
bool PersonPredicate::sequence(const Behaviour& behaviour, const Moment& moment) {
  std::size_t at = window_begin(behaviour, moment);
  for (const Matcher& step : behaviour.matchers) {
    const std::vector<bool>& matching = matches(step);
    while (at < moment.end && !matching[at]) ++at;
    if (at == moment.end) return false;
    ++at;  // One event serves one step.
  }
  return true;
}

bool PersonPredicate::first(const Behaviour& behaviour, const Moment& moment) {
  const std::vector<bool>& matching = matches(behaviour.matchers.front());
  std::size_t at = 0;
  while (at < moment.end && !matching[at]) ++at;
  return at < moment.end && at >= window_begin(behaviour, moment);
}

bool PersonPredicate::regularly(const Behaviour& behaviour, const Moment& moment) {
  const std::vector<bool>& matching = matches(behaviour.matchers.front());
  const Duration length = one_of(behaviour.unit);
  std::int64_t periods = 0;
  std::size_t end = moment.end;
  for (int i = 1; i <= behaviour.last && end > 0; ++i) {
    const std::size_t begin = first_after(earlier(moment.time_ms, length, i, zone_), moment);
    bool found = false;
    for (; end > begin; --end) found = found || matching[end - 1];
    periods += found ? 1 : 0;
  }
  return periods >= behaviour.at_least;
}

bool PersonPredicate::change(const Behaviour& behaviour, const Moment& moment) {
  const std::vector<bool>& matching = matches(behaviour.matchers.front());
  const auto tally = [&](std::size_t begin, std::size_t end) {
    WindowTally window;
    for (std::size_t i = begin; i < end; ++i) {
      if (!matching[i]) continue;
      window.add_event();
      if (behaviour.of != Behaviour::ChangeOf::sum) continue;
      const PropertyView* property = find_property(events_[i], behaviour.property);
      if (property == nullptr || property->value.kind != ValueKind::number) continue;
      window.add_value(property->value.number);
    }
    return window;
  };
  const std::size_t middle = window_begin(behaviour, moment);
  const std::size_t begin =
      first_from(earlier(moment.time_ms, *behaviour.within, 2, zone_), moment);
  return change_holds(behaviour, tally(middle, moment.end), tally(begin, middle));
}

const std::vector<bool>& PersonPredicate::matches(const Matcher& matcher) {
  if (const auto known = matches_.find(&matcher); known != matches_.end()) return known->second;
  std::vector<bool> matching(events_.size());
  for (std::size_t i = 0; i < events_.size(); ++i) matching[i] = matches_event(matcher, i);
  return matches_.emplace(&matcher, std::move(matching)).first->second;
}

bool PersonPredicate::matches_event(const Matcher& matcher, std::size_t event) {
  return std::ranges::any_of(matcher.choices, [&](const Matcher::Choice& choice) {
    return event_is_meant(choice.event, events_[event].name) &&
           (!choice.has_where || holds(choice.where, at_event(event)));
  });
}

const std::vector<std::size_t>& PersonPredicate::events_with(EventOfName wanted) {
  if (const auto known = events_with_.find(wanted); known != events_with_.end()) {
    return known->second;
  }
  std::vector<std::size_t> found;
  for (std::size_t i = 0; i < events_.size(); ++i) {
    if (events_[i].name == wanted.first && find_property(events_[i], wanted.second) != nullptr) {
      found.push_back(i);
    }
  }
  return events_with_.emplace(wanted, std::move(found)).first->second;
}

std::size_t PersonPredicate::first_from(TimestampMs time_ms, const Moment& moment) const {
  const auto seen = events_.first(moment.end);
  return static_cast<std::size_t>(std::ranges::lower_bound(seen, time_ms, {}, &EventView::time_ms) -
                                  seen.begin());
}

std::size_t PersonPredicate::first_after(TimestampMs time_ms, const Moment& moment) const {
  const auto seen = events_.first(moment.end);
  return static_cast<std::size_t>(std::ranges::upper_bound(seen, time_ms, {}, &EventView::time_ms) -
                                  seen.begin());
}

std::size_t PersonPredicate::window_begin(const Behaviour& behaviour, const Moment& moment) const {
  if (!behaviour.within) return 0;
  return first_from(earlier(moment.time_ms, *behaviour.within, 1, zone_), moment);
}

bool holds_at(const Predicate& predicate, const PersonHistory& history, const Reference& reference,
              const Zone& zone) {
  PersonPredicate bound(predicate, history, reference.as_of_ms, zone);
  return reference.event ? bound.holds_at_event(*reference.event) : bound.holds();
}

}  // namespace hf
