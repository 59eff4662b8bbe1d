// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <cstdint>
#include <span>

#include "base/result.h"
#include "store/snapshot.h"

namespace hf {

/// Calls use(at) for the positions in the part's directory of persons of the chunk whose rows are
/// theirs and lie nowhere else, ascending, until it fails. The rows of others are among
/// moved_runs_of().
template <class Use>
[[nodiscard]] Result<void> for_each_staying(const Snapshot& snapshot, std::uint32_t part,
                                            std::uint32_t chunk, Use&& use) {
  const auto persons = snapshot.parts[part]->persons();
  const PersonOrdinal first = chunk << PersonChunk::bits;
  const PersonOrdinal* const begin =
      std::lower_bound(persons.data(), persons.data() + persons.size(), first);
  std::span<const std::uint32_t> skipped;
  auto at = static_cast<std::uint32_t>(begin - persons.data());
  if (snapshot.moved) {
    skipped = snapshot.moved->skipped[part];
    const auto from = std::ranges::lower_bound(skipped, at) - skipped.begin();
    skipped = skipped.subspan(static_cast<std::size_t>(from));
  }
  for (; at < persons.size() && persons[at] - first < PersonChunk::persons; ++at) {
    if (!skipped.empty() && skipped.front() == at) {
      skipped = skipped.subspan(1);
    } else {
      HF_CHECK(use(at));
    }
  }
  return {};
}

/// Of the chunk's persons, by person.
[[nodiscard]] inline std::span<const MovedRuns::Moved> moved_runs_of(const Snapshot& snapshot,
                                                                     std::uint32_t chunk) {
  if (snapshot.moved == nullptr) return {};
  const auto found = std::ranges::equal_range(
      snapshot.moved->runs, chunk, {},
      [](const MovedRuns::Moved& each) { return each.person >> PersonChunk::bits; });
  return {found.begin(), found.end()};
}

}  // namespace hf
