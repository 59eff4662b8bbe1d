// SPDX-License-Identifier: Apache-2.0
//
// The files of an import, opened.
#pragma once

#include <cstddef>
#include <memory>
#include <string>
#include <vector>

#include "base/env.h"
#include "base/result.h"
#include "calendar/zone.h"
#include "event/byte_source.h"
#include "service/import_mapping.h"
#include "service/row_source.h"
#include "service/sql_engine.h"

namespace hf {

/// "-" is standard input.
[[nodiscard]] Result<std::unique_ptr<ByteSource>> open_bytes(const Env& env,
                                                             const std::string& path);

/// What the engine gives for the files' own rows, or for mapping.sql over them.
/// Errors: failed_precondition/needs_sql_engine where `engine` is null; its own.
[[nodiscard]] Result<std::unique_ptr<TableCursor>> open_cursor(SqlEngine* engine,
                                                               const ImportMapping& mapping,
                                                               std::vector<std::string> paths);

struct ImportReading {
  const Env& env;
  SqlEngine* engine;
  const ImportMapping& mapping;
  std::shared_ptr<const Zone> zone;  ///< That of mapping.timezone.
};
/// Rows of `paths[file]` from `at` on; of a table those of all `paths`, from the first on.
[[nodiscard]] Result<std::unique_ptr<RowSource>> open_import_rows(const ImportReading& reading,
                                                                  std::vector<std::string> paths,
                                                                  std::size_t file, RowPosition at);

}  // namespace hf
