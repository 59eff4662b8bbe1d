// SPDX-License-Identifier: Apache-2.0
#include "adapter/sqlite/connection.h"

#include <fmt/format.h>
#include <sqlite3.h>

#include <cerrno>
#include <utility>

#include "base/assert.h"

namespace hf::sqlite {
namespace {

// Another program (a backup, somebody's shell) may hold the file for a moment.
constexpr int busy_ms_max = 2'000;

bool is_disk_full(int os_error) {
  return os_error == ENOSPC || os_error == EDQUOT || os_error == EFBIG;
}

}  // namespace

Error error_of(int code, int os_error, std::string message) {
  switch (code & 0xff) {
    case SQLITE_FULL: return {ErrorCode::resource_exhausted, "disk_full", std::move(message)};
    case SQLITE_NOMEM: return {ErrorCode::resource_exhausted, "out_of_memory", std::move(message)};
    case SQLITE_BUSY:
    case SQLITE_LOCKED: return {ErrorCode::failed_precondition, "locked", std::move(message)};
    case SQLITE_PERM:
    case SQLITE_READONLY:
      return {ErrorCode::permission_denied, "permission_denied", std::move(message)};
    case SQLITE_IOERR:
    case SQLITE_CANTOPEN:
      if (code == SQLITE_IOERR_NOMEM) {
        return {ErrorCode::resource_exhausted, "out_of_memory", std::move(message)};
      }
      if (code == SQLITE_IOERR_SHORT_READ || code == SQLITE_IOERR_CORRUPTFS) {
        return {ErrorCode::data_loss, "bad_state", std::move(message)};
      }
      if (is_disk_full(os_error)) {
        return {ErrorCode::resource_exhausted, "disk_full", std::move(message)};
      }
      if (os_error == EMFILE || os_error == ENFILE) {
        return {ErrorCode::resource_exhausted, "too_many_files", std::move(message)};
      }
      if (os_error == EACCES || os_error == EPERM || os_error == EROFS) {
        return {ErrorCode::permission_denied, "permission_denied", std::move(message)};
      }
      return {ErrorCode::unavailable, "io_error", std::move(message)};
    default: return {ErrorCode::data_loss, "bad_state", std::move(message)};
  }
}

std::string file_name(const std::string& path) {
  return path.starts_with("file:") ? "./" + path : path;
}

Statement::Statement(Statement&& other) noexcept
    : connection_(other.connection_), handle_(std::exchange(other.handle_, nullptr)) {}

Statement::~Statement() {
  if (handle_ == nullptr) return;
  sqlite3_reset(handle_);  // Its result repeats what step() said.
  sqlite3_clear_bindings(handle_);
  const auto slot = connection_->prepared_.find(std::string_view(sqlite3_sql(handle_)));
  HF_ASSERT(slot != connection_->prepared_.end() && slot->second == nullptr);
  slot->second = handle_;
}

Result<bool> Statement::step() {
  const int code = sqlite3_step(handle_);
  if (code == SQLITE_ROW) return true;
  if (code == SQLITE_DONE) return false;
  return std::unexpected(connection_->failure());
}

std::int64_t Statement::integer(int column) const { return sqlite3_column_int64(handle_, column); }

std::optional<std::int64_t> Statement::optional_integer(int column) const {
  if (sqlite3_column_type(handle_, column) == SQLITE_NULL) return std::nullopt;
  return integer(column);
}

std::string_view Statement::bytes(int column) const {
  const auto* data = static_cast<const char*>(sqlite3_column_blob(handle_, column));
  // Asked after the bytes: the length is that of their present form.
  const int size = sqlite3_column_bytes(handle_, column);
  return data == nullptr ? std::string_view()
                         : std::string_view(data, static_cast<std::size_t>(size));
}

Result<void> Statement::check_bound(int code) {
  if (code == SQLITE_OK) return {};
  return std::unexpected(connection_->failure());
}

Result<void> Statement::bind(int at, std::nullopt_t) {
  return check_bound(sqlite3_bind_null(handle_, at));
}

Result<void> Statement::bind(int at, std::int64_t value) {
  return check_bound(sqlite3_bind_int64(handle_, at, value));
}

Result<void> Statement::bind(int at, std::string_view text) {
  // A null pointer would be NULL.
  return check_bound(sqlite3_bind_text64(handle_, at, text.empty() ? "" : text.data(), text.size(),
                                         SQLITE_TRANSIENT, SQLITE_UTF8));
}

Result<void> Statement::bind(int at, std::span<const std::byte> blob) {
  if (blob.empty()) return check_bound(sqlite3_bind_zeroblob(handle_, at, 0));
  return check_bound(sqlite3_bind_blob64(handle_, at, blob.data(), blob.size(), SQLITE_TRANSIENT));
}

Result<std::unique_ptr<Connection>> Connection::open(const std::string& path, Access access) {
  std::unique_ptr<Connection> connection(new Connection(path, access));
  const std::string name = file_name(path);
  const int flags = (access == Access::write ? SQLITE_OPEN_READWRITE : SQLITE_OPEN_READONLY) |
                    SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE;
  if (sqlite3_open_v2(name.c_str(), &connection->handle_, flags, nullptr) != SQLITE_OK) {
    return std::unexpected(connection->failure());
  }
  sqlite3* const handle = connection->handle_;
  sqlite3_busy_timeout(handle, busy_ms_max);
  // The file may have been made by somebody else: what stands in its schema is not to be believed.
  sqlite3_db_config(handle, SQLITE_DBCONFIG_DEFENSIVE, 1, nullptr);
  sqlite3_db_config(handle, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0, nullptr);
  sqlite3_db_config(handle, SQLITE_DBCONFIG_ENABLE_TRIGGER, 0, nullptr);
  sqlite3_db_config(handle, SQLITE_DBCONFIG_ENABLE_VIEW, 0, nullptr);
  sqlite3_db_config(handle, SQLITE_DBCONFIG_ENABLE_FKEY, 1, nullptr);
  HF_CHECK(connection->run_script("PRAGMA cell_size_check = ON; PRAGMA temp_store = MEMORY;"));
  return connection;
}

Connection::~Connection() {
  for (const auto& [sql, statement] : prepared_) {
    HF_ASSERT(statement != nullptr);
    sqlite3_finalize(statement);
  }
  // Of the last connection this also copies the log into the file and removes it. Where that fails
  // the log stays, and the next to open reads it.
  const int code = sqlite3_close(handle_);
  HF_ASSERT(code == SQLITE_OK);
}

Result<void> Connection::prepare_to_write() {
  HF_ASSERT(access_ == Access::write);
  {
    HF_TRY(auto mode, query("PRAGMA journal_mode = WAL"));
    HF_TRY(const bool row, mode.step());
    if (!row || mode.bytes(0) != "wal") {
      return fail(ErrorCode::unavailable, "io_error",
                  path_ + ": the file system does not support a write-ahead log in shared memory");
    }
  }
  HF_CHECK(run_script(
      "PRAGMA synchronous = FULL; PRAGMA secure_delete = ON; PRAGMA wal_autocheckpoint = 0;"));
  sqlite3_wal_hook(
      handle_,
      [](void* pages, sqlite3*, const char*, int now) {
        *static_cast<int*>(pages) = now;
        return SQLITE_OK;
      },
      &log_pages_);
  return {};
}

Result<Statement> Connection::prepare(std::string_view sql) {
  auto slot = prepared_.find(sql);
  if (slot == prepared_.end()) {
    sqlite3_stmt* made = nullptr;
    const int code = sqlite3_prepare_v3(handle_, sql.data(), static_cast<int>(sql.size()),
                                        SQLITE_PREPARE_PERSISTENT, &made, nullptr);
    if (code != SQLITE_OK) return std::unexpected(failure());
    HF_ASSERT(made != nullptr && sql == sqlite3_sql(made));
    slot = prepared_.emplace(std::string(sql), made).first;
  }
  HF_ASSERT(slot->second != nullptr);
  return Statement(*this, std::exchange(slot->second, nullptr));
}

Result<std::int64_t> Connection::number(std::string_view sql) {
  HF_TRY(Statement statement, query(sql));
  HF_TRY(const bool row, statement.step());
  if (!row) return fail(ErrorCode::data_loss, "bad_state", path_ + ": a number is missing");
  return statement.integer(0);
}

Result<void> Connection::run_script(const std::string& sql) {
  if (sqlite3_exec(handle_, sql.c_str(), nullptr, nullptr, nullptr) == SQLITE_OK) return {};
  return std::unexpected(failure());
}

bool Connection::in_transaction() const { return sqlite3_get_autocommit(handle_) == 0; }

Result<bool> Connection::checkpoint(bool empty) {
  int pages = 0;
  int copied = 0;
  // To empty the log SQLite would wait for readers, and we have work to do meanwhile.
  if (empty) sqlite3_busy_timeout(handle_, 0);
  const int code = sqlite3_wal_checkpoint_v2(
      handle_, "main", empty ? SQLITE_CHECKPOINT_TRUNCATE : SQLITE_CHECKPOINT_PASSIVE, &pages,
      &copied);
  std::optional<Error> error;
  if (code != SQLITE_OK && (code & 0xff) != SQLITE_BUSY) error = failure();
  if (empty) sqlite3_busy_timeout(handle_, busy_ms_max);
  if (error) return std::unexpected(*std::move(error));
  if (code == SQLITE_OK && empty) log_pages_ = 0;
  return code == SQLITE_OK && pages == copied;
}

Error Connection::failure() const {
  const int code = handle_ == nullptr ? SQLITE_NOMEM : sqlite3_extended_errcode(handle_);
  const int os_error = handle_ == nullptr ? 0 : sqlite3_system_errno(handle_);
  return error_of(
      code, os_error,
      fmt::format("{}: {} ({})", path_,
                  handle_ == nullptr ? sqlite3_errstr(code) : sqlite3_errmsg(handle_), code));
}

}  // namespace hf::sqlite
