// SPDX-License-Identifier: Apache-2.0
#include "cli/state_text.h"

#include <fmt/format.h>

#include "cli/terminal.h"

namespace hf {

std::string state_text(const StateCheck& state, Words words) {
  return fmt::format(fmt::runtime(words("{} sources, {} keys, {} refused events",
                                        "{} 个来源，{} 个密钥，{} 个被拒事件")),
                     with_separators(state.sources), with_separators(state.keys),
                     with_separators(state.refusals));
}

}  // namespace hf
