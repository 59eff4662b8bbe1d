// SPDX-License-Identifier: Apache-2.0
//
// Whose events a walk hands to a metric, one after the other: those of each person, or, where the
// question counts another unit, of each value of its property.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

#include "base/parallel.h"
#include "base/work_guard.h"
#include "metric/person_events.h"
#include "metric/person_walk.h"

namespace hf {

/// A person's ordinal, or where another unit is counted the BucketId of its value.
using UnitId = std::uint32_t;

class EventSource {
 public:
  using Scan = WalkScan;

  /// `bound` and what the rules point to must outlive it. Where another unit than the person is
  /// counted, all events are gathered here. Errors: those of PersonEventReader and of WorkGuard.
  [[nodiscard]] static Result<EventSource> open(const BoundSelection& bound,
                                                const SourceRules& rules);

  [[nodiscard]] unsigned threads() const { return std::max(1u, rules_.threads); }

  [[nodiscard]] WorkGuard& guard() const { return *rules_.guard; }

  /// Calls use(thread, unit, PersonEvents) for each unit with events, on up to threads() threads,
  /// each unit once, in no order. `use` gives a Result<void>. Errors: those of open(), and its own.
  template <class Use>
  [[nodiscard]] Result<Scan> for_each(Use&& use) const {
    return rules_.unit_key ? for_each_gathered(use) : for_each_read(use);
  }

 private:
  struct UnitEvent {
    UnitId unit;
    PersonOrdinal person;  // Of equal times those of the lower one come first.
    PersonEvent event;
  };
  // Of one thread while it gathers.
  struct Gathering {
    std::optional<PersonEventReader> reader;  // The keys point into it.
    std::vector<UnitEvent> events;
    std::vector<EventNumber> numbers;
    std::vector<const BucketSet*> keys;
  };
  // Units [first, end) of `starts`.
  struct Gathered {
    std::vector<std::unique_ptr<Gathering>> readers;
    std::vector<PersonEvent> events;    // By unit, then time.
    std::vector<std::uint32_t> starts;  // By unit, and an end.
    std::vector<EventNumber> numbers;
    std::vector<const BucketSet*> keys;
    Scan scan;
    HeldBytes held;
    explicit Gathered(WorkGuard& guard) : held(guard) {}
  };

  explicit EventSource(const BoundSelection& bound, const SourceRules& rules)
      : bound_(&bound), rules_(rules) {}
  [[nodiscard]] Result<void> gather();
  void join(std::vector<std::unique_ptr<Gathering>> parts);

  // Calls use(thread, person, PersonEvents) for each person of whom anything matches.
  template <class Use>
  Result<Scan> read_persons(std::vector<std::optional<PersonEventReader>>& readers,
                            Use&& use) const {
    const auto read = [&](unsigned thread, PersonOrdinal person,
                          std::span<const PersonRun> runs) -> Result<void> {
      std::optional<PersonEventReader>& reader = readers[thread];
      if (!reader) {
        HF_TRY(PersonEventReader opened, PersonEventReader::open(*bound_));
        reader.emplace(std::move(opened));
      }
      HF_TRY(const PersonEvents events, reader->read(runs));
      if (events.events.empty()) return {};
      HF_CHECK(use(thread, person, events));
      return reader->keys_read();
    };
    HF_TRY(Scan scan, walk_persons(bound_->snapshot(), rules_, read));
    for (const auto& reader : readers) {
      scan.too_big = scan.too_big || (reader && reader->saw_too_big());
    }
    return scan;
  }

  template <class Use>
  Result<Scan> for_each_read(Use&& use) const {
    std::vector<std::optional<PersonEventReader>> readers(threads());
    return read_persons(readers, use);
  }

  template <class Use>
  Result<Scan> for_each_gathered(Use&& use) const {
    const auto units = static_cast<std::uint32_t>(gathered_->starts.size() - 1);
    constexpr std::uint32_t units_an_item = 256;
    const std::uint32_t items = (units + units_an_item - 1) / units_an_item;
    const EventSelection& selection = bound_->selection();
    const auto walk = [&](unsigned thread, std::uint32_t item) -> Result<void> {
      HF_CHECK(rules_.guard->check());
      const std::uint32_t end = std::min(units, (item + 1) * units_an_item);
      for (std::uint32_t unit = item * units_an_item; unit < end; ++unit) {
        const std::uint32_t first = gathered_->starts[unit];
        const std::uint32_t last = gathered_->starts[unit + 1];
        if (first == last) continue;
        HF_CHECK(
            use(thread, unit,
                PersonEvents{.events = std::span(gathered_->events).subspan(first, last - first),
                             .numbers = gathered_->numbers.data(),
                             .keys = gathered_->keys.data(),
                             .value_count = static_cast<std::uint32_t>(selection.values.size()),
                             .key_count = static_cast<std::uint32_t>(selection.keys.size())}));
      }
      return {};
    };
    HF_CHECK(for_each_item(threads(), items, walk));
    return gathered_->scan;
  }

  const BoundSelection* bound_;
  SourceRules rules_;
  std::unique_ptr<Gathered> gathered_;  // Null where persons are the units.
};

}  // namespace hf
