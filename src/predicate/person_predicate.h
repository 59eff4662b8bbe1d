// SPDX-License-Identifier: Apache-2.0
//
// Predicates of one person, the obvious way: from that person's events alone, one after the other.
// It answers for one person's page, and is the twin of what asks all persons at once
// (predicate/people.h).
#pragma once

#include <cstddef>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "calendar/zone.h"
#include "event/event.h"
#include "predicate/behaviour.h"
#include "predicate/condition.h"
#include "predicate/predicate.h"

namespace hf {

/// All events of one person, in the order that counts: by time, of equal times by owner, of one
/// owner by arrival. Calls (identify, hf: ..) are among them.
struct PersonHistory {
  std::span<const EventView> events;
};

/// A predicate bound to one person. n events cost each condition O(n log n) whatever nests in it,
/// times the windows it looks through. Not for use by several threads.
class PersonPredicate {
 public:
  /// Events after `as_of_ms` are not seen. All must outlive it.
  PersonPredicate(const Predicate& predicate, PersonHistory history, TimestampMs as_of_ms,
                  const Zone& zone);

  /// At as_of. Requires !asks_of_event().
  [[nodiscard]] bool holds();
  /// At the event of that index: properties are its own, behaviours look at the events before it
  /// and itself, traits are the latest up to as_of unless at_event. Requires an event up to as_of.
  [[nodiscard]] bool holds_at_event(std::size_t event);
  /// How many events are up to as_of.
  [[nodiscard]] std::size_t event_count() const { return events_.size(); }

 private:
  // Where a condition is asked: `end` events are seen, of which the last is at hand if `has_event`.
  struct Moment {
    TimestampMs time_ms;
    std::size_t end;
    bool has_event;
  };
  [[nodiscard]] Moment at_event(std::size_t event) const;

  bool holds(const Predicate& predicate, const Moment& moment);
  bool satisfies_condition(const Predicate& condition, const PropertyView* property);
  bool holds_of_trait(const Predicate& predicate, const Moment& moment);
  bool holds_of_behaviour(const Behaviour& behaviour, const Moment& moment);
  bool did(const Behaviour& behaviour, const Moment& moment);
  bool sequence(const Behaviour& behaviour, const Moment& moment);
  bool first(const Behaviour& behaviour, const Moment& moment);
  bool regularly(const Behaviour& behaviour, const Moment& moment);
  bool change(const Behaviour& behaviour, const Moment& moment);

  // By event: whether the matcher matches it, at that event.
  const std::vector<bool>& matches(const Matcher& matcher);
  bool matches_event(const Matcher& matcher, std::size_t event);
  // The events of that name that have the property, ascending.
  using EventOfName = std::pair<std::string_view, std::string_view>;  // Event name, property.
  const std::vector<std::size_t>& events_with(EventOfName wanted);

  // Index of the first event at or after the instant (after: after it), of those seen.
  [[nodiscard]] std::size_t first_from(TimestampMs time_ms, const Moment& moment) const;
  [[nodiscard]] std::size_t first_after(TimestampMs time_ms, const Moment& moment) const;
  [[nodiscard]] std::size_t window_begin(const Behaviour& behaviour, const Moment& moment) const;

  const Predicate& predicate_;
  std::span<const EventView> events_;  // Up to as_of.
  TimestampMs as_of_ms_;
  const Zone& zone_;
  // What an event is does not depend on who asks of it, so each is found out once.
  std::unordered_map<const Matcher*, std::vector<bool>> matches_;
  std::unordered_map<const Predicate*, Condition> conditions_;
  std::map<EventOfName, std::vector<std::size_t>> events_with_;
};

/// Where a predicate is asked of a person: at an instant, or at one of the events up to it.
struct Reference {
  TimestampMs as_of_ms;
  std::optional<std::size_t> event = {};
};
/// One question; for several of one person PersonPredicate is quicker.
[[nodiscard]] bool holds_at(const Predicate& predicate, const PersonHistory& history,
                            const Reference& reference, const Zone& zone);

}  // namespace hf
