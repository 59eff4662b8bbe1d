// SPDX-License-Identifier: Apache-2.0
//
// The mutable end of the store: events that are in the log and not yet in a part on disk. What a
// query sees of it are parts in memory, one for the events between two hand-outs. A hand-out makes
// a part of what is new and joins it only with neighbours that are tiny; larger neighbours become
// one by a merge, which may run on another thread and takes their place when it is done.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include "base/hash.h"
#include "base/result.h"
#include "event/event.h"
#include "log/record.h"
#include "store/page_cache.h"
#include "store/part.h"
#include "store/part_builder.h"
#include "store/person_registry.h"

namespace hf {

/// Not thread-safe.
class Head {
 public:
  /// What its parts keep besides rows, as in PartBuilder::Target.
  struct Indexes {
    std::shared_ptr<const Zone> zone;
    PostingRule postings = {};
  };
  /// Events to which none is added any more, and the part they are seen as.
  struct Tier {
    std::shared_ptr<const PartBuilder> events;
    std::shared_ptr<const Part> part;  ///< Null until the next hand-out, where none was made yet.
    /// Whose they are, where they were numbered before there was a part.
    std::shared_ptr<const std::vector<Part::IdKey>> owners = {};
    /// An erase makes other events of them, a hand-out a part.
    friend bool operator==(const Tier& a, const Tier& b) { return a.events == b.events; }
  };
  using Tiers = std::vector<Tier>;
  class Merge;

  /// `rows_joined`: of how many rows together the neighbours are that a hand-out joins.
  explicit Head(std::uint32_t rows_joined = 256) : rows_joined_(rows_joined) {}

  /// Copies the event. Requires validate(event) and its received_at_ms.
  void add(const EventView& event, std::string_view source);

  [[nodiscard]] std::uint64_t rows() const;
  [[nodiscard]] std::size_t memory_bytes() const;
  /// True when it is time to write it to disk: it holds as much as is good for it, so many times.
  [[nodiscard]] bool full(std::uint32_t times = 1) const;

  /// All its events as parts, oldest first; they live on when the head changes. New persons are
  /// numbered. Costs about a microsecond for each event that is new, and as much for each row of a
  /// few hundred more. Where nobody takes merges it does from time to time what they would have
  /// done. Requires `cache` to outlive the parts.
  [[nodiscard]] Result<std::vector<std::shared_ptr<const Part>>> parts(PersonRegistry& persons,
                                                                       PageCache& cache,
                                                                       const Indexes& indexes);
  /// The newest parts that are to be one: four at least, of which each older one has less than
  /// twice the rows of the newer ones together. So of the others each has at least twice the rows
  /// of all newer ones, up to a quarter of what the head holds at the most. Many events of which no
  /// part was made yet are among them where somebody asks now and then: these alone are enough.
  /// Null where nothing is to be merged, and while the last merge lives. `persons` are those of
  /// parts(); `cache` must outlive the merge.
  [[nodiscard]] std::shared_ptr<Merge> due_merge(PersonRegistry& persons, PageCache& cache,
                                                 const Indexes& indexes);
  /// Puts the part of a merge that ran in the place of its inputs. False where these are no longer
  /// what they were: it is dropped then.
  bool put_in_place(const Merge& merge);

  /// All its events in one builder, null where there are none; the head keeps them until clear().
  [[nodiscard]] std::shared_ptr<const PartBuilder> gather() const;
  void clear();
  /// All its events, numbered, for somebody who writes them to disk; as long as the list lives
  /// neither hand-outs nor merges join them with others. The head keeps them until drop().
  [[nodiscard]] std::shared_ptr<const Tiers> take(PersonRegistry& persons);
  /// False where the taken events are no longer those of the head.
  [[nodiscard]] bool holds(const Tiers& taken) const;
  /// Requires that it holds them.
  void drop(const Tiers& taken);
  /// Its events of these ids are gone.
  void erase(std::span<const PersonId> ids);

 private:
  [[nodiscard]] std::size_t stretch(std::uint64_t rows, std::uint64_t rows_most,
                                    std::size_t first) const;
  [[nodiscard]] std::size_t end_of(const Tiers& tiers) const;
  [[nodiscard]] std::size_t taken_end() const;
  [[nodiscard]] std::size_t merging_end() const;
  void close(PersonRegistry& persons);
  void forget_asked();

  std::uint32_t rows_joined_;
  Tiers tiers_;                        // Oldest first.
  std::shared_ptr<PartBuilder> open_;  // What came since the last hand-out; null: nothing.
  std::weak_ptr<const Merge> merge_;   // The one that is under way.
  std::weak_ptr<const Tiers> taken_;
  // Of the events since the last flush, and of those before: where nobody asks, nothing is made.
  bool was_asked_ = false;
  bool was_asked_before_ = false;
};

/// The events of tiers in their order, and `last` behind them, if any; null where there are none.
[[nodiscard]] std::shared_ptr<const PartBuilder> joined(
    std::span<const Head::Tier> tiers, std::shared_ptr<const PartBuilder> last = nullptr);
/// Tells the registry which numbers those have who have events here. May run on another thread than
/// the head's. Errors: those of Part's readers.
[[nodiscard]] Result<void> add_owners(std::span<const Head::Tier> tiers, PersonRegistry& persons);

/// Makes one part of several of the head, which goes on meanwhile.
class Head::Merge {
 public:
  Merge(Tiers inputs, HashKey hash_key, PersonOrdinal person_end, PageCache& cache, Indexes indexes)
      : inputs_(std::move(inputs)),
        hash_key_(hash_key),
        person_end_(person_end),
        cache_(cache),
        indexes_(std::move(indexes)) {}

  /// May run on another thread than the head's. Errors: those of Part's readers.
  [[nodiscard]] Result<void> run();

  [[nodiscard]] const Tiers& inputs() const { return inputs_; }
  /// In place of the inputs, once run() has come to its end.
  [[nodiscard]] const Tier& output() const { return output_; }

 private:
  Tiers inputs_;
  HashKey hash_key_;
  PersonOrdinal person_end_;
  PageCache& cache_;
  Indexes indexes_;
  Tier output_;
};

}  // namespace hf
