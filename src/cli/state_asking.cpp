// SPDX-License-Identifier: Apache-2.0
#include "cli/state_asking.h"

#include <utility>

#include "http/local_client.h"

namespace hf {

Result<std::string> ask_state(Session& session, std::string_view method, const std::string& path,
                              const std::string& body, const LocalAsking& local) {
  HF_TRY(auto answer, http::ask_local(http::socket_path_of(session.data), method, path, body));
  if (answer) return *std::move(answer);
  HF_TRY(const auto state, session.open_state());
  return local(*state);
}

LocalAsking in_transaction(std::function<Result<http::AccessAnswer>(StateChange&)> change) {
  return [change = std::move(change)](State& state) -> Result<std::string> {
    std::string text;
    HF_CHECK(state.change([&](StateChange& in) -> Result<void> {
      HF_TRY(http::AccessAnswer answer, change(in));
      text = std::move(answer.text);
      return {};
    }));
    return text;
  };
}

}  // namespace hf
