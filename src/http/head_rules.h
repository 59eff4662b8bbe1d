// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <optional>
#include <string_view>

namespace hf::http {

struct HeadLimits {
  std::size_t request_line_bytes = 8 * 1024;
  std::size_t bytes = 32 * 1024;  ///< Of the whole head.
  std::size_t headers = 100;
};

/// Why a head is refused.
struct HeadFault {
  int status;  ///< 400, 414, 431 or 501.
  std::string_view reason;
};

/// Where a head must be read in one way by everybody who forwards it, RFC 9112 leaves several: what
/// request smuggling lives on. This wants the one strict way, before a parser sees it. `head` ends
/// with its empty line. Refused, with these reasons: bare LF or CR and other control characters
/// (bad_character), continued lines (folded_header), blanks before the colon or no name
/// (bad_header), more than one or no Host in HTTP/1.1 (bad_host), more than one Content-Length or
/// one that is not 1 to 15 digits (bad_content_length), Content-Length beside Transfer-Encoding
/// (two_lengths), a Transfer-Encoding that is not exactly "chunked" or comes by HTTP/1.0
/// (bad_transfer_encoding), a target that is not a path or has a fragment (bad_target), what is no
/// request line of HTTP/1.0 or 1.1 (bad_request_line), and what is too long or too many
/// (uri_too_long, headers_too_large, too_many_headers).
[[nodiscard]] std::optional<HeadFault> find_fault(std::string_view head, const HeadLimits& limits);

}  // namespace hf::http
