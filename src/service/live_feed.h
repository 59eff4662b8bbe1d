// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <functional>
#include <list>
#include <memory>
#include <string>
#include <string_view>

#include "base/env.h"
#include "base/guarded.h"
#include "event/event.h"
#include "service/state.h"

namespace hf {

/// What arrives and what is refused, as it happens, for people who watch. Nobody waits for them:
/// who cannot read so fast is told how much was left out. Thread-safe.
class LiveFeed {
 public:
  /// Items told a second at most, to each watcher; the rest is counted.
  static constexpr std::uint64_t items_per_s_max = 50;

  explicit LiveFeed(const Env& env) : env_(env) {}

  /// Takes JSON objects, each with a kind: "event", "refusal", "skipped" (with `count`), and "idle"
  /// with nothing, so that who is gone is found out. False ends it. Called from any thread, one
  /// call at a time.
  using Watcher = std::function<bool(std::string_view kind, std::string_view json)>;
  void watch(Watcher watcher);
  /// Cheap; where it is false nothing needs to be shown.
  [[nodiscard]] bool is_watched() const { return !watchers_.lock()->empty(); }
  [[nodiscard]] std::size_t watchers() const { return watchers_.lock()->size(); }

  void show(std::string_view source, const EventView& event, TimestampMs received_ms);
  void show(const Refusal& refusal);
  /// Tells of what was left out, and finds out who is gone. To be called every second or so.
  void tick();

 private:
  struct Watching {
    Watcher watcher;
    std::int64_t second = 0;
    std::uint64_t told = 0;  // In that second.
    std::uint64_t skipped = 0;
  };
  void tell(std::string_view kind, const std::function<std::string()>& make);

  Env env_;
  Guarded<std::list<Watching>> watchers_;
};

}  // namespace hf
