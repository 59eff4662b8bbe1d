// SPDX-License-Identifier: Apache-2.0
//
// From a snapshot's columns to what a metric looks at: one person's matching events in order. What
// costs is done by page: which rows match is computed once per page and kept as bits.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "metric/bucket.h"
#include "metric/query_context.h"
#include "predicate/matcher.h"
#include "predicate/people.h"
#include "store/row_walk.h"
#include "store/snapshot.h"

namespace hf {

/// Which events a metric wants, and which of their properties.
struct EventSelection {
  static constexpr std::size_t matchers_max = 64;
  struct Wanted {
    const Matcher* matcher;  ///< Outlives the selection, as `where` does.
    const Predicate* where;
  };
  /// A property whose values are numbers to be added up.
  struct Value {
    std::string property;
    std::uint64_t bits;  ///< Of which events it is read.
  };
  /// A property whose values are buckets.
  struct Key {
    std::string property;
    std::uint64_t bits;
    BucketTable* table;  ///< Outlives the selection.
  };
  std::vector<Wanted> wanted;  ///< At most matchers_max; bit i below is wanted[i].
  std::vector<Value> values;
  std::vector<Key> keys;
  std::uint64_t first_seen_bits = 0;  ///< Which of `wanted` first-seen rows may be; others are not.
  TimestampMs as_of = 0;              ///< Later events are not seen.
  const RowConditions* conditions = nullptr;  ///< Of the predicates above; null: none needed.
};

/// A selection bound to the parts of a snapshot; const methods may run concurrently.
class BoundSelection {
 public:
  /// Both must outlive the result. Errors: those of Part's readers.
  [[nodiscard]] static Result<BoundSelection> bind(const Snapshot& snapshot,
                                                   const EventSelection& selection);

  [[nodiscard]] const Snapshot& snapshot() const { return *snapshot_; }
  [[nodiscard]] const EventSelection& selection() const { return *selection_; }
  /// Events one by one, by matcher.
  [[nodiscard]] std::vector<ReadStep> steps() const;
  [[nodiscard]] std::span<const PageMatcher> matchers(std::uint32_t part) const {
    return matchers_[part];
  }

 private:
  const Snapshot* snapshot_ = nullptr;
  const EventSelection* selection_ = nullptr;
  std::vector<std::vector<PageMatcher>> matchers_;  // By part, then as `wanted`.
};

/// Times of rows that ascend, in one of the shapes pages have.
struct RowTimes {
  const TimestampMs* values;
  const std::uint32_t* offsets;  // Where `values` is null: base + offset * unit.
  TimestampMs base_ms;
  std::int64_t unit_ms;

  [[nodiscard]] TimestampMs operator[](std::uint32_t row) const {
    return values != nullptr ? values[row] : base_ms + offsets[row] * unit_ms;
  }
  /// The same counted from `row` on.
  [[nodiscard]] RowTimes from(std::uint32_t row) const {
    return {values == nullptr ? nullptr : values + row,
            offsets == nullptr ? nullptr : offsets + row, base_ms, unit_ms};
  }
  /// The first row of [first, last) not before the instant; `last` where there is none.
  [[nodiscard]] std::uint32_t first_from(TimestampMs t, std::uint32_t first,
                                         std::uint32_t last) const {
    while (first < last) {
      const std::uint32_t middle = first + (last - first) / 2;
      if ((*this)[middle] < t) {
        first = middle + 1;
      } else {
        last = middle;
      }
    }
    return first;
  }
};

/// The page of one part at which one thread is: its times, and which rows match what.
class MatchedPage {
 public:
  MatchedPage(const Part& part, std::span<const PageMatcher> matchers);

  /// True when no row of the part can match any of the matchers.
  [[nodiscard]] bool matches_nothing() const { return matches_nothing_; }
  /// Errors: those of Part's readers.
  [[nodiscard]] Result<void> seek(std::uint32_t page) {
    return page == page_ ? Result<void>{} : load(page);
  }
  // Of the page last sought.
  [[nodiscard]] TimestampMs time(std::uint32_t row) const {
    return times_ ? times_->values[row]
                  : compact_->base_ms + compact_->offsets[row] * compact_->unit_ms;
  }
  /// The same of all rows; until the next seek.
  [[nodiscard]] RowTimes row_times() const {
    if (times_) return {times_->values.data(), nullptr, 0, 0};
    return {nullptr, compact_->offsets.data(), compact_->base_ms, compact_->unit_ms};
  }
  /// Rows that match anything.
  [[nodiscard]] const std::uint64_t* any() const { return any_.data(); }
  [[nodiscard]] const std::uint64_t* rows(std::size_t matcher) const {
    return rows_[matcher].data();
  }

 private:
  Result<void> load(std::uint32_t page);

  static constexpr std::uint32_t no_page = 0xffffffff;
  const Part* part_;
  std::span<const PageMatcher> matchers_;
  std::vector<std::vector<std::uint64_t>> rows_;
  std::vector<std::uint64_t> any_;
  std::shared_ptr<const CompactTimePage> compact_;
  std::shared_ptr<const TimePage> times_;  // Only where the compact ones do not fit.
  std::uint32_t page_ = no_page;
  bool matches_nothing_ = true;
};

/// What was read of a value that is to be added up.
enum class NumberState : std::uint8_t { missing, number, too_big, no_number };
struct EventNumber {
  NumberState state = NumberState::missing;
  Decimal number = {};  ///< Where the state is number.
};

struct PersonEvent {
  TimestampMs time_ms;
  std::uint64_t matched;     ///< Bit i: wanted[i] of the selection.
  std::uint32_t detail = 0;  ///< Where its values and keys are.
};

/// Of whom a group of a funnel is that is broken down by a step: those who come so far.
struct FunnelDepths {
  static constexpr std::size_t no_end = ~std::size_t{0};
  std::size_t at_least = 1;
  std::size_t below = no_end;

  [[nodiscard]] bool contain(std::size_t depth) const { return depth >= at_least && depth < below; }
  [[nodiscard]] bool are_none() const { return below <= at_least; }
};

class PersonEventReader;

/// Events of one person in order, with what was read of them. Lives as long as its reader says.
struct PersonEvents {
  std::span<const PersonEvent> events;
  const EventNumber* numbers = nullptr;    // By detail, then value.
  const BucketSet* const* keys = nullptr;  // By detail, then key; null where it was not read.
  std::uint32_t value_count = 0;
  std::uint32_t key_count = 0;
  PersonEventReader* reader = nullptr;  // Where set, keys are read when they are asked for.
  FunnelDepths depths = {};

  /// Of value `i` of the selection.
  [[nodiscard]] const EventNumber& number(const PersonEvent& event, std::size_t i = 0) const {
    return numbers[std::size_t{event.detail} * value_count + i];
  }
  /// Of key `i` of the selection; null where the key is not read of such events.
  [[nodiscard]] const BucketSet* key(const PersonEvent& event, std::size_t i) const;
  /// The same of other events of the person.
  [[nodiscard]] PersonEvents with(std::span<const PersonEvent> others) const {
    PersonEvents view = *this;
    view.events = others;
    return view;
  }
};

/// One thread's reader of persons in ascending order.
class PersonEventReader {
 public:
  /// `bound` must outlive it. Errors: those of Part's readers.
  [[nodiscard]] static Result<PersonEventReader> open(const BoundSelection& bound);
  ~PersonEventReader();
  PersonEventReader(PersonEventReader&&) noexcept;

  /// The person's events that match anything, by (time, arrival); valid until the next call, the
  /// sets of keys as long as the reader. Errors: those of Part's readers and of BucketTable.
  [[nodiscard]] Result<PersonEvents> read(std::span<const PersonRun> runs);

  /// PersonEvents::key() of the person last read.
  [[nodiscard]] const BucketSet* key(const PersonEvent& event, std::size_t i);
  /// Why a key could not be read, if one could not: what it then gave was the missing value.
  [[nodiscard]] const Result<void>& keys_read() const { return keys_read_; }
  /// True where any value read so far was a number_state too_big.
  [[nodiscard]] bool saw_too_big() const { return saw_too_big_; }

 private:
  struct PartReader;
  explicit PersonEventReader(const BoundSelection& bound);
  Result<void> append(PartReader& reader, const PersonRun& run);
  Result<void> read_values(PartReader& reader, std::uint32_t page, std::uint32_t row,
                           const PersonEvent& event);
  struct Place {
    std::uint32_t part;
    RowNumber row;
  };

  const BoundSelection* bound_;
  std::vector<PartReader> parts_;
  std::vector<PersonEvent> events_;
  std::vector<EventNumber> numbers_;
  std::vector<Place> places_;           // By detail.
  std::vector<const BucketSet*> keys_;  // By detail, then key; null until it is asked for.
  Result<void> keys_read_;
  bool saw_too_big_ = false;
};

inline const BucketSet* PersonEvents::key(const PersonEvent& event, std::size_t i) const {
  return reader != nullptr ? reader->key(event, i)
                           : keys[std::size_t{event.detail} * key_count + i];
}

/// Boundaries of `ranges` ranges of persons with about as many rows each: ranges + 1 ordinals.
[[nodiscard]] std::vector<PersonOrdinal> split_persons(const Snapshot& snapshot, unsigned ranges);

}  // namespace hf
