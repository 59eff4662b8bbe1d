// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <limits>

#include "base/env.h"
#include "base/result.h"

namespace hf {

/// What a long computation may use, and whether anybody still wants it. Shared by all its threads;
/// methods may run concurrently. Who computes asks check() at least every few milliseconds, and
/// says what it is about to hold of anything that grows with the data.
class WorkGuard {
 public:
  static constexpr std::int64_t no_deadline = std::numeric_limits<std::int64_t>::max();
  struct Limits {
    std::int64_t deadline_ns = no_deadline;  ///< Of Clock::monotonic_ns().
    std::size_t bytes_max = std::numeric_limits<std::size_t>::max();
  };

  /// No limit and nobody who cancels.
  WorkGuard() = default;
  /// `clock` must outlive it.
  WorkGuard(const Clock& clock, Limits limits) : clock_(&clock), limits_(limits) {}
  WorkGuard(const WorkGuard&) = delete;
  WorkGuard& operator=(const WorkGuard&) = delete;

  /// Nobody waits for the outcome any more: the next check() says so. Safe in a signal handler.
  void cancel() { cancelled_.store(true, std::memory_order_relaxed); }

  /// Errors: cancelled/cancelled; resource_exhausted/time_limit.
  [[nodiscard]] Result<void> check() const;

  /// Counts `bytes` as held until they are given back. Errors, which count nothing:
  /// resource_exhausted/memory_limit.
  [[nodiscard]] Result<void> take(std::size_t bytes);
  void give_back(std::size_t bytes) { held_.fetch_sub(bytes, std::memory_order_relaxed); }
  [[nodiscard]] std::size_t held_bytes() const { return held_.load(std::memory_order_relaxed); }

  /// How far it is, in steps of its own choosing; `expected` may still grow.
  struct Progress {
    std::uint64_t done = 0;
    std::uint64_t expected = 0;
  };
  void expect(std::uint64_t steps) { expected_.fetch_add(steps, std::memory_order_relaxed); }
  void advance(std::uint64_t steps) { done_.fetch_add(steps, std::memory_order_relaxed); }
  [[nodiscard]] Progress progress() const {
    return {done_.load(std::memory_order_relaxed), expected_.load(std::memory_order_relaxed)};
  }

 private:
  const Clock* clock_ = nullptr;  // Null: no deadline.
  Limits limits_ = {};
  std::atomic<bool> cancelled_ = false;
  std::atomic<std::size_t> held_ = 0;
  std::atomic<std::uint64_t> done_ = 0;
  std::atomic<std::uint64_t> expected_ = 0;
};

/// Bytes taken of a guard for as long as it lives. It may grow.
class HeldBytes {
 public:
  explicit HeldBytes(WorkGuard& guard) : guard_(&guard) {}
  ~HeldBytes() { guard_->give_back(bytes_); }
  HeldBytes(const HeldBytes&) = delete;
  HeldBytes& operator=(const HeldBytes&) = delete;

  /// From here on so many. Errors: those of WorkGuard::take().
  [[nodiscard]] Result<void> grow_to(std::size_t bytes) {
    if (bytes <= bytes_) return {};
    HF_CHECK(guard_->take(bytes - bytes_));
    bytes_ = bytes;
    return {};
  }

 private:
  WorkGuard* guard_;
  std::size_t bytes_ = 0;
};

}  // namespace hf
