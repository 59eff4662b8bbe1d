// SPDX-License-Identifier: Apache-2.0
//
// Funnel straight from its definition, for the tests.
#pragma once

#include <algorithm>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "metric/event_world.h"
#include "metric/funnel.h"
#include "metric/funnel_search_twin.h"
#include "metric/group_twin.h"
#include "metric/period_twin.h"
#include "metric/window_twin.h"

namespace hf::test {

class FunnelTwin {
 public:
  FunnelTwin(const FunnelQuery& query, const std::vector<WorldEvent>& events)
      : FunnelTwin(query, events, events) {}
  /// `asked` are those of `events` that count (asked_events()).
  FunnelTwin(const FunnelQuery& query, const std::vector<WorldEvent>& events,
             const std::vector<WorldEvent>& asked)
      : query_(query),
        all_(persons_of(events, query.common.as_of)),
        persons_(persons_of(asked, query.common.as_of)) {}

  FunnelAnswer answer() const {
    FunnelAnswer answer;
    answer.view = query_.view;
    const std::size_t steps = query_.steps.size();
    std::optional<TimestampMs> first;
    for (std::size_t k = 0; k < steps; ++k) {
      answer.labels.push_back(query_.order != FunnelOrder::any ? query_.steps[k].matcher.label
                              : k == 0                         ? "1 step"
                                                               : std::to_string(k + 1) + " steps");
      for (const auto& person : all_) {
        for (const WorldEvent& e : person) {
          if (!e.purged && query_.steps[k].matcher.names(e.name)) {
            first = std::min(first.value_or(e.time_ms), e.time_ms);
          }
        }
      }
    }
    const TwinRange range(query_.common, query_.period, first);
    std::optional<TwinPeriods> periods;
    if (query_.view == FunnelView::trend) {
      periods.emplace(query_.period, range, query_.common, 0);
      for (int i = 0; i < periods->rows; ++i) {
        answer.periods.push_back(periods->label(i));
        answer.complete.push_back(plain_window_end(periods->end(i) - 1, query_.window,
                                                   *query_.common.zone) <= query_.common.as_of);
      }
      answer.total.periods.resize(static_cast<std::size_t>(periods->rows));
    }
    if (!first || range.is_empty) answer.warnings.push_back({"no_events", ""});
    if (periods && query_.common.from && periods->cuts_first()) {
      answer.warnings.push_back({"first_period_partial", ""});
    }
    if (periods && query_.common.to && periods->cuts_last()) {
      answer.warnings.push_back({"last_period_partial", ""});
    }

    const TwinGroups groups(query_.common, persons_, [&](const WorldEvent& e) {
      return std::ranges::any_of(query_.steps, [&](const FunnelQuery::Step& step) {
        return is_match(e, step.matcher, query_.common.where);
      });
    });
    const auto counted = [&](const TwinFilter& filter) {
      return count(filter, groups, range, periods ? &*periods : nullptr);
    };
    answer.has_groups = !query_.common.breakdown.empty();
    answer.total = table_of(counted({}));
    if (range.is_empty || !answer.has_groups) return answer;
    const auto sum = [](const std::vector<Counted>& all) {
      Counted result = all.front();
      for (std::size_t i = 1; i < all.size(); ++i) result.add(all[i]);
      return result;
    };
    for (const Counted& group : groups.tables(
             counted,
             [&](const Counted& each) { return std::pair(size_of(each), size_of(each) > 0); },
             sum)) {
      answer.groups.push_back(table_of(group));
      answer.groups.back().bucket = group.bucket;
    }
    return answer;
  }

 private:
  // Of one group, before anything is averaged.
  struct Counted {
    BucketPath bucket;
    std::vector<std::int64_t> counts;                  // By step.
    std::vector<std::vector<std::int64_t>> durations;  // By step, from the one before.
    std::vector<std::int64_t> conversions;
    std::vector<FunnelPeriod> periods;

    void add(const Counted& other) {
      const auto append = [](auto& all, const auto& more) {
        all.insert(all.end(), more.begin(), more.end());
      };
      for (std::size_t i = 0; i < counts.size(); ++i) {
        counts[i] += other.counts[i];
        append(durations[i], other.durations[i]);
      }
      append(conversions, other.conversions);
      for (std::size_t i = 0; i < periods.size(); ++i) {
        periods[i].entered += other.periods[i].entered;
        periods[i].completed += other.periods[i].completed;
      }
    }
  };

  Counted count(const TwinFilter& filter, const TwinGroups& groups, const TwinRange& range,
                const TwinPeriods* periods) const {
    Counted result;
    result.counts.resize(query_.steps.size());
    result.durations.resize(query_.steps.size());
    if (periods != nullptr) result.periods.resize(static_cast<std::size_t>(periods->rows));
    for (std::size_t p = 0; p < persons_.size(); ++p) {
      std::vector<WorldEvent> inside;
      std::ranges::copy_if(persons_[p], std::back_inserter(inside), [&](const WorldEvent& e) {
        return !e.purged && groups.contains(filter, p, e);
      });
      for (const Attributed& attributed : attributed_by(filter)) {
        count_person(inside, attributed, range, periods, result);
      }
    }
    return result;
  }

  // What the buckets of a group ask of the steps of one person's attempts.
  struct Attributed {
    struct Served {
      std::size_t step;
      std::string property;
      std::optional<std::string> value;
    };
    std::vector<Served> served;
    std::vector<std::size_t> never;  // Steps to which it does not come.
    [[nodiscard]] bool holds(std::size_t depth) const {
      return std::ranges::all_of(served, [&](const Served& s) { return depth >= s.step; }) &&
             std::ranges::all_of(never, [&](std::size_t step) { return depth < step; });
    }
    [[nodiscard]] bool may_serve(const WorldEvent& event, std::size_t step) const {
      return std::ranges::all_of(served, [&](const Served& s) {
        return s.step != step || buckets_of(event, s.property).contains(s.value);
      });
    }
  };

  // Who never comes to the step is in the bucket of those whose event there has no value.
  std::vector<Attributed> attributed_by(const TwinFilter& filter) const {
    std::vector<Attributed> all{{}};
    for (std::size_t d = 0; d < filter.size(); ++d) {
      const Dimension& dimension = query_.common.breakdown[d];
      if (!filter[d] || dimension.attribution != Attribution::step) continue;
      std::vector<Attributed> more;
      for (const Attributed& each : all) {
        more.push_back(each);
        more.back().served.push_back({dimension.step, dimension.name, *filter[d]});
        if (*filter[d]) continue;
        more.push_back(each);
        more.back().never.push_back(dimension.step);
      }
      all = more;
    }
    return all;
  }

  void count_person(const std::vector<WorldEvent>& inside, const Attributed& attributed,
                    const TwinRange& range, const TwinPeriods* periods, Counted& result) const {
    std::vector<FunnelEvent> events = events_of(inside, attributed, range);
    if (events.empty()) return;
    const FunnelRules rules = rules_of(events);
    if (periods != nullptr) {
      std::set<int> touched;
      for (const FunnelEvent& e : events) touched.insert(periods->index_of(e.time_ms));
      for (const int i : touched) {
        for (FunnelEvent& e : events) e.may_start = periods->index_of(e.time_ms) == i;
        const FunnelOutcome outcome = FunnelSearchTwin(rules, events).outcome();
        if (outcome.excluded || outcome.depth == 0 || !attributed.holds(outcome.depth)) continue;
        FunnelPeriod& row = result.periods[static_cast<std::size_t>(i)];
        row.entered += outcome.depth >= query_.from_step ? 1 : 0;
        row.completed += outcome.depth >= query_.to_step ? 1 : 0;
      }
      return;
    }
    const FunnelOutcome outcome = FunnelSearchTwin(rules, events).outcome();
    if (outcome.excluded || !attributed.holds(outcome.depth)) return;
    // The mean over its attempts in whole milliseconds, halves up.
    const auto mean = [&](std::size_t from, std::size_t to) {
      std::int64_t sum = 0;
      for (std::size_t k = from; k < to; ++k) sum += outcome.sums_ms[k - 1];
      return sum / outcome.attempts + (2 * (sum % outcome.attempts) >= outcome.attempts ? 1 : 0);
    };
    for (std::size_t k = 1; k <= outcome.depth; ++k) {
      ++result.counts[k - 1];
      if (k > 1) result.durations[k - 1].push_back(mean(k - 1, k));
    }
    if (query_.view == FunnelView::time_to_convert && outcome.depth >= query_.to_step) {
      result.conversions.push_back(mean(query_.from_step, query_.to_step));
    }
  }

  std::int64_t size_of(const Counted& counted) const {
    std::int64_t entered = 0;
    for (const FunnelPeriod& period : counted.periods) entered += period.entered;
    switch (query_.view) {
      case FunnelView::steps: return counted.counts.front();
      case FunnelView::trend: return entered;
      case FunnelView::time_to_convert: break;
    }
    return std::ssize(counted.conversions);
  }

  FunnelTable table_of(const Counted& counted) const {
    FunnelTable table;
    table.periods = counted.periods;
    if (query_.view == FunnelView::steps) {
      for (std::size_t k = 0; k < counted.counts.size(); ++k) {
        table.steps.push_back({counted.counts[k], seconds(counted.durations[k])});
      }
    }
    if (query_.view == FunnelView::time_to_convert) {
      table.converted = std::ssize(counted.conversions);
      table.seconds = seconds(counted.conversions);
      table.bins = bins(counted.conversions);
    }
    return table;
  }

  std::vector<FunnelEvent> events_of(const std::vector<WorldEvent>& person,
                                     const Attributed& attributed, const TwinRange& range) const {
    std::vector<FunnelEvent> events;
    std::map<std::vector<std::optional<std::string>>, std::uint32_t> values;
    for (const WorldEvent& e : person) {
      if (!range.contains(e.time_ms)) continue;
      FunnelEvent event{e.time_ms, 0};
      for (std::size_t k = 0; k < query_.steps.size(); ++k) {
        if (is_match(e, query_.steps[k].matcher, query_.common.where) &&
            attributed.may_serve(e, k + 1)) {
          event.steps |= 1u << k;
        }
      }
      for (std::size_t j = 0; j < query_.exclude.size(); ++j) {
        if (is_match(e, query_.exclude[j].matcher, query_.common.where)) event.excludes |= 1u << j;
      }
      const bool is_any = is_match(e, Matcher::any_event(), query_.common.where);
      if (event.steps == 0 && event.excludes == 0 && !is_any) continue;
      if (event.steps == 0 && event.excludes == 0 && query_.order != FunnelOrder::strict) continue;
      if (query_.hold_constant.empty()) {
        events.push_back(event);
        continue;
      }
      // Each combination of its values, of which none may be missing.
      std::vector<std::vector<std::optional<std::string>>> combinations{{}};
      for (const std::string& property : query_.hold_constant) {
        std::vector<std::vector<std::optional<std::string>>> longer;
        for (const auto& combination : combinations) {
          for (const auto& value : buckets_of(e, property)) {
            longer.push_back(combination);
            longer.back().push_back(value);
          }
        }
        combinations = longer;
      }
      for (const auto& combination : combinations) {
        const bool is_missing =
            std::ranges::any_of(combination, [](const auto& value) { return !value; });
        event.held =
            is_missing ? FunnelEvent::no_value
                       : values.try_emplace(combination, static_cast<std::uint32_t>(values.size()))
                             .first->second;
        events.push_back(event);
      }
    }
    return events;
  }

  FunnelRules rules_of(const std::vector<FunnelEvent>& events) const {
    const Interval begins{events.front().time_ms, events.back().time_ms + 1};
    const auto window = [&](const Duration& length) {
      return std::make_shared<const WindowEnds>(length, *query_.common.zone, begins);
    };
    FunnelRules rules;
    rules.order = query_.order;
    rules.window = window(query_.window);
    rules.holds_values = !query_.hold_constant.empty();
    rules.first_only = query_.entry == FunnelEntry::first;
    for (const FunnelQuery::Step& step : query_.steps) {
      rules.same_as.push_back(step.same_as);
      if (query_.order != FunnelOrder::any) {
        rules.within.push_back(step.within ? window(*step.within) : nullptr);
      }
    }
    for (const FunnelQuery::Exclusion& e : query_.exclude) {
      rules.exclusions.push_back({e.after_step, e.before_step});
    }
    return rules;
  }

  static FunnelSeconds seconds(std::vector<std::int64_t> values) {
    if (values.empty()) return {};
    std::ranges::sort(values);
    std::int64_t sum = 0;
    for (const std::int64_t value : values) sum += value;
    // Between ranks floor(h) and floor(h) + 1, h = (n - 1) p / 100.
    const auto quantile = [&](std::size_t percent) {
      const std::size_t h = (values.size() - 1) * percent;
      const auto low = static_cast<double>(values[h / 100]);
      if (h % 100 == 0) return low / 1000;
      const auto high = static_cast<double>(values[h / 100 + 1]);
      return (low + (high - low) * (static_cast<double>(h % 100) / 100)) / 1000;
    };
    return {static_cast<double>(sum) / static_cast<double>(values.size()) / 1000, quantile(50),
            quantile(90)};
  }

  std::vector<FunnelBin> bins(std::vector<std::int64_t> values) const {
    if (values.empty()) return {};
    std::ranges::sort(values);
    std::size_t count = 1;
    while (count * count * count < values.size()) ++count;
    count = std::clamp<std::size_t>(count, 3, 60);
    count = query_.bins.value_or(count);
    const std::int64_t span = values.back() - values.front();
    std::int64_t width_s = 0;
    while (width_s * 1000 * static_cast<std::int64_t>(count) < span) {
      // Steps of a day, an hour, a second: the first width that covers the span.
      const std::int64_t left = span - width_s * 1000 * static_cast<std::int64_t>(count);
      const std::int64_t per_bin = left / static_cast<std::int64_t>(count) / 1000;
      width_s += per_bin > 0 ? per_bin : 1;
    }
    if (width_s == 0) width_s = 60;
    std::vector<FunnelBin> result;
    for (std::size_t i = 0; i < count; ++i) {
      const std::int64_t from = values.front() + static_cast<std::int64_t>(i) * width_s * 1000;
      const std::int64_t to = from + width_s * 1000;
      FunnelBin& bin = result.emplace_back(
          FunnelBin{static_cast<double>(from) / 1000, static_cast<double>(to) / 1000});
      for (const std::int64_t value : values) {
        const bool is_last = i + 1 == count && value == to;
        if (value >= from && (value < to || is_last)) ++bin.count;
      }
    }
    return result;
  }

  const FunnelQuery& query_;
  std::vector<std::vector<WorldEvent>> all_;      // Of everybody.
  std::vector<std::vector<WorldEvent>> persons_;  // Of those asked about.
};

}  // namespace hf::test
