// SPDX-License-Identifier: Apache-2.0
//
// Of whom a query asks, straight from its definition, for the tests: what is left of the events
// when only some persons count, or another unit than the person.
#pragma once

#include <algorithm>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "metric/common_fields.h"
#include "metric/event_world.h"
#include "metric/period_twin.h"
#include "metric/sample.h"
#include "predicate/person_predicate.h"

namespace hf::test {

/// One person's events as their predicates see them. `events` must outlive it.
class TwinHistory {
 public:
  explicit TwinHistory(const std::vector<WorldEvent>& events) {
    for (const WorldEvent& event : events) properties_.push_back(event.views());
    for (std::size_t i = 0; i < events.size(); ++i) {
      EventView view;
      view.user_id = events[i].person;
      view.name = events[i].name;
      view.time_ms = events[i].time_ms;
      view.properties = properties_[i];
      views_.push_back(view);
    }
  }
  [[nodiscard]] PersonHistory view() const { return {views_}; }

 private:
  std::vector<std::vector<PropertyView>> properties_;
  std::vector<EventView> views_;
};

/// The events that count, marked with whether `where` holds where it asks of persons. `ordinals`
/// say which of two persons of one unit comes first at equal times, and who is in a sample.
inline std::vector<WorldEvent> asked_events(const std::vector<WorldEvent>& events,
                                            const CommonFields& common,
                                            const std::map<std::string, PersonOrdinal>& ordinals) {
  std::vector<WorldEvent> asked;
  for (std::vector<WorldEvent>& person : persons_of(events, common.as_of)) {
    if (common.sample && !(sample_fraction(ordinals.at(person.front().person)) < *common.sample)) {
      continue;
    }
    // Purged events are none that a condition about a person sees.
    std::vector<WorldEvent> seen;
    std::ranges::copy_if(person, std::back_inserter(seen), [](const auto& e) { return !e.purged; });
    const TwinHistory history(seen);
    if (common.people &&
        (seen.empty() ||
         !PersonPredicate(*common.people, history.view(), common.as_of, *common.zone).holds())) {
      continue;
    }
    if (asks_of_person(common.where)) {
      PersonPredicate where(common.where, history.view(), common.as_of, *common.zone);
      std::size_t at = 0;
      for (WorldEvent& event : person) {
        if (!event.purged) event.where_holds = where.holds_at_event(at++);
      }
    }
    asked.insert(asked.end(), person.begin(), person.end());
  }
  if (common.unit.empty()) return asked;
  std::ranges::stable_sort(asked, [&](const WorldEvent& a, const WorldEvent& b) {
    return std::pair(a.time_ms, ordinals.at(a.person)) <
           std::pair(b.time_ms, ordinals.at(b.person));
  });
  std::vector<WorldEvent> of_units;
  for (const WorldEvent& event : asked) {
    for (const auto& unit : buckets_of(event, common.unit)) {
      if (!unit) continue;
      WorldEvent& own = of_units.emplace_back(event);
      own.person = *unit;
      own.part = 0;
    }
  }
  return of_units;
}

}  // namespace hf::test
