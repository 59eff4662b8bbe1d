// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "base/env.h"
#include "base/result.h"

namespace hf {

/// What verify_data() looked at, and what it found wrong.
struct Verification {
  std::uint64_t parts = 0;
  std::uint64_t part_events = 0;
  std::uint64_t log_files = 0;
  std::uint64_t log_records = 0;
  std::uint64_t duplicate_keys = 0;
  std::vector<std::string> damage;  ///< Each with its file and place.
};

/// Reads every file of a data directory whole and checks every checksum and what the files say of
/// each other. Damage does not end it. `on_file` hears of each file before it is read.
/// Errors: not_found/no_data_directory; failed_precondition/locked; those of the file system.
[[nodiscard]] Result<Verification> verify_data(
    const Env& env, const std::string& directory,
    const std::function<void(const std::string& path)>& on_file = [](const std::string&) {});

}  // namespace hf
