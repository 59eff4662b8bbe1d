// SPDX-License-Identifier: Apache-2.0
#include "adapter/sqlite/migration.h"

#include <fmt/format.h>

#include <array>

#include "base/assert.h"

namespace hf::sqlite {

std::span<const std::string> state_migrations() {
  // crc is RowSum over the row's other columns, of refusal without `text`, which has its own.
  static const std::array<std::string, 5> migrations = {
      R"(
CREATE TABLE source (
  name TEXT PRIMARY KEY NOT NULL,
  created_ms INTEGER NOT NULL,
  enabled INTEGER NOT NULL,
  crc INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE key (
  id INTEGER PRIMARY KEY,
  hash BLOB NOT NULL UNIQUE,
  kind TEXT NOT NULL,
  source TEXT REFERENCES source (name),
  label TEXT NOT NULL,
  hint TEXT NOT NULL,
  created_ms INTEGER NOT NULL,
  expires_ms INTEGER,
  revoked_ms INTEGER,
  last_used_ms INTEGER,
  crc INTEGER NOT NULL
) STRICT;

CREATE TABLE refusal (
  id INTEGER PRIMARY KEY,
  received_ms INTEGER NOT NULL,
  source TEXT NOT NULL,
  reason TEXT NOT NULL,
  message TEXT NOT NULL,
  bytes INTEGER NOT NULL,
  text_crc INTEGER NOT NULL,
  crc INTEGER NOT NULL,
  text BLOB NOT NULL
) STRICT;

CREATE TABLE refusal_kept (
  one INTEGER PRIMARY KEY CHECK (one = 1),
  next_id INTEGER NOT NULL,
  count INTEGER NOT NULL,
  bytes INTEGER NOT NULL,
  crc INTEGER NOT NULL
) STRICT;

CREATE TABLE refusal_ever (
  source TEXT PRIMARY KEY NOT NULL,
  count INTEGER NOT NULL,
  crc INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
)",
      R"(
CREATE TABLE answer (
  key BLOB PRIMARY KEY NOT NULL,
  request BLOB NOT NULL,
  status INTEGER NOT NULL,
  body TEXT NOT NULL,
  created_ms INTEGER NOT NULL,
  crc INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
)",
      R"(
CREATE TABLE account (
  id INTEGER PRIMARY KEY,
  name TEXT NOT NULL UNIQUE,
  role TEXT NOT NULL,
  password TEXT NOT NULL,
  created_ms INTEGER NOT NULL,
  signed_in_ms INTEGER,
  crc INTEGER NOT NULL
) STRICT;

CREATE TABLE session (
  hash BLOB PRIMARY KEY NOT NULL,
  account INTEGER NOT NULL REFERENCES account (id),
  created_ms INTEGER NOT NULL,
  seen_ms INTEGER NOT NULL,
  crc INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE setup_token (
  hash BLOB PRIMARY KEY NOT NULL,
  expires_ms INTEGER NOT NULL,
  crc INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
)",
      R"(
CREATE TABLE saved_query (
  name TEXT PRIMARY KEY NOT NULL,
  title TEXT NOT NULL,
  description TEXT NOT NULL,
  query TEXT NOT NULL,
  version INTEGER NOT NULL,
  created_ms INTEGER NOT NULL,
  created_by TEXT NOT NULL,
  updated_ms INTEGER NOT NULL,
  updated_by TEXT NOT NULL,
  crc INTEGER NOT NULL
) STRICT;
)",
      R"(
CREATE TABLE saved_query_removed (
  one INTEGER PRIMARY KEY CHECK (one = 1),
  version_max INTEGER NOT NULL,
  crc INTEGER NOT NULL
) STRICT;
)"};
  return migrations;
}

Result<std::int64_t> state_version(Connection& connection) {
  HF_TRY(const std::int64_t application, connection.number("PRAGMA application_id"));
  HF_TRY(const std::int64_t version, connection.number("PRAGMA user_version"));
  if (application != application_id || version < 1) {
    return fail(ErrorCode::data_loss, "bad_state",
                connection.path() + ": this is no state of Holdfast, or its header is damaged");
  }
  return version;
}

Result<void> require_known_version(Connection& connection) {
  HF_TRY(const std::int64_t version, state_version(connection));
  const auto known = static_cast<std::int64_t>(state_migrations().size());
  if (version <= known) return {};
  return fail(ErrorCode::failed_precondition, "newer_state",
              fmt::format("{}: a newer program made this: version {}, and this one knows versions "
                          "up to {}",
                          connection.path(), version, known));
}

Result<void> check_structure(Connection& connection) {
  HF_TRY(auto row, connection.query("PRAGMA integrity_check(1)"));
  HF_TRY(const bool is_there, row.step());
  if (is_there && row.bytes(0) == "ok") return {};
  return fail(ErrorCode::data_loss, "bad_state",
              fmt::format("{}: damaged: {}", connection.path(), is_there ? row.text(0) : ""));
}

Result<void> migrate(Connection& connection, std::span<const std::string> migrations) {
  HF_TRY(const std::int64_t version, connection.number("PRAGMA user_version"));
  const auto last = static_cast<std::int64_t>(migrations.size());
  HF_ASSERT(version <= last);
  for (std::int64_t next = version + 1; next <= last; ++next) {
    const auto migrated = connection.run_script(
        fmt::format("BEGIN IMMEDIATE;\nPRAGMA application_id = {};\n{};\n"
                    "PRAGMA user_version = {};\nCOMMIT;",
                    application_id, migrations[static_cast<std::size_t>(next - 1)], next));
    if (migrated) continue;
    Error error = migrated.error();
    if (connection.in_transaction()) HF_CHECK(connection.run_script("ROLLBACK"));
    return std::unexpected(std::move(error));
  }
  return {};
}

}  // namespace hf::sqlite
