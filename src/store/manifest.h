// SPDX-License-Identifier: Apache-2.0
//
// The manifest: which files are the store, and what every import did. One small file, replaced
// whole (docs/format/manifest.md).
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/env.h"
#include "base/hash.h"
#include "base/result.h"
#include "calendar/date.h"
#include "log/offset.h"
#include "log/record.h"
#include "store/part.h"

namespace hf {

struct PartSummary;

struct PartEntry {
  std::string file;          ///< Name below <data>/parts.
  std::uint32_t import = 0;  ///< Of which import all its rows are; 0: of none, or of several.
  /// Imports of which some of its rows are (column `import` says which); empty where all are of
  /// one or none. Ascending.
  std::vector<std::uint32_t> imports;
  /// Neighbours of one number were written by one compaction: each owner's events are in one of
  /// them; 0: it is alone.
  std::uint32_t group = 0;
  std::uint64_t rows = 0;
  std::uint64_t persons = 0;
  std::uint64_t bytes = 0;
  TimestampMs time_min = 0;
  TimestampMs time_max = 0;

  /// Of a part that was just written, of no import.
  [[nodiscard]] static PartEntry of(std::string file, const PartSummary& summary);
  /// Files are numbered as they are written. 0 where the name has no number.
  [[nodiscard]] std::uint32_t number() const;
  friend bool operator==(const PartEntry&, const PartEntry&) = default;
};

/// A purge that is still to be carried out in some parts.
struct PendingPurge {
  PurgeRecord purge;
  std::uint32_t part_end = 0;  ///< Parts numbered from here on came after it.
  friend bool operator==(const PendingPurge&, const PendingPurge&) = default;
};

enum class ImportState : std::uint8_t {
  running,  ///< Its parts are not visible yet; the same command goes on where it stopped.
  done,
  undone,
};
[[nodiscard]] std::string_view to_string(ImportState state);

struct ImportedFile {
  std::string name;  ///< Without directories.
  std::uint64_t bytes = 0;
  std::string digest;  ///< "xxh3-128:<hex>" of the file as it was read.
};

/// What an import counted.
struct ImportCounts {
  std::uint64_t events = 0;  ///< In its parts.
  std::uint64_t rejected = 0;
  std::uint64_t duplicates = 0;  ///< Message ids that were there already.
  std::uint64_t times_ahead = 0;
  std::uint64_t big_numbers = 0;
  friend bool operator==(const ImportCounts&, const ImportCounts&) = default;
};

struct ImportRecord {
  std::uint32_t id = 0;
  ImportState state = ImportState::running;
  TimestampMs started_at_ms = 0;
  TimestampMs finished_at_ms = 0;
  std::string mapping;  ///< Canonical JSON of the mapping: with the digests, its identity.
  std::vector<ImportedFile> files;
  std::uint64_t data_version = 0;  ///< Of the data its rows are deduplicated against.
  ImportCounts counts;
  std::uint64_t reject_bytes = 0;   ///< Length of its reject file that belongs to `position`.
  std::uint32_t reject_crc32c = 0;  ///< Of these bytes.
  /// Where a running import goes on: all rows before are in its parts or its reject file.
  struct Position {
    std::uint32_t file = 0;    ///< Index into files.
    std::uint64_t offset = 0;  ///< Bytes of decompressed text.
    std::uint64_t line = 1;
    std::uint64_t row = 0;  ///< Rows read of this file.
  } position;
};

/// What holds for the whole workspace.
struct Settings {
  std::string timezone = "UTC";
  std::string currency = "EUR";  ///< ISO 4217
  WeekStart week_start = WeekStart::monday;
  std::string keep_events = {};  ///< parse_keep(); empty: for good.
  friend bool operator==(const Settings&, const Settings&) = default;
};

/// What people decided of two ids; the latest of a pair counts.
struct LinkDecision {
  bool linked = true;  ///< false: an unlink
  PersonId a;
  PersonId b;
  TimestampMs time_ms = 0;  ///< Of a link.
  friend bool operator==(const LinkDecision&, const LinkDecision&) = default;
};

struct Manifest {
  std::uint64_t generation = 0;    ///< Of the file: one more with each replacement.
  std::uint64_t data_version = 0;  ///< One more whenever the visible data changed.
  Hash128 store_id;
  Hash128 epoch;          ///< Another one after each restore of a backup: state of one, such as
                          ///< a consumer's offset, says nothing of another.
  HashKey hash_key = {};  ///< Of person and message keys. Secret.
  PersonOrdinal next_person = 0;
  std::uint32_t next_part = 1;
  std::uint32_t next_import = 1;
  Offset log_end = 1;  ///< Records of the log before it are in the parts and members here.
  Settings settings;
  std::vector<LinkDecision> links;  ///< In the order in which they were made.
  std::vector<PartEntry> parts;
  /// The first event of each name and pair of ids whose events were purged, and calls that say who
  /// is who: so that nobody becomes new again.
  std::vector<PartEntry> first_seen;
  std::vector<PersonOrdinal> erased;  ///< Events of these owners still lie in parts. Ascending.
  std::vector<PendingPurge> purges;   ///< In order.
  std::vector<ImportRecord> imports;

  [[nodiscard]] const ImportRecord* find_import(std::uint32_t id) const;
  [[nodiscard]] ImportRecord* find_import(std::uint32_t id);
  /// True when queries see the part: it is not of one import, or that import is done.
  [[nodiscard]] bool is_visible(const PartEntry& part) const;
};

[[nodiscard]] std::string encode_manifest(const Manifest& manifest);
/// Errors: data_loss/bad_manifest.
[[nodiscard]] Result<Manifest> decode_manifest(std::string_view bytes);

}  // namespace hf
