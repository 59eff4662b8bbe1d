// SPDX-License-Identifier: Apache-2.0
//
// To forget a person wherever this workspace keeps something of one by id: in the store, and among
// the events that were refused and are kept for whoever mends what sends them.
#pragma once

#include <cstdint>
#include <optional>
#include <span>

#include "base/result.h"
#include "service/state.h"
#include "service/upkeep.h"
#include "store/store.h"

namespace hf {

struct ForgottenPerson {
  Erasure erased;
  std::optional<std::uint64_t> refusals = {};  ///< How many are gone; nothing without a state.
};

/// erase_person(), and before it remove_refusals_of() all its ids: an erasure that fails on the way
/// is made good by the next. Of an id that the store knows nothing of, refusals alone may be gone.
/// `state` may be null. Errors: not_found/no_person (nor did a refusal name the id); those of
/// erase_person() and remove_refusals_of().
[[nodiscard]] Result<ForgottenPerson> forget_person(Store& store, State* state, const PersonId& id,
                                                    bool now);

/// Removes the refusals that name one of the ids, and returns how many. Errors: those of
/// State::change().
[[nodiscard]] Result<std::uint64_t> remove_refusals_of(State& state, std::span<const PersonId> ids);

/// Whether text or message has one of the ids as a value: in JSON a whole text or number, in what
/// is no JSON (broken, cut off, a sentence) a word or several, as they are or as JSON escapes them.
[[nodiscard]] bool names_one_of(const Refusal& refusal, std::span<const PersonId> ids);

}  // namespace hf
