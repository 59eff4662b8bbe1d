// SPDX-License-Identifier: Apache-2.0
//
// What the rules let through, Beast's parser refuses or reads the same way: whole, with as many
// headers, and with one length at most.
#include <boost/asio/buffer.hpp>
#include <boost/beast/http/empty_body.hpp>
#include <boost/beast/http/parser.hpp>
#include <cstddef>
#include <cstdint>
#include <iterator>
#include <string>

#include "base/assert.h"
#include "http/head_rules.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  namespace beast = boost::beast;
  std::string head(reinterpret_cast<const char*>(data), size);
  // As the server does: up to the first empty line.
  const std::size_t end = head.find("\r\n\r\n");
  if (end != std::string::npos) head.resize(end + 4);
  const hf::http::HeadLimits limits;
  if (const auto fault = hf::http::find_fault(head, limits)) {
    HF_ASSERT(fault->status == 400 || fault->status == 414 || fault->status == 431);
    HF_ASSERT(!fault->reason.empty());
    return 0;
  }
  beast::http::request_parser<beast::http::empty_body> parser;
  parser.header_limit(static_cast<std::uint32_t>(limits.bytes));
  parser.body_limit(boost::none);
  parser.eager(false);
  boost::system::error_code error;
  const std::size_t parsed = parser.put(boost::asio::buffer(head), error);
  if (error) return 0;  // It wants more of Connection, for one; the server refuses that, too.
  HF_ASSERT(parsed == head.size() && parser.is_header_done());
  const auto& message = parser.get();
  std::size_t lines = 0;
  for (std::size_t at = 0; (at = head.find("\r\n", at)) != std::string::npos; at += 2) ++lines;
  HF_ASSERT(static_cast<std::size_t>(std::distance(message.begin(), message.end())) == lines - 2);
  const auto lengths = message.count(beast::http::field::content_length) +
                       message.count(beast::http::field::transfer_encoding);
  HF_ASSERT(lengths <= 1);
  HF_ASSERT(message.count(beast::http::field::host) <= 1);
  HF_ASSERT(!(parser.chunked() && parser.content_length()));
  return 0;
}
