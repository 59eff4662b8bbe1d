// SPDX-License-Identifier: Apache-2.0
//
// Of whom a query asks, and where the conditions about persons in its matchers hold: found once for
// it, before anything is counted.
#pragma once

#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "metric/common_fields.h"
#include "metric/event_source.h"
#include "metric/grouping.h"
#include "metric/query_context.h"
#include "predicate/people.h"

namespace hf {

class QueryScope {
 public:
  /// `snapshot` is the one that will be read, with first-seen parts where these matter. All must
  /// outlive the scope. Errors: those of find_people() and RowConditions::find().
  [[nodiscard]] static Result<QueryScope> find(const Snapshot& snapshot,
                                               const QueryContext& context,
                                               const CommonFields& common,
                                               std::span<const Matcher* const> matchers);

  [[nodiscard]] const PeopleScope& when() const { return when_; }
  /// Null: everybody.
  [[nodiscard]] const PersonBitmap* people() const { return people_ ? &*people_ : nullptr; }
  /// Null: no condition is about persons.
  [[nodiscard]] const RowConditions* conditions() const {
    return conditions_ ? &*conditions_ : nullptr;
  }

 private:
  PeopleScope when_ = {};
  std::optional<PersonBitmap> people_;
  std::optional<RowConditions> conditions_;
};

/// A selection with all it is read with, in one place, as each points into the one before.
struct BoundQuestion {
  /// All must outlive it. Errors: those of bind_breakdown(), BoundSelection and EventSource.
  [[nodiscard]] static Result<std::unique_ptr<BoundQuestion>> bind(
      const Snapshot& snapshot, const QueryContext& context, const CommonFields& common,
      const QueryScope& scope, EventSelection selection, const GroupRules& rules);

  EventSelection selection;
  std::vector<GroupBy> groups;
  std::shared_ptr<BucketTable> units;  ///< Null: persons are counted.
  std::optional<BoundSelection> bound;
  std::optional<EventSource> source;
};

}  // namespace hf
