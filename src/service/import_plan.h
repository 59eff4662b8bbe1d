// SPDX-License-Identifier: Apache-2.0
//
// What will be imported, and how it is understood: found out, and shown, before it starts.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "base/env.h"
#include "base/result.h"
#include "event/rejected_row.h"
#include "service/import_mapping.h"
#include "service/sql_engine.h"
#include "store/manifest.h"

namespace hf {

struct ImportOptions {
  std::vector<std::string> files;     ///< Paths; "-" is standard input, alone.
  std::optional<InputFormat> format;  ///< Absent: by name and content.
  MappingOverrides overrides;
  std::optional<CsvDialect> dialect;  ///< Absent: recognised.
  std::string sql;
  std::string source = "import";
  bool identify_rows = false;  ///< Rows without message id are known by their content.
  bool strict = false;         ///< The first rejected row undoes the import.
};

/// What will be imported and how it is understood; shown before it starts.
struct ImportPlan {
  ImportOptions options;
  ImportMapping mapping;
  std::vector<ImportedFile> files;
  std::vector<std::string> remarks;  ///< For the user: what was assumed.
};

/// Recognises files, columns and times. `engine` may be null: then there is no SQL and no Parquet,
/// and CSV is recognised by its looks. Reads only.
/// Errors: those of recognize_fields(); not_found; invalid_argument/empty_input, needs_sql_engine,
/// unsupported_input, other_columns (CSV files that differ in them).
[[nodiscard]] Result<ImportPlan> plan_import(const Env& env, SqlEngine* engine,
                                             const ImportOptions& options);

/// How the first rows of the files would be understood.
struct ImportPreview {
  static constexpr std::size_t samples_max = 5;
  static constexpr std::size_t rows_max = 20;

  ImportPlan plan;  ///< As far as it came.
  /// By column: the first values that differ. Empty for whole Segment calls.
  std::map<std::string, std::vector<std::string>> samples;
  std::vector<std::string> rows;     ///< JSON objects: "line" and the members of write_event().
  std::vector<RejectedRow> rejects;  ///< Of the same beginning of the first file.
  std::uint64_t rows_read = 0;       ///< Until both lists were full or the sample was over.
  std::uint64_t rows_rejected = 0;   ///< Of these.
  std::optional<Error> problem;      ///< Why there is no plan yet: "unmapped_person".
};
/// For people who have not decided yet: what plan_import() refuses for the mapping is told as
/// `problem`. Errors: those of plan_import() that are of the files.
[[nodiscard]] Result<ImportPreview> preview_import(const Env& env, SqlEngine* engine,
                                                   const ImportOptions& options);

}  // namespace hf
