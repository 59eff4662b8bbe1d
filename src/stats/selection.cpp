// SPDX-License-Identifier: Apache-2.0
#include "stats/selection.h"

#include <algorithm>
#include <array>
#include <bit>

#include "base/assert.h"

namespace hf {
namespace {

// Keys that ascend with what they are of, as a float's bits do: the highest bit's place, then the
// seven bits below it. Values of one key differ by less than 1 %.
constexpr unsigned fraction_bits = 7;
constexpr std::size_t key_count = (64 - fraction_bits + 1) << fraction_bits;

std::size_t key_of(std::uint64_t above_least) {
  if (above_least >> fraction_bits == 0) return static_cast<std::size_t>(above_least);
  const auto shift = static_cast<unsigned>(std::bit_width(above_least)) - 1 - fraction_bits;
  constexpr std::uint64_t fraction = (1u << fraction_bits) - 1;
  return static_cast<std::size_t>((std::uint64_t{shift} + 1) << fraction_bits |
                                  (above_least >> shift & fraction));
}

}  // namespace

std::vector<std::int64_t> select_ranks(std::span<const std::int64_t> values,
                                       std::span<const std::size_t> ranks) {
  std::vector<std::int64_t> found;
  if (ranks.empty()) return found;
  HF_ASSERT(std::ranges::is_sorted(ranks) && ranks.back() < values.size());
  const auto least = static_cast<std::uint64_t>(std::ranges::min(values));
  const auto key = [&](std::int64_t value) {
    return key_of(static_cast<std::uint64_t>(value) - least);
  };
  std::vector<std::size_t> counts(key_count);
  for (const std::int64_t value : values) ++counts[key(value)];
  // The keys asked for, each once, with how many values lie below.
  struct Wanted {
    std::size_t key;
    std::size_t below;
    std::vector<std::int64_t> values;
  };
  std::vector<Wanted> wanted;
  std::vector<std::size_t> of_rank;
  std::size_t at = 0;
  std::size_t below = 0;
  for (const std::size_t rank : ranks) {
    while (below + counts[at] <= rank) below += counts[at++];
    if (wanted.empty() || wanted.back().key != at) wanted.push_back({at, below, {}});
    of_rank.push_back(wanted.size() - 1);
  }
  for (Wanted& each : wanted) each.values.reserve(counts[each.key]);
  std::vector<std::uint8_t> index(key_count);
  HF_ASSERT(wanted.size() < 256);
  for (std::size_t i = 0; i < wanted.size(); ++i) {
    index[wanted[i].key] = static_cast<std::uint8_t>(i + 1);
  }
  for (const std::int64_t value : values) {
    if (const std::uint8_t i = index[key(value)]) wanted[i - 1].values.push_back(value);
  }
  for (std::size_t i = 0; i < ranks.size(); ++i) {
    Wanted& in = wanted[of_rank[i]];
    const auto place = in.values.begin() + static_cast<std::ptrdiff_t>(ranks[i] - in.below);
    std::ranges::nth_element(in.values, place);
    found.push_back(*place);
  }
  return found;
}

std::vector<double> quantiles(std::span<const std::int64_t> values,
                              std::span<const std::size_t> percents) {
  HF_ASSERT(!values.empty());
  std::vector<std::size_t> ranks;
  for (const std::size_t percent : percents) {
    const std::size_t rank = (values.size() - 1) * percent / 100;
    ranks.push_back(rank);
    ranks.push_back(std::min(rank + 1, values.size() - 1));
  }
  std::vector<std::size_t> ascending = ranks;
  std::ranges::sort(ascending);
  const std::vector<std::int64_t> selected = select_ranks(values, ascending);
  const auto value_at = [&](std::size_t rank) {
    const auto place = std::ranges::lower_bound(ascending, rank) - ascending.begin();
    return selected[static_cast<std::size_t>(place)];
  };
  std::vector<double> result;
  for (std::size_t i = 0; i < percents.size(); ++i) {
    const std::int64_t low = value_at(ranks[2 * i]);
    const std::int64_t high = value_at(ranks[2 * i + 1]);
    const auto share = static_cast<double>((values.size() - 1) * percents[i] % 100) / 100;
    const double apart = static_cast<double>(high) - static_cast<double>(low);
    result.push_back(static_cast<double>(low) + apart * share);
  }
  return result;
}

}  // namespace hf
