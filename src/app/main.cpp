// SPDX-License-Identifier: Apache-2.0
//
// The composition root: the only place that knows everyone.
#include "cli/command_line.h"

#ifdef HOLDFAST_DUCKDB
#include "adapter/duckdb/duckdb_engine.h"
#endif

int main(int argc, char** argv) {
  hf::SqlEngineFactory make_engine;
#ifdef HOLDFAST_DUCKDB
  make_engine = []() -> hf::Result<std::unique_ptr<hf::SqlEngine>> {
    return hf::DuckDbEngine::open();
  };
#endif
  return hf::run_command_line(argc, argv, hf::real_env(), make_engine);
}
