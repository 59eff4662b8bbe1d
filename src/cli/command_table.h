// SPDX-License-Identifier: Apache-2.0
//
// Only for the .cpp files of commands: CLI11 takes long to compile.
#pragma once

#include <CLI/CLI.hpp>
#include <functional>
#include <set>
#include <string>

#include "cli/session.h"

namespace hf {

class CommandTable {
 public:
  CommandTable(CLI::App& app, Session& session, std::function<int()>& chosen)
      : app_(app), session_(session), chosen_(chosen) {}

  [[nodiscard]] Session& session() { return session_; }

  /// A command with a description and examples; `run` is called when it was chosen and understood.
  CLI::App* add(std::string name, std::string description, const std::string& examples,
                std::function<int()> run) {
    return add_below(app_, std::move(name), std::move(description), examples, std::move(run));
  }
  CLI::App* add_below(CLI::App& parent, std::string name, std::string description,
                      const std::string& examples, std::function<int()> run) {
    CLI::App* command = parent.add_subcommand(std::move(name), std::move(description));
    if (!examples.empty()) command->footer("Examples:\n" + examples);
    command->fallthrough();
    command->final_callback([this, run = std::move(run), command] {
      if (!command->get_subcommands().empty()) return;
      chosen_ = run;
      chosen_command_ = command;
    });
    return command;
  }
  /// The command changes the store: its `run` is of Session::owning().
  void set_owning(const CLI::App* command) { owning_.insert(command); }
  /// The command that was chosen is one of these.
  [[nodiscard]] bool is_owning() const { return owning_.contains(chosen_command_); }

 private:
  CLI::App& app_;
  Session& session_;
  std::function<int()>& chosen_;
  const CLI::App* chosen_command_ = nullptr;
  std::set<const CLI::App*> owning_;
};

}  // namespace hf
