// SPDX-License-Identifier: Apache-2.0
//
// A breakdown that says one thing of each person, as which country was seen first, makes disjoint
// sets of persons: what is counted as sets can then be counted by group, without walking events.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "metric/event_source.h"
#include "metric/grouping.h"

namespace hf {

/// The bucket that holds all of a person's events, by person; of those without events any.
struct PersonBuckets {
  static constexpr std::size_t buckets_max = 1024;
  std::vector<std::uint16_t> of;
  std::size_t count = 0;  ///< Buckets are below.
};

/// Nothing where a person may be in several buckets, or these are more than buckets_max. Buckets by
/// event's first or last touch are those that GroupSplit finds. Errors: those of Part's readers, of
/// BucketTable and WorkGuard.
[[nodiscard]] Result<std::optional<PersonBuckets>> find_person_buckets(const BoundSelection& bound,
                                                                       const GroupBy& group,
                                                                       const SourceRules& rules);

}  // namespace hf
