// SPDX-License-Identifier: Apache-2.0
#include "base/sim_env.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>
#include <string>
#include <thread>

#include "base/rng.h"

namespace hf {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

std::span<const std::byte> as_bytes(std::string_view text) {
  return std::as_bytes(std::span(text));
}

std::string content_of(SimEnv& sim, const std::string& path) {
  const auto bytes = read_file(sim.env(), path, 1 << 20);
  return bytes ? *bytes : "(" + std::string(bytes.error().reason) + ")";
}

std::unique_ptr<File> opened(SimEnv& sim, const std::string& path, OpenMode mode) {
  auto file = sim.env().files.open(path, mode);
  EXPECT_TRUE(file.has_value());
  return *std::move(file);
}

// Leaves a durable file.
void put(SimEnv& sim, const std::string& path, std::string_view text) {
  const auto file = opened(sim, path, OpenMode::create);
  ASSERT_TRUE(file->write_at(0, as_bytes(text)));
  ASSERT_TRUE(file->sync());
  ASSERT_TRUE(sim.env().files.sync_directory("/"));
}

TEST(SimEnv, BehavesLikeAFileSystemWhileThePowerIsOn) {
  SimEnv sim(1);
  FileSystem& files = sim.env().files;
  EXPECT_EQ(files.open("/a", OpenMode::read).error().reason, "not_found");
  EXPECT_EQ(files.open("/no/a", OpenMode::create).error().reason, "not_found");
  put(sim, "/a", "hello");
  EXPECT_EQ(files.open("/a", OpenMode::create_new).error().reason, "already_exists");
  {
    const auto file = opened(sim, "/a", OpenMode::update);
    ASSERT_TRUE(file->write_at(7, as_bytes("x")));
    EXPECT_EQ(file->size().value(), 8u);
    ASSERT_TRUE(file->truncate(5));
    ASSERT_TRUE(file->allocate(6));
    ASSERT_TRUE(file->allocate(2));
  }
  EXPECT_EQ(content_of(sim, "/a"), std::string("hello\0", 6));
  EXPECT_EQ(opened(sim, "/a", OpenMode::read)->write_at(0, as_bytes("x")).error().reason,
            "io_error");
  ASSERT_TRUE(files.make_directories("/d/e"));
  ASSERT_TRUE(files.make_directories("/d/e"));
  EXPECT_EQ(files.make_directories("/a/b").error().reason, "not_a_directory");
  ASSERT_TRUE(files.rename("/a", "/d/e/b"));
  EXPECT_THAT(files.list("/").value(), ElementsAre("d"));
  EXPECT_THAT(files.list("/d/e").value(), ElementsAre("b"));
  EXPECT_EQ(files.remove("/d/e").error().reason, "directory_not_empty");
  ASSERT_TRUE(files.remove("/d/e/b"));
  EXPECT_FALSE(files.exists("/d/e/b"));
  EXPECT_EQ(files.remove("/d/e/b").error().reason, "not_found");
  ASSERT_TRUE(files.remove("/d/e"));
  EXPECT_THAT(files.list("/d").value(), IsEmpty());
}

TEST(SimEnv, TellsWhoHoldsALockAndLosesItWithTheProcess) {
  SimEnv sim(1);
  FileSystem& files = sim.env().files;
  EXPECT_EQ(files.lock_holder("/lock").value(), std::nullopt);
  const auto lock = files.lock("/lock", "pid 17");
  EXPECT_EQ(files.lock_holder("/lock").value(), "pid 17");
  sim.kill();
  EXPECT_EQ(files.lock_holder("/lock").value(), std::nullopt);
  EXPECT_EQ(content_of(sim, "/lock"), "pid 17");
}

TEST(SimEnv, TellsSpaceAndAccess) {
  SimEnv sim(1);
  FileSystem& files = sim.env().files;
  put(sim, "/a", "hello");
  EXPECT_GT(files.space("/").value().free_bytes, std::uint64_t{1} << 40);
  sim.set_capacity(100);
  EXPECT_EQ(files.space("/a").value().free_bytes, 95u);
  EXPECT_EQ(files.space("/a").value().total_bytes, 100u);
  sim.set_capacity(3);
  EXPECT_EQ(files.space("/a").value().free_bytes, 0u);
  EXPECT_EQ(files.space("/none").error().code, ErrorCode::not_found);
  EXPECT_EQ(files.access("/a").value(), PathAccess{});
  sim.set_access("/a", {.writable = false, .open_to_others = true});
  EXPECT_EQ(files.access("/a").value(), (PathAccess{.writable = false, .open_to_others = true}));
  EXPECT_EQ(files.access("/none").error().code, ErrorCode::not_found);
}

TEST(SimEnv, KeepsWhatWasSyncedThroughEveryCrash) {
  for (std::uint64_t seed = 0; seed < 500; ++seed) {
    SimEnv sim(seed);
    put(sim, "/a", "kept");
    sim.crash(seed);
    ASSERT_EQ(content_of(sim, "/a"), "kept") << seed;
    sim.crash(seed + 1);
    ASSERT_EQ(content_of(sim, "/a"), "kept") << seed;
  }
}

// Counts over many crashes what became of the work of `act`.
std::map<std::string, int> outcomes(const std::function<void(SimEnv&)>& act,
                                    const std::function<std::string(SimEnv&)>& look) {
  std::map<std::string, int> counts;
  for (std::uint64_t seed = 0; seed < 500; ++seed) {
    SimEnv sim(seed);
    act(sim);
    sim.crash(seed);
    ++counts[look(sim)];
  }
  return counts;
}

TEST(SimEnv, MayLoseTearAndReorderUnsyncedWrites) {
  const auto counts = outcomes(
      [](SimEnv& sim) {
        put(sim, "/a", std::string(1024, '.'));
        const auto file = opened(sim, "/a", OpenMode::update);
        ASSERT_TRUE(file->write_at(0, as_bytes(std::string(1024, '1'))));
        ASSERT_TRUE(file->write_at(1024, as_bytes(std::string(1024, '2'))));
      },
      [](SimEnv& sim) {
        const std::string content = content_of(sim, "/a");
        std::string sectors;  // One character each; a sector is never mixed.
        for (std::size_t at = 0; at < content.size(); at += 512) {
          EXPECT_EQ(content.substr(at, 512), std::string(512, content[at]));
          sectors += content[at] == '\0' ? '0' : content[at];
        }
        return sectors;
      });
  EXPECT_GT(counts.at(".."), 0) << "both lost";
  EXPECT_GT(counts.at("1122"), 0) << "both kept";
  EXPECT_GT(counts.at("..22"), 0) << "the later one kept alone";
  EXPECT_GT(counts.at("11"), 0) << "the earlier one kept alone";
  EXPECT_GT(counts.at("1."), 0) << "torn";
  EXPECT_GT(counts.at("..00"), 0) << "the size without the data";
  EXPECT_GT(counts.at("..02"), 0) << "a torn extension with a hole";
}

TEST(SimEnv, MayForgetNamesWhoseDirectoryWasNotSynced) {
  const auto created = outcomes(
      [](SimEnv& sim) {
        const auto file = opened(sim, "/a", OpenMode::create);
        ASSERT_TRUE(file->write_at(0, as_bytes("x")));
        ASSERT_TRUE(file->sync());
      },
      [](SimEnv& sim) { return content_of(sim, "/a"); });
  EXPECT_GT(created.at("x"), 100);
  EXPECT_GT(created.at("(not_found)"), 100);
  EXPECT_EQ(created.size(), 2u) << "the data were synced: all or no file";

  const auto renamed = outcomes(
      [](SimEnv& sim) {
        put(sim, "/a", "old");
        put(sim, "/b", "new");
        ASSERT_TRUE(sim.env().files.rename("/b", "/a"));
      },
      [](SimEnv& sim) { return content_of(sim, "/a") + content_of(sim, "/b"); });
  EXPECT_GT(renamed.at("oldnew"), 100);
  EXPECT_GT(renamed.at("new(not_found)"), 100);
  EXPECT_EQ(renamed.size(), 2u) << "a rename is atomic";

  const auto removed = outcomes(
      [](SimEnv& sim) {
        put(sim, "/a", "x");
        ASSERT_TRUE(sim.env().files.remove("/a"));
      },
      [](SimEnv& sim) { return content_of(sim, "/a"); });
  EXPECT_GT(removed.at("x"), 100);
  EXPECT_GT(removed.at("(not_found)"), 100);
}

TEST(SimEnv, KeepsTheOrderOfChangesToOneNameButNotAmongNames) {
  const auto counts = outcomes(
      [](SimEnv& sim) {
        FileSystem& files = sim.env().files;
        opened(sim, "/a", OpenMode::create);
        ASSERT_TRUE(files.rename("/a", "/b"));
        opened(sim, "/c", OpenMode::create);
      },
      [](SimEnv& sim) {
        std::string names;
        const auto entries = sim.env().files.list("/");
        for (const std::string& name : entries.value()) names += name;
        return names;
      });
  EXPECT_GT(counts.at("bc"), 0);
  EXPECT_GT(counts.at("a"), 0);
  EXPECT_GT(counts.at("c"), 0) << "the last change alone";
  EXPECT_GT(counts.at(""), 0);
  EXPECT_FALSE(counts.contains("ab"));
}

TEST(SimEnv, SyncingADirectoryKeepsARenameIntoItWhole) {
  for (std::uint64_t seed = 0; seed < 200; ++seed) {
    SimEnv sim(seed);
    FileSystem& files = sim.env().files;
    ASSERT_TRUE(files.make_directories("/from"));
    ASSERT_TRUE(files.make_directories("/to"));
    opened(sim, "/from/a", OpenMode::create);
    ASSERT_TRUE(files.rename("/from/a", "/to/b"));
    ASSERT_TRUE(files.sync_directory("/to"));
    sim.crash(seed);
    EXPECT_THAT(files.list("/from").value(), IsEmpty());
    EXPECT_THAT(files.list("/to").value(), ElementsAre("b"));
  }
}

TEST(SimEnv, AFailedSyncLosesPagesForGoodThoughTheNextSucceeds) {
  const auto counts = outcomes(
      [](SimEnv& sim) {
        put(sim, "/a", "old");
        const auto file = opened(sim, "/a", OpenMode::update);
        ASSERT_TRUE(file->write_at(0, as_bytes("new")));
        sim.fail_call(1, SimEnv::Fault::io_error);
        ASSERT_EQ(file->sync().error().reason, "io_error");
        ASSERT_TRUE(file->sync()) << "the trap: the kernel has forgotten the loss";
        ASSERT_EQ(content_of(sim, "/a"), "new");
      },
      [](SimEnv& sim) { return content_of(sim, "/a"); });
  EXPECT_GT(counts.at("old"), 100);
  EXPECT_GT(counts.at("new"), 100);
}

TEST(SimEnv, FilesAndLocksOfTheLastLifeAreDead) {
  SimEnv sim(1);
  put(sim, "/a", "x");
  const auto file = opened(sim, "/a", OpenMode::update);
  auto lock = sim.env().files.lock("/lock", "pid 1");
  ASSERT_TRUE(lock);
  sim.kill();
  EXPECT_EQ(file->size().error().reason, "crashed");
  EXPECT_EQ(file->write_at(0, as_bytes("y")).error().reason, "crashed");
  EXPECT_EQ(file->sync().error().reason, "crashed");
  const auto second = sim.env().files.lock("/lock", "pid 2");
  ASSERT_TRUE(second);
  lock->reset();  // Must not release the lock of the second life.
  const auto third = sim.env().files.lock("/lock", "pid 3");
  ASSERT_FALSE(third);
  EXPECT_EQ(third.error().reason, "locked");
  EXPECT_THAT(third.error().message, HasSubstr("pid 2"));
}

TEST(SimEnv, KillKeepsUnsyncedWritesVisibleUntilThePowerGoes) {
  SimEnv sim(1);
  {
    const auto file = opened(sim, "/a", OpenMode::create);
    ASSERT_TRUE(file->write_at(0, as_bytes("x")));
  }
  sim.kill();
  EXPECT_EQ(content_of(sim, "/a"), "x");
  int lost = 0;
  for (std::uint64_t seed = 0; seed < 50; ++seed) {
    SimEnv other(1);
    opened(other, "/a", OpenMode::create);
    other.kill();
    other.crash(seed);
    lost += !other.env().files.exists("/a");
  }
  EXPECT_GT(lost, 5);
}

TEST(SimEnv, EverythingFailsFromThePlannedCrashOn) {
  SimEnv sim(1);
  put(sim, "/a", "x");
  const std::uint64_t calls = sim.mutating_calls();
  sim.crash_at_call(2);
  const auto file = opened(sim, "/a", OpenMode::update);
  ASSERT_TRUE(file->write_at(0, as_bytes("y")));
  EXPECT_EQ(file->sync().error().reason, "crashed");
  EXPECT_TRUE(sim.crashed());
  EXPECT_EQ(file->size().error().reason, "crashed");
  EXPECT_EQ(sim.env().files.list("/").error().reason, "crashed");
  EXPECT_EQ(sim.mutating_calls(), calls + 2);
  sim.crash(1);
  EXPECT_FALSE(sim.crashed());
  EXPECT_TRUE(sim.env().files.exists("/a"));
}

TEST(SimEnv, FullDiskTakesWhatFits) {
  SimEnv sim(1);
  sim.set_capacity(10);
  const auto a = opened(sim, "/a", OpenMode::create);
  ASSERT_TRUE(a->write_at(0, as_bytes("123456")));
  const auto b = opened(sim, "/b", OpenMode::create);
  const auto written = b->write_at(0, as_bytes("abcdef"));
  ASSERT_FALSE(written);
  EXPECT_EQ(written.error().code, ErrorCode::resource_exhausted);
  EXPECT_EQ(written.error().reason, "disk_full");
  EXPECT_EQ(content_of(sim, "/b"), "abcd");
  EXPECT_TRUE(a->write_at(0, as_bytes("654321"))) << "overwriting needs no room";
  EXPECT_EQ(b->truncate(5).error().reason, "disk_full");
  EXPECT_EQ(b->allocate(5).error().reason, "disk_full");
  ASSERT_TRUE(sim.env().files.remove("/a"));
  EXPECT_TRUE(b->write_at(4, as_bytes("ef")));
}

TEST(SimEnv, CrashMayComeWhileALockIsTaken) {
  SimEnv sim(1);
  sim.crash_at_call(1);
  EXPECT_FALSE(sim.env().files.lock("/LOCK", "one").has_value());
  sim.crash(1);
  EXPECT_TRUE(sim.env().files.lock("/LOCK", "two").has_value());
}

TEST(SimEnv, ClockStandsUntilMovedAndRandomReplays) {
  SimEnv sim(7);
  SimEnv same(7);
  SimEnv other(8);
  const Env env = sim.env();
  const TimestampMs begin = env.clock.now_ms();
  sim.advance_ms(5);
  EXPECT_EQ(env.clock.now_ms(), begin + 5);
  EXPECT_EQ(env.clock.monotonic_ns(), 5'000'000);
  sim.set_now_ms(begin - 1000);
  EXPECT_EQ(env.clock.now_ms(), begin - 1000);
  EXPECT_EQ(env.clock.monotonic_ns(), 5'000'000);
  std::array<std::byte, 16> drawn, drawn_same, drawn_other;
  env.random.fill(drawn);
  same.env().random.fill(drawn_same);
  other.env().random.fill(drawn_other);
  EXPECT_EQ(drawn, drawn_same);
  EXPECT_NE(drawn, drawn_other);
}

TEST(SimEnv, MayBeUsedFromSeveralThreads) {
  SimEnv sim(1);
  std::vector<std::jthread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&sim, t] {
      const std::string path = "/" + std::to_string(t);
      for (int i = 0; i < 200; ++i) {
        if (auto written = replace_file(sim.env(), path, std::to_string(i)); !written) {
          ADD_FAILURE() << written.error().message;
        }
      }
    });
  }
  threads.clear();
  for (int t = 0; t < 4; ++t) EXPECT_EQ(content_of(sim, "/" + std::to_string(t)), "199");
}

using Replace = std::function<Result<void>(const Env&, const std::string&, std::string_view)>;

// Replaces a file three times with a crash at every call and under many seeds, and returns the
// first broken promise: old or new but never a mixture, and new once it was acknowledged.
std::string first_broken_promise(const Replace& replace) {
  const auto version = [](int n) { return std::string(1500, static_cast<char>('0' + n)); };
  for (std::uint64_t cut = 1; cut <= 20; ++cut) {
    for (std::uint64_t seed = 0; seed < 60; ++seed) {
      SimEnv sim(seed);
      put(sim, "/a", version(0));
      sim.crash_at_call(cut);
      int acknowledged = 0;
      while (acknowledged < 3 && replace(sim.env(), "/a", version(acknowledged + 1))) {
        ++acknowledged;
      }
      sim.crash(seed);
      const std::string content = content_of(sim, "/a");
      if (content != version(acknowledged) && content != version(acknowledged + 1)) {
        return "cut " + std::to_string(cut) + ", seed " + std::to_string(seed) + ": acknowledged " +
               std::to_string(acknowledged) + ", found " + content.substr(0, 20);
      }
    }
  }
  return "";
}

// replace_file() with one step left out.
enum class Omitted { nothing, file_sync, directory_sync, temporary_name };

Result<void> replace_carelessly(const Env& env, const std::string& path, std::string_view bytes,
                                Omitted omitted) {
  const std::string name = omitted == Omitted::temporary_name ? path : path + ".tmp";
  HF_TRY(const auto file, env.files.open(name, OpenMode::create));
  HF_CHECK(file->write_at(0, as_bytes(bytes)));
  if (omitted != Omitted::file_sync) HF_CHECK(file->sync());
  if (omitted != Omitted::temporary_name) HF_CHECK(env.files.rename(name, path));
  if (omitted != Omitted::directory_sync) HF_CHECK(env.files.sync_directory("/"));
  return {};
}

TEST(ReplaceFile, IsAtomicAndDurableUnderACrashAtEveryCall) {
  EXPECT_EQ(first_broken_promise(replace_file), "");
}

TEST(ReplaceFile, TheCrashTestCatchesEveryOmission) {
  const auto careless = [](Omitted omitted) {
    return first_broken_promise(
        [=](const Env& env, const std::string& path, std::string_view bytes) {
          return replace_carelessly(env, path, bytes, omitted);
        });
  };
  EXPECT_EQ(careless(Omitted::nothing), "");
  EXPECT_NE(careless(Omitted::file_sync), "");
  EXPECT_NE(careless(Omitted::directory_sync), "");
  EXPECT_NE(careless(Omitted::temporary_name), "");
}

TEST(ReplaceFile, LeavesTheOldFileWhenACallFails) {
  for (const auto fault : {SimEnv::Fault::io_error, SimEnv::Fault::disk_full}) {
    for (std::uint64_t n = 1; n <= 5; ++n) {
      SimEnv sim(n);
      put(sim, "/a", "old");
      sim.fail_call(n, fault);
      const auto replaced = replace_file(sim.env(), "/a", "new");
      ASSERT_FALSE(replaced) << n;
      EXPECT_EQ(replaced.error().reason,
                fault == SimEnv::Fault::io_error ? "io_error" : "disk_full");
      EXPECT_EQ(content_of(sim, "/a"), n == 5 ? "new" : "old") << "the directory sync comes last";
      EXPECT_FALSE(sim.env().files.exists("/a.tmp"));
      EXPECT_TRUE(replace_file(sim.env(), "/a", "newer"));
      EXPECT_EQ(content_of(sim, "/a"), "newer");
    }
  }
}

TEST(ReadFile, RefusesMoreThanItsLimit) {
  SimEnv sim(1);
  put(sim, "/a", "12345");
  EXPECT_EQ(read_file(sim.env(), "/a", 5).value(), "12345");
  EXPECT_EQ(read_file(sim.env(), "/a", 4).error().reason, "file_too_large");
  EXPECT_EQ(read_file(sim.env(), "/b", 4).error().reason, "not_found");
}

}  // namespace
}  // namespace hf
