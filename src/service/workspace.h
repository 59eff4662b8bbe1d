// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "base/guarded.h"
#include "service/appender.h"
#include "service/prepared_events.h"
#include "store/store.h"

namespace hf {

/// A data directory while a server runs: one thread owns its store. What many threads hand over is
/// made durable together, one sync a group; whoever asks a question takes a snapshot, that lies
/// ready while questions are asked, and whoever must change the store has it between two groups.
/// Methods may be called from any thread.
class Workspace {
 public:
  struct Options {
    Store::Options store = {};
    DuplicateIndex::Options duplicates = {};
    std::size_t waiting_bytes_max = std::size_t{64} << 20;  ///< Of events not yet in the log.
    std::size_t group_bytes_max = std::size_t{4} << 20;
    /// Between two tries after the disk refused. Writable is said again when there is proof of it.
    std::int64_t reopen_ms = 1'000;
    /// Told each time writing has to stop, from the thread that owns the store.
    std::function<void(const Error&)> on_problem = {};
  };
  /// Errors: those of Store::open() with access own, and of Appender::open().
  [[nodiscard]] static Result<std::unique_ptr<Workspace>> open(const Env& env,
                                                               const std::string& directory,
                                                               const Options& options);
  /// Makes durable what it had taken, then lets the store go.
  ~Workspace();

  [[nodiscard]] const std::string& directory() const { return directory_; }
  /// With which PreparedEvents are made; the same as long as the directory lives.
  [[nodiscard]] const HashKey& hash_key() const { return hash_key_; }

  /// One outcome an event, in their order.
  using Done = std::function<void(Result<std::vector<Appender::Outcome>>)>;
  /// Takes events; `done` is called from the thread that owns the store once they are durable and
  /// visible, or with why not: unavailable/not_writable (disk full, a failed sync; they may be in
  /// the log all the same, and are found as duplicates when they are sent again). Errors, of which
  /// `done` never hears: resource_exhausted/queue_full; unavailable/not_writable,
  /// unavailable/stopping.
  [[nodiscard]] Result<void> submit(PreparedEvents events, Done done);

  /// What questions read: all that was acknowledged before the call. The store is the one the
  /// snapshot's parts belong to.
  struct Reading {
    std::shared_ptr<Store> store;
    Snapshot snapshot;
    std::shared_ptr<const Zone> zone;  ///< The workspace's.
  };
  /// Errors: those of Store::snapshot(); failed_precondition/unknown_zone; unavailable/stopping.
  [[nodiscard]] Result<Reading> read();
  /// Runs `work` on the thread that owns the store and returns what it returns. Appending waits
  /// meanwhile. Errors: its own; unavailable/not_writable, unavailable/stopping.
  [[nodiscard]] Result<void> with_store(std::function<Result<void>(Store&)> work);

  struct Status {
    bool writable = true;
    std::string problem;         ///< Why not, or why the last compaction came to nothing.
    std::uint64_t appended = 0;  ///< Events since the start, as are the next two.
    std::uint64_t duplicates = 0;
    std::uint64_t groups = 0;  ///< Syncs, about.
    std::uint64_t waiting_groups = 0;
    std::uint64_t waiting_bytes = 0;
    std::int64_t oldest_wait_ms = 0;  ///< How long the first of them has waited.
    std::uint64_t head_rows = 0;
    std::uint64_t parts = 0;
    std::uint64_t log_end = 0;
  };
  [[nodiscard]] Status status() const;

 private:
  struct Waiting {
    PreparedEvents events;
    Done done;
    std::int64_t since_ns;
  };
  /// Of with_store() and read().
  using Job = std::function<void(Workspace&)>;
  struct Queue {
    std::deque<Waiting> events;
    std::deque<Job> readers;  // Who wants a snapshot.
    std::deque<Job> jobs;
    std::shared_ptr<const Reading>
        latest;  // For read(); null where something was acknowledged since.
    std::optional<std::int64_t> read_ns;  // When somebody last called that.
    std::function<void()> log_work;       // For the other thread,
    bool log_is_done = false;             // and whether that did it.
    std::size_t bytes = 0;
    bool writable = true;
    bool stopping = false;
    bool is_over = false;  // Nothing is written any more.
    Status status;
  };

  Workspace(const Env& env, std::string directory, Options options)
      : env_(env), directory_(std::move(directory)), options_(std::move(options)) {}
  [[nodiscard]] Result<void> open_store();
  void run();
  void run_log();
  [[nodiscard]] Result<LogWriter::Appended> write_frame(LogWriter& log, FrameBuilder& frame);
  [[nodiscard]] std::vector<Waiting> take();
  void write(std::vector<Waiting> group);
  void give_up(const Error& error);
  void try_again();
  [[nodiscard]] Result<void> prove_writable();
  [[nodiscard]] std::string room_path() const { return directory_ + "/room.tmp"; }
  [[nodiscard]] Result<Reading> make_reading();
  void renew_reading();
  void hand_out(std::shared_ptr<const Reading> latest);
  void note_status();
  [[nodiscard]] Result<void> run_job(std::deque<Job> Queue::*jobs, Job work);

  Env env_;
  std::string directory_;
  Options options_;
  HashKey hash_key_ = {};
  // Of the owning thread, once it runs.
  std::shared_ptr<Store> store_;
  std::unique_ptr<Appender> appender_;  // Null while the store cannot be written.
  std::int64_t tried_ns_ = 0;
  std::int64_t next_renewal_ns_ = 0;

  mutable Guarded<Queue> queue_;
  std::condition_variable changed_;
  std::condition_variable log_changed_;
  // Last: they use the rest.
  std::thread thread_;
  std::thread log_thread_;  // Writes frames, so that the owner hands out snapshots meanwhile.
};

}  // namespace hf
