// SPDX-License-Identifier: Apache-2.0
//
// Retention: of the persons who did something in one period, how many did something in later ones.
// The definitions with worked examples: docs/metrics.md#retention.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/decimal.h"
#include "base/json.h"
#include "metric/bucket.h"
#include "metric/common_fields.h"
#include "metric/members.h"
#include "metric/period_grid.h"
#include "metric/query_context.h"
#include "metric/time_range.h"
#include "predicate/matcher.h"
#include "store/snapshot.h"

namespace hf {

enum class Entry : std::uint8_t { every_period, first_time, first_ever };
enum class Window : std::uint8_t { calendar, rolling };
enum class CountReturn : std::uint8_t { exactly, on_or_after };
enum class Aggregate : std::uint8_t { users, count, sum, avg };

/// A column of a retention table: the periods first .. last after the cohort's. Column 0 is {0, 0}.
struct RetentionColumn {
  std::int32_t first = 0;
  std::int32_t last = 0;
};

struct RetentionQuery {
  static constexpr std::int64_t columns_max = 5000;
  static constexpr std::int64_t cells_max = 2'000'000;

  CommonFields common;
  Matcher start;
  Matcher returning;  ///< `return` in the language.
  Entry entry = Entry::every_period;
  Period period;
  /// Columns 1.. as asked for; empty: the default number of periods, decided by the data's range.
  std::vector<RetentionColumn> columns;
  Window window = Window::calendar;
  CountReturn count_return = CountReturn::exactly;
  std::int64_t min_occurrences = 1;
  Aggregate aggregate = Aggregate::users;
  std::string value_property;  ///< sum, avg: one of the two is set.
  std::string value_trait;
  struct Windows {
    TimeRange initial;
    TimeRange current;
  };
  std::optional<Windows> windows;  ///< The two-window form.
};

/// `value` is meaningful as the query's aggregate says.
struct RetentionValue {
  std::int64_t events = 0;  ///< count
  DecimalSum sum;           ///< sum; avg: divided by the count of persons
};

struct RetentionCell {
  std::int64_t count = 0;
  std::int64_t eligible = 0;
  bool complete = false;
  RetentionValue value;
};

struct RetentionCohort {
  std::string start;
  std::int64_t size = 0;
  std::vector<RetentionCell> cells;  ///< One a column.
};

struct Ratio {
  std::int64_t numerator = 0;
  std::int64_t denominator = 0;
  /// Nothing where the denominator is 0.
  [[nodiscard]] std::optional<double> rate() const;
};

/// One a column, over complete cells of cohorts that have persons.
struct RetentionMean {
  std::vector<Ratio> weighted;
  std::vector<std::optional<double>> simple;
};

/// The two-window form.
struct WindowRetention {
  std::int64_t initial = 0;
  std::int64_t retained = 0;  ///< Of the initial persons, those active in `current`.
  std::int64_t current = 0;   ///< All persons active in `current`.
  bool current_complete = false;
  RetentionValue initial_value;
  RetentionValue current_value;  ///< Over the retained persons.
};

struct RetentionTable {
  BucketPath bucket;                     ///< Of a group; meaningless of the total.
  std::vector<RetentionCohort> cohorts;  ///< Empty in the two-window form.
  RetentionMean mean;
  WindowRetention windows;  ///< The two-window form only.
};

struct RetentionAnswer {
  Aggregate aggregate = Aggregate::users;
  bool has_windows = false;
  std::string initial_from, initial_to, current_from, current_to;  ///< RFC 3339, of the windows.
  std::vector<std::string> columns;                                ///< "0", "1", "2-4", ..
  bool has_groups = false;
  std::vector<RetentionTable> groups;
  RetentionTable total;
  std::vector<Warning> warnings;
  std::vector<ReadStep> plan;
  std::uint64_t events_scanned = 0;
  std::uint64_t persons_scanned = 0;
};

/// Errors, all invalid_argument with pointer unless said otherwise: those of parse_common and
/// parse_matcher, unknown_value, out_of_range, missing_field, unsupported_combination,
/// invalid_duration; resource_exhausted/too_many_cells.
[[nodiscard]] Result<RetentionQuery> parse_retention(const Json& json, const QueryContext& context);

/// Errors: invalid_argument/invalid_range; resource_exhausted/too_many_cells, too_many_buckets;
/// those of Part's readers.
[[nodiscard]] Result<RetentionAnswer> run_retention(const Snapshot& snapshot,
                                                    const QueryContext& context,
                                                    const RetentionQuery& query);

/// Who is behind the cell {"cohort", "column"}, of the two-window form {"window": "initial",
/// "retained" or "current"}. Requires query.common.members. Errors: those of run_retention() and of
/// cell_label().
[[nodiscard]] Result<Members> retention_members(const Snapshot& snapshot,
                                                const QueryContext& context,
                                                const RetentionQuery& query);

/// Writes the DATA of the answer.
void write_json(JsonWriter& out, const RetentionAnswer& answer);

}  // namespace hf
