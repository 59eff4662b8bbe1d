// SPDX-License-Identifier: Apache-2.0
//
// The slow, obvious twin of PeriodGrid and of the range: asks the zone for the date of one instant
// at a time and walks days and minutes one by one.
#pragma once

#include <algorithm>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "calendar/date.h"
#include "calendar/time_text.h"
#include "metric/common_fields.h"
#include "metric/event_world.h"
#include "metric/period_grid.h"

namespace hf::test {

inline constexpr std::int64_t minute_ms = 60'000;
inline constexpr std::int64_t hour_ms = 3'600'000;

/// The range of a query by its definition; no beginning where nothing was named.
class TwinRange {
 public:
  TwinRange(const CommonFields& common, const Period& period, std::optional<TimestampMs> first)
      : zone_(common.zone.get()) {
    if (common.to) {
      end = common.to->instant;
      last_day = common.to->day;
    } else {
      end = common.as_of + 1;
    }
    if (common.from) {
      begin = common.from->instant;
      first_day = common.from->day;
    } else if (first) {
      const TimestampMs midnight = zone_->start_of_day(zone_->local_day(*first));
      begin = midnight;
      if (period.unit == Period::Unit::hour) {
        while (begin + hour_ms <= *first) begin += hour_ms;
      }
      is_empty = begin >= end;
    } else {
      is_empty = true;
    }
  }
  [[nodiscard]] bool contains(TimestampMs t) const {
    if (is_empty) return false;
    if (first_day ? zone_->local_day(t) < *first_day : t < begin) return false;
    return last_day ? zone_->local_day(t) <= *last_day : t < end;
  }

  TimestampMs begin = 0;
  TimestampMs end = 0;
  std::optional<Day> first_day;
  std::optional<Day> last_day;
  bool is_empty = false;

 private:
  const Zone* zone_;
};

/// `look_back` periods before the range's are rows too, the first ones.
class TwinPeriods {
 public:
  TwinPeriods(const Period& period, const TwinRange& range, const CommonFields& common,
              int look_ahead, int look_back = 0)
      : period_(period), zone_(*common.zone), week_start_(common.week_start) {
    if (range.is_empty) return;
    // Every minute of the first and last 26 hours: dates only go back within these.
    std::vector<TimestampMs> edges;
    for (TimestampMs t = range.begin; t < range.begin + 26 * hour_ms; t += minute_ms) {
      edges.push_back(t);
    }
    for (TimestampMs t = range.end + 26 * hour_ms; t >= range.end - 26 * hour_ms; t -= minute_ms) {
      edges.push_back(t - 1);
    }
    std::erase_if(edges, [&](TimestampMs t) { return !range.contains(t); });
    TimestampMs in_first = range.begin;
    TimestampMs in_last = range.begin;
    if (!edges.empty()) {
      in_first = *std::ranges::min_element(edges);
      in_last = *std::ranges::max_element(edges);
    }
    first_instant_ = in_first;
    last_instant_ = in_last;
    if (period.unit == Period::Unit::hour) {
      if (!edges.empty()) list_hours(range, look_ahead, look_back);
    } else if (period.is_exact()) {
      if (edges.empty()) return;
      exact_ = true;
      const int touched = static_cast<int>((in_last - in_first) / period.duration.ms) + 1;
      rows = touched + look_back;
      for (int i = -look_back; i < touched + look_ahead; ++i) keys_.push_back({i, 0});
    } else {
      Day low = range.first_day.value_or(0);
      Day high = range.last_day.value_or(0);
      if (!range.first_day) {
        low = zone_.local_day(edges.front());
        for (const TimestampMs t : edges) low = std::min(low, zone_.local_day(t));
      }
      if (!range.last_day) {
        high = zone_.local_day(edges.front());
        for (const TimestampMs t : edges) high = std::max(high, zone_.local_day(t));
      }
      anchor_ = low;
      Day back = first_day_of(low);
      for (int i = 0; i < look_back; ++i) {
        back = first_day_of(back - 1);
        keys_.insert(keys_.begin(), {back, 0});
      }
      for (Day day = low; static_cast<int>(keys_.size()) <= rows + look_ahead || day <= high;
           ++day) {
        const Key key{first_day_of(day), 0};
        if (keys_.empty() || keys_.back() != key) keys_.push_back(key);
        if (day <= high) rows = static_cast<int>(keys_.size());
      }
      keys_.resize(static_cast<std::size_t>(rows + look_ahead));
    }
  }

  int rows = 0;

  [[nodiscard]] int size() const { return static_cast<int>(keys_.size()); }

  /// -1 before the first, size() after the last.
  [[nodiscard]] int index_of(TimestampMs t) const {
    const Key key = key_of(t);
    if (key < keys_.front()) return -1;
    for (int i = 0; i < size(); ++i) {
      if (keys_[i] == key) return i;
    }
    return size();
  }
  [[nodiscard]] TimestampMs start(int i) const {
    if (exact_) return first_instant_ + keys_[i].first * period_.duration.ms;
    if (period_.unit == Period::Unit::hour) return hours_.at(keys_[i]).first;
    return zone_.start_of_day(static_cast<Day>(keys_[i].first));
  }
  [[nodiscard]] TimestampMs end(int i) const {
    if (exact_) return start(i) + period_.duration.ms;
    if (period_.unit == Period::Unit::hour) return hours_.at(keys_[i]).second;
    if (const auto known = ends_.find(i); known != ends_.end()) return known->second;
    Day day = static_cast<Day>(keys_[i].first);
    while (first_day_of(day) == keys_[i].first) ++day;
    TimestampMs end = zone_.start_of_day(day);
    for (TimestampMs t = end; t < zone_.start_of_day(day) + 26 * hour_ms; t += minute_ms) {
      if (key_of(t) == keys_[i]) end = t + minute_ms;
    }
    ends_[i] = end;
    return end;
  }
  [[nodiscard]] std::string label(int i) const {
    if (exact_ || period_.unit == Period::Unit::hour) return format_rfc3339(start(i), zone_);
    return to_string(static_cast<Day>(keys_[i].first));
  }
  [[nodiscard]] bool cuts_first() const { return rows > 0 && first_instant_ > start(0); }
  [[nodiscard]] bool cuts_last() const { return rows > 0 && last_instant_ + 1 < end(rows - 1); }

 private:
  // The period's first local date and 0; of hours the date and the hour since its first instant.
  using Key = std::pair<std::int64_t, std::int64_t>;

  [[nodiscard]] Key key_of(TimestampMs t) const {
    if (exact_) {
      std::int64_t i = 0;
      while (first_instant_ + (i + 1) * period_.duration.ms <= t) ++i;
      while (first_instant_ + i * period_.duration.ms > t) --i;
      return {i, 0};
    }
    const Day day = zone_.local_day(t);
    if (period_.unit == Period::Unit::hour) return {day, (t - zone_.start_of_day(day)) / hour_ms};
    return {first_day_of(day), 0};
  }

  [[nodiscard]] Day first_day_of(Day day) const {
    switch (period_.unit) {
      case Period::Unit::week:
        // 4 January 1970 was a Sunday, the 5th a Monday.
        while ((day - (week_start_ == WeekStart::sunday ? 3 : 4)) % 7 != 0) --day;
        return day;
      case Period::Unit::month:
        while (civil_from_day(day).day != 1) --day;
        return day;
      case Period::Unit::quarter:
        while (civil_from_day(day).day != 1 || civil_from_day(day).month % 3 != 1) --day;
        return day;
      case Period::Unit::year:
        while (civil_from_day(day).day != 1 || civil_from_day(day).month != 1) --day;
        return day;
      case Period::Unit::duration: {
        int i = 0;
        const auto nth = [&](int n) {
          return add_months(anchor_, n * period_.duration.months) + n * period_.duration.days;
        };
        while (nth(i + 1) <= day) ++i;
        while (nth(i) > day) --i;
        return nth(i);
      }
      default: return day;
    }
  }

  void list_hours(const TwinRange& range, int look_ahead, int look_back) {
    const TimestampMs from = zone_.start_of_day(zone_.local_day(range.begin) - 2);
    std::set<Key> touched;
    for (TimestampMs t = from; t < range.end + (look_ahead + 60) * hour_ms; t += minute_ms) {
      const Key key = key_of(t);
      const auto [hour, is_new] = hours_.try_emplace(key, t, t + minute_ms);
      hour->second.second = t + minute_ms;
      const bool inside = range.contains(t) || range.contains(std::max(t, range.begin)) ||
                          range.contains(std::min(t + minute_ms, range.end) - 1);
      const TimestampMs low = std::max(t, range.begin);
      if (inside && low < t + minute_ms && (range.contains(low) || range.contains(t))) {
        touched.insert(key);
      }
    }
    auto first = hours_.find(*touched.begin());
    for (int i = 0; i < look_back; ++i) --first;
    for (auto at = first; at != hours_.end(); ++at) {
      const Key& key = at->first;
      keys_.push_back(key);
      if (key == *touched.rbegin()) {
        rows = size();
      }
      if (rows > 0 && size() == rows + look_ahead) break;
    }
  }

  Period period_;
  const Zone& zone_;
  WeekStart week_start_;
  bool exact_ = false;
  Day anchor_ = 0;
  TimestampMs first_instant_ = 0;
  TimestampMs last_instant_ = 0;
  std::vector<Key> keys_;
  std::map<Key, std::pair<TimestampMs, TimestampMs>> hours_;
  mutable std::map<int, TimestampMs> ends_;
};

/// The buckets of an event by the rules of a breakdown; nothing stands for the missing value.
inline std::set<std::optional<std::string>> buckets_of(const WorldEvent& event,
                                                       const std::string& property) {
  const WorldValue* value = event.find(property);
  if (value == nullptr) return {std::nullopt};
  if (value->kind != ValueKind::list) return {canonical_text(value->view())};
  std::set<std::optional<std::string>> buckets;
  const Json list = parse_json(value->text).value();
  for (const Json& item : list.array) {
    if (item.is_text()) buckets.insert(item.text);
    if (item.is_boolean()) buckets.insert(item.boolean ? "true" : "false");
    if (item.is_number()) buckets.insert(canonical_number(item.text));
  }
  return buckets;
}

/// Each person's events up to as_of in the order they count in: by time, then arrival.
inline std::vector<std::vector<WorldEvent>> persons_of(const std::vector<WorldEvent>& events,
                                                       TimestampMs as_of) {
  std::map<std::string, std::vector<WorldEvent>> persons;
  for (const WorldEvent& event : by_arrival(events)) {
    if (event.time_ms <= as_of) persons[event.person].push_back(event);
  }
  std::vector<std::vector<WorldEvent>> result;
  for (auto& [id, own] : persons) {
    std::ranges::stable_sort(own, {}, &WorldEvent::time_ms);
    result.push_back(std::move(own));
  }
  return result;
}

inline bool is_match(const WorldEvent& event, const Matcher& matcher, const Predicate& where) {
  const auto properties = event.views();
  EventView view;
  view.name = event.name;
  view.properties = properties;
  if (!matches(matcher, view)) return false;
  return event.where_holds ? *event.where_holds : satisfies(where, properties);
}

}  // namespace hf::test
