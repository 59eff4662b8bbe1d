// SPDX-License-Identifier: Apache-2.0
//
// What identify calls said of persons, with its history: an identify call is a row as any event is,
// its properties are the traits it sets.
#pragma once

#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "store/property_reader.h"
#include "store/snapshot.h"

namespace hf {

/// From this time on the person's trait had this value, until the next.
struct TraitValue {
  TimestampMs time_ms = 0;
  ValueView value;
};

/// One trait of persons in ascending order, for one thread. Calls without the trait change nothing;
/// of calls at one time the one that arrived last holds, as with all events of equal time.
class TraitReader {
 public:
  /// `trait` is flattened with '.'. The snapshot must outlive it. Errors: those of Part's readers.
  [[nodiscard]] static Result<TraitReader> open(const Snapshot& snapshot, const std::string& trait);

  /// All values the person's identify calls gave it, oldest first, calls of one time by arrival;
  /// valid until the next call, the texts in it as long as the reader. `runs` are the person's, of
  /// for_each_person(). Errors: those of Part's readers.
  [[nodiscard]] Result<std::span<const TraitValue>> history(std::span<const PersonRun> runs);

 private:
  struct PartTraits {
    const Part* part;
    std::uint32_t identify;  // The code of the name.
    PropertyReader values;
  };
  Result<void> append(PartTraits& traits, const PersonRun& run);

  std::vector<std::optional<PartTraits>> parts_;  // Nothing where no call can have the trait.
  std::vector<TraitValue> history_;
};

/// The value that held at `at_ms`: the last of those not later; nullptr where there is none.
[[nodiscard]] const TraitValue* value_at(std::span<const TraitValue> history, TimestampMs at_ms);

/// One trait of one person.
struct TraitHistory {
  std::string trait;
  struct Entry {
    TimestampMs time_ms = 0;
    ValueKind kind = ValueKind::text;
    std::string text;  ///< Canonical.
    friend bool operator==(const Entry&, const Entry&) = default;
  };
  std::vector<Entry> values;  ///< As TraitReader gives them; at least one.
  friend bool operator==(const TraitHistory&, const TraitHistory&) = default;
};
/// All traits of the person with these runs, by name. Errors: those of Part's readers.
[[nodiscard]] Result<std::vector<TraitHistory>> traits_of(const Snapshot& snapshot,
                                                          std::span<const PersonRun> runs);

}  // namespace hf
