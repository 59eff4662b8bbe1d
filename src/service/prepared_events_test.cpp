// SPDX-License-Identifier: Apache-2.0
#include "service/prepared_events.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "base/rng.h"
#include "event/any_events.h"
#include "identity/person_key.h"
#include "log/record.h"

namespace hf {
namespace {

TEST(PreparedEvents, AreTheRecordsAndKeysOfTheirEventsInOrder) {
  const HashKey hash_key = {};
  for (std::uint64_t seed = 0; seed < 200; ++seed) {
    Rng rng(seed);
    PreparedEvents prepared(hash_key, "shop");
    EXPECT_TRUE(prepared.empty());
    std::vector<std::string> records;
    std::vector<std::optional<Hash128>> keys;
    std::size_t bytes = 0;
    bool has_keys = false;
    for (std::uint64_t n = rng.below(8); n > 0; --n) {
      test::any_event(rng).with_view([&](const EventView& event) {
        prepared.add(event);
        records.push_back(encode_record(EventRecord{"shop", event}));
        keys.push_back(event.message_id.empty()
                           ? std::nullopt
                           : std::optional(message_key(hash_key, "shop", event.message_id)));
      });
      bytes += records.back().size();
      has_keys |= keys.back().has_value();
    }
    ASSERT_EQ(prepared.size(), records.size()) << seed;
    EXPECT_EQ(prepared.empty(), records.empty());
    EXPECT_EQ(prepared.bytes(), bytes);
    EXPECT_EQ(prepared.has_keys(), has_keys);
    for (std::size_t i = 0; i < records.size(); ++i) {
      EXPECT_EQ(prepared.record(i), records[i]) << seed;
      EXPECT_EQ(prepared.key(i), keys[i]) << seed;
    }
  }
}

}  // namespace
}  // namespace hf
