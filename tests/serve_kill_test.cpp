// SPDX-License-Identifier: Apache-2.0
//
// The real server, killed and stopped under eight clients that retry, and on a disk that is full:
// what it acknowledged is there, once, by name.
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sched.h>
#include <sys/mount.h>

#include <atomic>
#include <cerrno>
#include <chrono>
#include <cstring>
#include <map>
#include <set>
#include <sstream>
#include <thread>

#include "base/json.h"
#include "base/rng.h"
#include "http_client.h"
#include "program.h"

namespace hf {
namespace {

using std::chrono::milliseconds;
using Clock = std::chrono::steady_clock;
using test::Ended;
using test::HttpAnswer;
using test::HttpConnection;
using test::HttpHeaders;
using test::run;
using test::Running;
using test::ScratchDirectory;
using testing::AllOf;
using testing::HasSubstr;
using testing::Not;

constexpr int clients = 8;
constexpr int kills_wanted = 52;
constexpr milliseconds ready_within{3'000};

/// One run of `holdfast serve`, on a port of its own choice.
class Server {
 public:
  explicit Server(const std::string& data)
      : process_(directory_, {"--data", data, "serve", "--listen", "127.0.0.1:0"}) {}

  ~Server() {
    if (testing::Test::HasFailure()) fmt::print(stderr, "{}", test::text_of(directory_ / "stderr"));
  }
  Server(const Server&) = delete;
  Server& operator=(const Server&) = delete;

  /// The port once it is ready; nothing where it is not in time.
  std::optional<std::uint16_t> ready() {
    const auto deadline = Clock::now() + ready_within;
    while (Clock::now() < deadline) {
      std::this_thread::sleep_for(milliseconds(1));
      if (const auto port = announced()) {
        const auto answer = HttpConnection(*port).ask("GET", "/readyz");
        if (answer && answer->status == 200) return port;
      }
    }
    return std::nullopt;
  }
  Ended end_by(int signal) {
    process_.signal(signal);
    return process_.wait();
  }

 private:
  [[nodiscard]] std::optional<std::uint16_t> announced() const {
    constexpr std::string_view before = "Listening on http://127.0.0.1:";
    const std::string out = test::text_of(directory_ / "stdout");
    const std::size_t end = out.find('\n');
    if (end == std::string::npos || !out.starts_with(before)) return std::nullopt;
    return static_cast<std::uint16_t>(std::stoi(out.substr(before.size(), end - before.size())));
  }

  ScratchDirectory directory_;
  Running process_;
};

/// A write key of the new source `web`.
std::string new_key(const ScratchDirectory& directory, const std::string& data) {
  const Ended source = run(directory, {"--data", data, "source", "add", "web"});
  EXPECT_EQ(source.code, 0) << source.err;
  Ended key = run(directory, {"--data", data, "key", "create", "--source", "web"});
  EXPECT_EQ(key.code, 0) << key.err;
  key.out.pop_back();  // The end of the line.
  return key.out;
}

std::string id_of(int client, int message) { return fmt::format("{}-{}", client, message); }

std::string time_of(int message) {  // Never on a second, which is written without a fraction.
  return fmt::format("2026-01-{:02}T10:00:00.{:03}Z", 1 + message % 28, 1 + message % 999);
}
/// What an event is, follows from its number alone, and so does what is stored of it.
std::string call_of(int client, int message) {
  return fmt::format(R"({{"type":"track","userId":"u{}","event":"e{}","messageId":"{}",)"
                     R"("timestamp":"{}","properties":{{"n":{}}}}})",
                     message % 97, message % 3, id_of(client, message), time_of(message), message);
}
std::string stored_of(int client, int message) {
  return fmt::format("u{},e{},{},{},{}", message % 97, message % 3, time_of(message),
                     id_of(client, message), message);
}

/// How often each event is stored, by what stored_of() says.
std::map<std::string, int> stored_events(const ScratchDirectory& directory,
                                         const std::string& data) {
  const std::string file = directory / "export.csv";
  const Ended ended = run(directory, {"--data", data, "export", file});
  EXPECT_EQ(ended.code, 0) << ended.err;
  std::map<std::string, int> found;
  std::istringstream in(test::text_of(file));
  std::string line;
  std::getline(in, line);
  EXPECT_EQ(line, "person,event,time,received_at,message_id,channel,n");
  while (std::getline(in, line)) {
    std::istringstream fields(line);
    std::vector<std::string> columns;
    for (std::string field; std::getline(fields, field, ',');) columns.push_back(field);
    if (columns.size() == 7) {
      ++found[fmt::format("{},{},{},{},{}", columns[0], columns[1], columns[2], columns[4],
                          columns[6])];
    } else {
      ADD_FAILURE() << line;
    }
  }
  return found;
}

/// What one client sent and was told, in numbers of its messages.
struct Account {
  int sent = 0;  // All below were sent at least once.
  std::set<int> acknowledged;
};

void expect_kept(const std::map<std::string, int>& found, const std::vector<Account>& accounts) {
  std::size_t known = 0;
  int wrong = 0;
  for (int client = 0; client < static_cast<int>(accounts.size()); ++client) {
    const Account& account = accounts[client];
    for (int message = 0; message < account.sent; ++message) {
      const auto at = found.find(stored_of(client, message));
      const int count = at == found.end() ? 0 : at->second;
      known += count > 0 ? 1 : 0;
      const bool is_acknowledged = account.acknowledged.contains(message);
      if (count <= 1 && (count == 1 || !is_acknowledged)) continue;
      ASSERT_LT(++wrong, 20) << "and more";
      ADD_FAILURE() << id_of(client, message) << " is there " << count << " times, "
                    << (is_acknowledged ? "acknowledged" : "not acknowledged");
    }
  }
  EXPECT_EQ(known, found.size()) << "there is what nobody sent";
}

/// What the clients share with who kills the server.
struct World {
  std::string key;
  std::atomic<std::uint16_t> port = 0;
  std::atomic<bool> is_ending = false;
  std::atomic<int> broken = 0;       // Requests that got no answer.
  std::atomic<int> turned_away = 0;  // Requests that got 503.
};

class Client {
 public:
  Client(World& world, int number) : world_(world), number_(number), rng_(number + 1) {}

  Account work() {
    while (!world_.is_ending && !testing::Test::HasFailure()) {
      std::vector<int> messages;
      const bool is_single = rng_.chance(0.2);
      const auto wanted = is_single ? 1 : static_cast<std::size_t>(rng_.between(1, 20));
      while (messages.size() < wanted) {
        // What was acknowledged long ago is no news either.
        const bool is_again = account_.sent > 0 && rng_.chance(0.1);
        messages.push_back(is_again ? static_cast<int>(rng_.below(account_.sent))
                                    : account_.sent++);
      }
      send(messages, is_single);
    }
    return std::move(account_);
  }

 private:
  /// Until it is acknowledged, or given up half-way as clients are that end.
  void send(const std::vector<int>& messages, bool is_single) {
    std::string body;
    for (const int message : messages) {
      body += (body.empty() ? "" : ",") + call_of(number_, message);
    }
    if (!is_single) body = fmt::format(R"({{"batch":[{}]}})", body);
    const std::string_view path = is_single ? "/v1/track" : "/v1/batch";
    HttpHeaders headers{{"Authorization", "Bearer " + world_.key},
                        {"Content-Type", "application/json"}};
    if (rng_.chance(0.3)) {
      body = test::gzipped(body);
      headers.emplace_back("Content-Encoding", "gzip");
    }
    const auto deadline = Clock::now() + std::chrono::seconds(20);
    while (Clock::now() < deadline) {
      const auto answer = connection().ask("POST", path, headers, body);
      if (answer && answer->status == 200) {
        EXPECT_EQ(answer->body, R"({"success":true})");
        account_.acknowledged.insert(messages.begin(), messages.end());
        if (rng_.chance(0.05)) connection_->hang_up();
        std::this_thread::sleep_for(std::chrono::microseconds(rng_.between(0, 3'000)));
        return;
      }
      if (answer && answer->status < 500) {
        ADD_FAILURE() << answer->head << answer->body;
        return;
      }
      ++(answer ? world_.turned_away : world_.broken);
      if (rng_.chance(0.05)) return;
      std::this_thread::sleep_for(std::chrono::microseconds(rng_.between(100, 5'000)));
    }
    ADD_FAILURE() << "not acknowledged for 20 s";
  }
  HttpConnection& connection() {
    const std::uint16_t port = world_.port;
    if (!connection_ || port != port_) connection_.emplace(port);
    port_ = port;
    return *connection_;
  }

  World& world_;
  int number_;
  Rng rng_;
  std::optional<HttpConnection> connection_;
  std::uint16_t port_ = 0;
  Account account_;
};

void expect_sound(const ScratchDirectory& directory, const std::string& data) {
  const Ended verified = run(directory, {"--data", data, "verify"});
  EXPECT_EQ(verified.code, 0) << verified.out << verified.err;
  EXPECT_THAT(verified.out, HasSubstr("everything is sound"));
}

TEST(ServeKill, FiftyTimesUnderEightClientsLosesAndDoublesNothing) {
  const ScratchDirectory directory;
  const std::string data = directory / "data";
  World world;
  world.key = new_key(directory, data);
  std::vector<Account> accounts(clients);
  std::optional<Server> server(data);
  const auto come_up = [&] {
    const auto port = server->ready();
    if (port) {
      world.port = *port;
    } else {
      const Ended ended = server->end_by(SIGKILL);
      server.reset();
      ADD_FAILURE() << "not ready after " << ready_within.count() << " ms: " << ended.out
                    << ended.err;
    }
    return port.has_value();
  };
  milliseconds slowest{0};
  {
    std::vector<std::jthread> threads;
    struct EndAll {
      World& world;
      ~EndAll() { world.is_ending = true; }
    } const end_all{world};  // Before the threads are joined.
    ASSERT_TRUE(come_up());
    for (int client = 0; client < clients; ++client) {
      threads.emplace_back([&, client] { accounts[client] = Client(world, client).work(); });
    }
    Rng rng(1);
    for (int kills = 0; kills < kills_wanted && !HasFailure();) {
      std::this_thread::sleep_for(milliseconds(rng.between(20, 400)));
      if (rng.chance(0.1)) {
        const Ended ended = server->end_by(SIGTERM);
        EXPECT_EQ(ended.code, 0) << ended.err;
        EXPECT_THAT(ended.out, HasSubstr("Stopping"));
      } else {
        const Ended ended = server->end_by(SIGKILL);
        EXPECT_EQ(ended.code, -SIGKILL) << ended.err;
        ++kills;
      }
      // While it opens what the last one left, too.
      while (rng.chance(0.2)) {
        server.emplace(data);
        std::this_thread::sleep_for(std::chrono::microseconds(rng.between(500, 30'000)));
        EXPECT_EQ(server->end_by(SIGKILL).code, -SIGKILL);
      }
      const auto started = Clock::now();
      server.emplace(data);
      ASSERT_TRUE(come_up());
      slowest = std::max(slowest, std::chrono::duration_cast<milliseconds>(Clock::now() - started));
    }
    world.is_ending = true;
  }
  // Each kill met clients that waited for an answer.
  EXPECT_GE(world.broken, kills_wanted);
  RecordProperty("slowest_start_ms", static_cast<int>(slowest.count()));

  const Ended second = run(directory, {"--data", data, "serve", "--listen", "127.0.0.1:0"});
  EXPECT_EQ(second.code, 4) << second.out;
  EXPECT_THAT(second.err, AllOf(HasSubstr("locked by another process"), HasSubstr("(locked)")));
  EXPECT_THAT(second.out, Not(HasSubstr("Listening")));
  const auto still_ready = HttpConnection(world.port).ask("GET", "/readyz");
  ASSERT_TRUE(still_ready.has_value());
  EXPECT_EQ(still_ready->status, 200);

  // All of it once more: duplicates are as good as events.
  for (int client = 0; client < clients; ++client) {
    HttpConnection connection(world.port);
    const HttpHeaders headers{{"Authorization", "Bearer " + world.key}};
    for (int first = 0; first < accounts[client].sent; first += 500) {
      std::string calls;
      for (int i = first; i < std::min(first + 500, accounts[client].sent); ++i) {
        if (!accounts[client].acknowledged.contains(i)) continue;
        calls += (calls.empty() ? "" : ",") + call_of(client, i);
      }
      if (calls.empty()) continue;
      const auto answer =
          connection.ask("POST", "/v1/batch", headers, fmt::format(R"({{"batch":[{}]}})", calls));
      ASSERT_TRUE(answer.has_value());
      ASSERT_EQ(answer->status, 200) << answer->body;
    }
  }
  const Ended ended = server->end_by(SIGTERM);
  EXPECT_EQ(ended.code, 0) << ended.err;
  expect_sound(directory, data);
  const auto found = stored_events(directory, data);
  EXPECT_GT(found.size(), 1'000u);
  expect_kept(found, accounts);
}

/// A file system of so many bytes that only this process and its children see.
class SmallDisk {
 public:
  SmallDisk(const ScratchDirectory& directory, std::size_t bytes) : path_(directory / "disk") {
    const uid_t user = ::geteuid();
    const gid_t group = ::getegid();
    if (::unshare(CLONE_NEWUSER | CLONE_NEWNS) != 0) {
      problem_ = fmt::format("no namespace for a small disk: {}", std::strerror(errno));
      return;
    }
    test::write_text("/proc/self/setgroups", "deny");
    test::write_text("/proc/self/uid_map", fmt::format("{0} {0} 1", user));
    test::write_text("/proc/self/gid_map", fmt::format("{0} {0} 1", group));
    std::filesystem::create_directory(path_);
    const std::string options = fmt::format("size={}", bytes);
    if (::mount("none", path_.c_str(), "tmpfs", 0, options.c_str()) != 0) {
      problem_ = fmt::format("no small disk can be mounted: {}", std::strerror(errno));
      return;
    }
    is_mounted_ = true;
  }
  ~SmallDisk() {
    if (is_mounted_) ::umount2(path_.c_str(), MNT_DETACH);
  }
  SmallDisk(const SmallDisk&) = delete;
  SmallDisk& operator=(const SmallDisk&) = delete;

  /// Why there is none; empty where there is.
  [[nodiscard]] const std::string& problem() const { return problem_; }
  [[nodiscard]] std::string operator/(std::string_view name) const {
    return path_ + "/" + std::string(name);
  }
  /// But for so many bytes.
  void fill(std::size_t left) const {
    const std::string name = *this / "filler";
    std::ofstream out(name, std::ios::binary);
    const std::string page(4'096, 'x');
    while (out.write(page.data(), static_cast<std::streamsize>(page.size())).flush()) continue;
    out.close();
    const std::size_t size = std::filesystem::file_size(name);
    std::filesystem::resize_file(name, size - std::min(size, left));
  }
  void free() const { std::filesystem::remove(*this / "filler"); }

 private:
  std::string path_;
  std::string problem_;
  bool is_mounted_ = false;
};

// Last in this file: the process cannot leave its namespace again.
TEST(ServeOnAFullDisk, AnswersQuestionsAndTakesEventsAgainOnceThereIsSpace) {
  const ScratchDirectory directory;
  const SmallDisk disk(directory, std::size_t{64} << 20);
  if (!disk.problem().empty()) GTEST_SKIP() << disk.problem();
  const std::string data = disk / "data";
  const HttpHeaders headers{{"Authorization", "Bearer " + new_key(directory, data)}};
  Server server(data);
  const auto port = server.ready();
  ASSERT_TRUE(port.has_value());
  HttpConnection connection(*port);
  std::vector<Account> accounts(1);
  Account& account = accounts.front();

  constexpr int batch = 100;
  const auto post = [&](int first) {
    std::string calls;
    for (int i = first; i < first + batch; ++i) {
      calls += (calls.empty() ? "" : ",") + call_of(0, i);
    }
    account.sent = std::max(account.sent, first + batch);
    auto answer =
        connection.ask("POST", "/v1/batch", headers, fmt::format(R"({{"batch":[{}]}})", calls));
    if (!answer) {
      const Ended ended = server.end_by(SIGKILL);
      ADD_FAILURE() << "no answer; the server has ended with " << ended.code << ": " << ended.out
                    << ended.err;
    } else if (answer->status == 200) {
      for (int i = first; i < first + batch; ++i) account.acknowledged.insert(i);
    }
    return answer.value_or(HttpAnswer());
  };
  // How many events a question counts.
  const auto counted = [&]() -> std::string {
    const std::string_view question =
        R"({"metric":"trend","from":"2026-01-01","to":"2026-02-01","series":[{"event":"*"}]})";
    const auto answer = connection.ask("POST", "/api/v1/query", {}, question);
    EXPECT_TRUE(answer.has_value());
    if (!answer || answer->status != 200) return answer ? answer->body : "";
    const Json json = parse_json(answer->body).value();
    return json.find("data")->find("series")->array.front().find("total")->text;
  };

  int next = 0;
  Rng rng(1);
  for (int round = 0; round < 5; ++round) {
    SCOPED_TRACE(round);
    const int before = static_cast<int>(rng.between(0, 40));
    for (int i = 0; i < before; ++i, next += batch) ASSERT_EQ(post(next).status, 200);
    disk.fill(round == 0 ? 0 : rng.below(std::size_t{1} << 20));
    HttpAnswer answer = post(next);
    // What the log has set aside for itself lasts a while.
    for (int i = 0; i < 5'000 && answer.status == 200; ++i) answer = post(next += batch);
    ASSERT_EQ(answer.status, 503) << answer.body;
    for (int i = 0; i < 3; ++i) {
      EXPECT_EQ(answer.status, 503);
      EXPECT_TRUE(answer.header("Retry-After").has_value()) << answer.head;
      EXPECT_THAT(answer.body, HasSubstr(R"("reason":"not_writable")"));
      answer = post(next);
    }
    // Through tries to open the directory again, of which there is one a second.
    const auto looking_until = Clock::now() + milliseconds(round == 0 ? 2'500 : 0);
    do {
      const auto readiness = connection.ask("GET", "/readyz");
      ASSERT_TRUE(readiness.has_value());
      EXPECT_EQ(readiness->status, 503) << readiness->body;
      std::this_thread::sleep_for(milliseconds(20));
    } while (Clock::now() < looking_until);
    EXPECT_EQ(counted(), std::to_string(account.acknowledged.size()));

    disk.free();
    const auto deadline = Clock::now() + std::chrono::seconds(5);
    while ((answer = post(next)).status != 200 && Clock::now() < deadline) {
      std::this_thread::sleep_for(milliseconds(50));
    }
    ASSERT_EQ(answer.status, 200) << answer.body;
    next += batch;
    EXPECT_EQ(counted(), std::to_string(account.acknowledged.size()));
  }
  const Ended ended = server.end_by(SIGTERM);
  EXPECT_EQ(ended.code, 0) << ended.err;
  expect_sound(directory, data);
  expect_kept(stored_events(directory, data), accounts);
}

}  // namespace
}  // namespace hf
