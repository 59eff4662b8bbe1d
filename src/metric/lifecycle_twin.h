// SPDX-License-Identifier: Apache-2.0
//
// Lifecycle straight from its definition, for the tests.
#pragma once

#include <algorithm>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "metric/event_world.h"
#include "metric/lifecycle.h"
#include "metric/period_twin.h"

namespace hf::test {

class LifecycleTwin {
 public:
  LifecycleTwin(const LifecycleQuery& query, const std::vector<WorldEvent>& events)
      : query_(query), persons_(persons_of(events, query.common.as_of)) {}

  LifecycleAnswer answer() const {
    LifecycleAnswer answer;
    answer.has_groups = query_.common.breakdown.has_value();
    std::optional<TimestampMs> first;
    for (const auto& person : persons_) {
      for (const WorldEvent& e : person) {
        if (e.purged || !query_.match.names(e.name)) continue;
        first = std::min(first.value_or(e.time_ms), e.time_ms);
      }
    }
    const TwinRange range(query_.common, query_.period, first);
    const TwinPeriods periods(query_.period, range, query_.common, 0, 1);
    for (int i = 1; i < periods.rows; ++i) {
      answer.periods.push_back(periods.label(i));
      answer.complete.push_back(periods.end(i) <= query_.common.as_of + 1);
    }
    if (!first || periods.rows == 0) answer.warnings.push_back({"no_events", ""});
    if (periods.rows == 0) return answer;

    const auto table = [&](auto&& is_in) {
      LifecycleTable result;
      result.rows.resize(answer.periods.size());
      for (const auto& person : persons_) {
        std::set<int> active;
        std::set<int> seen;
        for (const WorldEvent& e : person) {
          if (!is_in(e) || !is_match(e, query_.match, query_.common.where)) continue;
          const int period = periods.index_of(e.time_ms);
          seen.insert(period);
          if (!e.purged) active.insert(period);
        }
        for (int i = 1; i < periods.rows; ++i) {
          LifecycleRow& row = result.rows[static_cast<std::size_t>(i) - 1];
          const bool is_new = seen.lower_bound(i) == seen.begin();
          const bool is_active = active.contains(i);
          const bool was_active = active.contains(i - 1);
          if (is_active && is_new) ++row.fresh;
          if (is_active && !is_new && was_active) ++row.returning;
          if (is_active && !is_new && !was_active) ++row.resurrecting;
          if (!is_active && was_active) ++row.dormant;
        }
      }
      return result;
    };
    answer.total = table([](const WorldEvent&) { return true; });
    if (!answer.has_groups) return answer;

    const std::string& property = query_.common.breakdown->property;
    std::set<std::optional<std::string>> buckets;
    for (const auto& person : persons_) {
      for (const WorldEvent& e : person) buckets.merge(buckets_of(e, property));
    }
    struct Group {
      std::int64_t size;
      std::optional<std::string> bucket;
      LifecycleTable table;
    };
    std::vector<Group> groups;
    for (const auto& bucket : buckets) {
      Group group{0, bucket, table([&](const WorldEvent& e) {
                    return buckets_of(e, property).contains(bucket);
                  })};
      bool is_shown = false;
      for (const LifecycleRow& row : group.table.rows) {
        group.size += row.active();
        is_shown = is_shown || row.active() > 0 || row.dormant > 0;
      }
      if (is_shown) groups.push_back(std::move(group));
    }
    std::ranges::sort(groups, [](const Group& a, const Group& b) {
      return a.size != b.size ? a.size > b.size : a.bucket < b.bucket;
    });
    const std::size_t top = query_.common.breakdown->top;
    for (std::size_t i = 0; i < groups.size(); ++i) {
      if (i <= top) {
        Bucket& bucket = groups[i].table.bucket;
        bucket = groups[i].bucket ? Bucket{Bucket::Kind::value, *groups[i].bucket}
                                  : Bucket{Bucket::Kind::missing, ""};
        if (i == top) bucket = {Bucket::Kind::other, ""};
        answer.groups.push_back(groups[i].table);
        continue;
      }
      for (std::size_t row = 0; row < answer.periods.size(); ++row) {
        LifecycleRow& sum = answer.groups.back().rows[row];
        const LifecycleRow& more = groups[i].table.rows[row];
        sum.fresh += more.fresh;
        sum.returning += more.returning;
        sum.resurrecting += more.resurrecting;
        sum.dormant += more.dormant;
      }
    }
    return answer;
  }

 private:
  const LifecycleQuery& query_;
  std::vector<std::vector<WorldEvent>> persons_;
};

}  // namespace hf::test
