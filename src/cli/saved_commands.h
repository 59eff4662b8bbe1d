// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

#include "base/result.h"
#include "cli/session.h"

namespace hf {

/// The question that is saved under this name. Errors: not_found/no_data_directory; those of
/// find_query() and ask_state().
[[nodiscard]] Result<std::string> saved_question(Session& session, const std::string& name);

}  // namespace hf
