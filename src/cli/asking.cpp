// SPDX-License-Identifier: Apache-2.0
#include "cli/asking.h"

namespace hf {
namespace {

WorkGuard::Limits limits_from_now(const Env& env, const AskingLimits& limits) {
  constexpr std::int64_t ns_per_s = 1'000'000'000;
  WorkGuard::Limits all{.bytes_max = std::size_t{limits.mib} << 20};
  if (limits.seconds > 0) {
    all.deadline_ns = env.clock.monotonic_ns() + limits.seconds * ns_per_s;
  }
  return all;
}

}  // namespace

Asking::Asking(const Env& env, const AskingLimits& limits)
    : guard_(env.clock, limits_from_now(env, limits)) {}

}  // namespace hf
