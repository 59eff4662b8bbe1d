// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <string>

#include "base/result.h"
#include "http/message.h"

namespace hf::http {

/// The body of the request as it was before Content-Encoding, which alone is believed: clients
/// name any Content-Type. gzip and identity are known. Leaves `padding` bytes of capacity behind.
/// Errors, all invalid_argument: unsupported_encoding; bad_gzip (no gzip, cut off, or something
/// behind it); body_too_large (over `bytes_max`, or over 1 MiB and more than 100 times its size).
[[nodiscard]] Result<std::string> decoded_body(Request& request, std::size_t bytes_max,
                                               std::size_t padding);

}  // namespace hf::http
