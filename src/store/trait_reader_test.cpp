// SPDX-License-Identifier: Apache-2.0
//
// Against a twin, through links, erasure, purges and compaction: living_store_test.cpp.
#include "store/trait_reader.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "base/sim_env.h"
#include "calendar/zone.h"
#include "store/store.h"

namespace hf {
namespace {

constexpr TimestampMs day(int n) { return 1'600'000'000'000 + n * ms_per_day; }

class Shop {
 public:
  Shop() : store_(Store::open(sim_.env(), "/data", Store::Access::own).value()) {
    sim_.set_now_ms(day(100));
  }

  void say(const std::string& user, const std::string& name, int on,
           const std::vector<PropertyView>& properties) {
    FrameBuilder frame;
    const std::string id = fmt::format("m{}", ++messages_);
    frame.add(encode_record(EventRecord{"app",
                                        {.user_id = user,
                                         .anonymous_id = {},
                                         .name = name,
                                         .time_ms = day(on),
                                         .message_id = id,
                                         .channel = {},
                                         .properties = properties}}));
    ASSERT_TRUE(store_->append(frame));
  }

  /// "day kind text" of each value, of the one person there is.
  std::vector<std::string> history(const std::string& trait) {
    const Snapshot snapshot = store_->snapshot().value();
    TraitReader reader = TraitReader::open(snapshot, trait).value();
    std::vector<std::string> out;
    for_each_person(snapshot, 0, snapshot.person_end, [&](PersonOrdinal, auto runs) {
      const auto values = reader.history(runs).value();
      for (const TraitValue& value : values) {
        out.push_back(fmt::format("{} {} {}", (value.time_ms - day(0)) / ms_per_day,
                                  to_string(value.value.kind), canonical_text(value.value)));
      }
      for (int at = -1; at < 10; ++at) {
        const TraitValue* held = value_at(values, day(at));
        const TraitValue* expected = nullptr;
        for (const TraitValue& value : values) {
          if (value.time_ms <= day(at)) expected = &value;
        }
        EXPECT_EQ(held, expected) << at;
      }
    });
    return out;
  }

  Store& store() { return *store_; }

 private:
  SimEnv sim_{1};
  std::unique_ptr<Store> store_;
  int messages_ = 0;
};

PropertyView text(std::string_view name, std::string_view value) {
  return {name, {.kind = ValueKind::text, .text = value}};
}
PropertyView number(std::string_view name, std::int64_t value) {
  return {name, {.kind = ValueKind::number, .number = Decimal::normalized(value, 0)}};
}

using Values = std::vector<std::string>;

TEST(TraitReader, TellsWhatIdentifyCallsSaidInTheOrderOfTheirTimes) {
  Shop shop;
  shop.say("ann", "identify", 5, {text("plan", "pro"), number("seats", 3)});
  shop.say("ann", "buy", 6, {text("plan", "of the floor")});  // Not of the person.
  shop.say("ann", "identify", 2, {text("plan", "free")});     // Came late.
  ASSERT_TRUE(shop.store().flush());
  shop.say("ann", "identify", 5, {text("plan", "team")});  // At the same time, later.
  shop.say("ann", "identify", 7, {number("plan", 2)});     // Of another type.
  EXPECT_EQ(shop.history("plan"),
            (Values{"2 text free", "5 text pro", "5 text team", "7 number 2"}));
  EXPECT_EQ(shop.history("seats"), Values{"5 number 3"});
  EXPECT_EQ(shop.history("colour"), Values{});
}

TEST(TraitReader, KnowsWhatIsOlderThanAPurgeThatDoesNotNameIdentify) {
  Shop shop;
  shop.say("ann", "identify", 1, {text("plan", "pro")});
  shop.say("ann", "buy", 1, {});
  shop.say("ann", "buy", 8, {});
  const auto purge = [&](const std::string& event) {
    FrameBuilder frame;
    frame.add(encode_record(PurgeRecord{.before_ms = day(5), .event = event}));
    ASSERT_TRUE(shop.store().append(frame));
    ASSERT_TRUE(shop.store().compact(Store::CompactionKind::clean));
  };
  purge("");
  EXPECT_EQ(shop.history("plan"), Values{"1 text pro"});
  purge("identify");
  EXPECT_EQ(shop.history("plan"), Values{});
}

}  // namespace
}  // namespace hf
