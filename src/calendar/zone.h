// SPDX-License-Identifier: Apache-2.0
//
// Time zones from the system's TZif files (RFC 9636), with the POSIX TZ string of
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
  /// Parses the bytes of a TZif file of any version; leap seconds are ignored. Changes before
  /// 1970 are those the file lists: its rule is applied from 1970 on.
  /// Errors: data_loss/bad_timezone_file.
  [[nodiscard]] static Result<std::shared_ptr<const Zone>> parse(std::string name,
                                                                 std::span<const std::byte> tzif);
  [[nodiscard]] static std::shared_ptr<const Zone> utc();

  [[nodiscard]] const std::string& name() const { return name_; }
  /// Strictly increasing; neighbours differ in offset. None begins at or after timestamp_end_ms:
  /// the last offset holds from there on.
  [[nodiscard]] std::span<const Transition> transitions() const { return by_utc_.entries(); }

  /// O(1) for valid times, else a binary search. Requires |utc_ms| < 2^57, as do all below.
  [[nodiscard]] std::int32_t offset_s(TimestampMs utc_ms) const { return by_utc_.at(utc_ms); }
  /// The local calendar date at that instant.
  [[nodiscard]] Day local_day(TimestampMs utc_ms) const {
    return floor_day(utc_ms + offset_s(utc_ms) * std::int64_t{1'000});
  }
  /// The first instant whose local date is `day` or later. A date the zone skipped has the
  /// same start as the next one.
  [[nodiscard]] TimestampMs start_of_day(Day day) const;
  /// The instant of a local wall-clock reading (ms since local 1970-01-01T00:00). One that occurs
  /// twice is the first; one that a forward jump skips is read with the offset before the jump.
  [[nodiscard]] TimestampMs from_local(std::int64_t local_ms) const {
    return local_ms - by_local_.at(local_ms) * std::int64_t{1'000};
  }

 private:
  // Offsets by time, constant from one entry to the next. A time within [0, timestamp_end_ms) is
  // found by its bucket of 25 days: two entries in one bucket are rare, so that one comparison
  // decides. Index and entries of a zone with summer time take about 8 KiB and stay in the cache.
  class OffsetTable {
   public:
    // Requires entries as transitions() describes them, fewer than 2^16.
    explicit OffsetTable(std::vector<Transition> entries);

    [[nodiscard]] std::span<const Transition> entries() const {
      return {entries_.data(), entries_.size() - 1};
    }
    [[nodiscard]] std::int32_t at(std::int64_t ms) const {
      const std::uint64_t bucket = static_cast<std::uint64_t>(ms) >> bucket_bits;
      if (bucket >= bucket_count) [[unlikely]] {
        return at_any(ms);
      }
      std::size_t i = first_of_bucket_[bucket];
      while (entries_[i + 1].from_ms <= ms) ++i;
      return entries_[i].offset_s;
    }

   private:
    static constexpr int bucket_bits = 31;
    static constexpr std::size_t bucket_count = (timestamp_end_ms >> bucket_bits) + 1;

    [[nodiscard]] std::int32_t at_any(std::int64_t ms) const;

    std::vector<Transition> entries_;             // Closed by one that no time reaches.
    std::vector<std::uint16_t> first_of_bucket_;  // The entry in force as the bucket begins.
  };

  Zone(std::string name, std::vector<Transition> transitions);

  static Day floor_day(std::int64_t local_ms) {
    // Divides without sign, which is quicker: the bias is all days before day 0.
    constexpr std::int64_t bias_days = std::int64_t{1} << 31;
    const auto biased = static_cast<std::uint64_t>(local_ms + bias_days * ms_per_day);
    return static_cast<Day>(static_cast<std::int64_t>(biased / ms_per_day) - bias_days);
  }

  std::string name_;
  OffsetTable by_utc_;
  OffsetTable by_local_;  // from_ms is a local reading here.
};

/// The instant `times` durations earlier: the local date so many months, then days earlier at the
/// same local time of day, then the exact part off. 30 days before 09:00 is 09:00, whatever the
/// zone did in between; a day the month lacks is its last. Requires a valid time, a duration with
/// no part longer than parse_duration() returns, 0 <= times <= 1000.
[[nodiscard]] TimestampMs earlier(TimestampMs utc_ms, const Duration& duration, int times,
                                  const Zone& zone);

}  // namespace hf
