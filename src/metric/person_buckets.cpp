// SPDX-License-Identifier: Apache-2.0
#include "metric/person_buckets.h"

#include <atomic>
#include <bit>
#include <memory>

#include "metric/key_reader.h"
#include "store/part_format.h"
#include "store/row_walk.h"

namespace hf {
namespace {

// One thread's reader of the first or the last events that carry a value. Runs of a person are in
// order each, and of equal times the earlier run's come first: of each run one row is looked at,
// and only where it may be the one that is looked for.
class TouchReader {
 public:
  static Result<std::unique_ptr<TouchReader>> open(const BoundSelection& bound,
                                                   const GroupBy& group) {
    std::unique_ptr<TouchReader> reader(new TouchReader(bound, group));
    const EventSelection::Key& key = bound.selection().keys[group.key];
    for (std::uint32_t i = 0; i < bound.snapshot().parts.size(); ++i) {
      const Part& part = *bound.snapshot().parts[i];
      HF_TRY(PropertyReader values, PropertyReader::open(part, key.property));
      reader->parts_.push_back(
          {{part, bound.matchers(i)}, std::make_unique<KeyReader>(std::move(values), *key.table)});
    }
    return reader;
  }

  // Null where none carries one.
  Result<const BucketSet*> read(std::span<const PersonRun> runs) {
    found_ = nullptr;
    for (const PersonRun& run : runs) {
      PartReader& reader = parts_[run.part];
      if (reader.page.matches_nothing()) continue;
      const auto read_page = [&](std::uint32_t page, std::uint32_t first, std::uint32_t last) {
        return is_first_ ? look_forward(reader, page, first, last)
                         : look_back(reader, page, first, last);
      };
      HF_CHECK(for_each_page(run, read_page));
    }
    return found_;
  }

 private:
  struct PartReader {
    MatchedPage page;
    std::unique_ptr<KeyReader> keys;
  };

  TouchReader(const BoundSelection& bound, const GroupBy& group)
      : as_of_(bound.selection().as_of),
        is_first_(group.how == GroupBy::How::first_touch),
        bits_(group.bits) {}

  std::uint64_t word(const MatchedPage& page, std::size_t at) const {
    std::uint64_t any = 0;
    for (std::uint64_t bits = bits_; bits != 0; bits &= bits - 1) {
      any |= page.rows(static_cast<std::size_t>(std::countr_zero(bits)))[at];
    }
    return any;
  }

  Result<bool> take(PartReader& reader, std::uint32_t page, std::uint32_t row, TimestampMs time) {
    HF_TRY(const BucketSet* const set, reader.keys->read(page, row));
    if (set->empty() || is_missing(*set)) return false;
    found_ = set;
    time_ = time;
    return true;
  }

  Result<void> look_forward(PartReader& reader, std::uint32_t page, std::uint32_t first,
                            std::uint32_t last) {
    HF_CHECK(reader.page.seek(page));
    if (found_ != nullptr && reader.page.time(first) >= time_) return {};
    Result<void> outcome;
    for_each_row(
        first, last, [&](std::uint32_t at) { return word(reader.page, at); },
        [&](std::uint32_t row) {
          const TimestampMs time = reader.page.time(row);
          if (time > as_of_ || (found_ != nullptr && time >= time_)) return false;
          const auto taken = take(reader, page, row, time);
          if (!taken) outcome = std::unexpected(taken.error());
          return taken && !*taken;
        });
    return outcome;
  }

  Result<void> look_back(PartReader& reader, std::uint32_t page, std::uint32_t first,
                         std::uint32_t last) {
    HF_CHECK(reader.page.seek(page));
    last = reader.page.row_times().first_from(as_of_ + 1, first, last);
    for (std::uint32_t end = last; end > first;) {
      const std::uint32_t begin = std::max(first, (end - 1) & ~63u);
      std::uint64_t bits = word(reader.page, begin / 64) & (~std::uint64_t{0} << (begin % 64));
      if (end % 64 != 0) bits &= (std::uint64_t{1} << (end % 64)) - 1;
      for (; bits != 0; bits &= ~(std::uint64_t{1} << (std::bit_width(bits) - 1))) {
        const std::uint32_t row =
            (begin & ~63u) + static_cast<std::uint32_t>(std::bit_width(bits)) - 1;
        const TimestampMs time = reader.page.time(row);
        if (found_ != nullptr && time < time_) return {};
        HF_TRY(const bool is_taken, take(reader, page, row, time));
        if (is_taken) return {};
      }
      end = begin;
    }
    return {};
  }

  TimestampMs as_of_;
  bool is_first_;
  std::uint64_t bits_;
  std::vector<PartReader> parts_;
  const BucketSet* found_ = nullptr;  // So far of the person at hand.
  TimestampMs time_ = 0;
};

constexpr std::uint16_t several = 0xffff;

std::uint16_t only_bucket(const BucketSet& set) {
  return set.size() == 1 && set.front() < PersonBuckets::buckets_max
             ? static_cast<std::uint16_t>(set.front())
             : several;
}

}  // namespace

Result<FoundPersonBuckets> find_person_buckets(const BoundSelection& bound, const GroupBy& group,
                                               const SourceRules& rules) {
  const Snapshot& snapshot = bound.snapshot();
  FoundPersonBuckets found(*rules.guard);
  const bool by_touch =
      group.how == GroupBy::How::first_touch || group.how == GroupBy::How::last_touch;
  if (group.how != GroupBy::How::person && !by_touch) return found;
  // As many as chunks have: what goes over sets of persons goes over whole ones.
  const std::size_t persons =
      std::size_t{PersonChunk::count(snapshot.person_end)} * PersonChunk::persons;
  HF_CHECK(found.held->grow_to(persons * sizeof(std::uint16_t)));
  PersonBuckets buckets;
  buckets.of.assign(persons, BucketTable::missing);
  if (group.how == GroupBy::How::person) {
    constexpr PersonOrdinal persons_between_checks = 1024;
    for (PersonOrdinal person = 0; person < snapshot.person_end; ++person) {
      if (person % persons_between_checks == 0) HF_CHECK(rules.guard->check());
      if (rules.people != nullptr && !rules.people->contains(person)) continue;
      buckets.of[person] = only_bucket(group.persons->of(person));
      if (buckets.of[person] == several) return found;
    }
  } else {
    std::vector<std::unique_ptr<TouchReader>> readers(std::max(1u, rules.threads));
    std::atomic<bool> is_over = false;
    const auto read = [&](unsigned thread, PersonOrdinal person,
                          std::span<const PersonRun> runs) -> Result<void> {
      if (is_over.load(std::memory_order_relaxed)) return {};
      if (!readers[thread]) {
        HF_TRY(readers[thread], TouchReader::open(bound, group));
      }
      HF_TRY(const BucketSet* const set, readers[thread]->read(runs));
      if (set == nullptr) return {};
      buckets.of[person] = only_bucket(*set);
      if (buckets.of[person] == several) is_over = true;
      return {};
    };
    HF_TRY(found.scan, walk_persons(snapshot, rules, read));
    if (is_over) return found;
  }
  buckets.end = std::min(group.table->size(), PersonBuckets::buckets_max);
  found.buckets = std::move(buckets);
  return found;
}

}  // namespace hf
