// SPDX-License-Identifier: Apache-2.0
//
// Time zones from the system's TZif files (RFC 9636), version 2 and up, with the POSIX TZ string of
// the footer applied beyond the last transition, unrolled into one table up to 2101-01-01.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/env.h"
#include "base/result.h"
#include "calendar/date.h"

namespace hf {

inline constexpr std::int64_t ms_per_day = 86'400'000;
/// Times outside [1970-01-01, 2101-01-01) UTC are refused everywhere.
inline constexpr TimestampMs timestamp_min_ms = 0;
inline constexpr TimestampMs timestamp_end_ms = 4'133'980'800'000;

/// One time zone. Immutable; const methods may run concurrently.
class Zone {
 public:
  /// From `from_ms` on, local time = UTC + offset_s. The first entry's from_ms is the lowest int64.
  struct Transition {
    TimestampMs from_ms;
    std::int32_t offset_s;
  };

  /// Reads an IANA name ("Europe/London", "UTC") below the zoneinfo directory: the environment
  /// variable TZDIR, else /usr/share/zoneinfo. "UTC" and "Etc/UTC" work without any file.
  /// Errors: invalid_argument/unknown_timezone (also names with "..", absolute or empty ones);
  /// data_loss/bad_timezone_file.
  [[nodiscard]] static Result<std::shared_ptr<const Zone>> load(const Env& env,
                                                                std::string_view name);
  /// Parses the bytes of a TZif file. Errors: data_loss/bad_timezone_file.
  [[nodiscard]] static Result<std::shared_ptr<const Zone>> parse(std::string name,
                                                                 std::span<const std::byte> tzif);
  [[nodiscard]] static std::shared_ptr<const Zone> utc();

  [[nodiscard]] const std::string& name() const { return name_; }
  [[nodiscard]] std::span<const Transition> transitions() const { return transitions_; }

  [[nodiscard]] std::int32_t offset_s(TimestampMs utc_ms) const;
  /// The local calendar date at that instant.
  [[nodiscard]] Day local_day(TimestampMs utc_ms) const;
  /// The first instant whose local date is `day` or later. A date the zone skipped has the
  /// same start as the next one.
  [[nodiscard]] TimestampMs start_of_day(Day day) const;
  /// The instant of a local wall-clock reading (ms since local 1970-01-01T00:00). One that occurs
  /// twice is the first; one that a forward jump skips is read with the offset before the jump.
  [[nodiscard]] TimestampMs from_local(std::int64_t local_ms) const;

 private:
  std::string name_;
  std::vector<Transition> transitions_;
};

}  // namespace hf
