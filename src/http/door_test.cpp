// SPDX-License-Identifier: Apache-2.0
#include "http/door.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <thread>

#include "http/door_world.h"
#include "http/test_client.h"

namespace hf::http::test {
namespace {

using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;

class DoorWays : public DoorTest {
 protected:
  /// Every route by every way to come; with an owner where there is a session.
  void check_all_ways(const std::string& session, const std::string& ended);
};

// -- who may what ---------------------------------------------------------------------------------

// The whole matrix: every route with every way to come, the outcome by the rule below alone.
void DoorWays::check_all_ways(const std::string& session, const std::string& ended) {
  const std::string loopback_read = session.empty() ? "" : "401 missing_key";
  const std::string no_session(secret_characters, 'x');
  const auto loopback = [](Request request) { return from_loopback(std::move(request)); };
  const auto key = [](const std::string& token) {
    return [token](Request request) { return keyed(std::move(request), token); };
  };
  // As long as there is no owner, whoever works on this machine may read; who forwards what
  // others ask, or a page of somebody else in a browser here, is not taken for them.
  const auto forwarded = [&](std::string name) {
    return [name](Request request) { return with(from_loopback(std::move(request)), name, "x"); };
  };
  const std::string no_key = "401 missing_key";
  const std::string other_origin = "403 other_origin";
  const std::string bad_csrf = "403 bad_csrf_token";
  struct Way {
    std::string name;
    std::function<Request(Request)> come;
    std::string write, read, admin;  // "": let in.
    bool is_local = false;
    std::string visitor = "";
    std::string link = "403 loopback_only";
    bool is_session = false;
    std::string change = "";  // Of a session, what is refused of all but GET.
  };
  const std::string wrong_kind = "403 wrong_key_kind";
  std::vector<Way> ways = {
      {"from elsewhere", [](Request request) { return request; }, no_key, no_key, no_key},
      {"from elsewhere as localhost",
       [](Request request) { return with(std::move(request), "host", "localhost:8400"); }, no_key,
       no_key, no_key},
      {"from loopback", loopback, no_key, loopback_read, no_key, false, "", ""},
      {"from loopback, a page of ours",
       [&](Request request) {
         return with(with(loopback(std::move(request)), "origin", "http://localhost:8400"),
                     "sec-fetch-site", "same-origin");
       },
       no_key, loopback_read, no_key, false, "", ""},
      {"from loopback, foreign host",
       [&](Request request) { return with(loopback(std::move(request)), "host", "evil.example"); },
       no_key, no_key, no_key},
      {"from loopback, foreign host that begins well",
       [&](Request request) {
         return with(loopback(std::move(request)), "host", "localhost.evil.example");
       },
       no_key, no_key, no_key},
      {"from loopback, foreign origin",
       [&](Request request) {
         return with(loopback(std::move(request)), "origin", "http://evil.example");
       },
       no_key, no_key, no_key, false, other_origin, other_origin},
      {"from loopback, origin of another port",
       [&](Request request) {
         return with(loopback(std::move(request)), "origin", "http://localhost:3000");
       },
       no_key, no_key, no_key, false, other_origin, other_origin},
      {"from loopback, origin null",
       [&](Request request) { return with(loopback(std::move(request)), "origin", "null"); },
       no_key, no_key, no_key, false, other_origin, other_origin},
      {"from loopback, a foreign page's image",
       [&](Request request) {
         return with(loopback(std::move(request)), "sec-fetch-site", "cross-site");
       },
       no_key, no_key, no_key, false, other_origin, other_origin},
      {"no key of ours",
       [](Request request) { return with(std::move(request), "authorization", "Digest x"); },
       no_key, no_key, no_key},
      {"no key of ours from loopback",
       [&](Request request) {
         return with(loopback(std::move(request)), "authorization", "Digest x");
       },
       no_key, no_key, no_key, false, "", ""},
      {"an empty key", key(""), no_key, no_key, no_key},
      {"a wrong key", key(write_ + "x"), "401 unknown_key", "401 unknown_key", "401 unknown_key"},
      {"a wrong key from loopback",
       [&](Request request) { return keyed(loopback(std::move(request)), "hf_r_x"); },
       "401 unknown_key", "401 unknown_key", "401 unknown_key", false, "", ""},
      {"a wrong key by the socket",
       [&](Request request) { return keyed(from_socket(std::move(request)), "hf_r_x"); },
       "401 unknown_key", "401 unknown_key", "401 unknown_key", true},
      {"an expired key", key(expired_), "401 expired_key", "401 expired_key", "401 expired_key"},
      {"a revoked key", key(revoked_), "401 revoked_key", "401 revoked_key", "401 revoked_key"},
      {"a disabled source", key(disabled_), "401 disabled_source", "401 disabled_source",
       "401 disabled_source"},
      {"a write key", key(write_), "", wrong_kind, wrong_kind},
      {"a write key from loopback",
       [&](Request request) { return keyed(loopback(std::move(request)), write_); }, "", wrong_kind,
       wrong_kind, false, "", ""},
      {"a read key", key(read_), wrong_kind, "", wrong_kind},
      {"an admin key", key(admin_), wrong_kind, "", ""},
      {"by the socket", from_socket, no_key, "", "", true},
  };
  for (const std::string name :
       {"forwarded", "x-forwarded-for", "x-forwarded-host", "x-real-ip", "via"}) {
    ways.push_back({"from loopback, " + name, forwarded(name), no_key, no_key, no_key});
  }

  const auto page = [&](Request request) { return in_session(std::move(request), session); };
  const auto sent = [page](std::string name, std::string value) {
    return [=](Request request) { return with(page(std::move(request)), name, value); };
  };
  if (!session.empty()) {
    const std::vector<Way> more = {
        {"a session", page, no_key, "", ""},
        {"a session, a page of ours", sent("origin", "http://holdfast.example"), no_key, "", ""},
        {"a session, a page of ours by a proxy's TLS", sent("origin", "https://holdfast.example"),
         no_key, "", ""},
        {"a session, a proxy", sent("x-forwarded-for", "192.0.2.9"), no_key, "", ""},
        {"a session without its csrf",
         [&](Request request) { return cookied(std::move(request), session); }, no_key, "", "",
         false, "", "403 loopback_only", true, bad_csrf},
        {"a session, another csrf", sent("x-csrf-token", csrf_token(std::string(43, 'x'))), no_key,
         "", "", false, "", "403 loopback_only", true, bad_csrf},
        {"a session, itself for csrf", sent("x-csrf-token", session), no_key, "", "", false, "",
         "403 loopback_only", true, bad_csrf},
        {"a session, foreign origin", sent("origin", "http://evil.example"), no_key, "", "", false,
         other_origin, other_origin, true, other_origin},
        {"a session, another port", sent("origin", "http://holdfast.example:81"), no_key, "", "",
         false, other_origin, other_origin, true, other_origin},
        {"a session, origin null", sent("origin", "null"), no_key, "", "", false, other_origin,
         other_origin, true, other_origin},
        {"a session, a sister's page", sent("sec-fetch-site", "same-site"), no_key, "", "", false,
         other_origin, other_origin, true, other_origin},
        {"a session from loopback",
         [&](Request request) { return page(from_loopback(std::move(request))); }, no_key, "", "",
         false, "", ""},
        {"a session and a read key",
         [&](Request request) { return keyed(page(std::move(request)), read_); }, wrong_kind, "",
         wrong_kind},
        {"a session and a write key",
         [&](Request request) { return keyed(page(std::move(request)), write_); }, "", wrong_kind,
         wrong_kind},
        {"a session and a wrong key",
         [&](Request request) { return keyed(page(std::move(request)), "x"); }, "401 unknown_key",
         "401 unknown_key", "401 unknown_key"},
        {"a session and something else", sent("authorization", "Digest x"), no_key, no_key, no_key},
        {"a session that was signed out",
         [&](Request request) { return in_session(std::move(request), ended); }, no_key, no_key,
         no_key},
        {"no session", [&](Request request) { return in_session(std::move(request), no_session); },
         no_key, no_key, no_key},
        {"two sessions", sent("cookie", "holdfast_session=x; holdfast_session=" + session), no_key,
         no_key, no_key},
        {"a session under the name that TLS has",
         sent("cookie", "__Host-holdfast_session=" + session), no_key, no_key, no_key},
        {"a session for a key", key(session), "401 unknown_key", "401 unknown_key",
         "401 unknown_key"},
    };
    ways.insert(ways.end(), more.begin(), more.end());
  }

  std::size_t checked = 0;
  std::size_t left_out = 0;
  for (const Route& route : Door::routes()) {
    std::string path(route.path);
    if (const std::size_t at = path.find('{'); at != std::string::npos) {
      path.replace(at, path.find('}') + 1 - at, "none");
    }
    for (const Way& way : ways) {
      if (route.method == "DELETE" && way.name.starts_with("a session")) {
        ++left_out;  // It ends it: of that another test tells.
        continue;
      }
      const bool is_refused_change =
          route.method != "GET" && way.is_session &&
          (route.access == Access::read || route.access == Access::admin);
      const std::string expected = is_refused_change                 ? way.change
                                   : route.access == Access::open    ? ""
                                   : route.access == Access::visitor ? way.visitor
                                   : route.access == Access::link    ? way.link
                                   : route.access == Access::write   ? way.write
                                   : route.access == Access::read    ? way.read
                                   : route.access == Access::admin   ? way.admin
                                   : way.is_local                    ? ""
                                                                     : "403 not_local";
      const auto answered = begin(way.come(request(route.method, path, R"({"batch":[7]})")));
      const Response response = answered->wait();
      const std::string outcome = outcome_of(response);
      const std::string where = fmt::format("{} {} {}", route.method, route.path, way.name);
      if (expected.empty()) {
        EXPECT_THAT(outcome, Not(testing::StartsWith("401"))) << where;
        EXPECT_THAT(outcome, Not(testing::StartsWith("403"))) << where;
        EXPECT_NE(response.status, 0) << where;
        EXPECT_NE(response.status, 405) << where;
        EXPECT_LT(response.status, 500) << where;
      } else {
        EXPECT_EQ(outcome, expected) << where;
      }
      if (answered->text() != nullptr) answered->text()->end();
      ++checked;
    }
  }
  EXPECT_EQ(checked + left_out, Door::routes().size() * ways.size());
  EXPECT_THAT(messages(), IsEmpty());
}

TEST_F(DoorWays, LetsInWhoMayAndNobodyElse) { check_all_ways("", ""); }

// And once there is an owner: who is signed in, and loopback no more.
TEST_F(DoorWays, LetsInTheOwnersSessionsAndLoopbackNoMore) {
  const std::string ended = become_owner();
  const std::string session = session_in(entered("ann", password));
  EXPECT_EQ(ask(in_session(request("DELETE", "/api/v1/session"), ended)).status, 204);
  check_all_ways(session, ended);
}

TEST_F(DoorTest, KnowsItsPathsAndTheirMethods) {
  for (const Route& route : Door::routes()) {
    std::string path(route.path);
    if (const std::size_t at = path.find('{'); at != std::string::npos) {
      path.replace(at, path.find('}') + 1 - at, "none");
    }
    for (const std::string_view method : {"PUT", "DELETE", "PATCH", "TRACE", "get"}) {
      if (std::ranges::any_of(Door::routes(), [&](const Route& each) {
            return each.path == route.path && each.method == method;
          })) {
        continue;
      }
      const Response response = ask(request(method, path));
      EXPECT_EQ(outcome_of(response), "405 method_not_allowed") << path;
      EXPECT_THAT(header_of(response, "Allow"), HasSubstr(std::string(route.method))) << path;
      EXPECT_EQ(header_of(response, "Allow").find("HEAD") != std::string::npos,
                header_of(response, "Allow").find("GET") != std::string::npos)
          << path;
    }
    if (route.method == "GET") {
      Request asked = keyed(request("HEAD", path), admin_);
      asked.query = "property=city";  // Which one of them must have.
      const auto answered = begin(std::move(asked));
      EXPECT_EQ(answered->wait().status, path == route.path ? 200 : 404) << path;
      if (answered->text() != nullptr) answered->text()->end();
    }
    for (const std::string& other : {path + "/", path + "x", "/" + path, path + "/more/and/more"}) {
      if (std::ranges::any_of(Door::routes(),
                              [&](const Route& each) { return each.path == other; })) {
        continue;
      }
      const std::string outcome = outcome_of(ask(request(route.method, other)));
      // A name may be any: "nonex" is one.
      if (route.path.find('{') == std::string_view::npos || other != path + "x") {
        EXPECT_EQ(outcome, "404 no_such_path") << other;
      }
    }
  }
  for (const std::string_view path :
       {"//", "/v1", "/v1/", "/api", "/v1/other", "/api/v1/keys//revoke", "/V1/track", "*"}) {
    EXPECT_EQ(outcome_of(ask(request("POST", path))), "404 no_such_path") << path;
  }
  EXPECT_EQ(header_of(ask(request("PUT", "/api/v1/sources")), "Allow"), "GET, HEAD, POST");
  EXPECT_EQ(header_of(ask(request("GET", "/v1/track")), "Allow"), "POST, OPTIONS");
  EXPECT_EQ(header_of(ask(request("HEAD", "/api/v1/query")), "Allow"), "POST");
}

TEST_F(DoorTest, IsReachedByTheServerAndItsSocket) {
  std::string path = testing::TempDir() + "http_test_XXXXXX";
  ASSERT_NE(::mkdtemp(path.data()), nullptr);
  const std::string socket = socket_path_of(path);
  EXPECT_EQ(must(ask_local(socket, "GET", "/api/v1/keys", "")), std::nullopt);
  const auto server = must(Server::start(real_env(), {.port = 0, .socket_path = socket},
                                         [this](Request&& request, Reply reply) {
                                           door_->handle(std::move(request), std::move(reply));
                                         }));
  door_->watch(*server);

  const auto keys = must(ask_local(socket, "GET", "/api/v1/keys", ""));
  ASSERT_TRUE(keys);
  EXPECT_THAT(*keys, HasSubstr("\"kind\":\"admin\""));
  EXPECT_TRUE(must(ask_local(socket, "POST", "/api/v1/sources", R"({"name":"new"})")));
  const auto refusal = ask_local(socket, "POST", "/api/v1/sources", R"({"name":1})");
  ASSERT_FALSE(refusal);
  EXPECT_EQ(refusal.error().code, ErrorCode::invalid_argument);
  EXPECT_EQ(refusal.error().reason, "wrong_type");
  EXPECT_EQ(refusal.error().pointer, "/name");
  EXPECT_EQ(ask_local(socket, "POST", "/v1/track", "{}").error().code, ErrorCode::unauthenticated);
  EXPECT_EQ(ask_local(socket, "GET", "/none", "").error().code, ErrorCode::not_found);

  Client watcher(server->port());
  watcher.send("GET /api/v1/live HTTP/1.1\r\nHost: localhost\r\n\r\n");
  ASSERT_TRUE(watcher.wait_for("retry: 2000\n\n"));
  Client client(server->port());
  const std::string body = batch({event("m1")});
  const Answer answer =
      client.ask(fmt::format("POST /v1/batch HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer {}\r\n"
                             "Content-Length: {}\r\n\r\n{}",
                             write_, body.size(), body));
  EXPECT_EQ(answer.status, 200);
  EXPECT_EQ(messages(), (std::map<std::string, int>{{"m1", 1}}));
  EXPECT_TRUE(watcher.wait_for("\"message_id\":\"m1\""));
  const Answer metrics = client.ask("GET /metrics HTTP/1.1\r\nHost: localhost\r\n\r\n");
  EXPECT_EQ(metrics.status, 200);
  EXPECT_THAT(metrics.body, HasSubstr("\nholdfast_events_appended_total "));
  EXPECT_THAT(metrics.body, HasSubstr("\nholdfast_connections "));
  EXPECT_EQ(client.ask("GET /metrics HTTP/1.1\r\nHost: evil.example\r\n\r\n").status, 401);

  const std::string link = credentials("ann", password, link_token());
  const auto post_owner = [&](std::string_view host) {
    return client.ask(
        fmt::format("POST /api/v1/owner HTTP/1.1\r\nHost: {}\r\n"
                    "Content-Length: {}\r\n\r\n{}",
                    host, link.size(), link));
  };
  EXPECT_EQ(post_owner("evil.example").status, 403);
  const Answer owner = post_owner("localhost");
  EXPECT_EQ(owner.status, 201);
  const std::string set_cookie = owner.header("set-cookie");
  const std::string cookie = set_cookie.substr(0, set_cookie.find(';'));
  EXPECT_EQ(client.ask("GET /metrics HTTP/1.1\r\nHost: localhost\r\n\r\n").status, 401);
  EXPECT_EQ(
      client.ask(fmt::format("GET /metrics HTTP/1.1\r\nHost: a\r\nCookie: {}\r\n\r\n", cookie))
          .status,
      200);
  EXPECT_TRUE(must(ask_local(socket, "GET", "/api/v1/keys", ""))) << "as before";
  server->stop(1'000);
  EXPECT_EQ(must(ask_local(socket, "GET", "/api/v1/keys", "")), std::nullopt);
}

}  // namespace
}  // namespace hf::http::test
