// SPDX-License-Identifier: Apache-2.0
//
// What is the matter with a data directory: facts and troubles as values. Whoever shows them makes
// the sentences, and says what to do (cli/doctor_command.cpp, docs/operations.md).
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "base/env.h"
#include "service/state_file.h"

namespace hf {

enum class Severity : std::uint8_t {
  fine,     ///< A fact, nothing to do.
  advice,   ///< Nothing is wrong; something is left to do, or goes away by itself.
  warning,  ///< It works, but not for long, or not as one would think.
  broken,   ///< Something is lost or does not work until somebody acts.
};
[[nodiscard]] std::string_view to_string(Severity severity);

/// What a finding is about.
enum class FindingArea : std::uint8_t {
  directory,
  writer,
  disk,
  manifest,
  parts,
  log,
  message_keys,
  state,
  imports,
  left_over,
  clock,
  open_files,
  version,
  contents,
};
[[nodiscard]] std::string_view to_string(FindingArea area);

/// Each with the names of its values. Paths begin with the directory as it was given; `what` is for
/// the operator, in English, with path and place.
enum class FindingReason : std::uint8_t {
  directory_private,     ///< path
  no_directory,          ///< path
  no_data_directory,     ///< path
  is_backup,             ///< path
  not_readable,          ///< what
  not_writable,          ///< path
  directory_open,        ///< path; others may see names, not contents
  data_open,             ///< path; others may read contents
  unreadable,            ///< what; the disk did not answer
  no_writer,             ///< (none)
  written_by,            ///< holder
  disk_ample,            ///< free_bytes, total_bytes, needed_bytes, reserve_bytes
  disk_nearly_full,      ///< the same
  disk_full,             ///< the same
  manifest_sound,        ///< generation
  manifest_missing,      ///< path, files (of data beside it)
  manifest_to_come,      ///< path, holder: it is being restored
  manifest_damaged,      ///< path, what
  manifest_newer,        ///< path, version
  left_over_manifest,    ///< path
  parts_listed,          ///< files, bytes, events: what the manifest says
  part_missing,          ///< path, events
  part_damaged,          ///< path, what
  part_newer,            ///< path, version
  part_size,             ///< path, bytes, expected_bytes
  many_small_parts,      ///< files, groups
  log_none,              ///< (none)
  log_read,              ///< files, bytes, kept_bytes, first, end, pending_records, start_ms
  log_missing,           ///< path, needed
  log_begins_late,       ///< path, first, needed
  log_ends_early,        ///< path, end, needed
  log_damaged,           ///< what
  log_newer,             ///< path, version
  old_log_damaged,       ///< what
  log_torn,              ///< path, position
  message_keys_read,     ///< keys, files, bytes, unread_records
  message_keys_young,    ///< unread_records; none is on disk yet
  message_keys_missing,  ///< path, unread_records
  message_keys_damaged,  ///< what, unread_records
  message_keys_ahead,    ///< path, end, log_end, unread_records
  state_read,            ///< sources, keys, refusals
  state_damaged,         ///< what
  state_newer,           ///< what
  imports_done,          ///< imports, events; what is there of them
  import_unfinished,     ///< import, file, events, holder (empty: nobody is at work)
  rejects_waiting,       ///< rows, imports, path (the newest import's)
  left_over_files,       ///< files, bytes, path (one of them)
  clock_right,           ///< now_ms, newest_ms (0: no record), timezone
  clock_behind_log,      ///< now_ms, newest_ms
  timezone_unknown,      ///< timezone
  open_files_ample,      ///< allowed, needed
  open_files_few,        ///< allowed, needed
  version,               ///< program, manifest, log, part, message_keys
  contents_sound,        ///< parts, events, records, keys
  contents_damaged,      ///< what
  contents_not_read,     ///< holder
};
inline constexpr std::size_t finding_reasons =
    static_cast<std::size_t>(FindingReason::contents_not_read) + 1;
/// A stable literal: "disk_nearly_full".
[[nodiscard]] std::string_view to_string(FindingReason reason);
[[nodiscard]] Severity severity_of(FindingReason reason);
[[nodiscard]] FindingArea area_of(FindingReason reason);

struct FindingValue {
  std::string_view name;  ///< A literal; its unit is last.
  std::variant<std::uint64_t, std::string> value;
};

struct Finding {
  FindingReason reason;
  std::vector<FindingValue> values;

  /// Of a value the reason has.
  [[nodiscard]] std::uint64_t number(std::string_view name) const;
  [[nodiscard]] const std::string& text(std::string_view name) const;
};

struct Diagnosis {
  std::vector<Finding> findings;  ///< Findings of an area are neighbours, its facts first.

  [[nodiscard]] Severity worst() const;
  /// False where the path leads to something else, or nowhere.
  [[nodiscard]] bool has_data() const;
};

struct DiagnosisOptions {
  /// Also all that verify_data() does, which takes the lock and, as every start does, removes what
  /// a crash left.
  bool deep = false;
  /// Null in builds that know no state.
  const StateFile* state_file = nullptr;
  /// How many files this process may have open, where that is known.
  std::optional<std::uint64_t> open_files_max = std::nullopt;
  /// Hears of each file before `deep` reads it.
  std::function<void(const std::string& path)> on_file = [](const std::string&) {};
};

/// Looks at a data directory, also beside the process that writes it. Without `deep` it takes no
/// lock and changes nothing, reads as much as a start does, and of the log's records that are in
/// parts the frame headers of the newest gigabyte; of the state, all. Does not fail: what cannot be
/// read is a finding.
[[nodiscard]] Diagnosis diagnose(const Env& env, const std::string& directory,
                                 const DiagnosisOptions& options = {});

}  // namespace hf
