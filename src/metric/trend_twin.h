// SPDX-License-Identifier: Apache-2.0
//
// Trend straight from its definition, for the tests.
#pragma once

#include <algorithm>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "metric/event_world.h"
#include "metric/period_twin.h"
#include "metric/trend.h"

namespace hf::test {

class TrendTwin {
 public:
  TrendTwin(const TrendQuery& query, const std::vector<WorldEvent>& events)
      : query_(query), persons_(persons_of(events, query.common.as_of)) {}

  TrendAnswer answer() const {
    TrendAnswer answer;
    answer.has_groups = query_.common.breakdown.has_value();
    std::optional<TimestampMs> first;
    for (const auto& series : query_.series) {
      answer.labels.push_back(series.matcher.label);
      for (const auto& person : persons_) {
        for (const WorldEvent& e : person) {
          if (series.matcher.names(e.name)) first = std::min(first.value_or(e.time_ms), e.time_ms);
        }
      }
    }
    const TwinRange range(query_.common, query_.period, first);
    const TwinPeriods periods(query_.period, range, query_.common, 0);
    for (int i = 0; i < periods.rows; ++i) {
      answer.periods.push_back(periods.label(i));
      answer.complete.push_back(periods.end(i) <= query_.common.as_of + 1);
    }
    if (!first || periods.rows == 0) answer.warnings.push_back({"no_events", ""});
    if (query_.common.from && periods.cuts_first()) {
      answer.warnings.push_back({"first_period_partial", ""});
    }
    if (query_.common.to && periods.cuts_last()) {
      answer.warnings.push_back({"last_period_partial", ""});
    }

    const auto table = [&](auto&& is_in) {
      TrendTable result;
      for (const auto& series : query_.series) {
        TrendSeries& out = result.series.emplace_back();
        const auto count = [&](int low, int high) {
          std::int64_t events = 0;
          std::set<std::size_t> persons;
          for (std::size_t p = 0; p < persons_.size(); ++p) {
            for (const WorldEvent& e : persons_[p]) {
              if (!range.contains(e.time_ms) || !is_in(e)) continue;
              if (!is_match(e, series.matcher, query_.common.where)) continue;
              const int period = periods.index_of(e.time_ms);
              if (period < low || period > high) continue;
              ++events;
              persons.insert(p);
            }
          }
          return series.math == TrendMath::total ? events
                                                 : static_cast<std::int64_t>(persons.size());
        };
        for (int i = 0; i < periods.rows; ++i) {
          out.values.push_back(count(query_.cumulative ? 0 : i, i));
        }
        out.total = count(0, periods.rows - 1);
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
      TrendTable table;
    };
    std::vector<Group> groups;
    for (const auto& bucket : buckets) {
      Group group{0, bucket, table([&](const WorldEvent& e) {
                    return buckets_of(e, property).contains(bucket);
                  })};
      for (const TrendSeries& s : group.table.series) group.size += s.total;
      if (group.size > 0) groups.push_back(std::move(group));
    }
    std::ranges::sort(groups, [](const Group& a, const Group& b) {
      return a.size != b.size ? a.size > b.size : a.bucket < b.bucket;
    });
    for (std::size_t i = 0; i < groups.size(); ++i) {
      if (i < query_.common.breakdown->top) {
        groups[i].table.bucket = groups[i].bucket ? Bucket{Bucket::Kind::value, *groups[i].bucket}
                                                  : Bucket{Bucket::Kind::missing, ""};
        answer.groups.push_back(groups[i].table);
      } else if (i == query_.common.breakdown->top) {
        groups[i].table.bucket = {Bucket::Kind::other, ""};
        answer.groups.push_back(groups[i].table);
      } else {
        for (std::size_t s = 0; s < query_.series.size(); ++s) {
          TrendSeries& sum = answer.groups.back().series[s];
          const TrendSeries& more = groups[i].table.series[s];
          for (std::size_t p = 0; p < sum.values.size(); ++p) sum.values[p] += more.values[p];
          sum.total += more.total;
        }
      }
    }
    return answer;
  }

 private:
  const TrendQuery& query_;
  std::vector<std::vector<WorldEvent>> persons_;
};

}  // namespace hf::test
