// SPDX-License-Identifier: Apache-2.0
//
// When the profiles of persons were created, as their traits createdAt or created_at say.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string_view>
#include <vector>

#include "base/env.h"
#include "calendar/zone.h"
#include "event/value.h"
#include "predicate/people.h"
#include "store/snapshot.h"

namespace hf {

/// Of one event the first that it has counts.
inline constexpr std::string_view created_traits[] = {"createdAt", "created_at"};

/// A text as RFC 3339, also a date alone or without its offset (then local to `zone`); a number,
/// also as text, of seconds or milliseconds since 1970, whichever lies in the years 1990 to 2100.
/// Nothing where it is neither.
[[nodiscard]] std::optional<TimestampMs> created_instant(const ValueView& value, const Zone& zone);

/// By person; immutable.
class ProfilesCreated {
 public:
  /// Of those in `people` (null: everybody) what the latest identify call up to as_of with one of
  /// the traits says. Errors: those of Part's readers and of WorkGuard.
  [[nodiscard]] static Result<std::shared_ptr<const ProfilesCreated>> find(
      const Snapshot& snapshot, const PersonBitmap* people, const PeopleScope& scope);

  /// Nothing where no trait says it, or none that can be read.
  [[nodiscard]] std::optional<TimestampMs> of(PersonOrdinal person) const {
    if (!known_.contains(person)) return std::nullopt;
    return at_ms_[person];
  }
  /// Those of whom it is known.
  [[nodiscard]] const PersonBitmap& known() const { return known_; }

 private:
  explicit ProfilesCreated(WorkGuard& guard) : held_(guard) {}

  HeldBytes held_;
  PersonBitmap known_;
  std::vector<TimestampMs> at_ms_;
};

}  // namespace hf
