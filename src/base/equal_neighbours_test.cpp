// SPDX-License-Identifier: Apache-2.0
#include "base/equal_neighbours.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "base/rng.h"

namespace hf {
namespace {

class EqualNeighboursOfWidth : public testing::TestWithParam<SimdWidth> {};

TEST_P(EqualNeighboursOfWidth, AreFoundAsOneByOne) {
  if (GetParam() > widest_simd()) GTEST_SKIP() << "this processor has no " << to_string(GetParam());
  Rng rng(5);
  for (int world = 0; world < 500; ++world) {
    std::vector<std::uint32_t> values(rng.below(330));
    const auto different = 1 + rng.below(4);
    for (auto& value : values) value = static_cast<std::uint32_t>(rng.below(different)) << 28;
    std::vector<std::uint64_t> rows((values.size() + 63) / 64, rng.next());
    find_equal_neighbours(values, rows.data(), GetParam());
    for (std::size_t i = 0; i < rows.size() * 64; ++i) {
      const bool expected = i > 0 && i < values.size() && values[i] == values[i - 1];
      ASSERT_EQ((rows[i / 64] >> (i % 64) & 1) != 0, expected);
    }
  }
}

INSTANTIATE_TEST_SUITE_P(EachOne, EqualNeighboursOfWidth,
                         testing::Values(SimdWidth::sse42, SimdWidth::avx2, SimdWidth::avx512),
                         [](const auto& width) { return std::string(to_string(width.param)); });

}  // namespace
}  // namespace hf
