// SPDX-License-Identifier: Apache-2.0
//
// A condition on a person, as something that goes along with the person's history: it is told of
// the events it is about, one after the other, and can be asked at any place between them.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "predicate/behaviour.h"
#include "predicate/matched_rows.h"
#include "predicate/predicate.h"

namespace hf {

/// One event of a person.
struct Moment {
  TimestampMs time_ms;
  std::uint32_t matched;  ///< Bit i: matchers()[i] of the leaf.
  std::uint32_t part;
  RowNumber row;
  bool has_number;  ///< Where the leaf wants one.
  Decimal number;
};

class LeafState {
 public:
  virtual ~LeafState() = default;
  /// As before the person's first event.
  virtual void clear() = 0;
  /// The next event that matches anything, in the order time, owner, arrival.
  virtual void take(const Moment& moment) = 0;
  /// Asked with `reference` not before the last event taken.
  [[nodiscard]] virtual bool holds(TimestampMs reference) = 0;
};

/// One condition: kind trait, system or behaviour.
class Leaf {
 public:
  /// Both must outlive it.
  Leaf(const Predicate& condition, const Zone& zone);
  Leaf(const Leaf&) = delete;
  Leaf& operator=(const Leaf&) = delete;

  [[nodiscard]] const Predicate& condition() const { return *condition_; }
  /// What it is about, 32 at most.
  [[nodiscard]] const std::vector<MatchedRows::Wanted>& wanted() const { return wanted_; }
  /// The property whose number is read from events; empty: none.
  [[nodiscard]] const std::string& number_property() const { return number_property_; }
  /// Outside of which no event matters to it at `reference`.
  [[nodiscard]] TimeSpan span_looked_at(TimestampMs reference) const;
  [[nodiscard]] std::unique_ptr<LeafState> state() const;

 private:
  const Predicate* condition_;
  const Zone* zone_;
  std::vector<Matcher> own_matchers_;  // Of traits.
  std::vector<MatchedRows::Wanted> wanted_;
  std::string number_property_;
};

}  // namespace hf
