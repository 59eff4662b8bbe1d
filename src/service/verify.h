// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "base/env.h"
#include "base/result.h"
#include "service/state_file.h"

namespace hf {

/// What verify_data() looked at, and what it found wrong.
struct Verification {
  std::uint64_t parts = 0;
  std::uint64_t part_events = 0;
  std::uint64_t log_files = 0;
  std::uint64_t log_records = 0;
  std::uint64_t duplicate_keys = 0;
  std::optional<StateCheck> state = {};  ///< Where there is one.
  std::vector<std::string> damage;       ///< Each with its file and place.
};

/// Reads every file of a data directory whole and checks every checksum and what the files say of
/// each other. Damage does not end it. `on_file` hears of each file before it is read. `state_file`
/// may be null where the directory has no state.
/// Errors: not_found/no_data_directory; failed_precondition/locked, state_not_supported,
/// newer_state; those of the file system and of StateView.
[[nodiscard]] Result<Verification> verify_data(
    const Env& env, const std::string& directory,
    const std::function<void(const std::string& path)>& on_file = [](const std::string&) {},
    const StateFile* state_file = nullptr);

}  // namespace hf
