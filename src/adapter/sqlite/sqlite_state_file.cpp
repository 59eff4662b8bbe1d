// SPDX-License-Identifier: Apache-2.0
#include "adapter/sqlite/sqlite_state_file.h"

#include <fmt/format.h>

#include <memory>
#include <utility>

#include "adapter/sqlite/connection.h"
#include "adapter/sqlite/migration.h"
#include "adapter/sqlite/state_rows.h"

namespace hf {
namespace {

using sqlite::Connection;

/// A connection that writes nothing and leaves nothing beside the file. Where there is a log,
/// somebody has the state open, or died with it: one that may only read leaves all that as it is.
/// Where there is none, even a reader has SQLite make an empty one, and only a connection that may
/// write takes that away again when it closes.
Result<std::unique_ptr<Connection>> open_to_look(const Env& env, const std::string& path) {
  if (!env.files.exists(path)) {
    return fail(ErrorCode::not_found, "missing_file", path + ": there is no such file");
  }
  const bool has_log = env.files.exists(path + "-wal");
  return Connection::open(path, has_log ? Connection::Access::read : Connection::Access::write);
}

Result<StateCheck> check_at_one_moment(Connection& connection) {
  HF_CHECK(sqlite::require_known_version(connection));
  const Result<void> structure = sqlite::check_structure(connection);
  if (!structure && structure.error().code != ErrorCode::data_loss) {
    return std::unexpected(structure.error());
  }
  HF_TRY(StateCheck check, sqlite::check_rows(connection));
  if (!structure) check.damage.insert(check.damage.begin(), structure.error().message);
  return check;
}

}  // namespace

Result<void> SqliteStateFile::copy(const std::string& from, const std::string& to) const {
  HF_TRY(const auto connection, open_to_look(env_, from));
  HF_CHECK(sqlite::require_known_version(*connection));
  // SQLite takes the empty file it finds, and leaves its mode. What it makes has no free pages, and
  // needs no log beside it.
  HF_CHECK(env_.files.open(to, OpenMode::create_new));
  auto copied = connection->run("VACUUM INTO ?", sqlite::file_name(to));
  if (!copied) copied.error().message += ", while it was copied to " + to;
  return copied;
}

Result<StateCheck> SqliteStateFile::check(const std::string& path) const {
  const auto checked = [&]() -> Result<StateCheck> {
    HF_TRY(const auto connection, open_to_look(env_, path));
    HF_CHECK(connection->run("BEGIN"));
    auto check = check_at_one_moment(*connection);
    // Nothing was written: it ends as well as it may.
    (void)connection->run("COMMIT");
    return check;
  }();
  if (checked || checked.error().code != ErrorCode::data_loss) return checked;
  return StateCheck{.damage = {checked.error().message}};
}

}  // namespace hf
