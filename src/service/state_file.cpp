// SPDX-License-Identifier: Apache-2.0
#include "service/state_file.h"

#include <fmt/format.h>

namespace hf {

Result<bool> has_state(const Env& env, const std::string& directory, const StateFile* state_file) {
  const std::string path = fmt::format("{}/{}", directory, state_file_name);
  if (!env.files.exists(path)) return false;
  if (state_file != nullptr) return true;
  return fail(ErrorCode::failed_precondition, "state_not_supported",
              path + ": this build cannot read it");
}

}  // namespace hf
