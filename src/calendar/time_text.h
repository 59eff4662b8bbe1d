// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "base/env.h"
#include "calendar/zone.h"

namespace hf {

/// How a column of times is written.
enum class TimeStyle : std::uint8_t {
  iso,         ///< 2010-12-01, 2010-12-01 08:26[:00[.123456]], T or blank, optional Z or +01:00, +0100, +01
  compact,     ///< 20101201 or 20101201T082600
  epoch_s,     ///< seconds since 1970, a fraction allowed
  epoch_ms,
  epoch_us,
  pattern,     ///< strptime-like, see TimeFormat::pattern
};

/// Parses one column's times. Cheap to copy.
struct TimeFormat {
  TimeStyle style = TimeStyle::iso;
  /// For style pattern: %Y %y %m %d %e %H %I %M %S %f (fraction, 1-9 digits) %p %b %B (English)
  /// %z (Z, +hh:mm, +hhmm) %s (epoch seconds) %%; other characters stand for themselves, a blank
  /// for one or more blanks. %m %d %H %M %S take one or two digits.
  std::string pattern;

  friend bool operator==(const TimeFormat&, const TimeFormat&) = default;
};

enum class TimeError : std::uint8_t { not_a_time, out_of_range };

/// Reads `text` (surrounding blanks ignored) as UTC epoch milliseconds; digits below a millisecond
/// are cut off. A reading without an offset is local to `zone` (Zone::from_local).
/// out_of_range: a valid time outside [timestamp_min_ms, timestamp_end_ms).
[[nodiscard]] std::expected<TimestampMs, TimeError> parse_time(std::string_view text,
                                                               const TimeFormat& format,
                                                               const Zone& zone);

/// The one format that reads all `samples` (empty ones ignored); day-first against month-first is
/// decided by the values, where they leave both open month-first is taken and `ambiguous` set.
struct RecognizedTime {
  TimeFormat format;
  bool ambiguous = false;
};
[[nodiscard]] std::optional<RecognizedTime> recognize_time(std::span<const std::string_view> samples);

/// RFC 3339 with milliseconds only where they are not zero: "2026-01-31T08:00:00+01:00", UTC as Z.
[[nodiscard]] std::string format_rfc3339(TimestampMs utc_ms, const Zone& zone);
/// Parses RFC 3339 with its required offset; nothing otherwise or out of range.
[[nodiscard]] std::optional<TimestampMs> parse_rfc3339(std::string_view text);

}  // namespace hf
