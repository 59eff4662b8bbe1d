// SPDX-License-Identifier: Apache-2.0
//
// Sources and keys as JSON (docs/api/openapi.yaml): the same for the server's routes and for the
// command line where no server runs. Changes are parts of a transaction. Bodies are JSON objects;
// unknown members are refused (unknown_field), those of a wrong kind too (wrong_type). Errors
// besides: those of the functions in service/access.h.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "base/env.h"
#include "base/result.h"
#include "service/state.h"

namespace hf::http {

/// {"sources": [{"name", "created_at", "enabled"}]}
[[nodiscard]] Result<std::string> source_list(const State& state);
/// What is answered to a change.
struct AccessAnswer {
  std::string text;
  /// What of it may be kept, and told again to who asks again; nothing where that is `text`.
  std::optional<std::string> kept = {};
  /// As HTTP says it; nothing: as the route says it.
  std::optional<int> status = {};
};
/// {"name"} in, the source out.
[[nodiscard]] Result<AccessAnswer> new_source(StateChange& change, const Env& env,
                                              std::string_view body);
/// {"enabled"} in, the source out.
[[nodiscard]] Result<AccessAnswer> changed_source(StateChange& change, std::string_view name,
                                                  std::string_view body);
/// {"keys": [{"id", "kind", "source"?, "label"?, "hint", "created_at", "expires_at"?,
/// "revoked_at"?, "last_used_at"?}]}
[[nodiscard]] Result<std::string> key_list(const State& state);
/// {"kind", "source"?, "label"?, "expires_at"?} in; the key out, and as "key" itself, which is
/// shown this once: what is kept has "replayed" in its place. Errors: bad_kind, invalid_time.
[[nodiscard]] Result<AccessAnswer> new_key(StateChange& change, const Env& env,
                                           std::string_view body);
[[nodiscard]] Result<AccessAnswer> revoked_key(StateChange& change, const Env& env,
                                               std::string_view id);

}  // namespace hf::http
