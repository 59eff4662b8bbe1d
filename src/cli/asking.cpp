// SPDX-License-Identifier: Apache-2.0
#include "cli/asking.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <utility>

namespace hf {
namespace {

constexpr auto look_every = std::chrono::milliseconds(50);
constexpr std::string_view line_begin = "\r\x1b[K";  // And nothing on it.

WorkGuard::Limits limits_from_now(const Env& env, const AskingLimits& limits) {
  constexpr std::int64_t ns_per_s = 1'000'000'000;
  WorkGuard::Limits all{.bytes_max = std::size_t{limits.mib} << 20};
  if (limits.seconds > 0) {
    all.deadline_ns = env.clock.monotonic_ns() + limits.seconds * ns_per_s;
  }
  return all;
}

Asking::Screen standard_error() {
  if (::isatty(STDERR_FILENO) == 0) return {};
  return {.write = print_error};
}

}  // namespace

Asking::Asking(const Env& env, const AskingLimits& limits)
    : Asking(env, limits, standard_error()) {}

Asking::Asking(const Env& env, const AskingLimits& limits, Screen screen)
    : guard_(env.clock, limits_from_now(env, limits)),
      screen_(std::move(screen)),
      thread_([this] { watch(); }) {}

void Asking::end() {
  {
    const std::lock_guard lock(mutex_);
    has_ended_ = true;
  }
  changed_.notify_all();
  if (thread_.joinable()) thread_.join();
}

// A signal's handler may do next to nothing, so a thread looks whether it ran.
void Asking::watch() {
  const auto begun = std::chrono::steady_clock::now();
  std::string shown;
  std::unique_lock lock(mutex_);
  while (!changed_.wait_for(lock, look_every, [this] { return has_ended_; })) {
    if (StopOnSignal::stop()) guard_.cancel();
    const bool is_long = std::chrono::steady_clock::now() - begun >= screen_.patience;
    if (!screen_.write || !is_long) continue;
    std::string text = progress_text(guard_.progress());
    if (text == shown) continue;
    screen_.write(std::string(line_begin) + text);
    shown = std::move(text);
  }
  if (!shown.empty()) screen_.write(line_begin);
}

std::string progress_text(const WorkGuard::Progress& progress) {
  if (progress.expected == 0) return "  ...";
  // What is done and what is expected are read one after the other: never more than all.
  const std::uint64_t done = std::min(progress.done, progress.expected);
  const double share = static_cast<double>(done) / static_cast<double>(progress.expected);
  return fmt::format("{:>3} %", static_cast<int>(share * 100));
}

}  // namespace hf
