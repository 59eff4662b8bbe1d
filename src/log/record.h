// SPDX-License-Identifier: Apache-2.0
//
// What the log holds (docs/format/log.md, "Records"): events, and control records, which give
// everything else that changes what a question is answered its place in the same order.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "base/result.h"
#include "calendar/date.h"
#include "event/event.h"
#include "identity/person_key.h"

namespace hf {

struct PersonId {
  IdKind kind = IdKind::user;
  std::string id;
  friend bool operator==(const PersonId&, const PersonId&) = default;
};

/// One event as its source sent it. Views live as long as the bytes it was decoded from and the
/// scratch space given; its received_at is the frame's.
struct EventRecord {
  std::string_view source;  ///< Message ids are unique within it.
  EventView event;
};

/// Two ids are one person: a user id and an anonymous one as if an event of that time had brought
/// both, two user ids for good. Ends an unlink of the two before it.
struct LinkRecord {
  PersonId a;
  PersonId b;
  TimestampMs time_ms = 0;
  friend bool operator==(const LinkRecord&, const LinkRecord&) = default;
};

/// Whatever says that the two ids are one person, before or after, does not count, until a link of
/// the two follows.
struct UnlinkRecord {
  PersonId a;
  PersonId b;
  friend bool operator==(const UnlinkRecord&, const UnlinkRecord&) = default;
};

/// Everything known of these ids so far is gone. What comes later under them is a new person's.
struct EraseRecord {
  std::vector<PersonId> ids;
  friend bool operator==(const EraseRecord&, const EraseRecord&) = default;
};

/// Events before `before_ms` are gone, of that name or all that are activity; who did what first
/// stays known. What is so (identify, alias, group, hf:) does not age: it goes only by its name.
struct PurgeRecord {
  TimestampMs before_ms = 0;
  std::string event;  ///< Empty: all but those of is_inactive_name().
  [[nodiscard]] bool takes(std::string_view name, TimestampMs time_ms) const {
    return time_ms < before_ms && (event.empty() ? !is_inactive_name(name) : event == name);
  }
  friend bool operator==(const PurgeRecord&, const PurgeRecord&) = default;
};

/// How long events are kept: whole days, months or years as an ISO 8601 duration ("P24M").
/// Errors: invalid_argument/bad_duration.
[[nodiscard]] Result<Duration> parse_keep(std::string_view text);

/// Settings of the workspace; absent ones stay as they are.
struct SettingsRecord {
  std::optional<std::string> timezone;
  std::optional<std::string> currency;  ///< ISO 4217
  std::optional<WeekStart> week_start;
  std::optional<std::string> keep_events;  ///< parse_keep(); empty: for good.
  friend bool operator==(const SettingsRecord&, const SettingsRecord&) = default;
};

/// From here on the parts of an import are seen, or, undone, no longer.
struct ImportPartsRecord {
  std::uint32_t import = 0;
  bool undone = false;
  std::vector<std::string> parts;
  friend bool operator==(const ImportPartsRecord&, const ImportPartsRecord&) = default;
};

/// From here on decisions use this version of a programme, segment, journey, ..
struct DefinitionRecord {
  std::string kind;
  std::string name;
  std::uint64_t version = 0;
  std::string digest;  ///< Of its text.
  friend bool operator==(const DefinitionRecord&, const DefinitionRecord&) = default;
};

/// Time went on to here: how timers hear of it.
struct TickRecord {
  TimestampMs time_ms = 0;
  friend bool operator==(const TickRecord&, const TickRecord&) = default;
};

using LogRecord = std::variant<EventRecord, LinkRecord, UnlinkRecord, EraseRecord, PurgeRecord,
                               SettingsRecord, ImportPartsRecord, DefinitionRecord, TickRecord>;

[[nodiscard]] std::string encode_record(const LogRecord& record);
/// Events' properties are kept in `scratch`. Errors: data_loss/bad_record with what is wrong (the
/// caller adds the place).
[[nodiscard]] Result<LogRecord> decode_record(std::string_view bytes,
                                              std::vector<PropertyView>& scratch);

}  // namespace hf
