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
#include "metric/group_twin.h"
#include "metric/period_twin.h"
#include "metric/stickiness.h"

namespace hf::test {

class StickinessTwin {
 public:
  StickinessTwin(const StickinessQuery& query, const std::vector<WorldEvent>& events)
      : StickinessTwin(query, events, events) {}
  /// `asked` are those of `events` that count (asked_events()).
  StickinessTwin(const StickinessQuery& query, const std::vector<WorldEvent>& events,
                 const std::vector<WorldEvent>& asked)
      : query_(query),
        all_(persons_of(events, query.common.as_of)),
        persons_(persons_of(asked, query.common.as_of)) {}

  StickinessAnswer answer() const {
    StickinessAnswer answer;
    answer.over_time = query_.over_time;
    answer.has_groups = !query_.common.breakdown.empty();
    std::optional<TimestampMs> first;
    for (const auto& person : all_) {
      for (const WorldEvent& e : person) {
        if (!e.purged && query_.match.names(e.name))
          first = std::min(first.value_or(e.time_ms), e.time_ms);
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

    const TwinGroups groups(query_.common, persons_,
                            [&](const WorldEvent& e) { return is_counted(e); });
    const auto table = [&](const TwinFilter& filter) {
      StickinessTable result;
      result.days.resize(query_.over_time ? answer.periods.size() : 0);
      result.histogram.resize(query_.over_time ? 0 : static_cast<std::size_t>(periods.rows));
      for (std::size_t p = 0; p < persons_.size(); ++p) {
        std::map<std::int64_t, std::int64_t> counts;  // By day or period.
        for (const WorldEvent& e : persons_[p]) {
          if (!groups.contains(filter, p, e)) continue;
          if (!is_counted(e)) continue;
          if (query_.over_time) {
            ++counts[query_.common.zone->local_day(e.time_ms)];
          } else if (range.contains(e.time_ms)) {
            ++counts[periods.index_of(e.time_ms)];
          }
        }
        std::erase_if(counts, [&](const auto& each) { return !is_enough(each.second); });
        for (std::size_t k = 1; k <= result.histogram.size(); ++k) {
          const bool counted = query_.cumulative ? counts.size() >= k : counts.size() == k;
          result.histogram[k - 1] += counted ? 1 : 0;
        }
        for (std::size_t i = 0; i < result.days.size(); ++i) {
          const Day day = parse_date(answer.periods[i]).value();
          StickinessDay& out = result.days[i];
          const auto days_of_last = [&](int n) {
            int days = 0;
            for (Day d = day - n + 1; d <= day; ++d) days += counts.contains(d) ? 1 : 0;
            return days;
          };
          out.dau += days_of_last(1);
          out.wau += days_of_last(7) > 0 ? 1 : 0;
          out.mau += days_of_last(30) > 0 ? 1 : 0;
          out.l7_days += days_of_last(7);
          out.l28_days += days_of_last(28);
          out.l28 += days_of_last(28) > 0 ? 1 : 0;
        }
      }
      return result;
    };
    answer.total = table({});
    if (!answer.has_groups) return answer;
    answer.groups = groups.tables(
        table,
        [&](const StickinessTable& t) {
          std::int64_t size = 0;
          bool is_shown = false;
          for (const StickinessDay& day : t.days) {
            size += day.dau;
            is_shown = is_shown || day.mau > 0;
          }
          for (const std::int64_t count : t.histogram) size += count;
          if (!query_.over_time && query_.cumulative) size = t.histogram.front();
          return std::pair(size, query_.over_time ? is_shown : size > 0);
        },
        [](std::vector<StickinessTable> tables) {
          StickinessTable sum = tables.front();
          for (std::size_t i = 1; i < tables.size(); ++i) add(sum, tables[i]);
          return sum;
        });
    return answer;
  }

 private:
  bool is_enough(std::int64_t count) const {
    return count > 0 && count >= query_.per_interval.min && count <= query_.per_interval.max;
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

  // Of what was purged only a person's first event is still known, for its cohort.
  bool is_counted(const WorldEvent& e) const {
    return !e.purged && is_match(e, query_.match, query_.common.where);
  }

  const StickinessQuery& query_;
  std::vector<std::vector<WorldEvent>> all_;      // Of everybody.
  std::vector<std::vector<WorldEvent>> persons_;  // Of those asked about.
};

}  // namespace hf::test
