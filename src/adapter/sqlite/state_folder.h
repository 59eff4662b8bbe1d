// SPDX-License-Identifier: Apache-2.0
//
// Ground of the tests of the state: a real directory, as SQLite takes no other, and a way to end
// the process in the middle of its work.
#pragma once

#include <gtest/gtest.h>
#include <sqlite3.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <string_view>

#include "base/env.h"

namespace hf {

class StateFolder {
 public:
  StateFolder() {
    std::string pattern = (std::filesystem::temp_directory_path() / "hf_state_XXXXXX").string();
    EXPECT_NE(::mkdtemp(pattern.data()), nullptr);
    root_ = pattern;
  }
  ~StateFolder() { std::filesystem::remove_all(root_); }
  StateFolder(const StateFolder&) = delete;
  StateFolder& operator=(const StateFolder&) = delete;

  [[nodiscard]] std::string path(std::string_view name = "state.sqlite") const {
    return root_ + "/" + std::string(name);
  }
  /// Only while no connection of this process is open: closing the file would give up its locks.
  [[nodiscard]] std::string bytes(std::string_view name = "state.sqlite") const {
    std::ifstream in(path(name), std::ios::binary);
    return {std::istreambuf_iterator<char>(in), {}};
  }
  void write(std::string_view name, std::string_view bytes) const {
    std::ofstream(path(name), std::ios::binary | std::ios::trunc) << bytes;
  }
  void clear() const {
    for (const auto& entry : std::filesystem::directory_iterator(root_)) {
      std::filesystem::remove_all(entry.path());
    }
  }

 private:
  std::string root_;
};

/// The real files and clock, and random bytes that a seed decides.
class SeededRandom final : public Random {
 public:
  explicit SeededRandom(std::uint64_t seed) : state_(seed) {}
  void fill(std::span<std::byte> out) override {
    for (std::byte& byte : out) {
      state_ = state_ * 6364136223846793005u + 1442695040888963407u;
      byte = static_cast<std::byte>(state_ >> 56);
    }
  }

 private:
  std::uint64_t state_;
};

/// Runs `body` in a child process that ends, as by kill -9, just before the nth statement that
/// SQLite begins in it (1 is the first). Returns true where the child got to its end before.
template <class Body>
[[nodiscard]] bool runs_to_end_before_statement(int nth, Body&& body) {
  const pid_t child = ::fork();
  EXPECT_GE(child, 0);
  if (child == 0) {
    static std::atomic<int> left;
    left = nth;
    // Every connection opened from now on.
    sqlite3_auto_extension(reinterpret_cast<void (*)()>(+[](sqlite3* handle, char**, const void*) {
      return sqlite3_trace_v2(
          handle, SQLITE_TRACE_STMT,
          [](unsigned, void*, void*, void*) {
            if (--left == 0) ::_exit(42);
            return 0;
          },
          nullptr);
    }));
    body();
    ::_exit(0);
  }
  int status = 0;
  EXPECT_EQ(::waitpid(child, &status, 0), child);
  EXPECT_TRUE(WIFEXITED(status)) << status;
  EXPECT_TRUE(WEXITSTATUS(status) == 0 || WEXITSTATUS(status) == 42) << WEXITSTATUS(status);
  return WEXITSTATUS(status) == 0;
}

}  // namespace hf
