// SPDX-License-Identifier: Apache-2.0
//
// One pass over the persons for a total, and two for a breakdown: the first finds how large each
// bucket is, so that the second keeps tallies only for those an answer shows.
#pragma once

#include <algorithm>
#include <cstdint>
#include <optional>
#include <span>
#include <utility>
#include <vector>

#include "metric/bucket.h"
#include "metric/person_events.h"

namespace hf {

/// How a walk treats a person's events, as bits of the selection.
struct WalkRules {
  /// Where set, a person is in the buckets of its first event of these bits (the missing one where
  /// it has none), with all its events. Else a bucket has the events that carry its value.
  std::uint32_t bucket_by_first = 0;
  /// Where set, the person's value is the number of its last event of these bits that has one.
  std::uint32_t trait_bits = 0;
  std::optional<std::size_t> top;  ///< Buckets to show; nothing: no breakdown.
  unsigned threads = 1;
};

template <class Tally>
struct GroupedTallies {
  Tally total;
  std::vector<Tally> groups;  ///< Of `buckets`.
  std::vector<Bucket> buckets;
  std::uint64_t events_scanned = 0;
  std::uint64_t persons_scanned = 0;
  bool numbers_too_big = false;
};

/// Sorts one person's events into buckets.
class BucketSplit {
 public:
  /// Calls use(bucket, events) for each bucket, events in order.
  template <class Use>
  void for_each(std::span<const PersonEvent> events, const WalkRules& rules, Use&& use) {
    if (rules.bucket_by_first != 0) {
      const auto first = std::ranges::find_if(events, [&](const PersonEvent& event) {
        return (event.matched & rules.bucket_by_first) != 0;
      });
      if (first == events.end()) {
        use(BucketTable::missing, events);
      } else {
        for (const BucketId bucket : *first->buckets) use(bucket, events);
      }
      return;
    }
    // Most properties say the same of a person each time: then there is nothing to sort.
    const std::vector<BucketId>* only = events.empty() ? nullptr : events.front().buckets;
    if (only != nullptr && only->size() == 1 &&
        std::ranges::all_of(events, [&](const PersonEvent& event) {
          return event.buckets != nullptr && *event.buckets == *only;
        })) {
      use(only->front(), events);
      return;
    }
    order_.clear();
    for (std::uint32_t i = 0; i < events.size(); ++i) {
      if (events[i].buckets == nullptr) continue;
      for (const BucketId bucket : *events[i].buckets) order_.emplace_back(bucket, i);
    }
    std::ranges::sort(order_);
    for (std::size_t i = 0; i < order_.size();) {
      const BucketId bucket = order_[i].first;
      events_.clear();
      for (; i < order_.size() && order_[i].first == bucket; ++i) {
        events_.push_back(events[order_[i].second]);
      }
      use(bucket, std::span<const PersonEvent>(events_));
    }
  }

 private:
  std::vector<std::pair<BucketId, std::uint32_t>> order_;
  std::vector<PersonEvent> events_;
};

/// An Evaluator has a type Tally with add(const Tally&), and is made once a thread from `plan`:
///   Tally empty_tally() const
///   BucketSize measure(span<const PersonEvent>)         what one person adds to its bucket's size
///   void add(span<const PersonEvent>, const optional<Decimal>& trait, Tally&)
/// Tallies are integers and exact sums: the answer does not depend on how persons were split.
/// `fits` is asked, with the number of groups, before their tallies are made.
/// Errors: those of PersonEventReader and of `fits`.
template <class Evaluator, class Plan, class Fits>
[[nodiscard]] Result<GroupedTallies<typename Evaluator::Tally>> walk_grouped(
    const BoundSelection& bound, const Plan& plan, const WalkRules& rules, Fits&& fits) {
  using Tally = typename Evaluator::Tally;
  const Snapshot& snapshot = bound.snapshot();
  BucketTable table;
  GroupedTallies<Tally> result{.total = Evaluator(plan).empty_tally()};

  // Calls use(evaluator, events) for each person of a range; counts what it has looked at.
  struct Seen {
    std::uint64_t events = 0;
    std::uint64_t persons = 0;
    bool numbers_too_big = false;
  };
  const auto for_persons = [&](PersonOrdinal begin, PersonOrdinal end, Seen& seen,
                               auto&& use) -> Result<void> {
    HF_TRY(PersonEventReader reader, PersonEventReader::open(bound, &table));
    Result<void> outcome;
    for_each_person(snapshot, begin, end, [&](PersonOrdinal, std::span<const PersonRun> runs) {
      if (!outcome) return;
      const auto events = reader.read(runs);
      if (!events) {
        outcome = std::unexpected(events.error());
        return;
      }
      ++seen.persons;
      for (const PersonRun& run : runs) seen.events += run.row_count;
      if (bound.selection().value_bits != 0) {
        for (const PersonEvent& event : *events) {
          seen.numbers_too_big |= event.number_state == NumberState::too_big;
        }
      }
      if (!events->empty()) use(*events);
    });
    return outcome;
  };

  BucketRanking ranking;
  if (rules.top) {
    std::vector<std::vector<BucketSize>> sizes(std::max(1u, rules.threads));
    const Result<void> measured = for_each_person_range(
        snapshot, rules.threads,
        [&](unsigned range, PersonOrdinal begin, PersonOrdinal end) -> Result<void> {
          Evaluator evaluator(plan);
          BucketSplit split;
          Seen seen;
          std::vector<BucketSize>& own = sizes[range];
          return for_persons(begin, end, seen, [&](std::span<const PersonEvent> events) {
            split.for_each(events, rules, [&](BucketId id, std::span<const PersonEvent> inside) {
              if (own.size() <= id) own.resize(id + 1);
              const BucketSize more = evaluator.measure(inside);
              own[id].size += more.size;
              own[id].present |= more.present;
            });
          });
        });
    HF_CHECK(measured);
    std::vector<BucketSize> all(table.size());
    for (const auto& own : sizes) {
      for (std::size_t id = 0; id < own.size(); ++id) {
        all[id].size += own[id].size;
        all[id].present |= own[id].present;
      }
    }
    ranking = rank_buckets(table, all, *rules.top);
    result.buckets = ranking.shown;
  }
  HF_CHECK(fits(result.buckets.size()));
  result.groups.assign(result.buckets.size(), result.total);

  std::vector<GroupedTallies<Tally>> parts(std::max(1u, rules.threads), result);
  const Result<void> walked = for_each_person_range(
      snapshot, rules.threads,
      [&](unsigned range, PersonOrdinal begin, PersonOrdinal end) -> Result<void> {
        Evaluator evaluator(plan);
        BucketSplit split;
        Seen seen;
        GroupedTallies<Tally>& own = parts[range];
        const auto add_person = [&](std::span<const PersonEvent> events) {
          std::optional<Decimal> trait;
          for (const PersonEvent& event : events) {
            if ((event.matched & rules.trait_bits) == 0) continue;
            if (event.number_state == NumberState::missing) continue;
            trait.reset();  // The latest value counts, and only where it is a number.
            if (event.number_state == NumberState::number) trait = event.number;
          }
          evaluator.add(events, trait, own.total);
          if (!rules.top) return;
          split.for_each(events, rules, [&](BucketId id, std::span<const PersonEvent> inside) {
            const std::int32_t slot = ranking.slots[id];
            if (slot != BucketRanking::none) evaluator.add(inside, trait, own.groups[slot]);
          });
        };
        HF_CHECK(for_persons(begin, end, seen, add_person));
        own.events_scanned = seen.events;
        own.persons_scanned = seen.persons;
        own.numbers_too_big = seen.numbers_too_big;
        return {};
      });
  HF_CHECK(walked);
  for (const GroupedTallies<Tally>& part : parts) {
    result.total.add(part.total);
    for (std::size_t i = 0; i < part.groups.size(); ++i) result.groups[i].add(part.groups[i]);
    result.events_scanned += part.events_scanned;
    result.persons_scanned += part.persons_scanned;
    result.numbers_too_big |= part.numbers_too_big;
  }
  return result;
}

}  // namespace hf
