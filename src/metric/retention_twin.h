// SPDX-License-Identifier: Apache-2.0
//
// Retention straight from its definition, for the tests: for each cell, ask each person's events.
#pragma once

#include <algorithm>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "metric/event_world.h"
#include "metric/group_twin.h"
#include "metric/period_twin.h"
#include "metric/retention.h"

namespace hf::test {

class RetentionTwin {
 public:
  RetentionTwin(const RetentionQuery& query, const std::vector<WorldEvent>& events)
      : RetentionTwin(query, events, events) {}
  /// `asked` are those of `events` that count (asked_events()).
  RetentionTwin(const RetentionQuery& query, const std::vector<WorldEvent>& events,
                const std::vector<WorldEvent>& asked)
      : query_(query),
        all_(persons_of(events, query.common.as_of)),
        persons_(persons_of(asked, query.common.as_of)) {}

  RetentionAnswer answer() {
    answer_ = {};
    const auto is_counted = [&](const WorldEvent& e) {
      return (!e.purged || query_.entry != Entry::every_period) &&
             (is_start(e) || (!e.purged && is_return(e)));
    };
    std::function<bool(const WorldEvent&)> is_first;
    if (query_.entry == Entry::first_ever) {
      is_first = [&](const WorldEvent& e) { return query_.start.names(e.name); };
    }
    groups_.emplace(query_.common, persons_, is_counted, is_first);
    answer_.aggregate = query_.aggregate;
    answer_.has_groups = !query_.common.breakdown.empty();
    std::optional<TimestampMs> first;
    for (const auto& person : all_) {
      for (const WorldEvent& event : person) {
        if (event.purged || !query_.start.names(event.name)) continue;
        first = std::min(first.value_or(event.time_ms), event.time_ms);
      }
    }
    if (query_.windows) {
      answer_windows();
      if (!first) answer_.warnings.push_back({"no_events", ""});
      if (windows_overlap()) answer_.warnings.push_back({"windows_overlap", ""});
      if (any_too_big()) answer_.warnings.push_back({"numbers_too_big", ""});
      return answer_;
    }
    const std::map<Period::Unit, int> most = {
        {Period::Unit::day, 30},     {Period::Unit::hour, 24},   {Period::Unit::week, 12},
        {Period::Unit::month, 12},   {Period::Unit::quarter, 8}, {Period::Unit::year, 5},
        {Period::Unit::duration, 12}};
    range_.emplace(query_.common, query_.period, first);
    const int look_ahead = query_.columns.empty() ? most.at(query_.period.unit)
                                                  : static_cast<int>(query_.columns.back().last);
    periods_.emplace(query_.period, *range_, query_.common, look_ahead);
    columns_ = {{0, 0}};
    if (query_.columns.empty()) {
      int n = 1;
      if (periods_->rows > 0) {
        n = std::clamp(periods_->index_of(query_.common.as_of), 1, look_ahead);
      }
      for (int k = 1; k <= n; ++k) columns_.push_back({k, k});
    } else {
      columns_.insert(columns_.end(), query_.columns.begin(), query_.columns.end());
    }
    for (const RetentionColumn& c : columns_) {
      answer_.columns.push_back(c.first == c.last
                                    ? std::to_string(c.first)
                                    : std::to_string(c.first) + "-" + std::to_string(c.last));
    }
    if (!first || periods_->rows == 0) answer_.warnings.push_back({"no_events", ""});
    if (query_.common.from && periods_->cuts_first()) {
      answer_.warnings.push_back({"first_period_partial", ""});
    }
    if (query_.common.to && periods_->cuts_last()) {
      answer_.warnings.push_back({"last_period_partial", ""});
    }
    answer_.total = table({});
    if (answer_.has_groups) {
      answer_.groups = groups_->tables(
          [&](const TwinFilter& filter) { return table(filter); },
          [](const RetentionTable& t) {
            std::int64_t size = 0;
            for (const RetentionCohort& cohort : t.cohorts) size += cohort.size;
            return std::pair(size, size > 0);
          },
          [&](const std::vector<RetentionTable>& tables) { return sum_tables(tables); });
    }
    if (periods_->rows > 0 && any_too_big()) answer_.warnings.push_back({"numbers_too_big", ""});
    return answer_;
  }

 private:
  bool is_start(const WorldEvent& e) const {
    return is_match(e, query_.start, query_.common.where);
  }
  bool is_return(const WorldEvent& e) const {
    return is_match(e, query_.returning, query_.common.where);
  }
  // One event with its place in the table, looked up once because the loops below are many.
  struct Seen {
    const WorldEvent* event = nullptr;
    TimestampMs time_ms = 0;
    int period = 0;
    bool in_range = false;
  };
  Seen seen(const WorldEvent& e) const {
    if (!periods_ || periods_->rows == 0) return {&e, e.time_ms, 0, false};
    return {&e, e.time_ms, periods_->index_of(e.time_ms), range_->contains(e.time_ms)};
  }

  // What one person's events are in the eyes of one group.
  struct View {
    std::vector<Seen> starts;
    std::vector<Seen> returns;
    const WorldEvent* first_named = nullptr;
    std::optional<Decimal> trait;
  };
  View view_of(const std::vector<WorldEvent>& person, const TwinFilter& filter) const {
    View view;
    const auto p = static_cast<std::size_t>(&person - persons_.data());
    for (const WorldEvent& e : person) {
      if (e.purged && query_.entry == Entry::every_period) continue;
      if (view.first_named == nullptr && query_.start.names(e.name)) view.first_named = &e;
    }
    if (view.first_named != nullptr && !groups_->contains(filter, p, *view.first_named)) {
      view.first_named = nullptr;
    }
    for (const WorldEvent& e : person) {
      const bool is_in = groups_->contains(filter, p, e);
      if (e.purged) {
        const bool looks_back = query_.entry != Entry::every_period;
        if (looks_back && is_in && is_start(e)) view.starts.push_back(seen(e));
        continue;
      }
      if (is_in && is_start(e)) view.starts.push_back(seen(e));
      if (is_in && is_return(e)) view.returns.push_back(seen(e));
      if (e.name == "identify" && !query_.value_trait.empty()) {
        if (const WorldValue* value = e.find(query_.value_trait)) {
          view.trait =
              value->kind == ValueKind::number ? std::optional(value->number) : std::nullopt;
        }
      }
    }
    return view;
  }

  // The event by which the person enters the cohorts it enters (calendar, every_period: each).
  std::vector<Seen> entries(const View& view, auto&& in_range) const {
    std::vector<Seen> inside;
    for (const Seen& e : view.starts) {
      if (in_range(e)) inside.push_back(e);
    }
    switch (query_.entry) {
      case Entry::every_period: return inside;
      case Entry::first_time:
        if (!view.starts.empty() && in_range(view.starts.front())) {
          return {view.starts.front()};
        }
        return {};
      case Entry::first_ever:
        if (view.first_named != nullptr && is_start(*view.first_named) &&
            in_range(seen(*view.first_named))) {
          return {seen(*view.first_named)};
        }
        return {};
    }
    return {};
  }

  void add_value(RetentionValue& value, const std::vector<Seen>& events, const View& view) const {
    if (query_.aggregate == Aggregate::count) value.events += std::ssize(events);
    if (query_.aggregate != Aggregate::sum && query_.aggregate != Aggregate::avg) return;
    if (!query_.value_trait.empty()) {
      if (view.trait) value.sum.add(*view.trait);
      return;
    }
    for (const Seen& e : events) {
      const WorldValue* v = e.event->find(query_.value_property);
      if (v != nullptr && v->kind == ValueKind::number) value.sum.add(v->number);
    }
  }

  std::int64_t occurrences() const {
    return query_.aggregate == Aggregate::users ? query_.min_occurrences : 1;
  }

  RetentionTable table(const TwinFilter& filter) const {
    const bool rolling = query_.window == Window::rolling;
    const bool exactly = query_.count_return == CountReturn::exactly;
    const TimestampMs as_of = query_.common.as_of;
    const std::int64_t length = rolling_length();
    RetentionTable result;
    std::vector<View> views;
    std::vector<std::vector<Seen>> entered;
    for (const auto& person : persons_) {
      views.push_back(view_of(person, filter));
      entered.push_back(entries(views.back(), [](const Seen& e) { return e.in_range; }));
      if (rolling && entered.back().size() > 1) entered.back().resize(1);
    }
    for (int row = 0; row < periods_->rows; ++row) {
      RetentionCohort& cohort = result.cohorts.emplace_back();
      cohort.start = periods_->label(row);
      cohort.cells.resize(columns_.size());
      for (std::size_t person = 0; person < views.size(); ++person) {
        const View& view = views[person];
        const auto entry = std::ranges::find(entered[person], row, &Seen::period);
        if (entry == entered[person].end()) continue;
        const TimestampMs s = entry->time_ms;
        ++cohort.size;
        ++cohort.cells[0].count;
        ++cohort.cells[0].eligible;
        std::vector<Seen> first_window;
        for (const Seen& e : view.starts) {
          const bool inside = rolling ? e.time_ms >= s && e.time_ms < s + length : e.period == row;
          if (inside && e.in_range) first_window.push_back(e);
        }
        add_value(cohort.cells[0].value, first_window, view);
        for (std::size_t c = 1; c < columns_.size(); ++c) {
          RetentionCell& cell = cohort.cells[c];
          const std::int64_t last_k = exactly ? columns_[c].last : columns_[c].first;
          if (rolling) {
            if (s + (last_k + 1) * length > as_of + 1) continue;
            ++cell.eligible;
          } else if (periods_->start(row + columns_[c].first) <= as_of) {
            ++cell.eligible;
          }
          std::vector<Seen> counted;
          for (const Seen& e : view.returns) {
            if (rolling && e.time_ms < s) continue;
            const std::int64_t k = rolling ? (e.time_ms - s) / length : e.period - row;
            if (k >= columns_[c].first && (!exactly || k <= columns_[c].last)) {
              counted.push_back(e);
            }
          }
          if (std::ssize(counted) < occurrences()) continue;
          ++cell.count;
          add_value(cell.value, counted, view);
        }
      }
      for (std::size_t c = 0; c < columns_.size(); ++c) {
        RetentionCell& cell = cohort.cells[c];
        const int k = exactly ? columns_[c].last : columns_[c].first;
        if (!rolling || c == 0) {
          cell.complete = periods_->end(row + k) <= as_of + 1;
        } else if (cohort.size > 0) {
          cell.complete = cell.eligible == cohort.size;
        } else {
          cell.complete = periods_->end(row) + (k + 1) * length <= as_of + 1;
        }
      }
    }
    add_mean(result);
    return result;
  }

  void add_mean(RetentionTable& t) const {
    t.mean = {};
    for (std::size_t c = 0; c < columns_.size(); ++c) {
      Ratio sum;
      double rates = 0;
      int cells = 0;
      for (const RetentionCohort& cohort : t.cohorts) {
        if (cohort.size == 0 || !cohort.cells[c].complete) continue;
        sum.numerator += cohort.cells[c].count;
        sum.denominator += cohort.cells[c].eligible;
        rates += static_cast<double>(cohort.cells[c].count) /
                 static_cast<double>(cohort.cells[c].eligible);
        ++cells;
      }
      t.mean.weighted.push_back(sum);
      t.mean.simple.push_back(cells == 0 ? std::nullopt : std::optional(rates / cells));
    }
  }

  RetentionTable sum_tables(const std::vector<RetentionTable>& tables) const {
    RetentionTable sum = tables.front();
    for (std::size_t row = 0; row < sum.cohorts.size(); ++row) {
      RetentionCohort& cohort = sum.cohorts[row];
      // A cohort without persons says nothing about what is complete, unless all are such.
      std::vector<const RetentionCohort*> deciding;
      for (const RetentionTable& t : tables) {
        if (t.cohorts[row].size > 0) deciding.push_back(&t.cohorts[row]);
      }
      for (std::size_t i = 1; i < tables.size(); ++i) {
        const RetentionCohort& other = tables[i].cohorts[row];
        cohort.size += other.size;
        for (std::size_t c = 0; c < columns_.size(); ++c) {
          cohort.cells[c].count += other.cells[c].count;
          cohort.cells[c].eligible += other.cells[c].eligible;
          cohort.cells[c].value.events += other.cells[c].value.events;
          cohort.cells[c].value.sum.add(other.cells[c].value.sum);
        }
      }
      for (std::size_t c = 0; c < columns_.size() && !deciding.empty(); ++c) {
        cohort.cells[c].complete = std::ranges::all_of(
            deciding, [&](const RetentionCohort* d) { return d->cells[c].complete; });
      }
    }
    add_mean(sum);
    return sum;
  }

  std::int64_t rolling_length() const {
    const std::int64_t h = hour_ms;
    switch (query_.period.unit) {
      case Period::Unit::hour: return h;
      case Period::Unit::day: return 24 * h;
      case Period::Unit::week: return 168 * h;
      case Period::Unit::month: return 720 * h;
      case Period::Unit::quarter: return 2160 * h;
      case Period::Unit::year: return 8760 * h;
      case Period::Unit::duration: {
        const Duration& d = query_.period.duration;
        return d.months * 720 * h + d.days * 24 * h + d.ms;
      }
    }
    return 0;
  }

  bool in_window(const TimeRange& window, TimestampMs t) const {
    const Day day = query_.common.zone->local_day(t);
    if (window.first_day ? day < *window.first_day : t < window.begin) return false;
    return window.last_day ? day <= *window.last_day : t < window.end;
  }

  RetentionTable window_table(const TwinFilter& filter) const {
    RetentionTable result;
    WindowRetention& w = result.windows;
    for (const auto& person : persons_) {
      const View view = view_of(person, filter);
      const auto entered = entries(
          view, [&](const Seen& e) { return in_window(query_.windows->initial, e.time_ms); });
      std::vector<Seen> starts;
      for (const Seen& e : view.starts) {
        if (in_window(query_.windows->initial, e.time_ms)) starts.push_back(e);
      }
      std::vector<Seen> returns;
      for (const Seen& e : view.returns) {
        if (in_window(query_.windows->current, e.time_ms)) returns.push_back(e);
      }
      const bool active = std::ssize(returns) >= occurrences();
      if (active) ++w.current;
      if (entered.empty()) continue;
      ++w.initial;
      add_value(w.initial_value, starts, view);
      if (!active) continue;
      ++w.retained;
      add_value(w.current_value, returns, view);
    }
    return result;
  }

  bool current_is_complete() const {
    // Nothing after as_of lies in the window: asked of each minute of the days around it.
    const TimeRange& window = query_.windows->current;
    TimestampMs last = window.begin;
    for (TimestampMs t = window.end - 26 * hour_ms; t <= window.end + 26 * hour_ms;
         t += minute_ms) {
      if (in_window(window, t - 1)) last = std::max(last, t);
    }
    if (window.end > last && in_window(window, window.end - 1)) last = window.end;
    return last <= query_.common.as_of + 1;
  }

  bool windows_overlap() const {
    const auto& [a, b] = *query_.windows;
    for (const TimestampMs t : {a.begin, b.begin}) {
      for (TimestampMs u = t; u < t + 26 * hour_ms; u += minute_ms) {
        if (in_window(a, u) && in_window(b, u)) return true;
      }
    }
    return false;
  }

  void answer_windows() {
    const auto& [initial, current] = *query_.windows;
    const Zone& zone = *query_.common.zone;
    answer_.has_windows = true;
    answer_.initial_from = format_rfc3339(initial.begin, zone);
    answer_.initial_to = format_rfc3339(initial.end, zone);
    answer_.current_from = format_rfc3339(current.begin, zone);
    answer_.current_to = format_rfc3339(current.end, zone);
    answer_.total = window_table({});
    if (!answer_.has_groups) {
      answer_.total.windows.current_complete = current_is_complete();
      return;
    }
    answer_.groups = groups_->tables(
        [&](const TwinFilter& filter) { return window_table(filter); },
        [](const RetentionTable& t) {
          return std::pair(t.windows.initial, t.windows.initial > 0 || t.windows.current > 0);
        },
        [](const std::vector<RetentionTable>& tables) {
          RetentionTable sum;
          for (const RetentionTable& t : tables) {
            sum.windows.initial += t.windows.initial;
            sum.windows.retained += t.windows.retained;
            sum.windows.current += t.windows.current;
            for (const auto part :
                 {&WindowRetention::initial_value, &WindowRetention::current_value}) {
              (sum.windows.*part).events += (t.windows.*part).events;
              (sum.windows.*part).sum.add((t.windows.*part).sum);
            }
          }
          return sum;
        });
    answer_.total.windows.current_complete = current_is_complete();
    for (RetentionTable& t : answer_.groups) {
      t.windows.current_complete = answer_.total.windows.current_complete;
    }
  }

  bool any_too_big() const {
    if (query_.aggregate != Aggregate::sum && query_.aggregate != Aggregate::avg) return false;
    for (const auto& person : persons_) {
      for (const WorldEvent& e : person) {
        const bool by_trait = !query_.value_trait.empty();
        const WorldValue* value = e.find(by_trait ? query_.value_trait : query_.value_property);
        if (value == nullptr || value->kind != ValueKind::big_number) continue;
        if (by_trait ? e.name == "identify" : is_start(e) || is_return(e)) return true;
      }
    }
    return false;
  }

  const RetentionQuery& query_;
  std::vector<std::vector<WorldEvent>> all_;      // Of everybody.
  std::vector<std::vector<WorldEvent>> persons_;  // Of those asked about.
  std::optional<TwinRange> range_;
  std::optional<TwinPeriods> periods_;
  std::optional<TwinGroups> groups_;
  std::vector<RetentionColumn> columns_;
  RetentionAnswer answer_;
};

}  // namespace hf::test
