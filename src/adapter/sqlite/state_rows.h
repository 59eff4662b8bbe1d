// SPDX-License-Identifier: Apache-2.0
//
// The rows of the state's tables, read and written on one connection. Each row carries a checksum
// of its values: SQLite notices a damaged page only where its structure breaks.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include "adapter/sqlite/connection.h"
#include "base/result.h"
#include "service/state.h"
#include "service/state_file.h"

namespace hf::sqlite {

[[nodiscard]] Result<std::vector<Source>> read_sources(Connection& connection);
[[nodiscard]] Result<std::optional<Source>> read_source(Connection& connection,
                                                        std::string_view name);
[[nodiscard]] Result<std::vector<StoredKey>> read_keys(Connection& connection);
[[nodiscard]] Result<std::optional<StoredKey>> read_key(Connection& connection, std::uint64_t id);
[[nodiscard]] Result<std::vector<StoredAccount>> read_accounts(Connection& connection);
[[nodiscard]] Result<std::vector<StoredSession>> read_sessions(Connection& connection);
[[nodiscard]] Result<std::vector<SetupToken>> read_setup_tokens(Connection& connection);
[[nodiscard]] Result<RefusalPage> read_refusals(Connection& connection, const RefusalQuery& query);
/// Requires a transaction, as it reads twice.
[[nodiscard]] Result<RefusalCounts> read_refusal_counts(Connection& connection);
[[nodiscard]] Result<std::vector<SavedQuery>> read_saved_queries(Connection& connection);
[[nodiscard]] Result<std::optional<SavedQuery>> read_saved_query(Connection& connection,
                                                                 std::string_view name);
/// Requires a transaction, as it reads twice.
[[nodiscard]] Result<SavedQueryTotals> read_saved_query_totals(Connection& connection);

[[nodiscard]] Result<void> write_source(Connection& connection, const Source& source);
/// Adds or replaces the row of key.id.
[[nodiscard]] Result<void> write_key(Connection& connection, const StoredKey& key);
[[nodiscard]] Result<std::uint64_t> next_key_id(Connection& connection);
/// Adds or replaces the row of account.id.
[[nodiscard]] Result<void> write_account(Connection& connection, const StoredAccount& account);
[[nodiscard]] Result<std::uint64_t> next_account_id(Connection& connection);
/// These add or replace the row of the hash, and remove it where it is there.
[[nodiscard]] Result<void> write_session(Connection& connection, const StoredSession& session);
[[nodiscard]] Result<void> remove_session(Connection& connection, const TokenHash& hash);
[[nodiscard]] Result<void> write_setup_token(Connection& connection, const SetupToken& token);
[[nodiscard]] Result<void> remove_setup_token(Connection& connection, const TokenHash& hash);
[[nodiscard]] Result<void> write_refusals(Connection& connection,
                                          std::span<const Refusal> refusals);
/// How many were there. Of a damaged row, too, which may hold what is to be gone.
[[nodiscard]] Result<std::uint64_t> remove_refusals(Connection& connection,
                                                    std::span<const std::uint64_t> ids);

[[nodiscard]] Result<std::optional<RememberedAnswer>> read_answer(Connection& connection,
                                                                  const RequestHash& key);
[[nodiscard]] Result<void> write_answer(Connection& connection, const RememberedAnswer& answer);
/// Adds or replaces the row of query.name.
[[nodiscard]] Result<void> write_saved_query(Connection& connection, const SavedQuery& query);
[[nodiscard]] Result<void> remove_saved_query(Connection& connection, std::string_view name);

/// Reads all rows and counts those that are damaged, by table; of any known version. Requires a
/// transaction.
[[nodiscard]] Result<StateCheck> check_rows(Connection& connection);

}  // namespace hf::sqlite
