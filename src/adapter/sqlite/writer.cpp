// SPDX-License-Identifier: Apache-2.0
#include "adapter/sqlite/writer.h"

#include <sqlite3.h>

#include <algorithm>
#include <chrono>
#include <utility>

#include "base/assert.h"

namespace hf::sqlite {
namespace {

// What a caller waits for at most, in works of others.
constexpr std::size_t group_max = 256;
// 4 MiB of log: beyond that reading gets slower, and starting again takes longer.
constexpr int log_pages_max = 1'000;
// After that long without work the log is emptied: until then it still has what was deleted.
constexpr auto idle_time = std::chrono::seconds(1);

}  // namespace

Writer::Writer(std::unique_ptr<Connection> connection)
    : connection_(std::move(connection)), thread_([this] { serve(); }) {}

Writer::~Writer() {
  queue_.lock()->closing = true;
  posted_.notify_one();
  thread_.join();
}

Result<void> Writer::run(const Work& work) {
  HF_ASSERT(std::this_thread::get_id() != thread_.get_id());
  Job job{&work};
  auto queue = queue_.lock();
  HF_ASSERT(!queue->closing);
  queue->waiting.push_back(&job);
  posted_.notify_one();
  queue.wait(done_, [&](const Queue&) { return job.done; });
  return std::move(job.result);
}

void Writer::serve() {
  bool log_is_empty = false;  // The process before may have left some.
  while (true) {
    std::vector<Job*> group;
    bool closing = false;
    {
      auto queue = queue_.lock();
      const auto wake = [](const Queue& q) { return q.closing || !q.waiting.empty(); };
      if (log_is_empty || stopped_) {
        queue.wait(posted_, wake);
      } else if (!queue.wait_for(posted_, idle_time, wake)) {
        // Nothing came: time to tidy.
      }
      const auto count = std::min(queue->waiting.size(), group_max);
      const auto end = queue->waiting.begin() + static_cast<std::ptrdiff_t>(count);
      group.assign(queue->waiting.begin(), end);
      queue->waiting.erase(queue->waiting.begin(), end);
      closing = queue->closing;
    }
    if (group.empty()) {
      copy_log(/*idle=*/true);
      log_is_empty = connection_->log_pages() == 0;
      if (closing) return;
      continue;
    }
    commit_together(group);
    {
      const auto queue = queue_.lock();
      for (Job* job : group) job->done = true;
    }
    done_.notify_all();
    if (connection_->log_pages() >= log_pages_max) copy_log(/*idle=*/false);
    log_is_empty = false;
  }
}

void Writer::commit_together(std::span<Job* const> jobs) {
  const auto fail_all = [&](const Error& error) {
    for (Job* job : jobs) job->result = std::unexpected(error);
  };
  if (stopped_) return fail_all(*stopped_);
  if (const auto begun = connection_->run("BEGIN IMMEDIATE"); !begun) {
    return fail_all(begun.error());
  }
  for (Job* job : jobs) {
    job->result = run_alone(*job->work);
    if (connection_->in_transaction()) continue;
    // The disk is full, say: SQLite has undone everybody's work.
    if (jobs.size() > 1) return commit_one_by_one(jobs);
    HF_ASSERT(!job->result);
    return;
  }
  const auto committed = connection_->run("COMMIT");
  if (committed) return;
  Error error = committed.error();
  // Where a write failed, the end of the transaction, which is written last, is not whole in the
  // log. After a failed sync it may be: that says nothing about what the disk has.
  const bool is_in_doubt = error.code == ErrorCode::unavailable &&
                           sqlite3_extended_errcode(connection_->handle()) != SQLITE_IOERR_WRITE;
  roll_back();
  if (!is_in_doubt && jobs.size() > 1) return commit_one_by_one(jobs);
  if (is_in_doubt) {
    stop(error);
    error = {ErrorCode::in_doubt, "commit_in_doubt",
             "whether this is kept shows after a restart: " + error.message};
  }
  for (Job* job : jobs) {
    if (job->result) job->result = std::unexpected(error);
  }
}

void Writer::commit_one_by_one(std::span<Job* const> jobs) {
  for (Job* const& job : jobs) commit_together({&job, 1});
}

Result<void> Writer::run_alone(const Work& work) {
  HF_CHECK(connection_->run("SAVEPOINT work"));
  Result<void> result = work(*connection_);
  if (!connection_->in_transaction()) {
    if (!result) return result;
    return fail(ErrorCode::unavailable, "io_error",
                connection_->path() + ": the transaction was ended from below");
  }
  if (!result) {
    if (const auto undone = connection_->run("ROLLBACK TO work"); !undone) {
      roll_back();
      return result;
    }
  }
  if (const auto released = connection_->run("RELEASE work"); !released) {
    roll_back();
    return released;
  }
  return result;
}

void Writer::roll_back() {
  if (!connection_->in_transaction()) return;
  if (const auto undone = connection_->run("ROLLBACK"); !undone) stop(undone.error());
}

void Writer::copy_log(bool idle) {
  if (stopped_) return;
  const auto copied = connection_->checkpoint(/*empty=*/idle);
  // On a full disk the log goes on until it is full itself. Damage shows to whoever reads it.
  if (!copied && copied.error().code == ErrorCode::unavailable) stop(copied.error());
}

void Writer::stop(const Error& cause) {
  stopped_ = Error{ErrorCode::unavailable, "state_stopped",
                   "the disk failed and nothing more is written until a restart: " + cause.message};
}

}  // namespace hf::sqlite
