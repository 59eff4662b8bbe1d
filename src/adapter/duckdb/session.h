// SPDX-License-Identifier: Apache-2.0
//
// One in-memory DuckDB database with one connection, and what runs on it. Every piece of work has a
// session of its own: settings are then locked per piece of work, and nothing is left behind.
#pragma once

#include <duckdb.h>

#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

#include "base/guarded.h"
#include "base/result.h"

namespace hf::duckdb {

class Session;

/// The sessions that interrupt() reaches; shared, because a cursor may outlive its engine.
using ActiveSessions = Guarded<std::set<Session*>>;

/// `text` as an SQL string literal, or as a quoted identifier.
[[nodiscard]] std::string quoted_text(std::string_view text);
[[nodiscard]] std::string quoted_name(std::string_view name);

/// Owns one of DuckDB's handles.
template <class Handle, void (*destroy)(Handle*)>
class Owned {
 public:
  Owned() = default;
  explicit Owned(Handle handle) : handle_(handle) {}
  Owned(Owned&& other) noexcept : handle_(std::exchange(other.handle_, Handle{})) {}
  Owned& operator=(Owned&& other) noexcept {
    std::swap(handle_, other.handle_);
    return *this;
  }
  ~Owned() {
    if (handle_ != nullptr) destroy(&handle_);
  }
  [[nodiscard]] Handle get() const { return handle_; }
  [[nodiscard]] Handle* out() { return &handle_; }

 private:
  Handle handle_ = {};
};

using LogicalType = Owned<duckdb_logical_type, duckdb_destroy_logical_type>;
using Chunk = Owned<duckdb_data_chunk, duckdb_destroy_data_chunk>;
using Prepared = Owned<duckdb_prepared_statement, duckdb_destroy_prepare>;

/// Rows of a statement, chunk by chunk. Must not outlive its session.
class ChunkStream {
 public:
  ChunkStream() = default;
  ChunkStream(ChunkStream&& other) noexcept
      : session_(std::exchange(other.session_, nullptr)), result_(other.result_) {}
  ChunkStream& operator=(ChunkStream&&) = delete;
  ~ChunkStream() {
    if (session_ != nullptr) duckdb_destroy_result(&result_);
  }
  /// The next chunk, an empty handle after the last. Errors: Session::failure().
  [[nodiscard]] Result<Chunk> next();
  [[nodiscard]] std::uint64_t rows_changed() { return duckdb_rows_changed(&result_); }

 private:
  friend class Session;
  ChunkStream(Session& session, duckdb_result result) : session_(&session), result_(result) {}
  Session* session_ = nullptr;
  duckdb_result result_ = {};
};

class Session {
 public:
  using Settings = std::vector<std::pair<std::string, std::string>>;
  /// Opens a database with `settings`; extensions are neither installed nor loaded by any of them.
  /// `time_ms_max` 0 is without limit. Errors: unavailable/sql_engine.
  [[nodiscard]] static Result<std::unique_ptr<Session>> open(std::shared_ptr<ActiveSessions> active,
                                                             const Settings& settings,
                                                             std::int64_t time_ms_max);
  ~Session();
  Session(const Session&) = delete;
  Session& operator=(const Session&) = delete;

  [[nodiscard]] duckdb_database database() const { return database_; }
  [[nodiscard]] duckdb_connection connection() const { return connection_; }

  /// Runs a statement of ours to its end; hands out the rows as texts, row by row.
  [[nodiscard]] Result<std::vector<std::vector<std::optional<std::string>>>> rows(
      const std::string& sql);
  [[nodiscard]] Result<void> run(const std::string& sql);
  /// Prepares the one statement `sql` consists of. Errors: failure(); invalid_argument/invalid_sql.
  [[nodiscard]] Result<Prepared> prepare(const std::string& sql);
  /// Runs a prepared statement; rows are made while they are fetched.
  [[nodiscard]] Result<ChunkStream> stream(const Prepared& statement);

  /// Stops what runs and all that would run next. From any thread.
  void cancel();
  /// Asked first when a statement failed: the error of code of ours that DuckDB called.
  void on_failure(std::function<std::optional<Error>()> own_error) {
    own_error_ = std::move(own_error);
  }
  /// What a failed statement means to the caller: cancelled/interrupted;
  /// resource_exhausted/time_limit, memory_limit; not_found; else invalid_argument/invalid_sql.
  [[nodiscard]] std::unexpected<Error> failure(duckdb_error_type type, std::string message) const;
  /// The same where nothing has run: an error once the session was stopped.
  [[nodiscard]] Result<void> check_running() const;

 private:
  enum class Stop : std::uint8_t { none, cancelled, time_limit };

  explicit Session(std::shared_ptr<ActiveSessions> active) : active_(std::move(active)) {}
  void watch(std::int64_t time_ms_max);

  std::shared_ptr<ActiveSessions> active_;
  duckdb_database database_ = nullptr;
  duckdb_connection connection_ = nullptr;
  std::int64_t time_ms_max_ = 0;
  std::function<std::optional<Error>()> own_error_;
  std::atomic<Stop> stop_ = Stop::none;

  // The watcher interrupts again and again once stopped, because DuckDB forgets an interruption
  // that comes between two statements.
  std::mutex mutex_;
  std::condition_variable wake_;
  bool closing_ = false;  // Guarded by mutex_.
  std::thread watcher_;
};

}  // namespace hf::duckdb
