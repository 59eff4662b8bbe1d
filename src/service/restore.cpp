// SPDX-License-Identifier: Apache-2.0
#include "service/restore.h"

#include <fmt/format.h>
#include <unistd.h>

#include <memory>
#include <optional>
#include <utility>
#include <vector>

#include "base/site.h"
#include "log/log_reader.h"
#include "service/backup_record.h"
#include "store/manifest.h"
#include "store/store.h"

namespace hf {
namespace {

using namespace backup_format;

constexpr std::uint64_t record_bytes_max = std::uint64_t{1} << 30;

std::unexpected<Error> bad(const std::string& path, std::string_view why) {
  return fail(ErrorCode::data_loss, "bad_backup", fmt::format("{}: {}", path, why));
}

class Restore {
 public:
  Restore(const Env& env, const std::string& backup, const std::string& directory,
          const CopyControl& control, const StateFile* state_file)
      : env_(env),
        backup_(backup),
        directory_(directory),
        state_file_(state_file),
        copier_(env, directory, control) {}

  Result<RestoreSummary> run() {
    if (overlap(backup_, directory_)) {
      return fail(ErrorCode::invalid_argument, "overlapping_directories",
                  fmt::format("a backup lies outside of the data directory: {} and {} overlap",
                              backup_, directory_));
    }
    HF_CHECK(read_record());
    if (record_.find(backup_format::state_copy) != nullptr && state_file_ == nullptr) {
      return fail(ErrorCode::failed_precondition, "state_not_supported",
                  fmt::format("{}/{}: sources and keys, which this build cannot restore", backup_,
                              backup_format::state_copy));
    }
    HF_CHECK(require_files());
    HF_CHECK(require_empty());
    auto summary = copy_and_open();
    if (!summary) copier_.discard();
    return summary;
  }

 private:
  Result<void> read_record() {
    const std::string path = below(backup_, record_file);
    if (!env_.files.exists(path)) {
      return fail(ErrorCode::failed_precondition, "no_backup",
                  fmt::format("{}: not a backup, or one that was not finished: no file {} in it",
                              backup_, record_file));
    }
    HF_TRY(const std::string bytes, read_file(env_, path, record_bytes_max));
    auto record = decode_backup(bytes);
    if (!record) {
      record.error().message = fmt::format("{}/{}", backup_, record.error().message);
    }
    HF_TRY(record_, std::move(record));
    return {};
  }

  /// Told now, not when half of it is copied.
  Result<void> require_files() {
    for (const CopiedFile& file : record_.files) {
      HF_TRY(const auto source, open(file));
      HF_TRY(const std::uint64_t size, source->size());
      if (size != file.bytes) {
        return bad(below(backup_, file.name),
                   fmt::format("{} bytes, of which it should have {}", size, file.bytes));
      }
    }
    if (record_.find(manifest_file) == nullptr) {
      return bad(below(backup_, manifest_file), "the backup does not name it");
    }
    return {};
  }

  Result<std::unique_ptr<File>> open(const CopiedFile& file) {
    const std::string path = below(backup_, file.name);
    auto source = env_.files.open(path, OpenMode::read);
    if (source || source.error().code != ErrorCode::not_found) return source;
    return bad(path, "the backup names it, and it is not there");
  }

  Result<void> require_empty() {
    HF_TRY(const auto in_the_way, names_in_the_way(env_, directory_));
    if (in_the_way.empty()) return {};
    const std::string why =
        env_.files.exists(below(directory_, "MANIFEST"))
            ? std::string("holds Holdfast data already")
            : fmt::format("holds {}; if a restore was cut off here, empty it and restore again",
                          in_the_way.front());
    return fail(
        ErrorCode::failed_precondition, "data_directory_not_empty",
        fmt::format("a backup is restored to an empty data directory, and {} {}", directory_, why));
  }

  Result<RestoreSummary> copy_and_open() {
    HF_CHECK(env_.files.make_directories(directory_));
    HF_TRY(lock_, env_.files.lock(below(directory_, "LOCK"),
                                  fmt::format("process {}, a restore", ::getpid())));
    HF_CHECK(require_empty());  // Nobody else's from here on.
    HF_CHECK(copier_.begin({std::string(parts), std::string(rejects), std::string(log)}));
    HF_TRY(Manifest manifest, read_manifest());
    HF_CHECK(require_what_it_names(manifest));
    std::uint64_t bytes = 0;
    for (const CopiedFile& file : record_.files) bytes += file.bytes;
    copier_.expect_bytes(bytes);
    for (const CopiedFile& file : record_.files) {
      if (file.name == manifest_file || file.name == backup_format::state_copy) continue;
      HF_CHECK(copy(file, file.name));
    }
    if (HF_SITE("restore.log.range")) HF_CHECK(require_log(manifest));
    // After those that make the directory one without a manifest: of a restore that is cut off
    // nobody shall have the keys alone.
    HF_TRY(auto state, restore_state());

    // Offsets, versions and generations go on from the same numbers with other contents.
    env_.random.fill(std::as_writable_bytes(std::span(&manifest.epoch, 1)));
    ++manifest.generation;
    HF_CHECK(copier_.put_last("MANIFEST", encode_manifest(manifest)));
    HF_CHECK(copier_.announce(directory_));
    HF_TRY(const auto store, Store::open(env_, directory_, Store::Access::read));
    HF_CHECK(store->snapshot());
    RestoreSummary summary{.backup = summarize(std::move(record_), manifest),
                           .epoch = manifest.epoch};
    summary.backup.state = std::move(state);
    return summary;
  }

  Result<std::optional<StateCheck>> restore_state() {
    const CopiedFile* const file = record_.find(backup_format::state_copy);
    if (file == nullptr) return std::nullopt;
    HF_CHECK(copy(*file, std::string(state_file_name)));
    HF_TRY(StateCheck check, state_file_->check(copier_.path_of(std::string(state_file_name))));
    if (HF_SITE("restore.state.check") && !check.damage.empty()) {
      return fail(ErrorCode::data_loss, "bad_state",
                  fmt::format("{}: damaged: {}", below(backup_, file->name), check.damage.front()));
    }
    // Its name is there before the manifest's is.
    if (HF_SITE("restore.state.sync")) HF_CHECK(env_.files.sync_directory(directory_));
    return check;
  }

  Result<Manifest> read_manifest() {
    const CopiedFile& file = *record_.find(manifest_file);
    const std::string path = below(backup_, file.name);
    HF_TRY(const std::string bytes, read_file(env_, path, record_bytes_max));
    if (HF_SITE("restore.manifest.digest") && xxh3_128(bytes) != file.digest) {
      return bad(path, "not the bytes that were backed up");
    }
    auto manifest = decode_manifest(bytes);
    if (!manifest) {
      manifest.error().message = fmt::format("{}: {}", path, manifest.error().message);
    }
    return manifest;
  }

  Result<void> require_what_it_names(const Manifest& manifest) const {
    const auto require = [&](const std::string& name, std::uint64_t bytes) -> Result<void> {
      const CopiedFile* const file = record_.find(name);
      if (file != nullptr && file->bytes == bytes) return {};
      return bad(below(backup_, name), "needed, and not in the backup as it should be");
    };
    for (const auto* entries : {&manifest.parts, &manifest.first_seen}) {
      for (const PartEntry& entry : *entries) {
        HF_CHECK(require(below(parts, entry.file), entry.bytes));
      }
    }
    for (const ImportRecord& import : manifest.imports) {
      if (import.state == ImportState::undone || import.reject_bytes == 0) continue;
      HF_CHECK(require(below(rejects, reject_file_name(import.id)), import.reject_bytes));
    }
    return {};
  }

  Result<void> copy(const CopiedFile& file, const std::string& name) {
    const std::string path = below(backup_, file.name);
    HF_CHECK(copier_.announce(path));
    HF_TRY(const auto source, open(file));
    HF_TRY(const CopiedFile copied, copier_.copy(*source, name));
    const bool is_same = copied.bytes == file.bytes && copied.digest == file.digest;
    if (HF_SITE("restore.file.digest") && !is_same) {
      return bad(path, "not the bytes that were backed up");
    }
    return {};
  }

  /// The log is whole and ends where the backup says; the manifest has its place in it.
  Result<void> require_log(const Manifest& manifest) {
    const std::string directory = below(directory_, log);
    HF_TRY(const auto files, list_log_files(env_, directory));
    Offset end = files.empty() ? record_.log_begin : files.front();
    if (end != record_.log_begin) {
      return bad(backup_,
                 fmt::format("its log begins with record {}, not {}", end, record_.log_begin));
    }
    for (const Offset first : files) {
      if (first != end) return bad(backup_, fmt::format("record {} of its log is missing", end));
      HF_TRY(LogFileReader reader, LogFileReader::open(env_, directory, first));
      while (true) {
        HF_TRY(const auto frame, reader.next());
        if (!frame) break;
      }
      end = reader.next_offset();
    }
    if (end != record_.log_end) {
      return bad(backup_,
                 fmt::format("its log ends before record {}, not {}", end, record_.log_end));
    }
    return require_log_range(directory, record_.log_begin, record_.log_end, manifest.log_end);
  }

  Env env_;
  const std::string& backup_;
  const std::string& directory_;
  const StateFile* state_file_;  // Null where the backup has no state.
  FileCopier copier_;
  BackupRecord record_;
  std::unique_ptr<FileLock> lock_;
};

}  // namespace

Result<RestoreSummary> restore_data(const Env& env, const std::string& backup,
                                    const std::string& directory, const CopyControl& control,
                                    const StateFile* state_file) {
  return Restore(env, backup, directory, control, state_file).run();
}

}  // namespace hf
