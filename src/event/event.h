// SPDX-License-Identifier: Apache-2.0
//
// The one event (DESIGN: "Three things exist once"). EventView is how every reader hands rows on;
// its views live as long as the reader says.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

#include "base/env.h"
#include "base/result.h"
#include "base/utf8.h"
#include "event/value.h"

namespace hf {

struct PropertyView {
  std::string_view name;  ///< Flattened with '.'.
  ValueView value;
};

struct EventView {
  std::string_view user_id;  ///< Empty when absent; at least one of the two ids is present.
  std::string_view anonymous_id;
  std::string_view name;  ///< "page", "screen", "identify", "alias", "group" for those calls.
  TimestampMs time_ms = 0;
  std::optional<TimestampMs> received_at_ms = {};  ///< Absent: the time of import.
  std::string_view message_id;                     ///< Empty when absent.
  std::string_view channel;                        ///< Empty when absent.
  std::span<const PropertyView> properties;        ///< Names distinct.
};

namespace limits {
inline constexpr std::size_t event_bytes_max = 32 * 1024;
inline constexpr std::size_t properties_max = 255;
inline constexpr std::size_t name_bytes_max = 255;  ///< Event and property names.
inline constexpr std::size_t id_bytes_max = 255;    ///< User, anonymous and message ids, channel.
inline constexpr std::size_t depth_max = 64;
inline constexpr TimestampMs ahead_ms_max = 24 * 3600 * 1000;  ///< Of received_at.
}  // namespace limits

/// True for names that "*" never matches: hf:.., identify, alias, group.
[[nodiscard]] bool is_inactive_name(std::string_view name);

/// Checks what every source must hold to. Towards event_bytes_max count names, ids and texts with
/// their length, a number with 8 bytes, a boolean with 1. Errors, all invalid_argument:
/// missing_person, missing_event, reserved_name (hf:), invalid_utf8, name_too_long, id_too_long,
/// too_many_properties, event_too_large, time_out_of_range.
[[nodiscard]] Result<void> validate(const EventView& event);

}  // namespace hf
