// SPDX-License-Identifier: Apache-2.0
#include "predicate/moments.h"

#include <algorithm>

#include "predicate/page_times.h"
#include "store/row_walk.h"

namespace hf {

namespace {

constexpr std::size_t state_bytes = 128;  // What a LeafState keeps of one moment, at most.

}  // namespace

struct MomentReader::PartReader {
  struct Matches {
    const std::uint64_t* words;
    std::uint32_t bit;
  };
  std::vector<Matches> matches;  // Those that match anything.
  std::optional<PropertyReader> numbers;
  PageTimes times;
  bool starts_inside;  // No row is before the span.
};

MomentReader::MomentReader() = default;
MomentReader::~MomentReader() = default;
MomentReader::MomentReader(MomentReader&&) noexcept = default;

Result<MomentReader> MomentReader::open(const Snapshot& snapshot, const Leaf& leaf,
                                        const MatchedRows& matched, TimeSpan span,
                                        WorkGuard& guard) {
  MomentReader reader;
  reader.span_ = span;
  reader.held_ = std::make_unique<HeldBytes>(guard);
  for (std::uint32_t number = 0; number < snapshot.parts.size(); ++number) {
    const Part& part = *snapshot.parts[number];
    PartReader& of_part = reader.parts_.emplace_back(
        PartReader{{}, {}, PageTimes(part), span.from_ms <= part.time_min()});
    for (std::uint32_t i = 0; i < matched.size(); ++i) {
      const RowBits* rows = matched.rows(i, number);
      if (rows != nullptr) of_part.matches.push_back({rows->words.data(), i});
    }
    if (!leaf.number_property().empty() && !of_part.matches.empty()) {
      HF_TRY(of_part.numbers, PropertyReader::open(part, leaf.number_property()));
    }
  }
  return reader;
}

std::uint64_t MomentReader::matched_word(std::uint32_t part, std::uint32_t word) const {
  std::uint64_t any = 0;
  for (const PartReader::Matches& each : parts_[part].matches) any |= each.words[word];
  return any;
}

bool MomentReader::any(std::span<const PersonRun> runs) const {
  return std::ranges::any_of(runs, [&](const PersonRun& run) {
    if (parts_[run.part].matches.empty()) return false;
    return !for_each_row(
        run.first_row, run.first_row + run.row_count,
        [&](std::uint32_t word) { return matched_word(run.part, word); },
        [](RowNumber) { return false; });
  });
}

Result<std::span<const Moment>> MomentReader::read(std::span<const PersonRun> runs, Rows rows) {
  moments_.clear();
  for (const PersonRun& run : runs) {
    const std::uint32_t number = run.part;
    if (rows == Rows::all) {
      HF_CHECK(append(number, run, [](std::uint32_t) { return ~std::uint64_t{0}; }));
    } else if (!parts_[number].matches.empty()) {
      HF_CHECK(append(number, run, [&](std::uint32_t word) { return matched_word(number, word); }));
    }
  }
  // Each run is in order, and runs come by owner, then part: stable keeps that among equal times.
  if (runs.size() > 1 && !std::ranges::is_sorted(moments_, {}, &Moment::time_ms)) {
    std::ranges::stable_sort(moments_, {}, &Moment::time_ms);
  }
  return std::span<const Moment>(moments_);
}

template <class Word>
Result<void> MomentReader::append(std::uint32_t number, const PersonRun& run, Word&& word) {
  PartReader& reader = parts_[number];
  const auto append_page = [&](std::uint32_t page, std::uint32_t first,
                               std::uint32_t last) -> Result<void> {
    const std::uint32_t first_word = page * (part_format::page_rows / 64);
    const RowNumber page_first = page * part_format::page_rows;
    HF_CHECK(reader.times.seek(page));
    if (!reader.starts_inside) first = reader.times.first_from(first, last, span_.from_ms);
    Result<void> outcome;
    const auto append_row = [&](std::uint32_t row) {
      Moment moment{.time_ms = reader.times.at(row), .part = number, .row = page_first + row};
      if (moment.time_ms > span_.to_ms) return false;
      for (const PartReader::Matches& each : reader.matches) {
        const std::uint64_t bits = each.words[first_word + row / 64];
        moment.matched |= static_cast<std::uint32_t>(bits >> (row % 64) & 1) << each.bit;
      }
      if (moment.matched != 0 && reader.numbers) {
        const auto value = reader.numbers->read(page, row);
        if (!value) {
          outcome = std::unexpected(value.error());
          return false;
        }
        moment.has_number = value->column != nullptr && value->column->kind == ValueKind::number;
        if (moment.has_number) moment.number = value->number;
      }
      moments_.push_back(moment);
      return true;
    };
    for_each_row(
        first, last, [&](std::uint32_t w) { return word(first_word + w); }, append_row);
    HF_CHECK(outcome);
    return held_->grow_to(moments_.capacity() * (sizeof(Moment) + state_bytes));
  };
  return for_each_page(run, append_page);
}

}  // namespace hf
