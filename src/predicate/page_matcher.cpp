// SPDX-License-Identifier: Apache-2.0
//
// Names first: they cost one pass over 16-bit codes, and what they leave is all that the
// predicates have to look at.
#include <algorithm>
#include <array>
#include <utility>
#include <vector>

#include "base/assert.h"
#include "predicate/code_set.h"
#include "predicate/matcher.h"

namespace hf {

struct PageMatcher::Body {
  struct Guarded {
    CodeSet names;
    PagePredicate where;
  };
  const Part* part;
  CodeSet open;                  // Names that match whatever the properties are.
  std::vector<Guarded> guarded;  // Names that match where their predicate holds.
  PagePredicate where;           // Must hold besides.
};

PageMatcher::PageMatcher(std::unique_ptr<Body> body) : body_(std::move(body)) {}
PageMatcher::PageMatcher(PageMatcher&&) noexcept = default;
PageMatcher& PageMatcher::operator=(PageMatcher&&) noexcept = default;
PageMatcher::~PageMatcher() = default;

Result<PageMatcher> PageMatcher::compile(const Matcher& matcher, const Predicate& where,
                                         const Part& part, const RowConditions* conditions,
                                         std::uint32_t number) {
  HF_TRY(PagePredicate besides, PagePredicate::compile(where, part, conditions, number));
  const std::vector<NameInfo>& names = part.names();
  std::vector<std::uint8_t> open(names.size());
  std::vector<Body::Guarded> guarded;
  for (const Matcher::Choice& choice : matcher.choices) {
    Matcher just_this;  // So that what a name means is said in one place.
    just_this.choices.push_back({.event = choice.event, .where = {}});
    std::vector<std::uint8_t> named(names.size());
    for (std::size_t code = 0; code < names.size(); ++code) {
      named[code] = just_this.names(names[code].name) ? 1 : 0;
    }
    CodeSet codes(named);
    if (codes.is_empty()) continue;
    if (choice.has_where) {
      HF_TRY(PagePredicate predicate,
             PagePredicate::compile(choice.where, part, conditions, number));
      if (predicate.never_holds()) continue;
      if (!predicate.always_holds()) {
        guarded.push_back({std::move(codes), std::move(predicate)});
        continue;
      }
    }
    for (std::size_t code = 0; code < names.size(); ++code) open[code] |= named[code];
  }
  return PageMatcher(std::make_unique<Body>(
      Body{&part, CodeSet(std::move(open)), std::move(guarded), std::move(besides)}));
}

bool PageMatcher::matches_nothing() const {
  return (body_->open.is_empty() && body_->guarded.empty()) || body_->where.never_holds();
}

bool PageMatcher::matches_everything() const {
  return body_->open.is_full() && body_->where.always_holds();
}

Result<void> PageMatcher::find(std::uint32_t page, std::span<std::uint64_t> rows) const {
  const std::size_t count = body_->part->rows_in_page(page);
  HF_ASSERT(rows.size() == (count + 63) / 64);
  if (matches_nothing()) {
    std::ranges::fill(rows, 0);
    return {};
  }
  if (body_->open.is_full()) {
    std::ranges::fill(rows, ~std::uint64_t{0});
    return body_->where.restrict(page, rows);  // Which clears what is past the last row.
  }
  HF_TRY(const auto names, body_->part->name_codes(page));
  HF_ASSERT(names->codes.size() == count);
  std::array<std::uint64_t, part_format::page_rows / 64> everywhere;
  everywhere.fill(~std::uint64_t{0});
  const std::span<const std::uint64_t> asked = std::span(everywhere).first(rows.size());
  std::ranges::fill(rows, 0);
  body_->open.find(names->codes, asked, rows);
  std::array<std::uint64_t, part_format::page_rows / 64> found;
  for (const Body::Guarded& choice : body_->guarded) {
    const std::span<std::uint64_t> candidates = std::span(found).first(rows.size());
    std::ranges::fill(candidates, 0);
    choice.names.find(names->codes, asked, candidates);
    for (std::size_t w = 0; w < rows.size(); ++w) candidates[w] &= ~rows[w];
    HF_CHECK(choice.where.restrict(page, candidates));
    for (std::size_t w = 0; w < rows.size(); ++w) rows[w] |= candidates[w];
  }
  return body_->where.restrict(page, rows);
}

}  // namespace hf
