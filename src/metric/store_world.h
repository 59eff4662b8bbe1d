// SPDX-License-Identifier: Apache-2.0
//
// Test support: a store on a machine in memory, to which events and links come by the log.
#pragma once

#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <utility>

#include "metric/event_world.h"
#include "store/store.h"

namespace hf::test {

class StoreWorld {
 public:
  explicit StoreWorld(TimestampMs now_ms, std::string_view zone_name = "UTC") : env_(1) {
    env_.set_now_ms(now_ms);
    zone_ = Zone::load(real_env(), zone_name).value();
    if (zone_name != "UTC") {
      const std::string path = fmt::format("/usr/share/zoneinfo/{}", zone_name);
      const std::string rules = read_file(real_env(), path, 1 << 20).value();
      EXPECT_TRUE(env_.env().files.make_directories(path.substr(0, path.rfind('/'))));
      EXPECT_TRUE(replace_file(env_.env(), path, rules));
    }
    // The clock of the simulation, the zones of the system.
    real_zones_ = std::make_unique<Env>(
        Env{.files = real_env().files, .clock = env_.env().clock, .random = env_.env().random});
    store_ = Store::open(env_.env(), "/data", Store::Access::own).value();
    tell(SettingsRecord{.timezone = std::string(zone_name)});
  }

  void add(const WorldEvent& event, std::string_view visitor = {}) {
    const auto properties = event.views();
    tell(EventRecord{"test",
                     {.user_id = event.person,
                      .anonymous_id = visitor,
                      .name = event.name,
                      .time_ms = event.time_ms,
                      .properties = properties}});
  }
  void tell(const LogRecord& record) {
    FrameBuilder frame;
    frame.add(encode_record(record));
    EXPECT_TRUE(store_->append(frame));
  }
  /// All events are in parts from now on.
  void flush() { EXPECT_TRUE(store_->flush()); }
  void compact() { EXPECT_TRUE(store_->compact(Store::CompactionKind::full)); }

  Store& store() { return *store_; }
  Snapshot snapshot() { return store_->snapshot().value(); }
  QueryContext context(unsigned threads = 1) const {
    return {.env = *real_zones_, .default_zone = zone_, .threads = threads};
  }

 private:
  SimEnv env_;
  std::shared_ptr<const Zone> zone_;
  std::unique_ptr<Env> real_zones_;
  std::unique_ptr<Store> store_;
};

}  // namespace hf::test
