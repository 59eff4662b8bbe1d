// SPDX-License-Identifier: Apache-2.0
//
// Stickiness straight from its definition, for the tests.
#pragma once

#include <algorithm>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "metric/event_world.h"
#include "metric/period_twin.h"
#include "metric/stickiness.h"

namespace hf::test {

class StickinessTwin {
 public:
  StickinessTwin(const StickinessQuery& query, const std::vector<WorldEvent>& events)
      : query_(query), persons_(persons_of(events, query.common.as_of)) {}

  StickinessAnswer answer() const {
    StickinessAnswer answer;
    answer.over_time = query_.over_time;
    answer.has_groups = query_.common.breakdown.has_value();
    std::optional<TimestampMs> first;
    for (const auto& person : persons_) {
      for (const WorldEvent& e : person) {
        if (query_.match.names(e.name)) first = std::min(first.value_or(e.time_ms), e.time_ms);
      }
    }
    const TwinRange range(query_.common, query_.period, first);
    const TwinPeriods periods(query_.period, range, query_.common, 0);
    if (!first || periods.rows == 0) answer.warnings.push_back({"no_events", ""});
    if (periods.rows == 0) return answer;
    if (query_.over_time) {
      for (int i = 0; i < periods.rows; ++i) {
        answer.periods.push_back(periods.label(i));
        answer.complete.push_back(periods.end(i) <= query_.common.as_of + 1);
      }
    } else {
      if (query_.common.from && periods.cuts_first()) {
        answer.warnings.push_back({"first_period_partial", ""});
      }
      if (query_.common.to && periods.cuts_last()) {
        answer.warnings.push_back({"last_period_partial", ""});
      }
    }

    const auto group_of = [&](const std::optional<std::string>& bucket, auto&& is_in) {
      Group group{.bucket = bucket};
      if (query_.over_time) {
        group.table.days.resize(answer.periods.size());
        for (std::size_t i = 0; i < answer.periods.size(); ++i) {
          const Day day = parse_date(answer.periods[i]).value();
          StickinessDay& out = group.table.days[i];
          for (const auto& person : persons_) {
            const auto days_of_last = [&](int n) {
              int days = 0;
              for (Day d = day - n + 1; d <= day; ++d) days += is_active_on(person, d, is_in);
              return days;
            };
            out.dau += days_of_last(1);
            out.wau += days_of_last(7) > 0 ? 1 : 0;
            out.mau += days_of_last(30) > 0 ? 1 : 0;
            out.l7_days += days_of_last(7);
            out.l28_days += days_of_last(28);
            out.l28 += days_of_last(28) > 0 ? 1 : 0;
          }
          group.size += out.dau;
          group.is_shown = group.is_shown || out.mau > 0;
        }
      } else {
        group.table.histogram.resize(static_cast<std::size_t>(periods.rows));
        for (const auto& person : persons_) {
          std::map<int, std::int64_t> counts;
          for (const WorldEvent& e : person) {
            if (!range.contains(e.time_ms) || !is_in(e)) continue;
            if (!is_match(e, query_.match, query_.common.where)) continue;
            ++counts[periods.index_of(e.time_ms)];
          }
          std::size_t active = 0;
          for (const auto& [period, count] : counts) active += is_enough(count) ? 1 : 0;
          for (std::size_t k = 1; k <= group.table.histogram.size(); ++k) {
            const bool counted = query_.cumulative ? active >= k : active == k;
            group.table.histogram[k - 1] += counted ? 1 : 0;
          }
          group.size += active > 0 ? 1 : 0;
        }
        group.is_shown = group.size > 0;
      }
      return group;
    };
    answer.total = group_of({}, [](const WorldEvent&) { return true; }).table;
    if (!answer.has_groups) return answer;

    const std::string& property = query_.common.breakdown->property;
    std::set<std::optional<std::string>> buckets;
    for (const auto& person : persons_) {
      for (const WorldEvent& e : person) buckets.merge(buckets_of(e, property));
    }
    std::vector<Group> groups;
    for (const auto& bucket : buckets) {
      Group group = group_of(
          bucket, [&](const WorldEvent& e) { return buckets_of(e, property).contains(bucket); });
      if (group.is_shown) groups.push_back(std::move(group));
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
      } else {
        add(answer.groups.back(), groups[i].table);
      }
    }
    return answer;
  }

 private:
  struct Group {
    std::int64_t size = 0;
    bool is_shown = false;
    std::optional<std::string> bucket;
    StickinessTable table = {};
  };

  bool is_enough(std::int64_t count) const {
    return count > 0 && count >= query_.per_interval.min && count <= query_.per_interval.max;
  }

  template <class IsIn>
  bool is_active_on(const std::vector<WorldEvent>& person, Day day, IsIn&& is_in) const {
    std::int64_t count = 0;
    for (const WorldEvent& e : person) {
      if (query_.common.zone->local_day(e.time_ms) != day || !is_in(e)) continue;
      count += is_match(e, query_.match, query_.common.where) ? 1 : 0;
    }
    return is_enough(count);
  }

  static void add(StickinessTable& sum, const StickinessTable& more) {
    for (std::size_t i = 0; i < sum.histogram.size(); ++i) sum.histogram[i] += more.histogram[i];
    for (std::size_t i = 0; i < sum.days.size(); ++i) {
      sum.days[i].dau += more.days[i].dau;
      sum.days[i].wau += more.days[i].wau;
      sum.days[i].mau += more.days[i].mau;
      sum.days[i].l7_days += more.days[i].l7_days;
      sum.days[i].l28_days += more.days[i].l28_days;
      sum.days[i].l28 += more.days[i].l28;
    }
  }

  const StickinessQuery& query_;
  std::vector<std::vector<WorldEvent>> persons_;
};

}  // namespace hf::test
