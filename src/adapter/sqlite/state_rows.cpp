// SPDX-License-Identifier: Apache-2.0
#include "adapter/sqlite/state_rows.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstring>
#include <map>
#include <string>
#include <utility>

#include "base/assert.h"
#include "base/hash.h"

namespace hf::sqlite {
namespace {

constexpr std::int64_t first_version_with_answers = 2;
constexpr std::int64_t first_version_with_accounts = 3;
constexpr std::int64_t first_version_with_saved_queries = 4;
constexpr std::int64_t first_version_with_removed_queries = 5;

std::int64_t as_stored(std::uint64_t value) { return static_cast<std::int64_t>(value); }
std::uint64_t from_stored(std::int64_t value) { return static_cast<std::uint64_t>(value); }

/// CRC-32C over the table's name and the values, each with its kind and texts with their length, so
/// that no value can pass for part of another. Part of the format: docs/format/state.md.
class RowSum {
 public:
  explicit RowSum(std::string_view table) { add(table); }

  RowSum& add(std::int64_t value) {
    bytes_ += 'i';
    add_integer(from_stored(value));
    return *this;
  }
  RowSum& add(std::string_view text) {
    bytes_ += 't';
    add_integer(text.size());
    bytes_ += text;
    return *this;
  }
  RowSum& add(const std::optional<std::int64_t>& value) {
    if (value) return add(*value);
    bytes_ += 'n';
    return *this;
  }
  [[nodiscard]] std::int64_t value() const { return crc32c(bytes_); }

 private:
  void add_integer(std::uint64_t value) {
    for (int byte = 0; byte < 8; ++byte) bytes_ += static_cast<char>(value >> (8 * byte));
  }
  std::string bytes_;
};

std::unexpected<Error> bad_row(const Connection& connection, std::string_view table) {
  return fail(ErrorCode::data_loss, "bad_state",
              fmt::format("{}: a row is damaged in table {}", connection.path(), table));
}

std::string_view view(const KeyHash& hash) {
  return {reinterpret_cast<const char*>(hash.data()), hash.size()};
}

std::string_view name_of(KeyKind kind) {
  switch (kind) {
    case KeyKind::write: return "write";
    case KeyKind::read: return "read";
    case KeyKind::admin: return "admin";
  }
  HF_ASSERT(false);
  return {};
}

std::optional<KeyKind> kind_of(std::string_view name) {
  for (const KeyKind kind : {KeyKind::write, KeyKind::read, KeyKind::admin}) {
    if (name == name_of(kind)) return kind;
  }
  return std::nullopt;
}

// -- source ---------------------------------------------------------------------------------------

std::int64_t sum_of(const Source& source) {
  return RowSum("source")
      .add(source.name)
      .add(source.created_ms)
      .add(std::int64_t{source.enabled})
      .value();
}

Result<Source> source_of(const Connection& connection, const Statement& row) {
  Source source = {
      .name = row.text(0), .created_ms = row.integer(1), .enabled = row.integer(2) == 1};
  if (row.integer(3) != sum_of(source)) return bad_row(connection, "source");
  return source;
}

// -- key ------------------------------------------------------------------------------------------

std::int64_t sum_of(const StoredKey& stored) {
  const Key& key = stored.key;
  return RowSum("key")
      .add(as_stored(key.id))
      .add(view(stored.hash))
      .add(name_of(key.kind))
      .add(key.source)
      .add(key.label)
      .add(key.hint)
      .add(key.created_ms)
      .add(key.expires_ms)
      .add(key.revoked_ms)
      .add(key.last_used_ms)
      .value();
}

constexpr std::string_view key_by_id =
    "SELECT id, hash, kind, source, label, hint, created_ms, expires_ms, revoked_ms, last_used_ms, "
    "crc FROM key WHERE id = ?";
constexpr std::string_view all_keys =
    "SELECT id, hash, kind, source, label, hint, created_ms, expires_ms, revoked_ms, last_used_ms, "
    "crc FROM key ORDER BY id";

Result<StoredKey> key_of(const Connection& connection, const Statement& row) {
  const std::string_view hash = row.bytes(1);
  StoredKey stored;
  const std::optional<KeyKind> kind = kind_of(row.text(2));
  if (!kind || hash.size() != stored.hash.size()) return bad_row(connection, "key");
  std::memcpy(stored.hash.data(), hash.data(), hash.size());
  stored.key = {.id = from_stored(row.integer(0)),
                .kind = *kind,
                .source = row.text(3),
                .label = row.text(4),
                .hint = row.text(5),
                .created_ms = row.integer(6),
                .expires_ms = row.optional_integer(7),
                .revoked_ms = row.optional_integer(8),
                .last_used_ms = row.optional_integer(9)};
  if (row.integer(10) != sum_of(stored)) return bad_row(connection, "key");
  return stored;
}

// -- account, session, setup_token ----------------------------------------------------------------

std::string_view name_of(Role role) {
  switch (role) {
    case Role::owner: return "owner";
  }
  HF_ASSERT(false);
  return {};
}

std::int64_t sum_of(const StoredAccount& stored) {
  const Account& account = stored.account;
  return RowSum("account")
      .add(as_stored(account.id))
      .add(account.name)
      .add(name_of(account.role))
      .add(stored.password)
      .add(account.created_ms)
      .add(account.signed_in_ms)
      .value();
}

constexpr std::string_view all_accounts =
    "SELECT id, name, role, password, created_ms, signed_in_ms, crc FROM account ORDER BY id";

Result<StoredAccount> account_of(const Connection& connection, const Statement& row) {
  if (row.text(2) != name_of(Role::owner)) return bad_row(connection, "account");
  StoredAccount stored = {.account = {.id = from_stored(row.integer(0)),
                                      .name = row.text(1),
                                      .role = Role::owner,
                                      .created_ms = row.integer(4),
                                      .signed_in_ms = row.optional_integer(5)},
                          .password = row.text(3)};
  if (row.integer(6) != sum_of(stored)) return bad_row(connection, "account");
  return stored;
}

std::int64_t sum_of(const StoredSession& session) {
  return RowSum("session")
      .add(view(session.hash))
      .add(as_stored(session.account))
      .add(session.created_ms)
      .add(session.seen_ms)
      .value();
}

constexpr std::string_view all_sessions =
    "SELECT hash, account, created_ms, seen_ms, crc FROM session ORDER BY hash";

Result<StoredSession> session_of(const Connection& connection, const Statement& row) {
  StoredSession session = {.account = from_stored(row.integer(1)),
                           .created_ms = row.integer(2),
                           .seen_ms = row.integer(3)};
  const std::string_view hash = row.bytes(0);
  if (hash.size() != session.hash.size()) return bad_row(connection, "session");
  std::memcpy(session.hash.data(), hash.data(), hash.size());
  if (row.integer(4) != sum_of(session)) return bad_row(connection, "session");
  return session;
}

std::int64_t sum_of(const SetupToken& token) {
  return RowSum("setup_token").add(view(token.hash)).add(token.expires_ms).value();
}

constexpr std::string_view all_setup_tokens =
    "SELECT hash, expires_ms, crc FROM setup_token ORDER BY hash";

Result<SetupToken> setup_token_of(const Connection& connection, const Statement& row) {
  SetupToken token = {.expires_ms = row.integer(1)};
  const std::string_view hash = row.bytes(0);
  if (hash.size() != token.hash.size()) return bad_row(connection, "setup_token");
  std::memcpy(token.hash.data(), hash.data(), hash.size());
  if (row.integer(2) != sum_of(token)) return bad_row(connection, "setup_token");
  return token;
}

/// All rows of `sql`, each made by `value_of(connection, row)`.
template <class ValueOf>
auto read_all(Connection& connection, std::string_view sql, ValueOf&& value_of)
    -> Result<std::vector<
        typename std::invoke_result_t<ValueOf, const Connection&, const Statement&>::value_type>> {
  HF_TRY(auto row, connection.query(sql));
  std::vector<
      typename std::invoke_result_t<ValueOf, const Connection&, const Statement&>::value_type>
      values;
  while (true) {
    HF_TRY(const bool more, row.step());
    if (!more) return values;
    HF_TRY(values.emplace_back(), value_of(connection, row));
  }
}

// -- refusal --------------------------------------------------------------------------------------

/// `head` is all but the text.
std::int64_t sum_of(const Refusal& head, std::int64_t bytes, std::int64_t text_crc) {
  return RowSum("refusal")
      .add(as_stored(head.id))
      .add(head.received_ms)
      .add(head.source)
      .add(head.reason)
      .add(head.message)
      .add(bytes)
      .add(text_crc)
      .value();
}

/// Of the columns id, received_ms, source, reason, message, bytes, text_crc, crc.
Result<Refusal> refusal_head_of(const Connection& connection, const Statement& row) {
  Refusal head = {.id = from_stored(row.integer(0)),
                  .received_ms = row.integer(1),
                  .source = row.text(2),
                  .reason = row.text(3),
                  .message = row.text(4)};
  if (row.integer(7) != sum_of(head, row.integer(5), row.integer(6))) {
    return bad_row(connection, "refusal");
  }
  return head;
}

struct Kept {
  std::int64_t next_id = 1;
  std::int64_t count = 0;
  std::int64_t bytes = 0;
};

std::int64_t sum_of(const Kept& kept) {
  return RowSum("refusal_kept").add(kept.next_id).add(kept.count).add(kept.bytes).value();
}

Result<Kept> read_kept(Connection& connection) {
  HF_TRY(auto row, connection.query("SELECT next_id, count, bytes, crc FROM refusal_kept"));
  HF_TRY(const bool is_there, row.step());
  if (!is_there) return Kept{};  // Nothing was ever refused.
  const Kept kept = {row.integer(0), row.integer(1), row.integer(2)};
  if (row.integer(3) != sum_of(kept)) return bad_row(connection, "refusal_kept");
  return kept;
}

Result<void> write_kept(Connection& connection, const Kept& kept) {
  return connection.run(
      "INSERT OR REPLACE INTO refusal_kept (one, next_id, count, bytes, crc) VALUES (1, ?, ?, ?, "
      "?)",
      kept.next_id, kept.count, kept.bytes, sum_of(kept));
}

std::int64_t sum_of(const RefusalCounts::Ever& ever) {
  return RowSum("refusal_ever").add(ever.source).add(as_stored(ever.count)).value();
}

Result<RefusalCounts::Ever> ever_of(const Connection& connection, const Statement& row) {
  RefusalCounts::Ever ever = {row.text(0), from_stored(row.integer(1))};
  if (row.integer(2) != sum_of(ever)) return bad_row(connection, "refusal_ever");
  return ever;
}

Result<void> count_ever(Connection& connection, std::string_view source, std::uint64_t more) {
  RefusalCounts::Ever ever = {std::string(source), 0};
  {
    HF_TRY(auto row, connection.query(
                         "SELECT source, count, crc FROM refusal_ever WHERE source = ?", source));
    HF_TRY(const bool is_there, row.step());
    if (is_there) {
      HF_TRY(ever, ever_of(connection, row));
    }
  }
  ever.count += more;
  return connection.run("INSERT OR REPLACE INTO refusal_ever (source, count, crc) VALUES (?, ?, ?)",
                        source, as_stored(ever.count), sum_of(ever));
}

/// Removes the oldest until the rest fits. A damaged row must not stop it: what the row says of its
/// size is taken as it is, within reason.
Result<void> remove_oldest(Connection& connection, Kept& kept) {
  constexpr auto count_max = static_cast<std::int64_t>(refusals_kept_max);
  constexpr auto bytes_max = static_cast<std::int64_t>(refusal_bytes_kept_max);
  const auto is_over = [&] { return kept.count > count_max || kept.bytes > bytes_max; };
  if (!is_over()) return {};
  std::int64_t last_removed = 0;
  {
    HF_TRY(auto row, connection.query("SELECT id, bytes FROM refusal ORDER BY id"));
    while (is_over()) {
      HF_TRY(const bool is_there, row.step());
      if (!is_there) return bad_row(connection, "refusal_kept");
      last_removed = row.integer(0);
      kept.count -= 1;
      kept.bytes -= std::clamp<std::int64_t>(row.integer(1), 0, kept.bytes);
    }
  }
  return connection.run("DELETE FROM refusal WHERE id <= ?", last_removed);
}

// -- answer ---------------------------------------------------------------------------------------

std::int64_t sum_of(const RememberedAnswer& answer) {
  return RowSum("answer")
      .add(view(answer.key))
      .add(view(answer.request))
      .add(std::int64_t{answer.status})
      .add(std::string_view(answer.body))
      .add(answer.created_ms)
      .value();
}

/// Of the columns key, request, status, body, created_ms, crc.
Result<RememberedAnswer> answer_of(const Connection& connection, const Statement& row) {
  RememberedAnswer answer = {.status = static_cast<int>(row.integer(2)),
                             .body = row.text(3),
                             .created_ms = row.integer(4)};
  const std::string_view key = row.bytes(0);
  if (key.size() != answer.key.size()) return bad_row(connection, "answer");
  std::memcpy(answer.key.data(), key.data(), key.size());
  const std::string_view request = row.bytes(1);
  if (request.size() != answer.request.size()) return bad_row(connection, "answer");
  std::memcpy(answer.request.data(), request.data(), request.size());
  if (row.integer(5) != sum_of(answer)) return bad_row(connection, "answer");
  return answer;
}

// -- saved_query ----------------------------------------------------------------------------------

std::int64_t sum_of(const SavedQuery& query) {
  return RowSum("saved_query")
      .add(std::string_view(query.name))
      .add(std::string_view(query.title))
      .add(std::string_view(query.description))
      .add(std::string_view(query.query))
      .add(as_stored(query.version))
      .add(query.created_ms)
      .add(std::string_view(query.created_by))
      .add(query.updated_ms)
      .add(std::string_view(query.updated_by))
      .value();
}

constexpr std::string_view saved_query_by_name =
    "SELECT name, title, description, query, version, created_ms, created_by, updated_ms, "
    "updated_by, crc FROM saved_query WHERE name = ?";
constexpr std::string_view all_saved_queries =
    "SELECT name, title, description, query, version, created_ms, created_by, updated_ms, "
    "updated_by, crc FROM saved_query ORDER BY name";

Result<SavedQuery> saved_query_of(const Connection& connection, const Statement& row) {
  SavedQuery query = {.name = row.text(0),
                      .title = row.text(1),
                      .description = row.text(2),
                      .query = row.text(3),
                      .version = from_stored(row.integer(4)),
                      .created_ms = row.integer(5),
                      .created_by = row.text(6),
                      .updated_ms = row.integer(7),
                      .updated_by = row.text(8)};
  if (row.integer(9) != sum_of(query)) return bad_row(connection, "saved_query");
  return query;
}

std::int64_t sum_of_removed(std::int64_t version_max) {
  return RowSum("saved_query_removed").add(version_max).value();
}

Result<std::int64_t> read_removed_version_max(Connection& connection) {
  HF_TRY(auto row, connection.query("SELECT version_max, crc FROM saved_query_removed"));
  HF_TRY(const bool is_there, row.step());
  if (!is_there) return 0;  // None was ever removed.
  const std::int64_t version_max = row.integer(0);
  if (row.integer(1) != sum_of_removed(version_max)) {
    return bad_row(connection, "saved_query_removed");
  }
  return version_max;
}

}  // namespace

Result<std::vector<Source>> read_sources(Connection& connection) {
  HF_TRY(auto row,
         connection.query("SELECT name, created_ms, enabled, crc FROM source ORDER BY name"));
  std::vector<Source> sources;
  while (true) {
    HF_TRY(const bool more, row.step());
    if (!more) return sources;
    HF_TRY(sources.emplace_back(), source_of(connection, row));
  }
}

Result<std::optional<Source>> read_source(Connection& connection, std::string_view name) {
  HF_TRY(auto row, connection.query(
                       "SELECT name, created_ms, enabled, crc FROM source WHERE name = ?", name));
  HF_TRY(const bool is_there, row.step());
  if (!is_there) return std::nullopt;
  return source_of(connection, row);
}

Result<std::vector<StoredKey>> read_keys(Connection& connection) {
  HF_TRY(auto row, connection.query(all_keys));
  std::vector<StoredKey> keys;
  while (true) {
    HF_TRY(const bool more, row.step());
    if (!more) return keys;
    HF_TRY(keys.emplace_back(), key_of(connection, row));
  }
}

Result<std::optional<StoredKey>> read_key(Connection& connection, std::uint64_t id) {
  HF_TRY(auto row, connection.query(key_by_id, as_stored(id)));
  HF_TRY(const bool is_there, row.step());
  if (!is_there) return std::nullopt;
  return key_of(connection, row);
}

Result<std::vector<StoredAccount>> read_accounts(Connection& connection) {
  return read_all(connection, all_accounts, account_of);
}

Result<std::vector<StoredSession>> read_sessions(Connection& connection) {
  return read_all(connection, all_sessions, session_of);
}

Result<std::vector<SetupToken>> read_setup_tokens(Connection& connection) {
  return read_all(connection, all_setup_tokens, setup_token_of);
}

Result<RefusalPage> read_refusals(Connection& connection, const RefusalQuery& query) {
  if (query.limit < 1 || query.limit > refusal_page_max) {
    return fail(ErrorCode::invalid_argument, "bad_limit",
                fmt::format("a page has 1 to {} refusals, not {}", refusal_page_max, query.limit));
  }
  // An id beyond what SQLite counts is after all of them.
  const std::uint64_t before = std::min<std::uint64_t>(query.before.value_or(INT64_MAX), INT64_MAX);
  // No index: ten thousand rows are looked through in milliseconds, and the texts, which come last
  // in a row, are not read by that.
  HF_TRY(auto row,
         connection.query("SELECT id, received_ms, source, reason, message, bytes, text_crc, crc, "
                          "text FROM refusal WHERE id < ?1 AND (?2 IS NULL OR source = ?2) AND "
                          "(?3 IS NULL OR reason = ?3) ORDER BY id DESC LIMIT ?4",
                          as_stored(before), query.source, query.reason,
                          static_cast<std::int64_t>(query.limit) + 1));
  RefusalPage page;
  while (true) {
    HF_TRY(const bool more, row.step());
    if (!more) return page;
    if (page.refusals.size() == query.limit) {
      page.next_before = page.refusals.back().id;
      return page;
    }
    HF_TRY(Refusal refusal, refusal_head_of(connection, row));
    refusal.text = row.text(8);
    if (crc32c(refusal.text) != row.integer(6)) return bad_row(connection, "refusal");
    page.refusals.push_back(std::move(refusal));
  }
}

Result<RefusalCounts> read_refusal_counts(Connection& connection) {
  HF_ASSERT(connection.in_transaction());
  RefusalCounts counts;
  std::map<std::pair<std::string, std::string>, std::uint64_t> kept;
  {
    HF_TRY(auto row,
           connection.query("SELECT id, received_ms, source, reason, message, bytes, text_crc, crc "
                            "FROM refusal"));
    while (true) {
      HF_TRY(const bool more, row.step());
      if (!more) break;
      HF_TRY(Refusal head, refusal_head_of(connection, row));
      ++kept[{std::move(head.source), std::move(head.reason)}];
    }
  }
  for (const auto& [what, count] : kept) counts.kept.push_back({what.first, what.second, count});
  HF_TRY(auto row, connection.query("SELECT source, count, crc FROM refusal_ever ORDER BY source"));
  while (true) {
    HF_TRY(const bool more, row.step());
    if (!more) return counts;
    HF_TRY(counts.ever.emplace_back(), ever_of(connection, row));
  }
}

Result<void> write_source(Connection& connection, const Source& source) {
  // Not REPLACE, which removes the row that keys refer to.
  return connection.run(
      "INSERT INTO source (name, created_ms, enabled, crc) VALUES (?1, ?2, ?3, ?4) ON CONFLICT "
      "(name) DO UPDATE SET created_ms = ?2, enabled = ?3, crc = ?4",
      source.name, source.created_ms, std::int64_t{source.enabled}, sum_of(source));
}

Result<void> write_key(Connection& connection, const StoredKey& stored) {
  const Key& key = stored.key;
  const std::optional<std::string> source =
      key.source.empty() ? std::nullopt : std::optional(key.source);
  return connection.run(
      "INSERT OR REPLACE INTO key (id, hash, kind, source, label, hint, created_ms, expires_ms, "
      "revoked_ms, last_used_ms, crc) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
      as_stored(key.id), std::span<const std::byte>(stored.hash), name_of(key.kind), source,
      key.label, key.hint, key.created_ms, key.expires_ms, key.revoked_ms, key.last_used_ms,
      sum_of(stored));
}

Result<std::uint64_t> next_key_id(Connection& connection) {
  HF_TRY(const std::int64_t last, connection.number("SELECT IFNULL(MAX(id), 0) FROM key"));
  return from_stored(last) + 1;
}

Result<void> write_account(Connection& connection, const StoredAccount& stored) {
  const Account& account = stored.account;
  // Not INSERT OR REPLACE: sessions refer to the row.
  return connection.run(
      "INSERT INTO account (id, name, role, password, created_ms, signed_in_ms, crc) "
      "VALUES (?, ?, ?, ?, ?, ?, ?) ON CONFLICT (id) DO UPDATE SET name = excluded.name, "
      "role = excluded.role, password = excluded.password, created_ms = excluded.created_ms, "
      "signed_in_ms = excluded.signed_in_ms, crc = excluded.crc",
      as_stored(account.id), std::string_view(account.name), name_of(account.role),
      std::string_view(stored.password), account.created_ms, account.signed_in_ms, sum_of(stored));
}

Result<std::uint64_t> next_account_id(Connection& connection) {
  HF_TRY(const std::int64_t last, connection.number("SELECT IFNULL(MAX(id), 0) FROM account"));
  return from_stored(last) + 1;
}

Result<void> write_session(Connection& connection, const StoredSession& session) {
  return connection.run(
      "INSERT OR REPLACE INTO session (hash, account, created_ms, seen_ms, crc) "
      "VALUES (?, ?, ?, ?, ?)",
      std::span<const std::byte>(session.hash), as_stored(session.account), session.created_ms,
      session.seen_ms, sum_of(session));
}

Result<void> remove_session(Connection& connection, const TokenHash& hash) {
  return connection.run("DELETE FROM session WHERE hash = ?", std::span<const std::byte>(hash));
}

Result<void> write_setup_token(Connection& connection, const SetupToken& token) {
  return connection.run(
      "INSERT OR REPLACE INTO setup_token (hash, expires_ms, crc) VALUES (?, ?, ?)",
      std::span<const std::byte>(token.hash), token.expires_ms, sum_of(token));
}

Result<void> remove_setup_token(Connection& connection, const TokenHash& hash) {
  return connection.run("DELETE FROM setup_token WHERE hash = ?", std::span<const std::byte>(hash));
}

Result<void> write_refusals(Connection& connection, std::span<const Refusal> refusals) {
  if (refusals.empty()) return {};
  HF_TRY(Kept kept, read_kept(connection));
  // Of more than are kept at all, the first would be removed again at once.
  const std::size_t passed_over =
      refusals.size() > refusals_kept_max ? refusals.size() - refusals_kept_max : 0;
  std::map<std::string_view, std::uint64_t> by_source;
  for (std::size_t i = 0; i < refusals.size(); ++i) {
    ++by_source[refusals[i].source];
    const std::int64_t id = kept.next_id++;
    if (i < passed_over) continue;
    Refusal head = {.id = from_stored(id),
                    .received_ms = refusals[i].received_ms,
                    .source = refusals[i].source,
                    .reason = refusals[i].reason,
                    .message = refusals[i].message.substr(0, refusal_message_bytes_max)};
    const std::string_view text =
        std::string_view(refusals[i].text).substr(0, refusal_text_bytes_max);
    const std::int64_t text_crc = crc32c(text);
    const auto bytes = static_cast<std::int64_t>(kept_bytes(head) + text.size());
    HF_CHECK(connection.run(
        "INSERT INTO refusal (id, received_ms, source, reason, message, bytes, text_crc, crc, "
        "text) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
        id, head.received_ms, head.source, head.reason, head.message, bytes, text_crc,
        sum_of(head, bytes, text_crc), std::as_bytes(std::span(text))));
    kept.count += 1;
    kept.bytes += bytes;
  }
  for (const auto& [source, count] : by_source) {
    HF_CHECK(count_ever(connection, source, count));
  }
  HF_CHECK(remove_oldest(connection, kept));
  return write_kept(connection, kept);
}

Result<std::uint64_t> remove_refusals(Connection& connection, std::span<const std::uint64_t> ids) {
  HF_TRY(Kept kept, read_kept(connection));
  std::uint64_t removed = 0;
  for (const std::uint64_t id : ids) {
    {
      HF_TRY(auto row, connection.query("SELECT bytes FROM refusal WHERE id = ?", as_stored(id)));
      HF_TRY(const bool is_there, row.step());
      if (!is_there) continue;
      kept.count -= 1;
      kept.bytes -= std::clamp<std::int64_t>(row.integer(0), 0, kept.bytes);
    }
    HF_CHECK(connection.run("DELETE FROM refusal WHERE id = ?", as_stored(id)));
    ++removed;
  }
  if (removed > 0) HF_CHECK(write_kept(connection, kept));
  return removed;
}

Result<std::optional<RememberedAnswer>> read_answer(Connection& connection,
                                                    const RequestHash& key) {
  HF_TRY(auto row,
         connection.query("SELECT key, request, status, body, created_ms, crc FROM answer "
                          "WHERE key = ?",
                          std::span<const std::byte>(key)));
  HF_TRY(const bool is_there, row.step());
  if (!is_there) return std::nullopt;
  return answer_of(connection, row);
}

Result<void> write_answer(Connection& connection, const RememberedAnswer& answer) {
  return connection.run(
      "INSERT INTO answer (key, request, status, body, created_ms, crc) VALUES (?, ?, ?, ?, ?, ?)",
      std::span<const std::byte>(answer.key), std::span<const std::byte>(answer.request),
      std::int64_t{answer.status}, std::string_view(answer.body), answer.created_ms,
      sum_of(answer));
}

Result<std::vector<SavedQuery>> read_saved_queries(Connection& connection) {
  return read_all(connection, all_saved_queries, saved_query_of);
}

Result<std::optional<SavedQuery>> read_saved_query(Connection& connection, std::string_view name) {
  HF_TRY(auto row, connection.query(saved_query_by_name, name));
  HF_TRY(const bool is_there, row.step());
  if (!is_there) return std::nullopt;
  return saved_query_of(connection, row);
}

Result<SavedQueryTotals> read_saved_query_totals(Connection& connection) {
  SavedQueryTotals totals;
  {
    // A text's length is of characters, a blob's of bytes.
    HF_TRY(auto row,
           connection.query("SELECT count(*), coalesce(sum(length(CAST(name AS BLOB)) + "
                            "length(CAST(title AS BLOB)) + length(CAST(description AS BLOB)) + "
                            "length(CAST(query AS BLOB))), 0) FROM saved_query"));
    HF_CHECK(row.step());
    totals.count = from_stored(row.integer(0));
    totals.bytes = from_stored(row.integer(1));
  }
  HF_TRY(const std::int64_t version_max, read_removed_version_max(connection));
  totals.removed_version_max = from_stored(version_max);
  return totals;
}

Result<void> write_saved_query(Connection& connection, const SavedQuery& query) {
  return connection.run(
      "INSERT OR REPLACE INTO saved_query (name, title, description, query, version, created_ms, "
      "created_by, updated_ms, updated_by, crc) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
      std::string_view(query.name), std::string_view(query.title),
      std::string_view(query.description), std::string_view(query.query), as_stored(query.version),
      query.created_ms, std::string_view(query.created_by), query.updated_ms,
      std::string_view(query.updated_by), sum_of(query));
}

Result<void> remove_saved_query(Connection& connection, std::string_view name) {
  HF_TRY(const auto removed, read_saved_query(connection, name));
  if (!removed) return {};
  HF_TRY(const std::int64_t version_max, read_removed_version_max(connection));
  if (const std::int64_t version = as_stored(removed->version); version > version_max) {
    HF_CHECK(connection.run(
        "INSERT OR REPLACE INTO saved_query_removed (one, version_max, crc) VALUES (1, ?, ?)",
        version, sum_of_removed(version)));
  }
  return connection.run("DELETE FROM saved_query WHERE name = ?", name);
}

namespace {

/// Runs over the rows of `sql` and says what `check_row` found: sound ones are counted, damage is
/// noted.
template <class CheckRow>
Result<std::uint64_t> check_table(Connection& connection, std::string_view table,
                                  std::string_view sql, std::vector<std::string>& damage,
                                  CheckRow&& check_row) {
  std::uint64_t sound = 0;
  std::uint64_t damaged = 0;
  const auto run_over = [&]() -> Result<void> {
    HF_TRY(auto row, connection.query(sql));
    while (true) {
      HF_TRY(const bool more, row.step());
      if (!more) return {};
      const bool is_sound = check_row(row);
      ++(is_sound ? sound : damaged);
    }
  };
  const Result<void> reached_end = run_over();
  if (!reached_end && reached_end.error().code != ErrorCode::data_loss) {
    return std::unexpected(reached_end.error());
  }
  if (damaged > 0) {
    damage.push_back(fmt::format("{}: {} damaged in table {}", connection.path(),
                                 damaged == 1 ? "a row is" : fmt::format("{} rows are", damaged),
                                 table));
  }
  if (!reached_end) {
    damage.push_back(fmt::format("{}, in table {}", reached_end.error().message, table));
  }
  return sound;
}

}  // namespace

Result<StateCheck> check_rows(Connection& connection) {
  HF_ASSERT(connection.in_transaction());
  StateCheck check;
  const auto check_all = [&](std::string_view table, std::string_view sql, auto&& check_row) {
    return check_table(connection, table, sql, check.damage, check_row);
  };
  HF_TRY(check.sources,
         check_all("source", "SELECT name, created_ms, enabled, crc FROM source",
                   [&](const Statement& row) { return source_of(connection, row).has_value(); }));
  HF_TRY(check.keys, check_all("key", all_keys, [&](const Statement& row) {
           return key_of(connection, row).has_value();
         }));
  // Unsigned: damaged rows may hold any number.
  std::uint64_t count = 0;
  std::uint64_t bytes = 0;
  std::uint64_t next_id = 1;
  HF_TRY(check.refusals,
         check_all("refusal",
                   "SELECT id, received_ms, source, reason, message, bytes, text_crc, crc, text "
                   "FROM refusal ORDER BY id",
                   [&](const Statement& row) {
                     ++count;
                     bytes += from_stored(row.integer(5));
                     next_id = from_stored(row.integer(0)) + 1;
                     return refusal_head_of(connection, row).has_value() &&
                            crc32c(row.bytes(8)) == row.integer(6);
                   }));
  HF_CHECK(check_all("refusal_ever", "SELECT source, count, crc FROM refusal_ever",
                     [&](const Statement& row) { return ever_of(connection, row).has_value(); }));
  HF_TRY(const std::int64_t version, connection.number("PRAGMA user_version"));
  if (version >= first_version_with_answers) {
    HF_CHECK(
        check_all("answer", "SELECT key, request, status, body, created_ms, crc FROM answer",
                  [&](const Statement& row) { return answer_of(connection, row).has_value(); }));
  }
  if (version >= first_version_with_accounts) {
    HF_CHECK(check_all("account", all_accounts, [&](const Statement& row) {
      return account_of(connection, row).has_value();
    }));
    HF_CHECK(check_all("session", all_sessions, [&](const Statement& row) {
      return session_of(connection, row).has_value();
    }));
    HF_CHECK(check_all("setup_token", all_setup_tokens, [&](const Statement& row) {
      return setup_token_of(connection, row).has_value();
    }));
  }
  if (version >= first_version_with_saved_queries) {
    HF_CHECK(check_all("saved_query", all_saved_queries, [&](const Statement& row) {
      return saved_query_of(connection, row).has_value();
    }));
  }
  if (version >= first_version_with_removed_queries) {
    const auto version_max = read_removed_version_max(connection);
    if (!version_max) {
      if (version_max.error().code != ErrorCode::data_loss) {
        return std::unexpected(version_max.error());
      }
      check.damage.push_back(version_max.error().message);
    }
  }
  const Result<Kept> kept = read_kept(connection);
  if (!kept && kept.error().code != ErrorCode::data_loss) return std::unexpected(kept.error());
  if (!kept) check.damage.push_back(kept.error().message);
  if (check.damage.empty() &&
      (from_stored(kept->count) != count || from_stored(kept->bytes) != bytes ||
       from_stored(kept->next_id) < next_id)) {
    check.damage.push_back(
        fmt::format("{}: table refusal_kept tells of {} refusals and {} bytes, and there are {} "
                    "and {}",
                    connection.path(), kept->count, kept->bytes, count, bytes));
  }
  return check;
}

}  // namespace hf::sqlite
