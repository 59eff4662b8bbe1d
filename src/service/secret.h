// SPDX-License-Identifier: Apache-2.0
//
// Secrets that are drawn, not chosen: 256 random bits each. What is kept of one is its SHA-256,
// which needs no slow hash, as nobody can try 2^256 of them.
#pragma once

#include <array>
#include <cstddef>
#include <span>
#include <string>
#include <string_view>

#include "base/env.h"

namespace hf {

inline constexpr std::size_t secret_bytes = 32;
inline constexpr std::size_t secret_characters = 43;  // 256 bits, 6 a character.

/// Without padding.
[[nodiscard]] std::string base64url(std::span<const std::byte> bytes);

/// secret_characters of base64url.
[[nodiscard]] std::string new_secret(Random& random);

[[nodiscard]] std::array<std::byte, 32> sha256(std::string_view text);

}  // namespace hf
