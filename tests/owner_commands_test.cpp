// SPDX-License-Identifier: Apache-2.0
//
// The owner, from the first start to a forgotten password: what `serve` and `owner` print, and what
// their links do.
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <thread>

#include "served_directory.h"

namespace hf {
namespace {

using test::Ended;
using test::HttpAnswer;
using test::HttpConnection;
using test::ScratchDirectory;
using test::ServedDirectory;
using testing::HasSubstr;
using testing::MatchesRegex;
using testing::Not;

const std::string link_pattern = "/console/welcome#hf_setup_[A-Za-z0-9_-]+\n";

std::string token_in(const std::string& text) {
  const std::size_t at = text.find("hf_setup_");
  return at == std::string::npos ? "" : text.substr(at, text.find('\n', at) - at);
}

HttpAnswer owner_set(const ServedDirectory& server, const std::string& token,
                     std::string_view password) {
  HttpConnection connection(server.port());
  return connection
      .ask("POST", "/api/v1/owner", {},
           fmt::format(R"({{"token":"{}","name":"ann","password":"{}"}})", token, password))
      .value();
}

int status_of(const ServedDirectory& server, const std::string& cookie) {
  HttpConnection connection(server.port());
  return connection.ask("GET", "/api/v1/keys", {{"Cookie", cookie}})->status;
}

std::string cookie_in(const HttpAnswer& answer) {
  const std::string cookie = answer.header("Set-Cookie").value_or("");
  return cookie.substr(0, cookie.find(';'));
}

TEST(OwnerCommands, AreTheWayInOfTheFirstRunAndOfAForgottenPassword) {
  ScratchDirectory directory;
  const std::string data = directory / "data";
  std::string first;
  std::string cookie;
  {
    ServedDirectory server(data);
    EXPECT_THAT(server.command({"owner", "show"}).out, HasSubstr("no owner yet"));
    EXPECT_EQ(server.command({"owner", "show", "--format", "json"}).out,
              "{\"owner_exists\":false}\n");
    const Ended link = server.command({"owner", "link"});
    EXPECT_EQ(link.code, 0);
    EXPECT_THAT(link.out, MatchesRegex(link_pattern));
    EXPECT_THAT(link.err, HasSubstr("24 hours"));
    const HttpAnswer made = owner_set(server, token_in(link.out), "a long password");
    EXPECT_EQ(made.status, 201) << made.body;
    cookie = cookie_in(made);
    EXPECT_EQ(status_of(server, cookie), 200);
    EXPECT_EQ(owner_set(server, token_in(link.out), "a long password").status, 401);
    HttpConnection connection(server.port());
    EXPECT_EQ(connection.ask("GET", "/metrics")->status, 401) << "this machine alone, no more";
    EXPECT_EQ(server.command({"source", "add", "web"}).code, 0);
    EXPECT_THAT(server.command({"owner"}).out, HasSubstr("ann"));
    EXPECT_THAT(server.command({"owner", "show", "--format", "json"}).out,
                MatchesRegex(R"(\{"owner_exists":true,"name":"ann","role":"owner",)"
                             R"("created_at":"[^"]+","signed_in_at":"[^"]+"\})"
                             "\n"));
    const Ended ended = server.stop();
    EXPECT_THAT(ended.out, HasSubstr(fmt::format("  http://127.0.0.1:{}/console/welcome#hf_setup_",
                                                 server.port())));
    EXPECT_THAT(ended.out, Not(HasSubstr(token_in(link.out))));
    first = token_in(ended.out);
  }
  {
    ServedDirectory server(data);
    EXPECT_EQ(status_of(server, cookie), 200) << "through a restart";
    EXPECT_EQ(owner_set(server, first, "another password").status, 401);
    const Ended link = server.command({"--lang", "zh", "owner", "link"});
    EXPECT_THAT(link.err, HasSubstr("24 小时"));
    EXPECT_EQ(owner_set(server, token_in(link.out), "another password").status, 201);
    EXPECT_EQ(status_of(server, cookie), 401);
    EXPECT_THAT(server.stop().out, Not(HasSubstr("hf_setup_"))) << "there is an owner";
  }
  // Without a server.
  const Ended shown = test::run(directory, {"--data", data, "--lang", "zh", "owner", "show"});
  EXPECT_THAT(shown.out, HasSubstr("最近登录"));
  const Ended link = test::run(directory, {"--data", data, "owner", "link"});
  EXPECT_THAT(link.out, MatchesRegex(link_pattern));
  ServedDirectory server(data);
  EXPECT_EQ(owner_set(server, token_in(link.out), "a third password").status, 201);
}

TEST(OwnerCommands, TellOfAMistypedDirectoryAndMakeNone) {
  ScratchDirectory directory;
  for (const std::string command : {"link", "show"}) {
    const Ended ended = test::run(directory, {"--data", directory / "none", "owner", command});
    EXPECT_EQ(ended.code, 3);
    EXPECT_THAT(ended.err, HasSubstr("no_data_directory"));
  }
  EXPECT_FALSE(std::filesystem::exists(directory / "none"));
}

TEST(OwnerCommands, NoLinkIsPrintedThatDoesNotLead) {
  ScratchDirectory directory;
  test::Running server(directory,
                       {"--data", directory / "data", "serve", "--listen", "127.0.0.2:0"});
  for (int tries = 0; tries < 400; ++tries) {
    if (test::text_of(directory / "stdout").find("none yet") != std::string::npos) break;
    std::this_thread::sleep_for(std::chrono::milliseconds(25));
  }
  server.signal(SIGTERM);
  const Ended ended = server.wait();
  EXPECT_EQ(ended.code, 0) << ended.err;
  EXPECT_THAT(ended.out, HasSubstr("none yet"));
  EXPECT_THAT(ended.out, Not(HasSubstr("hf_setup_")));
}

}  // namespace
}  // namespace hf
