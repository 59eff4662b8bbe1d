// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "base/json.h"
#include "base/result.h"

namespace hf::http {

/// Where the server of a data directory listens for commands of the same user.
[[nodiscard]] std::string socket_path_of(const std::string& data_directory);

/// What problem+json tells, or an object like it, with the code that `status` stands for.
[[nodiscard]] Error problem_error(int status, const Json& problem);

/// Asks the server that listens at `socket_path`; nothing where none does. Returns the body of a
/// 2xx answer. Errors: those that a problem+json tells, with its code by status; unavailable/
/// bad_answer.
[[nodiscard]] Result<std::optional<std::string>> ask_local(const std::string& socket_path,
                                                           std::string_view method,
                                                           std::string_view path,
                                                           std::string_view body);

}  // namespace hf::http
