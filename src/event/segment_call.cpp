// SPDX-License-Identifier: Apache-2.0
#include "event/segment_call.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <string_view>
#include <utility>

#include "base/assert.h"
#include "calendar/time_text.h"

namespace hf {
namespace {

constexpr auto invalid = ErrorCode::invalid_argument;

constexpr std::array<std::pair<std::string_view, CallKind>, 6> kinds = {{
    {"track", CallKind::track},
    {"page", CallKind::page},
    {"identify", CallKind::identify},
    {"screen", CallKind::screen},
    {"group", CallKind::group},
    {"alias", CallKind::alias},
}};

constexpr std::string_view kept_context[] = {
    "context.page.url",    "context.page.path",   "context.page.referrer", "context.page.title",
    "context.page.search", "context.locale",      "context.timezone",      "context.userAgent",
    "context.os.name",     "context.device.type", "context.app.name",      "context.app.version",
};

bool is_kept_context(std::string_view name) {
  return name.starts_with("context.campaign.") || std::ranges::count(kept_context, name) > 0;
}

const ValueView* find(std::span<const PropertyView> fields, std::string_view name) {
  const auto field = std::ranges::find(fields, name, &PropertyView::name);
  return field == fields.end() ? nullptr : &field->value;
}

bool is_id(const ValueView* value) {
  if (value == nullptr) return false;
  if (value->kind == ValueKind::text) return !value->text.empty();
  return value->kind == ValueKind::number || value->kind == ValueKind::big_number;
}

/// The text of an id or name; numbers are written into `storage`. Empty when absent.
std::string_view id_text(std::span<const PropertyView> fields, std::string_view name,
                         std::string& storage) {
  const ValueView* value = find(fields, name);
  if (!is_id(value)) return {};
  if (value->kind != ValueKind::number) return value->text;
  storage = value->number.to_string();
  return storage;
}

std::string_view text_of(std::span<const PropertyView> fields, std::string_view name) {
  const ValueView* value = find(fields, name);
  return value != nullptr && value->kind == ValueKind::text ? value->text : std::string_view();
}

Result<TimestampMs> time_of_call(std::span<const PropertyView> fields) {
  for (const std::string_view name : {"timestamp", "originalTimestamp", "sentAt", "receivedAt"}) {
    HF_TRY(const std::optional<TimestampMs> time_ms, call_time(fields, name));
    if (time_ms) return *time_ms;
  }
  return fail(invalid, "missing_time", "the call has no timestamp");
}

/// Appends what lies below `prefix`, without it.
Result<void> append_below(std::span<const PropertyView> fields, std::string_view prefix,
                          std::vector<PropertyView>& properties) {
  for (const PropertyView& field : fields) {
    if (!field.name.starts_with(prefix)) continue;
    if (field.name.size() == prefix.size()) {
      return fail(invalid, "invalid_properties", fmt::format("not an object: {}", prefix));
    }
    if (field.name[prefix.size()] != '.') continue;
    properties.push_back({field.name.substr(prefix.size() + 1), field.value});
  }
  return {};
}

void set_property(std::span<const PropertyView> fields, std::string_view from,
                  std::string_view name, std::vector<PropertyView>& properties) {
  const ValueView* value = find(fields, from);
  if (value == nullptr) return;
  const auto property = std::ranges::find(properties, name, &PropertyView::name);
  if (property != properties.end()) {
    property->value = *value;
  } else {
    properties.push_back({name, *value});
  }
}

}  // namespace

std::optional<CallKind> call_kind(std::span<const PropertyView> fields) {
  const std::optional<CallKind> kind = call_kind(text_of(fields, "type"));
  if (!kind) return std::nullopt;
  const bool has_person = is_id(find(fields, "userId")) || is_id(find(fields, "anonymousId")) ||
                          (*kind == CallKind::alias && is_id(find(fields, "previousId")));
  return has_person ? kind : std::nullopt;
}

std::optional<CallKind> call_kind(std::string_view type) {
  const auto kind = std::ranges::find(kinds, type, &std::pair<std::string_view, CallKind>::first);
  return kind == kinds.end() ? std::nullopt : std::optional(kind->second);
}

bool is_call_context(std::string_view name) {
  return name == "context.channel" || is_kept_context(name);
}

Result<std::optional<TimestampMs>> call_time(std::span<const PropertyView> fields,
                                             std::string_view name) {
  const ValueView* value = find(fields, name);
  if (value == nullptr || (value->kind == ValueKind::text && value->text.empty())) {
    return std::nullopt;
  }
  if (value->kind != ValueKind::text) {
    return fail(invalid, "invalid_time", fmt::format("not a text that holds a time: {}", name));
  }
  if (const auto time_ms = parse_rfc3339(value->text)) return time_ms;
  const auto time_ms = parse_time(value->text, TimeFormat{}, *Zone::utc());
  if (time_ms) return *time_ms;
  switch (time_ms.error()) {
    case TimeError::not_a_time:
      return fail(invalid, "invalid_time", fmt::format("not an ISO 8601 time: {}", name));
    case TimeError::out_of_range:
      return fail(invalid, "time_out_of_range",
                  fmt::format("time is not between 1970 and 2100: {}", name));
  }
  HF_ASSERT(!"an unknown time error");
  return std::nullopt;
}

Result<EventView> to_event(CallKind kind, std::span<const PropertyView> fields,
                           CallBuffer& buffer) {
  HF_TRY(const TimestampMs time_ms, time_of_call(fields));
  HF_TRY(const std::optional<TimestampMs> received_at_ms, call_time(fields, "receivedAt"));
  HF_TRY(EventView event, to_untimed_event(kind, fields, buffer));
  event.time_ms = time_ms;
  event.received_at_ms = received_at_ms;
  return event;
}

Result<EventView> to_untimed_event(CallKind kind, std::span<const PropertyView> fields,
                                   CallBuffer& buffer) {
  EventView event;
  event.user_id = id_text(fields, "userId", buffer.user_id);
  event.anonymous_id = id_text(fields, "anonymousId", buffer.anonymous_id);
  event.message_id = id_text(fields, "messageId", buffer.message_id);
  event.channel = text_of(fields, "channel");
  if (event.channel.empty()) event.channel = text_of(fields, "context.channel");

  std::vector<PropertyView>& properties = buffer.properties;
  properties.clear();
  switch (kind) {
    case CallKind::track:
      event.name = id_text(fields, "event", buffer.name);
      HF_CHECK(append_below(fields, "properties", properties));
      break;
    case CallKind::page:
    case CallKind::screen:
      event.name = kind == CallKind::page ? "page" : "screen";
      HF_CHECK(append_below(fields, "properties", properties));
      set_property(fields, "name", "name", properties);
      set_property(fields, "category", "category", properties);
      break;
    case CallKind::identify:
      event.name = "identify";
      HF_CHECK(append_below(fields, "traits", properties));
      break;
    case CallKind::group:
      event.name = "group";
      HF_CHECK(append_below(fields, "traits", properties));
      set_property(fields, "groupId", "group_id", properties);
      break;
    case CallKind::alias:
      event.name = "alias";
      set_property(fields, "previousId", "previous_id", properties);
      break;
  }
  const std::size_t own = properties.size();
  for (const PropertyView& field : fields) {
    if (!field.name.starts_with("context.") || !is_kept_context(field.name)) continue;
    if (find(std::span(properties).first(own), field.name) == nullptr) properties.push_back(field);
  }
  event.properties = properties;
  return event;
}

}  // namespace hf
