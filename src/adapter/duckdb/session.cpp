// SPDX-License-Identifier: Apache-2.0
#include "adapter/duckdb/session.h"

#include <fmt/format.h>

#include <chrono>

#include "base/assert.h"

namespace hf::duckdb {
namespace {

using Config = Owned<duckdb_config, duckdb_destroy_config>;
using Statements = Owned<duckdb_extracted_statements, duckdb_destroy_extracted>;
using Pending = Owned<duckdb_pending_result, duckdb_destroy_pending>;

std::string quoted(std::string_view text, char quote) {
  std::string out(1, quote);
  for (const char c : text) {
    out += c;
    if (c == quote) out += c;
  }
  return out += quote;
}

std::string text_or(const char* text, std::string_view otherwise) {
  return text == nullptr ? std::string(otherwise) : std::string(text);
}

}  // namespace

std::string quoted_text(std::string_view text) { return quoted(text, '\''); }
std::string quoted_name(std::string_view name) { return quoted(name, '"'); }

Result<std::unique_ptr<Session>> Session::open(std::shared_ptr<ActiveSessions> active,
                                               const Settings& settings, std::int64_t time_ms_max) {
  Config config;
  if (duckdb_create_config(config.out()) != DuckDBSuccess) {
    return fail(ErrorCode::unavailable, "sql_engine", "the SQL engine takes no settings");
  }
  Settings all = {{"autoinstall_known_extensions", "false"},
                  {"autoload_known_extensions", "false"},
                  // Spilling would write beside whatever directory the program was started in.
                  {"temp_directory", ""}};
  all.insert(all.end(), settings.begin(), settings.end());
  for (const auto& [name, value] : all) {
    if (duckdb_set_config(config.get(), name.c_str(), value.c_str()) != DuckDBSuccess) {
      return fail(ErrorCode::unavailable, "sql_engine",
                  fmt::format("the SQL engine refuses the setting {} = {}", name, value));
    }
  }
  std::unique_ptr<Session> session(new Session(std::move(active)));
  char* message = nullptr;
  if (duckdb_open_ext(nullptr, &session->database_, config.get(), &message) != DuckDBSuccess) {
    auto error = fail(ErrorCode::unavailable, "sql_engine",
                      "the SQL engine does not start: " + text_or(message, "no reason given"));
    duckdb_free(message);
    return error;
  }
  if (duckdb_connect(session->database_, &session->connection_) != DuckDBSuccess) {
    return fail(ErrorCode::unavailable, "sql_engine", "the SQL engine gives no connection");
  }
  session->time_ms_max_ = time_ms_max;
  session->watcher_ = std::thread([s = session.get(), time_ms_max] { s->watch(time_ms_max); });
  session->active_->lock()->insert(session.get());
  return session;
}

Session::~Session() {
  active_->lock()->erase(this);
  if (watcher_.joinable()) {
    {
      const std::scoped_lock lock(mutex_);
      closing_ = true;
    }
    wake_.notify_all();
    watcher_.join();
  }
  if (connection_ != nullptr) duckdb_disconnect(&connection_);
  if (database_ != nullptr) duckdb_close(&database_);
}

void Session::watch(std::int64_t time_ms_max) {
  constexpr auto interval = std::chrono::milliseconds(10);
  std::unique_lock lock(mutex_);
  const auto done = [this] { return closing_ || stop_ != Stop::none; };
  if (time_ms_max <= 0) {
    wake_.wait(lock, done);
  } else if (!wake_.wait_for(lock, std::chrono::milliseconds(time_ms_max), done)) {
    stop_ = Stop::time_limit;
  }
  while (!closing_) {
    duckdb_interrupt(connection_);
    wake_.wait_for(lock, interval, [this] { return closing_; });
  }
}

void Session::cancel() {
  {
    const std::scoped_lock lock(mutex_);
    if (stop_ == Stop::none) stop_ = Stop::cancelled;
  }
  wake_.notify_all();
}

std::unexpected<Error> Session::failure(duckdb_error_type type, std::string message) const {
  if (own_error_) {
    if (std::optional<Error> error = own_error_()) return std::unexpected(*std::move(error));
  }
  if (type == DUCKDB_ERROR_INTERRUPT || stop_ != Stop::none) {
    if (stop_ == Stop::time_limit) {
      return fail(ErrorCode::resource_exhausted, "time_limit",
                  fmt::format("the query was stopped after {} ms", time_ms_max_));
    }
    return fail(ErrorCode::cancelled, "interrupted", "the query was interrupted");
  }
  if (type == DUCKDB_ERROR_OUT_OF_MEMORY) {
    return fail(ErrorCode::resource_exhausted, "memory_limit",
                "the query needs more memory than it may use: " + message);
  }
  return fail(ErrorCode::invalid_argument, "invalid_sql", std::move(message));
}

Result<void> Session::check_running() const {
  if (stop_ != Stop::none) return failure(DUCKDB_ERROR_INTERRUPT, {});
  return {};
}

Result<Prepared> Session::prepare(const std::string& sql) {
  Statements statements;
  const idx_t count = duckdb_extract_statements(connection_, sql.c_str(), statements.out());
  if (count == 0) {
    return failure(DUCKDB_ERROR_PARSER, text_or(duckdb_extract_statements_error(statements.get()),
                                                "the SQL holds no statement"));
  }
  if (count > 1) {
    return fail(ErrorCode::invalid_argument, "invalid_sql",
                fmt::format("one statement at a time, found: {}", count));
  }
  Prepared prepared;
  if (duckdb_prepare_extracted_statement(connection_, statements.get(), 0, prepared.out()) !=
      DuckDBSuccess) {
    return failure(DUCKDB_ERROR_BINDER, text_or(duckdb_prepare_error(prepared.get()),
                                                "the statement cannot be prepared"));
  }
  return prepared;
}

Result<ChunkStream> Session::stream(const Prepared& statement) {
  HF_CHECK(check_running());
  Pending pending;
  if (duckdb_pending_prepared_streaming(statement.get(), pending.out()) != DuckDBSuccess) {
    return failure(DUCKDB_ERROR_EXECUTOR,
                   text_or(duckdb_pending_error(pending.get()), "the statement cannot be run"));
  }
  duckdb_result result = {};
  if (duckdb_execute_pending(pending.get(), &result) != DuckDBSuccess) {
    auto error = failure(duckdb_result_error_type(&result),
                         text_or(duckdb_result_error(&result), "the statement failed"));
    duckdb_destroy_result(&result);
    return error;
  }
  return ChunkStream(*this, result);
}

Result<Chunk> ChunkStream::next() {
  HF_CHECK(session_->check_running());
  Chunk chunk(duckdb_fetch_chunk(result_));
  if (chunk.get() != nullptr) return chunk;
  if (const char* message = duckdb_result_error(&result_); message != nullptr && *message != 0) {
    return session_->failure(duckdb_result_error_type(&result_), message);
  }
  return chunk;
}

Result<std::vector<std::vector<std::optional<std::string>>>> Session::rows(const std::string& sql) {
  HF_CHECK(check_running());
  duckdb_result result = {};
  if (duckdb_query(connection_, sql.c_str(), &result) != DuckDBSuccess) {
    auto error = failure(duckdb_result_error_type(&result),
                         text_or(duckdb_result_error(&result), "the statement failed"));
    duckdb_destroy_result(&result);
    return error;
  }
  std::vector<std::vector<std::optional<std::string>>> out;
  const idx_t columns = duckdb_column_count(&result);
  for (;;) {
    const Chunk chunk(duckdb_fetch_chunk(result));
    if (chunk.get() == nullptr) break;
    const idx_t size = duckdb_data_chunk_get_size(chunk.get());
    for (idx_t row = 0; row < size; ++row) {
      auto& cells = out.emplace_back(columns);
      for (idx_t column = 0; column < columns; ++column) {
        duckdb_vector vector = duckdb_data_chunk_get_vector(chunk.get(), column);
        std::uint64_t* validity = duckdb_vector_get_validity(vector);
        if (validity != nullptr && !duckdb_validity_row_is_valid(validity, row)) continue;
        HF_ASSERT(duckdb_column_type(&result, column) == DUCKDB_TYPE_VARCHAR);
        auto* text = static_cast<duckdb_string_t*>(duckdb_vector_get_data(vector)) + row;
        cells[column].emplace(duckdb_string_t_data(text), duckdb_string_t_length(*text));
      }
    }
  }
  duckdb_destroy_result(&result);
  return out;
}

Result<void> Session::run(const std::string& sql) {
  HF_CHECK(check_running());
  duckdb_result result = {};
  Result<void> out;
  if (duckdb_query(connection_, sql.c_str(), &result) != DuckDBSuccess) {
    out = failure(duckdb_result_error_type(&result),
                  text_or(duckdb_result_error(&result), "the statement failed"));
  }
  duckdb_destroy_result(&result);
  return out;
}

}  // namespace hf::duckdb
