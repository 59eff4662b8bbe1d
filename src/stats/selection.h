// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <span>
#include <vector>

namespace hf {

/// The values at these ranks (from 0; ascending, each below values.size(), at most 255 different
/// ones) of the values in order.
/// Looks at each value three times, however many there are, and orders only those that lie within
/// about 1 % of one asked for.
[[nodiscard]] std::vector<std::int64_t> select_ranks(std::span<const std::int64_t> values,
                                                     std::span<const std::size_t> ranks);

/// The quantiles of the values, each as percent of 0..100, by proportion between the two nearest
/// (Hyndman and Fan 1996, definition 7). Requires that there are values; percents ascend.
[[nodiscard]] std::vector<double> quantiles(std::span<const std::int64_t> values,
                                            std::span<const std::size_t> percents);

}  // namespace hf
