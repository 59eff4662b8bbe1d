// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <span>
#include <string_view>

namespace hf {

/// The known name with the fewest insertions, deletions, replacements and swaps of neighbours
/// between it and `name`; the first of equals. Only the first 64 bytes of `name` count.
/// Requires known names.
[[nodiscard]] std::string_view nearest_name(std::string_view name,
                                            std::span<const std::string_view> known);

/// The same, where it is near enough to have been meant: of three letters one may be wrong.
[[nodiscard]] std::optional<std::string_view> near_miss(std::string_view name,
                                                        std::span<const std::string_view> known);

}  // namespace hf
