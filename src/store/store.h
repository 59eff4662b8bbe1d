// SPDX-License-Identifier: Apache-2.0
//
// The data directory:
//   MANIFEST         which files are the store (store/manifest.h)
//   LOCK             held by the process that owns the directory
//   log/*.log        everything that came since, and before (log/log_writer.h)
//   parts/*.part     immutable parts (store/part.h)
//   rejects/*.csv    what imports set aside
#pragma once

#include <atomic>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <vector>

#include "base/env.h"
#include "base/result.h"
#include "log/log_reader.h"
#include "log/log_writer.h"
#include "log/record.h"
#include "store/compaction.h"
#include "store/flush.h"
#include "store/head.h"
#include "store/manifest.h"
#include "store/page_cache.h"
#include "store/people.h"
#include "store/person_registry.h"
#include "store/snapshot.h"

namespace hf {

class Store {
 public:
  enum class Access : std::uint8_t {
    read,  ///< Any number of processes, also beside the owner: sees the state at open().
    own,   ///< One process: takes the lock, creates what is missing, clears what a crash left.
  };
  struct Options {
    std::size_t cache_bytes = std::size_t{512} << 20;  ///< Of decoded pages.
    LogWriter::Options log = {};
    std::uint32_t rows_per_part = 2'000'000;  ///< That compactions write; persons stay whole.
    PostingRule postings = {};                ///< Of the parts written from here on.
    std::uint32_t head_rows_joined = 256;     ///< As the head is made with.
  };

  /// Errors: not_found/no_data_directory (access read); failed_precondition/locked naming the
  /// holder; data_loss/bad_manifest (also where parts are and no manifest is); those of the file
  /// system.
  [[nodiscard]] static Result<std::unique_ptr<Store>> open(const Env& env,
                                                           const std::string& directory,
                                                           Access access, const Options& options);
  [[nodiscard]] static Result<std::unique_ptr<Store>> open(const Env& env,
                                                           const std::string& directory,
                                                           Access access) {
    return open(env, directory, access, Options());
  }

  [[nodiscard]] const Manifest& manifest() const { return manifest_; }
  /// Of the workspace as of now.
  [[nodiscard]] const Settings& settings() const { return settings_; }
  /// The workspace's; null where its name is unknown here.
  [[nodiscard]] std::shared_ptr<const Zone> zone();
  [[nodiscard]] const Options& options() const { return options_; }
  [[nodiscard]] const Env& env() const { return env_; }
  [[nodiscard]] PageCache& cache() { return cache_; }
  [[nodiscard]] const std::string& directory() const { return directory_; }
  [[nodiscard]] std::string parts_directory() const { return directory_ + "/parts"; }
  /// Where the rejected rows of an import are told.
  [[nodiscard]] std::string reject_path(std::uint32_t import) const;

  /// All that is visible now: the parts, opened, and what came by the log since. Parts must not
  /// outlive the store. Errors: those of Part::open(); data_loss/bad_part where a part has a person
  /// the manifest does not know.
  [[nodiscard]] Result<Snapshot> snapshot();
  /// The parts of one import, visible or not.
  [[nodiscard]] Result<std::vector<std::shared_ptr<const Part>>> parts_of(std::uint32_t import);

  /// The name of the next part file; names rise as they are given out. From any thread.
  [[nodiscard]] std::string next_part_file();
  /// Replaces the manifest durably, whole or not at all, and sets its generation. After a failure
  /// manifest() is the old one, the disk may hold either, and whatever would build on one of them
  /// is refused until the directory is opened again. Requires access own.
  /// Errors: those of the file system; failed_precondition/manifest_in_doubt.
  [[nodiscard]] Result<void> commit(Manifest next);
  /// Removes part files the manifest does not name and reject files of no import that is running or
  /// done; for after a commit. Requires access own.
  /// Errors: those of the file system; failed_precondition/manifest_in_doubt.
  [[nodiscard]] Result<void> remove_unlisted_files();
  /// Everybody known to any part and to the head. Errors: those of snapshot().
  [[nodiscard]] Result<PersonRegistry*> persons();
  /// Sets known[i] where an event with the message key keys[i], of one of these sources, came by an
  /// import that is done. Keys of parts with such events stay in memory, 16 bytes each.
  /// Errors: those of Part's readers.
  [[nodiscard]] Result<void> find_imported(std::span<const Hash128> keys,
                                           const std::set<std::string, std::less<>>& sources,
                                           std::span<bool> known);
  /// All ids that are one person with this one, ascending; empty where nothing is known of it.
  /// Reads the ids of every part. Errors: those of snapshot().
  [[nodiscard]] Result<std::vector<PersonId>> ids_of(const PersonId& id);

  /// Whose events an id's are in snapshots taken now; nothing where there are none.
  /// Errors: those of snapshot().
  [[nodiscard]] Result<std::optional<PersonOrdinal>> person_of(const PersonId& id);

  // What follows requires access own.

  /// How a frame is written to the log: as LogWriter::append() does, on any thread. Until it
  /// returns snapshots may be taken, by the store's thread, and nothing else be done.
  using WriteFrame = std::function<Result<LogWriter::Appended>(LogWriter&, FrameBuilder&)>;
  /// Writes the records to the log as one frame, durable when this returns, and applies them: a
  /// snapshot taken afterwards sees them. What takes something away (erase, purge, an import that
  /// is shown or undone) is flushed too, where that can be. After an error what is on disk is not
  /// known until the directory is opened again. Errors: those of LogWriter::append() and flush();
  /// data_loss/bad_record.
  [[nodiscard]] Result<LogWriter::Appended> append(FrameBuilder& frame,
                                                   const WriteFrame& write = &LogWriter::append);
  /// The log, opened (and made, where there was none).
  [[nodiscard]] Result<LogWriter*> log();
  /// True when the head is large enough for a part.
  [[nodiscard]] bool should_flush() const { return head_.full(); }
  /// Makes a part of the head and remembers how far the log is in parts. Errors: those of
  /// PartBuilder::write() and commit(); the head stays what it is then.
  [[nodiscard]] Result<void> flush();
  /// The same without waiting for it: what is applied until now is to be in the part. Requires
  /// events in the head, and that no other one is under way. Must not outlive the store.
  /// Errors: those of snapshot().
  [[nodiscard]] Result<std::unique_ptr<Flush>> begin_flush();
  /// Puts the part of one that ran in the place of the events that are in it. Where these changed
  /// meanwhile, or something was taken away, it is removed instead. Errors: those of commit().
  [[nodiscard]] Result<void> finish_flush(std::unique_ptr<Flush> flush);
  /// True when the head grew so large during a flush that this is to be waited for.
  [[nodiscard]] bool must_wait_for_flush() const { return head_.full(2); }
  /// Parts of the head that are to be one, as Head::due_merge(). Must not outlive the store.
  [[nodiscard]] std::shared_ptr<Head::Merge> begin_head_merge();
  /// Has snapshots see what one that ran made. False where the head changed meanwhile, and they do
  /// not: they hold the same events either way.
  bool finish_head_merge(std::shared_ptr<Head::Merge> merge);
  /// All records before are seen by snapshots.
  [[nodiscard]] Offset applied_end() const { return applied_end_; }
  [[nodiscard]] std::uint64_t head_rows() const { return head_.rows(); }
  /// Lets the directory go, so that it can be opened anew: nothing is written through this store
  /// any more, questions are answered as of now.
  void resign();

  enum class CompactionKind : std::uint8_t {
    due,    ///< Small neighbours, so that a question asks few parts; else as `clean`.
    clean,  ///< Parts with rows that are gone, or with the days of another zone.
    full,   ///< All that are visible, until each stretch of them is one group.
  };
  /// What is to be compacted next, nothing where all is well. Errors: those of snapshot().
  [[nodiscard]] Result<std::unique_ptr<Compaction>> begin_compaction(CompactionKind kind);
  /// Puts the outputs of one that ran in the place of its inputs, and removes these. Where the
  /// inputs changed meanwhile, its outputs are removed instead.
  /// Errors: those of commit(); of removing files.
  [[nodiscard]] Result<void> finish_compaction(std::unique_ptr<Compaction> compaction);
  /// All compactions of the kind, one after the other, here and now.
  /// Errors: those of Compaction::run() and finish_compaction().
  [[nodiscard]] Result<void> compact(CompactionKind kind);

 private:
  Store(const Env& env, std::string directory, const Options& options)
      : env_(env),
        directory_(std::move(directory)),
        options_(options),
        cache_(options.cache_bytes),
        head_(options.head_rows_joined) {}
  [[nodiscard]] Result<std::shared_ptr<const Part>> open_part(const std::string& file);
  [[nodiscard]] Result<void> load_manifest();
  [[nodiscard]] Result<void> catch_up();
  [[nodiscard]] Result<void> apply(const LogFrame& frame);
  [[nodiscard]] Result<void> apply(const LogRecord& record, TimestampMs received_at_ms);
  [[nodiscard]] Result<People*> people();
  [[nodiscard]] Result<void> renew_links();
  [[nodiscard]] Result<void> erase(const EraseRecord& record);
  [[nodiscard]] Result<void> show_or_hide(const ImportPartsRecord& record, TimestampMs at_ms);
  [[nodiscard]] Result<void> note_links();
  [[nodiscard]] Result<void> open_parts();
  [[nodiscard]] Result<void> settle();
  [[nodiscard]] bool is_undone(std::uint32_t import) const;
  [[nodiscard]] Result<bool> is_dirty(const PartEntry& entry, bool first_seen);
  [[nodiscard]] Result<std::unique_ptr<Compaction>> compaction_of(std::vector<PartEntry> inputs,
                                                                  bool first_seen);
  [[nodiscard]] Result<bool> put_in_place(const Compaction& compaction, Manifest& next);
  [[nodiscard]] Result<void> forget_what_is_gone(Manifest& next);
  [[nodiscard]] Result<PartRuns> runs_of(const PartEntry& entry);
  [[nodiscard]] std::string log_directory() const { return directory_ + "/log"; }
  [[nodiscard]] Result<void> check_certain() const;
  [[nodiscard]] std::string rejects_directory() const { return directory_ + "/rejects"; }
  [[nodiscard]] Result<void> keep_only(const std::string& directory,
                                       const std::set<std::string>& listed);

  Env env_;
  std::string directory_;
  Options options_;
  Manifest manifest_;
  std::unique_ptr<FileLock> lock_;  // Null with access read.
  bool in_doubt_ = false;           // A commit failed: the manifest on disk is this one or its.
  PageCache cache_;
  struct OpenPart {
    std::shared_ptr<const Part> part;
    std::shared_ptr<const OwnerRuns> owners;                   // Once they were asked for.
    std::shared_ptr<const std::vector<Hash128>> message_keys;  // Likewise.
  };
  std::map<std::string, OpenPart> open_parts_;  // By file name.

  std::unique_ptr<LogWriter> log_;  // Once it was asked for.
  Offset applied_end_ = 1;
  std::vector<PurgeRecord> purges_;  // Applied, and not yet in the manifest.
  bool must_flush_ = false;          // Something was taken away.
  // Of compactions and flushes that are under way: their files are numbered from here on.
  std::vector<std::weak_ptr<const std::uint32_t>> compacting_;
  std::shared_ptr<std::atomic<std::uint32_t>> next_part_ =
      std::make_shared<std::atomic<std::uint32_t>>(1);
  Settings settings_;
  std::shared_ptr<const Zone> zone_;
  std::string zone_name_;  // For which it was looked.
  std::vector<LinkDecision> links_;
  std::optional<People> people_;  // Once somebody asked; renewed when parts were taken away.
  Head head_;
  std::optional<Snapshot> last_;  // Given out again, with what was found out, until there is more.
};

}  // namespace hf
