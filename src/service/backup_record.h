// SPDX-License-Identifier: Apache-2.0
//
// BACKUP: what a backup holds. Written last, it is what makes a directory of copies a backup
// (docs/format/backup.md).
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/env.h"
#include "base/hash.h"
#include "base/result.h"
#include "log/offset.h"
#include "service/file_copy.h"

namespace hf {

namespace backup_format {
inline constexpr std::string_view record_file = "BACKUP";
/// The manifest's copy. Not under its own name: a backup opened by mistake is refused, not changed.
inline constexpr std::string_view manifest_file = "MANIFEST.backup";
/// The state's copy, under another name for the same reason.
inline constexpr std::string_view state_copy = "state.sqlite.backup";
inline constexpr std::string_view parts = "parts";
inline constexpr std::string_view rejects = "rejects";
inline constexpr std::string_view log = "log";

[[nodiscard]] std::string below(std::string_view directory, std::string_view file);
[[nodiscard]] std::string reject_file_name(std::uint32_t import);
}  // namespace backup_format

struct BackupRecord {
  TimestampMs created_at_ms = 0;
  std::string program;  ///< Version of the program that wrote it.
  Hash128 store_id;     ///< These four as in the manifest.
  Hash128 epoch;
  std::uint64_t generation = 0;
  std::uint64_t data_version = 0;
  Offset log_begin = 1;  ///< The log's first record here; log_end where none is.
  Offset log_end = 1;    ///< The first record after those of the log here.
  std::vector<CopiedFile> files;

  /// The file of that name, or null.
  [[nodiscard]] const CopiedFile* find(std::string_view name) const;
  friend bool operator==(const BackupRecord&, const BackupRecord&) = default;
};

/// Of version 1 without a state, which older programs read, else of version 2.
[[nodiscard]] std::string encode_backup(const BackupRecord& record);
/// Names are those of files in the places a backup has, each once.
/// Errors: failed_precondition/newer_backup; data_loss/bad_backup.
[[nodiscard]] Result<BackupRecord> decode_backup(std::string_view bytes);

}  // namespace hf
