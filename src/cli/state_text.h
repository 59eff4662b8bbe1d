// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

#include "cli/words.h"
#include "service/state_file.h"

namespace hf {

/// "2 sources, 3 keys, 17 refused events"
[[nodiscard]] std::string state_text(const StateCheck& state, Words words);

}  // namespace hf
