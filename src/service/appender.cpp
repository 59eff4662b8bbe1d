// SPDX-License-Identifier: Apache-2.0
#include "service/appender.h"

#include <algorithm>
#include <chrono>
#include <unordered_set>
#include <utility>

#include "base/thread_priority.h"
#include "service/logged_frames.h"
#include "service/upkeep.h"

namespace hf {
namespace {

constexpr std::size_t frame_payload_bytes = std::size_t{8} << 20;

std::string index_directory(const Store& store) { return store.directory() + "/duplicates"; }

}  // namespace

Result<std::unique_ptr<Appender>> Appender::open(Store& store,
                                                 const DuplicateIndex::Options& options,
                                                 bool in_background) {
  HF_CHECK(store.log());
  const std::string directory = index_directory(store);
  auto index = DuplicateIndex::open(store.env(), directory, options);
  // Derived from the log, it may say nothing that the log does not.
  const bool damaged = !index && index.error().reason == "bad_duplicates";
  if (damaged || (index && (*index)->flushed_end() > store.applied_end())) {
    HF_CHECK(DuplicateIndex::discard(store.env(), directory));
    index = DuplicateIndex::open(store.env(), directory, options);
  }
  HF_TRY(auto duplicates, std::move(index));
  auto appender = std::unique_ptr<Appender>(
      new Appender(store, std::move(duplicates), options.window_ms, in_background));
  HF_CHECK(appender->catch_up());
  return appender;
}

Appender::~Appender() {
  // They may have come to their end: nobody puts their parts in place now.
  if (compaction_ != nullptr) {
    compaction_->cancel();
    compacting_.wait();
    compaction_->discard();
  }
  if (flush_ != nullptr) {
    flushing_.wait();
    flush_->discard();
  }
}

Result<void> Appender::catch_up() {
  HF_TRY(const LogWriter* const log, store_.log());
  const Offset from = std::max(duplicates_->flushed_end(), log->first_offset());
  return for_each_logged_frame(store_, from, [&](LoggedFrame& logged) -> Result<void> {
    // Once its window had passed an id may have been taken again.
    std::vector<Hash128>& keys = logged.keys;
    std::ranges::sort(keys);
    keys.erase(std::ranges::unique(keys).begin(), keys.end());
    const auto known = std::make_unique<bool[]>(keys.size());
    HF_CHECK(duplicates_->find(keys, std::span(known.get(), keys.size())));
    std::size_t kept = 0;
    for (std::size_t i = 0; i < keys.size(); ++i) {
      if (!known[i]) keys[kept++] = keys[i];
    }
    keys.resize(kept);
    const LogFrame& frame = logged.frame;
    duplicates_->add(keys, std::max(frame.first, from), frame.end, frame.received_at_ms);
    return duplicates_->should_flush() ? duplicates_->flush() : Result<void>();
  });
}

void Appender::add(std::string_view source, const EventView& event) {
  if (group_.empty() || group_.back().source() != source) {
    group_.emplace_back(store_.manifest().hash_key, std::string(source));
  }
  const std::size_t before = group_.back().bytes();
  group_.back().add(event);
  group_bytes_ += group_.back().bytes() - before;
}

void Appender::add(PreparedEvents events) {
  group_bytes_ += events.bytes();
  group_.push_back(std::move(events));
}

Result<std::vector<Appender::Outcome>> Appender::commit(const Store::WriteFrame& write) {
  const std::vector<PreparedEvents> group = std::exchange(group_, {});
  group_bytes_ = 0;
  std::vector<Hash128> keys;  // Of the events that have one, in their order.
  std::size_t size = 0;
  for (const PreparedEvents& events : group) {
    size += events.size();
    if (!events.has_keys()) continue;
    if (!sources_.contains(events.source())) sources_.insert(events.source());
    for (std::size_t at = 0; at < events.size(); ++at) {
      if (events.key(at)) keys.push_back(*events.key(at));
    }
  }
  const auto known = std::make_unique<bool[]>(keys.size());
  HF_CHECK(duplicates_->find(keys, std::span(known.get(), keys.size())));
  HF_CHECK(store_.find_imported(keys, sources_, std::span(known.get(), keys.size())));

  std::vector<Outcome> outcomes;
  outcomes.reserve(size);
  std::unordered_set<Hash128> seen;
  FrameBuilder frame;
  std::vector<Hash128> frame_keys;
  std::size_t next_key = 0;
  for (const PreparedEvents& events : group) {
    for (std::size_t at = 0; at < events.size(); ++at) {
      if (const auto& key = events.key(at)) {
        const bool is_known = known[next_key++];
        if (is_known || !seen.insert(*key).second) {
          outcomes.push_back(Outcome::duplicate);
          continue;
        }
        frame_keys.push_back(*key);
      }
      frame.add(events.record(at));
      outcomes.push_back(Outcome::appended);
      if (frame.payload_bytes() >= frame_payload_bytes) {
        HF_CHECK(this->write(frame, frame_keys, write));
      }
    }
  }
  HF_CHECK(this->write(frame, frame_keys, write));
  return outcomes;
}

Result<void> Appender::write(FrameBuilder& frame, std::vector<Hash128>& keys,
                             const Store::WriteFrame& write) {
  if (frame.records() == 0) return {};
  HF_TRY(const LogWriter::Appended appended, store_.append(frame, write));
  duplicates_->add(keys, appended.first, appended.end, appended.received_at_ms);
  frame.clear();
  keys.clear();
  return {};
}

Result<void> Appender::maintain() {
  HF_CHECK(flush());
  if (duplicates_->should_flush()) HF_CHECK(duplicates_->flush());
  HF_CHECK(merge());
  HF_CHECK(merge_head());
  HF_CHECK(expire());
  if (auto compacted = compact(); !compacted) compaction_error_ = std::move(compacted).error();
  return {};
}

std::future<Result<void>> Appender::started(std::function<Result<void>()> work,
                                            Urgency urgency) const {
  if (!in_background_) {
    std::promise<Result<void>> done;
    done.set_value(work());
    return done.get_future();
  }
  return std::async(std::launch::async, [work = std::move(work), urgency] {
    lower_thread_priority(urgency);
    return work();
  });
}

Result<void> Appender::merge() {
  if (merge_ != nullptr) {
    if (merging_.wait_for(std::chrono::seconds(0)) != std::future_status::ready) return {};
    const Result<void> merged = merging_.get();
    auto done = std::move(merge_);
    HF_CHECK(merged);
    HF_CHECK(duplicates_->finish_merge(std::move(done)));
  }
  merge_ = duplicates_->begin_merge();
  if (merge_ != nullptr) merging_ = started([merge = merge_.get()] { return merge->run(); });
  return {};
}

Result<void> Appender::flush() {
  while (true) {
    if (flush_ != nullptr) {
      const auto patience = std::chrono::seconds(0);
      const bool is_done = flushing_.wait_for(patience) == std::future_status::ready;
      if (!is_done && !store_.must_wait_for_flush()) return {};
      const Result<void> ran = flushing_.get();
      auto done = std::move(flush_);
      HF_CHECK(ran);
      HF_CHECK(store_.finish_flush(std::move(done)));
      // What the index would be built anew from stays as long as its window.
      HF_TRY(LogWriter* const log, store_.log());
      HF_CHECK(log->remove_before(std::min(store_.manifest().log_end, duplicates_->flushed_end()),
                                  store_.env().clock.now_ms() - window_ms_));
    }
    if (!store_.should_flush()) return {};
    HF_TRY(flush_, store_.begin_flush());
    // Where it does not come to its end, nothing can be appended some day.
    flushing_ = started([flush = flush_.get()] { return flush->run(); }, Urgency::soon);
    if (in_background_) return {};
  }
}

Result<void> Appender::merge_head() {
  if (head_merge_ != nullptr) {
    if (merging_head_.wait_for(std::chrono::seconds(0)) != std::future_status::ready) return {};
    const Result<void> merged = merging_head_.get();
    auto done = std::move(head_merge_);
    HF_CHECK(merged);
    store_.finish_head_merge(std::move(done));
  }
  head_merge_ = store_.begin_head_merge();
  if (head_merge_ != nullptr) {
    // Who asks before it comes to its end has the parts made there and then.
    merging_head_ = started([merge = head_merge_.get()] { return merge->run(); }, Urgency::soon);
  }
  return {};
}

Result<void> Appender::expire() {
  const auto zone = store_.zone();
  if (store_.settings().keep_events.empty() || zone == nullptr) return {};
  // Once a day, and when somebody changed the period.
  std::pair now(zone->local_day(store_.env().clock.now_ms()), store_.settings().keep_events);
  if (now == expired_) return {};
  HF_CHECK(expire_events(store_));
  expired_ = std::move(now);
  return {};
}

Result<void> Appender::compact() {
  if (compaction_ != nullptr) {
    if (compacting_.wait_for(std::chrono::seconds(0)) != std::future_status::ready) return {};
    const Result<void> ran = compacting_.get();
    auto done = std::move(compaction_);
    if (!ran) compacted_at_ = store_.manifest().generation;
    HF_CHECK(ran);
    HF_CHECK(store_.finish_compaction(std::move(done)));
    compaction_error_.reset();
  }
  if (compacted_at_ == store_.manifest().generation) return {};
  HF_TRY(compaction_, store_.begin_compaction(Store::CompactionKind::due));
  if (compaction_ == nullptr) {
    compacted_at_ = store_.manifest().generation;
    return {};
  }
  compacting_ = started([compaction = compaction_.get()] { return compaction->run(); });
  return {};
}

}  // namespace hf
