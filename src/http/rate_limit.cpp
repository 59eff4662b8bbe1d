// SPDX-License-Identifier: Apache-2.0
#include "http/rate_limit.h"

#include <algorithm>
#include <cmath>

namespace hf::http {

std::optional<std::int64_t> RateLimit::take(std::uint64_t key, std::uint64_t events,
                                            std::int64_t now_ns) {
  if (events_per_s_ == 0) return std::nullopt;
  const auto rate = static_cast<double>(events_per_s_);
  const double full = rate * static_cast<double>(burst_s);
  const auto buckets = buckets_.lock();
  const auto [at, is_new] = buckets->try_emplace(key, Bucket{full, now_ns});
  Bucket& bucket = at->second;
  const double passed_s = static_cast<double>(now_ns - bucket.at_ns) / 1e9;
  bucket.tokens = std::min(full, bucket.tokens + passed_s * rate);
  bucket.at_ns = now_ns;
  const double wanted = std::min(static_cast<double>(events), full);
  if (bucket.tokens >= wanted) {
    bucket.tokens -= static_cast<double>(events);
    return std::nullopt;
  }
  return std::max<std::int64_t>(
      1, static_cast<std::int64_t>(std::ceil((wanted - bucket.tokens) / rate)));
}

}  // namespace hf::http
