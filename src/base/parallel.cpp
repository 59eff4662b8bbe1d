// SPDX-License-Identifier: Apache-2.0
#include "base/parallel.h"

#include <algorithm>
#include <atomic>
#include <condition_variable>
#include <memory>
#include <system_error>
#include <thread>
#include <vector>

#include "base/guarded.h"

namespace hf {
namespace {

// Those who help the caller. On a busy machine a thread may begin when all is done.
class Crew {
 public:
  /// False where there is nothing left to help with, and nobody waits.
  [[nodiscard]] bool join() {
    const auto state = state_.lock();
    if (!state->is_over) ++state->busy;
    return !state->is_over;
  }
  void leave() {
    const auto state = state_.lock();
    --state->busy;
    left_.notify_one();
  }
  /// Waits for those who joined.
  void end() {
    auto state = state_.lock();
    state->is_over = true;
    state.wait(left_, [](const State& s) { return s.busy == 0; });
  }

 private:
  struct State {
    bool is_over = false;
    unsigned busy = 0;
  };
  Guarded<State> state_;
  std::condition_variable left_;
};

struct Ending {
  Crew& crew;
  ~Ending() { crew.end(); }
};

}  // namespace

Result<void> for_each_item(unsigned threads, std::uint32_t items,
                           const std::function<Result<void>(unsigned, std::uint32_t)>& work) {
  const std::uint32_t count = std::max(1u, std::min<std::uint32_t>(threads, items));
  std::vector<Result<void>> outcomes(count);
  std::atomic<std::uint32_t> next = 0;
  std::atomic<bool> has_failed = false;
  const auto run = [&](unsigned thread) {
    for (std::uint32_t item = next++; item < items && !has_failed; item = next++) {
      outcomes[thread] = work(thread, item);
      if (outcomes[thread]) continue;
      has_failed = true;
      return;
    }
  };
  if (count == 1) {
    run(0);
    return outcomes[0];
  }
  {
    const auto crew = std::make_shared<Crew>();
    const Ending ending{*crew};
    for (unsigned thread = 1; thread < count; ++thread) {
      try {
        std::thread([crew, &run, thread] {
          if (!crew->join()) return;
          run(thread);
          crew->leave();
        }).detach();
      } catch (const std::system_error&) {
        break;  // Where there cannot be more threads, those there are do it.
      }
    }
    run(0);
  }
  for (const Result<void>& outcome : outcomes) HF_CHECK(outcome);
  return {};
}

}  // namespace hf
