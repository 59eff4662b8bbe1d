// SPDX-License-Identifier: Apache-2.0
//
// Segment size: of how many persons a predicate holds, and how predicates overlap. The definitions
// with worked examples: docs/metrics.md#segment_size.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/json.h"
#include "metric/common_fields.h"
#include "metric/members.h"
#include "metric/query_context.h"
#include "predicate/predicate.h"
#include "store/snapshot.h"

namespace hf {

struct SegmentSizeQuery {
  static constexpr std::size_t overlap_max = 8;
  static constexpr std::int64_t groups_max = 100'000;

  struct Set {
    std::string label;
    Predicate people;
  };
  CommonFields common;       ///< Of which as_of, zone, people, breakdown and members are asked.
  std::vector<Set> overlap;  ///< Within `people`; empty, or 2 .. overlap_max.
};

/// Persons that are in exactly these of the sets.
struct SegmentOverlap {
  std::uint32_t sets = 0;  ///< Bit i: overlap[i] of the query.
  std::int64_t count = 0;
};

struct SegmentSizeTable {
  BucketPath bucket;  ///< Of a group; meaningless of the total.
  std::int64_t count = 0;
  std::vector<std::int64_t> sets;          ///< By set of the query.
  std::vector<SegmentOverlap> exactly_in;  ///< Those with anybody, by count, then sets.
};

struct SegmentSizeAnswer {
  std::int64_t known = 0;           ///< Everybody with an event up to as_of.
  std::vector<std::string> labels;  ///< Of the sets.
  bool has_groups = false;
  std::vector<SegmentSizeTable> groups;
  SegmentSizeTable total;
  std::vector<Warning> warnings;
  std::vector<ReadStep> plan;
  std::uint64_t events_scanned = 0;
  std::uint64_t persons_scanned = 0;
};

/// Errors, all invalid_argument with pointer: those of parse_common and parse_people_predicate,
/// out_of_range, missing_field, unsupported_breakdown.
[[nodiscard]] Result<SegmentSizeQuery> parse_segment_size(const Json& json,
                                                          const QueryContext& context);

/// Errors: resource_exhausted/too_many_cells, too_many_buckets; those of find_people().
[[nodiscard]] Result<SegmentSizeAnswer> run_segment_size(const Snapshot& snapshot,
                                                         const QueryContext& context,
                                                         const SegmentSizeQuery& query);

/// Who is behind the cell {}, or {"in": [labels]}: in exactly these of the sets. Requires
/// query.common.members. Errors: those of run_segment_size(); invalid_argument/wrong_type;
/// not_found/unknown_cell.
[[nodiscard]] Result<Members> segment_size_members(const Snapshot& snapshot,
                                                   const QueryContext& context,
                                                   const SegmentSizeQuery& query);

/// Writes the DATA of the answer.
void write_json(JsonWriter& out, const SegmentSizeAnswer& answer);

}  // namespace hf
