// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>

#include "http/server.h"

namespace hf::http {

/// Whether a client keeps up: how long a connection has been at what it does, against the server's
/// limits. All times are of Clock::monotonic_ns(), in milliseconds.
class Pace {
 public:
  enum class Phase : std::uint8_t { handshake, idle, head, body, handler, answer, drain };

  /// `limits` must outlive it.
  Pace(const Server::Limits& limits, std::int64_t now_ms) : limits_(limits), since_ms_(now_ms) {}

  void begin(Phase phase, std::int64_t now_ms);
  /// Notes that bytes came or went.
  void move(std::uint64_t bytes) { moved_ += bytes; }
  [[nodiscard]] Phase phase() const { return phase_; }
  /// Bytes since begin().
  [[nodiscard]] std::uint64_t moved() const { return moved_; }
  /// To be asked every now and then: what a client was too fast by, it loses by that.
  [[nodiscard]] bool is_late(std::int64_t now_ms);

 private:
  [[nodiscard]] bool is_too_slow(std::int64_t waited_ms, std::int64_t grace_ms);

  const Server::Limits& limits_;
  Phase phase_ = Phase::handshake;
  std::int64_t since_ms_;
  std::uint64_t moved_ = 0;
  bool has_asked_ = false;  // One request at least.
};

}  // namespace hf::http
