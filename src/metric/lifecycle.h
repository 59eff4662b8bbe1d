// SPDX-License-Identifier: Apache-2.0
//
// Lifecycle: of the persons of each period, how many are new, have stayed or have come back, and
// how many have gone. The definitions with worked examples: docs/metrics.md#lifecycle.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "base/decimal.h"
#include "base/json.h"
#include "metric/bucket.h"
#include "metric/common_fields.h"
#include "metric/grouped_walk.h"
#include "metric/members.h"
#include "metric/period_grid.h"
#include "metric/profile_created.h"
#include "metric/query_context.h"
#include "predicate/matcher.h"
#include "store/snapshot.h"

namespace hf {

struct LifecycleQuery {
  static constexpr std::int64_t cells_max = 2'000'000;

  CommonFields common;
  Matcher match;
  Period period;
  /// A person is new when its profile was created, not by its first match.
  bool new_means_created = false;
};

/// Persons of one period. active = fresh + returning + resurrecting, and
/// active(t) = active(t - 1) + fresh + resurrecting - dormant.
struct LifecycleRow {
  /// `new`: active here, and no match of theirs lies in an earlier period; or of those whose
  /// profile says when it was created, where that is asked for: active here, not in the period
  /// before, and created here.
  std::int64_t fresh = 0;
  std::int64_t returning = 0;     ///< Active here and in the period before.
  std::int64_t resurrecting = 0;  ///< Active here, not in the period before, and not new.
  std::int64_t dormant = 0;       ///< Active in the period before, not here. Answers negate it.

  [[nodiscard]] std::int64_t active() const { return fresh + returning + resurrecting; }
};

struct LifecycleTable {
  BucketPath bucket;               ///< Of a group; meaningless of the total.
  std::vector<LifecycleRow> rows;  ///< By period.
};

struct LifecycleAnswer {
  std::vector<std::string> periods;  ///< Their starts.
  std::vector<bool> complete;
  bool has_groups = false;
  std::vector<LifecycleTable> groups;
  LifecycleTable total;
  std::vector<Warning> warnings;
  std::vector<ReadStep> plan;
  std::uint64_t events_scanned = 0;
  std::uint64_t persons_scanned = 0;
};

/// Errors, all invalid_argument with pointer: those of parse_common, parse_match, parse_period,
/// unknown_value, unsupported_value, unsupported_combination.
[[nodiscard]] Result<LifecycleQuery> parse_lifecycle(const Json& json, const QueryContext& context);

/// Errors: invalid_argument/invalid_range; resource_exhausted/too_many_cells, too_many_buckets;
/// those of Part's readers.
[[nodiscard]] Result<LifecycleAnswer> run_lifecycle(const Snapshot& snapshot,
                                                    const QueryContext& context,
                                                    const LifecycleQuery& query);

/// Who is behind the cell {"period", "kind": "new", "returning", "resurrecting", "dormant" or
/// "active"}. Requires query.common.members. Errors: those of run_lifecycle() and of cell_label().
[[nodiscard]] Result<Members> lifecycle_members(const Snapshot& snapshot,
                                                const QueryContext& context,
                                                const LifecycleQuery& query);

/// Writes the DATA of the answer.
void write_json(JsonWriter& out, const LifecycleAnswer& answer);

/// A query bound to its periods, all of them whole. Immutable.
struct LifecyclePlan {
  const LifecycleQuery* query;
  /// Its row 0 is the period before the answer's first row, its row i + 1 the answer's row i.
  PeriodGrid grid;
  std::shared_ptr<const ProfilesCreated> created = {};  ///< Null: it does not matter.

  [[nodiscard]] std::size_t rows() const {
    return grid.rows() == 0 ? 0 : static_cast<std::size_t>(grid.rows()) - 1;
  }
};

/// By row of the answer, all counts of persons and none below 0. Tallies of disjoint persons add
/// up.
struct LifecycleTally {
  std::vector<std::int64_t> fresh;
  std::vector<std::int64_t> returning;
  std::vector<std::int64_t> resurrecting;
  std::vector<std::int64_t> dormant;

  explicit LifecycleTally(std::size_t rows = 0);
  void add(const LifecycleTally& other);
};

namespace lifecycle_bits {
inline constexpr std::uint64_t active = 1u << 0;
/// The same matcher, also of first-seen rows: who was there before.
inline constexpr std::uint64_t seen = 1u << 1;
}  // namespace lifecycle_bits

/// Counts one person after the other, for walk_grouped().
class LifecycleEvaluator {
 public:
  using Tally = LifecycleTally;

  explicit LifecycleEvaluator(const LifecyclePlan& plan);
  [[nodiscard]] Tally empty_tally() const { return Tally(plan_->rows()); }
  [[nodiscard]] BucketSize measure(const WalkedUnit& unit);
  void add(const WalkedUnit& unit, Tally& tally);

 private:
  void find_periods(std::span<const PersonEvent> events);
  [[nodiscard]] std::int32_t new_in(UnitId person) const;

  const LifecyclePlan* plan_;
  SegmentCursor cursor_;
  // Of the present person, by row of the grid.
  std::vector<std::int32_t> active_;  // Ascending.
  std::int32_t first_seen_ = 0;       // The earliest period with anything.
};

}  // namespace hf
