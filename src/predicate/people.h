// SPDX-License-Identifier: Apache-2.0
//
// Conditions about persons, asked of all of a snapshot at once: each becomes a set, of persons, or
// where the moment of each event matters, of rows. The obvious way, one person at a time, is
// predicate/person_predicate.h; both give the same answers.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <span>
#include <vector>

#include "base/work_guard.h"
#include "calendar/zone.h"
#include "predicate/predicate.h"
#include "store/person_bitmap.h"
#include "store/row_bits.h"
#include "store/snapshot.h"

namespace hf {

struct Matcher;  // predicate/matcher.h

/// When and how a question about persons is asked. All must outlive its use.
struct PeopleScope {
  const Zone* zone;      ///< Of calendar days in durations, and of local dates.
  TimestampMs as_of_ms;  ///< Events up to and including this instant are seen.
  WorkGuard* guard;
  unsigned threads = 1;
  bool postings = true;  ///< Lists of rare names may be used; without, the answers are the same.
};

/// Everybody with an event up to as_of, of whatever name. Errors: those of Part's readers and of
/// WorkGuard.
[[nodiscard]] Result<PersonBitmap> known_people(const Snapshot& snapshot, const PeopleScope& scope);

/// Those of known_people() of whom `predicate` holds at as_of. It asks nothing of an event at hand
/// (check_people()). Errors: those of known_people().
[[nodiscard]] Result<PersonBitmap> find_people(const Snapshot& snapshot, const Predicate& predicate,
                                               const PeopleScope& scope);

/// For the conditions about persons in predicates on events: the rows at which each holds.
class RowConditions {
 public:
  /// A predicate on events, and of which events it is asked.
  struct Question {
    const Predicate* predicate;
    const Matcher* of = nullptr;  ///< Those that this one names; null: all.
  };
  /// Looks at all conditions in the predicates, nested ones too, that are not on a property of the
  /// event at hand. Behaviours hold at a row by the person's events up to it and itself, in the
  /// order (time, owner, arrival); traits by their latest value up to as_of, or with at_event up to
  /// the row's own time and place. The predicates must outlive it, and keep their places; so must
  /// the guard, of which it holds bytes. Errors: those of known_people().
  [[nodiscard]] static Result<RowConditions> find(const Snapshot& snapshot,
                                                  std::span<const Question> questions,
                                                  const PeopleScope& scope);
  /// The same, asked of all events.
  [[nodiscard]] static Result<RowConditions> find(const Snapshot& snapshot,
                                                  std::span<const Predicate* const> predicates,
                                                  const PeopleScope& scope);

  /// Of a condition among those looked at; null where it holds at no row of the part, the so
  /// many-th of the snapshot that was given. Rows later than as_of, or of which it is not asked,
  /// may or may not be there.
  [[nodiscard]] const RowBits* rows(const Predicate* condition, std::uint32_t part) const;

 private:
  class Search;
  std::shared_ptr<HeldBytes> held_;
  std::uint32_t first_part_ = 0;  // First-seen parts that the snapshot asked about does not have.
  std::map<const Predicate*, std::vector<std::shared_ptr<const RowBits>>> rows_;  // By part.
};

}  // namespace hf
