// SPDX-License-Identifier: Apache-2.0
//
// What the use cases need of an SQL engine; implemented by adapter/duckdb. A build without it runs
// everything but SQL, Parquet and file recognition.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "calendar/zone.h"
#include "event/csv_reader.h"
#include "event/value.h"
#include "store/snapshot.h"

namespace hf {

/// One value of a table row. Numbers are exact: nothing of it passes through double unless the
/// source column itself is a floating-point one.
struct TableCell {
  enum class Kind : std::uint8_t {
    null,
    value,       ///< `value`; its text lives until the next call of next().
    local_time,  ///< `time_ms`: a wall-clock reading without zone, ms since local 1970-01-01.
    instant,     ///< `time_ms`: UTC ms.
  };
  Kind kind = Kind::null;
  ValueView value = {};
  std::int64_t time_ms = 0;
};

/// Rows of a query or of a Parquet file, in order.
class TableCursor {
 public:
  virtual ~TableCursor() = default;
  [[nodiscard]] virtual std::span<const std::string> columns() const = 0;
  /// The next row, one cell a column; empty after the last. Errors: those of the engine.
  [[nodiscard]] virtual Result<std::span<const TableCell>> next() = 0;
};

/// What was recognised of a CSV file.
struct RecognizedCsv {
  CsvDialect dialect;
  std::vector<std::string> columns;
};

/// How input files are read by SQL.
struct SqlInput {
  enum class Format : std::uint8_t { csv, json, parquet };
  std::vector<std::string> paths;
  Format format = Format::csv;
};

struct SqlLimits {
  std::size_t memory_bytes = std::size_t{1} << 30;
  std::int64_t time_ms = 60'000;
  std::uint64_t rows = 1'000'000;  ///< Of the answer; 0 is without limit.
};

/// The answer of ad-hoc SQL, delivered row by row.
class SqlResult {
 public:
  virtual ~SqlResult() = default;
  struct Column {
    std::string name;
    std::string type;  ///< As the engine names it: "DECIMAL(18,3)".
    bool is_number = false;
  };
  [[nodiscard]] virtual std::span<const Column> columns() const = 0;
  /// The next row as text (as the engine prints it), nothing for NULL; empty after the last.
  /// Errors: resource_exhausted/row_limit, time_limit, memory_limit; cancelled.
  [[nodiscard]] virtual Result<std::span<const std::optional<std::string>>> next() = 0;
};

enum class ExportFormat : std::uint8_t { parquet, csv };

class SqlEngine {
 public:
  virtual ~SqlEngine() = default;

  /// Delimiter, quote, header and column names of a CSV file (plain, gzip or zstd).
  /// Errors: invalid_argument/unrecognized_csv; not_found.
  [[nodiscard]] virtual Result<RecognizedCsv> recognize_csv(const std::string& path) = 0;

  /// Rows of `input`; with `sql`, of that SELECT, in which the table `input` names them.
  /// CSV and JSON numbers reach SQL as DECIMAL or text, never as DOUBLE.
  /// Errors: invalid_argument/invalid_sql with the engine's message; not_found.
  [[nodiscard]] virtual Result<std::unique_ptr<TableCursor>> open(const SqlInput& input,
                                                                  std::string_view sql) = 0;

  /// Ad-hoc SQL over the events of a snapshot as table `events`: person, event, time, received_at,
  /// message_id, channel, then one column a property. Reads nothing else, writes nothing.
  /// `zone` is the session's time zone. Errors: invalid_argument/invalid_sql; the limits.
  [[nodiscard]] virtual Result<std::unique_ptr<SqlResult>> query(const Snapshot& snapshot,
                                                                 const Zone& zone,
                                                                 std::string_view sql,
                                                                 const SqlLimits& limits) = 0;

  /// Writes all events, ordered by person, time, arrival, to `path` (through a temporary name).
  /// Returns the number of rows. Errors: invalid_argument/cannot_write.
  [[nodiscard]] virtual Result<std::uint64_t> export_events(const Snapshot& snapshot,
                                                            ExportFormat format,
                                                            const std::string& path) = 0;

  /// Stops whatever runs, from another thread or a signal handler's thread.
  virtual void interrupt() = 0;
};

}  // namespace hf
