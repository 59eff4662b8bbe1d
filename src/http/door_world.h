// SPDX-License-Identifier: Apache-2.0
//
// Test support: the door with all that is behind it, on a simulated machine, asked without a
// server.
#pragma once

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
#include "http/door.h"
#include "http/import_api.h"
#include "http/local_client.h"
#include "service/account.h"
#include "service/import_world.h"
#include "service/memory_state.h"
#include "service/secret.h"
#include "service/workspace_hold.h"

namespace hf::http::test {

using hf::test::Hold;
using hf::test::must;

inline const std::string directory = "/data";
inline const std::string password = "a long password";
inline constexpr std::int64_t hour_ms = 3'600'000;

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
  void when_gone(std::function<void()> call) override { gone_ = std::move(call); }
  /// As a client does that the question's answer is too slow for. Requires that somebody asked.
  void hang_up() { gone_(); }
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
  std::function<void()> gone_;
};

inline std::string header_of(const Response& response, std::string_view name) {
  for (const Header& header : response.headers) {
    if (header.name == name) return header.value;
  }
  return {};
}

/// "200", or the status and reason of a problem, which must be a whole one.
inline std::string outcome_of(const Response& response) {
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

inline std::string event(std::string_view message_id) {
  return fmt::format(R"({{"type":"track","userId":"u1","event":"Visit","messageId":"{}"}})",
                     message_id);
}
inline std::string batch(const std::vector<std::string>& items) {
  return fmt::format(R"({{"batch":[{}]}})", fmt::join(items, ","));
}

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

  SimEnv sim_{1};
  Env env_ = sim_.env();
  hf::test::MemoryState state_;
  std::string write_, read_, admin_, expired_, revoked_, disabled_;
  std::unique_ptr<Keyring> keyring_;
  std::unique_ptr<SignIns> sign_ins_;
  std::unique_ptr<Workspace> workspace_;
  std::unique_ptr<Door> door_;
};

}  // namespace hf::http::test
