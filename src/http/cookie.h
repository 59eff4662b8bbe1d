// SPDX-License-Identifier: Apache-2.0
//
// Cookies (RFC 6265): the one that a session has, and how it is found among others.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

#include "http/message.h"

namespace hf::http {

/// What stands behind so many others is not looked at.
inline constexpr std::size_t cookies_max = 100;

/// The value of the cookie of this name, as sent; a part of the request. Nothing where there is
/// none, or several that differ: one of them was set by somebody else on this host.
[[nodiscard]] std::optional<std::string_view> cookie_of(const Request& request,
                                                        std::string_view name);

/// With TLS its name has the prefix that browsers keep from other hosts and from plain HTTP.
[[nodiscard]] std::string_view session_cookie_name(bool is_tls);
/// Of a Set-Cookie header: for scripts unreadable, never sent along by pages of other sites.
[[nodiscard]] std::string session_cookie(std::string_view token, bool is_tls);
/// The same, to have the browser forget it.
[[nodiscard]] std::string ended_session_cookie(bool is_tls);

}  // namespace hf::http
