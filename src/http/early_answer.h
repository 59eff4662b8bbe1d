// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string_view>

#include "http/head_rules.h"
#include "http/message.h"
#include "http/server.h"

namespace hf::http {

/// What the server says by itself to what no handler gets to see: the problem of the fault's status
/// and reason, and the end of the connection. The limits are those that `fault` may be about.
[[nodiscard]] Response early_answer(const HeadFault& fault, const Server::Limits& limits,
                                    std::string_view request_id);

}  // namespace hf::http
