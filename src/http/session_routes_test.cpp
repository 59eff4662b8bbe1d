// SPDX-License-Identifier: Apache-2.0
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
using testing::Not;

class SessionRoutes : public DoorTest {};

TEST_F(SessionRoutes, TellsWhoIsSignedInAndWhatThisRequestCould) {
  const auto told = [&](Request asked) { return ask(std::move(asked)).body; };
  const auto get = [] { return request("GET", "/api/v1/session"); };
  EXPECT_EQ(told(get()), R"({"signed_in":false,"owner_exists":false,"may_read":false,)"
                         R"("may_create_owner":false})");
  EXPECT_EQ(told(from_loopback(get())),
            R"({"signed_in":false,"owner_exists":false,"may_read":true,)"
            R"("may_create_owner":true})");
  EXPECT_EQ(told(keyed(get(), read_)), R"({"signed_in":false,"owner_exists":false,"may_read":true,)"
                                       R"("may_create_owner":false})");
  const std::string session = become_owner();
  EXPECT_EQ(told(from_loopback(get())),
            R"({"signed_in":false,"owner_exists":true,"may_read":false,)"
            R"("may_create_owner":true})");
  const Response signed_in = ask(cookied(get(), session));
  EXPECT_EQ(signed_in.body,
            fmt::format(R"({{"signed_in":true,"name":"ann","role":"owner","csrf":"{}",)"
                        R"("owner_exists":true,"may_read":true,"may_create_owner":false}})",
                        csrf_token(session)));
  EXPECT_EQ(header_of(signed_in, "Cache-Control"), "no-store");
  EXPECT_EQ(header_of(signed_in, "Set-Cookie"), "");
  open_door({.trusts_loopback = false});
  EXPECT_THAT(told(from_loopback(get())), HasSubstr(R"("may_read":false,"may_create_owner":true)"));
}

TEST_F(SessionRoutes, MakesTheOwnerWithTheLinkOnce) {
  const std::string token = link_token();
  const auto posted = [&](std::string body) {
    return ask(from_loopback(request("POST", "/api/v1/owner", std::move(body))));
  };
  const struct {
    std::string body;
    std::string expected;
    std::string pointer;
  } cases[] = {
      {"{", "400 invalid_json", ""},
      {"[]", "400 not_an_object", ""},
      {"{}", "400 missing_field", "/token"},
      {R"({"token":"x","name":"ann"})", "400 missing_field", "/password"},
      {R"({"token":"x","name":"ann","password":true})", "400 wrong_type", "/password"},
      {R"({"token":"x","name":"ann","password":"x","more":"x"})", "400 unknown_field", "/more"},
      {std::string(70'000, ' '), "400 invalid_json", ""},
      {credentials("ann", password, "hf_setup_x"), "401 bad_token", ""},
      {credentials("", "", "hf_setup_x"), "401 bad_token", ""},
      {credentials("", password, token), "400 bad_name", "/name"},
      {credentials("a\nb", password, token), "400 bad_name", "/name"},
      {credentials("ann", "eleven char", token), "400 weak_password", "/password"},
      {credentials("ann", std::string(1'025, 'x'), token), "400 weak_password", "/password"},
  };
  for (const auto& each : cases) {
    const Response response = posted(each.body);
    EXPECT_EQ(outcome_of(response), each.expected) << each.body.substr(0, 80);
    EXPECT_EQ(header_of(response, "Cache-Control"), "no-store");
    EXPECT_EQ(header_of(response, "Set-Cookie"), "");
    const Json problem = must(parse_json(response.body));
    const Json* const pointer = problem.find("pointer");
    EXPECT_EQ(pointer == nullptr ? "" : pointer->text, each.pointer) << each.body.substr(0, 80);
  }
  const Response made = owner_set(token, " ann ");
  EXPECT_EQ(made.status, 201);
  EXPECT_EQ(header_of(made, "Cache-Control"), "no-store");
  const std::string session = session_in(made);
  EXPECT_EQ(header_of(made, "Set-Cookie"), session_cookie(session, false));
  EXPECT_EQ(made.body,
            fmt::format(R"({{"signed_in":true,"name":"ann","role":"owner","csrf":"{}",)"
                        R"("owner_exists":true,"may_read":true,"may_create_owner":true}})",
                        csrf_token(session)));
  EXPECT_EQ(outcome_of(owner_set(token)), "401 bad_token");
  EXPECT_EQ(
      outcome_of(ask(in_session(request("POST", "/api/v1/sources", R"({"name":"new"})"), session))),
      "201");
  EXPECT_EQ(ask(in_session(request("GET", "/api/v1/keys"), session)).status, 200);

  // Who forgot the password.
  EXPECT_EQ(owner_set(link_token(), "bob").status, 201);
  EXPECT_EQ(outcome_of(ask(in_session(request("GET", "/api/v1/keys"), session))),
            "401 missing_key");
  EXPECT_EQ(outcome_of(entered("ann", password)), "401 bad_credentials");
  EXPECT_EQ(entered("bob", password).status, 200);
}

TEST_F(SessionRoutes, OfTwoRequestsWithOneLinkOneMakesTheOwner) {
  const std::string token = link_token();
  std::vector<std::shared_ptr<Answered>> racing;
  for (const std::string name : {"ann", "eve"}) {
    racing.push_back(
        begin(from_loopback(request("POST", "/api/v1/owner", credentials(name, password, token)))));
  }
  std::vector<std::string> outcomes;
  for (const auto& each : racing) outcomes.push_back(outcome_of(each->wait()));
  EXPECT_THAT(outcomes, testing::UnorderedElementsAre("201", "401 bad_token"));
  EXPECT_EQ(must(state_.accounts()).size(), 1u);
}

TEST_F(SessionRoutes, SignsInAndOut) {
  EXPECT_EQ(outcome_of(entered("ann", password)), "401 bad_credentials");
  (void)become_owner();
  const struct {
    std::string body;
    std::string expected;
  } cases[] = {
      {"", "400 invalid_json"},
      {"{}", "400 missing_field"},
      {R"({"name":"ann"})", "400 missing_field"},
      {R"({"name":"ann","password":12})", "400 wrong_type"},
      {R"({"name":"ann","password":"x","remember":true})", "400 unknown_field"},
      {credentials("ann", password + "x"), "401 bad_credentials"},
      {credentials("eve", password), "401 bad_credentials"},
  };
  for (const auto& each : cases) {
    const Response response = ask(request("POST", "/api/v1/session", each.body));
    EXPECT_EQ(outcome_of(response), each.expected) << each.body;
    EXPECT_EQ(header_of(response, "Set-Cookie"), "");
    EXPECT_EQ(header_of(response, "Cache-Control"), "no-store");
  }
  const Response signed_in = entered("ann", password);
  EXPECT_EQ(signed_in.status, 200);
  const std::string session = session_in(signed_in);
  EXPECT_EQ(header_of(signed_in, "Set-Cookie"), session_cookie(session, false));
  EXPECT_THAT(signed_in.body, HasSubstr(R"("signed_in":true,"name":"ann")"));
  const auto get_keys = [&](const std::string& with_session) {
    return outcome_of(ask(cookied(request("GET", "/api/v1/keys"), with_session)));
  };
  EXPECT_EQ(get_keys(session), "200");

  // A browser that signs in once more has one session.
  const std::string next = session_in(
      ask(cookied(request("POST", "/api/v1/session", credentials("ann", password)), session)));
  EXPECT_EQ(get_keys(session), "401 missing_key");
  EXPECT_EQ(get_keys(next), "200");

  const auto leave = [&](Request asked) { return ask(std::move(asked)); };
  const auto out = [] { return request("DELETE", "/api/v1/session"); };
  EXPECT_EQ(outcome_of(leave(cookied(out(), next))), "403 bad_csrf_token");
  EXPECT_EQ(outcome_of(leave(with(in_session(out(), next), "origin", "http://evil.example"))),
            "403 other_origin");
  EXPECT_EQ(get_keys(next), "200");
  state_.failing = true;
  EXPECT_EQ(outcome_of(leave(in_session(out(), next))), "503 disk_full");
  state_.failing = false;
  for (const bool is_signed_in : {true, false}) {
    const Response left = leave(in_session(out(), next));
    EXPECT_EQ(left.status, 204) << is_signed_in;
    EXPECT_EQ(header_of(left, "Set-Cookie"), ended_session_cookie(false));
    EXPECT_EQ(header_of(left, "Cache-Control"), "no-store");
  }
  EXPECT_EQ(leave(out()).status, 204);
  EXPECT_EQ(get_keys(next), "401 missing_key");
}

TEST_F(SessionRoutes, MakesWhoGuessesWaitAndSaysHowLong) {
  (void)become_owner();
  for (int i = 0; i < AttemptThrottle::free_failures + 1; ++i) {
    sim_.advance_ms(2'000);
    EXPECT_EQ(outcome_of(entered("ann", "a guess")), "401 bad_credentials");
  }
  const Response refused = entered("ann", password);
  EXPECT_EQ(outcome_of(refused), "429 too_many_attempts");
  EXPECT_EQ(header_of(refused, "Retry-After"), "2");
  sim_.advance_ms(2'000);
  EXPECT_EQ(entered("ann", password).status, 200);
}

TEST_F(SessionRoutes, WithTlsTheCookieIsKeptFromPlainHttp) {
  open_door({.is_tls = true});
  const Response made = owner_set(link_token());
  const std::string session = session_in(made);
  EXPECT_EQ(header_of(made, "Set-Cookie"), session_cookie(session, true));
  const auto get_keys = [&](const std::string& name) {
    return ask(with(request("GET", "/api/v1/keys"), "cookie", name + "=" + session)).status;
  };
  EXPECT_EQ(get_keys("__Host-holdfast_session"), 200);
  EXPECT_EQ(get_keys("holdfast_session"), 401);
  const auto post = [&](const std::string& origin) {
    return outcome_of(ask(with(with(with(request("POST", "/api/v1/sources", R"({"name":"new"})"),
                                         "cookie", "__Host-holdfast_session=" + session),
                                    "x-csrf-token", csrf_token(session)),
                               "origin", origin)));
  };
  EXPECT_EQ(post("http://holdfast.example"), "403 other_origin") << "anybody on the way could";
  EXPECT_EQ(post("https://holdfast.example"), "201");
}

TEST_F(SessionRoutes, ANameForARequestIsTheAccountsThroughAllItsSessions) {
  const auto named = [&](const std::string& session, std::string body) {
    return ask(in_session(
        with(request("POST", "/api/v1/keys", std::move(body)), "idempotency-key", "k1"), session));
  };
  const std::string made = R"({"kind":"read"})";
  const std::string session = become_owner();
  EXPECT_THAT(named(session, made).body, HasSubstr(R"("key":"hf_r_)"));
  const std::string next = session_in(entered("ann", password));
  EXPECT_EQ(header_of(named(next, made), "Idempotent-Replayed"), "true");
  EXPECT_EQ(outcome_of(named(next, R"({"kind":"admin"})")), "409 idempotency_key_reused");
  // Key 1 is another than account 1, and so is this machine's user.
  const auto by = [&](Request asked) {
    return header_of(ask(with(std::move(asked), "idempotency-key", "k1")), "Idempotent-Replayed");
  };
  EXPECT_EQ(by(keyed(request("POST", "/api/v1/keys", made), admin_)), "");
  EXPECT_EQ(by(from_socket(request("POST", "/api/v1/keys", made))), "");
}

TEST_F(SessionRoutes, LogsTheAccountAndNeverPasswordTokenOrCookie) {
  std::string path = testing::TempDir() + "access_log_XXXXXX";
  const int file = ::mkstemp(path.data());
  ASSERT_GE(file, 0);
  ::close(file);
  const auto log = must(AccessLog::open(env_, path));
  open_door({.access_log = log.get()});
  const std::string token = link_token();
  const std::string session = session_in(owner_set(token));
  (void)entered("ann", "a wrong password");
  (void)ask(in_session(request("GET", "/api/v1/keys"), session));
  (void)ask(in_session(request("DELETE", "/api/v1/session"), session));
  const std::string text = must(read_file(real_env(), path, 1 << 20));
  ::unlink(path.c_str());
  EXPECT_THAT(text, HasSubstr(R"("route":"/api/v1/owner","status":201)"));
  EXPECT_THAT(text, testing::ContainsRegex(R"("route":"/api/v1/keys",.*"account":1)"));
  EXPECT_THAT(text, HasSubstr(R"("route":"/api/v1/session","status":401)"));
  EXPECT_EQ(std::ranges::count(text, '\n'), 4);
  for (const std::string& secret :
       {token.substr(9), session, csrf_token(session), password, std::string("wrong")}) {
    EXPECT_THAT(text, Not(HasSubstr(secret)));
  }
}

TEST_F(SessionRoutes, StaysUntilWhoSignsInIsAnswered) {
  (void)become_owner();
  const auto waiting = begin(request("POST", "/api/v1/session", credentials("ann", password)));
  door_ = nullptr;
  EXPECT_EQ(waiting->wait().status, 200);
}

}  // namespace
}  // namespace hf::http::test
