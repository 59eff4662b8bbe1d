// SPDX-License-Identifier: Apache-2.0
//
// What all commands share: where the data is, how to speak, and the ways to end.
#pragma once

#include <atomic>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "base/env.h"
#include "cli/command_line.h"
#include "cli/terminal.h"
#include "cli/words.h"
#include "metric/query_context.h"
#include "service/workspace.h"
#include "store/store.h"

namespace hf {

class Session {
 public:
  /// `serving`: within the server that owns the data directory; else null.
  Session(const Env& env, const Adapters& adapters, std::vector<std::string> arguments,
          const Serving* serving = nullptr)
      : env_(env), adapters_(adapters), arguments_(std::move(arguments)), serving_(serving) {}

  std::string data = "data";
  std::string language;
  std::string color = "auto";
  std::uint32_t memory_mib = 512;  ///< Of decoded pages.

  [[nodiscard]] const Env& env() const { return env_; }
  [[nodiscard]] const Adapters& adapters() const { return adapters_; }
  [[nodiscard]] Words words() const { return {choose_language(language)}; }
  [[nodiscard]] Terminal terminal() const { return detect_terminal(color); }

  /// A command that changes the store. Where a server owns that, the command runs within the
  /// server, and is told here what it said.
  [[nodiscard]] std::function<int()> owning(std::function<Result<int>()> run);
  /// For these: with the store, the server's own where the command runs within one. A mistyped
  /// directory is told, not made, unless `makes_directory`. Errors: not_found/no_data_directory;
  /// those of Store::open() with access own, or of Workspace::with_store(), and of `work`.
  [[nodiscard]] Result<void> with_own_store(const std::function<Result<void>(Store&)>& work,
                                            bool makes_directory = false) const;

  /// With the state, for these too: the server's own, or that of the directory; null where it has
  /// none. Errors: those of `work` and of opening it.
  [[nodiscard]] Result<void> with_own_state(const std::function<Result<void>(State*)>& work) const;

  /// The engine, made when first asked for; null where the build has none.
  /// Errors: those of making it.
  [[nodiscard]] Result<SqlEngine*> engine();
  /// Of the data directory, which is made where there is none. Errors: those of the factory.
  [[nodiscard]] Result<std::unique_ptr<State>> open_state() const;
  /// A readable store; after a race with an owner that removed parts, tried again.
  struct Reading {
    std::unique_ptr<Store> store;
    Snapshot snapshot;
    std::shared_ptr<const Zone> zone;  ///< The workspace's.
  };
  [[nodiscard]] Result<Reading> read_store() const;
  /// `guard` must outlive it.
  [[nodiscard]] QueryContext query_context(const Reading& reading, WorkGuard& guard) const;

 private:
  Env env_;
  const Adapters& adapters_;
  std::vector<std::string> arguments_;  // As they were given, without the program's name.
  const Serving* serving_;
  std::unique_ptr<SqlEngine> engine_;
};

/// Prints the error on standard error and returns its exit code.
int report(const Error& error);

/// While it lives, what this thread would print is kept here.
class CapturedOutput {
 public:
  CapturedOutput();
  ~CapturedOutput();
  CapturedOutput(const CapturedOutput&) = delete;
  CapturedOutput& operator=(const CapturedOutput&) = delete;
  std::string out;
  std::string err;
};
/// What run() gives as exit code, its error reported.
template <class Run>
int reported(Run&& run) {
  const Result<int> code = run();
  return code ? *code : report(code.error());
}
void print(std::string_view text);
/// On standard error.
void print_error(std::string_view text);

/// While it lives, the first Ctrl-C (or SIGTERM) sets stop(); a second one ends the process.
/// With `on_stop`, that is called, from a thread of its own, when the first one comes.
class StopOnSignal {
 public:
  explicit StopOnSignal(std::function<void()> on_stop = {});
  ~StopOnSignal();
  [[nodiscard]] static const std::atomic<bool>& stop();

 private:
  struct Watch;
  std::unique_ptr<Watch> watch_;
};

// The commands: each adds itself to the application and puts its work into `run`.
class CommandTable;
void add_access_commands(CommandTable& table);
void add_activity_commands(CommandTable& table);
void add_append_command(CommandTable& table);
void add_backup_commands(CommandTable& table);
void add_completion_command(CommandTable& table);
void add_funnel_command(CommandTable& table);
void add_import_command(CommandTable& table);
void add_manual_command(CommandTable& table);
void add_owner_commands(CommandTable& table);
void add_person_commands(CommandTable& table);
void add_query_commands(CommandTable& table);
void add_saved_commands(CommandTable& table);
void add_segment_size_command(CommandTable& table);
void add_serve_command(CommandTable& table);
void add_settings_command(CommandTable& table);
void add_sql_commands(CommandTable& table);
void add_trend_command(CommandTable& table);
void add_verify_command(CommandTable& table);
void add_demo_command(CommandTable& table);
void add_doctor_command(CommandTable& table);

}  // namespace hf
