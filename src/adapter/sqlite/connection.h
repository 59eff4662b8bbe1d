// SPDX-License-Identifier: Apache-2.0
//
// One connection to a SQLite file, and statements on it. A connection and its statements belong to
// one thread at a time.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

struct sqlite3;
struct sqlite3_stmt;

namespace hf::sqlite {

/// What SQLite's result `code` (extended) means to the caller; `os_error` is the errno behind it,
/// or 0. resource_exhausted/disk_full, too_many_files, out_of_memory; unavailable/io_error;
/// failed_precondition/locked; permission_denied; data_loss/bad_state for all that a sound file
/// of ours cannot bring about.
[[nodiscard]] Error error_of(int code, int os_error, std::string message);

/// The path as SQLite is to be told it, which takes a name that begins with "file:" for a URI.
[[nodiscard]] std::string file_name(const std::string& path);

/// A prepared statement that runs; handed back to its connection, which it must not outlive, when
/// destroyed.
class Statement {
 public:
  Statement(Statement&& other) noexcept;
  Statement& operator=(Statement&&) = delete;
  ~Statement();

  /// Goes to the next row; false after the last.
  [[nodiscard]] Result<bool> step();

  /// Columns of the row, counted from 0. One of another type, which only damage can make, reads as
  /// SQLite converts it: whoever reads compares the row's checksum.
  [[nodiscard]] std::int64_t integer(int column) const;
  [[nodiscard]] std::optional<std::int64_t> optional_integer(int column) const;
  /// Of a text or a blob. Valid until the next step().
  [[nodiscard]] std::string_view bytes(int column) const;
  [[nodiscard]] std::string text(int column) const { return std::string(bytes(column)); }

 private:
  friend class Connection;
  Statement(class Connection& connection, sqlite3_stmt* handle)
      : connection_(&connection), handle_(handle) {}

  [[nodiscard]] Result<void> bind(int at, std::nullopt_t);
  [[nodiscard]] Result<void> bind(int at, std::int64_t value);
  [[nodiscard]] Result<void> bind(int at, std::string_view text);
  [[nodiscard]] Result<void> bind(int at, std::span<const std::byte> blob);
  template <class T>
  [[nodiscard]] Result<void> bind(int at, const std::optional<T>& value) {
    return value ? bind(at, *value) : bind(at, std::nullopt);
  }
  [[nodiscard]] Result<void> check_bound(int code);

  class Connection* connection_;
  sqlite3_stmt* handle_;  // Null once moved from.
};

class Connection {
 public:
  enum class Access : std::uint8_t { read, write };

  /// Opens a file that is there. Nothing is written to it by that, but what its log (-wal) held is
  /// seen. Errors: error_of().
  [[nodiscard]] static Result<std::unique_ptr<Connection>> open(const std::string& path,
                                                                Access access);
  ~Connection();
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;

  /// Makes this the connection that writes: WAL, each commit synced, deleted content overwritten
  /// with zeros, no checkpoint by itself. Errors: error_of().
  [[nodiscard]] Result<void> prepare_to_write();

  /// Starts the one statement `sql` consists of, its parameters bound in order: std::int64_t, text,
  /// blob, or std::optional of these. Texts and blobs are copied. The statement is kept prepared.
  template <class... Values>
  [[nodiscard]] Result<Statement> query(std::string_view sql, const Values&... values) {
    HF_TRY(Statement statement, prepare(sql));
    int at = 0;
    Result<void> bound;
    ((bound = bound ? statement.bind(++at, values) : std::move(bound)), ...);
    HF_CHECK(bound);
    return statement;
  }
  /// Runs one statement to its end.
  template <class... Values>
  [[nodiscard]] Result<void> run(std::string_view sql, const Values&... values) {
    HF_TRY(Statement statement, query(sql, values...));
    while (true) {
      HF_TRY(const bool more, statement.step());
      if (!more) return {};
    }
  }
  /// The one number that `sql` returns. Errors: also data_loss/bad_state without a row.
  [[nodiscard]] Result<std::int64_t> number(std::string_view sql);
  /// Runs any number of statements without parameters.
  [[nodiscard]] Result<void> run_script(const std::string& sql);

  [[nodiscard]] bool in_transaction() const;
  /// For what SQLite alone can do: hooks, in tests.
  [[nodiscard]] sqlite3* handle() const { return handle_; }
  /// Pages in the write-ahead log after the last commit or checkpoint of this connection.
  [[nodiscard]] int log_pages() const { return log_pages_; }
  /// Copies the log into the file as far as readers let it; with `empty` waits for none, and
  /// empties the log where nobody reads. True where nothing is left in the log to copy. Errors:
  /// error_of().
  [[nodiscard]] Result<bool> checkpoint(bool empty);
  /// The error of the call that has just failed.
  [[nodiscard]] Error failure() const;

  [[nodiscard]] const std::string& path() const { return path_; }

 private:
  friend class Statement;
  Connection(std::string path, Access access) : path_(std::move(path)), access_(access) {}
  [[nodiscard]] Result<Statement> prepare(std::string_view sql);

  std::string path_;
  Access access_;
  sqlite3* handle_ = nullptr;
  int log_pages_ = 0;
  // By their text; a null one is in use.
  std::map<std::string, sqlite3_stmt*, std::less<>> prepared_;
};

}  // namespace hf::sqlite
