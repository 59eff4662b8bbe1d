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
#include "metric/group_twin.h"
#include "metric/lifecycle.h"
#include "metric/period_twin.h"

namespace hf::test {

class LifecycleTwin {
 public:
  LifecycleTwin(const LifecycleQuery& query, const std::vector<WorldEvent>& events)
      : LifecycleTwin(query, events, events) {}
  /// `asked` are those of `events` that count (asked_events()).
  LifecycleTwin(const LifecycleQuery& query, const std::vector<WorldEvent>& events,
                const std::vector<WorldEvent>& asked)
      : query_(query),
        all_(persons_of(events, query.common.as_of)),
        persons_(persons_of(asked, query.common.as_of)) {}

  LifecycleAnswer answer() const {
    LifecycleAnswer answer;
    answer.has_groups = !query_.common.breakdown.empty();
    std::optional<TimestampMs> first;
    for (const auto& person : all_) {
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

    const TwinGroups groups(query_.common, persons_, [&](const WorldEvent& e) {
      return is_match(e, query_.match, query_.common.where);
    });
    const auto created = created_periods(periods);
    const auto table = [&](const TwinFilter& filter) {
      LifecycleTable result;
      result.rows.resize(answer.periods.size());
      for (std::size_t p = 0; p < persons_.size(); ++p) {
        std::set<int> active;
        std::set<int> seen;
        for (const WorldEvent& e : persons_[p]) {
          if (!groups.contains(filter, p, e) || !is_match(e, query_.match, query_.common.where))
            continue;
          const int period = periods.index_of(e.time_ms);
          seen.insert(period);
          if (!e.purged) active.insert(period);
        }
        for (int i = 1; i < periods.rows; ++i) {
          LifecycleRow& row = result.rows[static_cast<std::size_t>(i) - 1];
          const bool is_active = active.contains(i);
          const bool was_active = active.contains(i - 1);
          const bool is_new =
              created[p] ? *created[p] == i && !was_active : seen.lower_bound(i) == seen.begin();
          if (is_active && is_new) ++row.fresh;
          if (is_active && !is_new && was_active) ++row.returning;
          if (is_active && !is_new && !was_active) ++row.resurrecting;
          if (!is_active && was_active) ++row.dormant;
        }
      }
      return result;
    };
    answer.total = table({});
    if (!answer.has_groups) return answer;
    answer.groups = groups.tables(
        table,
        [](const LifecycleTable& t) {
          std::int64_t size = 0;
          bool is_shown = false;
          for (const LifecycleRow& row : t.rows) {
            size += row.active();
            is_shown = is_shown || row.active() > 0 || row.dormant > 0;
          }
          return std::pair(size, is_shown);
        },
        [](std::vector<LifecycleTable> tables) {
          LifecycleTable sum = tables.front();
          for (std::size_t i = 1; i < tables.size(); ++i) {
            for (std::size_t row = 0; row < sum.rows.size(); ++row) {
              sum.rows[row].fresh += tables[i].rows[row].fresh;
              sum.rows[row].returning += tables[i].rows[row].returning;
              sum.rows[row].resurrecting += tables[i].rows[row].resurrecting;
              sum.rows[row].dormant += tables[i].rows[row].dormant;
            }
          }
          return sum;
        });
    return answer;
  }

 private:
  // By person, of those whose profile says it and whom it matters of: in which period it was
  // created.
  std::vector<std::optional<int>> created_periods(const TwinPeriods& periods) const {
    std::vector<std::optional<int>> created(persons_.size());
    if (!query_.new_means_created) return created;
    for (std::size_t p = 0; p < persons_.size(); ++p) {
      const WorldValue* said = nullptr;
      for (const WorldEvent& e : persons_[p]) {
        if (e.name != "identify" || e.purged) continue;
        if (const WorldValue* value = e.find("created_at")) said = value;
        if (const WorldValue* value = e.find("createdAt")) said = value;
      }
      if (said == nullptr) continue;
      if (const auto t = instant_of(*said)) created[p] = periods.index_of(*t);
    }
    return created;
  }

  std::optional<TimestampMs> instant_of(const WorldValue& value) const {
    const Zone& zone = *query_.common.zone;
    if (value.kind == ValueKind::text) {
      if (const auto t = parse_rfc3339(value.text)) return t;
      if (const auto day = parse_date(value.text)) return zone.start_of_day(*day);
    }
    if (value.kind != ValueKind::text && value.kind != ValueKind::number) return std::nullopt;
    const auto number = parse_decimal(canonical_text(value.view()));
    if (!number) return std::nullopt;
    double ms = number->to_double();
    if (ms < 1e11) ms *= 1000;
    if (ms < 631'152'000'000 || ms >= static_cast<double>(timestamp_end_ms)) return std::nullopt;
    return static_cast<TimestampMs>(ms);
  }

  const LifecycleQuery& query_;
  std::vector<std::vector<WorldEvent>> all_;      // Of everybody.
  std::vector<std::vector<WorldEvent>> persons_;  // Of those asked about.
};

}  // namespace hf::test
