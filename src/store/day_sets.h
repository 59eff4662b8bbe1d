// SPDX-License-Identifier: Apache-2.0
//
// Who was active on which local day, as sets of persons a day: questions that ask only this AND and
// count them instead of reading events. Activity is what "*" matches (is_inactive_name()).
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "base/result.h"
#include "store/page_cache.h"
#include "store/zone_rules.h"

namespace hf {

class Part;
/// Dense number of a person in its store, never reused.
using PersonOrdinal = std::uint32_t;
/// Position of an event in its part.
using RowNumber = std::uint32_t;

/// An owner of events (store/moved_runs.h) was active on that day.
struct OwnerDay {
  PersonOrdinal owner = 0;
  Day day = 0;
  friend auto operator<=>(const OwnerDay&, const OwnerDay&) = default;
};

/// Persons in chunks of neighbouring ordinals: the sets of one chunk fit the processor's nearest
/// caches, and threads share work by chunks.
struct PersonChunk {
  static constexpr std::uint32_t bits = 14;
  static constexpr std::uint32_t persons = 1u << bits;
  static constexpr std::uint32_t words = persons / 64;  ///< Of a set as a bitmap.
  /// How many hold the ordinals below `person_end`.
  [[nodiscard]] static std::uint32_t count(PersonOrdinal person_end) {
    return (person_end >> bits) + ((person_end & (persons - 1)) != 0 ? 1 : 0);
  }
};

/// The sets of one part, by chunk of owners, then day. Immutable.
class DaySets final : public CachedPage {
 public:
  /// In any order, repeated ones once.
  explicit DaySets(std::vector<OwnerDay> days, ZoneRules rules = {});

  /// By which they were made, for who wants to know.
  [[nodiscard]] const ZoneRules& rules() const { return rules_; }

  /// Calls use(Day) for each day in [first, last) on which anybody of the chunk was active,
  /// ascending, with the set added to what it returns: PersonChunk::words words, or nullptr to pass
  /// it over. Only members that are in `mask` too, unless that is null.
  template <class Use>
  void add_each(std::uint32_t chunk, Day first, Day last, const std::uint64_t* mask,
                Use&& use) const {
    for (const Set& set : sets_of(chunk)) {
      if (set.day < first) continue;
      if (set.day >= last) break;
      if (std::uint64_t* into = use(set.day)) add(set, mask, into);
    }
  }
  /// The days of one owner, ascending.
  [[nodiscard]] std::vector<Day> days_of(PersonOrdinal owner) const;
  /// All there is, ascending by owner, then day.
  [[nodiscard]] std::vector<OwnerDay> all() const;
  /// Those of owners that are in none of `masks`, which are by chunk and null where all are in.
  [[nodiscard]] std::vector<OwnerDay> outside(
      std::span<const std::unique_ptr<std::uint64_t[]>> masks) const;
  [[nodiscard]] bool empty() const { return sets_.empty(); }
  /// Of all sets. Requires !empty().
  [[nodiscard]] Day first_day() const { return first_day_; }
  [[nodiscard]] Day last_day() const { return last_day_; }

 private:
  // A set of few members is a list of their places in the chunk, one of many a bitmap.
  struct Set {
    Day day;
    std::uint32_t count;
    std::uint32_t at;  // Into words_ or places_.
    [[nodiscard]] bool is_bitmap() const { return count > listed_max; }
  };
  static constexpr std::uint32_t listed_max = 512;

  [[nodiscard]] std::span<const Set> sets_of(std::uint32_t chunk) const;
  void add(const Set& set, const std::uint64_t* mask, std::uint64_t* into) const;
  void add_chunk(std::span<const OwnerDay> days);
  void append_members(std::size_t at, const std::uint64_t* mask, std::vector<OwnerDay>& days) const;

  std::vector<std::uint32_t> chunks_;      // Numbers of those there are, ascending.
  std::vector<std::uint32_t> first_sets_;  // By chunk, and the end.
  std::vector<Set> sets_;
  std::vector<std::uint64_t> words_;
  std::vector<std::uint16_t> places_;
  Day first_day_ = 0;
  Day last_day_ = 0;
  ZoneRules rules_;
};

/// Of the part's rows at or before `until_ms`; reads names and times. `rules` are of all its times.
/// Errors: those of Part's readers.
[[nodiscard]] Result<std::vector<OwnerDay>> read_owner_days(const Part& part,
                                                            const ZoneRules& rules,
                                                            TimestampMs until_ms);
}  // namespace hf
