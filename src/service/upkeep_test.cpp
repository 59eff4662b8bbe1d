// SPDX-License-Identifier: Apache-2.0
#include "service/upkeep.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "service/import_world.h"
#include "service/person_card.h"

namespace hf {
namespace {

using test::ImportWorld;
using test::must;
using test::reason_of;
using testing::ElementsAre;
using testing::SizeIs;

constexpr std::string_view visits =
    "person,anonymous,event,time,value\n"
    "ann,x1,visit,2026-01-01,1\n"
    ",x1,visit,2026-01-02,2\n"
    "ann,x2,order,2026-01-03,3\n"
    "bob,x2,visit,2026-01-04,4\n"
    ",x3,visit,2026-01-05,5\n";

struct Shop : ImportWorld {
  Shop() {
    ImportOptions options;
    options.overrides.maps = {"person=person", "anonymous_id=anonymous"};
    must(import_text("a.csv", visits, options));
  }
  std::vector<std::string> ids(std::string_view of) {
    std::vector<std::string> out;
    for (const PersonId& id : must(store().ids_of(must(parse_person_id(of))))) {
      out.push_back(to_string(id));
    }
    return out;
  }
  std::uint64_t persons() {
    std::uint64_t count = 0;
    const Snapshot snapshot = must(store().snapshot());
    for_each_person(snapshot, 0, snapshot.person_end, [&](PersonOrdinal, auto) { ++count; });
    return count;
  }
  PersonId id(std::string_view text) { return must(parse_person_id(text)); }
};

TEST(PersonIdText, SaysItsKind) {
  EXPECT_EQ(must(parse_person_id("ann")), (PersonId{IdKind::user, "ann"}));
  EXPECT_EQ(must(parse_person_id("user:user:1")), (PersonId{IdKind::user, "user:1"}));
  EXPECT_EQ(must(parse_person_id("anonymous:x")), (PersonId{IdKind::anonymous, "x"}));
  EXPECT_EQ(reason_of(parse_person_id("")), "bad_person_id");
  EXPECT_EQ(reason_of(parse_person_id("anonymous:")), "bad_person_id");
  EXPECT_EQ(reason_of(parse_person_id(std::string(256, 'a'))), "bad_person_id");
  EXPECT_EQ(reason_of(parse_person_id("\xff")), "bad_person_id");
}

TEST(Upkeep, KnowsAllIdsOfAPerson) {
  Shop shop;
  // The second device was Ann's first.
  EXPECT_THAT(shop.ids("ann"), ElementsAre("user:ann", "anonymous:x1", "anonymous:x2"));
  EXPECT_THAT(shop.ids("anonymous:x2"), ElementsAre("user:ann", "anonymous:x1", "anonymous:x2"));
  EXPECT_THAT(shop.ids("bob"), ElementsAre("user:bob"));
  EXPECT_THAT(shop.ids("nobody"), SizeIs(0));
}

TEST(Upkeep, LinksAndUnlinks) {
  Shop shop;
  EXPECT_EQ(shop.persons(), 3u);
  must(link_persons(shop.store(), shop.id("ann"), shop.id("anonymous:x3")));
  EXPECT_EQ(shop.persons(), 2u);
  must(link_persons(shop.store(), shop.id("bob"), shop.id("ann")));
  EXPECT_EQ(shop.persons(), 1u);
  shop.close();
  EXPECT_EQ(shop.persons(), 1u);
  must(shop.store().compact(Store::CompactionKind::full));
  must(unlink_persons(shop.store(), shop.id("ann"), shop.id("bob")));
  EXPECT_EQ(shop.persons(), 2u);
  EXPECT_EQ(reason_of(link_persons(shop.store(), shop.id("ann"), shop.id("ann"))), "bad_link");
  EXPECT_EQ(reason_of(link_persons(shop.store(), shop.id("anonymous:a"), shop.id("anonymous:b"))),
            "bad_link");
}

TEST(Upkeep, ErasesAPersonWithAllItsIds) {
  for (const bool now : {false, true}) {
    Shop shop;
    const Erasure erased = must(erase_person(shop.store(), shop.id("anonymous:x1"), now));
    EXPECT_THAT(erased.ids, SizeIs(3));
    EXPECT_EQ(erased.events, 3u);
    EXPECT_EQ(shop.persons(), 2u);
    EXPECT_THAT(shop.ids("ann"), SizeIs(0));
    shop.close();
    EXPECT_EQ(shop.persons(), 2u);
    const std::string parts = "/data/parts/";
    std::string bytes;
    const auto files = must(shop.env().files.list(parts));
    for (const std::string& file : files) {
      bytes += must(read_file(shop.env(), parts + file, 1 << 20));
    }
    EXPECT_EQ(bytes.find("ann") == std::string::npos, now);
    EXPECT_EQ(reason_of(erase_person(shop.store(), shop.id("ann"), now)), "no_person");
    // Who comes back is new.
    must(shop.import_text("b.csv", "person,event,time,value\nann,visit,2026-02-01,6\n"));
    EXPECT_EQ(shop.persons(), 3u);
    EXPECT_THAT(shop.ids("ann"), ElementsAre("user:ann"));
  }
}

TEST(Upkeep, KeepsActivityAsLongAsTheWorkspaceSays) {
  Shop shop;
  const auto keep = [&](const std::string& period) {
    FrameBuilder frame;
    frame.add(encode_record(SettingsRecord{.keep_events = period}));
    must(shop.store().append(frame));
    const bool any = must(expire_events(shop.store()));
    EXPECT_FALSE(must(expire_events(shop.store()))) << "said twice";
    EXPECT_LE(shop.store().manifest().purges.size(), 1u);
    must(shop.store().compact(Store::CompactionKind::clean));
    return any;
  };
  EXPECT_FALSE(keep(""));
  EXPECT_FALSE(keep("P1M"));
  // The newest is of the 5th; today is far later.
  EXPECT_TRUE(keep("P2D"));
  EXPECT_THAT(shop.values("value"), ElementsAre("number 3", "number 4", "number 5"));
  EXPECT_FALSE(keep("P2D")) << "nothing more that is older";
  must(shop.import_text("b.csv",
                        "person,event,time\nann,identify,2025-01-01\nbob,visit,2026-01-09\n"));
  EXPECT_TRUE(keep("P2D"));
  const PersonCard ann = must(read_person_card(shop.store(), shop.id("ann")));
  EXPECT_THAT(ann.events, SizeIs(1)) << "who it is does not age";
  EXPECT_EQ(ann.first_seen_ms, 1'767'225'600'000);  // 2026-01-01
}

TEST(Upkeep, PurgesWhatIsOldAndTellsHowMuch) {
  Shop shop;
  EXPECT_EQ(must(purge_events(shop.store(), 1'767'398'400'000, "visit")), 2u);  // 2026-01-03
  EXPECT_THAT(shop.values("value"), ElementsAre("number 3", "number 4", "number 5"));
  EXPECT_EQ(must(purge_events(shop.store(), 1'767'398'400'000, "visit")), 0u);
  EXPECT_EQ(must(purge_events(shop.store(), 1'800'000'000'000, "")), 3u);
  EXPECT_EQ(shop.persons(), 0u);
  // What linked them still does.
  EXPECT_THAT(shop.ids("ann"), ElementsAre("user:ann", "anonymous:x1", "anonymous:x2"));
  const PersonCard ann = must(read_person_card(shop.store(), shop.id("anonymous:x2")));
  EXPECT_THAT(ann.events, SizeIs(0));
  EXPECT_EQ(ann.first_seen_ms, 1'767'225'600'000);  // 2026-01-01
  EXPECT_EQ(ann.last_seen_ms, std::nullopt);
}

}  // namespace
}  // namespace hf
