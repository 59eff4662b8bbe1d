// SPDX-License-Identifier: Apache-2.0
#include "predicate/code_set.h"

#include <gtest/gtest.h>

#include <limits>
#include <vector>

#include "base/rng.h"

namespace hf {
namespace {

// The twin asks row by row.
template <class Code>
std::uint64_t rows_one_by_one(const std::vector<std::uint8_t>& member,
                              const std::vector<Code>& codes) {
  std::uint64_t rows = 0;
  for (std::size_t i = 0; i < codes.size(); ++i) {
    if (codes[i] < member.size() && member[codes[i]] != 0) rows |= std::uint64_t{1} << i;
  }
  return rows;
}

std::vector<std::uint8_t> any_member(Rng& rng) {
  constexpr std::size_t sizes[] = {0,   1,   2,   15,  16,  17,    127,   128,
                                   129, 254, 255, 256, 257, 4'000, 65'535};
  constexpr double densities[] = {0, 0.005, 0.5, 0.99, 1};
  std::vector<std::uint8_t> member(sizes[rng.below(std::size(sizes))]);
  const double density = densities[rng.below(std::size(densities))];
  for (std::uint8_t& m : member)
    m = rng.chance(density) ? static_cast<std::uint8_t>(rng.between(1, 255)) : 0;
  if (!member.empty() && rng.chance(0.3)) {  // Few, in a large dictionary.
    std::ranges::fill(member, 0);
    for (auto n = rng.between(1, 5); n > 0; --n) member[rng.below(member.size())] = 1;
  }
  return member;
}

template <class Code>
std::vector<Code> any_codes(Rng& rng, std::size_t size) {
  std::vector<Code> codes(rng.chance(0.5) ? 64 : rng.below(65));
  for (Code& code : codes) {
    const bool outside = size == 0 || rng.chance(0.2);
    code = static_cast<Code>(outside ? rng.next() : rng.below(size));
    if (outside && rng.chance(0.5)) code = std::numeric_limits<Code>::max();
  }
  return codes;
}

TEST(CodeSet, AgreesWithAskingRowByRow) {
  for (std::uint64_t seed = 0; seed < 5'000; ++seed) {
    SCOPED_TRACE(seed);
    Rng rng(seed);
    const auto member = any_member(rng);
    const CodeSet set(member);
    for (int round = 0; round < 4; ++round) {
      const auto names = any_codes<std::uint16_t>(rng, member.size());
      ASSERT_EQ(set.rows(std::span<const std::uint16_t>(names)), rows_one_by_one(member, names));
      const auto values = any_codes<std::uint32_t>(rng, member.size());
      ASSERT_EQ(set.rows(std::span<const std::uint32_t>(values)), rows_one_by_one(member, values));
      for (const std::uint32_t code : values) {
        ASSERT_EQ(set.contains(code), code < member.size() && member[code] != 0);
      }
    }
  }
}

TEST(CodeSet, OfADictionaryWithoutValuesIsEmptyAndFull) {
  const CodeSet set;
  EXPECT_TRUE(set.is_empty());
  EXPECT_TRUE(set.is_full());
}

}  // namespace
}  // namespace hf
