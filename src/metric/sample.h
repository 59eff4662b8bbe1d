// SPDX-License-Identifier: Apache-2.0
//
// A sample of the persons, for questions that may be answered approximately:
// docs/metrics.md#samples.
#pragma once

#include <cstdint>

#include "base/work_guard.h"
#include "store/person_bitmap.h"
#include "store/snapshot.h"

namespace hf {

struct RetentionAnswer;
struct TrendAnswer;
struct TrendQuery;
struct RetentionQuery;
struct LifecycleAnswer;
struct LifecycleQuery;
struct StickinessAnswer;
struct StickinessQuery;
struct FunnelAnswer;
struct FunnelQuery;
struct SegmentSizeAnswer;
struct SegmentSizeQuery;

/// Where a person falls in [0, 1): uniform, and for ever the same of one number. A sample of share
/// s is of those below s, so that a smaller one lies within a larger one.
[[nodiscard]] double sample_fraction(PersonOrdinal person);

/// Each person by the lowest of the numbers that its ids have: it stays when ids become one person,
/// but for those that join an older one. Errors: those of WorkGuard.
[[nodiscard]] Result<PersonBitmap> sampled_people(const Snapshot& snapshot, double share,
                                                  WorkGuard& guard);

/// The count of all persons that is likeliest where `count` of them were in the sample: the nearest
/// integer to count / share, of two the even one (Horvitz & Thompson 1952).
[[nodiscard]] std::int64_t estimated(std::int64_t count, double share);

/// The standard error of an estimated count of persons is so many times its square root:
/// sqrt((1 - share) / share).
[[nodiscard]] double sample_error_factor(double share);

// From counts of the sample to estimates; means and quantiles stay. Each count is rounded by
// itself. Require that the query has a sample.
void estimate(RetentionAnswer& answer, const RetentionQuery& query);
void estimate(TrendAnswer& answer, const TrendQuery& query);
void estimate(LifecycleAnswer& answer, const LifecycleQuery& query);
void estimate(StickinessAnswer& answer, const StickinessQuery& query);
void estimate(FunnelAnswer& answer, const FunnelQuery& query);
void estimate(SegmentSizeAnswer& answer, const SegmentSizeQuery& query);

}  // namespace hf
