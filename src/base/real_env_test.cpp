// SPDX-License-Identifier: Apache-2.0
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <chrono>
#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <optional>
#include <thread>

#include "base/env.h"

namespace hf {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

std::span<const std::byte> as_bytes(std::string_view text) {
  return std::as_bytes(std::span(text));
}

class RealEnv : public testing::Test {
 protected:
  RealEnv() {
    std::string pattern = (std::filesystem::temp_directory_path() / "hf_real_env_XXXXXX").string();
    EXPECT_NE(::mkdtemp(pattern.data()), nullptr);
    root_ = pattern;
  }
  ~RealEnv() override { std::filesystem::remove_all(root_); }

  std::string path(const std::string& name) const { return root_ + "/" + name; }

  Env env_ = real_env();
  FileSystem& files_ = env_.files;
  std::string root_;
};

TEST_F(RealEnv, WritesAndReadsAtOffsets) {
  auto file = files_.open(path("a"), OpenMode::create);
  ASSERT_TRUE(file);
  ASSERT_TRUE((*file)->write_at(3, as_bytes("abc")));
  ASSERT_TRUE((*file)->sync());
  EXPECT_EQ((*file)->size().value(), 6u);
  std::array<std::byte, 10> out;
  EXPECT_EQ((*file)->read_at(2, out).value(), 4u) << "fewer only at the end";
  EXPECT_EQ(out[0], std::byte{0});
  EXPECT_EQ(out[1], std::byte{'a'});
  EXPECT_EQ((*file)->read_at(6, out).value(), 0u);
  EXPECT_EQ((*file)->read_at(600, out).value(), 0u);
  ASSERT_TRUE((*file)->truncate(4));
  EXPECT_EQ(read_file(env_, path("a"), 100).value(), std::string("\0\0\0a", 4));
  EXPECT_EQ((*file)->write_at(UINT64_MAX - 1, as_bytes("abc")).error().reason, "file_too_large");
  ASSERT_TRUE((*file)->allocate(7));
  ASSERT_TRUE((*file)->allocate(3)) << "never shorter";
  EXPECT_EQ(read_file(env_, path("a"), 100).value(), std::string("\0\0\0a\0\0\0", 7));
  EXPECT_EQ((*file)->allocate(UINT64_MAX).error().reason, "file_too_large");
}

TEST_F(RealEnv, OpensByMode) {
  EXPECT_EQ(files_.open(path("a"), OpenMode::read).error().code, ErrorCode::not_found);
  EXPECT_EQ(files_.open(path("a"), OpenMode::update).error().code, ErrorCode::not_found);
  ASSERT_TRUE(replace_file(env_, path("a"), "12345"));
  EXPECT_EQ(files_.open(path("a"), OpenMode::create_new).error().code, ErrorCode::already_exists);
  EXPECT_FALSE((*files_.open(path("a"), OpenMode::read))->write_at(0, as_bytes("x")));
  EXPECT_TRUE((*files_.open(path("a"), OpenMode::update))->write_at(0, as_bytes("x")));
  EXPECT_EQ(read_file(env_, path("a"), 5).value(), "x2345");
  EXPECT_TRUE(files_.open(path("a"), OpenMode::create));
  EXPECT_EQ(read_file(env_, path("a"), 5).value(), "");
}

TEST_F(RealEnv, NewFilesAndDirectoriesArePrivate) {
  const mode_t old_mask = ::umask(0);
  ASSERT_TRUE(files_.make_directories(path("d/e")));
  ASSERT_TRUE(files_.open(path("d/e/f"), OpenMode::create));
  ASSERT_TRUE(files_.lock(path("d/lock"), "x"));
  ::umask(old_mask);
  const auto mode = [&](const std::string& name) {
    struct stat status = {};
    EXPECT_EQ(::stat(path(name).c_str(), &status), 0);
    return status.st_mode & 0777;
  };
  EXPECT_EQ(mode("d"), 0700u);
  EXPECT_EQ(mode("d/e"), 0700u);
  EXPECT_EQ(mode("d/e/f"), 0600u);
  EXPECT_EQ(mode("d/lock"), 0600u);
}

TEST_F(RealEnv, ReplacesRenamesListsAndRemoves) {
  ASSERT_TRUE(replace_file(env_, path("b"), "old"));
  ASSERT_TRUE(replace_file(env_, path("b"), "new"));
  EXPECT_EQ(read_file(env_, path("b"), 10).value(), "new");
  EXPECT_EQ(read_file(env_, path("b"), 2).error().reason, "file_too_large");
  ASSERT_TRUE(files_.make_directories(path("c/")));
  ASSERT_TRUE(files_.make_directories(path("c")));
  EXPECT_EQ(files_.make_directories(path("b/x")).error().reason, "not_a_directory");
  EXPECT_EQ(files_.make_directories(path("b")).error().reason, "not_a_directory");
  ASSERT_TRUE(files_.rename(path("b"), path("a")));
  ASSERT_TRUE(files_.sync_directory(root_));
  EXPECT_THAT(files_.list(root_).value(), ElementsAre("a", "c"));
  EXPECT_EQ(files_.list(path("none")).error().code, ErrorCode::not_found);
  EXPECT_EQ(files_.sync_directory(path("none")).error().code, ErrorCode::not_found);
  EXPECT_EQ(files_.rename(path("none"), path("a")).error().code, ErrorCode::not_found);
  EXPECT_TRUE(files_.exists(path("a")));
  ASSERT_TRUE(files_.remove(path("a")));
  EXPECT_FALSE(files_.exists(path("a")));
  EXPECT_EQ(files_.remove(path("a")).error().code, ErrorCode::not_found);
  ASSERT_TRUE(replace_file(env_, path("c/x"), ""));
  EXPECT_EQ(files_.remove(path("c")).error().reason, "directory_not_empty");
}

TEST_F(RealEnv, ASecondLockIsRefusedAndNamesTheHolder) {
  auto first = files_.lock(path("lock"), "pid 17 on host a with a longer name");
  ASSERT_TRUE(first);
  const auto second = files_.lock(path("lock"), "pid 18");
  ASSERT_FALSE(second);
  EXPECT_EQ(second.error().code, ErrorCode::failed_precondition);
  EXPECT_EQ(second.error().reason, "locked");
  EXPECT_THAT(second.error().message, HasSubstr("pid 17 on host a"));
  first->reset();
  const auto third = files_.lock(path("lock"), "pid 19");
  ASSERT_TRUE(third);
  EXPECT_EQ(read_file(env_, path("lock"), 100).value(), "pid 19");
}

TEST_F(RealEnv, LookingWhoHoldsALockDisturbsNobody) {
  EXPECT_EQ(files_.lock_holder(path("lock")).value(), std::nullopt);
  EXPECT_FALSE(files_.exists(path("lock")));
  auto held = files_.lock(path("lock"), "pid 17");
  ASSERT_TRUE(held);
  EXPECT_EQ(files_.lock_holder(path("lock")).value(), "pid 17");
  held->reset();
  EXPECT_EQ(files_.lock_holder(path("lock")).value(), std::nullopt);
  EXPECT_EQ(read_file(env_, path("lock"), 100).value(), "pid 17");
  // Looked at again and again, it can be taken.
  std::atomic<int> looks = 0;
  const std::jthread looking([&](const std::stop_token& stop) {
    while (!stop.stop_requested()) {
      (void)files_.lock_holder(path("lock"));
      ++looks;
      const auto next = std::chrono::steady_clock::now() + std::chrono::microseconds(10);
      while (std::chrono::steady_clock::now() < next) continue;
    }
  });
  while (looks < 10'000) ASSERT_TRUE(files_.lock(path("lock"), "pid 18")) << looks;
}

TEST_F(RealEnv, TellsTheSpaceOfADisk) {
  const DiskSpace space = files_.space(root_).value();
  EXPECT_GT(space.free_bytes, 0u);
  EXPECT_GT(space.total_bytes, space.free_bytes);
  EXPECT_EQ(files_.space(path("none")).error().code, ErrorCode::not_found);
}

TEST_F(RealEnv, TellsWhoMayDoWhat) {
  ASSERT_TRUE(files_.make_directories(path("d")));
  ASSERT_TRUE(replace_file(env_, path("d/f"), "x"));
  const auto access = [&](const std::string& name) { return files_.access(path(name)).value(); };
  EXPECT_EQ(access("d"), PathAccess{});
  EXPECT_EQ(access("d/f"), PathAccess{});
  for (const mode_t mode : {0740, 0710, 0704, 0701}) {
    ASSERT_EQ(::chmod(path("d").c_str(), mode), 0);
    EXPECT_TRUE(access("d").open_to_others) << mode;
  }
  ASSERT_EQ(::chmod(path("d").c_str(), 0722), 0);
  EXPECT_FALSE(access("d").open_to_others);
  for (const mode_t mode : {0640, 0604}) {
    ASSERT_EQ(::chmod(path("d/f").c_str(), mode), 0);
    EXPECT_TRUE(access("d/f").open_to_others) << mode;
  }
  ASSERT_EQ(::chmod(path("d/f").c_str(), 0400), 0);
  const bool is_root = ::geteuid() == 0;  // Who may do everything.
  EXPECT_EQ(access("d/f").writable, is_root);
  ASSERT_EQ(::chmod(path("d").c_str(), 0300), 0);
  EXPECT_EQ(access("d").readable, is_root);
  ASSERT_EQ(::chmod(path("d").c_str(), 0700), 0);
  EXPECT_EQ(files_.access(path("none")).error().code, ErrorCode::not_found);
}

TEST_F(RealEnv, ALockDiesWithItsProcess) {
  std::array<int, 2> ready;
  ASSERT_EQ(::pipe(ready.data()), 0);
  const pid_t child = ::fork();
  ASSERT_GE(child, 0);
  if (child == 0) {
    const auto lock = files_.lock(path("lock"), "the child");
    const char byte = lock ? '1' : '0';
    if (::write(ready[1], &byte, 1) != 1) ::_exit(1);
    for (;;) ::pause();
  }
  char byte = 0;
  ASSERT_EQ(::read(ready[0], &byte, 1), 1);
  ASSERT_EQ(byte, '1');
  const auto refused = files_.lock(path("lock"), "the parent");
  ASSERT_FALSE(refused);
  EXPECT_THAT(refused.error().message, HasSubstr("the child"));
  ASSERT_EQ(::kill(child, SIGKILL), 0);
  ASSERT_EQ(::waitpid(child, nullptr, 0), child);
  EXPECT_TRUE(files_.lock(path("lock"), "the parent"));
  ::close(ready[0]);
  ::close(ready[1]);
}

TEST_F(RealEnv, SaysWhenTheDiskIsFull) {
  if (!files_.exists("/dev/full")) GTEST_SKIP() << "no /dev/full";
  auto file = files_.open("/dev/full", OpenMode::update);
  ASSERT_TRUE(file);
  const auto written = (*file)->write_at(0, as_bytes("x"));
  ASSERT_FALSE(written);
  EXPECT_EQ(written.error().code, ErrorCode::resource_exhausted);
  EXPECT_EQ(written.error().reason, "disk_full");
  EXPECT_THAT(written.error().message, HasSubstr("/dev/full"));
}

TEST_F(RealEnv, SaysWhenTooManyFilesAreOpen) {
  rlimit before = {};
  ASSERT_EQ(::getrlimit(RLIMIT_NOFILE, &before), 0);
  rlimit tight = before;
  tight.rlim_cur = 64;
  ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &tight), 0);
  std::vector<std::unique_ptr<File>> held;
  auto file = files_.open(path("a"), OpenMode::create);
  for (; file && held.size() < 64; file = files_.open(path("a"), OpenMode::read)) {
    held.push_back(*std::move(file));
  }
  ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &before), 0);
  ASSERT_FALSE(file);
  EXPECT_EQ(file.error().code, ErrorCode::resource_exhausted);
  EXPECT_EQ(file.error().reason, "too_many_files");
}

TEST_F(RealEnv, SaysWhenPermissionIsMissing) {
  ASSERT_TRUE(replace_file(env_, path("a"), "x"));
  ASSERT_EQ(::chmod(path("a").c_str(), 0), 0);
  // Nothing is forbidden to root, so root becomes somebody else for one call.
  constexpr uid_t nobody = 65534;
  const bool root = ::geteuid() == 0;
  if (root && ::seteuid(nobody) != 0) GTEST_SKIP() << "this root cannot change its user";
  const auto file = files_.open(path("a"), OpenMode::read);
  ASSERT_TRUE(!root || ::seteuid(0) == 0);
  ASSERT_FALSE(file);
  EXPECT_EQ(file.error().code, ErrorCode::permission_denied);
}

TEST_F(RealEnv, ReadsFilesThatDoNotTellTheirSize) {
  if (!files_.exists("/proc/self/status")) GTEST_SKIP() << "no /proc";
  const auto status = read_file(env_, "/proc/self/status", 1 << 20);
  ASSERT_TRUE(status);
  EXPECT_THAT(*status, HasSubstr("Pid:"));
}

TEST_F(RealEnv, ClockAndRandomMove) {
  EXPECT_GT(env_.clock.now_ms(), 1'600'000'000'000);
  const auto begin = env_.clock.monotonic_ns();
  EXPECT_GE(env_.clock.monotonic_ns(), begin);
  std::array<std::byte, 32> a, b;
  env_.random.fill(a);
  env_.random.fill(b);
  EXPECT_NE(a, b);
}

}  // namespace
}  // namespace hf
