// SPDX-License-Identifier: Apache-2.0
//
// Calls of the Segment tracking spec, as flattened fields, and the events they are.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "event/event.h"

namespace hf {

enum class CallKind : std::uint8_t { identify, track, page, screen, group, alias };

/// What kind of call the fields are: `type` names it, and there is a userId or an anonymousId (for
/// alias a previousId will do), text or number. Nothing where they are no call.
[[nodiscard]] std::optional<CallKind> call_kind(std::span<const PropertyView> fields);
/// The kind that a `type` names.
[[nodiscard]] std::optional<CallKind> call_kind(std::string_view type);

/// Memory of the event that to_event() hands out.
struct CallBuffer {
  std::vector<PropertyView> properties;
  std::string user_id;  // Ids sent as numbers become texts.
  std::string anonymous_id;
  std::string message_id;
  std::string name;
};

/// The event that a call is; its views live as long as `fields` and `buffer`. Requires
/// call_kind(fields) == kind. Not validated: see validate().
///   track         name = event, properties = properties.*
///   page, screen  name = "page", "screen"; properties.*, and name and category as properties
///   identify      name = "identify"; traits.* as properties
///   group         name = "group"; traits.*, and groupId as property group_id
///   alias         name = "alias"; previousId as property previous_id
/// A property the call itself sets wins over one of that name in properties or traits. Time is
/// timestamp, else originalTimestamp, sentAt, receivedAt; a time without offset is UTC. message_id
/// is messageId, received_at receivedAt, the channel `channel` or context.channel.
/// Of context these are kept, as properties of their full name, unless the call has a property of
/// that name: context.page.url .path .referrer .title .search, context.campaign.*, context.locale,
/// context.timezone, context.userAgent, context.os.name, context.device.type, context.app.name
/// .version. The rest of context, integrations and fields of no meaning here are left out.
/// Errors, all invalid_argument: missing_time, invalid_time, time_out_of_range, invalid_properties
/// (properties or traits are no object).
[[nodiscard]] Result<EventView> to_event(CallKind kind, std::span<const PropertyView> fields,
                                         CallBuffer& buffer);

/// to_event() without what it says of time: time_ms is 0 and received_at_ms absent. Neither type
/// nor ids are looked at: the event may be of no person. Errors:
/// invalid_argument/invalid_properties.
[[nodiscard]] Result<EventView> to_untimed_event(CallKind kind,
                                                 std::span<const PropertyView> fields,
                                                 CallBuffer& buffer);

/// The time that a field of a call holds, read as to_event() does; nothing where the field is
/// absent or an empty text. Errors, invalid_argument: invalid_time, time_out_of_range.
[[nodiscard]] Result<std::optional<TimestampMs>> call_time(std::span<const PropertyView> fields,
                                                           std::string_view name);

/// True for the fields of context that to_event() reads: "context.locale".
[[nodiscard]] bool is_call_context(std::string_view name);

}  // namespace hf
