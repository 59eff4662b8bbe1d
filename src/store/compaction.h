// SPDX-License-Identifier: Apache-2.0
//
// Writes parts anew: several as fewer, each person's events side by side with whom they belong now,
// and without the rows that are gone. The store goes on meanwhile; readers see the old parts until
// the new ones take their place in one change of the manifest.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include "base/env.h"
#include "store/manifest.h"
#include "store/moved_runs.h"
#include "store/part.h"
#include "store/part_builder.h"

namespace hf {

/// Which neighbours among the parts are to be one, [first, last) of the list; nothing where they
/// may stay. The fewest rows that are at least four groups, the largest of which has at most half
/// of them: so a row is written again at most once for each doubling of its group.
[[nodiscard]] std::pair<std::size_t, std::size_t> choose_compaction(const Manifest& manifest);

/// The first stretch of visible neighbours that are more than one group.
[[nodiscard]] std::pair<std::size_t, std::size_t> choose_full_compaction(const Manifest& manifest);

/// With whom the events of every id lie, as it was when the compaction began.
struct Placement {
  struct Person {
    Hash128 key;
    PersonOrdinal ordinal = 0;
  };
  std::unordered_map<Hash128, Person> of;  ///< Ids that are placed with another.
  std::shared_ptr<const Belonging> belonging;

  /// The key of whom an id is placed with. Valid as long as this object.
  [[nodiscard]] auto canonical() const {
    return [this](const Hash128& key) {
      const auto found = of.find(key);
      return found == of.end() ? key : found->second.key;
    };
  }
};

class Compaction {
 public:
  struct Work {
    std::string directory;              ///< Of the parts.
    std::vector<PartEntry> inputs;      ///< Neighbours in the manifest; at least one.
    std::vector<PendingPurge> purges;   ///< What they purge goes; who did what first stays.
    std::vector<std::uint32_t> undone;  ///< Rows of these imports go.
    bool is_first_seen = false;         ///< The inputs are first-seen parts, and so is the output.
    HashKey hash_key = {};
    PersonOrdinal person_end = 0;
    std::vector<PersonOrdinal> erased;
    std::shared_ptr<const Placement> placement;
    std::shared_ptr<const Zone> zone;  ///< Of the days that parts keep.
    PostingRule postings = {};
    std::shared_ptr<std::atomic<std::uint32_t>> next_part;
    std::shared_ptr<const std::uint32_t> first_part;  ///< Its files are numbered from here on.
    std::uint32_t rows_per_part = 2'000'000;
    PageCache* cache = nullptr;  ///< That of the outputs. Must outlive them.
    /// The inputs as they are read by others meanwhile.
    std::vector<std::shared_ptr<const Part>> in_use = {};
  };
  /// Opens the inputs: they are read to their end though others take their place meanwhile.
  /// Errors: those of Part::open().
  [[nodiscard]] static Result<std::unique_ptr<Compaction>> begin(const Env& env, Work work);

  /// Writes the outputs, opens them and decodes what is decoded of the inputs. May run on another
  /// thread than the store's. An error leaves no output.
  /// Errors: cancelled; those of Part's readers and of PartBuilder::write().
  [[nodiscard]] Result<void> run();
  /// Ends run() soon; from any thread.
  void cancel() { cancelled_.store(true, std::memory_order_relaxed); }
  /// Removes what run() wrote: for one whose outcome is no longer wanted.
  void discard();

  [[nodiscard]] const Work& work() const { return work_; }
  /// In place of the inputs. Of one group, where they are several.
  [[nodiscard]] const std::vector<PartEntry>& outputs() const { return outputs_; }
  /// Each of outputs(), opened.
  [[nodiscard]] const std::vector<PartRuns>& parts() const { return opened_; }
  /// What is to be kept of purged rows.
  [[nodiscard]] const std::vector<PartEntry>& first_seen() const { return first_seen_; }

 private:
  class Writer;
  Compaction(const Env& env, Work work);
  [[nodiscard]] Result<void> write();
  [[nodiscard]] Result<void> open_outputs();

  Env env_;
  Work work_;
  PageCache cache_;  // Not the store's: what is read once here shall drive nothing out there.
  std::vector<std::shared_ptr<const Part>> parts_;
  std::atomic<bool> cancelled_ = false;
  std::vector<PartEntry> outputs_;
  std::vector<PartRuns> opened_;
  std::vector<PartEntry> first_seen_;
};

}  // namespace hf
