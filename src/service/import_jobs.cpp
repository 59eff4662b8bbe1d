// SPDX-License-Identifier: Apache-2.0
#include "service/import_jobs.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

namespace hf {
namespace {

constexpr double ns_per_s = 1e9;

std::string without_folders(const std::string& path) {
  return path.substr(path.find_last_of('/') + 1);
}

std::unexpected<Error> no_such(std::uint64_t id) {
  return fail(ErrorCode::not_found, "no_import_job", fmt::format("there is no import job {}", id));
}

}  // namespace

std::string_view to_string(ImportJobs::State state) {
  switch (state) {
    case ImportJobs::State::waiting: return "waiting";
    case ImportJobs::State::running: return "running";
    case ImportJobs::State::done: return "done";
    case ImportJobs::State::failed: return "failed";
    case ImportJobs::State::cancelled: return "cancelled";
  }
  return "";
}

ImportJobs::Entry* ImportJobs::Queue::find(std::uint64_t id) {
  const auto found = std::ranges::find(entries, id, [](const Entry& e) { return e.job.id; });
  return found == entries.end() ? nullptr : &*found;
}

ImportJobs::Entry* ImportJobs::Queue::next_waiting() {
  const auto found =
      std::ranges::find(entries, State::waiting, [](const Entry& e) { return e.job.state; });
  return found == entries.end() ? nullptr : &*found;
}

ImportJobs::ImportJobs(const Env& env, Workspace& workspace, Options options)
    : env_(env), workspace_(workspace), options_(std::move(options)) {
  thread_ = std::thread([this] { run(); });
}

ImportJobs::~ImportJobs() {
  {
    const auto queue = queue_.lock();
    queue->stopping = true;
    for (Entry& entry : queue->entries) *entry.stop = true;
  }
  changed_.notify_all();
  thread_.join();
}

Result<std::unique_ptr<SqlEngine>> ImportJobs::engine() const {
  if (!options_.engine) return nullptr;
  return options_.engine();
}

Result<ImportPlan> ImportJobs::plan(const ImportOptions& options) const {
  HF_TRY(const auto engine, this->engine());
  return plan_import(env_, engine.get(), options);
}

Result<ImportPreview> ImportJobs::preview(const ImportOptions& options) const {
  HF_TRY(const auto engine, this->engine());
  return preview_import(env_, engine.get(), options);
}

Result<ImportJobs::Job> ImportJobs::start(const ImportOptions& options,
                                          std::function<void(const Job&)> on_end) {
  HF_TRY(ImportPlan plan, this->plan(options));
  Job job{.asked_ms = env_.clock.now_ms()};
  for (const std::string& path : options.files) job.files.push_back(without_folders(path));
  {
    const auto queue = queue_.lock();
    if (queue->stopping) {
      return fail(ErrorCode::unavailable, "stopping", "the server is stopping");
    }
    const auto waiting = static_cast<std::size_t>(std::ranges::count(
        queue->entries, State::waiting, [](const Entry& e) { return e.job.state; }));
    if (waiting >= options_.waiting_max) {
      return fail(
          ErrorCode::resource_exhausted, "too_many_imports",
          fmt::format("imports that wait for their turn: {}; try again when one is done", waiting));
    }
    job.id = ++queue->last_id;
    queue->entries.push_back({job, std::move(plan), std::move(on_end)});
  }
  changed_.notify_all();
  return job;
}

std::vector<ImportJobs::Job> ImportJobs::jobs() const {
  std::vector<Job> out;
  const auto queue = queue_.lock();
  for (const Entry& entry : queue->entries) out.push_back(entry.job);
  return out;
}

Result<ImportJobs::Job> ImportJobs::job(std::uint64_t id) const {
  const auto queue = queue_.lock();
  for (const Entry& entry : queue->entries) {
    if (entry.job.id == id) return entry.job;
  }
  return no_such(id);
}

Result<void> ImportJobs::cancel(std::uint64_t id) {
  const auto queue = queue_.lock();
  Entry* const entry = queue->find(id);
  if (entry == nullptr) return no_such(id);
  *entry->stop = true;
  return {};
}

void ImportJobs::run() {
  while (true) {
    std::uint64_t id = 0;
    ImportPlan plan;
    std::shared_ptr<std::atomic<bool>> stop;
    {
      auto queue = queue_.lock();
      queue.wait(changed_, [](const Queue& q) {
        return q.stopping || std::ranges::find(q.entries, State::waiting, [](const Entry& e) {
                               return e.job.state;
                             }) != q.entries.end();
      });
      Entry* const entry = queue->next_waiting();
      // Those that wait are told that they were stopped, too.
      if (entry == nullptr) return;
      entry->job.state = State::running;
      id = entry->job.id;
      plan = entry->plan;
      stop = entry->stop;
    }
    const std::int64_t began = env_.clock.monotonic_ns();
    auto outcome =
        *stop ? Result<ImportOutcome>(fail(ErrorCode::cancelled, "cancelled", "stopped on request"))
              : import(plan, id, *stop);
    end(id, std::move(outcome), static_cast<double>(env_.clock.monotonic_ns() - began) / ns_per_s);
  }
}

Result<ImportOutcome> ImportJobs::import(const ImportPlan& plan, std::uint64_t id,
                                         const std::atomic<bool>& stop) {
  HF_TRY(const auto engine, this->engine());
  const ImportControl control{
      .on_progress =
          [&](const ImportProgress& progress) { queue_.lock()->find(id)->job.progress = progress; },
      .stop = &stop,
      .rows_per_part = options_.rows_per_part};
  const WithStore with_store = [&](const StoreStep& step) { return workspace_.with_store(step); };
  return run_import(env_, with_store, engine.get(), plan, control);
}

void ImportJobs::end(std::uint64_t id, Result<ImportOutcome> outcome, double seconds) {
  Job job;
  std::function<void(const Job&)> on_end;
  {
    const auto queue = queue_.lock();
    Entry& entry = *queue->find(id);
    entry.job.ended_ms = env_.clock.now_ms();
    entry.job.seconds = seconds;
    if (outcome) {
      entry.job.state = State::done;
      entry.job.outcome = std::move(*outcome);
    } else if (outcome.error().code == ErrorCode::cancelled) {
      entry.job.state = State::cancelled;
    } else {
      entry.job.state = State::failed;
      entry.job.error = std::move(outcome).error();
    }
    job = entry.job;
    on_end = std::move(entry.on_end);
    std::size_t ended = 0;
    for (const Entry& each : queue->entries) ended += each.job.ended() ? 1 : 0;
    while (ended > options_.ended_kept && queue->entries.front().job.ended()) {
      queue->entries.pop_front();
      --ended;
    }
  }
  if (on_end) on_end(job);
}

}  // namespace hf
