// SPDX-License-Identifier: Apache-2.0
//
// A breakdown that says one thing of each person, as which country was seen first, makes disjoint
// sets of persons: what is counted as sets can then be counted by group, without walking events.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

#include "metric/event_source.h"
#include "metric/grouping.h"

namespace hf {

/// The bucket that holds all of a person's events, by person; of those without events any.
struct PersonBuckets {
  static constexpr std::size_t buckets_max = 1024;
  std::vector<std::uint16_t> of;
  std::size_t end = 0;  ///< All buckets are below.
};

struct FoundPersonBuckets {
  /// Nothing where one of the people may be in several buckets, or these are more than buckets_max.
  std::optional<PersonBuckets> buckets;
  WalkScan scan;  ///< What was read to find them, or that there are none.
  explicit FoundPersonBuckets(WorkGuard& guard) : held(std::make_unique<HeldBytes>(guard)) {}
  std::unique_ptr<HeldBytes> held;
};

/// Of those whom the rules name. Buckets by event's first or last touch are those that GroupSplit
/// finds. Errors: those of Part's readers, of BucketTable and WorkGuard.
[[nodiscard]] Result<FoundPersonBuckets> find_person_buckets(const BoundSelection& bound,
                                                             const GroupBy& group,
                                                             const SourceRules& rules);

}  // namespace hf
