// SPDX-License-Identifier: Apache-2.0
//
// SimEnv is a machine in memory whose power can be cut. Production code runs on it unchanged; a
// test lets it run to some call, cuts the power, and looks at what a disk could have kept.
//
//   what a disk keeps         written bytes after sync() of their file; names after
//                             sync_directory() of their directory; neither implies the other
//   what power loss may do    of each file's unsynced writes and truncations any subset survives,
//                             a write also torn into 512-byte sectors, or only its extension of
//                             the file, which then reads as zeros; of the unsynced creations,
//                             renames and removals any subset in which, name by name, nothing
//                             survives without what came before it (a rename is one change, also
//                             between directories)
//   what a failed sync does   each unsynced write is kept or lost for good, yet still readable
//                             until power loss, and a later sync() succeeds: what Linux does
//
// The same calls with the same seeds give the same bytes. Thread-safe; with several threads the
// order of calls, and so the replay, is theirs.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "base/env.h"

namespace hf {

class SimEnv {
 public:
  enum class Fault : std::uint8_t {
    io_error,   ///< unavailable/io_error
    disk_full,  ///< resource_exhausted/disk_full
  };

  /// `seed` decides the bytes of Random, and what failing calls leave behind.
  explicit SimEnv(std::uint64_t seed);
  ~SimEnv();

  /// Valid as long as this object; files and locks must not outlive it.
  [[nodiscard]] Env env();

  /// Cuts the power and starts the next life: unsynced changes are lost, torn and reordered as
  /// `seed` says; open files and locks of the old life fail with unavailable/crashed; the fault
  /// plan is forgotten. Clock and counters go on.
  void crash(std::uint64_t seed);
  /// Ends the process but not the machine (kill -9): open files and locks die as in crash(), what
  /// was written stays visible, and what was unsynced is still unsynced.
  void kill();

  /// Makes the nth call from now that can fail (1 is the next) return `fault`. A write then leaves
  /// some of its bytes behind, a sync loses pages as above, all others have no effect.
  void fail_call(std::uint64_t n, Fault fault);
  /// From the nth mutating call on (1 is the next) everything returns unavailable/crashed until
  /// crash(). That call itself takes effect as an unsynced change, but syncs nothing.
  void crash_at_call(std::uint64_t n);
  /// Limits the total size of all files; a write beyond it leaves what fits and is disk_full.
  void set_capacity(std::uint64_t bytes);
  /// What FileSystem::access() says of `path` from now on. Nothing is refused by it. Requires it to
  /// exist.
  void set_access(const std::string& path, const PathAccess& access);

  /// Calls made so far that can fail: all of File and FileSystem but exists().
  [[nodiscard]] std::uint64_t fallible_calls() const;
  /// Of these, the ones that change or sync something: open() unless reading or updating, write_at,
  /// sync, truncate, allocate, rename, remove, sync_directory, make_directories, lock.
  [[nodiscard]] std::uint64_t mutating_calls() const;
  /// Of these, sync() and sync_directory().
  [[nodiscard]] std::uint64_t sync_calls() const;
  /// True once a planned crash has been reached.
  [[nodiscard]] bool crashed() const;

  /// Time stands still but for these. It begins at 2023-11-14T22:13:20Z.
  void set_now_ms(TimestampMs now);
  /// Moves both clocks. Requires ms >= 0.
  void advance_ms(std::int64_t ms);

 private:
  class Machine;
  class SimFile;
  class SimLock;
  class SimFileSystem;
  class SimClock;
  class SimRandom;
  std::unique_ptr<Machine> machine_;
  std::unique_ptr<SimFileSystem> files_;
  std::unique_ptr<SimClock> clock_;
  std::unique_ptr<SimRandom> random_;
};

}  // namespace hf
