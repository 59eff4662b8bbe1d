// SPDX-License-Identifier: Apache-2.0
#include "http/early_answer.h"

#include <fmt/format.h>

#include <string>

#include "base/assert.h"
#include "http/problem.h"

namespace hf::http {
namespace {

/// For people. Empty where the reason is none of ours.
std::string detail_of(std::string_view reason, const Server::Limits& limits) {
  const struct {
    std::string_view reason;
    std::string_view detail;
  } plain[] = {
      {"bad_request_line", "the first line is no request of HTTP/1.0 or 1.1"},
      {"bad_target", "what is asked for is no path that begins with one slash"},
      {"bad_character",
       "the head has a line that does not end in CR LF, or a control character in it"},
      {"bad_header", "a header has no name, or blanks before its colon"},
      {"folded_header", "a header goes on in a second line"},
      {"bad_host", "there must be one Host header"},
      {"bad_content_length", "there may be one Content-Length, of 1 to 15 digits"},
      {"two_lengths", "Content-Length and Transfer-Encoding exclude each other"},
      {"bad_transfer_encoding", "the one Transfer-Encoding is chunked, in HTTP/1.1"},
      {"bad_chunk", "the body's chunks cannot be read"},
      {"bad_expectation", "the one expectation that can be met is 100-continue"},
      {"slow_request", "the request came too slowly"},
      {"too_many_bodies", "the server holds as much of requests as it may; try again"},
      {"too_many_connections", "there are as many connections as there may be; try again"},
  };
  for (const auto& each : plain) {
    if (each.reason == reason) return std::string(each.detail);
  }
  if (reason == "uri_too_long") {
    return fmt::format("the request line is over {} bytes", limits.head.request_line_bytes);
  }
  if (reason == "headers_too_large") {
    return fmt::format("the head is over {} bytes", limits.head.bytes);
  }
  if (reason == "too_many_headers") {
    return fmt::format("there are over {} headers", limits.head.headers);
  }
  if (reason == "body_too_large") {
    return fmt::format("the body is over {} bytes", limits.body_bytes);
  }
  return {};
}

}  // namespace

Response early_answer(const HeadFault& fault, const Server::Limits& limits,
                      std::string_view request_id) {
  std::string detail = detail_of(fault.reason, limits);
  HF_ASSERT(!detail.empty());
  Response response = problem(
      fault.status, {ErrorCode::invalid_argument, fault.reason, std::move(detail)}, request_id);
  response.close = true;
  return response;
}

}  // namespace hf::http
