// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>

namespace hf {

/// Number of a record in the log of its data directory: 1, 2, 3, .. without a gap, never reused.
using Offset = std::uint64_t;

}  // namespace hf
