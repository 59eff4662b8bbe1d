// SPDX-License-Identifier: Apache-2.0
//
// Counts matches a person, by chunks of persons, each of whose numbers one thread adds up over all
// parts. A part is read by the lists of its rare names where these say all, else by bits of which
// rows match (RunCounter). Counting ends at the number that decides.
#include "predicate/who_did.h"

#include <algorithm>
#include <bit>
#include <limits>
#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "base/assert.h"
#include "base/parallel.h"
#include "predicate/behaviour_window.h"
#include "predicate/chunk_runs.h"
#include "predicate/matched_rows.h"
#include "predicate/run_count.h"
#include "store/snapshot_index.h"

namespace hf {
namespace {

constexpr std::uint32_t place_mask = PersonChunk::persons - 1;
constexpr std::uint32_t ahead = 16;  // So many runs later a line of times has come from memory.

// Every number from it on decides the same.
std::uint32_t enough_for(const Behaviour::Count& count) {
  constexpr std::int64_t most = std::numeric_limits<std::uint32_t>::max();
  const bool is_open = count.max >= most;
  return static_cast<std::uint32_t>(
      std::clamp<std::int64_t>(is_open ? count.min : std::max(count.min, count.max + 1), 0, most));
}

class DidSearch {
 public:
  DidSearch(const Snapshot& snapshot, const Behaviour& behaviour, const RowConditions* conditions,
            const PeopleScope& scope)
      : snapshot_(snapshot),
        matcher_(behaviour.matchers.front()),
        count_(behaviour.count),
        enough_(enough_for(behaviour.count)),
        span_(span_looked_at(behaviour, scope.as_of_ms, *scope.zone)),
        conditions_(conditions),
        scope_(scope),
        index_(SnapshotIndex::of(snapshot)),
        owners_(index_->owners(snapshot)) {}

  Result<void> bind() {
    const auto parts = static_cast<std::uint32_t>(snapshot_.parts.size());
    postings_.resize(parts);
    HF_CHECK(bind_postings());
    std::vector<bool> is_listed(parts);
    for (std::uint32_t part = 0; part < parts; ++part) is_listed[part] = !postings_[part].empty();
    const MatchedRows::Wanted wanted{.matcher = &matcher_, .passed_over = &is_listed};
    HF_TRY(matched_, MatchedRows::find(snapshot_, {&wanted, 1}, span_, conditions_, scope_));
    return {};
  }

  Result<void> restrict(PersonBitmap& among) {
    std::uint64_t rows = 0;
    for (std::uint32_t part = 0; part < snapshot_.parts.size(); ++part) {
      if (matched_->rows(0, part) != nullptr) rows += snapshot_.parts[part]->row_count();
      for (const auto& list : postings_[part]) rows += list->owners.size();
    }
    std::vector<std::optional<Counting>> countings(threads_for_rows(rows, scope_.threads));
    const auto run = [&](unsigned thread, std::uint32_t chunk) -> Result<void> {
      HF_CHECK(scope_.guard->check());
      if (!countings[thread]) countings[thread].emplace(*this);
      return countings[thread]->restrict(chunk, among.chunk(chunk));
    };
    return for_each_item(static_cast<unsigned>(countings.size()), among.chunks(), run);
  }

 private:
  // Of one chunk after the other, for one thread.
  class Counting {
   public:
    explicit Counting(const DidSearch& search) : search_(search), counts_(PersonChunk::persons) {
      for (std::uint32_t part = 0; part < search.snapshot_.parts.size(); ++part) {
        auto& counter = by_part_.emplace_back();
        if (const RowBits* rows = search.matched_->rows(0, part)) {
          counter.emplace(*search.snapshot_.parts[part], *rows, search.span_);
        }
      }
    }

    Result<void> restrict(std::uint32_t chunk, std::uint64_t* among) {
      std::ranges::fill(counts_, 0);
      const PersonOrdinal first = chunk << PersonChunk::bits;
      // Backwards: the latest is most often within the span, and enough.
      for (auto part = static_cast<std::uint32_t>(by_part_.size()); part-- > 0;) {
        if (by_part_[part]) HF_CHECK(count_rows(part, chunk, among));
        for (const auto& list : search_.postings_[part]) count_listed(*list, first);
      }
      HF_CHECK(count_moved_rows(chunk));
      for (const auto& [person, count] : search_.moved_listed(first)) {
        counts_[person & place_mask] += count;
      }
      for (std::uint32_t w = 0; w < PersonChunk::words; ++w) {
        for (std::uint64_t left = among[w]; left != 0; left &= left - 1) {
          const auto bit = static_cast<std::uint32_t>(std::countr_zero(left));
          if (!search_.count_.holds(counts_[w * 64 + bit])) among[w] &= ~(std::uint64_t{1} << bit);
        }
      }
      return {};
    }

   private:
    Result<void> count_rows(std::uint32_t number, std::uint32_t chunk, const std::uint64_t* among) {
      RunCounter& counter = *by_part_[number];
      const Part& part = *search_.snapshot_.parts[number];
      const auto persons = part.persons();
      const RowNumber* const offsets = part.row_offsets().data();
      const auto count = [&](std::uint32_t at) -> Result<void> {
        if (at + ahead < persons.size()) counter.prefetch(offsets[at + ahead + 1]);
        const std::uint32_t place = persons[at] & place_mask;
        if ((among[place / 64] >> (place % 64) & 1) == 0) return {};
        if (counts_[place] >= search_.enough_) return {};
        HF_TRY(const std::uint32_t more, counter.count(offsets[at], offsets[at + 1] - offsets[at],
                                                       search_.enough_ - counts_[place]));
        counts_[place] += more;
        return {};
      };
      return for_each_staying(search_.snapshot_, number, chunk, count);
    }

    // Owners whose events are others' are nobody who is asked for.
    void count_listed(const Postings& list, PersonOrdinal first) {
      const auto begin = std::ranges::lower_bound(list.owners, first);
      for (auto at = static_cast<std::size_t>(begin - list.owners.begin());
           at < list.owners.size() && list.owners[at] - first < PersonChunk::persons; ++at) {
        const std::uint32_t place = list.owners[at] & place_mask;
        counts_[place] += search_.span_.contains(list.times[at]) ? 1 : 0;
      }
    }

    Result<void> count_moved_rows(std::uint32_t chunk) {
      for (const MovedRuns::Moved& each : moved_runs_of(search_.snapshot_, chunk)) {
        std::uint32_t& count = counts_[each.person & place_mask];
        auto& counter = by_part_[each.run.part];
        if (!counter || count >= search_.enough_) continue;
        HF_TRY(const std::uint32_t more,
               counter->count(each.run.first_row, each.run.row_count, search_.enough_ - count));
        count += more;
      }
      return {};
    }

    const DidSearch& search_;
    std::vector<std::optional<RunCounter>> by_part_;
    std::vector<std::uint32_t> counts_;  // By place in the chunk.
  };

  struct MovedCount {
    PersonOrdinal person;
    std::uint32_t count;
  };

  Result<void> bind_postings() {
    if (!scope_.postings || !is_by_name(matcher_)) return {};
    for (auto number = static_cast<std::uint32_t>(snapshot_.first_seen_parts);
         number < snapshot_.parts.size(); ++number) {
      const Part& part = *snapshot_.parts[number];
      const auto codes = name_codes_of(matcher_, part);
      const bool all_listed =
          std::ranges::all_of(codes, [&](std::uint32_t code) { return part.has_postings(code); });
      if (!all_listed || !may_meet(part, codes, span_)) continue;
      for (const std::uint32_t code : codes) {
        HF_TRY(postings_[number].emplace_back(), part.postings(code));
        count_moved_owners(*postings_[number].back());
      }
    }
    std::ranges::sort(moved_listed_, {}, &MovedCount::person);
    return {};
  }

  void count_moved_owners(const Postings& list) {
    auto from = list.owners.begin();
    for (const auto& [owner, person] : owners_->moved) {
      from = std::lower_bound(from, list.owners.end(), owner);
      std::uint32_t count = 0;
      for (; from != list.owners.end() && *from == owner; ++from) {
        count += span_.contains(list.times[static_cast<std::size_t>(from - list.owners.begin())])
                     ? 1
                     : 0;
      }
      if (count > 0) moved_listed_.push_back({person, count});
    }
  }

  // Of persons of the chunk from `first` on.
  [[nodiscard]] std::span<const MovedCount> moved_listed(PersonOrdinal first) const {
    const auto chunk_of = [](const MovedCount& each) { return each.person >> PersonChunk::bits; };
    const auto found =
        std::ranges::equal_range(moved_listed_, first >> PersonChunk::bits, {}, chunk_of);
    return {found.begin(), found.end()};
  }

  const Snapshot& snapshot_;
  const Matcher& matcher_;
  Behaviour::Count count_;
  std::uint32_t enough_;
  TimeSpan span_;
  const RowConditions* conditions_;
  const PeopleScope& scope_;
  std::shared_ptr<SnapshotIndex> index_;
  std::shared_ptr<const OwnerMoves> owners_;
  std::vector<std::vector<std::shared_ptr<const Postings>>> postings_;  // By part.
  std::vector<MovedCount> moved_listed_;
  std::optional<MatchedRows> matched_;
};

}  // namespace

Result<PersonBitmap> find_who_did(const Snapshot& snapshot, const Behaviour& behaviour,
                                  PersonBitmap among, const RowConditions* conditions,
                                  const PeopleScope& scope) {
  HF_ASSERT(behaviour.kind == Behaviour::Kind::did && behaviour.matchers.size() == 1);
  DidSearch search(snapshot, behaviour, conditions, scope);
  HF_CHECK(search.bind());
  HF_CHECK(search.restrict(among));
  return among;
}

}  // namespace hf
