// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <string_view>

#include "service/state.h"

namespace hf {

/// Makes who guesses wait: after the fifth failure in a row a second, after each one more twice as
/// long, five minutes at most. An hour after the last failure they are forgotten. It remembers so
/// many who failed and forgets the one that failed longest ago for another, so that its memory has
/// an end. Not thread-safe.
class AttemptThrottle {
 public:
  static constexpr int free_failures = 5;
  static constexpr std::int64_t wait_s_max = 300;
  static constexpr std::int64_t remembered_s = 3'600;
  static constexpr std::size_t remembered_max = 4'096;

  /// How many seconds `who` has to wait until the next attempt; 0: none.
  [[nodiscard]] std::int64_t wait_s(std::string_view who, std::int64_t now_ns) const;
  void fail(std::string_view who, std::int64_t now_ns);
  /// They succeeded.
  void forget(std::string_view who);
  [[nodiscard]] std::size_t size() const { return failures_.size(); }

 private:
  struct Failures {
    int count = 0;
    std::int64_t last_ns = 0;
  };
  std::map<TokenHash, Failures> failures_;  // By SHA-256: what others choose may be long.
};

}  // namespace hf
