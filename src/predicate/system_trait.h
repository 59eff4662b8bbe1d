// SPDX-License-Identifier: Apache-2.0
//
// What Holdfast itself finds of a person - stage, layer, stay, segments, tiers, balances, scores,
// consents - is kept as its traits are: as properties of events, here of one reserved name. The
// latest value counts.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <optional>
#include <span>
#include <string_view>

namespace hf {

/// The events whose properties are system traits: "stage", "segment.vip", "tier.main", ..
inline constexpr std::string_view system_trait_event = "hf:trait";
/// The events whose properties are traits, as Segment's identify calls set them.
inline constexpr std::string_view trait_event = "identify";

inline constexpr std::string_view segment_prefix = "segment.";  ///< true where a person is in it.
inline constexpr std::string_view tier_prefix = "tier.";
inline constexpr std::string_view balance_prefix = "balance.";
inline constexpr std::string_view score_prefix = "score.";
inline constexpr std::string_view consent_prefix = "consent.";  ///< true where it was given.

inline constexpr auto stage_names =
    std::to_array<std::string_view>({"prospect", "registered", "growing", "active", "stable",
                                     "at_risk", "grace", "dormant", "churned", "returned"});
inline constexpr auto layer_names =
    std::to_array<std::string_view>({"potential", "active_user", "core", "loyal"});
inline constexpr auto stay_names =
    std::to_array<std::string_view>({"short_stay", "long_stay", "undecided"});
/// From the lowest to the highest.
inline constexpr auto tier_names = std::to_array<std::string_view>({"bronze", "silver", "gold"});

/// The names one of these may have; nothing for other system traits.
[[nodiscard]] inline std::span<const std::string_view> standing_names(std::string_view trait) {
  if (trait == "stage") return stage_names;
  if (trait == "layer") return layer_names;
  if (trait == "stay") return stay_names;
  return {};
}

/// Higher is better; nothing for a tier whose place is not known.
[[nodiscard]] inline std::optional<std::size_t> tier_rank(std::string_view tier) {
  const auto found = std::ranges::find(tier_names, tier);
  if (found == tier_names.end()) return std::nullopt;
  return static_cast<std::size_t>(found - tier_names.begin());
}

}  // namespace hf
