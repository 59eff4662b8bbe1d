// SPDX-License-Identifier: Apache-2.0
//
// Which messages the log holds: a set of message keys, exact over a window of time, most of it on
// disk. It is derived from the log and can be thrown away and rebuilt from it.
//
//   memory     the newest keys, a hash table
//   runs       immutable sorted files, each covering a range of log offsets, each with a Bloom
//              filter and the first key of every page in memory; docs/format/duplicates.md
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "base/env.h"
#include "base/hash.h"
#include "base/result.h"
#include "log/offset.h"

namespace hf {

/// Not thread-safe, but for a Merge's run(). A key's high and low half must be uniform over many
/// keys, or lookups become slow: a keyed hash (base/hash.h).
class DuplicateIndex {
 public:
  struct Options {
    /// Table, filters and page keys together, those of a merge that is running too; buffers of up
    /// to 2 MiB come on top where this is under 32 MiB. With more keys than filters have room for
    /// (at 256 MiB: 110 million) filters shrink, and lookups read more pages.
    std::size_t memory_bytes = std::size_t{256} << 20;
    std::int64_t window_ms = std::int64_t{7} * 24 * 3600 * 1000;  ///< Exact at least so far back.
    /// Keys in memory before they become a run; 0 chooses by memory_bytes.
    std::size_t table_keys = 0;
  };

  /// Opens the runs of `directory`, made where absent, and removes what a crash left: temporary
  /// files, runs that a merged one replaced or that left the window. `env` must outlive the index.
  /// Errors: data_loss/bad_duplicates naming file and offset (magic, version, checksum, a run
  /// missing): discard() and add all again; those of the file system.
  [[nodiscard]] static Result<std::unique_ptr<DuplicateIndex>> open(const Env& env,
                                                                    const std::string& directory,
                                                                    const Options& options);
  /// Removes every run of `directory`, durably: the index is to be rebuilt from the log. Fine where
  /// there is no directory. Errors: those of the file system; then do it again before open().
  [[nodiscard]] static Result<void> discard(const Env& env, const std::string& directory);
  ~DuplicateIndex();

  /// Keys of records below are in runs: what comes after must be added again once opened. 0: none.
  [[nodiscard]] Offset flushed_end() const;

  /// Sets known[i] to whether keys[i] was added within the window before the newest add() (keys
  /// from before it may still be known). Several keys are looked up together: their cache misses
  /// overlap. Requires as many `known` as keys; after an error they say nothing.
  /// Errors: data_loss/bad_duplicates, unavailable.
  [[nodiscard]] Result<void> find(std::span<const Hash128> keys, std::span<bool> known) const;

  /// Adds the keys of records [first, end), which follow those added before: in any order, without
  /// those known already. What lies between has no keys. Requires first not to be below the end of
  /// the add before (or flushed_end() after open()), end > first, and received_at_ms not to go
  /// back.
  void add(std::span<const Hash128> keys, Offset first, Offset end, TimestampMs received_at_ms);

  /// True when the table is full, or spans a seventh of the window: flush() should follow. A table
  /// that grows on instead goes beyond memory_bytes.
  [[nodiscard]] bool should_flush() const;
  /// Writes the table as a run, durably, and removes runs that left the window. The records must be
  /// durable in the log: a key that outlives its record would have the retry taken for a duplicate.
  /// A failure leaves the index as it was. Errors: those of the file system.
  [[nodiscard]] Result<void> flush();

  /// Merging keeps runs few. It takes time, so it is done in three steps, of which only run() may
  /// go on while the index is used, also by another thread. A merge may be dropped at any step.
  class Merge {
   public:
    virtual ~Merge() = default;
    /// Writes the merged run, durably. Errors: those of the file system, data_loss/bad_duplicates.
    [[nodiscard]] virtual Result<void> run() = 0;
  };
  /// The merge that would help most, or nullptr. Requires the one before to be finished or dropped.
  [[nodiscard]] std::unique_ptr<Merge> begin_merge();
  /// Takes the merged run in and removes those it replaces. Requires run() to have succeeded.
  /// Errors: those of the file system, where a replaced file could not be removed; the merge is
  /// done all the same, and removing is tried again by flush() and open().
  [[nodiscard]] Result<void> finish_merge(std::unique_ptr<Merge> merge);

  struct Size {
    std::uint64_t keys = 0;
    std::uint64_t runs = 0;
    std::uint64_t memory_bytes = 0;
    std::uint64_t disk_bytes = 0;
  };
  [[nodiscard]] Size size() const;
  /// Reads every run whole. Errors: data_loss/bad_duplicates.
  [[nodiscard]] Result<void> verify() const;

 private:
  struct Body;
  explicit DuplicateIndex(std::unique_ptr<Body> body);
  std::unique_ptr<Body> body_;
};

}  // namespace hf
