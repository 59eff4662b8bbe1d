// SPDX-License-Identifier: Apache-2.0
#include "store/snapshot_index.h"

#include <algorithm>

namespace hf {

OwnerMoves::OwnerMoves(const Snapshot& snapshot) {
  if (snapshot.belonging == nullptr) return;
  const std::vector<PersonOrdinal>& of = snapshot.belonging->of;
  masks.resize(PersonChunk::count(static_cast<PersonOrdinal>(of.size())));
  for (PersonOrdinal owner = 0; owner < of.size(); ++owner) {
    if (of[owner] == owner) continue;
    auto& mask = masks[owner >> PersonChunk::bits];
    if (mask == nullptr) {
      mask = std::make_unique<std::uint64_t[]>(PersonChunk::words);
      std::fill_n(mask.get(), PersonChunk::words, ~std::uint64_t{0});
    }
    const std::uint32_t place = owner & (PersonChunk::persons - 1);
    mask[place / 64] &= ~(std::uint64_t{1} << (place % 64));
    if (of[owner] != Belonging::nobody) moved.emplace_back(owner, of[owner]);
  }
}

std::shared_ptr<SnapshotIndex> SnapshotIndex::of(const Snapshot& snapshot) {
  return snapshot.index ? snapshot.index : std::make_shared<SnapshotIndex>();
}

std::shared_ptr<const OwnerMoves> SnapshotIndex::owners(const Snapshot& snapshot) {
  if (auto known = state_.lock()->owners) return known;
  auto found = std::make_shared<const OwnerMoves>(snapshot);
  state_.lock()->owners = found;  // Who comes second finds the same.
  return found;
}

std::shared_ptr<const SnapshotIndex::Runs> SnapshotIndex::moved_runs(const Snapshot& snapshot) {
  if (auto known = state_.lock()->runs) return known;
  auto found = std::make_shared<Runs>(snapshot.parts.size());
  if (snapshot.moved != nullptr) {
    for (const MovedRuns::Moved& each : snapshot.moved->runs) {
      (*found)[each.run.part].push_back(each);
    }
  }
  for (auto& runs : *found) {
    std::ranges::sort(runs, {}, [](const MovedRuns::Moved& each) { return each.run.first_row; });
  }
  state_.lock()->runs = found;
  return found;
}

Result<PartDays> SnapshotIndex::days(const Snapshot& snapshot, std::uint32_t part,
                                     const Zone& zone) {
  const std::pair key{part, std::string(zone.name())};
  {
    const auto state = state_.lock();
    if (const auto known = state->days.find(key); known != state->days.end()) return known->second;
  }
  const auto owners = this->owners(snapshot);
  HF_TRY(const auto sets, snapshot.parts[part]->day_sets(zone));
  PartDays days;
  if (!sets->empty()) {
    days.sets = sets;
    std::vector<OwnerDay> moved = sets->outside(owners->masks);
    std::erase_if(moved, [&](OwnerDay& each) {
      each.owner = snapshot.belonging->person(each.owner);
      return each.owner == Belonging::nobody;
    });
    if (!moved.empty()) days.moved = std::make_shared<const DaySets>(std::move(moved));
  }
  state_.lock()->days.emplace(key, days);
  return days;
}

}  // namespace hf
