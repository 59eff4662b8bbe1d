// SPDX-License-Identifier: Apache-2.0
//
// The spans of time that conditions on behaviour look back on.
#pragma once

#include "predicate/behaviour.h"
#include "predicate/matched_rows.h"

namespace hf {

[[nodiscard]] Duration one_of(Behaviour::PeriodUnit unit);

/// Of `did`: from and to, or all of time.
[[nodiscard]] TimeSpan fixed_span(const Behaviour& behaviour, const Zone& zone);

/// Outside of which no event matters to a condition asked at `reference`.
[[nodiscard]] TimeSpan span_looked_at(const Behaviour& behaviour, TimestampMs reference,
                                      const Zone& zone);

}  // namespace hf
