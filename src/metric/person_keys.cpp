// SPDX-License-Identifier: Apache-2.0
#include "metric/person_keys.h"

#include <map>
#include <ranges>
#include <unordered_map>

#include "base/assert.h"
#include "base/guarded.h"
#include "predicate/system_trait.h"

namespace hf {
namespace {

// Sets that many threads number, equal ones once.
class SetNumbers {
 public:
  explicit SetNumbers(PersonKeys& keys) : keys_(&keys) {}
  std::uint32_t of(const BucketSet& set) {
    return numbers_.with([&](std::map<BucketSet, std::uint32_t>& numbers) {
      const auto [at, is_new] = numbers.try_emplace(set, 0);
      if (is_new) at->second = keys_->add(set);
      return at->second;
    });
  }

 private:
  PersonKeys* keys_;
  Guarded<std::map<BucketSet, std::uint32_t>> numbers_;
};

Day first_of_cohort(Period::Unit unit, Day day, WeekStart week_start) {
  const CivilDate date = civil_from_day(day);
  switch (unit) {
    case Period::Unit::week: {
      constexpr Day a_monday = 4;  // 5 January 1970
      constexpr Day a_sunday = 3;
      const Day anchor = week_start == WeekStart::monday ? a_monday : a_sunday;
      return day - ((day - anchor) % 7 + 7) % 7;
    }
    case Period::Unit::month: return day_from_civil({date.year, date.month, 1});
    case Period::Unit::quarter: return day_from_civil({date.year, (date.month - 1) / 3 * 3 + 1, 1});
    case Period::Unit::year: return day_from_civil({date.year, 1, 1});
    default: return day;
  }
}

}  // namespace

Result<std::shared_ptr<const PersonKeys>> find_person_keys(const Snapshot& snapshot,
                                                           const PeopleScope& scope,
                                                           const Dimension& dimension,
                                                           BucketTable& table) {
  const bool by_cohort = dimension.by == Dimension::By::cohort;
  Matcher said = Matcher::any_event();
  if (dimension.by == Dimension::By::trait) said.choices.front().event = "identify";
  if (dimension.by == Dimension::By::system) said.choices.front().event = system_trait_event;
  const Predicate always;
  // Who was there first keeps that place though its events were purged.
  const Snapshot& history =
      by_cohort && snapshot.with_first_seen ? *snapshot.with_first_seen : snapshot;
  EventSelection selection;
  selection.wanted.push_back({&said, &always});
  selection.as_of = scope.as_of_ms;
  if (by_cohort) {
    selection.first_seen_bits = 1;
  } else {
    selection.keys.push_back({dimension.name, 1, &table});
  }
  HF_TRY(const BoundSelection bound, BoundSelection::bind(history, selection));
  HF_TRY(const EventSource source,
         EventSource::open(bound, {.threads = scope.threads, .guard = scope.guard}));

  HF_TRY(auto keys, PersonKeys::make(history.person_end, *scope.guard));
  SetNumbers numbers(*keys);
  const auto note_cohort = [&](unsigned, UnitId person,
                               const PersonEvents& events) -> Result<void> {
    const Day day = scope.zone->local_day(events.events.front().time_ms);
    const Day first = first_of_cohort(dimension.cohort, day, dimension.week_start);
    HF_TRY(const BucketId id, table.intern(to_string(first)));
    keys->set(person, numbers.of({id}));
    return {};
  };
  const auto note_latest = [&](unsigned, UnitId person,
                               const PersonEvents& events) -> Result<void> {
    for (const PersonEvent& event : events.events | std::views::reverse) {
      const BucketSet& set = *events.key(event, 0);
      if (is_missing(set)) continue;
      keys->set(person, numbers.of(set));
      break;
    }
    return {};
  };
  if (by_cohort) {
    HF_CHECK(source.for_each(note_cohort));
  } else {
    HF_CHECK(source.for_each(note_latest));
  }
  return std::shared_ptr<const PersonKeys>(std::move(keys));
}

}  // namespace hf
