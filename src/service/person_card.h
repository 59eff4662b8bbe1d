// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "identity/person_key.h"
#include "store/store.h"
#include "store/trait_reader.h"

namespace hf {

/// What is known of one person.
struct PersonCard {
  std::vector<PersonId> ids;
  /// Of activity (what "*" matches): calls like identify do not count.
  std::optional<TimestampMs> first_seen_ms;  ///< Of purged events too.
  std::optional<TimestampMs> last_seen_ms;
  struct EventName {
    std::string name;
    std::uint64_t count = 0;
    TimestampMs first_ms = 0;  ///< Of those that are there.
    TimestampMs last_ms = 0;
  };
  std::vector<EventName> events;  ///< By count, then name.
  std::vector<TraitHistory> traits;
};

/// Errors: not_found/no_person; those of Store::snapshot() and of Part's readers.
[[nodiscard]] Result<PersonCard> read_person_card(Store& store, const PersonId& id);

}  // namespace hf
