// SPDX-License-Identifier: Apache-2.0
#include "calendar/posix_zone.h"

#include <algorithm>

#include "calendar/date.h"

namespace hf {

namespace {

constexpr int zone_hours_max = 24;
constexpr int rule_hours_max = 167;
constexpr std::int64_t seconds_per_day = 86'400;

/// Reads the string from left to right; each function returns nothing where its part is missing.
class PosixZoneReader {
 public:
  explicit PosixZoneReader(std::string_view text) : rest_(text) {}

  bool at_end() const { return rest_.empty(); }

  bool take(char c) {
    if (rest_.empty() || rest_.front() != c) return false;
    rest_.remove_prefix(1);
    return true;
  }

  bool skip_name() {
    const bool quoted = take('<');
    std::size_t size = 0;
    while (size < rest_.size() && is_name_char(rest_[size], quoted)) ++size;
    if (size < 3) return false;
    rest_.remove_prefix(size);
    return !quoted || take('>');
  }

  std::optional<int> number(int min, int max) {
    std::size_t size = 0;
    int value = 0;
    for (; size < rest_.size() && is_digit(rest_[size]); ++size) {
      value = value * 10 + (rest_[size] - '0');
      if (value > max) return std::nullopt;
    }
    if (size == 0 || value < min) return std::nullopt;
    rest_.remove_prefix(size);
    return value;
  }

  // [+-]hh[:mm[:ss]] in seconds.
  std::optional<int> time_s(int hours_max) {
    const int sign = take('-') ? -1 : 1;
    if (sign == 1) take('+');
    const auto hours = number(0, hours_max);
    if (!hours) return std::nullopt;
    int seconds = *hours * 3'600;
    if (take(':')) {
      const auto minutes = number(0, 59);
      if (!minutes) return std::nullopt;
      seconds += *minutes * 60;
      if (take(':')) {
        const auto rest_s = number(0, 59);
        if (!rest_s) return std::nullopt;
        seconds += *rest_s;
      }
    }
    return sign * seconds;
  }

  std::optional<YearlyMoment> moment() {
    YearlyMoment moment;
    if (take('M')) {
      moment.kind = YearlyMoment::Kind::weekday;
      const auto month = number(1, 12);
      if (!month || !take('.')) return std::nullopt;
      const auto week = number(1, 5);
      if (!week || !take('.')) return std::nullopt;
      const auto weekday = number(0, 6);
      if (!weekday) return std::nullopt;
      moment.month = *month;
      moment.week = *week;
      moment.day = *weekday;
    } else {
      const bool julian = take('J');
      moment.kind = julian ? YearlyMoment::Kind::julian : YearlyMoment::Kind::zero_based;
      const auto day = julian ? number(1, 365) : number(0, 365);
      if (!day) return std::nullopt;
      moment.day = *day;
    }
    moment.time_s = 2 * 3'600;
    if (take('/')) {
      const auto time = time_s(rule_hours_max);
      if (!time) return std::nullopt;
      moment.time_s = *time;
    }
    return moment;
  }

 private:
  static bool is_digit(char c) { return c >= '0' && c <= '9'; }
  static bool is_name_char(char c, bool quoted) {
    if ((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z')) return true;
    return quoted && (is_digit(c) || c == '+' || c == '-');
  }

  std::string_view rest_;
};

}  // namespace

std::int64_t YearlyMoment::local_s(int year) const {
  const Day first = day_from_civil({year, 1, 1});
  Day date = first;
  switch (kind) {
    case Kind::julian: {
      const bool after_leap_day = day >= 60 && days_in_month(year, 2) == 29;
      date = first + day - 1 + (after_leap_day ? 1 : 0);
      break;
    }
    case Kind::zero_based: date = first + day; break;
    case Kind::weekday: {
      // The first such weekday is the one within the week that ends on the month's seventh.
      const Day seventh = day_from_civil({year, month, 7});
      const Day first_of_kind = start_of_week(seventh - day, WeekStart::sunday) + day;
      const Day last = day_from_civil({year, month, days_in_month(year, month)});
      date = first_of_kind + 7 * (week - 1);
      if (date > last) date -= 7;
      break;
    }
  }
  return date * seconds_per_day + time_s;
}

std::vector<Zone::Transition> PosixZone::transitions(int first_year, int last_year) const {
  std::vector<Zone::Transition> changes;
  if (!summer) return changes;
  for (int year = first_year; year <= last_year; ++year) {
    const Zone::Transition start{(summer->start.local_s(year) - offset_s) * 1'000,
                                 summer->offset_s};
    const Zone::Transition end{(summer->end.local_s(year) - summer->offset_s) * 1'000, offset_s};
    // The southern summer ends before it starts.
    const bool starts_first = start.from_ms < end.from_ms;
    for (const Zone::Transition& change :
         {starts_first ? start : end, starts_first ? end : start}) {
      // Hours beyond a day may carry a change into its neighbour's year.
      const auto later =
          std::ranges::upper_bound(changes, change.from_ms, {}, &Zone::Transition::from_ms);
      changes.insert(later, change);
    }
  }
  // Where one year's end meets the next year's start the later one counts: that is how a zone says
  // that summer time lasts all year.
  std::size_t kept = 0;
  for (const Zone::Transition& change : changes) {
    if (kept > 0 && changes[kept - 1].from_ms == change.from_ms) --kept;
    changes[kept++] = change;
  }
  changes.resize(kept);
  return changes;
}

std::optional<PosixZone> parse_posix_zone(std::string_view text) {
  PosixZoneReader reader(text);
  if (!reader.skip_name()) return std::nullopt;
  const auto west_s = reader.time_s(zone_hours_max);
  if (!west_s) return std::nullopt;
  PosixZone zone{.offset_s = -*west_s, .summer = std::nullopt};
  if (reader.at_end()) return zone;

  PosixZone::Summer summer;
  if (!reader.skip_name()) return std::nullopt;
  summer.offset_s = zone.offset_s + 3'600;
  if (!reader.take(',')) {
    const auto summer_west_s = reader.time_s(zone_hours_max);
    if (!summer_west_s || !reader.take(',')) return std::nullopt;
    summer.offset_s = -*summer_west_s;
  }
  const auto start = reader.moment();
  if (!start || !reader.take(',')) return std::nullopt;
  const auto end = reader.moment();
  if (!end || !reader.at_end()) return std::nullopt;
  summer.start = *start;
  summer.end = *end;
  zone.summer = summer;
  return zone;
}

}  // namespace hf
