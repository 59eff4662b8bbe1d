// SPDX-License-Identifier: Apache-2.0
#include "http/cookie.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstdint>

#include "service/sign_in.h"

namespace hf::http {
namespace {

std::string_view without_blanks(std::string_view text) {
  constexpr std::string_view blanks = " \t";
  text.remove_prefix(std::min(text.find_first_not_of(blanks), text.size()));
  return text.substr(0, text.find_last_not_of(blanks) + 1);
}

std::string cookie(std::string_view value, std::int64_t max_age_s, bool is_tls) {
  return fmt::format("{}={}; Path=/; Max-Age={}; HttpOnly; SameSite=Strict{}",
                     session_cookie_name(is_tls), value, max_age_s, is_tls ? "; Secure" : "");
}

}  // namespace

std::optional<std::string_view> cookie_of(const Request& request, std::string_view name) {
  std::optional<std::string_view> found;
  std::size_t seen = 0;
  for (const Header& header : request.headers) {
    if (header.name != "cookie") continue;
    std::string_view rest = header.value;
    while (!rest.empty() && ++seen <= cookies_max) {
      const std::string_view pair = rest.substr(0, rest.find(';'));
      rest.remove_prefix(std::min(rest.size(), pair.size() + 1));
      const std::size_t equals = pair.find('=');
      if (equals == std::string_view::npos) continue;
      if (without_blanks(pair.substr(0, equals)) != name) continue;
      const std::string_view value = without_blanks(pair.substr(equals + 1));
      if (found && *found != value) return std::nullopt;
      found = value;
    }
  }
  return found;
}

std::string_view session_cookie_name(bool is_tls) {
  return is_tls ? "__Host-holdfast_session" : "holdfast_session";
}

std::string session_cookie(std::string_view token, bool is_tls) {
  return cookie(token, session_ms_max / 1'000, is_tls);
}

std::string ended_session_cookie(bool is_tls) { return cookie("", 0, is_tls); }

}  // namespace hf::http
