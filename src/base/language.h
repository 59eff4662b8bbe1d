// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>

namespace hf {

/// What people are spoken to in.
enum class Language : std::uint8_t { english, chinese };

}  // namespace hf
