// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "base/guarded.h"
#include "base/result.h"
#include "store/day_sets.h"
#include "store/moved_runs.h"
#include "store/snapshot.h"

namespace hf {

/// Which owners of events are the persons they belong to, and which are not.
struct OwnerMoves {
  explicit OwnerMoves(const Snapshot& snapshot);

  /// Of the chunk's owners those that stay: PersonChunk::words words; nullptr where all do.
  [[nodiscard]] const std::uint64_t* staying(std::uint32_t chunk) const {
    return chunk < masks.size() ? masks[chunk].get() : nullptr;
  }
  /// By chunk, null where all stay.
  std::vector<std::unique_ptr<std::uint64_t[]>> masks;
  /// The others but those whose events are nobody's, ascending: (owner, person).
  std::vector<std::pair<PersonOrdinal, PersonOrdinal>> moved;
};

/// The days of activity of one part as a snapshot sees them. Both null: nobody was active.
struct PartDays {
  std::shared_ptr<const DaySets> sets;   ///< By owner, of whom only those that stay count.
  std::shared_ptr<const DaySets> moved;  ///< By person: of those that do not; maybe null.
};

/// What is found out about a snapshot when somebody first asks, and kept as long as it lives.
/// Methods may run concurrently; each is to be called with the same snapshot.
class SnapshotIndex {
 public:
  /// The one the snapshot carries, else a new one.
  [[nodiscard]] static std::shared_ptr<SnapshotIndex> of(const Snapshot& snapshot);

  [[nodiscard]] std::shared_ptr<const OwnerMoves> owners(const Snapshot& snapshot);
  /// Snapshot::moved by part, then row.
  using Runs = std::vector<std::vector<MovedRuns::Moved>>;
  [[nodiscard]] std::shared_ptr<const Runs> moved_runs(const Snapshot& snapshot);
  /// Errors: those of Part's readers.
  [[nodiscard]] Result<PartDays> days(const Snapshot& snapshot, std::uint32_t part,
                                      const Zone& zone);

 private:
  struct State {
    std::shared_ptr<const OwnerMoves> owners;
    std::shared_ptr<const Runs> runs;
    std::map<std::pair<std::uint32_t, std::string>, PartDays> days;  // By part and zone.
  };
  Guarded<State> state_;
};

}  // namespace hf
