// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <span>

#include "base/bitmap.h"

namespace hf {

/// Sets bit i of the rows exactly where values[i] == values[i - 1]; never bit 0. As many words as
/// the values need, bits beyond the last 0. All widths give the same. Requires width <=
/// widest_simd().
void find_equal_neighbours(std::span<const std::uint32_t> values, std::uint64_t* rows,
                           SimdWidth width = chosen_simd());

}  // namespace hf
