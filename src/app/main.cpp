// SPDX-License-Identifier: Apache-2.0
//
// The composition root: the only place that knows everyone.
#include <fmt/format.h>

#include "adapter/sqlite/sqlite_state.h"
#include "adapter/sqlite/sqlite_state_file.h"
#include "cli/command_line.h"

#ifdef HOLDFAST_DUCKDB
#include "adapter/duckdb/duckdb_engine.h"
#endif

#ifdef HOLDFAST_CONSOLE
extern "C" const char hf_console_pack[];
extern "C" const char hf_console_pack_end[];
#endif

int main(int argc, char** argv) {
  hf::Adapters adapters;
#ifdef HOLDFAST_DUCKDB
  adapters.sql = []() -> hf::Result<std::unique_ptr<hf::SqlEngine>> {
    return hf::DuckDbEngine::open();
  };
#endif
  adapters.state = [](const hf::Env& env,
                      const std::string& directory) -> hf::Result<std::unique_ptr<hf::State>> {
    return hf::SqliteState::open(env, fmt::format("{}/{}", directory, hf::state_file_name));
  };
  const hf::SqliteStateFile state_file(hf::real_env());
  adapters.state_file = &state_file;
#ifdef HOLDFAST_CONSOLE
  adapters.console = {hf_console_pack, hf_console_pack_end};
#endif
  return hf::run_command_line(argc, argv, hf::real_env(), adapters);
}
