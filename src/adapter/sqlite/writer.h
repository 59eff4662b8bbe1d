// SPDX-License-Identifier: Apache-2.0
//
// The one thread that owns the one connection that writes and copies the log into the file. What is
// posted while it commits is committed together by the next commit: one sync for all.
#pragma once

#include <condition_variable>
#include <cstddef>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <thread>
#include <vector>

#include "adapter/sqlite/connection.h"
#include "base/guarded.h"
#include "base/result.h"

namespace hf::sqlite {

class Writer {
 public:
  /// Does not begin or end transactions, and may be called again after what it did was undone.
  using Work = std::function<Result<void>(Connection&)>;

  /// Requires a connection that prepare_to_write() made ready.
  explicit Writer(std::unique_ptr<Connection> connection);
  /// Requires that no call runs. Empties the log as far as nobody reads.
  ~Writer();
  Writer(const Writer&) = delete;
  Writer& operator=(const Writer&) = delete;

  /// Runs `work` on the writing thread and returns when its effects are durable, or undone by an
  /// error. A work that fails takes no other with it. No more works wait than there are threads
  /// that call. Errors: those of `work`; error_of(); in_doubt/commit_in_doubt;
  /// unavailable/state_stopped ever after that.
  [[nodiscard]] Result<void> run(const Work& work);

 private:
  struct Job {
    const Work* work;
    Result<void> result = {};
    bool done = false;  // Guarded by queue_.
  };
  struct Queue {
    std::vector<Job*> waiting;
    bool closing = false;
  };

  void serve();
  void commit_together(std::span<Job* const> jobs);
  void commit_one_by_one(std::span<Job* const> jobs);
  [[nodiscard]] Result<void> run_alone(const Work& work);
  void roll_back();
  void copy_log(bool idle);
  void stop(const Error& cause);

  std::unique_ptr<Connection> connection_;  // Of the thread, once it runs.
  std::optional<Error> stopped_;            // The same.
  Guarded<Queue> queue_;
  // One condition for both sides would wake the callers for each job posted.
  std::condition_variable posted_;
  std::condition_variable done_;
  std::thread thread_;
};

}  // namespace hf::sqlite
