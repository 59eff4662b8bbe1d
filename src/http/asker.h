// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>
#include <utility>

#include "base/guarded.h"

namespace hf::http {

/// Whoever waits for the answer to a question, and may leave before it comes. From any thread.
class Asker {
 public:
  void leave() {
    const auto call = state_.with([](State& state) {
      state.has_left = true;
      return std::exchange(state.call, nullptr);
    });
    if (call) call();
  }
  [[nodiscard]] bool has_left() const { return state_.lock()->has_left; }
  /// Has `call` called once, when the asker leaves; at once where that was before.
  void when_leaving(std::function<void()> call) {
    const bool has_left = state_.with([&](State& state) {
      if (!state.has_left) state.call = call;
      return state.has_left;
    });
    if (has_left) call();
  }

 private:
  struct State {
    bool has_left = false;
    std::function<void()> call;
  };
  Guarded<State> state_;
};

}  // namespace hf::http
