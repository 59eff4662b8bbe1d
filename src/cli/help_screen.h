// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "cli/command_tree.h"
#include "cli/terminal.h"
#include "cli/words.h"

namespace hf {

/// What `holdfast COMMAND --help` prints: 80 to 100 columns, as the terminal has them.
/// `program` is the whole tree, `command` one of it.
[[nodiscard]] std::string render_help(const CommandInfo& program, const CommandInfo& command,
                                      const Terminal& terminal, Words words);

/// The text in pieces between which a line may end: behind blanks, and between Chinese characters.
[[nodiscard]] std::vector<std::string_view> breakable_pieces(std::string_view text);
/// The text in lines of at most `width` columns, where its pieces allow.
[[nodiscard]] std::vector<std::string> wrapped(std::string_view text, int width);

}  // namespace hf
