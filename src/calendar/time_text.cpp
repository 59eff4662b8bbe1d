// SPDX-License-Identifier: Apache-2.0
//
// Every style fills one TimeReading, and resolve() turns that into an instant. Ahead of it stands
// the shortcut for what imported files mostly hold, YYYY-MM-DD HH:MM:SS, with few branches.
#include "calendar/time_text.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <limits>

#include "calendar/date.h"

namespace hf {

namespace {

using TimeResult = std::expected<TimestampMs, TimeError>;

constexpr std::unexpected<TimeError> not_a_time{TimeError::not_a_time};
constexpr std::size_t any_count = std::numeric_limits<std::size_t>::max();
// Ten times what is valid: out of range, and far from overflow in ms.
constexpr std::int64_t epoch_s_bound = timestamp_end_ms / 100;

constexpr bool is_digit(char c) { return c >= '0' && c <= '9'; }
constexpr bool is_blank(char c) { return c == ' ' || c == '\t'; }
constexpr char to_lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; }

TimeResult in_range(TimestampMs utc_ms) {
  if (utc_ms < timestamp_min_ms || utc_ms >= timestamp_end_ms) {
    return std::unexpected(TimeError::out_of_range);
  }
  return utc_ms;
}

// The first day of each month from January 1970 to January 2101.
constexpr int table_year_min = 1970;
constexpr int table_year_max = 2100;
constexpr auto month_starts = [] {
  std::array<std::uint16_t, (table_year_max - table_year_min + 1) * 12 + 1> starts{};
  constexpr int lengths[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
  int day = 0;
  for (std::size_t i = 0; i < starts.size(); ++i) {
    starts[i] = static_cast<std::uint16_t>(day);
    const int year = table_year_min + static_cast<int>(i / 12);
    const bool is_leap_year = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    day += lengths[i % 12] + (is_leap_year && i % 12 == 1 ? 1 : 0);
  }
  return starts;
}();

constexpr std::size_t plain_size = 19;

// Reads "YYYY-MM-DD HH:MM:SS" of a date that exists, in the years of the table, as local ms.
// Whatever else it finds (a leap second too) it leaves to the long way. Requires plain_size
// characters.
bool read_plain(const char* text, std::int64_t& local_ms) {
  unsigned wrong = 0;
  const auto two_digits = [&](int at) {
    const unsigned tens = static_cast<unsigned>(text[at]) - '0';
    const unsigned ones = static_cast<unsigned>(text[at + 1]) - '0';
    wrong |= static_cast<unsigned>(tens > 9) | static_cast<unsigned>(ones > 9);
    return tens * 10 + ones;
  };
  const unsigned year_index = two_digits(0) * 100 + two_digits(2) - table_year_min;
  const unsigned month_index = two_digits(5) - 1;
  const unsigned day_index = two_digits(8) - 1;
  const unsigned hour = two_digits(11);
  const unsigned minute = two_digits(14);
  const unsigned second = two_digits(17);
  wrong |= static_cast<unsigned>(text[4] != '-') | static_cast<unsigned>(text[7] != '-') |
           static_cast<unsigned>(text[10] != ' ' && text[10] != 'T') |
           static_cast<unsigned>(text[13] != ':') | static_cast<unsigned>(text[16] != ':') |
           static_cast<unsigned>(year_index > table_year_max - table_year_min) |
           static_cast<unsigned>(month_index > 11) | static_cast<unsigned>(hour > 23) |
           static_cast<unsigned>(minute > 59) | static_cast<unsigned>(second > 59);
  if (wrong != 0) return false;
  const std::size_t month = year_index * 12 + month_index;
  if (day_index >= static_cast<unsigned>(month_starts[month + 1] - month_starts[month])) {
    return false;
  }
  const std::int64_t day = month_starts[month] + day_index;
  local_ms = day * ms_per_day + (hour * 3'600 + minute * 60 + second) * std::int64_t{1'000};
  return true;
}

// What a text says, field by field, before anybody asks whether that date exists.
struct TimeReading {
  int year = 1970;
  int month = 1;
  int day = 1;
  int hour = 0;
  int minute = 0;
  int second = 0;
  int ms = 0;
  std::optional<bool> is_afternoon = {};
  std::optional<std::int32_t> offset_s = {};
  std::optional<std::int64_t> epoch_s = {};
};

TimeResult resolve(const TimeReading& reading, const Zone& zone) {
  if (reading.epoch_s) {
    return in_range(std::min(*reading.epoch_s, epoch_s_bound) * 1'000 + reading.ms);
  }
  if (reading.month < 1 || reading.month > 12) return not_a_time;
  if (reading.day < 1 || reading.day > days_in_month(reading.year, reading.month)) {
    return not_a_time;
  }
  int hour = reading.hour;
  if (reading.is_afternoon && hour >= 1 && hour <= 12) {
    hour = hour % 12 + (*reading.is_afternoon ? 12 : 0);
  }
  if (hour > 23 || reading.minute > 59 || reading.second > 60) return not_a_time;
  const Day day = day_from_civil({reading.year, reading.month, reading.day});
  const std::int64_t local_ms = day * ms_per_day + hour * std::int64_t{3'600'000} +
                                reading.minute * 60'000 + reading.second * 1'000;
  const TimestampMs utc_ms = reading.offset_s ? local_ms - *reading.offset_s * std::int64_t{1'000}
                                              : zone.from_local(local_ms);
  if (reading.second == 60 && utc_ms % ms_per_day != 0) return not_a_time;
  return in_range(utc_ms + reading.ms);
}

constexpr std::string_view month_names[] = {"january",   "february", "march",    "april",
                                            "may",       "june",     "july",     "august",
                                            "september", "october",  "november", "december"};
constexpr std::string_view weekday_names[] = {"monday", "tuesday",  "wednesday", "thursday",
                                              "friday", "saturday", "sunday"};

// Reads a text from left to right. A function that returns false has read an unknown part of it.
class TimeTextReader {
 public:
  explicit TimeTextReader(std::string_view text) : rest_(text) {}

  bool at_end() const { return rest_.empty(); }
  char peek() const { return rest_.empty() ? '\0' : rest_.front(); }

  bool take(char c) {
    if (rest_.empty() || rest_.front() != c) return false;
    rest_.remove_prefix(1);
    return true;
  }

  // Any case; `lower` is lower case.
  bool take_word(std::string_view lower) {
    if (rest_.size() < lower.size()) return false;
    for (std::size_t i = 0; i < lower.size(); ++i) {
      if (to_lower(rest_[i]) != lower[i]) return false;
    }
    rest_.remove_prefix(lower.size());
    return true;
  }

  bool take_blanks() {
    if (!is_blank(peek())) return false;
    while (is_blank(peek())) rest_.remove_prefix(1);
    return true;
  }

  // As many digits as there are up to `count_max`, at least `count_min`.
  bool number(std::size_t count_min, std::size_t count_max, int& value) {
    std::size_t count = 0;
    value = 0;
    while (count < count_max && count < rest_.size() && is_digit(rest_[count])) {
      value = value * 10 + (rest_[count++] - '0');
    }
    rest_.remove_prefix(count);
    return count >= count_min;
  }

  // All digits there are; stops growing far above every valid time in any unit.
  bool whole(std::int64_t& value) {
    constexpr std::int64_t bound = std::int64_t{1} << 58;  // Times 10 it still fits.
    const bool read = is_digit(peek());
    for (value = 0; is_digit(peek()); rest_.remove_prefix(1)) {
      value = std::min(value * 10 + (rest_.front() - '0'), bound);
    }
    return read;
  }

  // The digits behind a decimal point, cut to milliseconds.
  bool fraction(std::size_t count_max, int& ms) {
    int scale = 100;
    std::size_t count = 0;
    ms = 0;
    for (; count < count_max && count < rest_.size() && is_digit(rest_[count]); ++count) {
      ms += (rest_[count] - '0') * scale;
      scale /= 10;
    }
    rest_.remove_prefix(count);
    return count > 0;
  }

  // Z, UTC, GMT, +hh:mm, +hhmm or +hh.
  bool offset(std::optional<std::int32_t>& offset_s) {
    if (take_word("z") || take_word("utc") || take_word("gmt")) {
      offset_s = 0;
      return true;
    }
    const bool is_west = take('-');
    if (!is_west && !take('+')) return false;
    int hours = 0;
    int minutes = 0;
    if (!number(2, 2, hours)) return false;
    const bool has_minutes = take(':') || is_digit(peek());
    if (has_minutes && !number(2, 2, minutes)) return false;
    if (hours > 23 || minutes > 59) return false;
    offset_s = (hours * 3'600 + minutes * 60) * (is_west ? -1 : 1);
    return true;
  }

  // As RFC 3339 has it: Z or +hh:mm, and the end.
  bool strict_offset(std::optional<std::int32_t>& offset_s) {
    const bool is_strict = rest_.size() == 1 || (rest_.size() == 6 && rest_[3] == ':');
    return is_strict && offset(offset_s) && at_end();
  }

  // The whole name or its first three letters; `index` counts from 0.
  bool name(std::span<const std::string_view> names, int& index) {
    for (std::size_t i = 0; i < names.size(); ++i) {
      if (!take_word(names[i]) && !take_word(names[i].substr(0, 3))) continue;
      index = static_cast<int>(i);
      return true;
    }
    return false;
  }

 private:
  std::string_view rest_;
};

// "[[ ]zone]" and the end.
bool read_zone(TimeTextReader& text, TimeReading& reading) {
  if (text.at_end()) return true;
  text.take(' ');
  return text.offset(reading.offset_s) && text.at_end();
}

// "[.123][[ ]zone]" and the end.
bool read_fraction_and_zone(TimeTextReader& text, TimeReading& reading) {
  if ((text.take('.') || text.take(',')) && !text.fraction(any_count, reading.ms)) return false;
  return read_zone(text, reading);
}

bool read_iso(TimeTextReader text, TimeReading& reading) {
  if (!text.number(4, 4, reading.year) || !text.take('-') || !text.number(2, 2, reading.month) ||
      !text.take('-') || !text.number(2, 2, reading.day)) {
    return false;
  }
  if (text.at_end()) return true;
  if (!text.take('T') && !text.take(' ') && !text.take('t')) return false;
  if (!text.number(2, 2, reading.hour) || !text.take(':') || !text.number(2, 2, reading.minute)) {
    return false;
  }
  if (text.take(':')) {
    return text.number(2, 2, reading.second) && read_fraction_and_zone(text, reading);
  }
  return read_zone(text, reading);
}

bool read_compact(TimeTextReader text, TimeReading& reading) {
  if (!text.number(4, 4, reading.year) || !text.number(2, 2, reading.month) ||
      !text.number(2, 2, reading.day)) {
    return false;
  }
  if (text.at_end()) return true;
  const bool has_mark = text.take('T') || text.take('t');
  if (!text.number(2, 2, reading.hour) || !text.number(2, 2, reading.minute)) return false;
  // Without the T, twelve digits are as well an epoch in ms or an order number.
  if (!is_digit(text.peek())) return has_mark && read_zone(text, reading);
  return text.number(2, 2, reading.second) && read_fraction_and_zone(text, reading);
}

bool read_pattern(TimeTextReader text, std::string_view pattern, TimeReading& reading) {
  for (std::size_t at = 0; at < pattern.size(); ++at) {
    const char c = pattern[at];
    if (c == ' ') {
      if (!text.take_blanks()) return false;
      continue;
    }
    if (c != '%') {
      if (!text.take(c)) return false;
      continue;
    }
    if (++at == pattern.size()) return false;
    int index = 0;
    bool read = false;
    switch (pattern[at]) {
      case 'Y': read = text.number(4, 4, reading.year); break;
      case 'y':
        read = text.number(2, 2, reading.year);
        reading.year += reading.year < 69 ? 2000 : 1900;  // As POSIX strptime does.
        break;
      case 'm': read = text.number(1, 2, reading.month); break;
      case 'd':
      case 'e': read = text.number(1, 2, reading.day); break;
      case 'H': read = text.number(1, 2, reading.hour); break;
      case 'I':
        read = text.number(1, 2, reading.hour) && reading.hour >= 1 && reading.hour <= 12;
        break;
      case 'M': read = text.number(1, 2, reading.minute); break;
      case 'S': read = text.number(1, 2, reading.second); break;
      case 'f': read = text.fraction(9, reading.ms); break;
      case 'p':
        reading.is_afternoon = to_lower(text.peek()) == 'p';
        read = text.take_word("am") || text.take_word("pm");
        break;
      case 'b':
      case 'B':
        read = text.name(month_names, index);
        reading.month = index + 1;
        break;
      case 'a': read = text.name(weekday_names, index); break;
      case 'z': read = text.offset(reading.offset_s); break;
      case 's': read = text.whole(reading.epoch_s.emplace()); break;
      case '%': read = text.take('%'); break;
      default: return false;
    }
    if (!read) return false;
  }
  return text.at_end();
}

// [-]digits[.digits] in units of 1/units_per_s seconds.
TimeResult parse_epoch(TimeTextReader text, std::int64_t units_per_s) {
  const bool is_negative = text.take('-');
  std::int64_t units = 0;
  int fraction_ms = 0;  // Of a unit; below a millisecond where the unit is not the second.
  if (!text.whole(units)) return not_a_time;
  if (text.take('.') && !text.fraction(any_count, fraction_ms)) return not_a_time;
  if (!text.at_end()) return not_a_time;
  if (is_negative && (units != 0 || fraction_ms != 0)) {
    return std::unexpected(TimeError::out_of_range);
  }
  if (units_per_s > 1) return in_range(units / (units_per_s / 1'000));
  return in_range(std::min(units, epoch_s_bound) * 1'000 + fraction_ms);
}

std::string_view trimmed(std::string_view text) {
  while (!text.empty() && is_blank(text.front())) text.remove_prefix(1);
  while (!text.empty() && is_blank(text.back())) text.remove_suffix(1);
  return text;
}

}  // namespace

bool is_time_pattern(std::string_view pattern) {
  bool has_year = false;
  bool has_month = false;
  bool has_day = false;
  bool has_epoch = false;
  for (std::size_t at = pattern.find('%'); at < pattern.size(); at = pattern.find('%', at + 2)) {
    if (at + 1 == pattern.size()) return false;
    const char conversion = pattern[at + 1];
    if (std::string_view("YymdeHIMSfpbBazs%").find(conversion) == std::string_view::npos) {
      return false;
    }
    has_year = has_year || conversion == 'Y' || conversion == 'y';
    has_month = has_month || conversion == 'm' || conversion == 'b' || conversion == 'B';
    has_day = has_day || conversion == 'd' || conversion == 'e';
    has_epoch = has_epoch || conversion == 's';
  }
  return has_epoch || (has_year && has_month && has_day);
}

std::expected<TimestampMs, TimeError> parse_time(std::string_view text, const TimeFormat& format,
                                                 const Zone& zone) {
  if (format.style == TimeStyle::iso && text.size() >= plain_size) {
    std::int64_t local_ms = 0;
    if (read_plain(text.data(), local_ms)) {
      if (text.size() == plain_size) return in_range(zone.from_local(local_ms));
      TimeReading tail;
      TimeTextReader tail_text(text.substr(plain_size));
      if (read_fraction_and_zone(tail_text, tail)) {
        const TimestampMs utc_ms = tail.offset_s ? local_ms - *tail.offset_s * std::int64_t{1'000}
                                                 : zone.from_local(local_ms);
        return in_range(utc_ms + tail.ms);
      }
    }
  }
  text = trimmed(text);
  TimeReading reading;
  bool read = false;
  switch (format.style) {
    case TimeStyle::iso: read = read_iso(TimeTextReader(text), reading); break;
    case TimeStyle::compact: read = read_compact(TimeTextReader(text), reading); break;
    case TimeStyle::epoch_s: return parse_epoch(TimeTextReader(text), 1);
    case TimeStyle::epoch_ms: return parse_epoch(TimeTextReader(text), 1'000);
    case TimeStyle::epoch_us: return parse_epoch(TimeTextReader(text), 1'000'000);
    case TimeStyle::pattern:
      read = read_pattern(TimeTextReader(text), format.pattern, reading);
      break;
  }
  if (!read) return not_a_time;
  return resolve(reading, zone);
}

std::string format_rfc3339(TimestampMs utc_ms, const Zone& zone) {
  const std::int32_t offset_min = zone.offset_s(utc_ms) / 60;
  // Read as if it were UTC, so that the date beside this time of day is its own.
  const std::int64_t local_ms = utc_ms + offset_min * std::int64_t{60'000};
  const Day day = Zone::utc()->local_day(local_ms);
  const auto ms_of_day = static_cast<int>(local_ms - day * ms_per_day);
  const CivilDate date = civil_from_day(day);
  std::string out =
      fmt::format("{:04}-{:02}-{:02}T{:02}:{:02}:{:02}", date.year, date.month, date.day,
                  ms_of_day / 3'600'000, ms_of_day / 60'000 % 60, ms_of_day / 1'000 % 60);
  if (ms_of_day % 1'000 != 0) out += fmt::format(".{:03}", ms_of_day % 1'000);
  if (offset_min == 0) return out + 'Z';
  const int size_min = offset_min < 0 ? -offset_min : offset_min;
  return out +
         fmt::format("{}{:02}:{:02}", offset_min < 0 ? '-' : '+', size_min / 60, size_min % 60);
}

std::optional<TimestampMs> parse_rfc3339(std::string_view text) {
  if (text.size() <= plain_size || to_lower(text[10]) != 't' || text[16] != ':') {
    return std::nullopt;
  }
  TimeReading reading;
  TimeTextReader tail(text.substr(plain_size));
  if (tail.take('.') && !tail.fraction(any_count, reading.ms)) return std::nullopt;
  if (!tail.strict_offset(reading.offset_s)) return std::nullopt;
  TimeResult utc_ms = not_a_time;
  if (std::int64_t local_ms = 0; read_plain(text.data(), local_ms)) {
    utc_ms = in_range(local_ms - *reading.offset_s * std::int64_t{1'000} + reading.ms);
  } else if (read_iso(TimeTextReader(text.substr(0, plain_size)), reading)) {
    utc_ms = resolve(reading, *Zone::utc());
  }
  return utc_ms ? std::optional(*utc_ms) : std::nullopt;
}

}  // namespace hf
