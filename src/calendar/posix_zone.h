// SPDX-License-Identifier: Apache-2.0
//
// The POSIX TZ string in the footer of a TZif file ("CET-1CEST,M3.5.0,M10.5.0/3"), with the
// extensions of RFC 9636 section 3.3.1: hours from -167 to 167 and daylight time all year.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

#include "calendar/zone.h"

namespace hf {

/// A moment that comes once a year, in local time.
struct YearlyMoment {
  enum class Kind : std::uint8_t {
    julian,      ///< Jn: day 1..365, 29 February never counted.
    zero_based,  ///< n: day 0..365, 29 February counted.
    weekday,     ///< Mm.w.d: the w-th weekday d (0 = Sunday) of month m; w = 5 is the last.
  };
  Kind kind = Kind::julian;
  int month = 0;
  int week = 0;
  int day = 0;
  int time_s = 0;  ///< Since local midnight, -167 h..+167 h.

  /// Seconds since local 1970-01-01T00:00.
  [[nodiscard]] std::int64_t local_s(int year) const;
};

struct PosixZone {
  struct Summer {
    std::int32_t offset_s = 0;
    YearlyMoment start;  ///< Read in standard time.
    YearlyMoment end;    ///< Read in summer time.
  };
  std::int32_t offset_s = 0;  ///< Local = UTC + offset_s: the sign is the opposite of the string's.
  std::optional<Summer> summer;

  /// The changes of the years first_year..last_year, from_ms strictly increasing. Empty without
  /// summer time.
  [[nodiscard]] std::vector<Zone::Transition> transitions(int first_year, int last_year) const;
};

/// Nothing if `text` breaks the grammar; summer time without its rule does too.
[[nodiscard]] std::optional<PosixZone> parse_posix_zone(std::string_view text);

}  // namespace hf
