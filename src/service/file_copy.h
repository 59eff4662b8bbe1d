// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/env.h"
#include "base/hash.h"
#include "base/result.h"

namespace hf {

struct CopyProgress {
  std::string file;  ///< The path that is read.
  std::uint64_t bytes_done = 0;
  std::uint64_t bytes_total = 0;  ///< About; 0: not known yet.
};

struct CopyControl {
  /// Hears of each file before it is opened, and of each block that was copied.
  std::function<void(const CopyProgress&)> on_progress = [](const CopyProgress&) {};
  /// Set from a signal handler: copying ends, and what was written is taken back.
  const std::atomic<bool>* stop = nullptr;
};

/// One file of a tree as it was copied.
struct CopiedFile {
  std::string name;  ///< Its path below the top of the tree.
  std::uint64_t bytes = 0;
  Hash128 digest;  ///< XXH3-128 of its bytes.
  friend bool operator==(const CopiedFile&, const CopiedFile&) = default;
};

/// Makes copies of files in one directory and in directories of one level below it.
class FileCopier {
 public:
  FileCopier(const Env& env, std::string directory, CopyControl control)
      : env_(env), directory_(std::move(directory)), control_(std::move(control)) {}

  /// Makes the directory, and those named below it, where they are missing.
  /// Errors: those of the file system.
  [[nodiscard]] Result<void> begin(const std::vector<std::string>& below);

  /// Says which file is next. Errors: cancelled.
  [[nodiscard]] Result<void> announce(const std::string& path);
  /// That many bytes are still to be copied, as far as is known.
  void expect_bytes(std::uint64_t bytes) { progress_.bytes_total = progress_.bytes_done + bytes; }

  /// Copies the first `bytes` bytes of `source`, or all, to the file `name`, which must not be
  /// there. The copy is durable when this returns, and was read back; its name is so after
  /// put_last(). Errors: cancelled; data_loss/short_file (`source` has fewer bytes); data_loss/
  /// bad_copy (what was read back is not what was written); already_exists; those of the file
  /// system.
  [[nodiscard]] Result<CopiedFile> copy(const File& source, const std::string& name,
                                        std::optional<std::uint64_t> bytes = {});
  /// Has `write(path)` make the file `name`, which must not be there, complete in itself; then the
  /// same holds for it, but that nobody can compare it with a source. Errors: those of `write`;
  /// cancelled; already_exists; those of the file system.
  [[nodiscard]] Result<CopiedFile> make(
      const std::string& name, const std::function<Result<void>(const std::string&)>& write);
  /// Removes a copy. Errors: those of the file system.
  [[nodiscard]] Result<void> remove(const std::string& name);
  /// Writes the file that makes the copies count, as replace_file() does. What was copied is
  /// durable before. Errors: those of the file system.
  [[nodiscard]] Result<void> put_last(const std::string& name, std::string_view bytes);
  /// Removes the copies and the directories that were made, the last one first, as far as that is
  /// possible.
  void discard();

  [[nodiscard]] std::string path_of(const std::string& name) const {
    return directory_ + "/" + name;
  }

 private:
  [[nodiscard]] static Result<void> sync(File& copy);
  [[nodiscard]] Result<void> read_back(const File& copy, const CopiedFile& copied) const;
  [[nodiscard]] Result<void> advance(std::uint64_t bytes);

  Env env_;
  std::string directory_;
  CopyControl control_;
  CopyProgress progress_;
  bool made_directory_ = false;
  std::vector<std::string> below_;
  std::vector<std::string> made_;  // In the order of making.
};

/// What lies in `directory` besides a LOCK and empty directories; nothing where it is absent.
/// Errors: those of the file system.
[[nodiscard]] Result<std::vector<std::string>> names_in_the_way(const Env& env,
                                                                const std::string& directory);

/// True when the two are one directory or one lies in the other, going by their names.
[[nodiscard]] bool overlap(const std::string& a, const std::string& b);

}  // namespace hf
