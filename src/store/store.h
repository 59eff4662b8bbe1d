// SPDX-License-Identifier: Apache-2.0
//
// The data directory:
//   MANIFEST         which files are the store (store/manifest.h)
//   LOCK             held by the process that owns the directory
//   parts/*.part     immutable parts (store/part.h)
//   rejects/*.csv    what imports set aside
#pragma once

#include <map>
#include <memory>
#include <set>
#include <string>

#include "base/env.h"
#include "base/result.h"
#include "store/manifest.h"
#include "store/page_cache.h"
#include "store/person_registry.h"
#include "store/snapshot.h"

namespace hf {

class Store {
 public:
  enum class Access : std::uint8_t {
    read,  ///< Any number of processes, also beside the owner: sees the state at open().
    own,   ///< One process: takes the lock, creates what is missing, clears what a crash left.
  };
  static constexpr std::size_t cache_bytes_default = std::size_t{2} << 30;

  /// Errors: not_found/no_data_directory (access read); failed_precondition/locked naming the
  /// holder; data_loss/bad_manifest (also where parts are and no manifest is); those of the file
  /// system.
  [[nodiscard]] static Result<std::unique_ptr<Store>> open(
      const Env& env, const std::string& directory, Access access,
      std::size_t cache_bytes = cache_bytes_default);

  [[nodiscard]] const Manifest& manifest() const { return manifest_; }
  [[nodiscard]] const Env& env() const { return env_; }
  [[nodiscard]] PageCache& cache() { return cache_; }
  [[nodiscard]] std::string parts_directory() const { return directory_ + "/parts"; }
  /// Where the rejected rows of an import are told.
  [[nodiscard]] std::string reject_path(std::uint32_t import) const;

  /// All visible parts, opened. Parts must not outlive the store. Errors: those of Part::open();
  /// data_loss/bad_part where a part has a person the manifest does not know.
  [[nodiscard]] Result<Snapshot> snapshot();
  /// The parts of one import, visible or not.
  [[nodiscard]] Result<std::vector<std::shared_ptr<const Part>>> parts_of(std::uint32_t import);

  /// Replaces the manifest durably, whole or not at all, and sets its generation. After a failure
  /// manifest() is the old one, the disk may hold either, and whatever would build on one of them
  /// is refused until the directory is opened again. Requires access own.
  /// Errors: those of the file system; failed_precondition/manifest_in_doubt.
  [[nodiscard]] Result<void> commit(Manifest next);
  /// Removes part files the manifest does not name and reject files of no import that is running or
  /// done; for after a commit. Requires access own.
  /// Errors: those of the file system; failed_precondition/manifest_in_doubt.
  [[nodiscard]] Result<void> remove_unlisted_files();
  /// Every person known to the visible parts and those of `import`.
  [[nodiscard]] Result<PersonRegistry> load_persons(std::uint32_t import);

 private:
  Store(const Env& env, std::string directory, std::size_t cache_bytes)
      : env_(env), directory_(std::move(directory)), cache_(cache_bytes) {}
  [[nodiscard]] Result<std::shared_ptr<const Part>> open_part(const std::string& file);
  [[nodiscard]] Result<void> check_certain() const;
  [[nodiscard]] std::string rejects_directory() const { return directory_ + "/rejects"; }
  [[nodiscard]] Result<void> keep_only(const std::string& directory,
                                       const std::set<std::string>& listed);

  Env env_;
  std::string directory_;
  Manifest manifest_;
  std::unique_ptr<FileLock> lock_;  // Null with access read.
  bool in_doubt_ = false;           // A commit failed: the manifest on disk is this one or its.
  PageCache cache_;
  std::map<std::string, std::shared_ptr<const Part>> open_parts_;  // By file name.
};

}  // namespace hf
