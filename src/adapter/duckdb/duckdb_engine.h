// SPDX-License-Identifier: Apache-2.0
//
// The SQL engine on DuckDB's C library. Every call works in an in-memory database of its own.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "adapter/duckdb/session.h"
#include "service/sql_engine.h"

namespace hf {

class DuckDbEngine final : public SqlEngine {
 public:
  /// Errors: unavailable/sql_engine where the DuckDB library found is not 1.4 or 1.5.
  [[nodiscard]] static Result<std::unique_ptr<DuckDbEngine>> open();

  [[nodiscard]] Result<RecognizedCsv> recognize_csv(const std::string& path) override;
  /// `sql` is one SELECT; it can read nothing but the files of `input`.
  [[nodiscard]] Result<std::unique_ptr<TableCursor>> open(const SqlInput& input,
                                                          std::string_view sql) override;
  /// `sql` is one SELECT or EXPLAIN. The columns of `events`: adapter/duckdb/events_table.h.
  [[nodiscard]] Result<std::unique_ptr<SqlResult>> query(const Snapshot& snapshot, const Zone& zone,
                                                         std::string_view sql,
                                                         const SqlLimits& limits) override;
  /// The columns are those of query(). Parquet is compressed with zstd; times are instants, in CSV
  /// "2026-01-31T08:00:00Z". CSV numbers are canonical; a text property's values are quoted, a
  /// missing value is an empty field without quotes. A CSV path ending in .gz or .zst is
  /// compressed.
  [[nodiscard]] Result<std::uint64_t> export_events(const Snapshot& snapshot, ExportFormat format,
                                                    const std::string& path) override;
  /// Must not be called from a signal handler itself: it takes locks.
  void interrupt() override;

 private:
  DuckDbEngine() : active_(std::make_shared<duckdb::ActiveSessions>()) {}
  std::shared_ptr<duckdb::ActiveSessions> active_;
};

}  // namespace hf
