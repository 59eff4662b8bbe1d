// SPDX-License-Identifier: Apache-2.0
#include "cli/session.h"

#include <fmt/format.h>

#include <csignal>
#include <cstdio>
#include <thread>

#include "base/assert.h"
#include "cli/within_server.h"

namespace hf {
namespace {

constexpr int store_tries_max = 3;

std::atomic<bool> stop_requested = false;
thread_local CapturedOutput* captured = nullptr;

void on_signal(int signal) {
  if (stop_requested.exchange(true)) {
    std::signal(signal, SIG_DFL);
    std::raise(signal);
  }
}

int exit_code(ErrorCode code) {
  switch (code) {
    case ErrorCode::invalid_argument: return 2;
    case ErrorCode::not_found: return 3;
    case ErrorCode::already_exists:
    case ErrorCode::failed_precondition: return 4;
    case ErrorCode::data_loss: return 5;
    case ErrorCode::cancelled: return 130;
    case ErrorCode::unauthenticated:
    case ErrorCode::permission_denied:
    case ErrorCode::resource_exhausted:
    case ErrorCode::unavailable:
    case ErrorCode::in_doubt: return 1;
  }
  return 1;
}

}  // namespace

Result<SqlEngine*> Session::engine() {
  if (!engine_ && adapters_.sql) {
    HF_TRY(engine_, adapters_.sql());
  }
  return engine_.get();
}

Result<std::unique_ptr<State>> Session::open_state() const {
  HF_CHECK(env_.files.make_directories(data));
  return adapters_.state(env_, data);
}

Result<Session::Reading> Session::read_store() const {
  for (int tries = 1;; ++tries) {
    const Store::Options options{.cache_bytes = std::size_t{memory_mib} << 20};
    HF_TRY(auto store, Store::open(env_, data, Store::Access::read, options));
    auto snapshot = store->snapshot();
    // Between reading the manifest and opening a part its owner may have removed the part.
    if (!snapshot && snapshot.error().code == ErrorCode::not_found && tries < store_tries_max)
      continue;
    HF_TRY(Snapshot parts, std::move(snapshot));
    HF_TRY(auto zone, Zone::load(env_, store->settings().timezone));
    return Reading{std::move(store), std::move(parts), std::move(zone)};
  }
}

QueryContext Session::query_context(const Reading& reading, WorkGuard& guard) const {
  return {.env = env_,
          .default_zone = reading.zone,
          .default_week_start = reading.store->settings().week_start,
          .guard = &guard};
}

std::function<int()> Session::owning(std::function<Result<int>()> run) {
  return [this, run = std::move(run)] {
    return reported([&]() -> Result<int> {
      if (serving_ == nullptr) {
        HF_TRY(const auto code, run_within_server(data, language, arguments_));
        if (code) return *code;
      }
      return run();
    });
  };
}

Result<void> Session::with_own_store(const std::function<Result<void>(Store&)>& work,
                                     bool makes_directory) const {
  if (serving_ != nullptr) return serving_->workspace.with_store(work);
  if (!makes_directory && !env_.files.exists(data + "/MANIFEST")) {
    return fail(ErrorCode::not_found, "no_data_directory",
                fmt::format("no Holdfast data in {}", data));
  }
  HF_TRY(const auto store, Store::open(env_, data, Store::Access::own));
  return work(*store);
}

Result<void> Session::with_own_state(const std::function<Result<void>(State*)>& work) const {
  if (serving_ != nullptr) return work(&serving_->state);
  if (!env_.files.exists(fmt::format("{}/{}", data, state_file_name))) return work(nullptr);
  HF_TRY(const auto state, adapters_.state(env_, data));
  return work(state.get());
}

CapturedOutput::CapturedOutput() {
  HF_ASSERT(captured == nullptr);
  captured = this;
}

CapturedOutput::~CapturedOutput() { captured = nullptr; }

int report(const Error& error) {
  const std::string place = error.pointer.empty() ? "" : fmt::format(" at {}", error.pointer);
  const std::string line = fmt::format("holdfast: {}{} ({})\n", error.message, place, error.reason);
  print_error(line);
  return exit_code(error.code);
}

void print_error(std::string_view text) {
  if (captured != nullptr) {
    captured->err += text;
  } else {
    std::fflush(stdout);
    std::fwrite(text.data(), 1, text.size(), stderr);
  }
}

void print(std::string_view text) {
  if (captured != nullptr) {
    captured->out += text;
  } else {
    std::fwrite(text.data(), 1, text.size(), stdout);
  }
}

struct StopOnSignal::Watch {
  std::function<void()> on_stop;
  std::jthread thread;
};

StopOnSignal::StopOnSignal(std::function<void()> on_stop) : watch_(std::make_unique<Watch>()) {
  stop_requested = false;
  struct sigaction action {};
  action.sa_handler = on_signal;
  sigaction(SIGINT, &action, nullptr);
  sigaction(SIGTERM, &action, nullptr);
  if (!on_stop) return;
  watch_->on_stop = std::move(on_stop);
  watch_->thread = std::jthread([watch = watch_.get()](const std::stop_token& token) {
    // A handler may do next to nothing, so a thread looks whether it ran.
    while (!token.stop_requested()) {
      if (stop_requested.load()) return watch->on_stop();
      std::this_thread::sleep_for(std::chrono::milliseconds(50));
    }
  });
}

StopOnSignal::~StopOnSignal() {
  watch_.reset();
  std::signal(SIGINT, SIG_DFL);
  std::signal(SIGTERM, SIG_DFL);
}

const std::atomic<bool>& StopOnSignal::stop() { return stop_requested; }

}  // namespace hf
