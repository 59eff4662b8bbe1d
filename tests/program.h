// SPDX-License-Identifier: Apache-2.0
//
// Test support: the built program as a user runs it, in a directory of its own.
#pragma once

#include <fcntl.h>
#include <gtest/gtest.h>
#include <spawn.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace hf::test {

/// A fresh directory, gone with the object.
class ScratchDirectory {
 public:
  ScratchDirectory() {
    std::string name = (std::filesystem::temp_directory_path() / "holdfast_test_XXXXXX").string();
    EXPECT_NE(::mkdtemp(name.data()), nullptr);
    path_ = name;
  }
  ~ScratchDirectory() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  ScratchDirectory(const ScratchDirectory&) = delete;
  ScratchDirectory& operator=(const ScratchDirectory&) = delete;

  [[nodiscard]] std::string operator/(std::string_view name) const {
    return path_ + "/" + std::string(name);
  }

 private:
  std::string path_;
};

inline std::string text_of(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

inline void write_text(const std::string& path, std::string_view text) {
  std::ofstream out(path, std::ios::binary);
  out.write(text.data(), static_cast<std::streamsize>(text.size()));
  ASSERT_TRUE(out.good());
}

struct Ended {
  int code = -1;  ///< Exit code; of one that a signal ended, minus that signal.
  std::string out;
  std::string err;
  long memory_kib = 0;  ///< The most it had resident.
};

/// One run of the program, with standard output and error in files.
class Running {
 public:
  Running(const ScratchDirectory& directory, std::vector<std::string> arguments,
          std::string_view input = {})
      : out_(directory / "stdout"), err_(directory / "stderr") {
    const std::string in = directory / "stdin";
    write_text(in, input);
    arguments.insert(arguments.begin(), HOLDFAST_PROGRAM);
    std::vector<char*> argv;
    for (std::string& argument : arguments) argv.push_back(argument.data());
    argv.push_back(nullptr);
    std::vector<char*> environment;
    for (char** variable = environ; *variable != nullptr; ++variable) {
      if (!is_left_out(*variable)) environment.push_back(*variable);
    }
    environment.push_back(nullptr);
    // Not fork(): what libduckdb does around one looks to ThreadSanitizer like a misused mutex.
    posix_spawn_file_actions_t files;
    posix_spawn_file_actions_init(&files);
    const int create = O_WRONLY | O_CREAT | O_TRUNC;
    posix_spawn_file_actions_addopen(&files, STDIN_FILENO, in.c_str(), O_RDONLY, 0);
    posix_spawn_file_actions_addopen(&files, STDOUT_FILENO, out_.c_str(), create, 0600);
    posix_spawn_file_actions_addopen(&files, STDERR_FILENO, err_.c_str(), create, 0600);
    EXPECT_EQ(::posix_spawn(&pid_, argv[0], &files, nullptr, argv.data(), environment.data()), 0);
    posix_spawn_file_actions_destroy(&files);
  }
  ~Running() {
    if (!ended_) {
      signal(SIGKILL);
      wait();
    }
  }
  Running(const Running&) = delete;
  Running& operator=(const Running&) = delete;

  void signal(int number) const { ::kill(pid_, number); }

  Ended wait() {
    int status = 0;
    rusage usage{};
    EXPECT_EQ(::wait4(pid_, &status, 0, &usage), pid_);
    ended_ = true;
    return {.code = WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status),
            .out = text_of(out_),
            .err = text_of(err_),
            .memory_kib = usage.ru_maxrss};
  }

 private:
  // What a developer has set is no part of a test.
  static bool is_left_out(std::string_view variable) {
    const std::string_view name = variable.substr(0, variable.find('='));
    constexpr std::string_view left_out[] = {"LANG", "LC_ALL", "LC_MESSAGES", "LANGUAGE",
                                             "HOLDFAST_DATA"};
    return std::ranges::find(left_out, name) != std::end(left_out);
  }

  std::string out_;
  std::string err_;
  pid_t pid_ = -1;
  bool ended_ = false;
};

inline Ended run(const ScratchDirectory& directory, std::vector<std::string> arguments,
                 std::string_view input = {}) {
  return Running(directory, std::move(arguments), input).wait();
}

}  // namespace hf::test
