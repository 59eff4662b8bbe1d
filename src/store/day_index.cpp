// SPDX-License-Identifier: Apache-2.0
#include "store/day_index.h"

#include <algorithm>

#include "base/assert.h"

namespace hf {

bool DayIndex::is_kept(const Snapshot& snapshot, const Zone& zone) {
  return std::ranges::all_of(snapshot.parts,
                             [&](const auto& part) { return part->keeps_days_of(zone); });
}

Result<DayIndex> DayIndex::build(const Snapshot& snapshot, const Zone& zone, TimestampMs as_of_ms) {
  HF_ASSERT(snapshot.first_seen_parts == 0);
  DayIndex index;
  index.chunks_ = PersonChunk::count(snapshot.person_end);
  for (const auto& part : snapshot.parts) {
    if (part->time_min() > as_of_ms) continue;
    std::shared_ptr<const DaySets> sets;
    if (part->time_max() <= as_of_ms) {
      if (!part->keeps_days_of(zone)) index.rows_read_ += part->row_count();
      HF_TRY(sets, part->day_sets(zone));
    } else {
      // Somebody's clock is ahead: of that part every time must be looked at.
      index.rows_read_ += part->row_count();
      const ZoneRules rules = zone_rules(zone, part->time_min(), part->time_max());
      HF_TRY(std::vector<OwnerDay> days, read_owner_days(*part, rules, as_of_ms));
      sets = std::make_shared<DaySets>(std::move(days));
    }
    if (sets->empty()) continue;
    const bool first = index.sets_.empty();
    index.first_day_ = first ? sets->first_day() : std::min(index.first_day_, sets->first_day());
    index.last_day_ = first ? sets->last_day() : std::max(index.last_day_, sets->last_day());
    index.sets_.push_back(std::move(sets));
  }
  if (snapshot.belonging == nullptr) return index;

  const std::vector<PersonOrdinal>& of = snapshot.belonging->of;
  index.staying_.resize(PersonChunk::count(static_cast<PersonOrdinal>(of.size())));
  for (PersonOrdinal owner = 0; owner < of.size(); ++owner) {
    if (of[owner] == owner) continue;
    auto& mask = index.staying_[owner >> PersonChunk::bits];
    if (mask == nullptr) {
      mask = std::make_unique<std::uint64_t[]>(PersonChunk::words);
      std::fill_n(mask.get(), PersonChunk::words, ~std::uint64_t{0});
    }
    const std::uint32_t place = owner & (PersonChunk::persons - 1);
    mask[place / 64] &= ~(std::uint64_t{1} << (place % 64));
  }
  std::vector<OwnerDay> moved;
  for (const auto& sets : index.sets_) {
    for (const OwnerDay& each : sets->outside(index.staying_)) {
      const PersonOrdinal person = of[each.owner];
      if (person != Belonging::nobody) moved.push_back({person, each.day});
    }
  }
  if (!moved.empty()) index.moved_.emplace(std::move(moved));
  return index;
}

}  // namespace hf
