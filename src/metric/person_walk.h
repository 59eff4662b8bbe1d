// SPDX-License-Identifier: Apache-2.0
//
// Going over the persons of a snapshot on several threads, as every reader of events does.
#pragma once

#include <algorithm>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "base/parallel.h"
#include "base/work_guard.h"
#include "metric/person_events.h"
#include "store/person_bitmap.h"
#include "store/snapshot.h"

namespace hf {

/// What of a selection is walked.
struct SourceRules {
  const PersonBitmap* people = nullptr;  ///< Null: everybody.
  std::optional<std::size_t> unit_key;   ///< Of the selection; absent: persons are the units.
  unsigned threads = 1;
  WorkGuard* guard;  ///< Never null.
};

/// What was looked at, of all threads.
struct WalkScan {
  std::uint64_t events = 0;
  std::uint64_t persons = 0;
  bool too_big = false;  ///< Some value was more than a Decimal holds.
};

/// Calls use(thread, person, std::span<const PersonRun>) for each of the people with events, on up
/// to rules.threads threads, one person after the other on each. `use` gives a Result<void>; the
/// first failure ends it. Errors: its own, those of WorkGuard.
template <class Use>
[[nodiscard]] Result<WalkScan> walk_persons(const Snapshot& snapshot, const SourceRules& rules,
                                            Use&& use) {
  const unsigned threads = std::max(1u, rules.threads);
  // More than threads, so that none waits long for another; few enough that each is work.
  const std::vector<PersonOrdinal> bounds =
      split_persons(snapshot, threads == 1 ? 8 : threads * 16);
  const auto items = static_cast<std::uint32_t>(bounds.size() - 1);
  std::vector<WalkScan> scans(threads);
  rules.guard->expect(items);
  const auto walk_range = [&](unsigned thread, std::uint32_t item) -> Result<void> {
    constexpr PersonOrdinal persons_between_checks = 1024;
    WalkScan& scan = scans[thread];
    const PersonOrdinal end = bounds[item + 1];
    for (PersonOrdinal first = bounds[item]; first < end;) {
      HF_CHECK(rules.guard->check());
      const PersonOrdinal next = first + std::min(persons_between_checks, end - first);
      Result<void> outcome;
      for_each_person(snapshot, first, next,
                      [&](PersonOrdinal person, std::span<const PersonRun> runs) {
                        if (!outcome) return;
                        if (rules.people != nullptr && !rules.people->contains(person)) return;
                        ++scan.persons;
                        for (const PersonRun& run : runs) scan.events += run.row_count;
                        outcome = use(thread, person, runs);
                      });
      HF_CHECK(outcome);
      first = next;
    }
    rules.guard->advance(1);
    return {};
  };
  HF_CHECK(for_each_item(threads, items, walk_range));
  WalkScan all;
  for (const WalkScan& scan : scans) {
    all.events += scan.events;
    all.persons += scan.persons;
  }
  return all;
}

}  // namespace hf
