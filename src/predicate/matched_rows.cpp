// SPDX-License-Identifier: Apache-2.0
#include "predicate/matched_rows.h"

#include <algorithm>
#include <optional>

#include "base/parallel.h"

namespace hf {
namespace {

constexpr std::uint32_t page_words = part_format::page_rows / 64;

// One matcher on one part whose pages have to be looked at.
struct Search {
  PageMatcher matcher;
  RowBits* rows;
};

struct Page {
  std::uint32_t part;
  std::uint32_t page;
};

Result<void> set_listed(const Part& part, std::span<const std::uint32_t> codes, RowBits& rows) {
  for (const std::uint32_t code : codes) {
    HF_TRY(const auto list, part.postings(code));
    for (const RowNumber row : list->rows) {
      rows.words[row / 64] |= std::uint64_t{1} << (row % 64);
    }
  }
  return {};
}

}  // namespace

std::vector<std::uint32_t> name_codes_of(const Matcher& matcher, const Part& part) {
  std::vector<std::uint32_t> codes;
  for (std::uint32_t code = 0; code < part.names().size(); ++code) {
    if (matcher.names(part.names()[code].name)) codes.push_back(code);
  }
  return codes;
}

bool is_by_name(const Matcher& matcher) {
  return std::ranges::all_of(matcher.choices, [](const Matcher::Choice& choice) {
    return !choice.has_where || choice.where.asks_nothing();
  });
}

bool may_meet(const Part& part, std::span<const std::uint32_t> codes, TimeSpan span) {
  return std::ranges::any_of(codes, [&](std::uint32_t code) {
    return span.meets(part.names()[code].time_min, part.names()[code].time_max);
  });
}

unsigned threads_for_rows(std::uint64_t rows, unsigned threads) {
  constexpr std::uint64_t rows_per_thread = 100'000;  // Less takes no longer than to start one.
  return static_cast<unsigned>(std::min<std::uint64_t>(threads, 1 + rows / rows_per_thread));
}

Result<MatchedRows> MatchedRows::find(const Snapshot& snapshot, std::span<const Wanted> wanted,
                                      TimeSpan span, const RowConditions* conditions,
                                      const PeopleScope& scope) {
  MatchedRows found;
  found.held_ = std::make_unique<HeldBytes>(*scope.guard);
  found.rows_.resize(wanted.size());
  const auto parts = static_cast<std::uint32_t>(snapshot.parts.size());
  std::vector<std::vector<Search>> searches(parts);
  std::vector<Page> pages;
  std::size_t bytes = 0;
  std::uint64_t rows_searched = 0;
  for (auto& by_part : found.rows_) by_part.resize(parts);
  for (std::uint32_t number = 0; number < parts; ++number) {
    const Part& part = *snapshot.parts[number];
    for (std::size_t i = 0; i < wanted.size(); ++i) {
      if (number < snapshot.first_seen_parts && !wanted[i].first_seen) continue;
      if (wanted[i].passed_over != nullptr && (*wanted[i].passed_over)[number]) continue;
      const auto codes = name_codes_of(*wanted[i].matcher, part);
      if (!may_meet(part, codes, span)) continue;
      HF_TRY(auto matcher, PageMatcher::compile(*wanted[i].matcher, {}, part, conditions, number));
      if (matcher.matches_nothing()) continue;
      auto rows = std::make_unique<RowBits>();
      bytes += (part.row_count() + 63) / 64 * sizeof(std::uint64_t);
      HF_CHECK(found.held_->grow_to(bytes));
      rows->is_whole = matcher.matches_everything();
      rows->words.assign((part.row_count() + 63) / 64, rows->is_whole ? ~std::uint64_t{0} : 0);
      if (rows->is_whole) {
        // Known without looking.
      } else if (scope.postings && is_by_name(*wanted[i].matcher) &&
                 std::ranges::all_of(codes, [&](auto code) { return part.has_postings(code); })) {
        HF_CHECK(set_listed(part, codes, *rows));
      } else {
        searches[number].push_back({std::move(matcher), rows.get()});
      }
      found.rows_[i][number] = std::move(rows);
    }
    if (searches[number].empty()) continue;
    rows_searched += part.row_count();
    for (std::uint32_t page = 0; page < part.page_count(); ++page) pages.push_back({number, page});
  }
  const auto search = [&](unsigned, std::uint32_t item) -> Result<void> {
    HF_CHECK(scope.guard->check());
    const auto [number, page] = pages[item];
    const std::size_t words = (snapshot.parts[number]->rows_in_page(page) + 63) / 64;
    for (const Search& each : searches[number]) {
      HF_CHECK(each.matcher.find(
          page, std::span(each.rows->words).subspan(std::size_t{page} * page_words, words)));
    }
    return {};
  };
  HF_CHECK(for_each_item(threads_for_rows(rows_searched, scope.threads),
                         static_cast<std::uint32_t>(pages.size()), search));
  return found;
}

}  // namespace hf
