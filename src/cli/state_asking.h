// SPDX-License-Identifier: Apache-2.0
//
// Commands that ask of the state, or change it: by the server that runs on the data directory, else
// by themselves, with the same code and the same words.
#pragma once

#include <functional>
#include <string>
#include <string_view>

#include "base/result.h"
#include "cli/session.h"
#include "http/access_api.h"

namespace hf {

/// What is done where no server runs.
using LocalAsking = std::function<Result<std::string>(State&)>;

/// What the server answers to this request, or `local` with the state.
/// Errors: those of http::ask_local(), Session::open_state() and `local`.
[[nodiscard]] Result<std::string> ask_state(Session& session, std::string_view method,
                                            const std::string& path, const std::string& body,
                                            const LocalAsking& local);

/// The answer's text, of a change in a transaction of its own.
[[nodiscard]] LocalAsking in_transaction(
    std::function<Result<http::AccessAnswer>(StateChange&)> change);

}  // namespace hf
