// SPDX-License-Identifier: Apache-2.0
//
// Test support: the built program as a user runs it, in a directory of its own.
#pragma once

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

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
    pid_ = ::fork();
    if (pid_ == 0) {
      redirect(in, O_RDONLY, STDIN_FILENO);
      redirect(out_, O_WRONLY | O_CREAT | O_TRUNC, STDOUT_FILENO);
      redirect(err_, O_WRONLY | O_CREAT | O_TRUNC, STDERR_FILENO);
      for (const char* name : {"LANG", "LC_ALL", "LC_MESSAGES", "LANGUAGE", "HOLDFAST_DATA"})
        ::unsetenv(name);
      ::execv(argv[0], argv.data());
      ::_exit(127);
    }
    EXPECT_GT(pid_, 0);
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
  static void redirect(const std::string& path, int flags, int to) {
    const int file = ::open(path.c_str(), flags, 0600);
    if (file < 0 || ::dup2(file, to) < 0) ::_exit(126);
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
