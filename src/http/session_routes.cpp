// SPDX-License-Identifier: Apache-2.0
//
// /api/v1/session and /api/v1/owner: who is signed in, and how one becomes that.
#include <fmt/format.h>

#include <memory>
#include <utility>

#include "base/json.h"
#include "http/body.h"
#include "http/cookie.h"
#include "http/door_call.h"
#include "http/json_members.h"
#include "service/account.h"

namespace hf::http {
namespace {

constexpr std::size_t body_bytes_max = std::size_t{64} << 10;

Response with_cookie(Response response, std::string cookie) {
  response.headers.push_back({"Set-Cookie", std::move(cookie)});
  return response;
}

}  // namespace

Response Door::session_answer(const Request& request, const std::optional<Session>& session,
                              int status) const {
  const bool may_read = session || authorize(request, Access::read).has_value();
  JsonWriter out;
  out.begin_object();
  out.key("signed_in").boolean(session.has_value());
  if (session) {
    out.key("name").text(session->account.name);
    out.key("role").text(to_string(session->account.role));
    out.key("csrf").text(csrf_token(session->token));
  }
  out.key("owner_exists").boolean(sign_ins_.has_owner());
  out.key("may_read").boolean(may_read);
  out.key("may_create_owner").boolean(is_trusted_loopback(request));
  out.end_object();
  return json(out.take(), status);
}

void Door::show_session(Call& call) {
  const auto session = session_of(call.request, gate());
  if (session) call.note({.account = session->account.id});
  call.reply(session_answer(call.request, session));
}

SignIns::Done Door::begins_session(Call& call, int status) {
  const auto begun = std::make_shared<Call>(
      Call{std::move(call.request), call.reply, {}, {}, std::move(call.logged)});
  return [this, open = stay_open(), begun, status](SignIns::Outcome outcome) {
    const Request& request = begun->request;
    if (!outcome.signed_in) {
      Response refusal = problem(outcome.signed_in.error(), request.id);
      for (Header& header : refusal.headers) {
        if (header.name == "Retry-After" && outcome.retry_after_s > 0) {
          header.value = fmt::format("{}", outcome.retry_after_s);
        }
      }
      return begun->reply(std::move(refusal));
    }
    // The browser has one cookie: nobody could end the session before, or use it.
    if (const auto before = session_of(request, gate())) (void)sign_ins_.sign_out(before->token);
    Session session{std::move(outcome.signed_in->account), std::move(outcome.signed_in->token)};
    begun->note({.account = session.account.id});
    begun->reply(with_cookie(session_answer(request, session, status),
                             session_cookie(session.token, options_.is_tls)));
  };
}

void Door::sign_in(Call& call) {
  std::string name;
  std::string password;
  const auto read = [&]() -> Result<void> {
    HF_TRY(const std::string body, decoded_body(call.request, body_bytes_max, 0));
    HF_TRY(const Json members, parse_members(body, {"name", "password"}));
    HF_TRY(name, required_text_of(members, "name"));
    HF_TRY(password, required_text_of(members, "password"));
    return {};
  }();
  if (!read) return call.refuse(read.error());
  const std::string peer = call.request.peer;
  sign_ins_.sign_in(peer, std::move(name), std::move(password), begins_session(call, 200));
}

void Door::sign_out(Call& call) {
  if (const auto session = session_of(call.request, gate())) {
    call.note({.account = session->account.id});
    const auto ended = [&]() -> Result<void> {
      HF_CHECK(check_page(call.request, *session, gate()));
      return sign_ins_.sign_out(session->token);
    }();
    if (!ended) return call.refuse(ended.error());
  }
  call.reply(with_cookie({.status = 204, .headers = {{"Cache-Control", "no-store"}}},
                         ended_session_cookie(options_.is_tls)));
}

void Door::set_owner(Call& call) {
  std::string token;
  std::string name;
  std::string password;
  const auto read = [&]() -> Result<void> {
    HF_TRY(const std::string body, decoded_body(call.request, body_bytes_max, 0));
    HF_TRY(const Json members, parse_members(body, {"token", "name", "password"}));
    HF_TRY(token, required_text_of(members, "token"));
    HF_TRY(name, required_text_of(members, "name"));
    HF_TRY(password, required_text_of(members, "password"));
    return {};
  }();
  if (!read) return call.refuse(read.error());
  sign_ins_.set_owner(std::move(token), std::move(name), std::move(password),
                      begins_session(call, 201));
}

}  // namespace hf::http
