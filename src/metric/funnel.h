// SPDX-License-Identifier: Apache-2.0
//
// Funnel: of the persons who took a first step, how many took the next ones, and how long it took.
// The definitions with worked examples: docs/metrics.md#funnel; what an attempt is:
// metric/funnel_search.h.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/json.h"
#include "calendar/date.h"
#include "metric/bucket.h"
#include "metric/common_fields.h"
#include "metric/funnel_search.h"
#include "metric/members.h"
#include "metric/period_grid.h"
#include "metric/query_context.h"
#include "predicate/matcher.h"
#include "store/snapshot.h"

namespace hf {

enum class FunnelView : std::uint8_t { steps, trend, time_to_convert };
enum class FunnelEntry : std::uint8_t { best, first };

struct FunnelQuery {
  static constexpr std::size_t exclusions_max = 10;
  static constexpr std::size_t held_max = 5;
  static constexpr std::int64_t bins_max = 1000;
  static constexpr std::int64_t cells_max = 2'000'000;

  struct Step {
    Matcher matcher;
    std::size_t same_as;             ///< The first step with the same matcher, from 0.
    std::optional<Duration> within;  ///< For the next step.
  };
  struct Exclusion {
    Matcher matcher;
    std::size_t after_step;  ///< From 1.
    std::size_t before_step;
  };
  CommonFields common;
  std::vector<Step> steps;  ///< 1 .. funnel_steps_max
  FunnelOrder order = FunnelOrder::ordered;
  Duration window{.days = 14};
  std::vector<Exclusion> exclude;
  std::vector<std::string> hold_constant;  ///< Properties; all of an attempt have the same values.
  FunnelEntry entry = FunnelEntry::best;
  FunnelView view = FunnelView::steps;
  Period period;              ///< trend
  std::size_t from_step = 1;  ///< trend, time_to_convert; from 1.
  std::size_t to_step = 1;
  std::optional<std::size_t> bins;  ///< time_to_convert
};

/// Over persons; nothing where there are none. Quantiles lie between the two nearest values in
/// proportion (type 7 of Hyndman and Fan).
struct FunnelSeconds {
  std::optional<double> mean;
  std::optional<double> median;
  std::optional<double> p90;
};

struct FunnelStep {
  std::int64_t count = 0;
  FunnelSeconds seconds;  ///< From the previous step; of the first none.
};

struct FunnelPeriod {
  std::int64_t entered = 0;
  std::int64_t completed = 0;
};

struct FunnelBin {
  double from = 0;  ///< Seconds
  double to = 0;    ///< Itself in the next bin, but of the last one.
  std::int64_t count = 0;
};

struct FunnelTable {
  BucketPath bucket;  ///< Of a group; meaningless of the total.
  // Each of one view.
  std::vector<FunnelStep> steps;
  std::vector<FunnelPeriod> periods;
  std::vector<FunnelBin> bins;
  std::int64_t converted = 0;
  FunnelSeconds seconds;
};

struct FunnelAnswer {
  FunnelView view = FunnelView::steps;
  std::vector<std::string> labels;   ///< Of the steps.
  std::vector<std::string> periods;  ///< Their starts.
  std::vector<bool> complete;
  bool has_groups = false;
  std::vector<FunnelTable> groups;
  FunnelTable total;
  std::vector<Warning> warnings;
  std::vector<ReadStep> plan;
  std::uint64_t events_scanned = 0;
  std::uint64_t persons_scanned = 0;
};

/// Errors, all invalid_argument with pointer: those of parse_common, parse_matcher, parse_period,
/// missing_field, wrong_type, out_of_range, unknown_value, invalid_duration,
/// unsupported_combination, unsupported_breakdown.
[[nodiscard]] Result<FunnelQuery> parse_funnel(const Json& json, const QueryContext& context);

/// Errors: invalid_argument/invalid_range; resource_exhausted/too_many_cells, too_many_buckets;
/// those of Part's readers.
[[nodiscard]] Result<FunnelAnswer> run_funnel(const Snapshot& snapshot, const QueryContext& context,
                                              const FunnelQuery& query);

/// Who is behind a cell: {"step"} who came that far, with "dropped": true who came to the step
/// before and no further; of the view trend {"period", "kind": "entered" or "completed"}; of
/// time_to_convert {"bin": its number from 0}, or {} for all. Requires query.common.members.
/// Errors: those of run_funnel() and of cell_label().
[[nodiscard]] Result<Members> funnel_members(const Snapshot& snapshot, const QueryContext& context,
                                             const FunnelQuery& query);

/// Writes the DATA of the answer.
void write_json(JsonWriter& out, const FunnelAnswer& answer);

}  // namespace hf
