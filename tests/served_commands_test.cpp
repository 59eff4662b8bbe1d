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

  const auto file = [&](const std::string& name, const std::string& text) {
    test::write_text(directory_ / name, text);
    return directory_ / name;
  };
  const std::string rows =
      "person,event,time,message_id\nbob,buy,2026-01-05,i1\neve,buy,2026-01-05,i2\n"
      "eve,,2026-01-06,i3\n";
  const Ended imported = holdfast({"import", file("a.csv", rows)});
  EXPECT_EQ(imported.code, 0);
  EXPECT_THAT(imported.out, HasSubstr("import 1: 2 events of 2 new people in "));
  EXPECT_THAT(imported.out, HasSubstr("rows rejected: 1\n"));
  EXPECT_THAT(imported.out, HasSubstr(data() + "/rejects/import-1.csv\n"));
  EXPECT_EQ(imported.err, "");
  EXPECT_THAT(holdfast({"--lang", "zh", "import", directory_ / "a.csv"}).out,
              HasSubstr("a.csv：此前已导入，未添加任何内容\n"));
  const Ended strict =
      holdfast({"import", "--strict", file("b.csv", rows + "bob,buy,2026-01-07,i4\n")});
  EXPECT_EQ(strict.code, 4);
  EXPECT_THAT(strict.err, HasSubstr("b.csv: line 4"));
  EXPECT_THAT(strict.err, HasSubstr("(rejected_row)\n"));
  EXPECT_THAT(holdfast({"import", directory_ / "b.csv"}).out, HasSubstr(": 2\n"))
      << "left out, their message ids are there";
  EXPECT_EQ(holdfast({"import", "--map", "color=red", directory_ / "a.csv"}).code, 2);
  EXPECT_EQ(holdfast({"import", directory_ / "none.csv"}).code, 3);
  EXPECT_EQ(holdfast({"import", "undo", "1"}).out, "import 1 undone: 2 events taken away\n");
  EXPECT_EQ(holdfast({"import", "undo", "1"}).code, 4);
  EXPECT_EQ(holdfast({"person", "ids", "eve"}).code, 3);

  EXPECT_THAT(holdfast({"source", "add", "web"}).out, HasSubstr("web"));
  const Ended key = holdfast({"key", "create", "--source", "web", "--label", "shop"});
  EXPECT_EQ(key.code, 0);
  EXPECT_THAT(key.out, testing::MatchesRegex("hf_w_[A-Za-z0-9_-]+\n"));
  EXPECT_EQ(holdfast({"key", "create", "--source", "unknown"}).code, 3);
  EXPECT_THAT(holdfast({"key", "list"}).out, HasSubstr("shop"));
  EXPECT_THAT(holdfast({"key", "list", "--format", "json"}).out,
              testing::MatchesRegex(R"(\{"keys":\[\{"id":1,"kind":"write","source":"web",)"
                                    R"("label":"shop","hint":"[^"]+","created_at":"[^"]+"\}\]\})"
                                    "\n"));
  EXPECT_THAT(holdfast({"source", "list", "--format", "json"}).out,
              testing::MatchesRegex(R"(\{"sources":\[\{"name":"web","created_at":"[^"]+",)"
                                    R"("enabled":true\}\]\})"
                                    "\n"));
  EXPECT_EQ(holdfast({"source", "list", "--format", "yaml"}).code, 2);
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

TEST_P(ServedCommands, ForgetAPersonInWhatWasRefusedToo) {
  {
    ServedDirectory server(data());
    EXPECT_EQ(holdfast({"source", "add", "web"}).code, 0);
    std::string key = holdfast({"key", "create", "--source", "web"}).out;
    key.pop_back();
    test::HttpConnection connection(server.port());
    connection.ask("POST", "/v1/batch", {{"Authorization", "Bearer " + key}},
                   R"({"batch":[{"type":"track","userId":"ann","event":"e","messageId":"1"},)"
                   R"({"type":"track","userId":"\u0061nn","event":""},)"
                   R"({"type":"track","userId":"annabel","event":""},)"
                   R"({"type":"track","userId":"mallory","event":""}]})");
    EXPECT_EQ(server.stop().code, 0);
  }
  const auto refused = [&](std::string_view id) {
    ServedDirectory server(data());
    test::HttpConnection connection(server.port());
    const auto answer = connection.ask("GET", "/api/v1/rejects");
    EXPECT_TRUE(answer.has_value());
    return answer && answer->body.find(id) != std::string::npos;
  };
  EXPECT_TRUE(refused("0061nn"));
  {
    std::optional<ServedDirectory> server;
    if (GetParam()) server.emplace(data());
    const Ended erased = holdfast({"person", "erase", "ann", "--now"});
    EXPECT_EQ(erased.code, 0) << erased.err;
    EXPECT_THAT(erased.out, HasSubstr("1 events of a person with 1 ids are gone\n"
                                      "1 refused events that named the person are gone\n"));
    EXPECT_THAT(holdfast({"--lang", "zh", "person", "erase", "mallory"}).out,
                HasSubstr("已删除提及此人的 1 个被拒事件\n"));
    EXPECT_EQ(holdfast({"person", "erase", "ann"}).code, 3);
    if (server) {
      EXPECT_EQ(server->stop().code, 0);
    }
  }
  EXPECT_FALSE(refused("0061nn"));
  EXPECT_FALSE(refused("mallory"));
  EXPECT_TRUE(refused("annabel"));
  EXPECT_THAT(test::text_of(data() + "/state.sqlite"), testing::Not(HasSubstr("0061nn")));
  EXPECT_THAT(holdfast({"verify"}).out, HasSubstr("1 sources, 1 keys, 1 refused events"));
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

std::string key_of(ServedDirectory& server, std::vector<std::string> arguments) {
  arguments.insert(arguments.begin(), {"key", "create"});
  std::string key = server.command(std::move(arguments)).out;
  if (!key.empty()) key.pop_back();
  return key;
}

TEST(Serve, AsksThisMachineForAKeyWhereItIsToldTo) {
  ServedDirectory open;
  ServedDirectory strict(std::vector<std::string>{"--require-keys"});
  test::HttpConnection asks_open(open.port());
  test::HttpConnection asks_strict(strict.port());
  for (const char* path : {"/metrics", "/api/v1/sources", "/api/v1/rejects"}) {
    EXPECT_EQ(asks_open.ask("GET", path)->status, 200) << path;
    EXPECT_EQ(asks_open.ask("GET", path, {{"X-Forwarded-Proto", "https"}})->status, 401) << path;
    EXPECT_EQ(asks_strict.ask("GET", path)->status, 401) << path;
    const std::string key = key_of(strict, {"--kind", "read"});
    EXPECT_EQ(asks_strict.ask("GET", path, {{"Authorization", "Bearer " + key}})->status, 200);
  }
  EXPECT_EQ(asks_strict.ask("GET", "/readyz")->status, 200);
  EXPECT_EQ(strict.command({"source", "add", "web"}).code, 0);  // Its own user needs none.
}

TEST(Serve, AnswersAKeyThatSendsTooMuch429AndAnotherAsBefore) {
  ServedDirectory server(std::vector<std::string>{"--events-per-second-per-key", "1"});
  for (const char* source : {"web", "app"}) server.command({"source", "add", source});
  const std::string web = key_of(server, {"--source", "web"});
  const std::string app = key_of(server, {"--source", "app"});
  const std::string body = R"({"batch":[{"type":"track","userId":"u","event":"a"},)"
                           R"({"type":"track","userId":"u","event":"b"},)"
                           R"({"type":"track","userId":"u","event":"c"}]})";
  test::HttpConnection connection(server.port());
  const auto send = [&](const std::string& key) {
    return *connection.ask("POST", "/v1/batch", {{"Authorization", "Bearer " + key}}, body);
  };
  EXPECT_EQ(send(web).status, 200);
  const test::HttpAnswer refused = send(web);
  EXPECT_EQ(refused.status, 429);
  EXPECT_THAT(refused.body, HasSubstr("too_many_requests"));
  EXPECT_EQ(refused.header("Retry-After").value_or(""), "3");
  EXPECT_EQ(refused.header("Access-Control-Expose-Headers").value_or(""),
            "Retry-After, X-Request-Id");
  EXPECT_EQ(send(app).status, 200);
}

TEST(Serve, NotesEachRequestAndNothingPersonal) {
  ScratchDirectory logs;
  const std::string path = logs / "access.jsonl";
  ServedDirectory server(std::vector<std::string>{"--access-log", path});
  server.command({"source", "add", "web"});
  const std::string key = key_of(server, {"--source", "web"});
  test::HttpConnection connection(server.port());
  connection.ask("POST", "/v1/track", {{"Authorization", "Bearer " + key}},
                 R"({"userId":"ann@example.com","event":"e"})");
  connection.ask("GET", "/no/such/path/ann@example.com");
  EXPECT_EQ(server.stop().code, 0);
  const std::string log = test::text_of(path);
  EXPECT_THAT(log, HasSubstr(R"("route":"/v1/track","status":200)"));
  EXPECT_THAT(log, HasSubstr(R"("key":1)"));
  EXPECT_THAT(log, HasSubstr(R"("route":"","status":404)"));
  EXPECT_THAT(log, testing::Not(HasSubstr("ann")));
  EXPECT_THAT(log, testing::Not(HasSubstr(key)));
}

TEST(Serve, LetsPagesFromAnywhereReadWhyTheirEventsWereRefusedAndNothingElse) {
  ServedDirectory server;
  const auto allowed = [&](const char* path, const std::string& body) {
    test::HttpConnection connection(server.port());
    const auto answer = connection.ask("POST", path, {}, body);
    EXPECT_TRUE(answer.has_value()) << path;
    return answer ? answer->header("Access-Control-Allow-Origin").value_or("") : "";
  };
  const std::string large(9'000'000, ' ');  // Refused before any handler sees it.
  EXPECT_EQ(allowed("/v1/track", large), "*");
  EXPECT_EQ(allowed("/v1/track", "{"), "*");
  EXPECT_EQ(allowed("/v1/nothing", "{}"), "*");
  EXPECT_EQ(allowed("/api/v1/query", large), "");
  EXPECT_EQ(allowed("/api/v1/query", "{"), "");
}

TEST(Serve, SaysOfAQuestionThatIsTooLargeThatAskingAgainIsOfNoUse) {
  ServedDirectory server;
  test::HttpConnection connection(server.port());
  const auto answer = connection.ask(
      "POST", "/api/v1/query", {},
      R"({"metric":"trend","series":[{"event":"*"}],"period":"hour","from":"1971-01-01"})");
  ASSERT_TRUE(answer.has_value());
  EXPECT_EQ(answer->status, 422) << answer->body;
  EXPECT_EQ(answer->header("Retry-After"), std::nullopt);
}

}  // namespace
}  // namespace hf
