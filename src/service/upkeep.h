// SPDX-License-Identifier: Apache-2.0
//
// What people decide about the data themselves: who is who, who is to be forgotten, how long events
// are kept. Each is a control record of the log. Requires a store opened to own.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "log/record.h"
#include "store/store.h"

namespace hf {

/// "ann" or "user:ann" is a user id, "anonymous:x1" an anonymous one.
/// Errors: invalid_argument/bad_person_id (empty, over 255 bytes, not UTF-8).
[[nodiscard]] Result<PersonId> parse_person_id(std::string_view text);
[[nodiscard]] std::string to_string(const PersonId& id);

/// From now on the two are one person. Errors: invalid_argument/bad_link (twice the same id, or two
/// anonymous ones); those of Store::append().
[[nodiscard]] Result<void> link_persons(Store& store, const PersonId& a, const PersonId& b);
/// Whatever said that the two are one person no longer counts. Errors: the same.
[[nodiscard]] Result<void> unlink_persons(Store& store, const PersonId& a, const PersonId& b);

struct Erasure {
  std::vector<PersonId> ids;  ///< Of the person.
  std::uint64_t events = 0;
};
/// Forgets the person of these ids, whose ids they all must be or nobody's: no question sees an
/// event of it again, and compaction removes them from the parts; with `now` that is done when this
/// returns. The log keeps them as long as the duplicate index may need it (7 days).
/// Errors: not_found/no_person; those of Store::append() and compact().
[[nodiscard]] Result<Erasure> erase_person(Store& store, const PersonId& id, bool now);

/// Removes the events before a time, of one name or (empty) of all. Who did what first stays known
/// without its properties. Returns how many events went.
/// Errors: those of Store::append() and compact().
[[nodiscard]] Result<std::uint64_t> purge_events(Store& store, TimestampMs before_ms,
                                                 const std::string& event);

/// Has the activity purged that is older than the workspace keeps it (Settings::keep_events), where
/// there is any; it is gone from the files when compaction has come by. Whole local days are
/// counted back from now, or from the newest event where that is earlier: a clock that jumped ahead
/// takes nothing that is not old beside other events. True where something went. Errors: those of
/// Store::snapshot() and append().
[[nodiscard]] Result<bool> expire_events(Store& store);

}  // namespace hf
