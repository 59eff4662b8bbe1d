// SPDX-License-Identifier: Apache-2.0
#include "event/event.h"

#include <fmt/format.h>

#include "calendar/zone.h"

namespace hf {
namespace {

bool is_in_time_range(TimestampMs time_ms) {
  return time_ms >= timestamp_min_ms && time_ms < timestamp_end_ms;
}

std::size_t bytes_of(const EventView& event) {
  std::size_t bytes = event.user_id.size() + event.anonymous_id.size() + event.name.size() +
                      event.message_id.size() + event.channel.size();
  for (const PropertyView& property : event.properties) {
    bytes += property.name.size();
    switch (property.value.kind) {
      case ValueKind::number: bytes += 8; break;
      case ValueKind::boolean: bytes += 1; break;
      case ValueKind::text:
      case ValueKind::big_number:
      case ValueKind::list:
      case ValueKind::json: bytes += property.value.text.size(); break;
    }
  }
  return bytes;
}

Result<void> check_utf8(std::string_view what, std::string_view text) {
  if (is_utf8(text)) return {};
  return fail(ErrorCode::invalid_argument, "invalid_utf8",
              fmt::format("not valid UTF-8: {}", what));
}

Result<void> check_id_length(std::string_view what, std::string_view text) {
  if (text.size() <= limits::id_bytes_max) return {};
  return fail(
      ErrorCode::invalid_argument, "id_too_long",
      fmt::format("{} is longer than {} bytes: {}", what, limits::id_bytes_max, text.size()));
}

Result<void> check_name_length(std::string_view what, std::string_view text) {
  if (text.size() <= limits::name_bytes_max) return {};
  return fail(
      ErrorCode::invalid_argument, "name_too_long",
      fmt::format("{} is longer than {} bytes: {}", what, limits::name_bytes_max, text.size()));
}

}  // namespace

bool is_inactive_name(std::string_view name) {
  return name.starts_with("hf:") || name == "identify" || name == "alias" || name == "group";
}

Result<void> validate(const EventView& event) {
  constexpr auto invalid = ErrorCode::invalid_argument;
  if (event.user_id.empty() && event.anonymous_id.empty()) {
    return fail(invalid, "missing_person", "neither a user id nor an anonymous id");
  }
  if (event.name.empty()) return fail(invalid, "missing_event", "no event name");
  if (event.name.starts_with("hf:")) {
    return fail(invalid, "reserved_name", "event names beginning with hf: are reserved");
  }
  HF_CHECK(check_utf8("user id", event.user_id));
  HF_CHECK(check_utf8("anonymous id", event.anonymous_id));
  HF_CHECK(check_utf8("event name", event.name));
  HF_CHECK(check_utf8("message id", event.message_id));
  HF_CHECK(check_utf8("channel", event.channel));
  for (const PropertyView& property : event.properties) {
    HF_CHECK(check_utf8("property name", property.name));
    HF_CHECK(check_utf8("property value", property.value.text));
  }
  HF_CHECK(check_name_length("event name", event.name));
  for (const PropertyView& property : event.properties) {
    HF_CHECK(check_name_length("property name", property.name));
  }
  HF_CHECK(check_id_length("user id", event.user_id));
  HF_CHECK(check_id_length("anonymous id", event.anonymous_id));
  HF_CHECK(check_id_length("message id", event.message_id));
  HF_CHECK(check_id_length("channel", event.channel));
  if (event.properties.size() > limits::properties_max) {
    return fail(invalid, "too_many_properties",
                fmt::format("more than {} properties: {}", limits::properties_max,
                            event.properties.size()));
  }
  if (const std::size_t bytes = bytes_of(event); bytes > limits::event_bytes_max) {
    return fail(invalid, "event_too_large",
                fmt::format("event is larger than {} bytes: {}", limits::event_bytes_max, bytes));
  }
  if (!is_in_time_range(event.time_ms) ||
      (event.received_at_ms && !is_in_time_range(*event.received_at_ms))) {
    return fail(invalid, "time_out_of_range", "time is not between 1970 and 2100");
  }
  return {};
}

}  // namespace hf
