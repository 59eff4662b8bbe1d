// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <condition_variable>
#include <cstdint>
#include <functional>
#include <thread>
#include <vector>

#include "base/guarded.h"
#include "service/state.h"

namespace hf {

/// Keeps refused events where people find them: what many requests refuse together is one
/// transaction. Thread-safe.
class RefusalLog {
 public:
  static constexpr std::size_t waiting_bytes_max = std::size_t{16} << 20;

  /// `state` must outlive it.
  explicit RefusalLog(State& state);
  ~RefusalLog();

  /// Called from another thread once they are kept, or with why not.
  using Done = std::function<void(Result<void>)>;
  /// Errors, of which `done` never hears: resource_exhausted/queue_full.
  [[nodiscard]] Result<void> add(std::vector<Refusal> refusals, Done done);

 private:
  struct Queue {
    std::vector<Refusal> refusals;
    std::vector<Done> done;
    std::size_t bytes = 0;
    bool stopping = false;
  };
  void run();

  State& state_;
  Guarded<Queue> queue_;
  std::condition_variable changed_;
  std::thread thread_;
};

}  // namespace hf
