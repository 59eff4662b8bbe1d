// SPDX-License-Identifier: Apache-2.0
//
// Test support: DuckDB as a stranger to Holdfast sees it, through its C library alone. A second
// opinion must not come by the code it is asked about.
#pragma once

#include <duckdb.h>
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

namespace hf::test {

/// An in-memory database with one connection. A failing statement fails the test.
class PlainDuckDb {
 public:
  using Row = std::vector<std::optional<std::string>>;

  PlainDuckDb() {
    if (duckdb_open(nullptr, &database_) == DuckDBError ||
        duckdb_connect(database_, &connection_) == DuckDBError) {
      ADD_FAILURE() << "DuckDB does not open";
    }
    run("SET TimeZone = 'UTC'");
    run("SET threads = 1");  // Small tables: a second thread only costs.
  }
  ~PlainDuckDb() {
    duckdb_disconnect(&connection_);
    duckdb_close(&database_);
  }
  PlainDuckDb(const PlainDuckDb&) = delete;
  PlainDuckDb& operator=(const PlainDuckDb&) = delete;

  [[nodiscard]] duckdb_connection connection() const { return connection_; }

  void run(const std::string& sql) { (void)rows(sql); }

  /// All rows as DuckDB prints their values; nothing for NULL.
  std::vector<Row> rows(const std::string& sql) {
    duckdb_result result;
    if (duckdb_query(connection_, sql.c_str(), &result) == DuckDBError) {
      ADD_FAILURE() << duckdb_result_error(&result) << '\n' << sql;
      duckdb_destroy_result(&result);
      return {};
    }
    std::vector<Row> out(duckdb_row_count(&result));
    const idx_t columns = duckdb_column_count(&result);
    for (idx_t r = 0; r < out.size(); ++r) {
      for (idx_t c = 0; c < columns; ++c) {
        char* text = duckdb_value_varchar(&result, c, r);
        out[r].push_back(text == nullptr ? std::nullopt : std::optional<std::string>(text));
        duckdb_free(text);
      }
    }
    duckdb_destroy_result(&result);
    return out;
  }

  /// Makes `table` (ms BIGINT) of these values.
  void load(const std::string& table, std::span<const std::int64_t> values) {
    run(fmt::format("CREATE OR REPLACE TABLE {} (ms BIGINT)", table));
    duckdb_appender appender;
    if (duckdb_appender_create(connection_, nullptr, table.c_str(), &appender) == DuckDBError) {
      ADD_FAILURE() << "no appender for " << table;
      return;
    }
    for (const std::int64_t value : values) {
      duckdb_append_int64(appender, value);
      duckdb_appender_end_row(appender);
    }
    EXPECT_NE(duckdb_appender_destroy(&appender), DuckDBError);
  }

 private:
  duckdb_database database_ = nullptr;
  duckdb_connection connection_ = nullptr;
};

}  // namespace hf::test
