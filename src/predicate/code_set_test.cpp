// SPDX-License-Identifier: Apache-2.0
#include "predicate/code_set.h"

#include <gtest/gtest.h>

#include <limits>
#include <vector>

#include "base/rng.h"

namespace hf {
namespace {

std::vector<std::uint8_t> any_member(Rng& rng) {
  constexpr std::size_t sizes[] = {0,   1,   2,   15,  16,    17,     127,    128,   129,
                                   254, 255, 256, 257, 4'000, 65'535, 65'536, 70'000};
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

CodeArray any_codes(Rng& rng, std::size_t size, std::size_t rows) {
  CodeArray codes(size);
  for (std::size_t row = 0; row < rows; ++row) {
    const bool is_missing = size == 0 || rng.chance(0.2);
    codes.push_back(is_missing ? CodeArray::missing : static_cast<std::uint32_t>(rng.below(size)));
  }
  return codes;
}

TEST(CodeSet, AgreesWithAskingRowByRow) {
  for (std::uint64_t seed = 0; seed < 5'000; ++seed) {
    SCOPED_TRACE(seed);
    Rng rng(seed);
    const auto member = any_member(rng);
    const CodeSet set(member);
    const std::size_t rows = rng.chance(0.1) ? rng.below(10'000) : rng.below(300);
    const CodeArray codes = any_codes(rng, member.size(), rows);
    std::vector<std::uint64_t> asked((rows + 63) / 64);
    for (auto& word : asked) word = rng.chance(0.8) ? rng.next() : 0;
    std::vector<std::uint64_t> found(asked.size());
    set.find(codes, asked, found);
    for (std::size_t row = 0; row < rows; ++row) {
      const bool is_in = codes[row] < member.size() && member[codes[row]] != 0;
      ASSERT_EQ(set.contains(codes[row]), is_in);
      if (asked[row / 64] == 0) continue;  // Then nobody looks.
      ASSERT_EQ((found[row / 64] >> (row % 64) & 1) != 0, is_in) << row;
    }
    if (rows % 64 != 0) {
      ASSERT_EQ(found.back() >> (rows % 64), 0u);
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
