// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <map>
#include <optional>

#include "base/guarded.h"

namespace hf::http {

/// A token bucket a key: so many events a second on average, and what was not used in the last two
/// seconds at once. Thread-safe.
class RateLimit {
 public:
  static constexpr std::int64_t burst_s = 2;

  /// 0: no limit.
  explicit RateLimit(std::uint64_t events_per_s) : events_per_s_(events_per_s) {}

  /// Takes `events` from the bucket of the key, all or none; more than a bucket holds are taken
  /// when it is full, and owed. Nothing where they were taken, else after how many seconds they can
  /// be, at least 1.
  [[nodiscard]] std::optional<std::int64_t> take(std::uint64_t key, std::uint64_t events,
                                                 std::int64_t now_ns);

 private:
  struct Bucket {
    double tokens = 0;
    std::int64_t at_ns = 0;
  };
  std::uint64_t events_per_s_;
  Guarded<std::map<std::uint64_t, Bucket>> buckets_;
};

}  // namespace hf::http
