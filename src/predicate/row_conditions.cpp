// SPDX-License-Identifier: Apache-2.0
//
// Each condition about persons becomes bits of rows, the innermost first: what is nested in the
// matchers of a behaviour is known when the behaviour is looked at. A condition goes along with
// each person's history (LeafState), so that a person costs time linear in its events.
#include <algorithm>
#include <atomic>
#include <memory>
#include <optional>
#include <span>
#include <type_traits>
#include <utility>
#include <vector>

#include "base/assert.h"
#include "base/parallel.h"
#include "predicate/moments.h"
#include "predicate/people.h"
#include "predicate/people_leaf.h"

namespace hf {
namespace {

// Bits of rows that several threads write, each for its own persons, of whom neighbours share
// words. Bits of one word in turn are gathered first.
class RowWriter {
 public:
  explicit RowWriter(std::vector<std::shared_ptr<RowBits>>& parts) : parts_(&parts) {}
  ~RowWriter() { flush(); }
  RowWriter(const RowWriter&) = delete;
  RowWriter& operator=(const RowWriter&) = delete;

  void set(std::uint32_t part, RowNumber row) {
    if (part != part_ || row / 64 != word_) {
      flush();
      part_ = part;
      word_ = row / 64;
    }
    bits_ |= std::uint64_t{1} << (row % 64);
  }
  void set(const PersonRun& run) {
    const RowNumber end = run.first_row + run.row_count;
    for (RowNumber row = run.first_row; row < end; ++row) set(run.part, row);
  }
  void flush() {
    if (bits_ == 0) return;
    std::atomic_ref((*parts_)[part_]->words[word_]).fetch_or(bits_, std::memory_order_relaxed);
    bits_ = 0;
  }

 private:
  std::vector<std::shared_ptr<RowBits>>* parts_;
  std::uint32_t part_ = 0;
  std::uint32_t word_ = 0;
  std::uint64_t bits_ = 0;
};

// Of one condition.
class RowSearch {
 public:
  using Parts = std::vector<std::shared_ptr<RowBits>>;

  RowSearch(const Snapshot& history, const RowConditions& nested, const PeopleScope& scope)
      : history_(history), nested_(nested), scope_(scope) {
    for (const auto& part : history.parts) {
      auto& rows = parts_.emplace_back(std::make_shared<RowBits>());
      rows->words.resize((part->row_count() + 63) / 64);
      rows_ += part->row_count();
    }
  }

  /// Where the person decides, whatever the row.
  Result<void> find_by_person(const Predicate& condition) {
    PersonBitmap everybody(history_.person_end);
    for (PersonOrdinal person = 0; person < history_.person_end; ++person) everybody.add(person);
    HF_TRY(const PersonBitmap held,
           restrict_to_leaf(history_, condition, std::move(everybody), &nested_, scope_));
    return for_persons([](unsigned) -> Result<bool> { return true; },
                       [&](bool, RowWriter& rows, PersonOrdinal person,
                           std::span<const PersonRun> runs) -> Result<void> {
                         if (!held.contains(person)) return {};
                         for (const PersonRun& run : runs) rows.set(run);
                         return {};
                       });
  }

  Result<void> find_by_event(const Predicate& condition) {
    const Leaf leaf(condition, *scope_.zone);
    HF_TRY(const MatchedRows matched,
           MatchedRows::find(history_, leaf.wanted(), {timestamp_min_ms, scope_.as_of_ms}, &nested_,
                             scope_));
    const auto open = [&](unsigned) -> Result<Asking> {
      HF_TRY(MomentReader reader, MomentReader::open(history_, leaf, matched, scope_.as_of_ms));
      return Asking{std::move(reader), leaf.state()};
    };
    // What holds of an empty history holds of it at any time.
    const auto idle = leaf.state();
    idle->clear();
    const bool holds_without_any = idle->holds(scope_.as_of_ms);
    return for_persons(open,
                       [&](Asking& asking, RowWriter& rows, PersonOrdinal,
                           std::span<const PersonRun> runs) -> Result<void> {
                         if (asking.reader.any(runs)) return find_of_person(asking, runs, rows);
                         if (!holds_without_any) return {};
                         for (const PersonRun& run : runs) rows.set(run);
                         return {};
                       });
  }

  /// Null where nothing was set.
  Parts take() && {
    for (auto& rows : parts_) {
      if (std::ranges::all_of(rows->words, [](std::uint64_t word) { return word == 0; })) {
        rows = nullptr;
      }
    }
    return std::move(parts_);
  }

 private:
  struct Asking {
    MomentReader reader;
    std::unique_ptr<LeafState> state;
  };

  Result<void> find_of_person(Asking& asking, std::span<const PersonRun> runs, RowWriter& rows) {
    constexpr std::size_t moments_per_check = 1 << 16;
    HF_TRY(const auto moments, asking.reader.read(runs, MomentReader::Rows::all));
    asking.state->clear();
    for (std::size_t i = 0; i < moments.size(); ++i) {
      if (i % moments_per_check == moments_per_check - 1) HF_CHECK(scope_.guard->check());
      const Moment& moment = moments[i];
      if (moment.matched != 0) asking.state->take(moment);
      if (asking.state->holds(moment.time_ms)) rows.set(moment.part, moment.row);
    }
    return {};
  }

  // Calls use(state, writer, person, runs) for everybody; open(thread) makes a thread's state.
  template <class Open, class Use>
  Result<void> for_persons(Open&& open, Use&& use) {
    using State = typename std::invoke_result_t<Open, unsigned>::value_type;
    std::vector<std::optional<State>> states(threads_for_rows(rows_, scope_.threads));
    const auto run = [&](unsigned thread, std::uint32_t chunk) -> Result<void> {
      HF_CHECK(scope_.guard->check());
      if (!states[thread]) {
        HF_TRY(State state, open(thread));
        states[thread].emplace(std::move(state));
      }
      const PersonOrdinal first = chunk << PersonChunk::bits;
      RowWriter writer(parts_);
      Result<void> outcome;
      for_each_person(history_, first, first + PersonChunk::persons,
                      [&](PersonOrdinal person, std::span<const PersonRun> runs) {
                        if (outcome) outcome = use(*states[thread], writer, person, runs);
                      });
      return outcome;
    };
    return for_each_item(static_cast<unsigned>(states.size()),
                         PersonChunk::count(history_.person_end), run);
  }

  const Snapshot& history_;
  const RowConditions& nested_;
  const PeopleScope& scope_;
  Parts parts_;
  std::uint64_t rows_ = 0;
};

}  // namespace

// Looks at conditions within before those that ask for them.
class RowConditions::Search {
 public:
  Search(const Snapshot& history, RowConditions& found, const PeopleScope& scope)
      : history_(history), found_(found), scope_(scope) {
    for (const auto& part : history.parts) {
      bytes_ += (part->row_count() + 63) / 64 * sizeof(std::uint64_t);
    }
  }

  Result<void> look_at(const Predicate& predicate) {
    for (const Predicate& child : predicate.children) HF_CHECK(look_at(child));
    switch (predicate.kind) {
      case Predicate::Kind::all:
      case Predicate::Kind::any:
      case Predicate::Kind::negation:
      case Predicate::Kind::property: return {};
      case Predicate::Kind::trait:
      case Predicate::Kind::system:
      case Predicate::Kind::behaviour: break;
    }
    if (found_.rows_.contains(&predicate)) return {};
    const bool is_behaviour = predicate.kind == Predicate::Kind::behaviour;
    if (is_behaviour) {
      for (const Matcher& matcher : predicate.behaviour->matchers) {
        for (const Matcher::Choice& choice : matcher.choices) HF_CHECK(look_at(choice.where));
      }
    }
    HF_CHECK(found_.held_->grow_to(bytes_ * (found_.rows_.size() + 1)));
    RowSearch search(history_, found_, scope_);
    HF_CHECK(is_behaviour || predicate.at_event ? search.find_by_event(predicate)
                                                : search.find_by_person(predicate));
    auto& rows = found_.rows_[&predicate];
    for (auto& part : std::move(search).take()) rows.push_back(std::move(part));
    return {};
  }

 private:
  const Snapshot& history_;
  RowConditions& found_;
  const PeopleScope& scope_;
  std::size_t bytes_ = 0;  // Of one condition.
};

Result<RowConditions> RowConditions::find(const Snapshot& snapshot,
                                          std::span<const Predicate* const> predicates,
                                          const PeopleScope& scope) {
  const Snapshot& history = history_of(snapshot);
  RowConditions found;
  found.held_ = std::make_shared<HeldBytes>(*scope.guard);
  Search search(history, found, scope);
  for (const Predicate* predicate : predicates) HF_CHECK(search.look_at(*predicate));
  // From here on it is asked about the parts of `snapshot`.
  found.first_part_ = static_cast<std::uint32_t>(history.parts.size() - snapshot.parts.size());
  return found;
}

const RowBits* RowConditions::rows(const Predicate* condition, std::uint32_t part) const {
  const auto found = rows_.find(condition);
  HF_ASSERT(found != rows_.end());
  return found->second[first_part_ + part].get();
}

}  // namespace hf
