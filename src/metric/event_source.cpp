// SPDX-License-Identifier: Apache-2.0
#include "metric/event_source.h"

#include <algorithm>
#include <atomic>
#include <limits>

#include "base/assert.h"

namespace hf {

Result<EventSource> EventSource::open(const BoundSelection& bound, const SourceRules& rules) {
  EventSource source(bound, rules);
  if (rules.unit_key) HF_CHECK(source.gather());
  return source;
}

Result<void> EventSource::gather() {
  const EventSelection& selection = bound_->selection();
  const std::size_t values = selection.values.size();
  const std::size_t keys = selection.keys.size();
  // Twice the events: once as they come, and once in order.
  const std::size_t bytes_each = sizeof(UnitEvent) + sizeof(PersonEvent) +
                                 2 * (values * sizeof(EventNumber) + keys * sizeof(BucketSet*));
  auto all = std::make_unique<Gathered>(*rules_.guard);
  std::vector<std::unique_ptr<Gathering>> parts;
  std::vector<std::optional<PersonEventReader>> readers(threads());
  for (unsigned i = 0; i < threads(); ++i) parts.push_back(std::make_unique<Gathering>());
  std::atomic<std::size_t> taken = 0;
  const auto keep = [&](unsigned thread, PersonOrdinal person,
                        const PersonEvents& events) -> Result<void> {
    Gathering& own = *parts[thread];
    const std::size_t before = own.events.size();
    for (const PersonEvent& event : events.events) {
      const BucketSet& units = *events.key(event, *rules_.unit_key);
      for (const BucketId unit : units) {
        if (unit == BucketTable::missing) continue;
        PersonEvent kept = event;
        kept.detail = static_cast<std::uint32_t>(own.events.size());
        own.events.push_back({unit, person, kept});
        for (std::size_t i = 0; i < values; ++i) own.numbers.push_back(events.number(event, i));
        for (std::size_t i = 0; i < keys; ++i) own.keys.push_back(events.key(event, i));
      }
    }
    const std::size_t more = (own.events.size() - before) * bytes_each;
    taken += more;
    return rules_.guard->take(more);
  };
  auto scan = read_persons(readers, keep);
  if (!scan) {
    rules_.guard->give_back(taken);
    return std::unexpected(std::move(scan).error());
  }
  rules_.guard->give_back(taken);
  HF_CHECK(all->held.grow_to(taken));
  all->scan = *scan;
  for (unsigned i = 0; i < threads(); ++i) {
    if (readers[i]) parts[i]->reader.emplace(*std::move(readers[i]));
  }
  gathered_ = std::move(all);
  join(std::move(parts));
  return {};
}

// By unit with a count of each, then each unit's own by time.
void EventSource::join(std::vector<std::unique_ptr<Gathering>> parts) {
  const EventSelection& selection = bound_->selection();
  std::size_t count = 0;
  UnitId units = 0;
  for (const auto& part : parts) {
    count += part->events.size();
    for (const UnitEvent& each : part->events) units = std::max(units, each.unit + 1);
  }
  HF_ASSERT(count <= std::numeric_limits<std::uint32_t>::max());
  gathered_->starts.assign(std::size_t{units} + 1, 0);
  for (const auto& part : parts) {
    for (const UnitEvent& each : part->events) ++gathered_->starts[each.unit + 1];
  }
  for (std::size_t i = 1; i < gathered_->starts.size(); ++i) {
    gathered_->starts[i] += gathered_->starts[i - 1];
  }
  std::vector<UnitEvent> sorted(count);
  std::vector<std::uint32_t> next(gathered_->starts.begin(), gathered_->starts.end() - 1);
  std::uint32_t base = 0;
  for (const auto& part : parts) {
    for (UnitEvent each : part->events) {
      each.event.detail += base;
      sorted[next[each.unit]++] = each;
    }
    base += static_cast<std::uint32_t>(part->events.size());
    gathered_->numbers.insert(gathered_->numbers.end(), part->numbers.begin(), part->numbers.end());
    gathered_->keys.insert(gathered_->keys.end(), part->keys.begin(), part->keys.end());
    part->events = {};
    part->numbers = {};
    part->keys = {};
  }
  for (UnitId unit = 0; unit < units; ++unit) {
    // A person's own events come from one thread, in their order.
    std::sort(sorted.begin() + gathered_->starts[unit],
              sorted.begin() + gathered_->starts[unit + 1],
              [](const UnitEvent& a, const UnitEvent& b) {
                if (a.event.time_ms != b.event.time_ms) return a.event.time_ms < b.event.time_ms;
                if (a.person != b.person) return a.person < b.person;
                return a.event.detail < b.event.detail;
              });
  }
  gathered_->events.reserve(count);
  for (const UnitEvent& each : sorted) gathered_->events.push_back(each.event);
  if (selection.values.empty() && selection.keys.empty()) {
    for (PersonEvent& event : gathered_->events) event.detail = 0;
  }
  gathered_->readers = std::move(parts);
}

}  // namespace hf
