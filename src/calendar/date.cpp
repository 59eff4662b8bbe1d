// SPDX-License-Identifier: Apache-2.0
//
// Dates are computed in years that begin on 1 March: the leap day is then the last day of its
// year, and the days before each month follow one line, (153 * month + 2) / 5.
#include "calendar/date.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/assert.h"

namespace hf {

namespace {

constexpr int days_per_400_years = 146'097;
constexpr int days_per_100_years = 36'524;
constexpr int days_per_4_years = 1'461;
// 1970-01-01 counted from 0000-03-01, where the first 400-year cycle begins.
constexpr int epoch_in_march_days = 719'468;

constexpr bool is_leap_year(int year) {
  return year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
}

constexpr std::int64_t floor_divide(std::int64_t a, std::int64_t b) {
  return a / b - (a % b < 0 ? 1 : 0);
}

}  // namespace

Day day_from_civil(CivilDate date) {
  HF_ASSERT(date.month >= 1 && date.month <= 12);
  HF_ASSERT(date.year >= -5'800'000 && date.year <= 5'800'000);
  const int march_year = date.month > 2 ? date.year : date.year - 1;
  const int march_month = date.month > 2 ? date.month - 3 : date.month + 9;
  const auto cycle = static_cast<int>(floor_divide(march_year, 400));
  const int year_of_cycle = march_year - cycle * 400;
  const int day_of_cycle = year_of_cycle * 365 + year_of_cycle / 4 - year_of_cycle / 100 +
                           (153 * march_month + 2) / 5 + date.day - 1;
  return cycle * days_per_400_years + day_of_cycle - epoch_in_march_days;
}

CivilDate civil_from_day(Day day) {
  const std::int64_t march_days = std::int64_t{day} + epoch_in_march_days;
  const auto cycle = static_cast<int>(floor_divide(march_days, days_per_400_years));
  auto rest = static_cast<int>(march_days - std::int64_t{cycle} * days_per_400_years);
  // The last century and the last year of a cycle are one day longer: their last day must not
  // count as the next one's first.
  const int century = std::min(rest / days_per_100_years, 3);
  rest -= century * days_per_100_years;
  const int quad = rest / days_per_4_years;
  rest -= quad * days_per_4_years;
  const int year_of_quad = std::min(rest / 365, 3);
  rest -= year_of_quad * 365;
  const int march_month = (5 * rest + 2) / 153;
  const int year = cycle * 400 + century * 100 + quad * 4 + year_of_quad;
  return {.year = march_month < 10 ? year : year + 1,
          .month = march_month < 10 ? march_month + 3 : march_month - 9,
          .day = rest - (153 * march_month + 2) / 5 + 1};
}

int days_in_month(int year, int month) {
  HF_ASSERT(month >= 1 && month <= 12);
  if (month == 2) return is_leap_year(year) ? 29 : 28;
  return month == 4 || month == 6 || month == 9 || month == 11 ? 30 : 31;
}

std::string to_string(Day day) {
  const CivilDate date = civil_from_day(day);
  return fmt::format("{:04}-{:02}-{:02}", date.year, date.month, date.day);
}

std::optional<Day> parse_date(std::string_view text) {
  if (text.size() != 10 || text[4] != '-' || text[7] != '-') return std::nullopt;
  int fields[3] = {};
  for (std::size_t i = 0, field = 0; i < text.size(); ++i) {
    if (i == 4 || i == 7) {
      ++field;
      continue;
    }
    if (text[i] < '0' || text[i] > '9') return std::nullopt;
    fields[field] = fields[field] * 10 + (text[i] - '0');
  }
  const auto [year, month, day] = fields;
  if (year < 1970 || year > 2100 || month < 1 || month > 12) return std::nullopt;
  if (day < 1 || day > days_in_month(year, month)) return std::nullopt;
  return day_from_civil({year, month, day});
}

Day start_of_week(Day day, WeekStart week_start) {
  // Day 0 was a Thursday: three days after a Monday, four after a Sunday.
  const int days_ahead = week_start == WeekStart::monday ? 3 : 4;
  const std::int64_t shifted = std::int64_t{day} + days_ahead;
  return static_cast<Day>(day - (shifted - floor_divide(shifted, 7) * 7));
}

Day start_of_month(Day day) { return day - civil_from_day(day).day + 1; }

Day start_of_quarter(Day day) {
  const CivilDate date = civil_from_day(day);
  return day_from_civil({date.year, (date.month - 1) / 3 * 3 + 1, 1});
}

Day start_of_year(Day day) { return day_from_civil({civil_from_day(day).year, 1, 1}); }

Day add_months(Day day, int months) {
  const CivilDate date = civil_from_day(day);
  const std::int64_t month_count = std::int64_t{date.year} * 12 + (date.month - 1) + months;
  const auto year = static_cast<int>(floor_divide(month_count, 12));
  const auto month = static_cast<int>(month_count - std::int64_t{year} * 12) + 1;
  return day_from_civil({year, month, std::min(date.day, days_in_month(year, month))});
}

Result<Duration> parse_duration(std::string_view text) {
  const auto refused = [&] {
    return fail(ErrorCode::invalid_argument, "invalid_duration",
                fmt::format("not an ISO 8601 duration of whole numbers such as P30D, P1Y2M, P2W "
                            "or PT36H: \"{}\"",
                            text.substr(0, 64)));
  };
  if (text.size() < 3 || text[0] != 'P') return refused();
  // The designators in the order they must come in; 'T' parts dates from times (M means both).
  std::string_view designators = "YMWDTHMS";
  Duration duration;
  std::int64_t months = 0;
  std::int64_t days = 0;
  std::int64_t ms = 0;
  bool in_time = false;
  bool has_weeks = false;
  int components = 0;
  std::size_t at = 1;
  while (at < text.size()) {
    if (text[at] == 'T' && !in_time && at + 1 < text.size()) {
      in_time = true;
      designators = "HMS";
      ++at;
      continue;
    }
    std::int64_t number = 0;
    const std::size_t first_digit = at;
    for (; at < text.size() && text[at] >= '0' && text[at] <= '9'; ++at) {
      // Saturates far above every limit below, far below overflow.
      number = std::min(number * 10 + (text[at] - '0'), std::int64_t{1'000'000'000'000});
    }
    if (at == first_digit || at == text.size()) return refused();
    const char designator = text[at++];
    const std::size_t place = designators.find(designator);
    if (designator == 'T' || place == std::string_view::npos) return refused();
    if (!in_time && place > designators.find('T')) return refused();
    designators.remove_prefix(place + 1);
    ++components;
    switch (designator) {
      case 'Y': months += number * 12; break;
      case 'M': in_time ? ms += number* 60'000 : months += number; break;
      case 'W':
        days += number * 7;
        has_weeks = true;
        break;
      case 'D': days += number; break;
      case 'H': ms += number * 3'600'000; break;
      case 'S': ms += number * 1'000; break;
      default: return refused();
    }
  }
  // ISO 8601 gives weeks a form of their own, PnW.
  if (components == 0 || (has_weeks && components > 1)) return refused();
  if (months > duration_months_max || days > duration_days_max) return refused();
  if (ms > duration_ms_max) return refused();
  duration = {static_cast<int>(months), static_cast<int>(days), ms};
  if (duration == Duration{}) return refused();
  return duration;
}

std::string to_string(const Duration& duration) {
  std::string out = "P";
  const auto append = [&](std::int64_t number, char designator) {
    if (number != 0) out += fmt::format("{}{}", number, designator);
  };
  append(duration.months / 12, 'Y');
  append(duration.months % 12, 'M');
  append(duration.days, 'D');
  if (duration.ms != 0) {
    out += 'T';
    append(duration.ms / 3'600'000, 'H');
    append(duration.ms / 60'000 % 60, 'M');
    const std::int64_t second_ms = duration.ms % 60'000;
    append(second_ms % 1'000 == 0 ? second_ms / 1'000 : 0, 'S');
    if (second_ms % 1'000 != 0) {
      out += fmt::format("{}.{:03}S", second_ms / 1'000, second_ms % 1'000);
    }
  }
  return out.size() == 1 ? "P0D" : out;
}

}  // namespace hf
