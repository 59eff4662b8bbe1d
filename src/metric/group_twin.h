// SPDX-License-Identifier: Apache-2.0
//
// The groups of a breakdown straight from their definition, for the tests.
#pragma once

#include <algorithm>
#include <functional>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "metric/common_fields.h"
#include "metric/event_world.h"
#include "metric/period_twin.h"

namespace hf::test {

/// One value a dimension that is asked for; nothing where a dimension is not. Empty: everything.
using TwinFilter = std::vector<std::optional<std::optional<std::string>>>;

class TwinGroups {
 public:
  using Persons = std::vector<std::vector<WorldEvent>>;
  /// `is_counted` says which events a touch may be; `is_first` of which a person's first one
  /// decides (null: none does).
  TwinGroups(const CommonFields& common, const Persons& persons,
             std::function<bool(const WorldEvent&)> is_counted,
             std::function<bool(const WorldEvent&)> is_first = nullptr)
      : common_(common), persons_(persons) {
    for (const Dimension& dimension : common.breakdown) {
      auto& of_person = settled_.emplace_back(persons.size());
      for (std::size_t p = 0; p < persons.size(); ++p) {
        of_person[p] = settle(dimension, persons[p], is_counted, is_first);
      }
    }
  }

  /// Of a dimension with the attribution step each event is: a funnel asks of them itself.
  [[nodiscard]] bool contains(const TwinFilter& filter, std::size_t person,
                              const WorldEvent& event) const {
    for (std::size_t d = 0; d < filter.size(); ++d) {
      if (!filter[d] || common_.breakdown[d].attribution == Attribution::step) continue;
      if (!values_of(d, person, event).contains(*filter[d])) return false;
    }
    return true;
  }

  /// A table for each group there is: table_of(filter), size_of(table) with whether it is shown,
  /// sum(tables) of what is beyond the top.
  template <class TableOf, class SizeOf, class Sum>
  auto tables(TableOf&& table_of, SizeOf&& size_of, Sum&& sum) const {
    using Table = decltype(table_of(TwinFilter{}));
    const std::size_t dimensions = common_.breakdown.size();
    std::vector<std::map<std::optional<std::string>, Bucket>> shown(dimensions);
    for (std::size_t d = 0; d < dimensions; ++d) {
      std::vector<std::pair<std::int64_t, std::optional<std::string>>> ranked;
      for (const auto& value : all_values(d)) {
        TwinFilter filter(dimensions);
        filter[d] = value;
        const auto [size, present] = size_of(table_of(filter));
        if (present) {
          ranked.emplace_back(-size, value);
        } else {
          shown[d].emplace(value, Bucket{Bucket::Kind::other, ""});
        }
      }
      std::ranges::sort(ranked);
      for (std::size_t i = 0; i < ranked.size(); ++i) {
        const auto& value = ranked[i].second;
        Bucket bucket{Bucket::Kind::other, ""};
        if (i < common_.breakdown[d].top) {
          bucket = value ? Bucket{Bucket::Kind::value, *value} : Bucket{Bucket::Kind::missing, ""};
        }
        shown[d].emplace(value, bucket);
      }
    }
    struct Group {
      std::int64_t size = 0;
      std::vector<Table> tables;
    };
    std::map<BucketPath, Group> groups;
    TwinFilter filter(dimensions);
    BucketPath path(dimensions);
    const auto visit = [&](auto&& self, std::size_t d) -> void {
      if (d == dimensions) {
        Table table = table_of(filter);
        const auto [size, present] = size_of(table);
        if (!present) return;
        groups[path].size += size;
        groups[path].tables.push_back(std::move(table));
        return;
      }
      for (const auto& [value, bucket] : shown[d]) {
        filter[d] = value;
        path[d] = bucket;
        self(self, d + 1);
      }
    };
    visit(visit, 0);
    std::vector<std::pair<BucketPath, Group>> order(groups.begin(), groups.end());
    const auto has_other = [](const BucketPath& buckets) {
      return std::ranges::find(buckets, Bucket::Kind::other, &Bucket::kind) != buckets.end();
    };
    std::ranges::stable_sort(order, [&](const auto& a, const auto& b) {
      if (has_other(a.first) != has_other(b.first)) return has_other(b.first);
      return a.second.size > b.second.size;
    });
    std::vector<Table> result;
    for (auto& [buckets, group] : order) {
      const bool is_sum = has_other(buckets);
      result.push_back(is_sum ? sum(group.tables) : group.tables.front());
      result.back().bucket = buckets;
    }
    return result;
  }

 private:
  using Values = std::set<std::optional<std::string>>;

  Values values_of(std::size_t d, std::size_t person, const WorldEvent& event) const {
    if (const auto& settled = settled_[d][person]) return *settled;
    return buckets_of(event, common_.breakdown[d].name);
  }

  Values all_values(std::size_t d) const {
    Values values{std::nullopt};
    for (std::size_t p = 0; p < persons_.size(); ++p) {
      for (const WorldEvent& event : persons_[p]) values.merge(values_of(d, p, event));
    }
    return values;
  }

  // Nothing where each event has its own.
  std::optional<Values> settle(const Dimension& dimension, const std::vector<WorldEvent>& events,
                               const std::function<bool(const WorldEvent&)>& is_counted,
                               const std::function<bool(const WorldEvent&)>& is_first) const {
    const Values missing{std::nullopt};
    const auto touch = [&](const WorldEvent& e) {
      const Values values = buckets_of(e, dimension.name);
      return is_counted(e) && !values.empty() && values != missing;
    };
    switch (dimension.by) {
      case Dimension::By::trait: return latest(events, "identify", dimension.name);
      case Dimension::By::system: return latest(events, "hf:trait", dimension.name);
      case Dimension::By::cohort: {
        for (const WorldEvent& e : events) {
          if (is_inactive_name(e.name)) continue;
          return Values{to_string(first_of(dimension, common_.zone->local_day(e.time_ms)))};
        }
        return missing;
      }
      case Dimension::By::property: break;
    }
    if (dimension.attribution == Attribution::first_touch) {
      const auto found = std::ranges::find_if(events, touch);
      return found == events.end() ? missing : buckets_of(*found, dimension.name);
    }
    if (dimension.attribution == Attribution::last_touch) {
      const auto found = std::find_if(events.rbegin(), events.rend(), touch);
      return found == events.rend() ? missing : buckets_of(*found, dimension.name);
    }
    if (!is_first) return std::nullopt;
    const auto found = std::ranges::find_if(events, is_first);
    return found == events.end() ? missing : buckets_of(*found, dimension.name);
  }

  static Values latest(const std::vector<WorldEvent>& events, std::string_view name,
                       const std::string& trait) {
    Values values{std::nullopt};
    for (const WorldEvent& e : events) {
      if (e.name == name && !e.purged && e.find(trait) != nullptr) values = buckets_of(e, trait);
    }
    return values;
  }

  static Day first_of(const Dimension& dimension, Day day) {
    const auto starts = [&](Day d) {
      const CivilDate date = civil_from_day(d);
      switch (dimension.cohort) {
        case Period::Unit::week:
          return (d - (dimension.week_start == WeekStart::sunday ? 3 : 4)) % 7 == 0;
        case Period::Unit::month: return date.day == 1;
        case Period::Unit::quarter: return date.day == 1 && date.month % 3 == 1;
        case Period::Unit::year: return date.day == 1 && date.month == 1;
        default: return true;
      }
    };
    while (!starts(day)) --day;
    return day;
  }

  const CommonFields& common_;
  const Persons& persons_;
  std::vector<std::vector<std::optional<Values>>> settled_;  // By dimension, then person.
};

}  // namespace hf::test
