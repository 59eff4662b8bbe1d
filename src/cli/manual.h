// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>

#include "cli/command_tree.h"
#include "cli/words.h"

namespace hf {

/// holdfast(1), in man(7)'s macros. Without a date, so that equal sources give equal bytes.
[[nodiscard]] std::string render_manual(const CommandInfo& program, std::string_view version,
                                        Words words);

}  // namespace hf
