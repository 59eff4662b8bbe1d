// SPDX-License-Identifier: Apache-2.0
//
// Saved queries as JSON (docs/api/openapi.yaml): the same for the server's routes and for the
// command line where no server runs. Changes are parts of a transaction. Errors besides: those of
// the functions in service/saved_queries.h.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "base/env.h"
#include "base/result.h"
#include "http/access_api.h"
#include "service/saved_queries.h"

namespace hf::http {

/// {"queries": [..]}, each as below.
[[nodiscard]] Result<std::string> query_list(const StateView& state);
/// {"name", "title", "description"?, "query", "built_in", "version", "created_at", "created_by",
/// "updated_at", "updated_by"}; of a ready-made one {"name", "title", "description", "query",
/// "built_in", "translations": {"zh": {"title", "description"}}}.
[[nodiscard]] Result<std::string> shown_query(const StateView& state, std::string_view name);
/// {"title"?, "description"?, "query", "version"?} in, the query out; 201 where it is new.
/// Errors: those of parse_json; invalid_argument/wrong_type, unknown_field, missing_field,
/// out_of_range.
[[nodiscard]] Result<AccessAnswer> put_query(StateChange& change, const Env& env,
                                             std::string_view name, std::string_view by,
                                             std::string_view body);
/// The query as it was.
[[nodiscard]] Result<AccessAnswer> removed_query(StateChange& change, std::string_view name,
                                                 std::optional<std::uint64_t> version);

}  // namespace hf::http
