// SPDX-License-Identifier: Apache-2.0
#include "adapter/duckdb/duckdb_engine.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>

#include "adapter/duckdb/events_table.h"
#include "adapter/duckdb/input_table.h"
#include "adapter/duckdb/table_reader.h"
#include "base/env.h"

namespace hf {
namespace {

using duckdb::CellReader;
using duckdb::Chunk;
using duckdb::ChunkStream;
using duckdb::Delivery;
using duckdb::EventsTable;
using duckdb::LogicalType;
using duckdb::Prepared;
using duckdb::quoted_name;
using duckdb::quoted_text;
using duckdb::Session;

constexpr std::string_view select_all_input = "SELECT * FROM input";

/// A statement of the user's, prepared and found to be allowed.
struct Question {
  Prepared statement;
  bool is_explain = false;
  std::vector<std::string> names;
  std::vector<LogicalType> types;
};

Result<Question> prepare_question(Session& session, const std::string& sql, bool allow_explain) {
  if (sql.find('\0') != std::string::npos) {
    return fail(ErrorCode::invalid_argument, "invalid_sql", "the SQL holds a NUL character");
  }
  Question out;
  HF_TRY(out.statement, session.prepare(sql));
  const duckdb_statement_type type = duckdb_prepared_statement_type(out.statement.get());
  out.is_explain = type == DUCKDB_STATEMENT_TYPE_EXPLAIN;
  if (type != DUCKDB_STATEMENT_TYPE_SELECT && !(out.is_explain && allow_explain)) {
    return fail(ErrorCode::invalid_argument, "invalid_sql", "only SELECT is allowed here");
  }
  if (duckdb_nparams(out.statement.get()) > 0) {
    return fail(ErrorCode::invalid_argument, "invalid_sql",
                "parameters ($1, ?) have no values here");
  }
  const idx_t columns = duckdb_prepared_statement_column_count(out.statement.get());
  for (idx_t i = 0; i < columns; ++i) {
    const char* name = duckdb_prepared_statement_column_name(out.statement.get(), i);
    out.names.emplace_back(name == nullptr ? "" : name);
    duckdb_free(const_cast<char*>(name));
    out.types.emplace_back(duckdb_prepared_statement_column_logical_type(out.statement.get(), i));
  }
  return out;
}

/// `SELECT <expressions> FROM (sql)`, whose columns the expressions know as c0, c1, .. Going
/// through query() leaves the text of `sql` as it is, closing semicolon and comments included.
std::string wrapped(const std::string& sql, const std::vector<std::string>& expressions) {
  std::string select;
  std::string columns;
  for (std::size_t i = 0; i < expressions.size(); ++i) {
    const std::string_view comma = i == 0 ? "" : ", ";
    select += fmt::format("{}{} AS c{}", comma, expressions[i], i);
    columns += fmt::format("{}c{}", comma, i);
  }
  return fmt::format("SELECT {} FROM query({}) AS q({})", select, quoted_text(sql), columns);
}

class DuckDbCursor final : public TableCursor {
 public:
  DuckDbCursor(std::unique_ptr<Session> session, ChunkStream stream, std::vector<std::string> names,
               std::vector<CellReader> readers)
      : session_(std::move(session)),
        stream_(std::move(stream)),
        names_(std::move(names)),
        readers_(std::move(readers)),
        cells_(readers_.size()) {}

  std::span<const std::string> columns() const override { return names_; }

  Result<std::span<const TableCell>> next() override {
    while (row_ == rows_) {
      if (ended_) return std::span<const TableCell>();
      HF_TRY(chunk_, stream_.next());
      row_ = 0;
      rows_ = 0;
      if (chunk_.get() == nullptr) {
        ended_ = true;
        continue;
      }
      rows_ = duckdb_data_chunk_get_size(chunk_.get());
      for (std::size_t i = 0; i < readers_.size(); ++i) {
        readers_[i].set_vector(duckdb_data_chunk_get_vector(chunk_.get(), i));
      }
    }
    for (std::size_t i = 0; i < readers_.size(); ++i) cells_[i] = readers_[i].read(row_);
    ++row_;
    return std::span<const TableCell>(cells_);
  }

 private:
  std::unique_ptr<Session> session_;
  ChunkStream stream_;
  std::vector<std::string> names_;
  std::vector<CellReader> readers_;
  std::vector<TableCell> cells_;
  Chunk chunk_;
  idx_t row_ = 0;
  idx_t rows_ = 0;
  bool ended_ = false;
};

class DuckDbResult final : public SqlResult {
 public:
  DuckDbResult(std::unique_ptr<Session> session, std::unique_ptr<EventsTable> table,
               ChunkStream stream, std::vector<Column> columns, std::uint64_t rows_max)
      : table_(std::move(table)),
        session_(std::move(session)),
        stream_(std::move(stream)),
        columns_(std::move(columns)),
        cells_(columns_.size()),
        rows_max_(rows_max) {}

  std::span<const Column> columns() const override { return columns_; }

  Result<std::span<const std::optional<std::string>>> next() override {
    while (row_ == rows_) {
      if (ended_) return std::span<const std::optional<std::string>>();
      HF_TRY(chunk_, stream_.next());
      row_ = 0;
      rows_ = chunk_.get() == nullptr ? 0 : duckdb_data_chunk_get_size(chunk_.get());
      ended_ = chunk_.get() == nullptr;
    }
    if (rows_max_ != 0 && ++rows_given_ > rows_max_) {
      return fail(ErrorCode::resource_exhausted, "row_limit",
                  fmt::format("the answer has more rows than may be given: {}", rows_max_));
    }
    for (std::size_t i = 0; i < cells_.size(); ++i) {
      duckdb_vector vector = duckdb_data_chunk_get_vector(chunk_.get(), i);
      std::uint64_t* validity = duckdb_vector_get_validity(vector);
      if (validity != nullptr && !duckdb_validity_row_is_valid(validity, row_)) {
        cells_[i].reset();
        continue;
      }
      auto* text = static_cast<duckdb_string_t*>(duckdb_vector_get_data(vector)) + row_;
      cells_[i].emplace(duckdb_string_t_data(text), duckdb_string_t_length(*text));
    }
    ++row_;
    return std::span<const std::optional<std::string>>(cells_);
  }

 private:
  std::unique_ptr<EventsTable> table_;  // Outlives the session and the chunks that point into it.
  std::unique_ptr<Session> session_;
  ChunkStream stream_;
  std::vector<Column> columns_;
  std::vector<std::optional<std::string>> cells_;
  std::uint64_t rows_max_;
  std::uint64_t rows_given_ = 0;
  Chunk chunk_;
  idx_t row_ = 0;
  idx_t rows_ = 0;
  bool ended_ = false;
};

bool is_number(duckdb_logical_type type) {
  switch (duckdb_get_type_id(type)) {
    case DUCKDB_TYPE_TINYINT:
    case DUCKDB_TYPE_SMALLINT:
    case DUCKDB_TYPE_INTEGER:
    case DUCKDB_TYPE_BIGINT:
    case DUCKDB_TYPE_UTINYINT:
    case DUCKDB_TYPE_USMALLINT:
    case DUCKDB_TYPE_UINTEGER:
    case DUCKDB_TYPE_UBIGINT:
    case DUCKDB_TYPE_HUGEINT:
    case DUCKDB_TYPE_UHUGEINT:
    case DUCKDB_TYPE_FLOAT:
    case DUCKDB_TYPE_DOUBLE:
    case DUCKDB_TYPE_DECIMAL:
    case DUCKDB_TYPE_BIGNUM: return true;
    default: return false;
  }
}

/// Names and types as the engine prints them.
Result<std::vector<SqlResult::Column>> columns_of(Session& session, const std::string& sql,
                                                  Question& question) {
  std::vector<SqlResult::Column> out;
  for (std::size_t i = 0; i < question.names.size(); ++i) {
    out.push_back({.name = std::move(question.names[i]),
                   .type = "VARCHAR",
                   .is_number = is_number(question.types[i].get())});
  }
  if (question.is_explain) return out;
  HF_TRY(auto types, session.rows("SELECT column_type FROM (DESCRIBE SELECT * FROM query(" +
                                  quoted_text(sql) + "))"));
  for (std::size_t i = 0; i < std::min(out.size(), types.size()); ++i) {
    out[i].type = std::move(types[i][0]).value_or("");
  }
  return out;
}

/// Sets the zone and then what nothing in the user's SQL can undo.
Result<void> lock_down(Session& session, std::string_view zone) {
  HF_CHECK(session.run("SET TimeZone = " + quoted_text(zone)));
  HF_CHECK(session.run("SET enable_external_access = false"));
  return session.run("SET lock_configuration = true");
}

std::unexpected<Error> cannot_write(std::string message) {
  return fail(ErrorCode::invalid_argument, "cannot_write", std::move(message));
}

/// The COPY statement that writes the export to `path`.
std::string copy_statement(const EventsTable& table, ExportFormat format,
                           const std::string& temporary, const std::string& path) {
  if (format == ExportFormat::parquet) {
    return fmt::format("COPY (SELECT * FROM events) TO {} (FORMAT parquet, COMPRESSION zstd)",
                       quoted_text(temporary));
  }
  using Column = EventsTable::Column;
  std::string select;
  std::string quoted;
  for (const Column& column : table.columns()) {
    const std::string name = quoted_name(column.name);
    if (!select.empty()) select += ", ";
    if (column.shape == Column::Shape::instant) {
      select += fmt::format(
          "CASE WHEN epoch_ms({0}) % 1000 = 0 "
          "THEN strftime({0} AT TIME ZONE 'UTC', '%Y-%m-%dT%H:%M:%SZ') "
          "ELSE strftime({0} AT TIME ZONE 'UTC', '%Y-%m-%dT%H:%M:%S.%gZ') END AS {0}",
          name);
    } else {
      select += name;
    }
    if (column.only_text) quoted += (quoted.empty() ? "" : ", ") + name;
  }
  std::string_view compression = "none";
  if (path.ends_with(".gz")) compression = "gzip";
  if (path.ends_with(".zst")) compression = "zstd";
  return fmt::format(
      "COPY (SELECT {} FROM events) TO {} (FORMAT csv, HEADER true, COMPRESSION {}{})", select,
      quoted_text(temporary), compression,
      quoted.empty() ? "" : fmt::format(", FORCE_QUOTE ({})", quoted));
}

Result<std::uint64_t> copied_rows(Session& session, const std::string& copy) {
  HF_TRY(const Prepared statement, session.prepare(copy));
  HF_TRY(ChunkStream stream, session.stream(statement));
  HF_TRY(const Chunk chunk, stream.next());
  if (chunk.get() == nullptr || duckdb_data_chunk_get_size(chunk.get()) == 0) return 0;
  duckdb_vector count = duckdb_data_chunk_get_vector(chunk.get(), 0);
  return static_cast<std::uint64_t>(*static_cast<std::int64_t*>(duckdb_vector_get_data(count)));
}

}  // namespace

Result<std::unique_ptr<DuckDbEngine>> DuckDbEngine::open() {
  const std::string_view version = duckdb_library_version();
  if (!version.starts_with("v1.4.") && !version.starts_with("v1.5.")) {
    return fail(ErrorCode::unavailable, "sql_engine",
                fmt::format("needs DuckDB 1.4 or 1.5, the library found is {}", version));
  }
  return std::unique_ptr<DuckDbEngine>(new DuckDbEngine());
}

Result<RecognizedCsv> DuckDbEngine::recognize_csv(const std::string& path) {
  HF_TRY(const auto session, Session::open(active_, {}, 0));
  return duckdb::recognize_csv(*session, path);
}

Result<std::unique_ptr<TableCursor>> DuckDbEngine::open(const SqlInput& input,
                                                        std::string_view sql) {
  HF_TRY(auto session, Session::open(active_, {}, 0));
  HF_CHECK(duckdb::create_input(*session, input));
  std::string paths;
  for (const std::string& path : input.paths)
    paths += (paths.empty() ? "" : ", ") + quoted_text(path);
  HF_CHECK(session->run("SET allowed_paths = [" + paths + "]"));
  HF_CHECK(lock_down(*session, "UTC"));
  const std::string text(sql.empty() ? select_all_input : sql);
  HF_TRY(Question question, prepare_question(*session, text, false));
  std::vector<CellReader> readers;
  std::vector<std::string> expressions;
  bool must_wrap = false;
  for (std::size_t i = 0; i < question.types.size(); ++i) {
    duckdb_logical_type type = question.types[i].get();
    const Delivery delivery = duckdb::delivery_of(type);
    must_wrap = must_wrap || delivery != Delivery::as_is;
    readers.emplace_back(type, delivery);
    expressions.push_back(duckdb::deliver(delivery, type, fmt::format("c{}", i)));
  }
  if (must_wrap) {
    HF_TRY(question.statement, session->prepare(wrapped(text, expressions)));
  }
  HF_TRY(ChunkStream stream, session->stream(question.statement));
  return std::make_unique<DuckDbCursor>(std::move(session), std::move(stream),
                                        std::move(question.names), std::move(readers));
}

Result<std::unique_ptr<SqlResult>> DuckDbEngine::query(const Snapshot& snapshot, const Zone& zone,
                                                       std::string_view sql,
                                                       const SqlLimits& limits) {
  std::unique_ptr<EventsTable> table;  // Destroyed after the session, whatever happens.
  HF_TRY(auto session,
         Session::open(active_, {{"memory_limit", fmt::format("{}B", limits.memory_bytes)}},
                       limits.time_ms));
  HF_TRY(table, EventsTable::attach(*session, snapshot, EventsTable::Order::any,
                                    EventsTable::Numbers::typed));
  HF_CHECK(lock_down(*session, zone.name()));
  const std::string text(sql);
  HF_TRY(Question question, prepare_question(*session, text, true));
  HF_TRY(auto columns, columns_of(*session, text, question));
  if (!question.is_explain) {
    std::vector<std::string> expressions;
    for (std::size_t i = 0; i < columns.size(); ++i) {
      expressions.push_back(fmt::format("CAST(c{} AS VARCHAR)", i));
    }
    HF_TRY(question.statement, session->prepare(wrapped(text, expressions)));
  }
  HF_TRY(ChunkStream stream, session->stream(question.statement));
  return std::make_unique<DuckDbResult>(std::move(session), std::move(table), std::move(stream),
                                        std::move(columns), limits.rows);
}

Result<std::uint64_t> DuckDbEngine::export_events(const Snapshot& snapshot, ExportFormat format,
                                                  const std::string& path) {
  std::error_code ignored;
  if (path.empty() || std::filesystem::is_directory(path, ignored)) {
    return cannot_write(fmt::format("not a file name: '{}'", path));
  }
  std::unique_ptr<EventsTable> table;
  HF_TRY(auto session, Session::open(active_, {}, 0));
  const auto numbers = format == ExportFormat::csv ? EventsTable::Numbers::canonical_text
                                                   : EventsTable::Numbers::typed;
  HF_TRY(table,
         EventsTable::attach(*session, snapshot, EventsTable::Order::person_by_time, numbers));

  const std::string temporary = fmt::format("{}.{}.tmp", path, ::getpid());
  const auto rows = copied_rows(*session, copy_statement(*table, format, temporary, path));
  FileSystem& files = real_env().files;
  const auto publish = [&]() -> Result<void> {
    HF_TRY(const auto file, files.open(temporary, OpenMode::update));
    HF_CHECK(file->sync());
    HF_CHECK(files.rename(temporary, path));
    const std::string directory = std::filesystem::path(path).parent_path().string();
    return files.sync_directory(directory.empty() ? "." : directory);
  };
  Result<void> published;
  if (rows) published = publish();
  if (rows && published) return *rows;
  if (files.exists(temporary)) (void)files.remove(temporary);
  const Error& error = rows ? published.error() : rows.error();
  if (error.reason == "invalid_sql" || rows) return cannot_write(error.message);
  return std::unexpected(error);
}

void DuckDbEngine::interrupt() {
  const auto active = active_->lock();
  for (Session* session : *active) session->cancel();
}

}  // namespace hf
