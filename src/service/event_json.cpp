// SPDX-License-Identifier: Apache-2.0
#include "service/event_json.h"

#include "calendar/time_text.h"

namespace hf {
namespace {

void put_value(JsonWriter& out, const ValueView& value) {
  switch (value.kind) {
    case ValueKind::text: out.text(value.text); return;
    case ValueKind::number: out.raw(value.number.to_string()); return;
    case ValueKind::boolean: out.boolean(value.boolean); return;
    case ValueKind::big_number:
    case ValueKind::list:
    case ValueKind::json: out.raw(value.text); return;
  }
}

}  // namespace

void write_event(JsonWriter& out, const EventView& event) {
  out.key("time").text(format_rfc3339(event.time_ms, *Zone::utc()));
  out.key("event").text(event.name);
  if (!event.user_id.empty()) out.key("user_id").text(event.user_id);
  if (!event.anonymous_id.empty()) out.key("anonymous_id").text(event.anonymous_id);
  if (!event.message_id.empty()) out.key("message_id").text(event.message_id);
  if (!event.channel.empty()) out.key("channel").text(event.channel);
  out.key("properties").begin_object();
  for (const PropertyView& property : event.properties) {
    put_value(out.key(property.name), property.value);
  }
  out.end_object();
}

}  // namespace hf
