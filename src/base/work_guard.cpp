// SPDX-License-Identifier: Apache-2.0
#include "base/work_guard.h"

#include <fmt/format.h>

namespace hf {

Result<void> WorkGuard::check() const {
  if (cancelled_.load(std::memory_order_relaxed)) {
    return fail(ErrorCode::cancelled, "cancelled", "stopped before there was an answer");
  }
  if (clock_ != nullptr && limits_.deadline_ns != no_deadline &&
      clock_->monotonic_ns() >= limits_.deadline_ns) {
    return fail(ErrorCode::resource_exhausted, "time_limit",
                "the question took longer than it may; a shorter range, fewer groups or a sample "
                "take less");
  }
  return {};
}

Result<void> WorkGuard::take(std::size_t bytes) {
  const std::size_t held = held_.fetch_add(bytes, std::memory_order_relaxed);
  if (held <= limits_.bytes_max && bytes <= limits_.bytes_max - held) return {};
  held_.fetch_sub(bytes, std::memory_order_relaxed);
  return fail(ErrorCode::resource_exhausted, "memory_limit",
              fmt::format("the question needs more memory than it may; a shorter range, fewer "
                          "groups or a sample need less. The limit in MB: {}",
                          limits_.bytes_max >> 20));
}

}  // namespace hf
