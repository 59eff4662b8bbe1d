// SPDX-License-Identifier: Apache-2.0
//
// A condition on a page is three steps: which of the property's columns can hold a value that
// satisfies it (decided once a part, from dictionaries and number ranges), which rows of these
// columns do (64 at a time), and, for a negative operator, the complement: it holds where its
// positive one does not, values that are absent included. A condition about persons was answered
// for all rows beforehand (predicate/people.h).
#include <algorithm>
#include <bit>
#include <optional>
#include <utility>
#include <vector>

#include "base/assert.h"
#include "predicate/code_set.h"
#include "predicate/condition.h"
#include "predicate/number_set.h"
#include "predicate/people.h"
#include "predicate/predicate.h"

namespace hf {
namespace {

using Words = std::span<std::uint64_t>;

bool is_zero(Words rows) {
  return std::ranges::all_of(rows, [](std::uint64_t word) { return word == 0; });
}

// What is known of a condition before any page is read.
enum class Verdict : std::uint8_t { never, always, depends };

struct CodeColumn {
  std::uint32_t column;
  CodeSet codes;  // Values that satisfy the positive operator.
};

struct NumberColumn {
  std::uint32_t column;
  bool every_number;                 // Whatever is present satisfies it.
  std::optional<NumberSet> numbers;  // Absent: ask the condition row by row.
};

struct Node {
  Predicate::Kind kind = Predicate::Kind::all;
  Verdict verdict = Verdict::depends;
  std::vector<Node> children;
  bool is_negative = false;
  std::optional<Condition> condition;
  std::vector<CodeColumn> code_columns;
  std::vector<NumberColumn> number_columns;
  const RowBits* answered = nullptr;  // Of a condition about persons that depends.
};

// What conditions are asked about.
struct PlaceOfPart {
  const Part& part;
  const RowConditions* conditions;
  std::uint32_t number;
};

Verdict opposite(Verdict verdict) {
  switch (verdict) {
    case Verdict::never: return Verdict::always;
    case Verdict::always: return Verdict::never;
    case Verdict::depends: break;
  }
  return Verdict::depends;
}

// `decisive` is what one child settles for all: never for `all`, always for `any`.
Verdict combined(const std::vector<Node>& children, Verdict decisive) {
  Verdict verdict = opposite(decisive);
  for (const Node& child : children) {
    if (child.verdict == decisive) return decisive;
    if (child.verdict == Verdict::depends) verdict = Verdict::depends;
  }
  return verdict;
}

Result<std::optional<CodeSet>> satisfying_codes(const Predicate& predicate,
                                                const Condition& condition, const Part& part,
                                                std::uint32_t column) {
  const ColumnInfo& info = part.columns()[column];
  if (positive_of(predicate.op) == Op::exists) {
    return CodeSet(std::vector<std::uint8_t>(info.dictionary_size, 1));
  }
  HF_TRY(const auto dictionary, part.dictionary(column));
  std::vector<std::uint8_t> member(dictionary->size());
  for (std::uint32_t code = 0; code < dictionary->size(); ++code) {
    const std::string_view text = dictionary->at(code);
    const ValueView value = {.kind = info.kind,
                             .boolean = info.kind == ValueKind::boolean && text == "true",
                             .text = text};
    member[code] = condition.holds_positively(value) ? 1 : 0;
  }
  CodeSet codes(std::move(member));
  if (codes.is_empty()) return std::nullopt;
  return codes;
}

Result<Node> bind_condition(const Predicate& predicate, const Part& part) {
  Node node;
  node.kind = Predicate::Kind::property;
  node.is_negative = is_negative(predicate.op);
  node.condition.emplace(predicate);
  const bool is_presence = positive_of(predicate.op) == Op::exists;
  bool everywhere = false;  // One column has a satisfying value in every row.
  for (const std::uint32_t column : part.find_property(predicate.property)) {
    const ColumnInfo& info = part.columns()[column];
    if (info.value_count == 0) continue;
    const bool no_row_missing = info.value_count == part.row_count();
    if (info.kind == ValueKind::number) {
      NumberColumn bound = {column, is_presence, std::nullopt};
      if (!is_presence) bound.numbers = NumberSet::of(predicate);
      if (bound.numbers && !bound.numbers->meets(info.number_min, info.number_max)) continue;
      everywhere = everywhere || (no_row_missing && bound.every_number);
      node.number_columns.push_back(std::move(bound));
    } else {
      HF_TRY(auto codes, satisfying_codes(predicate, *node.condition, part, column));
      if (!codes) continue;
      everywhere = everywhere || (no_row_missing && codes->is_full());
      node.code_columns.push_back({column, *std::move(codes)});
    }
  }
  const bool nowhere = node.number_columns.empty() && node.code_columns.empty();
  node.verdict = everywhere ? Verdict::always : nowhere ? Verdict::never : Verdict::depends;
  if (node.is_negative) node.verdict = opposite(node.verdict);
  return node;
}

Node bind_answered(const Predicate& predicate, const PlaceOfPart& at) {
  HF_ASSERT(at.conditions != nullptr);
  Node node;
  node.kind = predicate.kind;
  node.answered = at.conditions->rows(&predicate, at.number);
  if (node.answered == nullptr) {
    node.verdict = Verdict::never;
  } else if (node.answered->is_whole) {
    node.verdict = Verdict::always;
  }
  return node;
}

Result<Node> bind(const Predicate& predicate, const PlaceOfPart& at) {
  switch (predicate.kind) {
    case Predicate::Kind::property: return bind_condition(predicate, at.part);
    case Predicate::Kind::trait:
    case Predicate::Kind::system:
    case Predicate::Kind::behaviour: return bind_answered(predicate, at);
    case Predicate::Kind::all:
    case Predicate::Kind::any:
    case Predicate::Kind::negation: break;
  }
  Node node;
  node.kind = predicate.kind;
  for (const Predicate& child : predicate.children) {
    HF_TRY(Node bound, bind(child, at));
    node.children.push_back(std::move(bound));
  }
  switch (predicate.kind) {
    case Predicate::Kind::all: node.verdict = combined(node.children, Verdict::never); break;
    case Predicate::Kind::any: node.verdict = combined(node.children, Verdict::always); break;
    default:
      HF_ASSERT(predicate.kind == Predicate::Kind::negation && node.children.size() == 1);
      node.verdict = opposite(node.children.front().verdict);
  }
  return node;
}

// The values of rows [64 w, 64 w + 64), fewer at the end of the page.
template <class T>
std::span<const T> word_of(const std::vector<T>& values, std::size_t w) {
  return std::span(values).subspan(w * 64, std::min<std::size_t>(values.size() - w * 64, 64));
}

std::uint64_t lowest_bits(std::size_t count) {
  return count >= 64 ? ~std::uint64_t{0} : (std::uint64_t{1} << count) - 1;
}

// Rows of one word whose number satisfies it; only those asked for need be right.
std::uint64_t satisfying_rows(const NumberColumn& column, const Condition& condition,
                              const NumberPage& page, std::size_t w, std::uint64_t asked) {
  const auto units = word_of(page.units, w);
  std::uint64_t rows = lowest_bits(units.size());
  if (!page.present.empty()) rows &= page.present[w];
  if (column.every_number) return rows;
  if (column.numbers && page.scales.empty()) return rows & column.numbers->rows(units, page.scale);
  for (std::uint64_t left = rows & asked; left != 0; left &= left - 1) {
    const auto bit = static_cast<std::uint32_t>(std::countr_zero(left));
    const auto row = static_cast<std::uint32_t>(w * 64) + bit;
    const int scale = page.scales.empty() ? page.scale : page.scales[row];
    const bool holds =
        column.numbers
            ? column.numbers->contains(page.units[row], scale)
            : condition.holds_positively({.kind = ValueKind::number, .number = page.at(row)});
    if (!holds) rows &= ~(std::uint64_t{1} << bit);
  }
  return rows;
}

Result<void> restrict_by_condition(const Node& node, const Part& part, std::uint32_t page,
                                   Words rows) {
  std::vector<std::uint64_t> hits(rows.size());
  for (const CodeColumn& column : node.code_columns) {
    HF_TRY(const auto codes, part.codes(column.column, page));
    column.codes.find(codes->codes, rows, hits);
  }
  for (const NumberColumn& column : node.number_columns) {
    HF_TRY(const auto numbers, part.numbers(column.column, page));
    HF_ASSERT((numbers->units.size() + 63) / 64 == rows.size());
    for (std::size_t w = 0; w < rows.size(); ++w) {
      if (rows[w] != 0) hits[w] |= satisfying_rows(column, *node.condition, *numbers, w, rows[w]);
    }
  }
  for (std::size_t w = 0; w < rows.size(); ++w) rows[w] &= node.is_negative ? ~hits[w] : hits[w];
  return {};
}

void restrict_by_answer(const RowBits& answer, std::uint32_t page, Words rows) {
  const std::uint64_t* const words =
      answer.words.data() + std::size_t{page} * (part_format::page_rows / 64);
  for (std::size_t w = 0; w < rows.size(); ++w) rows[w] &= words[w];
}

Result<void> restrict_by(const Node& node, const Part& part, std::uint32_t page, Words rows) {
  if (node.verdict == Verdict::always) return {};
  if (node.verdict == Verdict::never) {
    std::ranges::fill(rows, 0);
    return {};
  }
  if (is_zero(rows)) return {};
  switch (node.kind) {
    case Predicate::Kind::all:
      for (const Node& child : node.children) HF_CHECK(restrict_by(child, part, page, rows));
      return {};
    case Predicate::Kind::any: {
      std::vector<std::uint64_t> left(rows.begin(), rows.end());  // Held by no child so far.
      std::vector<std::uint64_t> held(rows.size());
      for (const Node& child : node.children) {
        std::ranges::copy(left, held.begin());
        HF_CHECK(restrict_by(child, part, page, held));
        for (std::size_t w = 0; w < rows.size(); ++w) left[w] &= ~held[w];
      }
      for (std::size_t w = 0; w < rows.size(); ++w) rows[w] &= ~left[w];
      return {};
    }
    case Predicate::Kind::negation: {
      std::vector<std::uint64_t> held(rows.begin(), rows.end());
      HF_CHECK(restrict_by(node.children.front(), part, page, held));
      for (std::size_t w = 0; w < rows.size(); ++w) rows[w] &= ~held[w];
      return {};
    }
    case Predicate::Kind::property: return restrict_by_condition(node, part, page, rows);
    case Predicate::Kind::trait:
    case Predicate::Kind::system:
    case Predicate::Kind::behaviour: restrict_by_answer(*node.answered, page, rows); return {};
  }
  HF_ASSERT(!"a predicate without a kind");
  return {};
}

}  // namespace

struct PagePredicate::Body {
  const Part* part;
  Node root;
};

PagePredicate::PagePredicate(std::unique_ptr<Body> body) : body_(std::move(body)) {}
PagePredicate::PagePredicate(PagePredicate&&) noexcept = default;
PagePredicate& PagePredicate::operator=(PagePredicate&&) noexcept = default;
PagePredicate::~PagePredicate() = default;

Result<PagePredicate> PagePredicate::compile(const Predicate& predicate, const Part& part,
                                             const RowConditions* conditions,
                                             std::uint32_t number) {
  HF_TRY(Node root, bind(predicate, {part, conditions, number}));
  return PagePredicate(std::make_unique<Body>(&part, std::move(root)));
}

bool PagePredicate::never_holds() const { return body_->root.verdict == Verdict::never; }
bool PagePredicate::always_holds() const { return body_->root.verdict == Verdict::always; }

Result<void> PagePredicate::restrict(std::uint32_t page, std::span<std::uint64_t> rows) const {
  const std::size_t count = body_->part->rows_in_page(page);
  HF_ASSERT(rows.size() == (count + 63) / 64);
  if (count % 64 != 0) rows.back() &= lowest_bits(count % 64);
  return restrict_by(body_->root, *body_->part, page, rows);
}

}  // namespace hf
