// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "predicate/leaf.h"
#include "predicate/matched_rows.h"
#include "store/property_reader.h"
#include "store/snapshot.h"

namespace hf {

/// One thread's reader of what one leaf is about, person by person, best in ascending order.
class MomentReader {
 public:
  /// `matched` are the rows of leaf.wanted(), and maybe others behind. All must outlive it, and the
  /// guard, which is told of what a person's events take. Errors: those of Part's readers.
  [[nodiscard]] static Result<MomentReader> open(const Snapshot& snapshot, const Leaf& leaf,
                                                 const MatchedRows& matched, TimeSpan span,
                                                 WorkGuard& guard);
  ~MomentReader();
  MomentReader(MomentReader&&) noexcept;

  enum class Rows : std::uint8_t { matched, all };
  /// True where any row of the runs matches anything.
  [[nodiscard]] bool any(std::span<const PersonRun> runs) const;
  /// The person's events in the span, in the order time, owner, arrival; valid until the next call.
  /// `runs` are those of for_each_person(). Errors: those of Part's readers and of WorkGuard.
  [[nodiscard]] Result<std::span<const Moment>> read(std::span<const PersonRun> runs, Rows rows);

 private:
  struct PartReader;
  MomentReader();
  template <class Word>
  Result<void> append(std::uint32_t number, const PersonRun& run, Word&& word);
  [[nodiscard]] std::uint64_t matched_word(std::uint32_t part, std::uint32_t word) const;

  TimeSpan span_{};
  std::vector<PartReader> parts_;
  std::vector<Moment> moments_;
  std::unique_ptr<HeldBytes> held_;
};

}  // namespace hf
