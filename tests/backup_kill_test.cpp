// SPDX-License-Identifier: Apache-2.0
//
// The real program: backups are taken while clients append, retry and are killed. Each one restores
// to all that was acknowledged before it began, once, and the clients can go on with it.
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <array>
#include <atomic>
#include <chrono>
#include <map>
#include <optional>
#include <sstream>
#include <thread>

#include "base/guarded.h"
#include "base/json.h"
#include "base/rng.h"
#include "http_client.h"
#include "program.h"
#include "served_directory.h"

namespace hf {
namespace {

using test::Ended;
using test::HttpConnection;
using test::run;
using test::Running;
using test::ScratchDirectory;
using test::ServedDirectory;
using testing::AllOf;
using testing::HasSubstr;

constexpr int clients = 4;
constexpr int messages = 800;  // A client.
constexpr int imported = 300;

std::string line_of(int client, int message) {
  return fmt::format(
      R"({{"user_id":"u{}","event":"e","time":"2026-01-{:02}","message_id":"{}-{}"}})"
      "\n",
      message % 97, 1 + message % 28, client, message);
}

/// How far each client's messages are acknowledged: all before.
using Acknowledged = std::array<std::atomic<int>, clients>;

/// One client: hands over what was not acknowledged yet, is killed at some moment, reads how far it
/// came, and begins again.
class Client {
 public:
  Client(const std::string& data, int number, Acknowledged& acknowledged)
      : data_(data), number_(number), rng_(number), acknowledged_(acknowledged[number]) {}

  void work(std::atomic<int>& kills, int kills_wanted) {
    while (acknowledged_ < messages) {
      std::string lines;
      const int end = std::min(messages, acknowledged_ + 100);
      for (int message = acknowledged_; message < end; ++message) {
        lines += line_of(number_, message);
      }
      Running process(directory_, {"--data", data_, "append"}, lines);
      if (kills < kills_wanted || rng_.chance(0.2)) {
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
      ++acknowledged_;
    }
  }

  std::string data_;
  int number_;
  Rng rng_;
  ScratchDirectory directory_;
  std::atomic<int>& acknowledged_;
};

/// All clients at once, killed until there were so many, then to the end.
void append_all(const std::string& data, Acknowledged& acknowledged, int kills_wanted) {
  std::atomic<int> kills = 0;
  std::vector<std::jthread> threads;
  for (int client = 0; client < clients; ++client) {
    threads.emplace_back(
        [&, client] { Client(data, client, acknowledged).work(kills, kills_wanted); });
  }
  threads.clear();
  EXPECT_GE(kills, kills_wanted);
}

/// Makes parts, and rows set aside.
void import_some(const ScratchDirectory& directory, const std::string& data) {
  std::string text = "person,event,time,message_id\nbroken row\n";
  for (int i = 0; i < imported; ++i) text += fmt::format("u{},e,2026-01-01,import-{}\n", i % 97, i);
  test::write_text(directory / "events.csv", text);
  const Ended ended = run(directory, {"--data", data, "import", directory / "events.csv"});
  ASSERT_EQ(ended.code, 0) << ended.err;
}

/// How often each message is there.
std::map<std::string, int> exported(const ScratchDirectory& directory, const std::string& data) {
  const Ended verified = run(directory, {"--data", data, "verify"});
  EXPECT_EQ(verified.code, 0) << verified.out << verified.err;
  const std::string file = directory / "export.csv";
  const Ended ended = run(directory, {"--data", data, "export", file});
  EXPECT_EQ(ended.code, 0) << ended.err;
  std::map<std::string, int> found;
  std::istringstream in(test::text_of(file));
  std::string line;
  std::getline(in, line);
  EXPECT_THAT(line, HasSubstr("person,event,time,received_at,message_id"));
  while (std::getline(in, line)) {
    std::istringstream fields(line);
    std::string field;
    for (int i = 0; i < 5; ++i) std::getline(fields, field, ',');
    ++found[field];
  }
  std::filesystem::remove(file);
  return found;
}

TEST(BackupKill, TakenWhileClientsAreKilledHoldsWhatWasAcknowledged) {
  const ScratchDirectory directory;
  const std::string data = directory / "data";
  import_some(directory, data);
  Acknowledged acknowledged{};
  struct Taken {
    std::string path;
    std::array<int, clients> before;
  };
  std::vector<Taken> backups;
  {
    std::jthread appending([&] { append_all(data, acknowledged, 30); });
    const auto is_done = [&] {
      return std::ranges::all_of(acknowledged, [](const auto& n) { return n == messages; });
    };
    while (!is_done() && !HasFailure() && backups.size() < 200) {
      Taken taken{.path = directory / fmt::format("backup{}", backups.size()), .before = {}};
      for (int client = 0; client < clients; ++client) taken.before[client] = acknowledged[client];
      const Ended ended = run(directory, {"--data", data, "backup", taken.path});
      ASSERT_EQ(ended.code, 0) << ended.err;
      EXPECT_THAT(ended.out, HasSubstr("backed up to " + taken.path));
      backups.push_back(std::move(taken));
      std::this_thread::sleep_for(std::chrono::milliseconds(20));
    }
  }
  ASSERT_GT(backups.size(), 3u);

  // Each that differs in what was acknowledged by much; all would take long.
  std::string restored;
  for (std::size_t i = 0; i < backups.size(); i += std::max<std::size_t>(1, backups.size() / 8)) {
    SCOPED_TRACE(i);
    restored = directory / fmt::format("restored{}", i);
    const Ended ended = run(directory, {"--data", restored, "restore", backups[i].path});
    ASSERT_EQ(ended.code, 0) << ended.err;
    EXPECT_THAT(ended.out, HasSubstr("restored to " + restored));
    const auto found = exported(directory, restored);
    for (int client = 0; client < clients; ++client) {
      for (int message = 0; message < backups[i].before[client]; ++message) {
        ASSERT_TRUE(found.contains(fmt::format("{}-{}", client, message)));
      }
    }
    for (int row = 0; row < imported; ++row) {
      ASSERT_TRUE(found.contains(fmt::format("import-{}", row)));
    }
    for (const auto& [message, count] : found) ASSERT_EQ(count, 1) << message;
    EXPECT_EQ(test::text_of(restored + "/rejects/import-1.csv"),
              test::text_of(data + "/rejects/import-1.csv"));
  }

  // The clients do not know what is in there, and send everything again.
  Acknowledged anew{};
  append_all(restored, anew, 10);
  const auto found = exported(directory, restored);
  EXPECT_EQ(found.size(), std::size_t{clients} * messages + imported);
  for (const auto& [message, count] : found) EXPECT_EQ(count, 1) << message;
}

/// Clients of a server: some send events of which a part is refused, one makes sources and keys.
class Crowd {
 public:
  Crowd(std::uint16_t port, const std::string& write_key, const std::string& admin_key) {
    for (int sender = 0; sender < 2; ++sender) {
      threads_.emplace_back([this, port, sender, write_key](const std::stop_token& stop) {
        HttpConnection connection(port);
        for (int n = 0; !stop.stop_requested(); ++n) {
          const std::string body = fmt::format(
              R"({{"batch":[{{"type":"track","userId":"u{1}","event":"e","messageId":"{0}-{1}"}},)"
              R"({{"type":"track","userId":"u{1}","event":""}},{{"type":"what"}}]}})",
              sender, n);
          const auto answer = connection.ask("POST", "/v1/batch", bearer(write_key), body);
          if (answer && answer->status != 429) ++(answer->status < 500 ? taken_ : failed_);
        }
      });
    }
    threads_.emplace_back([this, port, admin_key](const std::stop_token& stop) {
      HttpConnection connection(port);
      for (int n = 0; !stop.stop_requested(); ++n) {
        connection.ask("POST", "/api/v1/sources", bearer(admin_key),
                       fmt::format(R"({{"name":"s{}"}})", n));
        const auto made = connection.ask("POST", "/api/v1/keys", bearer(admin_key),
                                         fmt::format(R"({{"kind":"write","source":"s{}"}})", n));
        if (!made || made->status != 201) {
          ++failed_;
          continue;
        }
        keys_.lock()->push_back(parse_json(made->body)->find("key")->text);
        std::this_thread::sleep_for(std::chrono::milliseconds(5));
      }
    });
  }

  static test::HttpHeaders bearer(const std::string& key) {
    return {{"Authorization", "Bearer " + key}};
  }
  /// All that were acknowledged.
  [[nodiscard]] std::vector<std::string> keys() const { return *keys_.lock(); }
  [[nodiscard]] int taken() const { return taken_; }
  [[nodiscard]] int failed() const { return failed_; }

 private:
  Guarded<std::vector<std::string>> keys_;
  std::atomic<int> taken_ = 0;
  std::atomic<int> failed_ = 0;
  std::vector<std::jthread> threads_;  // Last: they use the rest.
};

std::string key_of(ServedDirectory& server, std::vector<std::string> arguments) {
  arguments.insert(arguments.begin(), {"key", "create"});
  std::string key = server.command(std::move(arguments)).out;
  while (key.ends_with('\n')) key.pop_back();
  return key;
}

TEST(BackupKill, BesideABusyServerHasAllKeysThatWereMadeBefore) {
  const ScratchDirectory directory;
  struct Taken {
    std::string path;
    std::vector<std::string> keys_before;
  };
  std::vector<Taken> backups;
  int killed = 0;
  {
    ServedDirectory server;
    ASSERT_EQ(server.command({"source", "add", "web"}).code, 0);
    const Crowd crowd(server.port(), key_of(server, {"--source", "web"}),
                      key_of(server, {"--kind", "admin"}));
    Rng rng(3);
    for (int round = 0; round < 24; ++round) {
      SCOPED_TRACE(round);
      std::this_thread::sleep_for(std::chrono::milliseconds(30));
      Taken taken{directory / fmt::format("backup{}", round), crowd.keys()};
      Running process(directory,
                      {"--data", server.data(), "backup", taken.path, "--format", "json"});
      if (round % 2 == 1) {
        std::this_thread::sleep_for(std::chrono::microseconds(rng.between(500, 40'000)));
        process.signal(SIGKILL);
      }
      const Ended ended = process.wait();
      if (ended.code == 0) {
        const auto state = parse_json(ended.out);
        ASSERT_TRUE(state.has_value());
        EXPECT_GE(std::stoul(state->find("state")->find("keys")->text),
                  taken.keys_before.size() + 2);
        EXPECT_FALSE(std::filesystem::exists(taken.path + "/state.sqlite.backup-wal"));
        backups.push_back(std::move(taken));
        continue;
      }
      ASSERT_EQ(ended.code, -SIGKILL) << ended.err;
      if (std::filesystem::exists(taken.path + "/BACKUP")) continue;
      ++killed;
      const std::string restored = directory / fmt::format("none{}", round);
      const Ended refused = run(directory, {"--data", restored, "restore", taken.path});
      EXPECT_EQ(refused.code, 4) << refused.err;
      EXPECT_THAT(refused.err, HasSubstr("(no_backup)"));
      EXPECT_FALSE(std::filesystem::exists(restored + "/state.sqlite"));
    }
    // What is read beside a server is no damage, either.
    const Ended doctor = server.command({"doctor"});
    EXPECT_LE(doctor.code, 1) << doctor.out;
    EXPECT_THAT(doctor.out, HasSubstr(" refused events\n"));
    EXPECT_GT(crowd.taken(), 20);
    EXPECT_EQ(crowd.failed(), 0);
    EXPECT_EQ(server.stop().code, 0);
  }
  ASSERT_GE(backups.size(), 12u);
  EXPECT_GT(killed, 0);
  EXPECT_GT(backups.back().keys_before.size(), backups.front().keys_before.size());

  for (const Taken& taken : {backups.front(), backups[backups.size() / 2], backups.back()}) {
    const std::string restored = taken.path + "-restored";
    const Ended ended = run(directory, {"--data", restored, "restore", taken.path});
    ASSERT_EQ(ended.code, 0) << ended.err;
    const Ended verified = run(directory, {"--data", restored, "verify"});
    EXPECT_EQ(verified.code, 0) << verified.out;
    EXPECT_THAT(verified.out, HasSubstr(" refused events"));
    const ServedDirectory server(restored);
    HttpConnection connection(server.port());
    for (const std::string& key : taken.keys_before) {
      const auto answer = connection.ask("POST", "/v1/track", Crowd::bearer(key),
                                         R"({"userId":"ann","event":"e"})");
      ASSERT_TRUE(answer.has_value());
      ASSERT_EQ(answer->status, 200) << answer->body;
    }
  }
}

TEST(Backup, KilledIsNoneAndRestoredKilledIsNoStore) {
  const ScratchDirectory directory;
  const std::string data = directory / "data";
  std::string lines;
  for (int message = 0; message < 20'000; ++message) lines += line_of(0, message);
  ASSERT_EQ(run(directory, {"--data", data, "append"}, lines).code, 0);
  const std::string whole = directory / "whole";
  ASSERT_EQ(run(directory, {"--data", data, "backup", whole}).code, 0);
  Rng rng(1);
  int cut = 0;
  for (int round = 0; round < 30; ++round) {
    const std::string to = directory / fmt::format("to{}", round);
    const bool backs_up = round % 2 == 0;
    Running process(directory, backs_up ? std::vector<std::string>{"--data", data, "backup", to}
                                        : std::vector<std::string>{"--data", to, "restore", whole});
    std::this_thread::sleep_for(std::chrono::microseconds(rng.between(500, 30'000)));
    process.signal(SIGKILL);
    if (process.wait().code == 0) continue;
    if (backs_up) {
      const std::string restored = directory / fmt::format("restored{}", round);
      const Ended ended = run(directory, {"--data", restored, "restore", to});
      if (ended.code == 0) continue;
      EXPECT_EQ(ended.code, 4) << ended.err;
      EXPECT_THAT(ended.err, HasSubstr("(no_backup)"));
      ++cut;
    } else if (!std::filesystem::exists(to + "/MANIFEST")) {
      // Once it holds anything, nobody takes it for an empty store.
      if (!std::filesystem::exists(to + "/log") || std::filesystem::is_empty(to + "/log")) continue;
      const Ended ended = run(directory, {"--data", to, "append"}, line_of(0, 0));
      EXPECT_EQ(ended.code, 5) << ended.err;
      EXPECT_THAT(ended.err, HasSubstr("(bad_manifest)"));
      ++cut;
    }
  }
  EXPECT_GT(cut, 0);
}

TEST(Backup, SaysWhatItDidAndWhatIsWrong) {
  const ScratchDirectory directory;
  const std::string data = directory / "data";
  const std::string to = directory / "to";
  ASSERT_EQ(run(directory, {"--data", data, "append"}, line_of(0, 0) + line_of(0, 1)).code, 0);
  const Ended json = run(directory, {"--data", data, "backup", to, "--format", "json"});
  ASSERT_EQ(json.code, 0) << json.err;
  EXPECT_EQ(json.err, "");
  const auto summary = parse_json(json.out);
  ASSERT_TRUE(summary.has_value()) << json.out;
  EXPECT_EQ(summary->find("log_records")->text, "2");
  EXPECT_EQ(summary->find("directory")->text, to);
  const Ended chinese =
      run(directory, {"--data", directory / "again", "--lang", "zh", "restore", to});
  EXPECT_EQ(chinese.code, 0) << chinese.err;
  EXPECT_THAT(chinese.out, AllOf(HasSubstr("2 条记录"), HasSubstr("已恢复到")));

  struct Case {
    std::vector<std::string> arguments;
    int code;
    std::string_view told;
  };
  const Case cases[] = {
      {{"backup", "--help"}, 0, ""},
      {{"restore", "--help"}, 0, ""},
      {{"backup"}, 2, "TO is missing"},
      {{"--data", data, "backup", to}, 4, "(target_not_empty)"},
      {{"--data", data, "backup", data + "/./in"}, 2, "(overlapping_directories)"},
      {{"--data", directory / "none", "backup", directory / "x"}, 3, "(no_data_directory)"},
      {{"--data", data, "restore", to}, 4, "(data_directory_not_empty)"},
      {{"--data", directory / "x", "restore", data}, 4, "(no_backup)"},
  };
  for (const Case& c : cases) {
    const Ended ended = run(directory, c.arguments);
    EXPECT_EQ(ended.code, c.code) << c.told << ended.err;
    EXPECT_THAT(ended.err, HasSubstr(std::string(c.told)));
  }
  std::filesystem::create_symlink(data, directory / "link");
  EXPECT_THAT(run(directory, {"--data", directory / "link", "backup", data + "/in"}).err,
              HasSubstr("(overlapping_directories)"));

  // Written over, as a worn disk does.
  const std::string file = to + "/log/00000000000000000001.log";
  std::string bytes = test::text_of(file);
  bytes[200] = static_cast<char>(bytes[200] ^ 1);
  test::write_text(file, bytes);
  const Ended damaged = run(directory, {"--data", directory / "x", "restore", to});
  EXPECT_EQ(damaged.code, 5);
  EXPECT_THAT(damaged.err, AllOf(HasSubstr(file), HasSubstr("(bad_backup)")));
}

}  // namespace
}  // namespace hf
