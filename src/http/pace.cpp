// SPDX-License-Identifier: Apache-2.0
#include "http/pace.h"

#include <algorithm>

namespace hf::http {
namespace {

constexpr std::int64_t handshake_ms = 10'000;
constexpr std::int64_t drain_ms = 1'000;

}  // namespace

void Pace::begin(Phase phase, std::int64_t now_ms) {
  phase_ = phase;
  since_ms_ = now_ms;
  moved_ = 0;
  if (phase == Phase::handler) has_asked_ = true;
}

bool Pace::is_late(std::int64_t now_ms) {
  const std::int64_t waited = now_ms - since_ms_;
  switch (phase_) {
    case Phase::handshake: return waited > handshake_ms;
    case Phase::idle: return waited > (has_asked_ ? limits_.idle_ms : limits_.head_ms);
    case Phase::head: return waited > limits_.head_ms;
    case Phase::body: return is_too_slow(waited, limits_.grace_ms);
    case Phase::handler: return false;
    case Phase::answer: return is_too_slow(waited, limits_.stall_ms);
    case Phase::drain: return waited > drain_ms;
  }
  return true;
}

bool Pace::is_too_slow(std::int64_t waited_ms, std::int64_t grace_ms) {
  const auto bytes_in = [&](std::int64_t ms) {
    return static_cast<std::uint64_t>(std::max<std::int64_t>(ms, 0) * limits_.bytes_per_s / 1'000);
  };
  const std::uint64_t wanted = bytes_in(waited_ms - grace_ms);
  if (moved_ < wanted) return true;
  // Who was fast before may not stand still for longer than others.
  moved_ = std::min(moved_, wanted + bytes_in(grace_ms));
  return false;
}

}  // namespace hf::http
