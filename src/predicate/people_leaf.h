// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "predicate/leaf.h"
#include "predicate/people.h"

namespace hf {

/// What conditions look at: who was first keeps that place though its events were purged.
[[nodiscard]] inline const Snapshot& history_of(const Snapshot& snapshot) {
  return snapshot.with_first_seen ? *snapshot.with_first_seen : snapshot;
}

/// Of `among`, those of whom one condition (trait, system or behaviour) holds at as_of.
/// `conditions` are those of this snapshot, of which at least those in the condition's matchers;
/// null where there are none. Errors: those of known_people().
[[nodiscard]] Result<PersonBitmap> restrict_to_leaf(const Snapshot& snapshot,
                                                    const Predicate& condition, PersonBitmap among,
                                                    const RowConditions* conditions,
                                                    const PeopleScope& scope);

}  // namespace hf
