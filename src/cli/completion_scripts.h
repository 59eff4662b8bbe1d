// SPDX-License-Identifier: Apache-2.0
//
// Completion of the command line in shells: scripts that hold the whole tree, so that a keystroke
// starts no program.
#pragma once

#include <string>

#include "cli/command_tree.h"

namespace hf {

/// bash 4 and later.
[[nodiscard]] std::string bash_completion(const CommandInfo& program);
[[nodiscard]] std::string zsh_completion(const CommandInfo& program);
[[nodiscard]] std::string fish_completion(const CommandInfo& program);

}  // namespace hf
