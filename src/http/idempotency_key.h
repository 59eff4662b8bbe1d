// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <optional>
#include <string>

#include "base/result.h"
#include "http/message.h"

namespace hf::http {

inline constexpr std::size_t idempotency_key_characters_max = 255;

/// What the request calls itself in its Idempotency-Key header, by draft-ietf-httpapi-idempotency-
/// key-header a string of RFC 9651 ("8e03978e"), by most clients the same without quotes; both name
/// one key. Nothing where there is no such header. Errors: invalid_argument/bad_idempotency_key
/// unless it is 1 to 255 visible ASCII characters, without quotes of none of `"`, `\`, `,` and `;`;
/// also of two such headers.
[[nodiscard]] Result<std::optional<std::string>> idempotency_key_of(const Request& request);

}  // namespace hf::http
