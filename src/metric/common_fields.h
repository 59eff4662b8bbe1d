// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/json.h"
#include "calendar/zone.h"
#include "metric/bucket.h"
#include "metric/period_grid.h"
#include "metric/query_context.h"
#include "metric/time_range.h"
#include "predicate/matcher.h"
#include "predicate/predicate.h"
#include "store/snapshot.h"

namespace hf {

/// One end of a range as the query wrote it.
struct RangeBound {
  TimestampMs instant;     ///< from: the first; to: the first after.
  std::optional<Day> day;  ///< Set where it was a local date (of `to`: the last date inside).
};

inline constexpr std::size_t dimensions_max = 3;

/// Which event says in which bucket of a property a person is.
enum class Attribution : std::uint8_t {
  unsaid,       ///< As the metric does by default.
  first_touch,  ///< The first event the query names that has a value,
  last_touch,   ///< or the last.
  step,         ///< The one that served a step of a funnel.
  all,          ///< Each: a person may be in several buckets.
};

/// One dimension of a breakdown.
struct Dimension {
  static constexpr std::int64_t top_default = 25;
  static constexpr std::int64_t top_max = 1000;
  enum class By : std::uint8_t {
    property,  ///< Of the events; the rest is the person's.
    trait,
    system,  ///< segment, stage, layer, stay, tier: as Predicate::Kind::system names them.
    cohort,  ///< The period of the person's first active event.
  };
  By by = By::property;
  std::string name;                          ///< Of the property or trait.
  Period::Unit cohort = Period::Unit::day;   ///< by cohort; day or longer.
  WeekStart week_start = WeekStart::monday;  ///< by cohort of weeks.
  std::size_t top = static_cast<std::size_t>(top_default);
  Attribution attribution = Attribution::unsaid;
  std::size_t step = 1;  ///< Attribution::step; from 1.
};

/// Who is behind one cell of the answer.
struct MembersRequest {
  static constexpr std::int64_t limit_default = 100;
  static constexpr std::int64_t limit_max = 10'000;
  Json cell;                                  ///< As the metric names its cells.
  std::optional<BucketPath> bucket;           ///< Absent: of the total.
  std::optional<std::uint64_t> data_version;  ///< The answer's to which the cell belongs.
  std::size_t limit = static_cast<std::size_t>(limit_default);
  std::string cursor;  ///< Of the page before; empty: the first.
};

/// The fields every metric understands, checked, with their defaults filled in.
struct CommonFields {
  std::shared_ptr<const Zone> zone;  ///< Never null.
  WeekStart week_start = WeekStart::monday;
  TimestampMs as_of = 0;            ///< Events up to and including this instant are seen.
  std::optional<RangeBound> from;   ///< Absent: from the first event the query names.
  std::optional<RangeBound> to;     ///< Absent: to as_of.
  Predicate where;                  ///< Holds always where absent.
  std::optional<Predicate> people;  ///< Only persons of whom it holds at as_of.
  std::string unit;                 ///< Id property that is counted instead of persons; or empty.
  std::vector<Dimension> breakdown;
  /// Only persons of the sample of this share; a metric counts these alone, and estimate() makes
  /// of its counts what is likely of all (metric/sample.h).
  std::optional<double> sample;
  static constexpr double sample_min = 1e-6;  ///< Of a smaller one estimates would be all there is.
  std::optional<MembersRequest> members;
};

/// Names of the common fields.
inline constexpr std::array common_field_names = std::to_array<std::string_view>(
    {"metric", "from", "to", "last", "as_of", "timezone", "week_start", "where", "people", "unit",
     "breakdown", "sample", "members"});

/// What some metrics alone have of the common fields.
struct CommonRules {
  bool has_steps = false;  ///< Attribution::step; which steps there are is for the metric to check.
};

/// Requires check_fields() of `query`. Errors, all invalid_argument with pointer: wrong_type,
/// unknown_field, unknown_value, unknown_timezone, invalid_time, invalid_duration, invalid_range,
/// unsupported_combination, unsupported_breakdown, and those of parse_predicate.
[[nodiscard]] Result<CommonFields> parse_common(const Json& query, const QueryContext& context,
                                                CommonRules rules = {});

/// Refuses what sums up more than one a person. Errors: unsupported_combination at the pointer.
[[nodiscard]] Result<void> check_sample(const CommonFields& common, bool counts_persons,
                                        std::string_view what, std::string pointer);

/// Reads {"from", "to"} of a window; both are required. Errors: those above, missing_field.
[[nodiscard]] Result<TimeRange> parse_window(const Json& window, const std::string& pointer,
                                             const Zone& zone);

/// Reads `match`; any active event where it is absent. Errors: those of parse_matcher.
[[nodiscard]] Result<Matcher> parse_match(const Json& query);

/// The time of the first event up to as_of with a name that one of the matchers means.
/// Errors: those of Part's readers and of WorkGuard.
[[nodiscard]] Result<std::optional<TimestampMs>> first_named_event(
    const Snapshot& snapshot, std::span<const Matcher* const> matchers, TimestampMs as_of,
    WorkGuard& guard);

/// The range of a query whose first named event is at `first_event`. Where it has no beginning
/// (none given, no event) it is empty. Errors: invalid_argument/invalid_range.
[[nodiscard]] Result<TimeRange> resolve_range(const CommonFields& common, bool by_hour,
                                              std::optional<TimestampMs> first_event);

[[nodiscard]] Warning no_events_warning();

}  // namespace hf
