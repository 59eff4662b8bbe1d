// SPDX-License-Identifier: Apache-2.0
//
// Writes that are asked for twice and done once: who names a key for a request is told the same
// again, for good, however often it asks. The answer is kept in the transaction of the change, so
// that there is never the one without the other.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "base/env.h"
#include "base/result.h"
#include "service/state.h"

namespace hf {

/// Of which request it is, by hashes alone.
struct NamedRequest {
  RequestHash key = {};      ///< Of who asks and the key it chose.
  RequestHash request = {};  ///< Of what it asks.
  friend bool operator==(const NamedRequest&, const NamedRequest&) = default;
};

/// `asker` is asker_of() the grant by which it asks, `name` what it calls the request, `what` all
/// that makes it another request.
[[nodiscard]] NamedRequest named_request(std::string_view asker, std::string_view name,
                                         std::string_view what);

struct Decision {
  int status = 200;  ///< As HTTP says it.
  std::string text;
  /// What is kept of `text` and told later; nothing where it is the same. A secret is not kept.
  std::optional<std::string> kept = {};
  bool is_replay = false;  ///< Decided before: `text` is what was kept.
};

/// Runs `decide` in a transaction and remembers its decision there under the request's name; where
/// one is remembered, returns that instead. Without a name nothing is looked up or kept. An error
/// of `decide` is no decision: it undoes the change, and the next time is decided anew. As for
/// State::change(), `decide` may run more than once. Errors: already_exists/idempotency_key_reused
/// (the name was given to another request); those of `decide` and State::change().
[[nodiscard]] Result<Decision> decide_once(
    State& state, const Env& env, const std::optional<NamedRequest>& named,
    const std::function<Result<Decision>(StateChange&)>& decide);

}  // namespace hf
