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
  if (error.reason == "upload_too_large") status = 413;
  if (error.reason == "unsupported_encoding") status = 415;
  if (error.reason == "method_not_allowed") status = 405;
  if (error.reason == "too_many_requests" || error.reason == "too_many_attempts" ||
      error.reason == "too_many_uploads") {
    status = 429;
  }
  if (error.reason == "version_conflict") status = 409;
  // Asked again, such a question is as large.
  if (error.reason == "too_many_cells" || error.reason == "too_many_buckets" ||
      error.reason == "time_limit" || error.reason == "memory_limit") {
    status = 422;
  }
  return problem(status, error, request_id);
}

Response problem(int status, const Error& error, std::string_view request_id) {
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
  Response response{.status = status,
                    .content_type = "application/problem+json",
                    .body = out.take(),
                    .headers = {{"Cache-Control", "no-store"}}};
  // A disk does not mend itself in a second, and some clients give up after a few tries.
  const bool is_disk = error.reason == "not_writable";
  if (status == 503 || status == 429) {
    response.headers.push_back({"Retry-After", is_disk ? "10" : "1"});
  }
  if (status == 401) response.headers.push_back({"WWW-Authenticate", "Bearer"});
  return response;
}

Response json(std::string text, int status) {
  return {.status = status,
          .content_type = "application/json",
          .body = std::move(text),
          .headers = {{"Cache-Control", "no-store"}}};
}

Response for_any_page(Response response) {
  response.headers.push_back({"Access-Control-Allow-Origin", "*"});
  response.headers.push_back({"Access-Control-Expose-Headers", "Retry-After, X-Request-Id"});
  return response;
}

}  // namespace hf::http
