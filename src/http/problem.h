// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string_view>

#include "base/result.h"
#include "http/message.h"

namespace hf::http {

/// The only place where codes become statuses.
[[nodiscard]] int http_status(ErrorCode code);

/// RFC 9457: type, title, status, detail, and of ours `reason` (stable), `pointer` (into the
/// request's body) and `request_id`. With Retry-After where trying again may help.
[[nodiscard]] Response problem(const Error& error, std::string_view request_id);
/// The same with a status that no code has, of what HTTP itself is about.
[[nodiscard]] Response problem(int status, const Error& error, std::string_view request_id);

/// The answer may be read by a page from anywhere (Fetch, "CORS protocol"): for what says nothing
/// but what the page itself sent.
[[nodiscard]] Response for_any_page(Response response);

/// `text` is a JSON value.
[[nodiscard]] Response json(std::string text, int status = 200);

}  // namespace hf::http
