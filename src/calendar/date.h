// SPDX-License-Identifier: Apache-2.0
//
// Calendar dates (proleptic Gregorian) and ISO 8601 durations, without zones.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"

namespace hf {

/// Days since 1970-01-01 of a local calendar; a date, not an instant.
using Day = std::int32_t;

struct CivilDate {
  int year;
  int month;  // 1..12
  int day;    // 1..31
  friend bool operator==(const CivilDate&, const CivilDate&) = default;
};

/// Requires 1 <= month <= 12 and a year of which every day is a Day. A `day` the month lacks counts
/// on into the next one; days_in_month() tells.
[[nodiscard]] Day day_from_civil(CivilDate date);
[[nodiscard]] CivilDate civil_from_day(Day day);
/// 28..31. Requires 1 <= month <= 12.
[[nodiscard]] int days_in_month(int year, int month);
/// "2026-01-31".
[[nodiscard]] std::string to_string(Day day);
/// Strict YYYY-MM-DD of a date that exists, 1970-01-01 to 2100-12-31; nothing otherwise.
[[nodiscard]] std::optional<Day> parse_date(std::string_view text);

enum class WeekStart : std::uint8_t { monday, sunday };

/// The day on which the week (month, quarter, year) that contains `day` begins.
[[nodiscard]] Day start_of_week(Day day, WeekStart week_start);
[[nodiscard]] Day start_of_month(Day day);
[[nodiscard]] Day start_of_quarter(Day day);
[[nodiscard]] Day start_of_year(Day day);
/// `day` plus n calendar months; a day the target month lacks becomes its last (31 Jan + 1 = 28
/// Feb).
[[nodiscard]] Day add_months(Day day, int months);

/// An ISO 8601 duration (5.5.2.2) of whole numbers: calendar months and days, and exact time.
/// "P1Y2M" = 14 months, "P2W" = 14 days, "PT36H" = 129,600,000 ms.
struct Duration {
  int months = 0;
  int days = 0;
  std::int64_t ms = 0;
  friend bool operator==(const Duration&, const Duration&) = default;
};

/// No component of a Duration that parse_duration() returns is longer: 1000 years each, so that
/// adding one to any valid time cannot overflow.
inline constexpr int duration_months_max = 12'000;
inline constexpr int duration_days_max = 366'000;
inline constexpr std::int64_t duration_ms_max = duration_days_max * std::int64_t{86'400'000};

/// Errors: invalid_argument/invalid_duration (also zero, negative, fractional and overlong ones).
[[nodiscard]] Result<Duration> parse_duration(std::string_view text);
[[nodiscard]] std::string to_string(const Duration& duration);

}  // namespace hf
