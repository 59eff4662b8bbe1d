// SPDX-License-Identifier: Apache-2.0
//
// Writes what the head holds as a part, while the head goes on handing it out and taking more. The
// manifest names the part when it is done; until then what is in it is found in the log.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "base/env.h"
#include "store/compaction.h"
#include "store/head.h"
#include "store/manifest.h"
#include "store/moved_runs.h"

namespace hf {

class Flush {
 public:
  struct Work {
    std::shared_ptr<const Head::Tiers> events;  ///< At least one.
    std::string directory;                      ///< Of the parts.
    std::string file;
    HashKey hash_key = {};
    PersonOrdinal person_end = 0;
    std::shared_ptr<const Placement> placement;
    std::shared_ptr<const Zone> zone;
    PostingRule postings = {};
    std::shared_ptr<const std::uint32_t> first_part;  ///< Its file has this number.
    Offset log_end = 1;               ///< The records before are in the part, and in what follows.
    std::vector<LinkDecision> links;  ///< As of then.
  };
  /// `cache` must outlive the part.
  Flush(const Env& env, PageCache& cache, Work work)
      : env_(env), cache_(cache), work_(std::move(work)) {}

  /// Writes the part, opens it and decodes what is decoded of the events as they are handed out
  /// now. May run on another thread than the store's. Errors: those of PartBuilder::write() and of
  /// Part's readers; no file is left behind then.
  [[nodiscard]] Result<void> run();
  /// Removes what run() wrote: for one whose outcome is no longer wanted.
  void discard();

  [[nodiscard]] const Work& work() const { return work_; }
  /// What run() wrote, and it opened.
  [[nodiscard]] const PartEntry& output() const { return output_; }
  [[nodiscard]] const PartRuns& part() const { return part_; }

 private:
  [[nodiscard]] Result<void> write();
  Env env_;
  PageCache& cache_;
  Work work_;
  PartEntry output_;  // Without a name where nothing is written.
  PartRuns part_;
};

}  // namespace hf
