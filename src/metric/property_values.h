// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "base/result.h"
#include "metric/query_context.h"
#include "store/snapshot.h"

namespace hf {

struct ValueQuery {
  static constexpr std::uint64_t limit_max = 1'000;
  static constexpr std::size_t values_max = 1'000'000;
  std::string property;
  std::optional<std::string> event = {};   ///< Absent: any active event.
  std::optional<std::string> search = {};  ///< A part of the value, in any case.
  std::uint64_t limit = 100;
};

/// {"values": [{"value", "count"}], "more"}: the most frequent values of the property among events
/// up to now, as canonical text, with the number of events that have them; what a trend with a
/// breakdown by it counts. Errors: invalid_argument/out_of_range; resource_exhausted/
/// too_many_buckets (more than values_max that are searched for); those of Part's readers.
[[nodiscard]] Result<std::string> find_values(const Snapshot& snapshot, const QueryContext& context,
                                              const ValueQuery& query);

}  // namespace hf
