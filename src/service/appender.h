// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>
#include <future>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "base/thread_priority.h"
#include "event/event.h"
#include "log/duplicate_index.h"
#include "service/prepared_events.h"
#include "store/store.h"

namespace hf {

/// The way of an event into a store (DESIGN section 5): what came before under the same source and
/// message id is left out, the rest is durable in the log and visible to queries when commit()
/// returns. One appender a store. Not thread-safe.
class Appender {
 public:
  enum class Outcome : std::uint8_t { appended, duplicate };

  /// Opens the duplicate index beside the log, and builds it anew from the log where it is damaged
  /// or is not there. Requires a store opened to own, which must outlive the appender.
  /// Errors: those of DuplicateIndex, LogReader and Store::append().
  [[nodiscard]] static Result<std::unique_ptr<Appender>> open(
      Store& store, const DuplicateIndex::Options& options = {}, bool in_background = true);
  ~Appender();

  /// Takes an event into the group that the next commit() writes. Message ids are unique within
  /// the source. Requires validate(event).
  void add(std::string_view source, const EventView& event);
  /// The same with many. Requires that they were prepared with the store's hash key.
  void add(PreparedEvents events);
  /// Bytes of the group so far.
  [[nodiscard]] std::size_t group_bytes() const { return group_bytes_; }
  /// Writes the group with one sync (or one for each 8 MiB), and begins the next; an outcome an
  /// event, in the order of add(). After an error nothing is known of any of them: some may be in
  /// the log, and are found there as duplicates, where they have message ids, when they are sent
  /// again to the store opened anew. Errors: those of DuplicateIndex::find() and Store::append().
  [[nodiscard]] Result<std::vector<Outcome>> commit(
      const Store::WriteFrame& write = &LogWriter::append);

  /// Work that keeps appending fast and the disk small, done when it is due: merges of what the
  /// head hands out, parts of the head, their compaction, removal of what is older than the
  /// workspace keeps events, runs of the duplicate index and their merging, removal of old log
  /// files. To be called after commit(). Errors: those of Store::flush() and DuplicateIndex;
  /// nothing appended is lost by them.
  [[nodiscard]] Result<void> maintain();
  /// Why the last compaction came to nothing, if it did. Appending goes on without; another is
  /// tried after the next change of the manifest.
  [[nodiscard]] const std::optional<Error>& compaction_error() const { return compaction_error_; }

 private:
  Appender(Store& store, std::unique_ptr<DuplicateIndex> duplicates, std::int64_t window_ms,
           bool in_background)
      : store_(store),
        duplicates_(std::move(duplicates)),
        window_ms_(window_ms),
        in_background_(in_background) {}
  [[nodiscard]] Result<void> compact();
  [[nodiscard]] Result<void> expire();
  [[nodiscard]] Result<void> merge();
  [[nodiscard]] Result<void> merge_head();
  [[nodiscard]] Result<void> flush();
  [[nodiscard]] std::future<Result<void>> started(std::function<Result<void>()> work,
                                                  Urgency urgency = Urgency::whenever) const;
  [[nodiscard]] Result<void> catch_up();
  [[nodiscard]] Result<void> write(FrameBuilder& frame, std::vector<Hash128>& keys,
                                   const Store::WriteFrame& write);
  Store& store_;
  std::unique_ptr<DuplicateIndex> duplicates_;
  std::int64_t window_ms_;
  std::vector<PreparedEvents> group_;
  std::size_t group_bytes_ = 0;
  std::set<std::string, std::less<>> sources_;  // Of events that had message ids.
  bool in_background_;
  std::pair<Day, std::string> expired_ = {};  // On which day, and for which period.
  std::uint64_t compacted_at_ = 0;  // The manifest's generation at which no compaction was due.
  std::optional<Error> compaction_error_;
  std::unique_ptr<Compaction> compaction_;
  std::unique_ptr<DuplicateIndex::Merge> merge_;
  std::shared_ptr<Head::Merge> head_merge_;
  std::unique_ptr<Flush> flush_;
  // Last: their destructors wait for what uses the above.
  std::future<Result<void>> compacting_;
  std::future<Result<void>> merging_;
  std::future<Result<void>> merging_head_;
  std::future<Result<void>> flushing_;
};

}  // namespace hf
