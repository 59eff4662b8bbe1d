// SPDX-License-Identifier: Apache-2.0
#include "store/day_sets.h"

#include <algorithm>
#include <array>
#include <bit>
#include <limits>

#include "base/bitmap.h"
#include "event/event.h"
#include "store/moved_runs.h"
#include "store/part.h"

namespace hf {

using part_format::page_rows;

DaySets::DaySets(std::vector<OwnerDay> days, ZoneRules rules) : rules_(std::move(rules)) {
  if (!std::ranges::is_sorted(days)) std::ranges::sort(days);
  const auto repeated = std::ranges::unique(days);
  days.erase(repeated.begin(), repeated.end());
  first_sets_.push_back(0);
  for (std::size_t begin = 0; begin < days.size();) {
    const std::uint32_t chunk = days[begin].owner >> PersonChunk::bits;
    std::size_t end = begin;
    while (end < days.size() && days[end].owner >> PersonChunk::bits == chunk) ++end;
    chunks_.push_back(chunk);
    add_chunk(std::span(days).subspan(begin, end - begin));
    first_sets_.push_back(static_cast<std::uint32_t>(sets_.size()));
    begin = end;
  }
  if (!sets_.empty()) {
    first_day_ = std::ranges::min(sets_, {}, &Set::day).day;
    last_day_ = std::ranges::max(sets_, {}, &Set::day).day;
  }
  sets_.shrink_to_fit();
  words_.shrink_to_fit();
  places_.shrink_to_fit();
  memory_bytes = sizeof *this + sets_.size() * sizeof(Set) + words_.size() * 8 +
                 places_.size() * 2 + chunks_.size() * 8;
}

void DaySets::add_chunk(std::span<const OwnerDay> days) {
  const auto [low, high] = std::ranges::minmax(days, {}, &OwnerDay::day);
  // By day, owners staying in order: days are few, from 1970 to 2100.
  std::vector<std::uint32_t> next(static_cast<std::size_t>(high.day - low.day) + 2, 0);
  for (const OwnerDay& each : days) ++next[static_cast<std::size_t>(each.day - low.day) + 1];
  for (std::size_t i = 1; i < next.size(); ++i) next[i] += next[i - 1];
  std::vector<std::uint16_t> places(days.size());
  const std::vector<std::uint32_t> begins = next;
  for (const OwnerDay& each : days) {
    places[next[static_cast<std::size_t>(each.day - low.day)]++] =
        static_cast<std::uint16_t>(each.owner & (PersonChunk::persons - 1));
  }
  for (std::size_t i = 0; i + 1 < begins.size(); ++i) {
    const std::span members = std::span(places).subspan(begins[i], begins[i + 1] - begins[i]);
    if (members.empty()) continue;
    Set set{low.day + static_cast<Day>(i), static_cast<std::uint32_t>(members.size()), 0};
    if (set.is_bitmap()) {
      set.at = static_cast<std::uint32_t>(words_.size());
      words_.resize(words_.size() + PersonChunk::words, 0);
      for (const std::uint16_t place : members) {
        words_[set.at + place / 64u] |= std::uint64_t{1} << (place % 64u);
      }
    } else {
      set.at = static_cast<std::uint32_t>(places_.size());
      places_.insert(places_.end(), members.begin(), members.end());
    }
    sets_.push_back(set);
  }
}

std::span<const DaySets::Set> DaySets::sets_of(std::uint32_t chunk) const {
  const auto found = std::ranges::lower_bound(chunks_, chunk);
  if (found == chunks_.end() || *found != chunk) return {};
  const auto at = static_cast<std::size_t>(found - chunks_.begin());
  return std::span(sets_).subspan(first_sets_[at], first_sets_[at + 1] - first_sets_[at]);
}

void DaySets::add(const Set& set, const std::uint64_t* mask, std::uint64_t* into) const {
  if (set.is_bitmap()) {
    const std::uint64_t* const words = words_.data() + set.at;
    if (mask == nullptr) {
      bitmap_kernels().add(into, words, PersonChunk::words);
    } else {
      bitmap_kernels().add_masked(into, words, mask, PersonChunk::words);
    }
    return;
  }
  for (std::uint32_t i = 0; i < set.count; ++i) {
    const std::uint32_t place = places_[set.at + i];
    const std::uint64_t bit = std::uint64_t{1} << (place % 64);
    into[place / 64] |= mask == nullptr ? bit : bit & mask[place / 64];
  }
}

std::vector<Day> DaySets::days_of(PersonOrdinal owner) const {
  std::vector<Day> days;
  const std::uint32_t place = owner & (PersonChunk::persons - 1);
  for (const Set& set : sets_of(owner >> PersonChunk::bits)) {
    const bool is_member =
        set.is_bitmap()
            ? (words_[set.at + place / 64] >> (place % 64) & 1) != 0
            : std::ranges::binary_search(std::span(places_).subspan(set.at, set.count), place);
    if (is_member) days.push_back(set.day);
  }
  return days;
}

std::vector<OwnerDay> DaySets::all() const {
  std::vector<OwnerDay> days;
  for (std::size_t i = 0; i < chunks_.size(); ++i) append_members(i, nullptr, days);
  std::ranges::sort(days);
  return days;
}

std::vector<OwnerDay> DaySets::outside(
    std::span<const std::unique_ptr<std::uint64_t[]>> masks) const {
  std::vector<OwnerDay> days;
  for (std::size_t i = 0; i < chunks_.size(); ++i) {
    if (chunks_[i] >= masks.size() || masks[chunks_[i]] == nullptr) continue;
    std::array<std::uint64_t, PersonChunk::words> others;
    for (std::size_t word = 0; word < others.size(); ++word) {
      others[word] = ~masks[chunks_[i]][word];
    }
    append_members(i, others.data(), days);
  }
  return days;
}

void DaySets::append_members(std::size_t at, const std::uint64_t* mask,
                             std::vector<OwnerDay>& days) const {
  const std::uint32_t first = chunks_[at] << PersonChunk::bits;
  for (std::uint32_t s = first_sets_[at]; s < first_sets_[at + 1]; ++s) {
    std::array<std::uint64_t, PersonChunk::words> members{};
    add(sets_[s], mask, members.data());
    for (std::uint32_t word = 0; word < members.size(); ++word) {
      for (std::uint64_t bits = members[word]; bits != 0; bits &= bits - 1) {
        const auto place = word * 64 + static_cast<std::uint32_t>(std::countr_zero(bits));
        days.push_back({first + place, sets_[s].day});
      }
    }
  }
}

Result<std::vector<OwnerDay>> read_owner_days(const Part& part, const ZoneRules& rules,
                                              TimestampMs until_ms) {
  LocalDays local(rules);
  std::vector<bool> counts;
  for (const NameInfo& name : part.names()) counts.push_back(!is_inactive_name(name.name));
  HF_TRY(const OwnerRuns shared, owner_runs(part));
  auto next_shared = shared.begin();
  std::vector<OwnerDay> days;
  std::uint32_t position = 0;
  OwnerDay last{0, -1};
  bool has_last = false;
  for (std::uint32_t page = 0; page < part.page_count(); ++page) {
    HF_TRY(const auto names, part.name_codes(page));
    HF_TRY(const auto times, part.times(page));
    for (std::uint32_t i = 0; i < part.rows_in_page(page); ++i) {
      const RowNumber row = page * page_rows + i;
      while (part.row_offsets()[position + 1] <= row) ++position;
      if (!counts[names->codes[i]] || times->values[i] > until_ms) continue;
      while (next_shared != shared.end() &&
             next_shared->first_row + next_shared->row_count <= row) {
        ++next_shared;
      }
      const bool is_shared = next_shared != shared.end() && next_shared->first_row <= row;
      const OwnerDay now{is_shared ? next_shared->owner : part.persons()[position],
                         local.of(times->values[i])};
      if (has_last && now == last) continue;
      days.push_back(last = now);
      has_last = true;
    }
  }
  return days;
}

}  // namespace hf
