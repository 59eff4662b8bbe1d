// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "base/env.h"
#include "base/result.h"
#include "service/backup_record.h"
#include "service/file_copy.h"
#include "service/state_file.h"
#include "store/manifest.h"

namespace hf {

struct BackupSummary {
  BackupRecord record;
  std::uint64_t parts = 0;
  std::uint64_t part_events = 0;
  std::uint64_t log_files = 0;
  std::uint64_t log_records = 0;
  std::uint64_t bytes = 0;               ///< Of all files.
  std::optional<StateCheck> state = {};  ///< Where there is one; without damage.
};

/// By what the record says of its files, and the manifest of the parts among them.
[[nodiscard]] BackupSummary summarize(BackupRecord record, const Manifest& manifest);
/// Refuses a log of the records [begin, end) below a manifest that knows all records before
/// `needed`. Errors: data_loss/bad_log naming `path`.
[[nodiscard]] Result<void> require_log_range(const std::string& path, Offset begin, Offset end,
                                             Offset needed);

/// Copies a data directory to `target`, which must be absent or empty and apart from it. The lock
/// is not taken: another process may write all the while. The backup holds what was acknowledged
/// before the call, and of what came during it a beginning. Nothing of the source is changed;
/// after an error nothing is left in the target, as far as it can be removed.
/// `state_file` may be null where the directory has no state.
/// Errors: not_found/no_data_directory; failed_precondition/target_not_empty,
/// state_not_supported, newer_state; invalid_argument/overlapping_directories; data_loss (a source
/// file is damaged or missing, or bad_copy); those of StateView;
/// unavailable/data_changing (files kept going while they were copied); cancelled; those of the
/// file system.
[[nodiscard]] Result<BackupSummary> backup_data(const Env& env, const std::string& directory,
                                                const std::string& target,
                                                const CopyControl& control = {},
                                                const StateFile* state_file = nullptr);

}  // namespace hf
