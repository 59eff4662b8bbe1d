// SPDX-License-Identifier: Apache-2.0
#include "adapter/sqlite/sqlite_state.h"

#include <fmt/format.h>

#include <filesystem>
#include <utility>

#include "adapter/sqlite/migration.h"
#include "adapter/sqlite/state_rows.h"
#include "adapter/sqlite/writer.h"
#include "base/assert.h"
#include "base/guarded.h"

namespace hf {
namespace {

using sqlite::Connection;

std::string log_of(const std::string& path) { return path + "-wal"; }

Result<void> remove_if_there(const Env& env, const std::string& path) {
  const auto removed = env.files.remove(path);
  if (!removed && removed.error().code != ErrorCode::not_found) return removed;
  return {};
}

/// Makes a new state under another name, complete before it gets its own: a state that is there has
/// all its tables, so that an empty file can be told from a new one.
Result<void> make_state(const Env& env, const std::string& path) {
  const std::string directory = std::filesystem::path(path).parent_path();
  HF_ASSERT(!directory.empty());
  const std::string temporary = path + ".tmp";
  for (const char* rest : {"", "-wal", "-shm"}) {
    HF_CHECK(remove_if_there(env, temporary + rest));
  }
  {
    // SQLite gives its other files the mode of this one.
    HF_CHECK(env.files.open(temporary, OpenMode::create_new));
    HF_TRY(const auto connection, Connection::open(temporary, Connection::Access::write));
    HF_CHECK(connection->prepare_to_write());
    HF_CHECK(sqlite::migrate(*connection, sqlite::state_migrations()));
    HF_TRY(const bool copied, connection->checkpoint(/*empty=*/true));
    if (!copied) {
      return fail(ErrorCode::failed_precondition, "locked",
                  temporary + ": another program reads the new state");
    }
  }
  // Left behind by one that was removed, it would be taken for the new one's.
  HF_CHECK(remove_if_there(env, path + "-shm"));
  HF_CHECK(env.files.rename(temporary, path));
  return env.files.sync_directory(directory);
}

/// Writes on the writer's connection, within its transaction.
class Change final : public StateChange {
 public:
  explicit Change(Connection& connection) : connection_(connection) {}

  Result<std::vector<Source>> sources() const override { return read_sources(connection_); }
  Result<std::optional<Source>> source(std::string_view name) const override {
    return read_source(connection_, name);
  }
  Result<std::vector<StoredKey>> keys() const override { return read_keys(connection_); }
  Result<std::optional<Key>> key(std::uint64_t id) const override {
    HF_TRY(const auto stored, read_key(connection_, id));
    return stored ? std::optional(stored->key) : std::nullopt;
  }
  Result<std::vector<StoredAccount>> accounts() const override {
    return read_accounts(connection_);
  }
  Result<std::vector<StoredSession>> sessions() const override {
    return read_sessions(connection_);
  }
  Result<std::vector<SetupToken>> setup_tokens() const override {
    return read_setup_tokens(connection_);
  }
  Result<RefusalPage> refusals(const RefusalQuery& query) const override {
    return read_refusals(connection_, query);
  }
  Result<RefusalCounts> refusal_counts() const override { return read_refusal_counts(connection_); }
  Result<std::vector<SavedQuery>> saved_queries() const override {
    return read_saved_queries(connection_);
  }
  Result<std::optional<SavedQuery>> saved_query(std::string_view name) const override {
    return read_saved_query(connection_, name);
  }
  Result<SavedQueryTotals> saved_query_totals() const override {
    return read_saved_query_totals(connection_);
  }
  Result<void> save_source(const Source& source) override {
    return write_source(connection_, source);
  }
  Result<std::uint64_t> add_key(const StoredKey& key) override {
    StoredKey added = key;
    HF_TRY(added.key.id, next_key_id(connection_));
    HF_CHECK(write_key(connection_, added));
    return added.key.id;
  }
  Result<void> save_key(const Key& key) override {
    HF_TRY(auto stored, read_key(connection_, key.id));
    HF_ASSERT(stored);
    stored->key = key;
    return write_key(connection_, *stored);
  }
  Result<std::uint64_t> add_account(const StoredAccount& account) override {
    StoredAccount added = account;
    HF_TRY(added.account.id, next_account_id(connection_));
    HF_CHECK(write_account(connection_, added));
    return added.account.id;
  }
  Result<void> save_account(const StoredAccount& account) override {
    return write_account(connection_, account);
  }
  Result<void> save_session(const StoredSession& session) override {
    return write_session(connection_, session);
  }
  Result<void> remove_session(const TokenHash& hash) override {
    return sqlite::remove_session(connection_, hash);
  }
  Result<void> save_setup_token(const SetupToken& token) override {
    return write_setup_token(connection_, token);
  }
  Result<void> remove_setup_token(const TokenHash& hash) override {
    return sqlite::remove_setup_token(connection_, hash);
  }
  Result<void> add_refusals(std::span<const Refusal> refusals) override {
    return write_refusals(connection_, refusals);
  }
  Result<std::optional<RememberedAnswer>> answer(const RequestHash& key) const override {
    return read_answer(connection_, key);
  }
  Result<void> remember(const RememberedAnswer& answer) override {
    return write_answer(connection_, answer);
  }
  Result<std::uint64_t> remove_refusals(std::span<const std::uint64_t> ids) override {
    return sqlite::remove_refusals(connection_, ids);
  }
  Result<void> save_query(const SavedQuery& query) override {
    return write_saved_query(connection_, query);
  }
  Result<void> remove_query(std::string_view name) override {
    return remove_saved_query(connection_, name);
  }

 private:
  Connection& connection_;
};

}  // namespace

class SqliteState::Impl {
 public:
  Impl(std::string path, std::unique_ptr<Connection> connection)
      : path_(std::move(path)), writer_(std::move(connection)) {}

  /// Runs `read(connection)` in a transaction of one of the reading connections; there are as many
  /// as ever read at a time, of which a few are kept.
  template <class Read>
  auto read(Read&& read) -> std::invoke_result_t<Read, Connection&> {
    HF_TRY(auto connection, take_reader());
    HF_CHECK(connection->run("BEGIN"));
    auto answer = read(*connection);
    // Nothing was written: COMMIT and ROLLBACK are the same, and neither can lose anything.
    const auto ended = connection->run("COMMIT");
    if (ended && answer) give_back(std::move(connection));
    return answer;
  }

  sqlite::Writer& writer() { return writer_; }

 private:
  using Readers = std::vector<std::unique_ptr<Connection>>;
  static constexpr std::size_t readers_kept_max = 4;

  Result<std::unique_ptr<Connection>> take_reader() {
    {
      const auto idle = idle_.lock();
      if (!idle->empty()) {
        auto reader = std::move(idle->back());
        idle->pop_back();
        return reader;
      }
    }
    return Connection::open(path_, Connection::Access::read);
  }

  void give_back(std::unique_ptr<Connection> reader) {
    const auto idle = idle_.lock();
    if (idle->size() < readers_kept_max) idle->push_back(std::move(reader));
  }

  std::string path_;
  sqlite::Writer writer_;
  // Closed before the writer's connection, so that the log is copied by that alone.
  Guarded<Readers> idle_;
};

SqliteState::SqliteState(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
SqliteState::~SqliteState() = default;

Result<std::unique_ptr<SqliteState>> SqliteState::open(const Env& env, const std::string& path) {
  if (!env.files.exists(path)) {
    if (env.files.exists(log_of(path))) {
      return fail(ErrorCode::data_loss, "bad_state",
                  fmt::format("{}: the file is missing, its log {} is there", path, log_of(path)));
    }
    HF_CHECK(make_state(env, path));
  }
  HF_TRY(auto connection, Connection::open(path, Connection::Access::write));
  HF_CHECK(sqlite::require_known_version(*connection));
  HF_CHECK(sqlite::check_structure(*connection));
  HF_CHECK(connection->prepare_to_write());
  HF_CHECK(sqlite::migrate(*connection, sqlite::state_migrations()));
  return std::unique_ptr<SqliteState>(
      new SqliteState(std::make_unique<Impl>(path, std::move(connection))));
}

Result<std::vector<Source>> SqliteState::sources() const {
  return impl_->read([](Connection& on) { return sqlite::read_sources(on); });
}

Result<std::optional<Source>> SqliteState::source(std::string_view name) const {
  return impl_->read([&](Connection& on) { return sqlite::read_source(on, name); });
}

Result<std::vector<StoredKey>> SqliteState::keys() const {
  return impl_->read([](Connection& on) { return sqlite::read_keys(on); });
}

Result<std::optional<Key>> SqliteState::key(std::uint64_t id) const {
  HF_TRY(const auto stored, impl_->read([&](Connection& on) { return sqlite::read_key(on, id); }));
  return stored ? std::optional(stored->key) : std::nullopt;
}

Result<std::vector<StoredAccount>> SqliteState::accounts() const {
  return impl_->read([](Connection& on) { return sqlite::read_accounts(on); });
}

Result<std::vector<StoredSession>> SqliteState::sessions() const {
  return impl_->read([](Connection& on) { return sqlite::read_sessions(on); });
}

Result<std::vector<SetupToken>> SqliteState::setup_tokens() const {
  return impl_->read([](Connection& on) { return sqlite::read_setup_tokens(on); });
}

Result<RefusalPage> SqliteState::refusals(const RefusalQuery& query) const {
  return impl_->read([&](Connection& on) { return sqlite::read_refusals(on, query); });
}

Result<RefusalCounts> SqliteState::refusal_counts() const {
  return impl_->read([](Connection& on) { return sqlite::read_refusal_counts(on); });
}

Result<std::vector<SavedQuery>> SqliteState::saved_queries() const {
  return impl_->read([](Connection& on) { return sqlite::read_saved_queries(on); });
}

Result<std::optional<SavedQuery>> SqliteState::saved_query(std::string_view name) const {
  return impl_->read([&](Connection& on) { return sqlite::read_saved_query(on, name); });
}

Result<SavedQueryTotals> SqliteState::saved_query_totals() const {
  return impl_->read([](Connection& on) { return sqlite::read_saved_query_totals(on); });
}

Result<void> SqliteState::change(const Work& work) {
  return impl_->writer().run([&](Connection& connection) {
    Change change(connection);
    return work(change);
  });
}

}  // namespace hf
