// SPDX-License-Identifier: Apache-2.0
#include "service/remembered_answer.h"

#include <fmt/format.h>

#include <utility>

#include "service/secret.h"

namespace hf {
NamedRequest named_request(std::string_view asker, std::string_view name, std::string_view what) {
  return {.key = sha256(fmt::format("{}\n{}", asker, name)), .request = sha256(what)};
}

Result<Decision> decide_once(State& state, const Env& env, const std::optional<NamedRequest>& named,
                             const std::function<Result<Decision>(StateChange&)>& decide) {
  const TimestampMs now_ms = env.clock.now_ms();
  Decision decision;
  HF_CHECK(state.change([&](StateChange& change) -> Result<void> {
    if (!named) {
      HF_TRY(decision, decide(change));
      return {};
    }
    HF_TRY(const auto before, change.answer(named->key));
    if (before) {
      if (before->request != named->request) {
        return fail(ErrorCode::already_exists, "idempotency_key_reused",
                    "this idempotency key was given to another request before");
      }
      decision = {.status = before->status, .text = before->body, .is_replay = true};
      return {};
    }
    HF_TRY(decision, decide(change));
    return change.remember({.key = named->key,
                            .request = named->request,
                            .status = decision.status,
                            .body = decision.kept.value_or(decision.text),
                            .created_ms = now_ms});
  }));
  return decision;
}

}  // namespace hf
