// SPDX-License-Identifier: Apache-2.0
//
// The real program, killed under eight clients that append and retry: what was acknowledged is
// there, once, by name.
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <map>
#include <sstream>
#include <thread>

#include "base/rng.h"
#include "program.h"

namespace hf {
namespace {

using test::Ended;
using test::run;
using test::Running;
using test::ScratchDirectory;
using testing::HasSubstr;

constexpr int clients = 8;
constexpr int messages = 3'000;  // A client.

std::string line_of(int client, int message) {
  return fmt::format(
      R"({{"user_id":"u{}","event":"e","time":"2026-01-{:02}","message_id":"{}-{}"}})"
      "\n",
      message % 97, 1 + message % 28, client, message);
}

/// One client: hands over what was not acknowledged yet, is killed at some moment, reads how far it
/// came, and begins again.
class Client {
 public:
  Client(const std::string& data, int number) : data_(data), number_(number), rng_(number) {}

  void work(std::atomic<int>& kills) {
    while (next_ < messages) {
      std::string lines;
      const int end = std::min(messages, next_ + 200);
      for (int message = next_; message < end; ++message) lines += line_of(number_, message);
      Running process(directory_, {"--data", data_, "append"}, lines);
      const bool killed = kills < 60 || rng_.chance(0.2);
      if (killed) {
        std::this_thread::sleep_for(std::chrono::microseconds(rng_.between(500, 40'000)));
        process.signal(SIGKILL);
      }
      const Ended ended = process.wait();
      if (ended.code == -SIGKILL) ++kills;
      acknowledge(ended.out);
      if (ended.code != 0 && ended.code != -SIGKILL && !ended.err.contains("locked")) {
        ADD_FAILURE() << ended.code << ": " << ended.err;
        return;
      }
    }
  }

 private:
  // Lines are answered in order; the last one may be cut off.
  void acknowledge(const std::string& out) {
    std::istringstream in(out);
    int expected = 1;
    for (std::string line; std::getline(in, line) && !in.eof(); ++expected) {
      if (line != fmt::format("{} appended", expected) &&
          line != fmt::format("{} duplicate", expected)) {
        ADD_FAILURE() << line;
      }
      ++next_;
    }
  }

  std::string data_;
  int number_;
  Rng rng_;
  ScratchDirectory directory_;
  int next_ = 0;  // The first message that is not acknowledged.
};

TEST(AppendKill, SixtyTimesUnderEightClientsLosesAndDoublesNothing) {
  const ScratchDirectory directory;
  const std::string data = directory / "data";
  std::atomic<int> kills = 0;
  {
    std::vector<std::jthread> threads;
    for (int client = 0; client < clients; ++client) {
      threads.emplace_back([&, client] { Client(data, client).work(kills); });
    }
  }
  EXPECT_GE(kills, 50);
  const Ended verified = run(directory, {"--data", data, "verify"});
  EXPECT_EQ(verified.code, 0) << verified.out << verified.err;
  EXPECT_THAT(verified.out, HasSubstr("everything is sound"));
  const std::string file = directory / "export.csv";
  const Ended ended = run(directory, {"--data", data, "export", file});
  ASSERT_EQ(ended.code, 0) << ended.err;
  std::map<std::string, int> found;
  std::istringstream in(test::text_of(file));
  std::string line;
  std::getline(in, line);
  ASSERT_THAT(line, HasSubstr("person,event,time,received_at,message_id"));
  while (std::getline(in, line)) {
    std::istringstream fields(line);
    std::string field;
    for (int i = 0; i < 5; ++i) std::getline(fields, field, ',');
    ++found[field];
  }
  EXPECT_EQ(found.size(), std::size_t{clients} * messages);
  for (const auto& [message, count] : found) EXPECT_EQ(count, 1) << message;
}

}  // namespace
}  // namespace hf
