// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "store/part.h"

namespace hf {

/// What a query sees: a fixed set of parts, oldest first (among equal times of one person the
/// earlier part's events arrived first). Cheap to copy; immutable.
struct Snapshot {
  std::vector<std::shared_ptr<const Part>> parts;
  PersonOrdinal person_end = 0;    ///< All ordinals are below.
  std::uint64_t data_version = 0;  ///< Equal versions hold equal data.
};

/// One person's events in one part.
struct PersonRun {
  std::uint32_t part;
  RowNumber first_row;
  std::uint32_t row_count;
};

/// Calls visit(person, std::span<const PersonRun>) for each person of [begin, end) that has
/// events, ascending, runs in part order.
template <class Visit>
void for_each_person(const Snapshot& snapshot, PersonOrdinal begin, PersonOrdinal end,
                     Visit&& visit) {
  struct Cursor {
    std::uint32_t part;
    const PersonOrdinal* next;
    const PersonOrdinal* last;
    const RowNumber* offset;
  };
  std::vector<Cursor> cursors;
  for (std::uint32_t i = 0; i < snapshot.parts.size(); ++i) {
    const auto persons = snapshot.parts[i]->persons();
    const auto* first = std::lower_bound(persons.data(), persons.data() + persons.size(), begin);
    const auto* last = std::lower_bound(first, persons.data() + persons.size(), end);
    if (first != last) {
      cursors.push_back(
          {i, first, last, snapshot.parts[i]->row_offsets().data() + (first - persons.data())});
    }
  }
  std::vector<PersonRun> runs;
  while (!cursors.empty()) {
    PersonOrdinal person = *cursors.front().next;
    for (const Cursor& c : cursors) person = std::min(person, *c.next);
    runs.clear();
    bool exhausted = false;
    for (Cursor& c : cursors) {
      if (*c.next != person) continue;
      runs.push_back({c.part, c.offset[0], c.offset[1] - c.offset[0]});
      ++c.next;
      ++c.offset;
      exhausted = exhausted || c.next == c.last;
    }
    if (exhausted) std::erase_if(cursors, [](const Cursor& c) { return c.next == c.last; });
    visit(person, std::span<const PersonRun>(runs));
  }
}

}  // namespace hf
