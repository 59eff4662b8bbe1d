// SPDX-License-Identifier: Apache-2.0
//
// Only for the .cpp files of commands: CLI11 takes long to compile.
#pragma once

#include <CLI/CLI.hpp>
#include <functional>
#include <set>
#include <string>

#include "cli/command_tree.h"
#include "cli/session.h"

namespace hf {

class CommandTable {
 public:
  CommandTable(CLI::App& app, Session& session, std::function<int()>& chosen)
      : app_(app), session_(session), chosen_(chosen) {}

  [[nodiscard]] Session& session() { return session_; }

  /// Commands added from now on are for those who want this.
  void begin_group(std::string name) { group_ = std::move(name); }
  /// A command with a description (its first sentence is its line in lists) and examples, one a
  /// line, each with a remark behind two blanks or none; all of it has its Chinese in
  /// help_words.cpp. `run` is called when it was chosen and understood.
  CLI::App* add(std::string name, std::string description, const std::string& examples,
                std::function<int()> run) {
    CLI::App* command =
        add_below(app_, std::move(name), std::move(description), examples, std::move(run));
    command->group(group_);
    return command;
  }
  CLI::App* add_below(CLI::App& parent, std::string name, std::string description,
                      const std::string& examples, std::function<int()> run) {
    CLI::App* command = parent.add_subcommand(std::move(name), std::move(description));
    command->footer(examples);
    command->fallthrough();
    command->final_callback([this, run = std::move(run), command] {
      if (!command->get_subcommands().empty()) return;
      chosen_ = run;
      chosen_command_ = command;
    });
    return command;
  }
  /// All that was added.
  [[nodiscard]] CommandInfo tree(Words words) const { return describe_commands(app_, words); }
  /// The command changes the store: its `run` is of Session::owning().
  void set_owning(const CLI::App* command) { owning_.insert(command); }
  /// The command that was chosen is one of these.
  [[nodiscard]] bool is_owning() const { return owning_.contains(chosen_command_); }

 private:
  CLI::App& app_;
  Session& session_;
  std::function<int()>& chosen_;
  std::string group_;
  const CLI::App* chosen_command_ = nullptr;
  std::set<const CLI::App*> owning_;
};

}  // namespace hf
