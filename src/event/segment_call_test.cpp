// SPDX-License-Identifier: Apache-2.0
#include "event/segment_call.h"

#include <gtest/gtest.h>

#include <string>

#include "event/json_rows.h"

namespace hf {
namespace {

// What a line becomes: "no call", "! reason", or
// "user|anonymous|name|time|received_at|message_id|channel|property=value;.."
std::string event_of(const std::string& line) {
  JsonRowReader reader(ByteSource::from_bytes(line));
  const auto next = reader.next();
  if (!next || !std::holds_alternative<JsonRow>(*next)) return "no row";
  const JsonRow& row = std::get<JsonRow>(*next);
  if (!row.call) return "no call";
  CallBuffer buffer;
  const auto event = to_event(*row.call, row.fields, buffer);
  if (!event) return "! " + std::string(event.error().reason);
  std::string text;
  for (const std::string_view part : {event->user_id, event->anonymous_id, event->name}) {
    text += part;
    text += '|';
  }
  text += std::to_string(event->time_ms) + "|";
  if (event->received_at_ms) text += std::to_string(*event->received_at_ms);
  text += "|" + std::string(event->message_id) + "|" + std::string(event->channel) + "|";
  for (const PropertyView& property : event->properties) {
    text += std::string(property.name) + "=" + canonical_text(property.value) + ";";
  }
  return text;
}

TEST(SegmentCall, BecomesTheEventItMeans) {
  const std::string when = R"(,"timestamp":"1970-01-01T00:00:01.5Z"})";
  const struct {
    std::string_view name;
    std::string line;
    std::string_view event;
  } cases[] = {
      {"track",
       R"({"type":"track","userId":"u","anonymousId":"a","event":"Order Completed","messageId":"m",)"
       R"("properties":{"total":1.50,"coupon":null,"shop":{"id":7},"products":[{"sku":"x"}]})" +
           when,
       R"(u|a|Order Completed|1500||m||total=1.5;shop.id=7;products=[{"sku":"x"}];)"},
      {"track without properties", R"({"type":"track","userId":"u","event":"e")" + when,
       "u||e|1500||||"},
      {"track without event", R"({"type":"track","userId":"u")" + when, "u|||1500||||"},
      {"page",
       R"({"type":"page","anonymousId":"a","name":"Home","category":"Docs",)"
       R"("properties":{"name":"home","url":"/"})" +
           when,
       "|a|page|1500||||name=Home;url=/;category=Docs;"},
      {"screen", R"({"type":"screen","anonymousId":"a","name":"Home")" + when,
       "|a|screen|1500||||name=Home;"},
      {"identify",
       R"({"type":"identify","userId":"u","traits":{"plan":"pro","address":{"city":"x"}})" + when,
       "u||identify|1500||||plan=pro;address.city=x;"},
      {"group", R"({"type":"group","userId":"u","groupId":"g","traits":{"size":3})" + when,
       "u||group|1500||||size=3;group_id=g;"},
      {"alias", R"({"type":"alias","userId":"u","previousId":"p")" + when,
       "u||alias|1500||||previous_id=p;"},
      {"alias of no user", R"({"type":"alias","previousId":"p")" + when,
       "||alias|1500||||previous_id=p;"},
      {"ids sent as numbers", R"({"type":"track","userId":17850.0,"event":"e")" + when,
       "17850||e|1500||||"},
      {"what is kept of context",
       R"({"type":"track","userId":"u","event":"e","context":{"ip":"1.2.3.4","locale":"en",)"
       R"("page":{"url":"/a","tab_url":"/b"},"campaign":{"source":"x"},"library":{"name":"l"},)"
       R"("channel":"mobile"},"integrations":{"All":true})" +
           when,
       "u||e|1500|||mobile|context.locale=en;context.page.url=/a;context.campaign.source=x;"},
      {"channel",
       R"({"type":"track","userId":"u","event":"e","channel":"web","context":{"channel":"x"})" +
           when,
       "u||e|1500|||web|"},
      {"a property of a context name",
       R"({"type":"track","userId":"u","event":"e","properties":{"context":{"locale":"de"}},)"
       R"("context":{"locale":"en"})" +
           when,
       "u||e|1500||||context.locale=de;"},
      {"received at",
       R"({"type":"track","userId":"u","event":"e","receivedAt":"1970-01-01T00:00:09Z")" + when,
       "u||e|1500|9000|||"},
      {"times in order of meaning",
       R"({"type":"track","userId":"u","event":"e","sentAt":"1970-01-01T00:00:03Z",)"
       R"("originalTimestamp":"1970-01-01T00:00:02Z"})",
       "u||e|2000||||"},
      {"only received at",
       R"({"type":"track","userId":"u","event":"e","receivedAt":"1970-01-01T00:00:09Z"})",
       "u||e|9000|9000|||"},
      {"a time without offset is UTC",
       R"({"type":"track","userId":"u","event":"e","timestamp":"1970-01-02"})",
       "u||e|86400000||||"},
      {"no time", R"({"type":"track","userId":"u","event":"e","timestamp":null})",
       "! missing_time"},
      {"no ISO time", R"({"type":"track","userId":"u","event":"e","timestamp":"soon"})",
       "! invalid_time"},
      {"number as time", R"({"type":"track","userId":"u","event":"e","timestamp":1})",
       "! invalid_time"},
      {"time too early",
       R"({"type":"track","userId":"u","event":"e","timestamp":"1969-12-31T23:59:59Z"})",
       "! time_out_of_range"},
      {"properties no object",
       R"({"type":"track","userId":"u","event":"e","properties":[1])" + when,
       "! invalid_properties"},
      {"traits no object", R"({"type":"identify","userId":"u","traits":"x")" + when,
       "! invalid_properties"},
      {"no person", R"({"type":"track","event":"e")" + when, "no call"},
      {"empty person", R"({"type":"track","userId":"","event":"e")" + when, "no call"},
      {"another type", R"({"type":"sale","userId":"u")" + when, "no call"},
      {"no type", R"({"userId":"u")" + when, "no call"},
      {"alias needs an id", R"({"type":"alias")" + when, "no call"},
  };
  for (const auto& [name, line, event] : cases) EXPECT_EQ(event_of(line), event) << name;
}

}  // namespace
}  // namespace hf
