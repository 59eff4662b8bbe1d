// SPDX-License-Identifier: Apache-2.0
#include "service/attempt_throttle.h"

#include <algorithm>

#include "service/secret.h"

namespace hf {
namespace {

constexpr std::int64_t second_ns = 1'000'000'000;

std::int64_t wait_after_s(int failures) {
  constexpr int doublings_max = 9;  // 512 s is over the most already.
  const int over = failures - AttemptThrottle::free_failures;
  if (over < 0) return 0;
  return std::min(std::int64_t{1} << std::min(over, doublings_max), AttemptThrottle::wait_s_max);
}

}  // namespace

std::int64_t AttemptThrottle::wait_s(std::string_view who, std::int64_t now_ns) const {
  const auto found = failures_.find(sha256(who));
  if (found == failures_.end()) return 0;
  const std::int64_t until_ns =
      found->second.last_ns + wait_after_s(found->second.count) * second_ns;
  if (now_ns >= until_ns) return 0;
  return (until_ns - now_ns + second_ns - 1) / second_ns;
}

void AttemptThrottle::fail(std::string_view who, std::int64_t now_ns) {
  const TokenHash key = sha256(who);
  const auto last_ns = [](const auto& each) { return each.second.last_ns; };
  if (!failures_.contains(key) && failures_.size() >= remembered_max) {
    failures_.erase(std::ranges::min_element(failures_, {}, last_ns));
  }
  Failures& failures = failures_[key];
  if (now_ns - failures.last_ns >= remembered_s * second_ns) failures.count = 0;
  failures.count = std::min(failures.count + 1, 1'000);
  failures.last_ns = now_ns;
}

void AttemptThrottle::forget(std::string_view who) { failures_.erase(sha256(who)); }

}  // namespace hf
