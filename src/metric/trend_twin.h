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
#include "metric/group_twin.h"
#include "metric/period_twin.h"
#include "metric/trend.h"

namespace hf::test {

class TrendTwin {
 public:
  TrendTwin(const TrendQuery& query, const std::vector<WorldEvent>& events)
      : TrendTwin(query, events, events) {}
  /// `asked` are those of `events` that count (asked_events()).
  TrendTwin(const TrendQuery& query, const std::vector<WorldEvent>& events,
            const std::vector<WorldEvent>& asked)
      : query_(query),
        all_(persons_of(events, query.common.as_of)),
        persons_(persons_of(asked, query.common.as_of)) {}

  TrendAnswer answer() const {
    TrendAnswer answer;
    answer.has_groups = !query_.common.breakdown.empty();
    std::optional<TimestampMs> first;
    for (const auto& series : query_.series) {
      answer.labels.push_back(series.matcher.label);
      for (const auto& person : all_) {
        for (const WorldEvent& e : person) {
          if (!e.purged && series.matcher.names(e.name))
            first = std::min(first.value_or(e.time_ms), e.time_ms);
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

    const TwinGroups groups(query_.common, persons_, [&](const WorldEvent& e) {
      return std::ranges::any_of(query_.series, [&](const TrendQuery::Series& series) {
        return is_match(e, series.matcher, query_.common.where);
      });
    });
    const auto table = [&](const TwinFilter& filter) {
      TrendTable result;
      for (const auto& series : query_.series) {
        TrendSeries& out = result.series.emplace_back();
        const auto count = [&](int low, int high) {
          std::int64_t events = 0;
          std::set<std::size_t> persons;
          for (std::size_t p = 0; p < persons_.size(); ++p) {
            for (const WorldEvent& e : persons_[p]) {
              if (e.purged || !range.contains(e.time_ms) || !groups.contains(filter, p, e))
                continue;
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
    answer.total = table({});
    if (!answer.has_groups) return answer;
    answer.groups = groups.tables(
        table,
        [](const TrendTable& t) {
          std::int64_t size = 0;
          for (const TrendSeries& series : t.series) size += series.total;
          return std::pair(size, size > 0);
        },
        [](std::vector<TrendTable> tables) {
          TrendTable sum = tables.front();
          for (std::size_t i = 1; i < tables.size(); ++i) {
            for (std::size_t s = 0; s < sum.series.size(); ++s) {
              const TrendSeries& more = tables[i].series[s];
              for (std::size_t p = 0; p < more.values.size(); ++p) {
                sum.series[s].values[p] += more.values[p];
              }
              sum.series[s].total += more.total;
            }
          }
          return sum;
        });
    return answer;
  }

 private:
  const TrendQuery& query_;
  std::vector<std::vector<WorldEvent>> all_;      // Of everybody.
  std::vector<std::vector<WorldEvent>> persons_;  // Of those asked about.
};

}  // namespace hf::test
