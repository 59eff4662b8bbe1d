// SPDX-License-Identifier: Apache-2.0
#include "service/import_input.h"

#include <utility>

namespace hf {

Result<std::unique_ptr<ByteSource>> open_bytes(const Env& env, const std::string& path) {
  if (path == "-") return ByteSource::from_stdin();
  return ByteSource::open_file(env, path);
}

Result<std::unique_ptr<TableCursor>> open_cursor(SqlEngine* engine, const ImportMapping& mapping,
                                                 std::vector<std::string> paths) {
  if (engine == nullptr) {
    return fail(ErrorCode::failed_precondition, "needs_sql_engine",
                "this build has no SQL engine: no --sql and no Parquet");
  }
  SqlInput input{.paths = std::move(paths)};
  switch (mapping.format) {
    case InputFormat::csv: input.format = SqlInput::Format::csv; break;
    case InputFormat::json: input.format = SqlInput::Format::json; break;
    case InputFormat::parquet: input.format = SqlInput::Format::parquet; break;
  }
  return engine->open(input, mapping.sql);
}

Result<std::unique_ptr<RowSource>> open_import_rows(const ImportReading& reading,
                                                    std::vector<std::string> paths,
                                                    std::size_t file, RowPosition at) {
  const ImportMapping& mapping = reading.mapping;
  if (mapping.is_table()) {
    HF_TRY(auto cursor, open_cursor(reading.engine, mapping, std::move(paths)));
    return open_table_rows(std::move(cursor), mapping, reading.zone);
  }
  HF_TRY(auto bytes, open_bytes(reading.env, paths[file]));
  if (mapping.format == InputFormat::json) {
    return open_json_rows(std::move(bytes), mapping, reading.zone, at);
  }
  return open_csv_rows(std::move(bytes), mapping, reading.zone, at);
}

}  // namespace hf
