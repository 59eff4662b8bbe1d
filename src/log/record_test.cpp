// SPDX-License-Identifier: Apache-2.0
#include "log/record.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/rng.h"
#include "event/any_events.h"

namespace hf {
namespace {

using testing::HasSubstr;

std::string reason_and_message(std::string_view bytes) {
  std::vector<PropertyView> scratch;
  const auto record = decode_record(bytes, scratch);
  if (record) return "read";
  return std::string(record.error().reason) + ": " + record.error().message;
}

TEST(EventRecord, IsReadBackAsItWas) {
  Rng rng(5);
  std::vector<PropertyView> scratch;
  for (int i = 0; i < 20'000; ++i) {
    const test::AnyEvent event = test::any_event(rng);
    event.with_view([&](const EventView& view) {
      const std::string bytes = encode_record(EventRecord{"shop", view});
      const auto record = decode_record(bytes, scratch);
      ASSERT_TRUE(record);
      const auto& read = std::get<EventRecord>(*record);
      EXPECT_EQ(read.source, "shop");
      EXPECT_EQ(read.event.user_id, view.user_id);
      EXPECT_EQ(read.event.anonymous_id, view.anonymous_id);
      EXPECT_EQ(read.event.name, view.name);
      EXPECT_EQ(read.event.time_ms, view.time_ms);
      EXPECT_EQ(read.event.message_id, view.message_id);
      EXPECT_EQ(read.event.channel, view.channel);
      ASSERT_EQ(read.event.properties.size(), view.properties.size());
      for (std::size_t p = 0; p < view.properties.size(); ++p) {
        const PropertyView& expected = view.properties[p];
        const PropertyView& property = read.event.properties[p];
        EXPECT_EQ(property.name, expected.name);
        EXPECT_EQ(property.value.kind, expected.value.kind);
        EXPECT_EQ(canonical_text(property.value), canonical_text(expected.value));
      }
      // No shorter form is a record, and nothing may follow it.
      for (std::size_t size = 0; i < 50 && size < bytes.size(); ++size) {
        EXPECT_FALSE(decode_record(std::string_view(bytes).substr(0, size), scratch)) << size;
      }
      EXPECT_FALSE(decode_record(bytes + "x", scratch));
    });
  }
}

TEST(ControlRecord, IsReadBackAsItWas) {
  const PersonId ann{IdKind::user, "ann \"x\" Ä"};
  const PersonId visitor{IdKind::anonymous, "v"};
  const LogRecord records[] = {
      LinkRecord{ann, visitor, 1'700'000'000'123},
      UnlinkRecord{visitor, ann},
      EraseRecord{{ann, visitor}},
      EraseRecord{},
      PurgeRecord{1'600'000'000'000, "page"},
      PurgeRecord{1'600'000'000'000, ""},
      SettingsRecord{.timezone = "Europe/Berlin"},
      SettingsRecord{.currency = "CNY", .week_start = WeekStart::sunday},
      SettingsRecord{.week_start = WeekStart::monday},
      SettingsRecord{.keep_events = "P24M"},
      SettingsRecord{.keep_events = ""},
      SettingsRecord{},
      ImportPartsRecord{7, false, {"00000001.part", "00000002.part"}},
      ImportPartsRecord{7, true, {}},
      DefinitionRecord{"programme", "Stammkunden", 18'446'744'073'709'551'615u, "ab"},
      TickRecord{1'700'000'000'000},
  };
  std::vector<PropertyView> scratch;
  for (const LogRecord& record : records) {
    const std::string bytes = encode_record(record);
    const auto read = decode_record(bytes, scratch);
    ASSERT_TRUE(read) << bytes.substr(1) << ": " << read.error().message;
    EXPECT_EQ(read->index(), record.index());
    EXPECT_EQ(encode_record(*read), bytes);
  }
}

TEST(ControlRecord, OfOtherShapeIsRefused) {
  const std::string_view cases[] = {
      "",
      std::string_view("\0{}", 3),
      "\x0a{}",
      "\x02",
      "\x02{}",
      "\x02[]",
      R"(2{"a":{"user":"x"},"b":{"user":"y"}})",
      R"(2{"a":{"user":"x"},"b":{"user":"y"},"time":-1})",
      R"(2{"a":{"user":"x"},"b":{"user":"y"},"time":1.5})",
      R"(2{"a":{"user":"x"},"b":{"user":"y"},"time":99999999999999})",
      R"(2{"a":{"user":"x"},"b":{"email":"y"},"time":1})",
      R"(2{"a":{"user":"x"},"b":{"user":"y","anonymous":"z"},"time":1})",
      R"(2{"a":{"user":"x"},"b":{"user":1},"time":1})",
      R"(2{"a":{"user":"x"},"b":{"user":"y"},"time":1,"more":1})",
      R"(4{"ids":{"user":"x"}})",
      R"(6{"week_start":"friday"})",
      R"(6{"keep_events":"PT36H"})",
      R"(6{"keep_events":"long"})",
      R"(6{"timezone":null})",
      R"(7{"import":-1,"parts":[]})",
      R"(7{"import":1,"undone":false,"parts":[]})",
      R"(7{"import":1,"parts":[1]})",
  };
  for (std::string_view c : cases) {
    std::string bytes(c);
    if (!bytes.empty() && bytes[0] >= '1' && bytes[0] <= '9') bytes[0] -= '0';
    EXPECT_THAT(reason_and_message(bytes), HasSubstr("bad_record")) << c;
  }
  EXPECT_EQ(reason_and_message("\x0a{}"),
            "bad_record: a record of kind 10, which this program does not know");
}

}  // namespace
}  // namespace hf
