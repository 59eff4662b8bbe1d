// SPDX-License-Identifier: Apache-2.0
#include "service/verify.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/rng.h"
#include "base/sim_env.h"
#include "event/any_events.h"
#include "service/appender.h"
#include "service/plain_state_file.h"

namespace hf {
namespace {

using testing::HasSubstr;
using testing::IsEmpty;

const std::string directory = "/data";

/// A directory with parts, a log of several files, and runs of message keys.
void fill(SimEnv& sim) {
  Rng rng(3);
  const auto store =
      Store::open(sim.env(), directory, Store::Access::own, {.log = {.file_bytes = 4'000}}).value();
  const auto appender = Appender::open(*store, {.table_keys = 16}).value();
  for (int i = 0; i < 60; ++i) {
    for (int n = 0; n < 3; ++n) {
      test::any_event(rng).with_view([&](const EventView& view) { appender->add("app", view); });
    }
    ASSERT_TRUE(appender->commit());
    ASSERT_TRUE(appender->maintain());
    if (i % 20 == 10) {
      ASSERT_TRUE(store->flush());
    }
  }
}

std::vector<std::string> files_below(const Env& env, const std::string& path) {
  std::vector<std::string> out;
  for (const std::string below : {"", "/parts", "/log", "/duplicates"}) {
    const auto names = env.files.list(path + below).value();
    for (const std::string& name : names) {
      const std::string file = path + below + "/" + name;
      if (!env.files.list(file) && name != "LOCK") out.push_back(file);
    }
  }
  return out;
}

TEST(Verify, FindsASoundDirectorySound) {
  SimEnv sim(1);
  fill(sim);
  const auto found = verify_data(sim.env(), directory).value();
  EXPECT_THAT(found.damage, IsEmpty());
  EXPECT_EQ(found.parts, 3u);
  EXPECT_GT(found.part_events, 50u);
  EXPECT_GT(found.log_files, 2u);
  EXPECT_GT(found.log_records, found.part_events);
  EXPECT_GT(found.duplicate_keys, 16u);
  EXPECT_EQ(verify_data(sim.env(), "/nothing").error().reason, "no_data_directory");
}

TEST(VerifyDamage, OfAnyFileIsToldWithItsName) {
  SimEnv sim(1);
  fill(sim);
  const Env env = sim.env();
  Rng rng(5);
  const auto files = files_below(env, directory);
  EXPECT_GT(files.size(), 8u);
  int told = 0;
  for (const std::string& file : files) {
    const std::string sound = read_file(env, file, 1 << 24).value();
    for (int i = 0; i < 60; ++i) {
      SCOPED_TRACE(file);
      std::string damaged = sound;
      const std::size_t at = rng.below(sound.size());
      if (i == 0) {
        damaged.resize(sound.size() / 2);
      } else {
        damaged[at] = static_cast<char>(damaged[at] ^ (1 << rng.below(8)));
      }
      ASSERT_TRUE(replace_file(env, file, damaged));
      const auto found = verify_data(env, directory);
      ASSERT_TRUE(found) << found.error().message;
      if (!found->damage.empty()) {
        ++told;
        const std::string name =
            file.ends_with("MANIFEST") ? "manifest" : file.substr(0, file.rfind('/'));
        EXPECT_THAT(found->damage.front(), HasSubstr(name));
      } else {
        // Harmless: a seal, or room not yet used.
        EXPECT_THAT(file, HasSubstr("/log/"));
      }
      ASSERT_TRUE(replace_file(env, file, sound));
    }
  }
  EXPECT_GT(told, 300);
  EXPECT_THAT(verify_data(env, directory)->damage, IsEmpty());
}

TEST(Verify, ReadsTheStateToo) {
  SimEnv sim(1);
  fill(sim);
  const Env env = sim.env();
  const std::string path = directory + "/state.sqlite";
  const test::PlainStateFile state_file(env);
  const auto verified = [&] {
    return verify_data(
               env, directory, [](const std::string&) {}, &state_file)
        .value();
  };
  EXPECT_FALSE(verified().state.has_value());
  ASSERT_TRUE(replace_file(env, path, test::plain_state(1, 2, 3)));
  const Verification sound = verified();
  EXPECT_THAT(sound.damage, IsEmpty());
  ASSERT_TRUE(sound.state.has_value());
  EXPECT_EQ(sound.state->keys, 2u);
  EXPECT_EQ(verify_data(env, directory).error().reason, "state_not_supported");
  ASSERT_TRUE(replace_file(env, path, "1 2 3"));
  EXPECT_THAT(verified().damage,
              testing::ElementsAre("/data/state.sqlite: a row is damaged in table key"));
}

}  // namespace
}  // namespace hf
