// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <mutex>
#include <string>
#include <string_view>
#include <thread>

#include "base/env.h"
#include "base/work_guard.h"
#include "cli/session.h"

namespace hf {

/// What the answer to a question may cost.
struct AskingLimits {
  std::int64_t seconds = 0;  ///< 0: as long as it takes.
  std::uint64_t mib = 1 << 10;
};

/// One question of a command, for as long as it is answered: Ctrl-C cancels it, and who waits for
/// longer than a second at a terminal sees how far it is.
class Asking {
 public:
  struct Screen {
    /// Where the progress goes; none where nobody would see it.
    std::function<void(std::string_view)> write;
    std::chrono::milliseconds patience = std::chrono::seconds(1);
  };
  /// The time counts from now. `env` must outlive it. Standard error is the screen, where it is a
  /// terminal.
  Asking(const Env& env, const AskingLimits& limits);
  Asking(const Env& env, const AskingLimits& limits, Screen screen);
  ~Asking() { end(); }

  [[nodiscard]] WorkGuard& guard() { return guard_; }
  /// It is answered, and nothing is left on the screen. Fine a second time.
  void end();

 private:
  void watch();

  WorkGuard guard_;
  Screen screen_;
  StopOnSignal signals_;
  std::mutex mutex_;
  std::condition_variable changed_;
  bool has_ended_ = false;
  std::thread thread_;
};

/// " 37 %"; of a walk that has not begun "  ...".
[[nodiscard]] std::string progress_text(const WorkGuard::Progress& progress);

}  // namespace hf
