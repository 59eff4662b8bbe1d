// SPDX-License-Identifier: Apache-2.0
//
// A condition takes out of a set of persons those of whom it does not hold; the first set is
// everybody with an event. So each combination is a matter of sets, and a condition looks only at
// those whom the ones before it left.
#include "predicate/people.h"

#include <utility>
#include <vector>

#include "base/assert.h"
#include "base/parallel.h"
#include "predicate/chunk_runs.h"
#include "predicate/matched_rows.h"
#include "predicate/page_times.h"
#include "predicate/people_leaf.h"

namespace hf {
namespace {

// Who of a chunk has an event in one part up to as_of, for one thread.
class KnownOfPart {
 public:
  KnownOfPart(const Part& part, TimestampMs as_of_ms)
      : as_of_ms_(as_of_ms), is_past_(part.time_max() <= as_of_ms), times_(part) {}

  /// Whether a run that begins at this row has any.
  Result<bool> has_any(RowNumber first_row) {
    if (is_past_) return true;
    HF_CHECK(times_.seek(first_row / part_format::page_rows));
    return times_.at(first_row % part_format::page_rows) <= as_of_ms_;
  }

 private:
  TimestampMs as_of_ms_;
  bool is_past_;
  PageTimes times_;
};

Result<void> add_known(const Snapshot& snapshot, std::uint32_t chunk, TimestampMs as_of_ms,
                       PersonBitmap& known) {
  const auto is_seen = [&](std::uint32_t part) {
    return part >= snapshot.first_seen_parts && snapshot.parts[part]->time_min() <= as_of_ms;
  };
  for (std::uint32_t number = 0; number < snapshot.parts.size(); ++number) {
    if (!is_seen(number)) continue;
    const Part& part = *snapshot.parts[number];
    KnownOfPart of_part(part, as_of_ms);
    const auto add = [&](std::uint32_t at) -> Result<void> {
      HF_TRY(const bool has_any, of_part.has_any(part.row_offsets()[at]));
      if (has_any) known.add(part.persons()[at]);
      return {};
    };
    HF_CHECK(for_each_staying(snapshot, number, chunk, add));
  }
  for (const MovedRuns::Moved& each : moved_runs_of(snapshot, chunk)) {
    if (!is_seen(each.run.part) || known.contains(each.person)) continue;
    KnownOfPart of_part(*snapshot.parts[each.run.part], as_of_ms);
    HF_TRY(const bool has_any, of_part.has_any(each.run.first_row));
    if (has_any) known.add(each.person);
  }
  return {};
}

class PeopleSearch {
 public:
  PeopleSearch(const Snapshot& history, const RowConditions& conditions, const PeopleScope& scope)
      : history_(history), conditions_(conditions), scope_(scope) {}

  Result<PersonBitmap> restrict(const Predicate& predicate, PersonBitmap among) {
    switch (predicate.kind) {
      case Predicate::Kind::all:
        for (const Predicate& child : predicate.children) {
          HF_TRY(among, restrict(child, std::move(among)));
        }
        return among;
      case Predicate::Kind::any: {
        PersonBitmap left = among;  // Of whom none held so far.
        for (const Predicate& child : predicate.children) {
          HF_TRY(const PersonBitmap held, restrict(child, left));
          left.remove(held);
        }
        return std::move(among.remove(left));
      }
      case Predicate::Kind::negation: {
        HF_ASSERT(predicate.children.size() == 1);
        HF_TRY(const PersonBitmap held, restrict(predicate.children.front(), among));
        return std::move(among.remove(held));
      }
      case Predicate::Kind::trait:
      case Predicate::Kind::system:
      case Predicate::Kind::behaviour:
        return restrict_to_leaf(history_, predicate, std::move(among), &conditions_, scope_);
      case Predicate::Kind::property: break;
    }
    HF_ASSERT(!"a condition on an event where there is none");
    return among;
  }

 private:
  const Snapshot& history_;
  const RowConditions& conditions_;
  const PeopleScope& scope_;
};

void collect_wheres(const Predicate& predicate, std::vector<RowConditions::Question>& wheres) {
  for (const Predicate& child : predicate.children) collect_wheres(child, wheres);
  if (predicate.kind != Predicate::Kind::behaviour) return;
  for (const Matcher& matcher : predicate.behaviour->matchers) {
    for (const Matcher::Choice& choice : matcher.choices)
      wheres.push_back({&choice.where, &matcher});
  }
}

}  // namespace

Result<PersonBitmap> known_people(const Snapshot& snapshot, const PeopleScope& scope) {
  PersonBitmap known(snapshot.person_end);
  std::uint64_t rows = 0;
  for (const auto& part : snapshot.parts) rows += part->row_count();
  const auto add = [&](unsigned, std::uint32_t chunk) -> Result<void> {
    HF_CHECK(scope.guard->check());
    return add_known(snapshot, chunk, scope.as_of_ms, known);
  };
  HF_CHECK(for_each_item(threads_for_rows(rows, scope.threads), known.chunks(), add));
  return known;
}

Result<PersonBitmap> find_people(const Snapshot& snapshot, const Predicate& predicate,
                                 const PeopleScope& scope) {
  const Snapshot& history = history_of(snapshot);
  HF_TRY(PersonBitmap known, known_people(history, scope));
  std::vector<RowConditions::Question> wheres;
  collect_wheres(predicate, wheres);
  HF_TRY(const RowConditions conditions, RowConditions::find(history, wheres, scope));
  return PeopleSearch(history, conditions, scope).restrict(predicate, std::move(known));
}

}  // namespace hf
