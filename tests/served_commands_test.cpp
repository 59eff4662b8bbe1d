// SPDX-License-Identifier: Apache-2.0
//
// Commands on a data directory that a server owns: what they print and how they end is what they
// print and how they end without one.
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <optional>

#include "served_directory.h"

namespace hf {
namespace {

using test::Ended;
using test::run;
using test::ScratchDirectory;
using test::ServedDirectory;
using testing::HasSubstr;

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
  std::optional<ServedDirectory> server;
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
  ServedDirectory server;
  struct stat socket {};
  ASSERT_EQ(::stat((server.data() + "/holdfast.sock").c_str(), &socket), 0);
  EXPECT_EQ(socket.st_mode & 0777u, 0600u);
  test::HttpConnection connection(server.port());
  for (const char* path : {"/local/v1/run", "/local/v1/append"}) {
    const auto answer = connection.ask("POST", path, {}, "{}");
    ASSERT_TRUE(answer.has_value());
    EXPECT_EQ(answer->status, 403) << path;
  }
  EXPECT_EQ(server.stop().code, 0);
  EXPECT_NE(::stat((server.data() + "/holdfast.sock").c_str(), &socket), 0);
}

}  // namespace
}  // namespace hf
