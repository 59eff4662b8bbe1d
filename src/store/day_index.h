// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

#include "base/result.h"
#include "store/day_sets.h"
#include "store/snapshot.h"

namespace hf {

/// Which persons of a snapshot were active on which days: the sets of its parts, with the days of
/// every owner given to the person it belongs to. Immutable.
class DayIndex {
 public:
  /// Days of the zone; events after `as_of_ms` are not seen. First-seen rows must not be among the
  /// snapshot's parts: they are no activity. Errors: those of Part's readers.
  [[nodiscard]] static Result<DayIndex> build(const Snapshot& snapshot, const Zone& zone,
                                              TimestampMs as_of_ms);

  /// True where building it reads no rows but those of parts with events after as_of.
  [[nodiscard]] static bool is_kept(const Snapshot& snapshot, const Zone& zone);

  /// Of persons, by PersonChunk.
  [[nodiscard]] std::uint32_t chunks() const { return chunks_; }
  [[nodiscard]] bool empty() const { return sets_.empty(); }
  /// Of all activity. Requires !empty().
  [[nodiscard]] Day first_day() const { return first_day_; }
  [[nodiscard]] Day last_day() const { return last_day_; }
  /// Rows that had to be read because no part kept what was asked for.
  [[nodiscard]] std::uint64_t rows_read() const { return rows_read_; }

  /// For each day in [first, last), in any order and maybe several times, adds the chunk's persons
  /// active then to use(day): PersonChunk::words words, or nullptr to pass it over.
  template <class Use>
  void add_each(std::uint32_t chunk, Day first, Day last, Use&& use) const {
    const std::uint64_t* const mask = chunk < staying_.size() ? staying_[chunk].get() : nullptr;
    for (const auto& sets : sets_) sets->add_each(chunk, first, last, mask, use);
    if (moved_) moved_->add_each(chunk, first, last, nullptr, use);
  }

 private:
  std::uint32_t chunks_ = 0;
  Day first_day_ = 0;
  Day last_day_ = 0;
  std::uint64_t rows_read_ = 0;
  std::vector<std::shared_ptr<const DaySets>> sets_;  // By owner.
  /// By chunk, null where all are in: owners who are the person they belong to.
  std::vector<std::unique_ptr<std::uint64_t[]>> staying_;
  std::optional<DaySets> moved_;  // By person: the days of those who are not.
};

}  // namespace hf
