// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <expected>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "base/env.h"
#include "calendar/zone.h"

namespace hf {

/// How a column of times is written. `zone` below is a zone or offset as it may follow a time of
/// day, after a blank or none: Z, UTC, GMT, +01:00, +0100 or +01.
enum class TimeStyle : std::uint8_t {
  iso,      ///< 2010-12-01, 2010-12-01 08:26[:00[.123456]][zone], T or a blank between
  compact,  ///< 20101201, 20101201T0826[00[.123456]][zone], the T may be absent before 6 digits
  epoch_s,  ///< seconds since 1970, a fraction allowed
  epoch_ms,
  epoch_us,
  pattern,  ///< strptime-like, see TimeFormat::pattern
};

/// Parses one column's times. Cheap to copy.
struct TimeFormat {
  TimeStyle style = TimeStyle::iso;
  /// For style pattern: %Y %y %m %d %e %H %I %M %S %f (fraction, 1-9 digits) %p %b %B (English)
  /// %a (English weekday, not checked against the date) %z (as `zone` of TimeStyle) %s (epoch
  /// seconds) %%; other characters stand for themselves, a blank for one or more blanks. %m %d %e
  /// %H %I %M %S take one or two digits, %Y four, %y two (69..99 are 19yy).
  std::string pattern;

  friend bool operator==(const TimeFormat&, const TimeFormat&) = default;
};

/// True for a pattern that can name a day: conversions as listed above only, among them year,
/// month and day, or %s.
[[nodiscard]] bool is_time_pattern(std::string_view pattern);

enum class TimeError : std::uint8_t { not_a_time, out_of_range };

/// Reads `text` (surrounding blanks ignored) as UTC epoch milliseconds; digits below a millisecond
/// are cut off. A reading without an offset is local to `zone` (Zone::from_local). A leap second
/// (23:59:60 UTC) is read as the second after it.
/// out_of_range: a valid time outside [timestamp_min_ms, timestamp_end_ms).
[[nodiscard]] std::expected<TimestampMs, TimeError> parse_time(std::string_view text,
                                                               const TimeFormat& format,
                                                               const Zone& zone);

/// The one format that reads all `samples` (empty ones ignored) or, where none does, all but every
/// tenth; day-first against month-first is decided by the values, where they leave both open
/// month-first is taken and `ambiguous` set. Numbers are epochs by their size, where they lie in
/// the years 1990..2100.
struct RecognizedTime {
  TimeFormat format;
  bool ambiguous = false;
};
[[nodiscard]] std::optional<RecognizedTime> recognize_time(
    std::span<const std::string_view> samples);

/// RFC 3339 with milliseconds only where they are not zero: "2026-01-31T08:00:00+01:00", a zero
/// offset as Z. Offsets with seconds, last used in 1972, are cut to minutes and the time of day
/// with them: the instant is exact.
[[nodiscard]] std::string format_rfc3339(TimestampMs utc_ms, const Zone& zone);
/// Parses RFC 3339 with its required offset; nothing otherwise or out of range. Nothing may
/// surround it; date and time are parted by T or t.
[[nodiscard]] std::optional<TimestampMs> parse_rfc3339(std::string_view text);

}  // namespace hf
