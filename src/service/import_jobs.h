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
#include <vector>

#include "base/env.h"
#include "base/guarded.h"
#include "service/import.h"
#include "service/workspace.h"

namespace hf {

/// Imports into a workspace, one after the other, while events arrive and questions are answered.
/// Methods may be called from any thread.
class ImportJobs {
 public:
  enum class State : std::uint8_t { waiting, running, done, failed, cancelled };
  struct Job {
    std::uint64_t id = 0;  ///< From 1 since the start of the process; not the import's number.
    State state = State::waiting;
    std::vector<std::string> files;  ///< Their names, without folders.
    TimestampMs asked_ms = 0;
    std::optional<TimestampMs> ended_ms = {};
    ImportProgress progress = {};
    double seconds = 0;                         ///< Once it is done: how long it ran.
    std::optional<ImportOutcome> outcome = {};  ///< Of one that is done.
    std::optional<Error> error = {};            ///< Of one that failed.
    [[nodiscard]] bool ended() const { return state != State::waiting && state != State::running; }
  };
  struct Options {
    /// Makes an engine for each import. Null in builds without one.
    std::function<Result<std::unique_ptr<SqlEngine>>()> engine = {};
    /// Appending waits while a part is written: so many rows a part, about 0.2 s.
    std::uint32_t rows_per_part = 250'000;
    std::size_t waiting_max = 16;
    std::size_t ended_kept = 100;  ///< The newest of those that ended are told of.
  };

  /// The workspace must outlive it.
  ImportJobs(const Env& env, Workspace& workspace, Options options);
  /// Stops the one that runs: what is written is kept, and the same import goes on from there.
  ~ImportJobs();
  ImportJobs(const ImportJobs&) = delete;
  ImportJobs& operator=(const ImportJobs&) = delete;

  /// How the files would be understood, as plan_import() tells it.
  [[nodiscard]] Result<ImportPlan> plan(const ImportOptions& options) const;
  /// Likewise, as preview_import().
  [[nodiscard]] Result<ImportPreview> preview(const ImportOptions& options) const;
  /// Plans the import and puts it in the queue; returns its job. `on_end` is called from another
  /// thread when it has ended. Errors: those of plan_import(); resource_exhausted/too_many_imports;
  /// unavailable/stopping.
  [[nodiscard]] Result<Job> start(const ImportOptions& options,
                                  std::function<void(const Job&)> on_end = {});
  /// By id.
  [[nodiscard]] std::vector<Job> jobs() const;
  /// Errors: not_found/no_import_job.
  [[nodiscard]] Result<Job> job(std::uint64_t id) const;
  /// Stops it, soon; what is written is kept, and the same import goes on from there. One that has
  /// ended stays as it is. Errors: not_found/no_import_job.
  [[nodiscard]] Result<void> cancel(std::uint64_t id);

 private:
  struct Entry {
    Job job;
    ImportPlan plan;
    std::function<void(const Job&)> on_end;
    std::shared_ptr<std::atomic<bool>> stop = std::make_shared<std::atomic<bool>>(false);
  };
  struct Queue {
    std::deque<Entry> entries;  // By id.
    std::uint64_t last_id = 0;
    bool stopping = false;
    [[nodiscard]] Entry* find(std::uint64_t id);
    [[nodiscard]] Entry* next_waiting();
  };
  [[nodiscard]] Result<std::unique_ptr<SqlEngine>> engine() const;
  void run();
  [[nodiscard]] Result<ImportOutcome> import(const ImportPlan& plan, std::uint64_t id,
                                             const std::atomic<bool>& stop);
  void end(std::uint64_t id, Result<ImportOutcome> outcome, double seconds);

  Env env_;
  Workspace& workspace_;
  Options options_;
  Guarded<Queue> queue_;
  std::condition_variable changed_;
  std::thread thread_;  // Last: it uses the rest.
};

[[nodiscard]] std::string_view to_string(ImportJobs::State state);

}  // namespace hf
