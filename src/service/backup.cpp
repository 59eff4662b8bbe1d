// SPDX-License-Identifier: Apache-2.0
//
// What is copied goes on changing, so the order counts. The state comes first: what it knows of the
// log, the log has that is copied after it. Then the manifest, the parts it names, and the log.
// That only grows at its end and loses files only at its beginning, and those only once a newer
// manifest says that their records are in parts: so all records that the copied manifest misses are
// in the log as it is later, or the manifest is not the newest any more. Likewise where the log
// shows an import whose parts the manifest does not have.
#include "service/backup.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <memory>
#include <optional>
#include <utility>

#include "base/memory_file.h"
#include "base/site.h"
#include "log/log_reader.h"
#include "log/record.h"
#include "store/manifest.h"
#include "store/part.h"

namespace hf {
namespace {

using namespace backup_format;

constexpr std::uint64_t manifest_bytes_max = std::uint64_t{1} << 30;
constexpr std::size_t cache_bytes = std::size_t{64} << 20;
/// Each goes on with what the last one copied; a compaction may take parts away during each.
constexpr int attempts_max = 20;

class Backup {
 public:
  Backup(const Env& env, const std::string& directory, const std::string& target,
         const CopyControl& control, const StateFile* state_file)
      : env_(env),
        directory_(directory),
        target_(target),
        state_file_(state_file),
        copier_(env, target, control) {}

  Result<BackupSummary> run() {
    if (overlap(directory_, target_)) {
      return fail(ErrorCode::invalid_argument, "overlapping_directories",
                  fmt::format("a backup lies outside of the data directory: {} and {} overlap",
                              target_, directory_));
    }
    if (!env_.files.exists(source_path("MANIFEST"))) {
      return fail(ErrorCode::not_found, "no_data_directory",
                  fmt::format("no Holdfast data in {}", directory_));
    }
    HF_TRY(const auto in_the_way, names_in_the_way(env_, target_));
    if (!in_the_way.empty()) {
      return fail(ErrorCode::failed_precondition, "target_not_empty",
                  fmt::format("a backup is written to a directory of its own, and {} holds {}",
                              target_, in_the_way.front()));
    }
    HF_TRY(const bool state_is_there, has_state(env_, directory_, state_file_));
    auto summary = copy_and_record(state_is_there);
    if (!summary) copier_.discard();
    return summary;
  }

 private:
  Result<BackupSummary> copy_and_record(bool state_is_there) {
    const TimestampMs created_at_ms = env_.clock.now_ms();
    HF_CHECK(copier_.begin({std::string(parts), std::string(rejects), std::string(log)}));
    std::optional<StateCheck> state;
    if (state_is_there) {
      HF_TRY(state, copy_state());
    }
    for (int attempt = 1;; ++attempt) {
      HF_TRY(const bool whole, copy_all());
      if (whole) break;
      if (attempt == attempts_max) {
        return fail(
            ErrorCode::unavailable, "data_changing",
            fmt::format("{}: files kept going while they were copied; try again", directory_));
      }
    }
    HF_TRY(CopiedFile manifest,
           copier_.copy(MemoryFile(manifest_bytes_), std::string(manifest_file)));
    BackupRecord record{.created_at_ms = created_at_ms,
                        .program = HOLDFAST_VERSION,
                        .store_id = manifest_.store_id,
                        .epoch = manifest_.epoch,
                        .generation = manifest_.generation,
                        .data_version = manifest_.data_version,
                        .log_begin = log_begin_,
                        .log_end = log_end_,
                        .files = {}};
    record.files.push_back(std::move(manifest));
    for (auto& [name, file] : copied_) record.files.push_back(std::move(file));
    HF_CHECK(copier_.put_last(std::string(record_file), encode_backup(record)));
    BackupSummary summary = summarize(std::move(record), manifest_);
    summary.state = std::move(state);
    return summary;
  }

  Result<StateCheck> copy_state() {
    const std::string path = source_path(state_file_name);
    HF_CHECK(copier_.announce(path));
    HF_TRY(CopiedFile copy,
           copier_.make(std::string(backup_format::state_copy),
                        [&](const std::string& to) { return state_file_->copy(path, to); }));
    // As of a part: what is damaged must not replace an older backup that is not.
    HF_TRY(StateCheck check, state_file_->check(copier_.path_of(copy.name)));
    if (HF_SITE("backup.state.check") && !check.damage.empty()) {
      return fail(ErrorCode::data_loss, "bad_state",
                  fmt::format("{}: damaged: {}", path, check.damage.front()));
    }
    copied_.emplace(copy.name, std::move(copy));
    return check;
  }

  /// False where the source changed under our hands: what was copied of it is to be looked at anew.
  Result<bool> copy_all() {
    HF_CHECK(copier_.announce(source_path("MANIFEST")));
    HF_CHECK(read_manifest());
    HF_TRY(const bool opened, open_running_rejects());
    if (!opened) return false;
    HF_TRY(const bool have_parts, copy_parts());
    if (!have_parts) return false;
    HF_TRY(const bool have_rejects, copy_rejects());
    if (!have_rejects) return false;
    return copy_log();
  }

  Result<void> read_manifest() {
    HF_TRY(manifest_bytes_, read_file(env_, source_path("MANIFEST"), manifest_bytes_max));
    HF_TRY(manifest_, decode_manifest(manifest_bytes_));
    return {};
  }

  /// A file is removed after the manifest that does not name it is there.
  Result<bool> manifest_changed() const {
    HF_TRY(const auto bytes, read_file(env_, source_path("MANIFEST"), manifest_bytes_max));
    return bytes != manifest_bytes_;
  }

  /// Null where the file is not there because the source has moved on.
  /// Errors: data_loss/missing_file where it has not.
  Result<std::unique_ptr<File>> open(const std::string& name) {
    HF_CHECK(copier_.announce(source_path(name)));
    auto file = env_.files.open(source_path(name), OpenMode::read);
    if (file || file.error().code != ErrorCode::not_found) return file;
    HF_TRY(const bool changed, manifest_changed());
    if (changed) return std::unique_ptr<File>();
    return fail(ErrorCode::data_loss, "missing_file",
                fmt::format("{}: the manifest names it, and it is not there", source_path(name)));
  }

  /// Only the file of an import that goes on may be made anew under its old name, when the import
  /// starts over. What is opened now is the one the manifest speaks of.
  Result<bool> open_running_rejects() {
    running_rejects_.clear();
    for (const ImportRecord& import : manifest_.imports) {
      if (import.state != ImportState::running || import.reject_bytes == 0) continue;
      HF_TRY(auto file, open(below(rejects, reject_file_name(import.id))));
      if (!file) return false;
      running_rejects_.emplace(import.id, std::move(file));
    }
    if (running_rejects_.empty()) return true;
    HF_TRY(const bool changed, manifest_changed());
    return !changed;
  }

  Result<bool> copy_parts() {
    std::map<std::string, const PartEntry*> wanted;
    for (const auto* entries : {&manifest_.parts, &manifest_.first_seen}) {
      for (const PartEntry& entry : *entries) wanted.emplace(below(parts, entry.file), &entry);
    }
    // What was copied of a manifest before stays as long as it is named: a part never changes, and
    // a name that a manifest had is not given to another part.
    HF_CHECK(remove_copies_if([&](const std::string& name) {
      return name.starts_with(below(parts, "")) && !wanted.contains(name);
    }));
    std::uint64_t bytes = 0;
    for (const auto& [name, entry] : wanted) bytes += copied_.contains(name) ? 0 : entry->bytes;
    copier_.expect_bytes(bytes);
    for (const auto& [name, entry] : wanted) {
      if (copied_.contains(name)) continue;
      HF_TRY(const auto file, open(name));
      if (!file) return false;
      HF_TRY(CopiedFile copy, copier_.copy(*file, name));
      HF_CHECK(check_part(copy, *entry));
      copied_.emplace(name, std::move(copy));
    }
    return true;
  }

  /// What is damaged here must not replace an older backup that is not.
  Result<void> check_part(const CopiedFile& copy, const PartEntry& entry) {
    PageCache cache(cache_bytes);
    auto verified = [&]() -> Result<void> {
      HF_TRY(const auto part, Part::open(env_, copier_.path_of(copy.name), cache));
      return part->verify();
    }();
    if (!HF_SITE("backup.part.verify")) verified = {};
    if (!verified && verified.error().code == ErrorCode::data_loss) {
      verified.error().message =
          fmt::format("{}: damaged: {}", source_path(copy.name), verified.error().message);
    }
    HF_CHECK(verified);
    if (copy.bytes == entry.bytes) return {};
    return fail(ErrorCode::data_loss, "bad_part",
                fmt::format("{}: {} bytes, but the manifest tells of {}", source_path(copy.name),
                            copy.bytes, entry.bytes));
  }

  Result<bool> copy_rejects() {
    HF_CHECK(remove_copies_if(
        [](const std::string& name) { return name.starts_with(below(rejects, "")); }));
    for (const ImportRecord& import : manifest_.imports) {
      if (import.state == ImportState::undone || import.reject_bytes == 0) continue;
      const std::string name = below(rejects, reject_file_name(import.id));
      std::unique_ptr<File> file;
      if (const auto running = running_rejects_.find(import.id);
          running != running_rejects_.end()) {
        HF_CHECK(copier_.announce(source_path(name)));
        file = std::move(running->second);
      } else {
        HF_TRY(file, open(name));
      }
      if (!file) return false;
      // What follows belongs to no manifest yet.
      HF_TRY(CopiedFile copy, copier_.copy(*file, name, import.reject_bytes));
      copied_.emplace(name, std::move(copy));
    }
    return true;
  }

  Result<bool> copy_log() {
    HF_CHECK(
        remove_copies_if([](const std::string& name) { return name.starts_with(below(log, "")); }));
    log_begin_ = 1;
    log_end_ = 1;
    std::vector<Offset> files;
    if (env_.files.exists(source_path(log))) {
      HF_TRY(files, list_log_files(env_, source_path(log)));
    }
    for (std::size_t i = 0; i < files.size(); ++i) {
      const bool newest = i + 1 == files.size();
      const bool may_be_unfinished = newest && (i > 0 || files[i] == 1);
      HF_TRY(auto reader, open_log_file(files[i], may_be_unfinished));
      if (!reader && may_be_unfinished) break;
      if (!reader) return false;
      if (i == 0) log_begin_ = files[i];
      HF_TRY(const bool whole, copy_log_file(*reader));
      if (!whole) return false;
      log_end_ = reader->next_offset();
      if (newest || (log_end_ == files[i + 1] && !reader->is_torn())) continue;
      // A writer that was killed while it made the next file leaves one that its successor removes.
      HF_TRY(const auto files_now, list_log_files(env_, source_path(log)));
      if (files_now != files) return false;
      return fail(ErrorCode::data_loss, "bad_log",
                  fmt::format("{}: record {} is missing; the next file begins with record {}",
                              reader->path(), log_end_, files[i + 1]));
    }
    if (log_begin_ > manifest_.log_end) {
      HF_TRY(const bool changed, manifest_changed());
      if (changed) return false;
    }
    if (HF_SITE("backup.log.range")) {
      HF_CHECK(require_log_range(source_path(log), log_begin_, log_end_, manifest_.log_end));
    }
    return true;
  }

  /// Nothing where the file is gone, or was being made and holds no record yet.
  Result<std::optional<LogFileReader>> open_log_file(Offset first, bool may_be_unfinished) {
    const std::string directory = source_path(log);
    HF_CHECK(copier_.announce(below(directory, log_file_name(first))));
    for (bool again = false;; again = true) {
      auto reader = LogFileReader::open(env_, directory, first);
      if (reader) return std::optional(*std::move(reader));
      if (reader.error().code == ErrorCode::not_found) return std::optional<LogFileReader>();
      if (!may_be_unfinished || again || reader.error().reason != "bad_log") {
        return std::unexpected(std::move(reader).error());
      }
      const auto unfinished = is_unfinished_log_file(env_, below(directory, log_file_name(first)));
      if (!unfinished && unfinished.error().code != ErrorCode::not_found) {
        return std::unexpected(unfinished.error());
      }
      // Where it is finished by now, it was finished between the two looks.
      if (!unfinished || *unfinished) return std::optional<LogFileReader>();
    }
  }

  /// Of the newest file, too, only what is whole: its frames and their seals. Frames without one
  /// are no less durable in the copy. False where the file is gone, or ahead of the manifest.
  Result<bool> copy_log_file(LogFileReader& reader) {
    while (true) {
      HF_TRY(const auto frame, reader.next());
      if (!frame) break;
      HF_TRY(const bool fits, fits_manifest(*frame));
      if (!fits) return false;
    }
    auto file = env_.files.open(reader.path(), OpenMode::read);
    if (!file && file.error().code == ErrorCode::not_found) return false;
    if (!file) return std::unexpected(std::move(file).error());
    HF_TRY(const std::uint64_t size, (*file)->size());
    const std::uint64_t bytes = std::min(size, reader.position());
    copier_.expect_bytes(bytes);
    std::string name = below(log, log_file_name(reader.header().first));
    HF_TRY(CopiedFile copy, copier_.copy(**file, name, bytes));
    copied_.emplace(std::move(name), std::move(copy));
    return true;
  }

  /// The parts of an import are in a manifest before a record shows them: it was a newer one.
  [[nodiscard]] Result<bool> fits_manifest(const LogFrame& frame) const {
    if (frame.end <= manifest_.log_end) return true;
    FrameRecords records(frame.payload);
    std::vector<PropertyView> scratch;
    Offset offset = frame.first;
    for (; const auto bytes = records.next(); ++offset) {
      const auto record = decode_record(*bytes, scratch);
      if (!record) {
        return fail(
            ErrorCode::data_loss, "bad_record",
            fmt::format("{}: record {}: {}", source_path(log), offset, record.error().message));
      }
      const auto* shown = std::get_if<ImportPartsRecord>(&*record);
      if (shown != nullptr && offset >= manifest_.log_end && !is_known(*shown)) return false;
    }
    return true;
  }

  [[nodiscard]] bool is_known(const ImportPartsRecord& shown) const {
    const ImportRecord* const import = manifest_.find_import(shown.import);
    if (import == nullptr) return false;
    if (shown.undone || import->state != ImportState::running) return true;
    return std::ranges::all_of(shown.parts, [&](const std::string& file) {
      return std::ranges::find(manifest_.parts, file, &PartEntry::file) != manifest_.parts.end();
    });
  }

  template <class Predicate>
  Result<void> remove_copies_if(Predicate&& is_stale) {
    for (auto at = copied_.begin(); at != copied_.end();) {
      if (!is_stale(at->first)) {
        ++at;
        continue;
      }
      HF_CHECK(copier_.remove(at->first));
      at = copied_.erase(at);
    }
    return {};
  }

  [[nodiscard]] std::string source_path(std::string_view name) const {
    return below(directory_, name);
  }

  Env env_;
  const std::string& directory_;
  const std::string& target_;
  const StateFile* state_file_;  // Null where there is no state.
  FileCopier copier_;
  std::string manifest_bytes_;
  Manifest manifest_;
  std::map<std::uint32_t, std::unique_ptr<File>> running_rejects_;  // By import.
  std::map<std::string, CopiedFile> copied_;                        // By name.
  Offset log_begin_ = 1;
  Offset log_end_ = 1;
};

}  // namespace

Result<void> require_log_range(const std::string& path, Offset begin, Offset end, Offset needed) {
  if (begin <= needed && needed <= end) return {};
  return fail(ErrorCode::data_loss, "bad_log",
              needed < begin ? fmt::format("{}: begins with record {}, but record {} on is needed",
                                           path, begin, needed)
                             : fmt::format("{}: ends before record {}, but record {} was there",
                                           path, end, needed - 1));
}

BackupSummary summarize(BackupRecord record, const Manifest& manifest) {
  BackupSummary summary{.record = std::move(record)};
  for (const CopiedFile& file : summary.record.files) {
    summary.bytes += file.bytes;
    if (file.name.starts_with(below(parts, ""))) ++summary.parts;
    if (file.name.starts_with(below(log, ""))) ++summary.log_files;
  }
  for (const PartEntry& entry : manifest.parts) summary.part_events += entry.rows;
  summary.log_records = summary.record.log_end - summary.record.log_begin;
  return summary;
}

Result<BackupSummary> backup_data(const Env& env, const std::string& directory,
                                  const std::string& target, const CopyControl& control,
                                  const StateFile* state_file) {
  return Backup(env, directory, target, control, state_file).run();
}

}  // namespace hf
