// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "base/work_guard.h"
#include "predicate/matcher.h"
#include "predicate/people.h"
#include "store/row_bits.h"
#include "store/snapshot.h"

namespace hf {

/// [from_ms, to_ms], both inclusive; empty where from_ms > to_ms.
struct TimeSpan {
  TimestampMs from_ms;
  TimestampMs to_ms;
  [[nodiscard]] bool contains(TimestampMs t) const { return from_ms <= t && t <= to_ms; }
  [[nodiscard]] bool meets(TimestampMs low, TimestampMs high) const {
    return from_ms <= high && low <= to_ms;
  }
};

/// The rows of a snapshot that one or several questions are about, as bits by part.
class MatchedRows {
 public:
  struct Wanted {
    const Matcher* matcher;   ///< Outlives the search only.
    bool first_seen = false;  ///< Rows of first-seen parts too (Snapshot::first_seen_parts).
    const std::vector<bool>* passed_over = nullptr;  ///< By part; null: none is.
  };
  /// Rows with times outside `span` may be left out, whole parts of them. `conditions` are those of
  /// this snapshot, or null. Pages are shared among scope.threads. Errors: those of Part's readers
  /// and of WorkGuard.
  [[nodiscard]] static Result<MatchedRows> find(const Snapshot& snapshot,
                                                std::span<const Wanted> wanted, TimeSpan span,
                                                const RowConditions* conditions,
                                                const PeopleScope& scope);

  [[nodiscard]] std::size_t size() const { return rows_.size(); }
  /// Of wanted[i]; null where none matches. Bits past the last row may be set.
  [[nodiscard]] const RowBits* rows(std::size_t i, std::uint32_t part) const {
    return rows_[i][part].get();
  }

 private:
  std::unique_ptr<HeldBytes> held_;
  std::vector<std::vector<std::unique_ptr<RowBits>>> rows_;  // As `wanted`, then by part.
};

/// The codes of the part's names that the matcher means, whatever `where` says.
[[nodiscard]] std::vector<std::uint32_t> name_codes_of(const Matcher& matcher, const Part& part);
/// False where a property decides too.
[[nodiscard]] bool is_by_name(const Matcher& matcher);
/// True where rows with one of these names may have times in the span.
[[nodiscard]] bool may_meet(const Part& part, std::span<const std::uint32_t> codes, TimeSpan span);

/// How many threads are worth starting for so many rows, at most `threads`.
[[nodiscard]] unsigned threads_for_rows(std::uint64_t rows, unsigned threads);

}  // namespace hf
