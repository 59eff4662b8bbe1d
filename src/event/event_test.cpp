// SPDX-License-Identifier: Apache-2.0
#include "event/event.h"

#include <gtest/gtest.h>

#include <functional>
#include <string>
#include <vector>

#include "calendar/zone.h"

namespace hf {
namespace {

TEST(Value, HasOneTextForComparisonAcrossTypes) {
  EXPECT_EQ(canonical_text({.kind = ValueKind::text, .text = "1"}), "1");
  EXPECT_EQ(canonical_text({.kind = ValueKind::number, .number = {-15, 1}}), "-1.5");
  EXPECT_EQ(canonical_text({.kind = ValueKind::boolean, .boolean = true}), "true");
  EXPECT_EQ(canonical_text({.kind = ValueKind::boolean}), "false");
  EXPECT_EQ(canonical_text({.kind = ValueKind::list, .text = "[1]"}), "[1]");
  EXPECT_EQ(to_string(ValueKind::big_number), "big_number");
}

TEST(Event, NamesThatNoWildcardMatches) {
  for (const auto* name : {"hf:sent", "hf:", "identify", "alias", "group"}) {
    EXPECT_TRUE(is_inactive_name(name)) << name;
  }
  for (const auto* name : {"", "h", "hf", "page", "screen", "groups", "Identify"}) {
    EXPECT_FALSE(is_inactive_name(name)) << name;
  }
}

// An event and what its views point to.
struct Draft {
  std::string user_id = "u";
  std::string anonymous_id;
  std::string name = "e";
  std::string message_id;
  std::string channel;
  TimestampMs time_ms = 1;
  std::optional<TimestampMs> received_at_ms;
  std::vector<std::pair<std::string, std::string>> properties;

  std::string refusal() const {
    std::vector<PropertyView> views;
    for (const auto& [property, text] : properties) {
      views.push_back({property, {.kind = ValueKind::text, .text = text}});
    }
    const auto checked = validate({.user_id = user_id,
                                   .anonymous_id = anonymous_id,
                                   .name = name,
                                   .time_ms = time_ms,
                                   .received_at_ms = received_at_ms,
                                   .message_id = message_id,
                                   .channel = channel,
                                   .properties = views});
    if (checked) return "";
    EXPECT_EQ(checked.error().code, ErrorCode::invalid_argument);
    return std::string(checked.error().reason);
  }
};

TEST(Event, IsHeldToItsLimitsExactly) {
  const auto many = [](Draft& draft, int n) {
    for (int i = 0; i < n; ++i) draft.properties.emplace_back("p" + std::to_string(i), "");
  };
  const struct {
    std::string_view name;
    std::function<void(Draft&)> change;
    std::string_view refusal;
  } cases[] = {
      {"good", [](Draft&) {}, ""},
      {"anonymous", [](Draft& d) { d.user_id = "", d.anonymous_id = "a"; }, ""},
      {"nobody", [](Draft& d) { d.user_id = ""; }, "missing_person"},
      {"no name", [](Draft& d) { d.name = ""; }, "missing_event"},
      {"reserved name", [](Draft& d) { d.name = "hf:sent"; }, "reserved_name"},
      {"user id no UTF-8", [](Draft& d) { d.user_id = "\xFF"; }, "invalid_utf8"},
      {"anonymous id no UTF-8", [](Draft& d) { d.anonymous_id = "\xFF"; }, "invalid_utf8"},
      {"name no UTF-8", [](Draft& d) { d.name = "\xC3"; }, "invalid_utf8"},
      {"message id no UTF-8", [](Draft& d) { d.message_id = "\xC3"; }, "invalid_utf8"},
      {"channel no UTF-8", [](Draft& d) { d.channel = "\xC3"; }, "invalid_utf8"},
      {"property no UTF-8",
       [](Draft& d) {
         d.properties = {{"\xC3", ""}};
       },
       "invalid_utf8"},
      {"value no UTF-8",
       [](Draft& d) {
         d.properties = {{"", "\xC3"}};
       },
       "invalid_utf8"},
      {"longest name", [](Draft& d) { d.name = std::string(255, 'n'); }, ""},
      {"name too long", [](Draft& d) { d.name = std::string(256, 'n'); }, "name_too_long"},
      {"longest property name",
       [](Draft& d) {
         d.properties = {{std::string(255, 'n'), ""}};
       },
       ""},
      {"property name too long",
       [](Draft& d) {
         d.properties = {{std::string(256, 'n'), ""}};
       },
       "name_too_long"},
      {"longest id", [](Draft& d) { d.user_id = std::string(255, 'n'); }, ""},
      {"id too long", [](Draft& d) { d.user_id = std::string(256, 'n'); }, "id_too_long"},
      {"anonymous id too long", [](Draft& d) { d.anonymous_id = std::string(256, 'n'); },
       "id_too_long"},
      {"message id too long", [](Draft& d) { d.message_id = std::string(256, 'n'); },
       "id_too_long"},
      {"channel too long", [](Draft& d) { d.channel = std::string(256, 'n'); }, "id_too_long"},
      {"most properties", [&](Draft& d) { many(d, 255); }, ""},
      {"too many properties", [&](Draft& d) { many(d, 256); }, "too_many_properties"},
      {"largest",
       [](Draft& d) {
         d.properties = {{"p", std::string(32 * 1024 - 3, 'x')}};
       },
       ""},
      {"too large",
       [](Draft& d) {
         d.properties = {{"p", std::string(32 * 1024 - 2, 'x')}};
       },
       "event_too_large"},
      {"first time", [](Draft& d) { d.time_ms = timestamp_min_ms; }, ""},
      {"too early", [](Draft& d) { d.time_ms = timestamp_min_ms - 1; }, "time_out_of_range"},
      {"last time", [](Draft& d) { d.time_ms = timestamp_end_ms - 1; }, ""},
      {"too late", [](Draft& d) { d.time_ms = timestamp_end_ms; }, "time_out_of_range"},
      {"received too late", [](Draft& d) { d.received_at_ms = timestamp_end_ms; },
       "time_out_of_range"},
  };
  for (const auto& [name, change, refusal] : cases) {
    Draft draft;
    change(draft);
    EXPECT_EQ(draft.refusal(), refusal) << name;
  }
}

}  // namespace
}  // namespace hf
