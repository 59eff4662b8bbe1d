// SPDX-License-Identifier: Apache-2.0
//
// Commands on a data directory that a server owns: what they print and how they end is what they
// print and how they end without one.
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <chrono>
#include <optional>
#include <thread>

#include "http_client.h"
#include "program.h"

namespace hf {
namespace {

using test::Ended;
using test::run;
using test::Running;
using test::ScratchDirectory;
using testing::HasSubstr;

class Server {
 public:
  explicit Server(const std::string& data)
      : process_(std::in_place, directory_,
                 std::vector<std::string>{"--data", data, "serve", "--listen", "127.0.0.1:0"}) {
    for (int tries = 0; port_ == 0 && tries < 400; ++tries) {
      std::this_thread::sleep_for(std::chrono::milliseconds(25));
      const std::string out = test::text_of(directory_ / "stdout");
      const std::size_t at = out.find("127.0.0.1:");
      if (at == std::string::npos || out.find('\n', at) == std::string::npos) continue;
      port_ = static_cast<std::uint16_t>(std::stoi(out.substr(at + 10)));
    }
    EXPECT_NE(port_, 0);
  }
  [[nodiscard]] std::uint16_t port() const { return port_; }
  Ended stop() {
    process_->signal(SIGTERM);
    return process_->wait();
  }

 private:
  ScratchDirectory directory_;
  std::optional<Running> process_;
  std::uint16_t port_ = 0;
};

class ServedCommands : public testing::TestWithParam<bool> {
 protected:
  Ended holdfast(std::vector<std::string> arguments, std::string_view input = {}) {
    arguments.insert(arguments.begin(), {"--data", data()});
    return run(directory_, std::move(arguments), input);
  }
  [[nodiscard]] std::string data() const { return directory_ / "data"; }
  ScratchDirectory directory_;
};

TEST_P(ServedCommands, DoAndSayTheSameWithAndWithoutOne) {
  std::optional<Server> server;
  ASSERT_EQ(holdfast({"settings", "--timezone", "UTC"}).code, 0);
  if (GetParam()) server.emplace(data());

  const Ended appended =
      holdfast({"append"}, R"({"user_id":"ann","event":"e","time":"2026-01-01","message_id":"1"})"
                           "\n"
                           R"({"anonymous_id":"x","event":"e","time":"2026-01-02"})"
                           "\n"
                           R"({"user_id":"ann","event":"e","time":"2026-01-01","message_id":"1"})"
                           "\n\xff\n");
  EXPECT_EQ(appended.code, 2);
  EXPECT_THAT(appended.out, HasSubstr("1 appended\n2 appended\n3 duplicate\n4 rejected "));

  const Ended settings = holdfast({"settings", "--timezone", "Asia/Shanghai"});
  EXPECT_EQ(settings.code, 0);
  EXPECT_THAT(settings.out, HasSubstr("Asia/Shanghai"));
  EXPECT_EQ(holdfast({"settings", "--timezone", "Mars/Olympus"}).code, 2);

  EXPECT_EQ(holdfast({"--lang", "zh", "person", "link", "ann", "anonymous:x"}).out,
            "user:ann 与 anonymous:x 是同一人\n");
  EXPECT_EQ(holdfast({"person", "ids", "ann"}).out, "user:ann\nanonymous:x\n");
  const Ended refused = holdfast({"person", "link", "ann", "ann"});
  EXPECT_EQ(refused.code, 2);
  EXPECT_THAT(refused.err, HasSubstr("bad_link"));

  EXPECT_THAT(holdfast({"compact"}).out, HasSubstr("parts "));
  EXPECT_THAT(holdfast({"purge", "--before", "2026-01-02"}).out, HasSubstr("1 events are gone"));
  EXPECT_EQ(holdfast({"purge", "--before", "soon"}).code, 2);
  EXPECT_THAT(holdfast({"person", "erase", "ann", "--now"}).out, HasSubstr("with 2 ids"));
  EXPECT_EQ(holdfast({"person", "ids", "ann"}).code, 3);

  EXPECT_THAT(holdfast({"source", "add", "web"}).out, HasSubstr("web"));
  const Ended key = holdfast({"key", "create", "--source", "web", "--label", "shop"});
  EXPECT_EQ(key.code, 0);
  EXPECT_THAT(key.out, testing::MatchesRegex("hf_w_[A-Za-z0-9_-]+\n"));
  EXPECT_EQ(holdfast({"key", "create", "--source", "unknown"}).code, 3);
  EXPECT_THAT(holdfast({"key", "list"}).out, HasSubstr("shop"));
  EXPECT_THAT(holdfast({"key", "revoke", "1"}).out, HasSubstr("revoked"));
  EXPECT_THAT(holdfast({"source", "disable", "web"}).out, HasSubstr("disabled"));
  EXPECT_EQ(holdfast({"verify"}).code == 0, !GetParam());  // Which wants the directory at rest.

  if (!server) return;
  const Ended second = holdfast({"serve", "--listen", "127.0.0.1:0"});
  EXPECT_EQ(second.code, 4);
  EXPECT_THAT(second.err, HasSubstr("locked"));
  EXPECT_EQ(server->stop().code, 0);
  EXPECT_EQ(holdfast({"verify"}).code, 0);
}

INSTANTIATE_TEST_SUITE_P(Where, ServedCommands, testing::Bool(), [](const auto& served) {
  return std::string(served.param ? "Served" : "AtRest");
});

TEST(Serve, ListensToItsOwnUserAlone) {
  ScratchDirectory directory;
  const std::string data = directory / "data";
  Server server(data);
  struct stat socket {};
  ASSERT_EQ(::stat((data + "/holdfast.sock").c_str(), &socket), 0);
  EXPECT_EQ(socket.st_mode & 0777u, 0600u);
  test::HttpConnection connection(server.port());
  for (const char* path : {"/local/v1/run", "/local/v1/append"}) {
    const auto answer = connection.ask("POST", path, {}, "{}");
    ASSERT_TRUE(answer.has_value());
    EXPECT_EQ(answer->status, 403) << path;
  }
  EXPECT_EQ(server.stop().code, 0);
  EXPECT_NE(::stat((data + "/holdfast.sock").c_str(), &socket), 0);
}

}  // namespace
}  // namespace hf
