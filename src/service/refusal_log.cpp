// SPDX-License-Identifier: Apache-2.0
#include "service/refusal_log.h"

#include <utility>

namespace hf {

RefusalLog::RefusalLog(State& state) : state_(state), thread_([this] { run(); }) {}

RefusalLog::~RefusalLog() {
  queue_.lock()->stopping = true;
  changed_.notify_all();
  thread_.join();
}

Result<void> RefusalLog::add(std::vector<Refusal> refusals, Done done) {
  {
    const auto queue = queue_.lock();
    std::size_t bytes = 0;
    for (const Refusal& refusal : refusals) bytes += kept_bytes(refusal);
    if (!queue->refusals.empty() && queue->bytes + bytes > waiting_bytes_max) {
      return fail(ErrorCode::resource_exhausted, "queue_full",
                  "events are refused faster than that can be noted down");
    }
    queue->bytes += bytes;
    for (Refusal& refusal : refusals) queue->refusals.push_back(std::move(refusal));
    queue->done.push_back(std::move(done));
  }
  changed_.notify_one();
  return {};
}

void RefusalLog::run() {
  while (true) {
    Queue taken;
    {
      auto queue = queue_.lock();
      queue.wait(changed_, [](const Queue& q) { return q.stopping || !q.done.empty(); });
      if (queue->done.empty()) return;
      taken.refusals = std::exchange(queue->refusals, {});
      taken.done = std::exchange(queue->done, {});
      queue->bytes = 0;
    }
    const Result<void> kept =
        state_.change([&](StateChange& change) { return change.add_refusals(taken.refusals); });
    for (const Done& done : taken.done) done(kept);
  }
}

}  // namespace hf
