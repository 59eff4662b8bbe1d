// SPDX-License-Identifier: Apache-2.0
#include "cli/words.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <cstdlib>

namespace hf {
namespace {

constexpr std::string_view months[] = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                       "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};

struct DateParts {
  int year = 0;
  int month = 0;
  int day = 0;
};

bool read_date(std::string_view text, DateParts& out) {
  if (text.size() < 10) return false;
  const auto number = [&](std::size_t at, std::size_t n, int& value) {
    return std::from_chars(text.data() + at, text.data() + at + n, value).ptr ==
           text.data() + at + n;
  };
  return number(0, 4, out.year) && number(5, 2, out.month) && number(8, 2, out.day) &&
         out.month >= 1 && out.month <= 12;
}

}  // namespace

Language choose_language(std::string_view wanted) {
  if (wanted.empty()) {
    for (const char* name : {"LC_ALL", "LC_MESSAGES", "LANG"}) {
      const char* value = std::getenv(name);
      if (value != nullptr && *value != '\0') {
        wanted = value;
        break;
      }
    }
  }
  return wanted.starts_with("zh") ? Language::chinese : Language::english;
}

std::string period_label(std::string_view start, std::string_view period, Words words) {
  DateParts date;
  if (!read_date(start, date)) return std::string(start);
  const bool english = words.language == Language::english;
  if (period == "year") return std::to_string(date.year);
  if (period == "quarter") {
    return fmt::format(fmt::runtime(words("Q{1} {0}", "{0} 年第 {1} 季度")), date.year,
                       (date.month + 2) / 3);
  }
  if (period == "month") {
    return english ? fmt::format("{} {}", months[date.month - 1], date.year)
                   : fmt::format("{} 年 {} 月", date.year, date.month);
  }
  // Hours, and durations of time: several begin on one date.
  constexpr std::size_t minutes_end = 16;
  if (start.size() >= minutes_end) {
    return fmt::format("{} {}", start.substr(0, 10), start.substr(11, 5));
  }
  return date_label(start, words);
}

std::string date_label(std::string_view date, Words words) {
  DateParts parts;
  if (!read_date(date, parts)) return std::string(date);
  return words.language == Language::english
             ? fmt::format("{} {} {}", parts.day, months[parts.month - 1], parts.year)
             : fmt::format("{} 年 {} 月 {} 日", parts.year, parts.month, parts.day);
}

std::string period_noun(std::string_view period, Words words) {
  if (period == "hour") return std::string(words("hour", "小时"));
  if (period == "day") return std::string(words("day", "天"));
  if (period == "week") return std::string(words("week", "周"));
  if (period == "month") return std::string(words("month", "个月"));
  if (period == "quarter") return std::string(words("quarter", "个季度"));
  if (period == "year") return std::string(words("year", "年"));
  return std::string(words("period", "个周期"));
}

std::string duration_text(double seconds, Words words, int units) {
  struct Unit {
    std::int64_t seconds;
    std::string_view english;
    std::string_view chinese;
  };
  constexpr Unit known[] = {
      {86'400, "d", "天"}, {3'600, "h", "小时"}, {60, "min", "分钟"}, {1, "s", "秒"}};
  if (seconds < 10 && seconds != std::floor(seconds)) {
    return fmt::format("{:.1f} {}", seconds, words("s", "秒"));
  }
  std::size_t first = 0;
  while (first < 3 && seconds < static_cast<double>(known[first].seconds)) ++first;
  const std::size_t last = std::min(first + static_cast<std::size_t>(units) - 1, std::size_t{3});
  const std::int64_t step = known[last].seconds;
  std::int64_t left = std::llround(seconds / static_cast<double>(step)) * step;
  std::string out;
  // From the unit before: what is rounded up may be one more of it.
  for (std::size_t i = first == 0 ? 0 : first - 1; i <= last; ++i) {
    const std::int64_t count = left / known[i].seconds;
    left -= count * known[i].seconds;
    if (count == 0 && (!out.empty() || i < last)) continue;
    if (!out.empty()) out += ' ';
    out += fmt::format("{} {}", count, words(known[i].english, known[i].chinese));
  }
  return out;
}

}  // namespace hf
