// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/env.h"
#include "base/result.h"
#include "cli/command_tree.h"
#include "service/sql_engine.h"
#include "service/state.h"
#include "service/state_file.h"
#include "service/workspace.h"

namespace hf {

/// Makes the SQL engine, when a command first needs it. Null in builds without one.
using SqlEngineFactory = std::function<Result<std::unique_ptr<SqlEngine>>()>;

/// Opens the state of a data directory (service/state.h), made where there is none.
using StateFactory =
    std::function<Result<std::unique_ptr<State>>(const Env& env, const std::string& directory)>;

struct Adapters {
  SqlEngineFactory sql;
  StateFactory state;
  /// For copies and checks. Null in builds without one; else it outlives the command.
  const StateFile* state_file = nullptr;
  /// The web console's files (http/console_files.h). Empty in builds without them.
  std::string_view console = {};
};

/// What a command works on that runs within the server which owns the data directory.
struct Serving {
  Workspace& workspace;
  State& state;
  std::string data;  ///< The directory.
};

/// Runs one `holdfast` command. Returns the exit code: 0 done, 1 failed, 2 wrong usage or input,
/// 3 not found, 4 refused in the present state, 5 damaged data, 130 stopped by Ctrl-C.
[[nodiscard]] int run_command_line(int argc, char** argv, const Env& env, const Adapters& adapters);

/// The same within a server, for a command that came to it (cli/within_server.h): only what changes
/// the store is run. `serving` is null elsewhere.
[[nodiscard]] int run_command(const Env& env, const Adapters& adapters,
                              const std::vector<std::string>& arguments, const Serving* serving);

/// All commands, in the language at hand.
[[nodiscard]] CommandInfo describe_command_line(Words words);
/// Whether these arguments would be understood; nothing is run.
/// Errors: invalid_argument, by the reasons of find_mistake() (cli/command_tree.h), or usage.
[[nodiscard]] Result<void> understand_command_line(const std::vector<std::string>& arguments,
                                                   Words words);

}  // namespace hf
