// SPDX-License-Identifier: Apache-2.0
#include "http/head_rules.h"

#include <algorithm>
#include <string>

namespace hf::http {
namespace {

constexpr HeadFault bad_request_line{400, "bad_request_line"};

char lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; }

bool equals(std::string_view text, std::string_view lower_case) {
  return std::ranges::equal(text, lower_case, {}, lower);
}

// RFC 9110 section 5.6.2.
bool is_token_char(char c) {
  const bool is_alphanumeric =
      (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
  return is_alphanumeric || std::string_view("!#$%&'*+-.^_`|~").find(c) != std::string_view::npos;
}

bool is_token(std::string_view text) {
  return !text.empty() && std::ranges::all_of(text, is_token_char);
}

std::string_view trimmed(std::string_view text) {
  const auto is_blank = [](char c) { return c == ' ' || c == '\t'; };
  while (!text.empty() && is_blank(text.front())) text.remove_prefix(1);
  while (!text.empty() && is_blank(text.back())) text.remove_suffix(1);
  return text;
}

std::optional<HeadFault> fault_of_request_line(std::string_view line, const HeadLimits& limits,
                                               bool& is_old) {
  if (line.size() > limits.request_line_bytes) return HeadFault{414, "uri_too_long"};
  const std::size_t method_end = line.find(' ');
  const std::size_t target_end = line.rfind(' ');
  if (method_end == std::string_view::npos || target_end == method_end) return bad_request_line;
  if (!is_token(line.substr(0, method_end))) return bad_request_line;
  const std::string_view version = line.substr(target_end + 1);
  is_old = version == "HTTP/1.0";
  if (!is_old && version != "HTTP/1.1") return bad_request_line;
  const std::string_view target = line.substr(method_end + 1, target_end - method_end - 1);
  const bool is_star = target == "*" && line.starts_with("OPTIONS ");
  const bool is_path = target.starts_with('/') && !target.starts_with("//");
  const bool is_plain =
      std::ranges::all_of(target, [](char c) { return c > ' ' && c < 0x7f && c != '#'; });
  if ((!is_star && !is_path) || !is_plain) return HeadFault{400, "bad_target"};
  return std::nullopt;
}

}  // namespace

std::optional<HeadFault> find_fault(std::string_view head, const HeadLimits& limits) {
  if (head.size() > limits.bytes) return HeadFault{431, "headers_too_large"};
  if (!head.ends_with("\r\n\r\n")) return HeadFault{400, "bad_character"};
  for (std::size_t i = 0; i < head.size(); ++i) {
    const auto c = static_cast<unsigned char>(head[i]);
    if (c == '\r'   ? head[i + 1] != '\n'
        : c == '\n' ? i == 0 || head[i - 1] != '\r'
                    : (c < ' ' && c != '\t') || c == 0x7f) {
      return HeadFault{400, "bad_character"};
    }
  }
  std::string_view rest = head.substr(0, head.size() - 2);
  const auto next_line = [&rest] {
    const std::size_t end = rest.find("\r\n");
    const std::string_view line = rest.substr(0, end);
    rest.remove_prefix(end + 2);
    return line;
  };
  bool is_old = false;
  if (const auto fault = fault_of_request_line(next_line(), limits, is_old)) return fault;
  std::size_t headers = 0;
  std::size_t hosts = 0;
  std::size_t lengths = 0;
  std::size_t codings = 0;
  while (!rest.empty()) {
    const std::string_view line = next_line();
    if (++headers > limits.headers) return HeadFault{431, "too_many_headers"};
    if (line.starts_with(' ') || line.starts_with('\t')) return HeadFault{400, "folded_header"};
    const std::size_t colon = line.find(':');
    if (colon == std::string_view::npos || !is_token(line.substr(0, colon))) {
      return HeadFault{400, "bad_header"};
    }
    const std::string_view name = line.substr(0, colon);
    const std::string_view value = trimmed(line.substr(colon + 1));
    if (equals(name, "host")) {
      ++hosts;
    } else if (equals(name, "content-length")) {
      ++lengths;
      const bool is_number =
          !value.empty() && value.size() <= 15 &&
          std::ranges::all_of(value, [](char c) { return c >= '0' && c <= '9'; });
      if (!is_number || lengths > 1) return HeadFault{400, "bad_content_length"};
    } else if (equals(name, "transfer-encoding")) {
      ++codings;
      if (!equals(value, "chunked") || codings > 1 || is_old) {
        return HeadFault{400, "bad_transfer_encoding"};
      }
    }
  }
  if (lengths > 0 && codings > 0) return HeadFault{400, "two_lengths"};
  if (hosts > 1 || (hosts == 0 && !is_old)) return HeadFault{400, "bad_host"};
  return std::nullopt;
}

}  // namespace hf::http
