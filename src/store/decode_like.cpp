// SPDX-License-Identifier: Apache-2.0
#include "store/decode_like.h"

#include <algorithm>
#include <cstdint>
#include <map>
#include <optional>

#include "base/hash.h"

namespace hf {
namespace {

using Kind = DecodedThing::Kind;

bool is_of_pages(Kind kind) { return kind < Kind::dictionary; }

std::optional<std::uint32_t> column_of(const Part& part, const DecodedThing& thing) {
  if (thing.role != part_format::ColumnRole::property) return part.find(thing.role);
  for (const std::uint32_t column : part.find_property(thing.name)) {
    if (part.columns()[column].kind == thing.value_kind) return column;
  }
  return std::nullopt;
}

Result<void> decode_page(const Part& part, Kind kind, std::uint32_t column, std::uint32_t page) {
  const auto outcome = [](const auto& decoded) -> Result<void> {
    if (!decoded) return std::unexpected(decoded.error());
    return {};
  };
  switch (kind) {
    case Kind::times: return outcome(part.times(page));
    case Kind::compact_times: return outcome(part.compact_times(page));
    case Kind::received_at: return outcome(part.received_at(page));
    case Kind::name_codes: return outcome(part.name_codes(page));
    case Kind::codes: return outcome(part.codes(column, page));
    case Kind::numbers: return outcome(part.numbers(column, page));
    case Kind::texts: return outcome(part.texts(column, page));
    default: return outcome(part.dictionary(column));
  }
}

Result<void> decode_whole(const Part& part, const DecodedThing& thing, const Zone* zone) {
  const bool is_of_zone = zone != nullptr && crc32c(zone->name()) == thing.zone;
  switch (thing.kind) {
    case Kind::ids: {
      HF_TRY(const auto ids, part.ids());
      return {};
    }
    case Kind::day_sets: {
      if (!is_of_zone) return {};
      HF_TRY(const auto sets, part.day_sets(*zone));
      return {};
    }
    case Kind::day_counts: {
      if (!is_of_zone) return {};
      HF_TRY(const auto counts, part.day_counts(*zone));
      return {};
    }
    case Kind::day_rows: {
      if (!is_of_zone) return {};
      HF_TRY(const auto rows, part.day_rows(*zone));
      return {};
    }
    default: break;
  }
  const auto name = std::ranges::find(part.names(), thing.name, &NameInfo::name);
  const auto code = static_cast<std::uint32_t>(name - part.names().begin());
  if (name == part.names().end() || !part.has_postings(code)) return {};
  HF_TRY(const auto postings, part.postings(code));
  return {};
}

}  // namespace

Result<void> decode_like(std::span<const std::shared_ptr<const Part>> others, const Part& part,
                         const PageCache& cache, const Zone* zone) {
  std::map<DecodedThing, std::uint32_t> pages;
  for (const auto& other : others) {
    for (const auto& [thing, count] : other->decoded()) pages[thing] += count;
  }
  const auto is_full = [&] { return cache.memory_bytes() > cache.budget_bytes() / 16 * 15; };
  for (const auto& [thing, count] : pages) {
    if (is_full()) return {};
    if (thing.kind > Kind::dictionary) {
      HF_CHECK(decode_whole(part, thing, zone));
      continue;
    }
    const auto column = column_of(part, thing);
    if (!column) continue;
    if (!is_of_pages(thing.kind)) {
      HF_CHECK(decode_page(part, thing.kind, *column, 0));
      continue;
    }
    std::uint32_t there = 0;
    for (const auto& other : others) {
      if (column_of(*other, thing)) there += other->page_count();
    }
    if (count < there - count) continue;
    for (std::uint32_t page = 0; page < part.page_count() && !is_full(); ++page) {
      HF_CHECK(decode_page(part, thing.kind, *column, page));
    }
  }
  return {};
}

}  // namespace hf
