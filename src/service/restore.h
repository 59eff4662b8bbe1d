// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

#include "base/env.h"
#include "base/result.h"
#include "service/backup.h"

namespace hf {

struct RestoreSummary {
  BackupSummary backup;
  Hash128 epoch;  ///< Of what was restored.
};

/// Makes a data directory of a backup, in `directory`, which must be absent or empty. Each byte is
/// checked against the backup's record. The manifest comes last and has a new epoch: what is cut
/// off before it is no store, and is refused by Store::open(). After an error nothing is left, as
/// far as it can be removed. `state_file` may be null where the backup has no state.
/// Errors: failed_precondition/no_backup, newer_backup, data_directory_not_empty, locked,
/// state_not_supported (nothing is written), newer_state;
/// invalid_argument/overlapping_directories; data_loss/bad_backup (a file of the backup is missing,
/// is not what was written, or does not fit the others), bad_manifest, bad_state, bad_copy; those
/// of Store::open(), snapshot() and StateView; cancelled; those of the file system.
[[nodiscard]] Result<RestoreSummary> restore_data(const Env& env, const std::string& backup,
                                                  const std::string& directory,
                                                  const CopyControl& control = {},
                                                  const StateFile* state_file = nullptr);

}  // namespace hf
