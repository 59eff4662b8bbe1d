// SPDX-License-Identifier: Apache-2.0
//
// Parts lie as they were written; who belongs to whom changes afterwards. What lies with another
// person than it belongs to is listed here, so that readers of a snapshot see persons whole.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "base/result.h"
#include "store/part.h"

namespace hf {

/// One person's events in one part.
struct PersonRun {
  std::uint32_t part;
  RowNumber first_row;
  std::uint32_t row_count;
  friend bool operator==(const PersonRun&, const PersonRun&) = default;
};

/// The rows of shared runs of one part, cut where the owner changes; ascending by row.
struct OwnerRun {
  std::uint32_t position;  ///< Of the shared run in the part's directory.
  PersonOrdinal owner;
  RowNumber first_row;
  std::uint32_t row_count;
};
/// Those of one part. Immutable; kept as long as the part is open.
class OwnerRuns {
 public:
  OwnerRuns() = default;
  explicit OwnerRuns(std::vector<OwnerRun> runs);

  [[nodiscard]] auto begin() const { return runs_.begin(); }
  [[nodiscard]] auto end() const { return runs_.end(); }
  /// The owner's, ascending by row.
  [[nodiscard]] std::span<const OwnerRun> of(PersonOrdinal owner) const;

 private:
  std::vector<OwnerRun> runs_;
  std::vector<OwnerRun> by_owner_;
};
/// Errors: those of Part's readers.
[[nodiscard]] Result<OwnerRuns> owner_runs(const Part& part);

/// Whose the events of each owner are: `of[owner]`, the owner itself where nothing is known, or
/// nobody for one whose events are gone. Ordinals beyond belong to themselves.
struct Belonging {
  static constexpr PersonOrdinal nobody = 0xffffffff;
  std::vector<PersonOrdinal> of;

  [[nodiscard]] PersonOrdinal person(PersonOrdinal owner) const {
    return owner < of.size() ? of[owner] : owner;
  }
};

struct MovedRuns {
  struct Moved {
    PersonOrdinal person;
    PersonOrdinal owner;
    PersonRun run;
  };
  /// All runs of each person some of whose events lie elsewhere, or lie mixed with those of other
  /// owners in one of several parts: by person, owner, part, row. A stable sort of one person's
  /// runs by time then gives the order that holds everywhere: time, owner, arrival.
  std::vector<Moved> runs;
  /// By part: positions in the directory that are not to be taken as they lie, ascending.
  std::vector<std::vector<std::uint32_t>> skipped;
  /// By part: true where some of its rows are nobody's.
  std::vector<bool> hides;
};

struct PartRuns {
  std::shared_ptr<const Part> part;
  std::shared_ptr<const OwnerRuns> owners;
};

/// Nothing where every run lies where it belongs.
[[nodiscard]] std::shared_ptr<const MovedRuns> find_moved_runs(std::span<const PartRuns> parts,
                                                               const Belonging& belonging);

}  // namespace hf
