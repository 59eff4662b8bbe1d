// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "base/env.h"
#include "base/result.h"
#include "service/sql_engine.h"
#include "service/state.h"
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
};

/// Runs one `holdfast` command. Returns the exit code: 0 done, 1 failed, 2 wrong usage or input,
/// 3 not found, 4 refused in the present state, 5 damaged data, 130 stopped by Ctrl-C.
[[nodiscard]] int run_command_line(int argc, char** argv, const Env& env, const Adapters& adapters);

/// The same for a command that came to the server which owns `data` (cli/within_server.h): only
/// what changes the store is run.
[[nodiscard]] int run_command(const Env& env, const Adapters& adapters,
                              const std::vector<std::string>& arguments, Workspace* workspace,
                              const std::string& data);

}  // namespace hf
