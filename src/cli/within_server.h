// SPDX-License-Identifier: Apache-2.0
//
// A command that needs the store for itself, while a server owns it: the server runs it, with the
// same code, and what it says is printed where it was typed.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "base/env.h"
#include "base/result.h"
#include "cli/command_line.h"
#include "service/workspace.h"

namespace hf {

/// Has the server of the data directory run the command of these arguments and prints what it
/// said; nothing where no server answers. Errors: those of http::ask_local().
[[nodiscard]] Result<std::optional<int>> run_within_server(
    const std::string& data, const std::string& language,
    const std::vector<std::string>& arguments);

/// The server's side: {"arguments": [..]} in, {"exit", "out", "err"} out.
/// Errors: those of parse_json; invalid_argument/bad_arguments.
[[nodiscard]] Result<std::string> run_for_client(const Env& env, const Adapters& adapters,
                                                 const Serving& serving, const std::string& body);

/// True where a server answers for the data directory. Errors: those of http::ask_local().
[[nodiscard]] Result<bool> is_served(const std::string& data);

/// The server's side of `append`: a line {"source", "lines_before"}, then lines as they came in;
/// {"answers", "rejected"} out, when they are durable. Errors: those of parse_json, of reading rows
/// and of Workspace::submit().
[[nodiscard]] Result<std::string> append_for_client(Workspace& workspace, std::string body);

}  // namespace hf
