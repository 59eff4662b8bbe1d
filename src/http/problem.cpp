// SPDX-License-Identifier: Apache-2.0
#include "http/problem.h"

#include <string>
#include <utility>

#include "base/assert.h"
#include "base/json.h"

namespace hf::http {

int http_status(ErrorCode code) {
  switch (code) {
    case ErrorCode::invalid_argument: return 400;
    case ErrorCode::unauthenticated: return 401;
    case ErrorCode::permission_denied: return 403;
    case ErrorCode::not_found: return 404;
    case ErrorCode::already_exists: return 409;
    case ErrorCode::failed_precondition: return 422;
    case ErrorCode::resource_exhausted: return 503;
    case ErrorCode::unavailable: return 503;
    case ErrorCode::data_loss: return 500;
    case ErrorCode::in_doubt: return 503;
    case ErrorCode::cancelled: return 499;
  }
  HF_ASSERT(!"an unknown error code");
  return 500;
}

Response problem(const Error& error, std::string_view request_id) {
  // Some reasons have a status of their own, for clients that look at nothing else.
  int status = http_status(error.code);
  if (error.reason == "body_too_large") status = 413;
  if (error.reason == "unsupported_encoding") status = 415;
  if (error.reason == "method_not_allowed") status = 405;
  if (error.reason == "too_many_requests") status = 429;
  JsonWriter out;
  out.begin_object();
  out.key("type").text("about:blank");
  out.key("title").text(reason_phrase(status));
  out.key("status").integer(status);
  out.key("reason").text(error.reason);
  out.key("detail").text(error.message);
  if (!error.pointer.empty()) out.key("pointer").text(error.pointer);
  out.key("request_id").text(request_id);
  out.end_object();
  Response response{
      .status = status, .content_type = "application/problem+json", .body = out.take()};
  if (status == 503 || status == 429) response.headers.push_back({"Retry-After", "1"});
  if (status == 401) response.headers.push_back({"WWW-Authenticate", "Bearer"});
  return response;
}

Response json(std::string text, int status) {
  return {.status = status,
          .content_type = "application/json",
          .body = std::move(text),
          .headers = {{"Cache-Control", "no-store"}}};
}

}  // namespace hf::http
