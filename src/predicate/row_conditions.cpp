// SPDX-License-Identifier: Apache-2.0
//
// Each condition about persons becomes bits of rows, the innermost first: what is nested in the
// matchers of a behaviour is known when the behaviour is looked at. A condition goes along with
// each person's history (LeafState), so that a person costs time linear in its events; and only
// with the events it is about or asked of, which are found by their names.
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

  /// `of`: of whose events it is asked; null: of all.
  Result<void> find_by_event(const Predicate& condition, const Matcher* of) {
    const Leaf leaf(condition, *scope_.zone);
    std::vector<MatchedRows::Wanted> wanted = leaf.wanted();
    std::uint32_t asked = 0;
    if (of != nullptr) {
      asked = std::uint32_t{1} << wanted.size();
      wanted.push_back({.matcher = of, .first_seen = true});
    }
    const TimeSpan span{timestamp_min_ms, scope_.as_of_ms};
    HF_TRY(const MatchedRows matched, MatchedRows::find(history_, wanted, span, &nested_, scope_));
    const auto open = [&](unsigned) -> Result<Asking> {
      HF_TRY(MomentReader reader, MomentReader::open(history_, leaf, matched, span, *scope_.guard));
      return Asking{std::move(reader), leaf.state(), asked};
    };
    return for_persons(
        open, [&](Asking& asking, RowWriter& rows, PersonOrdinal, std::span<const PersonRun> runs) {
          return find_of_person(asking, runs, rows);
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
    std::uint32_t asked;  // The bit of events of which it is asked; 0: all.
  };

  Result<void> find_of_person(Asking& asking, std::span<const PersonRun> runs, RowWriter& rows) {
    constexpr std::size_t moments_per_check = 1 << 16;
    const auto read = asking.asked == 0 ? MomentReader::Rows::all : MomentReader::Rows::matched;
    HF_TRY(const auto moments, asking.reader.read(runs, read));
    asking.state->clear();
    for (std::size_t i = 0; i < moments.size(); ++i) {
      if (i % moments_per_check == moments_per_check - 1) HF_CHECK(scope_.guard->check());
      const Moment& moment = moments[i];
      if ((moment.matched & ~asking.asked) != 0) asking.state->take(moment);
      if (asking.asked != 0 && (moment.matched & asking.asked) == 0) continue;
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

class RowConditions::Search {
 public:
  Search(const Snapshot& history, RowConditions& found, const PeopleScope& scope)
      : history_(history), found_(found), scope_(scope) {}

  void ask(const Predicate& predicate, const Matcher* of) {
    for (const Predicate& child : predicate.children) ask(child, of);
    switch (predicate.kind) {
      case Predicate::Kind::all:
      case Predicate::Kind::any:
      case Predicate::Kind::negation:
      case Predicate::Kind::property: return;
      case Predicate::Kind::trait:
      case Predicate::Kind::system:
      case Predicate::Kind::behaviour: break;
    }
    const auto known = std::ranges::find(asked_, &predicate, &Asked::condition);
    if (known != asked_.end()) return add(of, *known);
    if (predicate.kind == Predicate::Kind::behaviour) {
      // Those within come first: they are needed to match.
      for (const Matcher& matcher : predicate.behaviour->matchers) {
        for (const Matcher::Choice& choice : matcher.choices) ask(choice.where, &matcher);
      }
    }
    add(of, asked_.emplace_back(Asked{&predicate}));
  }

  Result<void> answer() {
    std::size_t bytes = 0;  // Of one condition.
    for (const auto& part : history_.parts) {
      bytes += (part->row_count() + 63) / 64 * sizeof(std::uint64_t);
    }
    HF_CHECK(found_.held_->grow_to(bytes * asked_.size()));
    for (const Asked& each : asked_) {
      const Predicate& condition = *each.condition;
      RowSearch search(history_, found_, scope_);
      if (condition.kind == Predicate::Kind::behaviour || condition.at_event) {
        HF_CHECK(search.find_by_event(condition, each.of_all ? nullptr : &each.of));
      } else {
        HF_CHECK(search.find_by_person(condition));
      }
      auto& rows = found_.rows_[&condition];
      for (auto& part : std::move(search).take()) rows.push_back(std::move(part));
    }
    return {};
  }

 private:
  struct Asked {
    const Predicate* condition;
    Matcher of = {};  // All names of events of which it is asked.
    bool of_all = false;
  };

  static void add(const Matcher* of, Asked& asked) {
    asked.of_all = asked.of_all || of == nullptr;
    if (of == nullptr) return;
    for (const Matcher::Choice& choice : of->choices) {
      const auto& known = asked.of.choices;
      if (std::ranges::find(known, choice.event, &Matcher::Choice::event) == known.end()) {
        asked.of.choices.push_back({.event = choice.event, .where = {}});
      }
    }
  }

  const Snapshot& history_;
  RowConditions& found_;
  const PeopleScope& scope_;
  std::vector<Asked> asked_;  // What is within a condition before it.
};

Result<RowConditions> RowConditions::find(const Snapshot& snapshot,
                                          std::span<const Question> questions,
                                          const PeopleScope& scope) {
  const Snapshot& history = history_of(snapshot);
  RowConditions found;
  found.held_ = std::make_shared<HeldBytes>(*scope.guard);
  Search search(history, found, scope);
  for (const Question& question : questions) search.ask(*question.predicate, question.of);
  HF_CHECK(search.answer());
  // From here on it is asked about the parts of `snapshot`.
  found.first_part_ = static_cast<std::uint32_t>(history.parts.size() - snapshot.parts.size());
  return found;
}

Result<RowConditions> RowConditions::find(const Snapshot& snapshot,
                                          std::span<const Predicate* const> predicates,
                                          const PeopleScope& scope) {
  std::vector<Question> questions;
  for (const Predicate* predicate : predicates) questions.push_back({predicate});
  return find(snapshot, questions, scope);
}

const RowBits* RowConditions::rows(const Predicate* condition, std::uint32_t part) const {
  const auto found = rows_.find(condition);
  HF_ASSERT(found != rows_.end());
  return found->second[first_part_ + part].get();
}

}  // namespace hf
