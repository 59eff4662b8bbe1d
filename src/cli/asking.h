// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>

#include "base/env.h"
#include "base/work_guard.h"

namespace hf {

/// What the answer to a question may cost.
struct AskingLimits {
  std::int64_t seconds = 0;  ///< 0: as long as it takes.
  std::uint64_t mib = 1 << 10;
};

/// One question of a command, for as long as it is answered.
class Asking {
 public:
  /// The time counts from now. `env` must outlive it.
  Asking(const Env& env, const AskingLimits& limits);

  [[nodiscard]] WorkGuard& guard() { return guard_; }

 private:
  WorkGuard guard_;
};

}  // namespace hf
