// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "store/moved_runs.h"
#include "store/part.h"

namespace hf {

class SnapshotIndex;

/// What a query sees: a fixed set of parts, oldest first (among equal times of one owner the
/// earlier part's events arrived first). Cheap to copy; immutable.
struct Snapshot {
  std::vector<std::shared_ptr<const Part>> parts;
  std::shared_ptr<const MovedRuns> moved = {};  ///< Null: every run lies where it belongs.
  /// Whose the events of each owner are. Null: each owner's own.
  std::shared_ptr<const Belonging> belonging = {};
  PersonOrdinal person_end = 0;    ///< All ordinals are below.
  std::uint64_t data_version = 0;  ///< Equal versions hold equal data.
  /// The first so many parts say who did what first of what was purged: a row for the first of each
  /// name and pair of ids, without properties. They are no events that count.
  std::size_t first_seen_parts = 0;
  /// The same with those parts; this one has none. Null where nothing was purged.
  std::shared_ptr<const Snapshot> with_first_seen = {};
  /// Keeps what questions find out about it (store/snapshot_index.h). Null: each finds out anew.
  std::shared_ptr<SnapshotIndex> index = {};
};

/// Rows of one part that belong to one person.
struct VisibleRun {
  PersonOrdinal person;
  RowNumber first_row;
  std::uint32_t row_count;
};
/// The rows of a part that belong to anybody, ascending.
[[nodiscard]] inline std::vector<VisibleRun> visible_runs(const Snapshot& snapshot,
                                                          std::uint32_t part) {
  const auto persons = snapshot.parts[part]->persons();
  const auto offsets = snapshot.parts[part]->row_offsets();
  std::span<const std::uint32_t> skipped;
  if (snapshot.moved) skipped = snapshot.moved->skipped[part];
  std::vector<VisibleRun> runs;
  for (std::uint32_t at = 0; at < persons.size(); ++at) {
    if (!skipped.empty() && skipped.front() == at) {
      skipped = skipped.subspan(1);
      continue;
    }
    runs.push_back({persons[at], offsets[at], offsets[at + 1] - offsets[at]});
  }
  if (!snapshot.moved) return runs;
  for (const MovedRuns::Moved& moved : snapshot.moved->runs) {
    if (moved.run.part != part) continue;
    runs.push_back({moved.person, moved.run.first_row, moved.run.row_count});
  }
  std::ranges::sort(runs, {}, &VisibleRun::first_row);
  return runs;
}

/// Calls visit(person, std::span<const PersonRun>) for each person of [begin, end) that has
/// events, ascending. A stable sort of the runs' events by time puts them in order.
template <class Visit>
void for_each_person(const Snapshot& snapshot, PersonOrdinal begin, PersonOrdinal end,
                     Visit&& visit) {
  struct Cursor {
    std::uint32_t part;
    const PersonOrdinal* next;
    const PersonOrdinal* last;
    const RowNumber* offset;
    const PersonOrdinal* first;              // Of the part's directory.
    std::span<const std::uint32_t> skipped;  // Positions from `next` on.

    // True where there is a person to be taken.
    bool settle() {
      while (next != last && !skipped.empty() &&
             skipped.front() == static_cast<std::uint32_t>(next - first)) {
        skipped = skipped.subspan(1);
        ++next;
        ++offset;
      }
      return next != last;
    }
  };
  std::vector<Cursor> cursors;
  for (std::uint32_t i = 0; i < snapshot.parts.size(); ++i) {
    const auto persons = snapshot.parts[i]->persons();
    const auto* first = std::lower_bound(persons.data(), persons.data() + persons.size(), begin);
    const auto* last = std::lower_bound(first, persons.data() + persons.size(), end);
    const auto at = static_cast<std::uint32_t>(first - persons.data());
    Cursor cursor{i, first, last, snapshot.parts[i]->row_offsets().data() + at, persons.data(), {}};
    if (snapshot.moved) {
      const std::span<const std::uint32_t> skipped = snapshot.moved->skipped[i];
      const auto from = std::ranges::lower_bound(skipped, at) - skipped.begin();
      cursor.skipped = skipped.subspan(static_cast<std::size_t>(from));
    }
    if (cursor.settle()) cursors.push_back(cursor);
  }
  std::span<const MovedRuns::Moved> moved;
  if (snapshot.moved) {
    const auto& runs = snapshot.moved->runs;
    const auto from = std::ranges::lower_bound(runs, begin, {}, &MovedRuns::Moved::person);
    const auto to = std::ranges::lower_bound(runs, end, {}, &MovedRuns::Moved::person);
    moved = {from, to};
  }
  std::vector<PersonRun> runs;
  while (!cursors.empty() || !moved.empty()) {
    PersonOrdinal person = moved.empty() ? *cursors.front().next : moved.front().person;
    for (const Cursor& c : cursors) person = std::min(person, *c.next);
    runs.clear();
    // A person is either all in the list of moved runs or nowhere in it.
    while (!moved.empty() && moved.front().person == person) {
      runs.push_back(moved.front().run);
      moved = moved.subspan(1);
    }
    bool exhausted = false;
    for (Cursor& c : cursors) {
      if (*c.next != person) continue;
      runs.push_back({c.part, c.offset[0], c.offset[1] - c.offset[0]});
      ++c.next;
      ++c.offset;
      exhausted = !c.settle() || exhausted;
    }
    if (exhausted) std::erase_if(cursors, [](const Cursor& c) { return c.next == c.last; });
    visit(person, std::span<const PersonRun>(runs));
  }
}

}  // namespace hf
