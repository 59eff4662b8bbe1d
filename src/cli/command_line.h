// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>
#include <memory>

#include "base/env.h"
#include "base/result.h"
#include "service/sql_engine.h"

namespace hf {

/// Makes the SQL engine, when a command first needs it. Null in builds without one.
using SqlEngineFactory = std::function<Result<std::unique_ptr<SqlEngine>>()>;

/// Runs one `holdfast` command. Returns the exit code: 0 done, 1 failed, 2 wrong usage or input,
/// 3 not found, 4 refused in the present state, 5 damaged data, 130 stopped by Ctrl-C.
[[nodiscard]] int run_command_line(int argc, char** argv, const Env& env,
                                   const SqlEngineFactory& make_engine);

}  // namespace hf
