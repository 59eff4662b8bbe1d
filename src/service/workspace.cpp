// SPDX-License-Identifier: Apache-2.0
#include "service/workspace.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <future>
#include <utility>

#include "log/log_reader.h"

namespace hf {
namespace {

constexpr std::int64_t ns_per_ms = 1'000'000;
// Maintenance that came due without an event: compactions that ended, a new day.
constexpr std::chrono::milliseconds idle{200};
// For so long after a question the next one finds its snapshot ready.
constexpr std::int64_t ready_ns = 1'000 * ns_per_ms;
// Of its time the owner spends at most one part in so many on snapshots that nobody may ask for.
constexpr std::int64_t ready_share = 20;

std::unexpected<Error> stopping() {
  return fail(ErrorCode::unavailable, "stopping", "the server is stopping");
}

// Why is for who runs the server, not for who sends: it names paths.
Error not_writable() {
  return {ErrorCode::unavailable, "not_writable", "events cannot be written at present"};
}

}  // namespace

Result<std::unique_ptr<Workspace>> Workspace::open(const Env& env, const std::string& directory,
                                                   const Options& options) {
  auto workspace = std::unique_ptr<Workspace>(new Workspace(env, directory, options));
  HF_CHECK(workspace->open_store());
  if (env.files.exists(workspace->room_path())) HF_CHECK(env.files.remove(workspace->room_path()));
  workspace->hash_key_ = workspace->store_->manifest().hash_key;
  workspace->note_status();
  workspace->log_thread_ = std::thread([w = workspace.get()] { w->run_log(); });
  workspace->thread_ = std::thread([w = workspace.get()] { w->run(); });
  return workspace;
}

Workspace::~Workspace() {
  if (!thread_.joinable()) return;
  queue_.lock()->stopping = true;
  changed_.notify_all();
  thread_.join();
  queue_.lock()->is_over = true;
  log_changed_.notify_all();
  log_thread_.join();
}

Result<void> Workspace::open_store() {
  HF_TRY(std::shared_ptr<Store> store,
         Store::open(env_, directory_, Store::Access::own, options_.store));
  HF_TRY(appender_, Appender::open(*store, options_.duplicates));
  store_ = std::move(store);
  return {};
}

Result<void> Workspace::submit(PreparedEvents events, Done done) {
  {
    const auto queue = queue_.lock();
    if (queue->stopping) return stopping();
    if (!queue->writable) return std::unexpected(not_writable());
    if (queue->bytes + events.bytes() > options_.waiting_bytes_max && !queue->events.empty()) {
      return fail(ErrorCode::resource_exhausted, "queue_full",
                  fmt::format("events arrive faster than they can be written; waiting: {} bytes",
                              queue->bytes));
    }
    queue->bytes += events.bytes();
    queue->events.push_back({std::move(events), std::move(done), env_.clock.monotonic_ns()});
    changed_.notify_one();  // Under the lock: the workspace may end as soon as that is let go.
  }
  return {};
}

Result<void> Workspace::run_job(std::deque<Job> Queue::*jobs, Job work) {
  std::promise<void> done;
  {
    const auto queue = queue_.lock();
    if (queue->stopping) return stopping();
    ((*queue).*jobs).push_back([&](Workspace& workspace) {
      work(workspace);
      done.set_value();
    });
    changed_.notify_one();
  }
  done.get_future().wait();
  return {};
}

Result<Workspace::Reading> Workspace::read() {
  std::shared_ptr<const Reading> latest;
  {
    const auto queue = queue_.lock();
    if (queue->stopping) return stopping();
    queue->read_ns = env_.clock.monotonic_ns();
    latest = queue->latest;
  }
  if (latest != nullptr) return *latest;
  Result<Reading> reading;
  HF_CHECK(
      run_job(&Queue::readers, [&](Workspace& workspace) { reading = workspace.make_reading(); }));
  return reading;
}

Result<Workspace::Reading> Workspace::make_reading() {
  HF_TRY(Snapshot snapshot, store_->snapshot());
  auto zone = store_->zone();
  if (zone == nullptr) {
    return fail(
        ErrorCode::failed_precondition, "unknown_zone",
        fmt::format("the workspace's time zone is unknown here: {}", store_->settings().timezone));
  }
  return Reading{store_, std::move(snapshot), std::move(zone)};
}

// To be handed out by the thread that owns the store takes two changes of threads, and longer on a
// busy machine than a small question.
void Workspace::renew_reading() {
  const std::int64_t now = env_.clock.monotonic_ns();
  const std::optional<std::int64_t> read_ns = queue_.lock()->read_ns;
  if (!read_ns || now - *read_ns >= ready_ns) return hand_out(nullptr);
  if (now < next_renewal_ns_) return;
  auto reading = make_reading();
  const std::int64_t end = env_.clock.monotonic_ns();
  next_renewal_ns_ = end + (ready_share - 1) * (end - now);
  // Where it fails, who asks is told why.
  hand_out(reading ? std::make_shared<Reading>(*std::move(reading)) : nullptr);
}

void Workspace::hand_out(std::shared_ptr<const Reading> latest) {
  queue_.lock()->latest.swap(latest);  // The one before may be large: it goes without the lock.
}

Result<void> Workspace::with_store(std::function<Result<void>(Store&)> work) {
  Result<void> outcome;
  HF_CHECK(run_job(&Queue::jobs, [&](Workspace& workspace) {
    if (workspace.appender_ == nullptr) {
      outcome = std::unexpected(not_writable());
    } else {
      outcome = work(*workspace.store_);
      workspace.hand_out(nullptr);
    }
  }));
  return outcome;
}

Workspace::Status Workspace::status() const {
  const auto queue = queue_.lock();
  Status status = queue->status;
  status.writable = queue->writable;
  status.waiting_groups = queue->events.size();
  status.waiting_bytes = queue->bytes;
  if (!queue->events.empty()) {
    const std::int64_t waited = env_.clock.monotonic_ns() - queue->events.front().since_ns;
    status.oldest_wait_ms = waited / ns_per_ms;
  }
  return status;
}

void Workspace::run() {
  while (true) {
    std::deque<Job> readers;
    std::deque<Job> jobs;
    bool is_stopping = false;
    {
      auto queue = queue_.lock();
      (void)queue.wait_for(changed_, idle, [](const Queue& q) {
        return q.stopping || !q.events.empty() || !q.jobs.empty() || !q.readers.empty();
      });
      readers = std::exchange(queue->readers, {});
      jobs = std::exchange(queue->jobs, {});
      is_stopping = queue->stopping;
    }
    // What was acknowledged before they asked is applied.
    for (const Job& reader : readers) reader(*this);
    std::vector<Waiting> group = take();
    const bool is_idle = group.empty() && jobs.empty() && readers.empty();
    if (!group.empty()) write(std::move(group));
    for (const Job& job : jobs) job(*this);
    if (appender_ != nullptr) {
      if (auto kept = appender_->maintain(); !kept) give_up(kept.error());
    } else {
      try_again();
    }
    note_status();
    renew_reading();
    if (is_stopping && is_idle) break;
  }
  hand_out(nullptr);
  appender_.reset();
  store_.reset();
}

void Workspace::run_log() {
  while (true) {
    std::function<void()> work;
    {
      auto queue = queue_.lock();
      queue.wait(log_changed_, [](const Queue& q) { return q.is_over || q.log_work != nullptr; });
      if (queue->log_work == nullptr) return;
      work = std::exchange(queue->log_work, nullptr);
    }
    work();
    const auto queue = queue_.lock();
    queue->log_is_done = true;
    changed_.notify_one();
  }
}

// Hands out snapshots until the frame is durable: a sync takes milliseconds where others use the
// disk. What is not acknowledged yet is not in them.
Result<LogWriter::Appended> Workspace::write_frame(LogWriter& log, FrameBuilder& frame) {
  Result<LogWriter::Appended> outcome;
  {
    const auto queue = queue_.lock();
    queue->log_is_done = false;
    queue->log_work = [&] { outcome = log.append(frame); };
  }
  log_changed_.notify_one();
  while (true) {
    std::deque<Job> readers;
    {
      auto queue = queue_.lock();
      queue.wait(changed_, [](const Queue& q) { return q.log_is_done || !q.readers.empty(); });
      if (queue->log_is_done) return outcome;
      readers = std::exchange(queue->readers, {});
    }
    for (const Job& reader : readers) reader(*this);
  }
}

std::vector<Workspace::Waiting> Workspace::take() {
  std::vector<Waiting> group;
  const auto queue = queue_.lock();
  std::size_t bytes = 0;
  while (!queue->events.empty() && bytes < options_.group_bytes_max) {
    bytes += queue->events.front().events.bytes();
    group.push_back(std::move(queue->events.front()));
    queue->events.pop_front();
  }
  queue->bytes -= bytes;
  return group;
}

void Workspace::write(std::vector<Waiting> group) {
  if (appender_ == nullptr) {
    const Error error = not_writable();
    for (const Waiting& each : group) each.done(std::unexpected(error));
    return;
  }
  std::vector<std::size_t> sizes;
  for (Waiting& each : group) {
    sizes.push_back(each.events.size());
    appender_->add(std::move(each.events));
  }
  const auto outcomes = appender_->commit(
      [this](LogWriter& log, FrameBuilder& frame) { return write_frame(log, frame); });
  if (!outcomes) {
    give_up(outcomes.error());
    const Error error = not_writable();
    for (const Waiting& each : group) each.done(std::unexpected(error));
    return;
  }
  hand_out(nullptr);
  std::uint64_t duplicates = 0;
  auto next = outcomes->begin();
  for (std::size_t i = 0; i < group.size(); ++i) {
    const auto end = next + static_cast<std::ptrdiff_t>(sizes[i]);
    std::vector<Appender::Outcome> of_group(next, end);
    for (const auto outcome : of_group) duplicates += outcome == Appender::Outcome::duplicate;
    next = end;
    group[i].done(std::move(of_group));
  }
  const auto queue = queue_.lock();
  queue->status.groups += 1;
  queue->status.duplicates += duplicates;
  queue->status.appended += outcomes->size() - duplicates;
}

// What is on disk is not known now. Questions go on with what is known; the directory is opened
// anew when the disk lets us.
void Workspace::give_up(const Error& error) {
  appender_.reset();
  store_->resign();
  tried_ns_ = env_.clock.monotonic_ns();
  if (options_.on_problem) options_.on_problem(error);
  const auto queue = queue_.lock();
  queue->writable = false;
  queue->status.problem = error.message;
}

void Workspace::try_again() {
  const std::int64_t now = env_.clock.monotonic_ns();
  if (now - tried_ns_ < options_.reopen_ms * ns_per_ms) return;
  tried_ns_ = now;
  Result<void> opened = open_store();
  if (opened) {
    opened = prove_writable();
    if (opened) opened = appender_->maintain();
    if (!opened) {
      appender_.reset();
      store_->resign();
    }
  }
  const auto queue = queue_.lock();
  queue->writable = opened.has_value();
  queue->status.problem = opened ? std::string() : opened.error().message;
}

// A directory can be opened on a full disk: that reads, and writes next to nothing. So what the
// next events need is taken and synced for a moment, as much as the log sets aside when it grows.
Result<void> Workspace::prove_writable() {
  const std::string log_directory = directory_ + "/log";
  const LogWriter::Options& log = options_.store.log;
  HF_TRY(const auto log_files, list_log_files(env_, log_directory));
  std::uint64_t bytes = std::max<std::uint64_t>(log.room_bytes, options_.group_bytes_max);
  if (!log_files.empty()) {
    HF_TRY(const auto newest,
           env_.files.open(log_directory + "/" + log_file_name(log_files.back()), OpenMode::read));
    HF_TRY(const std::uint64_t size, newest->size());
    const std::uint64_t grown = std::min(log.file_bytes, 2 * size);
    bytes = std::max(bytes, grown - std::min(grown, size));
  }
  const auto proof = [&]() -> Result<void> {
    constexpr std::array<std::byte, 4'096> page{};
    HF_TRY(const auto file, env_.files.open(room_path(), OpenMode::create));
    HF_CHECK(file->allocate(bytes));
    HF_CHECK(file->write_at(0, page));
    return file->sync();
  }();
  // Whatever came of it: what was taken is given back.
  const Result<void> removed = env_.files.remove(room_path());
  HF_CHECK(proof);
  HF_CHECK(removed);
  return env_.files.sync_directory(directory_);
}

void Workspace::note_status() {
  const auto queue = queue_.lock();
  Status& status = queue->status;
  status.head_rows = store_->head_rows();
  status.parts = store_->manifest().parts.size();
  status.log_end = store_->applied_end();
  if (appender_ != nullptr) {
    const auto& failed = appender_->compaction_error();
    status.problem = failed ? failed->message : std::string();
  }
}

}  // namespace hf
