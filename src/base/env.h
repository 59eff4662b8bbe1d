// SPDX-License-Identifier: Apache-2.0
//
// Env is how the outside comes in: files, clock and randomness behind one interface. Production
// uses real_env(), tests and simulation SimEnv (base/sim_env.h), and the code between them cannot
// tell which. Whatever writes a file writes through here.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace hf {

/// UTC epoch milliseconds.
using TimestampMs = std::int64_t;

/// One open file. Const methods may run concurrently; destruction closes without syncing.
class File {
 public:
  virtual ~File() = default;
  File() = default;
  File(const File&) = delete;
  File& operator=(const File&) = delete;

  /// Reads up to `out.size()` bytes at `offset`; fewer only at the end of the file.
  /// Errors: unavailable (EIO and its kin).
  [[nodiscard]] virtual Result<std::size_t> read_at(std::uint64_t offset,
                                                    std::span<std::byte> out) const = 0;
  /// Writes all of `bytes` at `offset`, extending the file where needed. Durable after sync().
  /// Errors: resource_exhausted/disk_full, unavailable.
  [[nodiscard]] virtual Result<void> write_at(std::uint64_t offset,
                                              std::span<const std::byte> bytes) = 0;
  /// Makes what was written so far survive power loss (data and size; not the directory entry).
  /// After a failure nothing written since the last success may be believed (fsync semantics).
  [[nodiscard]] virtual Result<void> sync() = 0;
  [[nodiscard]] virtual Result<std::uint64_t> size() const = 0;
  [[nodiscard]] virtual Result<void> truncate(std::uint64_t size) = 0;
  /// Makes the file at least `size` long, its new bytes zeros with room on the disk, so that later
  /// writes below `size` cannot find it full and their sync() has little but data to flush. Durable
  /// after sync(). Errors: resource_exhausted/disk_full, unavailable.
  [[nodiscard]] virtual Result<void> allocate(std::uint64_t size) = 0;
};

enum class OpenMode : std::uint8_t {
  read,        ///< Must exist; writing is refused.
  create,      ///< Made or emptied.
  create_new,  ///< Must not exist: already_exists.
  update,      ///< Must exist; read and write.
};

/// Held for as long as the object lives; lost with the process, also by kill -9.
class FileLock {
 public:
  virtual ~FileLock() = default;
};

struct DiskSpace {
  std::uint64_t free_bytes = 0;  ///< That this user may still fill.
  std::uint64_t total_bytes = 0;
};

/// What this process may do with a file or directory, and who else may.
struct PathAccess {
  bool readable = true;         ///< A directory: its names, and what lies below them.
  bool writable = true;         ///< A directory: new names in it.
  bool open_to_others = false;  ///< The owner's group or everybody may read it, or enter it.
  friend bool operator==(const PathAccess&, const PathAccess&) = default;
};

/// Paths are '/'-separated. New files have mode 0600, new directories 0700.
class FileSystem {
 public:
  virtual ~FileSystem() = default;

  /// Errors: not_found, already_exists, permission_denied, resource_exhausted, unavailable.
  [[nodiscard]] virtual Result<std::unique_ptr<File>> open(const std::string& path,
                                                           OpenMode mode) = 0;
  /// Atomically gives `from` the name `to`, replacing what bore it. Durable after sync_directory().
  [[nodiscard]] virtual Result<void> rename(const std::string& from, const std::string& to) = 0;
  /// Removes a file or an empty directory. Durable after sync_directory().
  /// Errors: not_found, failed_precondition/directory_not_empty, unavailable.
  [[nodiscard]] virtual Result<void> remove(const std::string& path) = 0;
  /// Makes creations, renames and removals directly inside `path` survive power loss.
  [[nodiscard]] virtual Result<void> sync_directory(const std::string& path) = 0;
  /// Creates `path` and its missing parents; fine if it exists. Durable in both cases.
  /// Errors: failed_precondition/not_a_directory where a file is in the way.
  [[nodiscard]] virtual Result<void> make_directories(const std::string& path) = 0;
  /// Names (not paths) of the entries of `path`, sorted. Errors: not_found.
  [[nodiscard]] virtual Result<std::vector<std::string>> list(const std::string& path) const = 0;
  [[nodiscard]] virtual bool exists(const std::string& path) const = 0;
  /// Takes the exclusive lock of `path` (made if absent) and writes `holder` into it for the next
  /// one to read. Errors: failed_precondition/locked, its message naming the present holder.
  [[nodiscard]] virtual Result<std::unique_ptr<FileLock>> lock(const std::string& path,
                                                               std::string_view holder) = 0;
  /// What the present holder of the lock of `path` wrote into it; nothing where nobody holds it, or
  /// where there is no such file. Only looks: a lock() at the same time succeeds.
  [[nodiscard]] virtual Result<std::optional<std::string>> lock_holder(
      const std::string& path) const = 0;
  /// Of the disk on which `path` lies, which must exist. Errors: not_found, unavailable.
  [[nodiscard]] virtual Result<DiskSpace> space(const std::string& path) const = 0;
  /// By mode bits and user. Errors: not_found; permission_denied (a directory above bars the way).
  [[nodiscard]] virtual Result<PathAccess> access(const std::string& path) const = 0;
};

class Clock {
 public:
  virtual ~Clock() = default;
  /// Wall clock, UTC epoch milliseconds; may jump.
  [[nodiscard]] virtual TimestampMs now_ms() const = 0;
  /// For durations only; never goes back.
  [[nodiscard]] virtual std::int64_t monotonic_ns() const = 0;
};

class Random {
 public:
  virtual ~Random() = default;
  virtual void fill(std::span<std::byte> out) = 0;
};

struct Env {
  FileSystem& files;
  Clock& clock;
  Random& random;
};

/// The operating system's files, clock and randomness.
[[nodiscard]] Env real_env();

/// Reads a whole file. Errors: those of open() and read_at(); resource_exhausted over `size_max`.
[[nodiscard]] Result<std::string> read_file(const Env& env, const std::string& path,
                                            std::uint64_t size_max);
/// Replaces `path` so that after a crash it holds the old or the new bytes, never a mixture:
/// temporary name (`path`.tmp), sync, rename, directory sync. Durable on success; after an error
/// either may be there. Requires `path` to have a directory part, and one caller at a time a path.
[[nodiscard]] Result<void> replace_file(const Env& env, const std::string& path,
                                        std::string_view bytes);

}  // namespace hf
