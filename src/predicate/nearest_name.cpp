// SPDX-License-Identifier: Apache-2.0
#include "predicate/nearest_name.h"

#include <algorithm>
#include <cstddef>
#include <vector>

#include "base/assert.h"

namespace hf {
namespace {

constexpr std::size_t compared_bytes_max = 64;

// Optimal string alignment, three rows of the usual table.
std::size_t edit_distance(std::string_view a, std::string_view b) {
  std::vector<std::size_t> before(b.size() + 1), last(b.size() + 1), row(b.size() + 1);
  for (std::size_t j = 0; j <= b.size(); ++j) last[j] = j;
  for (std::size_t i = 1; i <= a.size(); ++i) {
    row[0] = i;
    for (std::size_t j = 1; j <= b.size(); ++j) {
      const std::size_t replaced = last[j - 1] + (a[i - 1] == b[j - 1] ? 0 : 1);
      row[j] = std::min({replaced, last[j] + 1, row[j - 1] + 1});
      if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1]) {
        row[j] = std::min(row[j], before[j - 2] + 1);
      }
    }
    std::swap(before, last);
    std::swap(last, row);
  }
  return last[b.size()];
}

}  // namespace

std::string_view nearest_name(std::string_view name, std::span<const std::string_view> known) {
  HF_ASSERT(!known.empty());
  name = name.substr(0, compared_bytes_max);
  return *std::ranges::min_element(
      known, {}, [&](std::string_view candidate) { return edit_distance(name, candidate); });
}

std::optional<std::string_view> near_miss(std::string_view name,
                                          std::span<const std::string_view> known) {
  if (known.empty()) return std::nullopt;
  const std::string_view nearest = nearest_name(name, known);
  constexpr std::size_t letters_per_mistake = 3;
  if (edit_distance(name.substr(0, compared_bytes_max), nearest) >
      std::max<std::size_t>(1, nearest.size() / letters_per_mistake)) {
    return std::nullopt;
  }
  return nearest;
}

}  // namespace hf
