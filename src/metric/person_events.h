// SPDX-License-Identifier: Apache-2.0
//
// From a snapshot's columns to what a metric looks at: one person's matching events in order. What
// costs is done by page: which rows match is computed once per page and kept as bits.
#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <unordered_map>
#include <vector>

#include "metric/bucket.h"
#include "metric/query_context.h"
#include "predicate/matcher.h"
#include "store/row_walk.h"
#include "store/snapshot.h"

namespace hf {

/// Which events a metric wants, and which of their properties.
struct EventSelection {
  static constexpr std::size_t matchers_max = 32;
  struct Wanted {
    const Matcher* matcher;  ///< Outlives the selection, as `where` does.
    const Predicate* where;
  };
  std::vector<Wanted> wanted;  ///< At most matchers_max; bit i below is wanted[i].
  std::string value_property;  ///< Read from events of `value_bits`; empty: none.
  std::uint32_t value_bits = 0;
  std::optional<std::string> bucket_property;  ///< Read from events of `bucket_bits`.
  std::uint32_t bucket_bits = 0;
  std::uint32_t first_seen_bits = 0;  ///< Which of `wanted` first-seen rows may be; others are not.
  TimestampMs as_of = 0;              ///< Later events are not seen.
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
  [[nodiscard]] const TimestampMs* times() const { return times_->values.data(); }
  [[nodiscard]] const std::uint64_t* rows(std::size_t matcher) const {
    return rows_[matcher].data();
  }

 private:
  Result<void> load(std::uint32_t page);

  static constexpr std::uint32_t no_page = 0xffffffff;
  const Part* part_;
  std::span<const PageMatcher> matchers_;
  std::vector<std::vector<std::uint64_t>> rows_;
  std::shared_ptr<const TimePage> times_;
  std::uint32_t page_ = no_page;
  bool matches_nothing_ = true;
};

/// What was read of a value that is to be added up.
enum class NumberState : std::uint8_t { missing, number, too_big, no_number };

struct PersonEvent {
  TimestampMs time_ms;
  std::uint32_t matched;  ///< Bit i: wanted[i] of the selection.
  NumberState number_state = NumberState::missing;
  Decimal number = {};  ///< Where the state is number.
  /// Ascending buckets the event is in (several for a list, none for an empty one); nullptr where
  /// they were not asked for. Lives as long as the reader.
  const std::vector<BucketId>* buckets = nullptr;
};

/// One thread's reader of persons in ascending order.
class PersonEventReader {
 public:
  /// `buckets` may be nullptr where the selection names no bucket property. All must outlive it.
  /// Errors: those of Part's readers.
  [[nodiscard]] static Result<PersonEventReader> open(const BoundSelection& bound,
                                                      BucketTable* buckets);
  ~PersonEventReader();
  PersonEventReader(PersonEventReader&&) noexcept;

  /// The person's events that match anything, by (time, arrival); valid until the next call.
  /// Errors: those of Part's readers and of BucketTable.
  [[nodiscard]] Result<std::span<const PersonEvent>> read(std::span<const PersonRun> runs);

 private:
  struct PartReader;
  explicit PersonEventReader(const BoundSelection& bound);
  Result<void> append(PartReader& reader, const PersonRun& run);

  const BoundSelection* bound_;
  std::vector<PartReader> parts_;
  std::vector<PersonEvent> events_;
};

/// Boundaries of `ranges` ranges of persons with about as many rows each: ranges + 1 ordinals.
[[nodiscard]] std::vector<PersonOrdinal> split_persons(const Snapshot& snapshot, unsigned ranges);

/// Runs work(i, begin, end) for each of `ranges` person ranges, each on its own thread (one: on the
/// caller's). Returns the error of the first range that failed.
[[nodiscard]] Result<void> for_each_person_range(
    const Snapshot& snapshot, unsigned ranges,
    const std::function<Result<void>(unsigned, PersonOrdinal, PersonOrdinal)>& work);

}  // namespace hf
