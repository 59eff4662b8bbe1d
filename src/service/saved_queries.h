// SPDX-License-Identifier: Apache-2.0
//
// Questions under a name: the ones that were saved, and the ready-made ones. Saving is a part of a
// transaction. Errors point to "/title", "/description", "/query" and what is below it, "/version":
// the members of docs/api/openapi.yaml.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/env.h"
#include "base/json.h"
#include "base/result.h"
#include "service/access.h"
#include "service/ready_made_queries.h"
#include "service/state.h"

namespace hf {

inline constexpr std::size_t query_name_bytes_max = 64;
inline constexpr std::size_t query_title_bytes_max = 200;
inline constexpr std::size_t query_description_bytes_max = 2'000;
inline constexpr std::size_t saved_query_bytes_max = std::size_t{64} << 10;  ///< As it is kept.
inline constexpr std::uint64_t saved_queries_max = 1'000;
inline constexpr std::uint64_t saved_query_bytes_kept_max = std::uint64_t{4} << 20;  ///< Of all.

/// Errors: invalid_argument/bad_query_name unless it is 1 to 64 of a-z, 0-9, _ and -.
[[nodiscard]] Result<void> check_query_name(std::string_view name);

/// What is to be saved.
struct QueryDraft {
  std::string title;  ///< Empty: none.
  std::string description;
  Json query;
  /// That of the query it replaces, 0 where there is to be none yet; nothing: whatever is there.
  std::optional<std::uint64_t> version = {};
};

/// The query as it is kept: without blanks between its tokens, its members in the order given,
/// numbers and texts as they were. Zone and week of the workspace, which decide nothing of this,
/// are not asked. Errors: those of check_query() below /query; also invalid_argument/
/// unsupported_field (`members`), saved_query_too_large.
[[nodiscard]] Result<std::string> checked_query(const Env& env, const Json& query);

/// Saves the draft, as of now and of `by`. The same as what is there changes nothing. Errors:
/// bad_query_name; those of checked_query(); invalid_argument/bad_title, bad_description (too long,
/// not UTF-8, or with control characters or those that turn the direction of writing);
/// failed_precondition/built_in_query (the name is a ready-made one's), version_conflict (the
/// draft's version is not the one that is there), too_many_saved_queries, saved_queries_too_large
/// (all together); those of State.
[[nodiscard]] Result<SavedQuery> save_query(StateChange& change, const Env& env,
                                            std::string_view name, const QueryDraft& draft,
                                            std::string_view by);
/// Returns what was there. Errors: bad_query_name, built_in_query, version_conflict;
/// not_found/unknown_query; those of State.
[[nodiscard]] Result<SavedQuery> remove_query(StateChange& change, std::string_view name,
                                              std::optional<std::uint64_t> version = {});

/// Where both are there, the saved one: a later program may bring a ready-made one of its name.
struct FoundQuery {
  SavedQuery saved;  ///< Of a ready-made one: version 0, by nobody, never.
  const ReadyMadeQuery* ready_made = nullptr;  ///< Null: it was saved.
};
/// By name.
[[nodiscard]] Result<std::vector<FoundQuery>> list_queries(const StateView& state);
/// Errors: bad_query_name; not_found/unknown_query; those of StateView.
[[nodiscard]] Result<FoundQuery> find_query(const StateView& state, std::string_view name);

/// The question that `query` becomes where `instead` (a JSON object, or nothing but blanks) has
/// other values of the common fields and `period`: each replaces what the query has of the name,
/// null takes it away. The query is an object then. `from`, `to` and `last` say one thing, the
/// range: with any of them the query loses all of its own. Errors: those of parse_json;
/// invalid_argument/wrong_type, unknown_field.
[[nodiscard]] Result<std::string> with_other_fields(std::string_view query,
                                                    std::string_view instead);

/// How a query tells who saved it: the account's name; the key's label, "key 7" without one;
/// "local" of this machine's user. For people: a label is free to read like any of these, and what
/// it says proves nothing. Errors: those of StateView.
[[nodiscard]] Result<std::string> saved_by(const StateView& state, const Grant& grant);

}  // namespace hf
