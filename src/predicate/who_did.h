// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "predicate/behaviour.h"
#include "predicate/people.h"

namespace hf {

/// Of `among`, those of whom a condition of kind did holds at as_of. `conditions` are those of this
/// snapshot, for the predicates in the behaviour's matcher; null where there are none.
/// Errors: those of known_people().
[[nodiscard]] Result<PersonBitmap> find_who_did(const Snapshot& snapshot,
                                                const Behaviour& behaviour, PersonBitmap among,
                                                const RowConditions* conditions,
                                                const PeopleScope& scope);

}  // namespace hf
