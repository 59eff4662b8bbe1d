// SPDX-License-Identifier: Apache-2.0
//
// How many rows of each event name a part has on each local day: questions that ask only this read
// no event.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "base/result.h"
#include "store/day_sets.h"
#include "store/page_cache.h"
#include "store/zone_rules.h"

namespace hf {

class Part;

/// Of one part. Immutable.
class DayCounts final : public CachedPage {
 public:
  struct Count {
    Day day;
    std::uint32_t rows;  ///< At least 1.
  };
  /// `counts` ascend by day within each name; those of name i are [first[i], first[i + 1]).
  DayCounts(std::vector<Count> counts, std::vector<std::uint32_t> first, ZoneRules rules);

  /// Ascending by day. `name_code` is an index into Part::names().
  [[nodiscard]] std::span<const Count> of(std::uint32_t name_code) const {
    return std::span(counts_).subspan(first_[name_code], first_[name_code + 1] - first_[name_code]);
  }
  /// By which they were made.
  [[nodiscard]] const ZoneRules& rules() const { return rules_; }

 private:
  std::vector<Count> counts_;
  std::vector<std::uint32_t> first_;
  ZoneRules rules_;
};

/// Reads names and times. `rules` are of all times. Errors: those of Part's readers.
[[nodiscard]] Result<std::shared_ptr<DayCounts>> read_day_counts(const Part& part, ZoneRules rules);

}  // namespace hf
