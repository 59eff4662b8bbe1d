// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

#include "http/door.h"
#include "http/problem.h"

namespace hf::http {

/// Notes in the access log how a request was answered.
class LoggedReply final : public Reply::Target {
 public:
  LoggedReply(const AccessLog& log, const Env& env, const Request& request, Reply reply)
      : log_(log),
        env_(env),
        id_(request.id),
        method_(request.method),
        began_ns_(env.clock.monotonic_ns()),
        reply_(std::move(reply)) {}

  void set_route(std::string_view route) { route_ = route; }
  void set_key(std::uint64_t key) { key_ = key; }
  void set_account(std::uint64_t account) { account_ = account; }
  void send(Response response) override {
    note(response);
    reply_(std::move(response));
  }
  std::shared_ptr<Stream> stream(Response head) override {
    note(head);
    return reply_.stream(std::move(head));
  }
  void when_gone(std::function<void()> call) override { reply_.when_gone(std::move(call)); }

 private:
  void note(const Response& response) const {
    constexpr double ns_per_ms = 1e6;
    log_.write({.request_id = id_,
                .method = method_,
                .route = route_,
                .status = response.status,
                .bytes = response.body.size(),
                .ms = static_cast<double>(env_.clock.monotonic_ns() - began_ns_) / ns_per_ms,
                .key = key_,
                .account = account_});
  }
  const AccessLog& log_;
  Env env_;
  std::string id_;
  std::string method_;
  std::int64_t began_ns_;
  Reply reply_;
  std::string_view route_;  // Of the table of routes. Set, as the key, before anybody answers.
  std::uint64_t key_ = 0;
  std::uint64_t account_ = 0;
};

struct Door::Call {
  Request request;
  Reply reply;
  Grant grant;  ///< Not of routes that anybody may ask, nor of those that look themselves.
  std::string parameter;                ///< What stands for "{..}" in the path.
  std::shared_ptr<LoggedReply> logged;  ///< Null where nobody wants to know.

  void note(const Grant& known) const {
    if (!logged) return;
    logged->set_key(known.id);
    logged->set_account(known.account);
  }

  /// With JSON, or why not.
  void answer(const Result<std::string>& text, int status = 200) const {
    reply(text ? json(*text, status) : problem(text.error(), request.id));
  }
  void refuse(const Error& error) const { reply(problem(error, request.id)); }
};

struct Door::Question {
  Request request;
  Reply reply;
  std::int64_t begun_ns = 0;
  std::shared_ptr<Asker> asker = std::make_shared<Asker>();
  std::string saved = {};  ///< Its name, and the body says what to replace; empty: the body is it.
};

}  // namespace hf::http
