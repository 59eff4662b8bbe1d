// SPDX-License-Identifier: Apache-2.0
#include "http/door.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sodium.h>

#include <chrono>
#include <future>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "base/json.h"
#include "base/sim_env.h"
#include "http/cookie.h"
#include "http/import_api.h"
#include "http/local_client.h"
#include "http/test_client.h"
#include "service/account.h"
#include "service/import_world.h"
#include "service/memory_state.h"
#include "service/secret.h"

namespace hf::http {
namespace {

using hf::test::gzipped;
using hf::test::must;
using test::Answer;
using test::Client;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;

const std::string directory = "/data";
const std::string password = "a long password";
constexpr std::int64_t hour_ms = 3'600'000;

template <class Ready>
bool comes_true(Ready&& ready) {
  for (int i = 0; i < 1'000; ++i) {
    if (ready()) return true;
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
  }
  return false;
}

/// What a handler did with its Reply.
class Answered final : public Reply::Target, public std::enable_shared_from_this<Answered> {
 public:
  class Text final : public Stream {
   public:
    bool write(std::string text) override {
      *text_.lock() += text;
      return !closed;
    }
    void end() override { closed = true; }
    [[nodiscard]] bool is_closed() const override { return closed; }
    [[nodiscard]] std::string text() const { return *text_.lock(); }
    std::atomic<bool> closed = false;

   private:
    Guarded<std::string> text_;
  };

  void send(Response response) override { promise_.set_value(std::move(response)); }
  std::shared_ptr<Stream> stream(Response head) override {
    text_ = std::make_shared<Text>();
    send(std::move(head));
    return text_;
  }
  Response wait() {
    const auto ready = response_.wait_for(std::chrono::seconds(10));
    if (ready != std::future_status::ready) return {.status = 0};
    return response_.get();
  }
  [[nodiscard]] bool is_there() const {
    return response_.wait_for(std::chrono::seconds(0)) == std::future_status::ready;
  }
  [[nodiscard]] const std::shared_ptr<Text>& text() const { return text_; }

 private:
  std::promise<Response> promise_;
  std::shared_future<Response> response_ = promise_.get_future().share();
  std::shared_ptr<Text> text_;
};

std::string header_of(const Response& response, std::string_view name) {
  for (const Header& header : response.headers) {
    if (header.name == name) return header.value;
  }
  return {};
}

/// "200", or the status and reason of a problem, which must be a whole one.
std::string outcome_of(const Response& response) {
  if (response.status < 400) return fmt::format("{}", response.status);
  EXPECT_EQ(response.content_type, "application/problem+json");
  const auto json = parse_json(response.body);
  if (!json) return "no JSON: " + response.body;
  EXPECT_EQ(json->find("type")->text, "about:blank");
  EXPECT_EQ(json->find("title")->text, reason_phrase(response.status));
  EXPECT_EQ(json->find("status")->text, fmt::format("{}", response.status));
  EXPECT_EQ(json->find("request_id")->text, "r1");
  EXPECT_NE(json->find("detail")->text, "");
  EXPECT_EQ(header_of(response, "WWW-Authenticate"), response.status == 401 ? "Bearer" : "");
  const bool may_help = response.status == 503 || response.status == 429;
  EXPECT_EQ(header_of(response, "Retry-After") != "", may_help) << "to try again";
  return fmt::format("{} {}", response.status, json->find("reason")->text);
}

/// Keeps the thread that owns the store until it is let go.
class Hold {
 public:
  explicit Hold(Workspace& workspace)
      : holding_([this, &workspace] {
          EXPECT_TRUE(workspace.with_store([this](Store&) -> Result<void> {
            begun_.set_value();
            end_.get_future().wait();
            return {};
          }));
        }) {
    begun_.get_future().wait();
  }
  ~Hold() {
    end_.set_value();
    holding_.join();
  }

 private:
  std::promise<void> begun_;
  std::promise<void> end_;
  std::thread holding_;
};

class DoorTest : public testing::Test {
 protected:
  DoorTest() {
    must(add_source(state_, env_, "shop"));
    must(add_source(state_, env_, "closed"));
    expired_ = created(KeyKind::write, "shop", env_.clock.now_ms() + 1);
    sim_.advance_ms(hour_ms);
    write_ = created(KeyKind::write, "shop");
    disabled_ = created(KeyKind::write, "closed");
    must(disable_source(state_, "closed"));
    revoked_ = created(KeyKind::admin, "");
    must(revoke_key(state_, env_, 4));
    read_ = created(KeyKind::read, "");
    admin_ = created(KeyKind::admin, "");
    keyring_ = must(Keyring::open(state_));
    sign_ins_ = must(SignIns::open(env_, state_));
    open_workspace();
    open_door({});
  }

  void open_workspace() { workspace_ = must(Workspace::open(env_, directory, {.reopen_ms = 50})); }
  void open_door(Door::Options options) {
    options.run_command = [](const std::string& body) -> Result<std::string> { return body; };
    options.append_lines = options.run_command;
    door_ = nullptr;
    door_ = std::make_unique<Door>(env_, *workspace_, state_, *keyring_, *sign_ins_, options);
  }
  std::string created(KeyKind kind, std::string_view source,
                      std::optional<TimestampMs> expires_ms = {}) {
    return must(create_key(state_, env_, kind, source, "", expires_ms)).token;
  }

  /// From elsewhere, without a key.
  static Request request(std::string_view method, std::string_view target, std::string body = "") {
    Request request;
    request.method = method;
    const std::size_t mark = target.find('?');
    request.path = target.substr(0, mark);
    if (mark != std::string_view::npos) request.query = target.substr(mark + 1);
    request.headers = {{"host", "holdfast.example"}};
    request.body = std::move(body);
    request.peer = "192.0.2.1";
    request.id = "r1";
    return request;
  }
  static Request with(Request request, std::string name, std::string value) {
    for (Header& header : request.headers) {
      if (header.name == name) {
        header.value = std::move(value);
        return request;
      }
    }
    request.headers.push_back({std::move(name), std::move(value)});
    return request;
  }
  static Request keyed(Request request, const std::string& key) {
    return with(std::move(request), "authorization", "Bearer " + key);
  }
  static Request cookied(Request request, const std::string& session) {
    return with(std::move(request), "cookie", "theme=dark; holdfast_session=" + session);
  }
  /// As the session's own page sends it.
  static Request in_session(Request request, const std::string& session) {
    return with(cookied(std::move(request), session), "x-csrf-token", csrf_token(session));
  }
  static Request from_loopback(Request request) {
    request.peer = "127.0.0.1";
    request.is_loopback = true;
    return with(std::move(request), "host", "localhost:8400");
  }
  static Request from_socket(Request request) {
    request.peer = "";
    request.is_local = true;
    return request;
  }

  std::shared_ptr<Answered> begin(Request request) {
    auto answered = std::make_shared<Answered>();
    door_->handle(std::move(request), Reply(answered));
    return answered;
  }
  Response ask(Request request) { return begin(std::move(request))->wait(); }
  Response sent(std::string_view endpoint, std::string body) {
    return ask(keyed(request("POST", fmt::format("/v1/{}", endpoint), std::move(body)), write_));
  }
  Response asked(std::string_view method, std::string_view target, std::string body = "") {
    return ask(keyed(request(method, target, std::move(body)), admin_));
  }

  std::string link_token() { return must(make_setup_token(state_, env_)); }
  static std::string credentials(std::string_view name, std::string_view word,
                                 std::string_view token = "") {
    JsonWriter out;
    out.begin_object();
    if (!token.empty()) out.key("token").text(token);
    out.key("name").text(name).key("password").text(word).end_object();
    return out.take();
  }
  /// The session that the answer began.
  static std::string session_in(const Response& response) {
    const std::string cookie = header_of(response, "Set-Cookie");
    const std::size_t begin = cookie.find('=') + 1;
    return cookie.substr(begin, cookie.find(';') - begin);
  }
  Response owner_set(std::string token, std::string_view name = "ann") {
    return ask(from_loopback(request("POST", "/api/v1/owner", credentials(name, password, token))));
  }
  std::string become_owner() { return session_in(owner_set(link_token())); }
  Response entered(std::string_view name, std::string_view word) {
    return ask(request("POST", "/api/v1/session", credentials(name, word)));
  }

  /// How often each message id is there for whoever opens the directory now.
  std::map<std::string, int> messages() {
    const auto store = must(Store::open(env_, directory, Store::Access::read));
    std::map<std::string, int> out;
    for (const auto& event : hf::test::visible_events(*store)) ++out[event.message_id];
    return out;
  }
  /// The same after a power cut. The door is closed then.
  std::map<std::string, int> messages_after_power_cut() {
    sim_.crash(1);
    door_ = nullptr;
    workspace_ = nullptr;
    return messages();
  }
  std::vector<std::string> refused() {
    std::vector<std::string> out;
    const RefusalPage page = must(state_.refusals({.limit = refusal_page_max}));
    for (const Refusal& refusal : page.refusals) {
      out.push_back(fmt::format("{} {} {}", refusal.source, refusal.reason, refusal.text));
    }
    return out;
  }

  /// Every route by every way to come; with an owner where there is a session.
  void check_all_ways(const std::string& session, const std::string& ended);

  SimEnv sim_{1};
  Env env_ = sim_.env();
  hf::test::MemoryState state_;
  std::string write_, read_, admin_, expired_, revoked_, disabled_;
  std::unique_ptr<Keyring> keyring_;
  std::unique_ptr<SignIns> sign_ins_;
  std::unique_ptr<Workspace> workspace_;
  std::unique_ptr<Door> door_;
};

// -- who may what ---------------------------------------------------------------------------------

// The whole matrix: every route with every way to come, the outcome by the rule below alone.
void DoorTest::check_all_ways(const std::string& session, const std::string& ended) {
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

TEST_F(DoorTest, LetsInWhoMayAndNobodyElse) { check_all_ways("", ""); }

// And once there is an owner: who is signed in, and loopback no more.
TEST_F(DoorTest, LetsInTheOwnersSessionsAndLoopbackNoMore) {
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

// -- signing in -----------------------------------------------------------------------------------

TEST_F(DoorTest, TellsWhoIsSignedInAndWhatThisRequestCould) {
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

TEST_F(DoorTest, MakesTheOwnerWithTheLinkOnce) {
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

TEST_F(DoorTest, OfTwoRequestsWithOneLinkOneMakesTheOwner) {
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

TEST_F(DoorTest, SignsInAndOut) {
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

TEST_F(DoorTest, MakesWhoGuessesWaitAndSaysHowLong) {
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

TEST_F(DoorTest, WithTlsTheCookieIsKeptFromPlainHttp) {
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

TEST_F(DoorTest, ANameForARequestIsTheAccountsThroughAllItsSessions) {
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

TEST_F(DoorTest, LogsTheAccountAndNeverPasswordTokenOrCookie) {
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

TEST_F(DoorTest, StaysUntilWhoSignsInIsAnswered) {
  (void)become_owner();
  const auto waiting = begin(request("POST", "/api/v1/session", credentials("ann", password)));
  door_ = nullptr;
  EXPECT_EQ(waiting->wait().status, 200);
}

// -- events ---------------------------------------------------------------------------------------

std::string event(std::string_view message_id) {
  return fmt::format(R"({{"type":"track","userId":"u1","event":"Visit","messageId":"{}"}})",
                     message_id);
}
std::string batch(const std::vector<std::string>& items) {
  return fmt::format(R"({{"batch":[{}]}})", fmt::join(items, ","));
}

TEST_F(DoorTest, SaysThatEventsAreTakenWhenTheyAreDurable) {
  EXPECT_EQ(outcome_of(sent("track", event("m1"))), "200");
  EXPECT_EQ(messages(), (std::map<std::string, int>{{"m1", 1}}));
  const Response response = sent("batch", batch({event("m2"), event("m1"), event("m3")}));
  EXPECT_EQ(response.status, 200);
  EXPECT_EQ(response.body, R"({"success":true})");
  const std::map<std::string, int> all = {{"m1", 1}, {"m2", 1}, {"m3", 1}};
  EXPECT_EQ(messages(), all);
  EXPECT_EQ(outcome_of(sent("batch", batch({event("m3"), event("m2"), event("m1")}))), "200");
  EXPECT_EQ(messages_after_power_cut(), all) << "without a proper end";
}

TEST_F(DoorTest, TakesEveryKindOfCall) {
  const struct {
    std::string_view endpoint;
    std::string body;
    std::string expected;
  } cases[] = {
      {"identify", R"({"userId":"u","traits":{"plan":"pro"}})", "200"},
      {"identify", R"({"traits":{}})", "400 missing_person"},
      {"track", R"({"userId":"u","event":"e"})", "200"},
      {"track", R"({"userId":"u"})", "400 missing_event"},
      {"track", R"({"userId":"u","event":"hf:granted"})", "400 reserved_name"},
      {"page", R"({"anonymousId":"a","name":"Home"})", "200"},
      {"page", "{}", "400 missing_person"},
      {"screen", R"({"anonymousId":"a"})", "200"},
      {"screen", "[]", "400 not_an_object"},
      {"group", R"({"userId":"u","groupId":"g"})", "200"},
      {"group", R"("u")", "400 not_an_object"},
      {"alias", R"({"userId":"u","previousId":"p"})", "200"},
      {"alias", "", "400 invalid_json"},
      {"batch", batch({event("a")}), "200"},
      {"batch", batch({}), "400 empty_batch"},
      {"batch", "{}", "400 missing_batch"},
      {"batch", batch({event("a")}) + "x", "400 invalid_json"},
      {"batch", "{\"batch\":[\xff]}", "400 invalid_utf8"},
      {"batch", batch({R"({"type":"tell"})", "7"}), "400 unknown_type"},
  };
  for (const auto& each : cases) {
    EXPECT_EQ(outcome_of(sent(each.endpoint, each.body)), each.expected)
        << each.endpoint << " " << each.body;
  }
}

TEST_F(DoorTest, SetsBadItemsOfAGoodBatchAsideWhereTheyAreSeen) {
  const std::string nameless = R"({"type":"track","userId":"u1","properties":{"a":"b"}})";
  const Response response = sent("batch", batch({event("m1"), nameless, "7", event("m2")}));
  EXPECT_EQ(response.status, 200);
  EXPECT_EQ(response.body,
            R"({"success":true,"refused_count":2,"refused":[)"
            R"({"index":1,"reason":"missing_event"},{"index":2,"reason":"not_an_object"}]})");
  EXPECT_EQ(messages().size(), 2u);
  EXPECT_THAT(refused(), ElementsAre("shop not_an_object 7", "shop missing_event " + nameless));
  const Response page = asked("GET", "/api/v1/rejects?reason=missing_event&limit=1");
  ASSERT_EQ(page.status, 200);
  const auto json = must(parse_json(page.body));
  ASSERT_EQ(json.find("rejects")->array.size(), 1u);
  EXPECT_EQ(json.find("rejects")->array[0].find("text")->text, nameless);
  EXPECT_EQ(json.find("rejects")->array[0].find("received_at")->text, "2023-11-14T23:13:20Z");
}

TEST_F(DoorTest, TellsOfAHundredRefusedItemsAtMostAndKeepsAll) {
  std::vector<std::string> items(150, "7");
  items.push_back(event("m1"));
  const auto json = must(parse_json(sent("batch", batch(items)).body));
  EXPECT_EQ(json.find("refused_count")->text, "150");
  EXPECT_EQ(json.find("refused")->array.size(), 100u);
  EXPECT_EQ(refused().size(), 150u);
}

TEST_F(DoorTest, RefusesABatchWithoutAGoodItemAndKeepsIt) {
  const Response response = sent("batch", batch({"7", "8"}));
  EXPECT_EQ(outcome_of(response), "400 not_an_object");
  EXPECT_THAT(refused(), ElementsAre("shop not_an_object 8", "shop not_an_object 7"));
  EXPECT_THAT(messages(), IsEmpty());
}

TEST_F(DoorTest, DoesNotSayThatARefusalIsKeptWhereItIsNot) {
  state_.failing = true;
  EXPECT_EQ(outcome_of(sent("batch", batch({"7"}))), "503 disk_full");
  EXPECT_EQ(outcome_of(sent("batch", batch({event("m1"), "7"}))), "503 disk_full");
  state_.failing = false;
  // The client sends it again: the event is known, the refusal is kept.
  EXPECT_EQ(outcome_of(sent("batch", batch({event("m1"), "7"}))), "200");
  EXPECT_EQ(messages(), (std::map<std::string, int>{{"m1", 1}}));
  EXPECT_EQ(refused().size(), 1u);
}

TEST_F(DoorTest, BelievesContentEncodingAloneWhateverTheTypeSays) {
  int next = 0;
  for (const std::string type : {"application/json", "application/x-www-form-urlencoded",
                                 "text/plain", "multipart/form-data", ""}) {
    for (const bool is_packed : {false, true}) {
      const std::string body = event(fmt::format("m{}", next++));
      Request post = request("POST", "/v1/track", is_packed ? gzipped(body) : body);
      if (!type.empty()) post = with(std::move(post), "content-type", type);
      if (is_packed) post = with(std::move(post), "content-encoding", "gzip");
      EXPECT_EQ(outcome_of(ask(keyed(std::move(post), write_))), "200") << type;
    }
  }
  EXPECT_EQ(messages().size(), 10u);
  const auto coded = [&](std::string body, std::string encoding) {
    return outcome_of(ask(keyed(with(request("POST", "/v1/track", std::move(body)),
                                     "content-encoding", std::move(encoding)),
                                write_)));
  };
  EXPECT_EQ(coded(event("x"), "gzip"), "400 bad_gzip");
  EXPECT_EQ(coded(event("x"), "br"), "415 unsupported_encoding");
  EXPECT_EQ(coded(gzipped(std::string(16 << 20, ' ')), "gzip"), "413 body_too_large");
}

TEST_F(DoorTest, FindsTheKeyInBearerBasicAndBody) {
  const auto basic = [](const std::string& text) {
    std::string coded(sodium_base64_encoded_len(text.size(), sodium_base64_VARIANT_ORIGINAL), '\0');
    sodium_bin2base64(coded.data(), coded.size(),
                      reinterpret_cast<const unsigned char*>(text.data()), text.size(),
                      sodium_base64_VARIANT_ORIGINAL);
    coded.pop_back();
    return "Basic " + coded;
  };
  const auto post = [&](std::string authorization, const std::string& key_in_body) {
    Request out =
        request("POST", "/v1/track",
                fmt::format(R"({{"userId":"u","event":"e","writeKey":"{}"}})", key_in_body));
    if (!authorization.empty())
      out = with(std::move(out), "authorization", std::move(authorization));
    return outcome_of(ask(std::move(out)));
  };
  EXPECT_EQ(post("Bearer " + write_, ""), "200");
  EXPECT_EQ(post("bearer " + write_, ""), "200");
  EXPECT_EQ(post(basic(write_ + ":"), ""), "200");
  EXPECT_EQ(post(basic(write_), ""), "200");
  EXPECT_EQ(post(basic(write_ + ":secret:more"), ""), "200");
  EXPECT_EQ(post("", write_), "200");
  EXPECT_EQ(post("", ""), "401 missing_key");
  EXPECT_EQ(post("", read_), "403 wrong_key_kind");
  EXPECT_EQ(post("", expired_), "401 expired_key");
  // What the header says counts, also where the body knows better.
  EXPECT_EQ(post("Bearer wrong", write_), "401 unknown_key");
  EXPECT_EQ(post("Basic !!", write_), "401 missing_key");
  EXPECT_EQ(post("Basic " + write_, ""), "401 missing_key");
  EXPECT_EQ(post(write_, ""), "401 missing_key");
}

TEST_F(DoorTest, IsPermissiveToPagesForEventsOnly) {
  const auto origin = [](Request request) {
    return with(std::move(request), "origin", "https://shop.example");
  };
  for (const Route& route : Door::routes()) {
    const Response preflight = ask(origin(request("OPTIONS", route.path)));
    const bool is_tracking = route.path.starts_with("/v1/");
    EXPECT_EQ(preflight.status, is_tracking ? 204 : 405) << route.path;
    EXPECT_EQ(header_of(preflight, "Access-Control-Allow-Origin"), is_tracking ? "*" : "");
    EXPECT_EQ(header_of(preflight, "Access-Control-Allow-Credentials"), "");
    const auto answered = begin(
        origin(keyed(request(route.method, route.path, "{}"), is_tracking ? write_ : admin_)));
    EXPECT_EQ(header_of(answered->wait(), "Access-Control-Allow-Origin"), is_tracking ? "*" : "")
        << route.path;
    if (answered->text() != nullptr) answered->text()->end();
  }
  const Response preflight = ask(request("OPTIONS", "/v1/batch"));
  EXPECT_THAT(header_of(preflight, "Access-Control-Allow-Headers"), HasSubstr("Authorization"));
  EXPECT_THAT(header_of(preflight, "Access-Control-Allow-Headers"), HasSubstr("Content-Type"));
  EXPECT_EQ(header_of(sent("track", event("m")), "Access-Control-Allow-Origin"), "*");
  EXPECT_EQ(header_of(ask(request("POST", "/v1/track", "{}")), "Access-Control-Allow-Origin"), "*")
      << "a page gets to read why";
}

TEST_F(DoorTest, TurnsEventsAwayWhereOthersWaitForLong) {
  {
    const Hold hold(*workspace_);
    const auto waiting = begin(keyed(request("POST", "/v1/track", event("m1")), write_));
    sim_.advance_ms(2'000);
    const auto second = begin(keyed(request("POST", "/v1/track", event("m2")), write_));
    EXPECT_FALSE(second->is_there());
    sim_.advance_ms(1);
    EXPECT_EQ(outcome_of(sent("track", event("m3"))), "503 overloaded");
    EXPECT_FALSE(waiting->is_there()) << "it is not durable";
    EXPECT_EQ(asked("GET", "/healthz").status, 200);
  }
  EXPECT_TRUE(comes_true([&] { return workspace_->status().waiting_groups == 0; }));
  EXPECT_EQ(outcome_of(sent("track", event("m4"))), "200");
  EXPECT_EQ(messages(), (std::map<std::string, int>{{"m1", 1}, {"m2", 1}, {"m4", 1}}));
}

TEST_F(DoorTest, AnswersQuestionsAndNoEventsWhileTheDiskIsFull) {
  EXPECT_EQ(outcome_of(sent("track", event("m1"))), "200");
  EXPECT_EQ(asked("GET", "/readyz").body, R"({"ready":true,"writable":true})");
  sim_.set_capacity(1);
  const std::string large(20'000, 'x');
  std::string outcome = "200";
  for (int i = 0; i < 500 && outcome == "200"; ++i) {
    outcome = outcome_of(sent(
        "track", fmt::format(R"({{"userId":"u","event":"e","properties":{{"a":"{}"}}}})", large)));
  }
  EXPECT_EQ(outcome, "503 not_writable");
  EXPECT_EQ(outcome_of(sent("track", event("m2"))), "503 not_writable");
  const Response readiness = asked("GET", "/readyz");
  EXPECT_EQ(readiness.status, 503);
  EXPECT_EQ(readiness.body, R"({"ready":false,"writable":false})");
  EXPECT_EQ(asked("GET", "/healthz").status, 200);
  EXPECT_EQ(asked("POST", "/api/v1/query", R"({"metric":"trend","series":[{"event":"*"}]})").status,
            200);
  EXPECT_THAT(asked("GET", "/metrics").body, HasSubstr("\nholdfast_writable 0\n"));
  sim_.set_capacity(std::uint64_t{1} << 30);
  EXPECT_TRUE(comes_true([&] {
    sim_.advance_ms(50);
    return sent("track", event("m2")).status == 200;
  }));
}

TEST_F(DoorTest, StaysUntilWhatItTookIsWritten) {
  std::shared_ptr<Answered> waiting;
  std::thread closing;
  {
    const Hold hold(*workspace_);
    waiting = begin(keyed(request("POST", "/v1/batch", batch({event("m1"), "7"})), write_));
    closing = std::thread([&] { door_ = nullptr; });
    std::this_thread::sleep_for(std::chrono::milliseconds(50));
    EXPECT_FALSE(waiting->is_there());
  }
  closing.join();
  EXPECT_EQ(waiting->wait().status, 200);
  EXPECT_EQ(refused().size(), 1u);
}

// -- /api/v1 --------------------------------------------------------------------------------------

TEST_F(DoorTest, AnswersQuestions) {
  EXPECT_EQ(outcome_of(sent("track", event("m1"))), "200");
  const std::string question = R"({"metric":"trend","series":[{"event":"Visit"}]})";
  const Response answer = asked("POST", "/api/v1/query", question);
  EXPECT_EQ(answer.status, 200) << answer.body;
  EXPECT_EQ(answer.content_type, "application/json");
  EXPECT_EQ(header_of(answer, "Cache-Control"), "no-store");
  EXPECT_THAT(answer.body, HasSubstr(R"("metric":"trend")"));
  Request packed =
      with(request("POST", "/api/v1/query", gzipped(question)), "content-encoding", "gzip");
  EXPECT_EQ(ask(keyed(std::move(packed), read_)).status, 200);
  EXPECT_EQ(outcome_of(asked("POST", "/api/v1/query", "{")), "400 invalid_json");
  EXPECT_EQ(outcome_of(asked("POST", "/api/v1/query", "{}")), "400 missing_field");
  const Response unknown = asked("POST", "/api/v1/query", R"({"metric":"x"})");
  EXPECT_EQ(outcome_of(unknown), "400 unknown_metric");
  EXPECT_THAT(unknown.body, HasSubstr(R"("pointer":"/metric")"));
}

TEST_F(DoorTest, LetsSoManyQuestionsWait) {
  open_door({.query_threads = 1, .queries_waiting_max = 2});
  const std::string question = R"({"metric":"trend","series":[{"event":"*"}]})";
  std::vector<std::shared_ptr<Answered>> waiting;
  {
    const Hold hold(*workspace_);
    const auto ask_one = [&] {
      return begin(keyed(request("POST", "/api/v1/query", question), read_));
    };
    waiting.push_back(ask_one());
    std::this_thread::sleep_for(std::chrono::milliseconds(50));  // Its thread takes it.
    waiting.push_back(ask_one());
    waiting.push_back(ask_one());
    EXPECT_EQ(outcome_of(ask_one()->wait()), "503 too_many_queries");
  }
  for (const auto& each : waiting) EXPECT_EQ(each->wait().status, 200);
}

TEST_F(DoorTest, PagesThroughWhatWasRefused) {
  for (int i = 0; i < 7; ++i) (void)sent("batch", batch({fmt::format("{}", i)}));
  std::vector<std::string> seen;
  std::string before;
  int pages = 0;
  do {
    const auto json =
        must(parse_json(asked("GET", "/api/v1/rejects?limit=3&source=shop" + before).body));
    for (const Json& each : json.find("rejects")->array) seen.push_back(each.find("text")->text);
    const Json* const next = json.find("next_before");
    before = next == nullptr ? "" : "&before=" + next->text;
    EXPECT_EQ(json.find("kept")->array.at(0).find("count")->text, "7");
    EXPECT_EQ(json.find("ever")->array.at(0).find("count")->text, "7");
    ASSERT_LT(++pages, 5);
  } while (!before.empty());
  EXPECT_THAT(seen, ElementsAre("6", "5", "4", "3", "2", "1", "0"));
  EXPECT_EQ(pages, 3);
  const struct {
    std::string query;
    std::string expected;
  } cases[] = {
      {"", "200"},
      {"?", "200"},
      {"?other=1&&=&a", "200"},
      {"?source=none", "200"},
      {"?reason=%6eot_an_object", "200"},
      {"?reason=a+b", "200"},
      {"?limit=500", "200"},
      {"?limit=0", "400 bad_limit"},
      {"?limit=501", "400 bad_limit"},
      {"?limit=", "400 bad_parameter"},
      {"?limit", "400 bad_parameter"},
      {"?limit=-1", "400 bad_parameter"},
      {"?limit=1x", "400 bad_parameter"},
      {"?limit=99999999999999999999", "400 bad_parameter"},
      {"?before=x", "400 bad_parameter"},
      {"?before=18446744073709551615", "200"},
      {"?reason=%", "400 bad_parameter"},
      {"?reason=%4", "400 bad_parameter"},
      {"?reason=%4g", "400 bad_parameter"},
      {"?reason=%-1", "400 bad_parameter"},
      {"?reason=%00", "200"},
  };
  for (const auto& each : cases) {
    EXPECT_EQ(outcome_of(asked("GET", "/api/v1/rejects" + each.query)), each.expected)
        << each.query;
  }
}

TEST_F(DoorTest, ManagesSourcesAndKeys) {
  const struct {
    std::string method;
    std::string path;
    std::string body;
    std::string expected;
  } cases[] = {
      {"POST", "sources", R"({"name":"app"})", "201"},
      {"POST", "sources", R"({"name":"app"})", "409 source_exists"},
      {"POST", "sources", R"({"name":"App"})", "400 bad_source_name"},
      {"POST", "sources", R"({"name":1})", "400 wrong_type"},
      {"POST", "sources", R"({"name":true})", "400 wrong_type"},
      {"POST", "sources", R"({"nome":"app"})", "400 unknown_field"},
      {"POST", "sources", R"({})", "400 bad_source_name"},
      {"POST", "sources", "[]", "400 not_an_object"},
      {"POST", "sources", "", "400 invalid_json"},
      {"POST", "sources", R"({"name":"a","name":"b"})", "400 duplicate_member"},
      {"POST", "sources", std::string(70'000, ' '), "400 invalid_json"},
      {"POST", "sources/app", R"({"enabled":false})", "200"},
      {"POST", "sources/app", R"({"enabled":"no"})", "400 wrong_type"},
      {"POST", "sources/app", R"({})", "400 wrong_type"},
      {"POST", "sources/none", R"({"enabled":false})", "404 unknown_source"},
      {"POST", "sources/N%20O", R"({"enabled":false})", "400 bad_source_name"},
      {"POST", "keys", R"({"kind":"write","source":"app"})", "422 disabled_source"},
      {"POST", "sources/app", R"({"enabled":true})", "200"},
      {"POST", "keys", R"({"kind":"write","source":"app","label":"a"})", "201"},
      {"POST", "keys", R"({"kind":"write","source":"app"})", "201"},
      {"POST", "keys", R"({"kind":"write","source":"app"})", "422 too_many_keys"},
      {"POST", "keys", R"({"kind":"write","source":"none"})", "404 unknown_source"},
      {"POST", "keys", R"({"kind":"write"})", "400 bad_source_name"},
      {"POST", "keys", R"({"kind":"read","source":"app"})", "400 source_not_needed"},
      {"POST", "keys", R"({"kind":"owner"})", "400 bad_kind"},
      {"POST", "keys", R"({})", "400 bad_kind"},
      {"POST", "keys", R"({"kind":"read","expires_at":"2030-01-01T00:00:00Z"})", "201"},
      {"POST", "keys", R"({"kind":"read","expires_at":"2020-01-01T00:00:00Z"})", "400 bad_expiry"},
      {"POST", "keys", R"({"kind":"read","expires_at":"soon"})", "400 invalid_time"},
      {"POST", "keys/7/revoke", "", "200"},
      {"POST", "keys/7/revoke", "", "200"},
      {"POST", "keys/70/revoke", "", "404 unknown_key_id"},
      {"POST", "keys/0/revoke", "", "404 unknown_key_id"},
      {"POST", "keys/-7/revoke", "", "404 unknown_key_id"},
      {"POST", "keys/7x/revoke", "", "404 unknown_key_id"},
      {"POST", "keys/99999999999999999999/revoke", "", "404 unknown_key_id"},
      {"GET", "sources", "", "200"},
      {"GET", "keys", "", "200"},
  };
  for (const auto& each : cases) {
    EXPECT_EQ(outcome_of(asked(each.method, "/api/v1/" + each.path, each.body)), each.expected)
        << each.path << " " << each.body.substr(0, 80);
  }
  EXPECT_EQ(asked("GET", "/api/v1/sources").body,
            R"({"sources":[{"name":"app","created_at":"2023-11-14T23:13:20Z","enabled":true},)"
            R"({"name":"closed","created_at":"2023-11-14T22:13:20Z","enabled":false},)"
            R"({"name":"shop","created_at":"2023-11-14T22:13:20Z","enabled":true}]})");
  state_.failing = true;
  EXPECT_EQ(outcome_of(asked("POST", "/api/v1/sources", R"({"name":"b"})")), "503 disk_full");
}

TEST_F(DoorTest, HoldsToAChangedKeyAtOnceAndNeverShowsItAgain) {
  const auto made = must(parse_json(
      asked("POST", "/api/v1/keys", R"({"kind":"write","source":"shop","label":"new"})").body));
  const std::string token = made.find("key")->text;
  const auto send = [&] {
    return outcome_of(ask(keyed(request("POST", "/v1/track", event("")), token)));
  };
  EXPECT_EQ(send(), "200");
  EXPECT_THAT(asked("GET", "/api/v1/keys").body, Not(HasSubstr(token)));
  EXPECT_THAT(asked("GET", "/api/v1/keys").body, HasSubstr(token.substr(token.size() - 4)));
  EXPECT_EQ(asked("POST", "/api/v1/sources/shop", R"({"enabled":false})").status, 200);
  EXPECT_EQ(send(), "401 disabled_source");
  EXPECT_EQ(asked("POST", "/api/v1/sources/shop", R"({"enabled":true})").status, 200);
  EXPECT_EQ(send(), "200");
  const std::string id = made.find("id")->text;
  EXPECT_EQ(asked("POST", "/api/v1/keys/" + id + "/revoke").status, 200);
  EXPECT_EQ(send(), "401 revoked_key");
}

TEST_F(DoorTest, ShowsWhatArrivesAsItHappens) {
  const auto watching = begin(keyed(request("GET", "/api/v1/live"), read_));
  const Response head = watching->wait();
  EXPECT_EQ(head.status, 200);
  EXPECT_EQ(head.content_type, "text/event-stream");
  (void)sent("batch", batch({event("m1"), "7"}));
  const std::string text = watching->text()->text();
  EXPECT_THAT(text, HasSubstr("event: event\ndata: {\"source\":\"shop\""));
  EXPECT_THAT(text, HasSubstr("\"message_id\":\"m1\""));
  EXPECT_THAT(text, HasSubstr("event: refusal\ndata: {\"source\":\"shop\""));
  EXPECT_THAT(asked("GET", "/metrics").body, HasSubstr("\nholdfast_live_watchers 1\n"));
  watching->text()->closed = true;
  EXPECT_TRUE(comes_true([&] {
    return asked("GET", "/metrics").body.find("\nholdfast_live_watchers 0\n") != std::string::npos;
  }));
}

// -- with the server ------------------------------------------------------------------------------

TEST_F(DoorTest, DoesANamedChangeOnceAndAnswersItAgain) {
  const auto named = [&](const std::string& name, std::string_view path, std::string body,
                         const std::string& key) {
    return ask(keyed(with(request("POST", path, std::move(body)), "idempotency-key", name), key));
  };
  const std::string made = R"({"kind":"read"})";
  const Response first = named("k1", "/api/v1/keys", made, admin_);
  EXPECT_EQ(first.status, 201);
  EXPECT_THAT(first.body, HasSubstr(R"("key":"hf_r_)"));
  EXPECT_EQ(header_of(first, "Idempotent-Replayed"), "");
  const std::size_t keys = must(state_.keys()).size();
  const Response again = named("\"k1\"", "/api/v1/keys", made, admin_);
  EXPECT_EQ(again.status, 201);
  EXPECT_EQ(header_of(again, "Idempotent-Replayed"), "true");
  EXPECT_THAT(again.body, Not(HasSubstr("hf_r_")));
  EXPECT_THAT(again.body, HasSubstr(R"("replayed":true)"));
  EXPECT_EQ(must(state_.keys()).size(), keys);
  EXPECT_EQ(outcome_of(named("k1", "/api/v1/keys", R"({"kind":"admin"})", admin_)),
            "409 idempotency_key_reused");
  EXPECT_EQ(outcome_of(named("k1", "/api/v1/sources", made, admin_)), "409 idempotency_key_reused");
  // Another who asks, another name.
  const std::string other = created(KeyKind::admin, "");
  must(keyring_->reload());
  EXPECT_EQ(header_of(named("k1", "/api/v1/keys", made, other), "Idempotent-Replayed"), "");

  // A refusal is a decision, whatever there is by then ..
  EXPECT_EQ(outcome_of(named("k2", "/api/v1/sources/none", R"({"enabled":true})", admin_)),
            "404 unknown_source");
  EXPECT_EQ(outcome_of(asked("POST", "/api/v1/sources", R"({"name":"none"})")), "201");
  const Response refused = named("k2", "/api/v1/sources/none", R"({"enabled":true})", admin_);
  EXPECT_EQ(outcome_of(refused), "404 unknown_source");
  EXPECT_EQ(header_of(refused, "Idempotent-Replayed"), "true");
  EXPECT_EQ(refused.content_type, "application/problem+json");
  // .. and what is wrong with the request, or the disk, is none.
  EXPECT_EQ(outcome_of(named("k3", "/api/v1/sources", R"({"name":"A B"})", admin_)),
            "400 bad_source_name");
  EXPECT_EQ(outcome_of(named("k3", "/api/v1/sources", R"({"name":"new"})", admin_)), "201");
  state_.failing = true;
  EXPECT_EQ(outcome_of(named("k4", "/api/v1/sources", R"({"name":"more"})", admin_)),
            "503 disk_full");
  state_.failing = false;
  EXPECT_EQ(outcome_of(named("k4", "/api/v1/sources", R"({"name":"more"})", admin_)), "201");
  EXPECT_EQ(outcome_of(named("", "/api/v1/sources", R"({"name":"x"})", admin_)),
            "400 bad_idempotency_key");
}

TEST_F(DoorTest, ImportsFilesOfThisMachineForItsOwnUserAlone) {
  hf::test::put_file(env_, "/in/a.csv", "person,event,time\nann,buy,2026-01-05\nbob,,2026-01-05\n");
  const std::string body = R"({"files":["/in/a.csv"],"source":"old"})";
  EXPECT_EQ(outcome_of(asked("POST", "/api/v1/imports", body)), "403 local_only");
  const auto posted = [&](std::string text) {
    return ask(from_socket(request("POST", "/api/v1/imports", std::move(text))));
  };
  EXPECT_EQ(outcome_of(posted("[]")), "400 not_an_object");
  EXPECT_EQ(outcome_of(posted(R"({"file":"/in/a.csv"})")), "400 unknown_field");
  EXPECT_EQ(outcome_of(posted(R"({"files":[1]})")), "400 wrong_type");
  EXPECT_EQ(outcome_of(posted(R"({"files":["/in/a.csv"],"format":"xls"})")), "400 bad_format");
  EXPECT_EQ(outcome_of(posted(R"({"files":["/in/a.csv"],"delimiter":"ab"})")), "400 bad_delimiter");
  EXPECT_EQ(outcome_of(posted(R"({"files":[]})")), "400 empty_input");
  EXPECT_EQ(outcome_of(posted(R"({"files":["/in/none.csv"]})")), "404 not_found");
  EXPECT_EQ(outcome_of(posted(R"({"files":["/in/a.csv"],"sql":"SELECT 1"})")),
            "422 needs_sql_engine");
  const Response started = posted(body);
  EXPECT_EQ(started.status, 202);
  const std::string path = "/api/v1/imports/jobs/1";
  ImportJobs::Job job = must(parse_import_job(started.body, directory));
  EXPECT_EQ(job.id, 1u);
  for (int tries = 0; tries < 1'000 && !job.ended(); ++tries) {
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
    job = must(parse_import_job(ask(keyed(request("GET", path), read_)).body, directory));
  }
  ASSERT_TRUE(job.outcome);
  EXPECT_EQ(job.outcome->id, 1u);
  EXPECT_EQ(job.outcome->counts.events, 1u);
  EXPECT_EQ(job.outcome->counts.rejected, 1u);
  EXPECT_EQ(job.outcome->persons_new, 1u);
  EXPECT_EQ(job.outcome->reject_path, directory + "/rejects/import-1.csv");
  EXPECT_THAT(asked("GET", "/api/v1/imports/jobs").body, HasSubstr(R"("state":"done")"));
  EXPECT_EQ(outcome_of(asked("POST", path + "/cancel")), "200");
  EXPECT_EQ(outcome_of(asked("POST", "/api/v1/imports/jobs/2/cancel")), "404 no_import_job");
  EXPECT_EQ(outcome_of(asked("GET", "/api/v1/imports/jobs/x")), "404 no_import_job");
}

TEST(ImportOptionsJson, ComesBackAsItWas) {
  ImportOptions options{.files = {"/a b.csv", "/c\".csv"},
                        .format = InputFormat::csv,
                        .overrides = {.maps = {"person=x", "event==buy"},
                                      .types = {"a=text"},
                                      .time_format = "%d/%m/%Y",
                                      .timezone = "Asia/Tokyo"},
                        .dialect = CsvDialect{.delimiter = '\t', .header = false},
                        .sql = "SELECT 1",
                        .source = "s",
                        .identify_rows = true,
                        .strict = true};
  const std::string text = import_options_json(options);
  EXPECT_EQ(import_options_json(must(parse_import_request(text)).options), text);
  EXPECT_EQ(must(parse_import_request(text)).options.dialect, options.dialect);
  EXPECT_EQ(import_options_json(must(parse_import_request("{}")).options),
            import_options_json(ImportOptions()));
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
}  // namespace hf::http
