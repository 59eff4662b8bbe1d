// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <span>
#include <vector>

#include "metric/grouped_walk.h"
#include "metric/person_events.h"
#include "metric/retention.h"
#include "metric/retention_tally.h"

namespace hf {

/// A two-window query bound to its zone. Immutable.
struct WindowPlan {
  const RetentionQuery* query;
  std::vector<Interval> initial;
  std::vector<Interval> current;
  std::int64_t occurrences = 1;
  std::uint64_t named_bit = 0;
};

struct WindowTally : WindowRetention {
  void add(const WindowTally& other);
};

/// Counts one person after the other in the two-window form.
class WindowEvaluator {
 public:
  using Tally = WindowTally;

  explicit WindowEvaluator(const WindowPlan& plan) : plan_(&plan) {}
  [[nodiscard]] Tally empty_tally() const { return {}; }
  [[nodiscard]] BucketSize measure(const WalkedUnit& unit) const;
  void add(const WalkedUnit& unit, Tally& tally) const;

 private:
  struct Person {
    bool is_initial = false;
    RetentionValue starts;   // Start events in the initial window.
    RetentionValue returns;  // Return events in the current one.
  };
  Person look_at(const WalkedUnit& unit) const;

  const WindowPlan* plan_;
};

}  // namespace hf
