// SPDX-License-Identifier: Apache-2.0
//
// The state (service/state.h) as a file of the data directory, for who copies and checks that and
// need not know what is in it.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/env.h"
#include "base/result.h"

namespace hf {

/// Its name in a data directory.
inline constexpr std::string_view state_file_name = "state.sqlite";

struct StateCheck {
  std::uint64_t sources = 0;  ///< These three without rows that are damaged.
  std::uint64_t keys = 0;
  std::uint64_t refusals = 0;       ///< That are kept.
  std::vector<std::string> damage;  ///< Each with the file, and the table where one is known.
};

/// All methods may be called while other processes have the file open and write to it, and from any
/// thread. A process that has it open as a State, too, must leave reading its bytes to this: to
/// close the file is to give up the database's locks.
class StateFile {
 public:
  virtual ~StateFile() = default;
  StateFile() = default;
  StateFile(const StateFile&) = delete;
  StateFile& operator=(const StateFile&) = delete;

  /// Writes all that was durable in `from` when it was called, as of one moment, to a new file
  /// `to`, complete in itself and for its owner alone. What was removed before is not in it. Not
  /// synced; after an error something may be there.
  /// Errors: already_exists; not_found; those of StateView; resource_exhausted/disk_full.
  [[nodiscard]] virtual Result<void> copy(const std::string& from, const std::string& to) const = 0;
  /// Reads all of the file and compares each row with its checksum. Damage does not end it.
  /// Errors: failed_precondition/newer_state; not_found; those of StateView but data_loss.
  [[nodiscard]] virtual Result<StateCheck> check(const std::string& path) const = 0;
};

/// True where the data directory has a state, which `state_file` can then be asked for.
/// Errors: failed_precondition/state_not_supported where there is one and `state_file` is null.
[[nodiscard]] Result<bool> has_state(const Env& env, const std::string& directory,
                                     const StateFile* state_file);

}  // namespace hf
