// SPDX-License-Identifier: Apache-2.0
#include "base/byte_bits.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "base/rng.h"

namespace hf {
namespace {

class ByteBitsOfWidth : public testing::TestWithParam<SimdWidth> {};

TEST_P(ByteBitsOfWidth, AreThoseOfEachRow) {
  if (GetParam() > widest_simd()) GTEST_SKIP() << "this processor has no " << to_string(GetParam());
  Rng rng(5);
  for (int world = 0; world < 200; ++world) {
    const std::size_t words = rng.below(5);
    const std::size_t count = rng.below(bits_of_byte + 1);
    std::vector<std::vector<std::uint64_t>> bits(count, std::vector<std::uint64_t>(words));
    std::vector<const std::uint64_t*> rows;
    for (auto& row : bits) {
      for (auto& word : row) word = rng.next();
      rows.push_back(row.data());
    }
    std::vector<std::uint8_t> bytes(words * 64, 0xff);
    put_bits_together(rows, words, bytes.data(), GetParam());
    for (std::size_t i = 0; i < bytes.size(); ++i) {
      for (std::size_t k = 0; k < bits_of_byte; ++k) {
        const bool expected = k < count && (bits[k][i / 64] >> (i % 64) & 1) != 0;
        ASSERT_EQ((bytes[i] >> k & 1) != 0, expected);
      }
    }
    std::vector<std::uint64_t> apart(count * words, rng.next());
    take_bits_apart(bytes.data(), words, count, apart.data(), GetParam());
    for (std::size_t k = 0; k < count; ++k) {
      for (std::size_t w = 0; w < words; ++w) ASSERT_EQ(apart[k * words + w], bits[k][w]);
    }
  }
}

INSTANTIATE_TEST_SUITE_P(EachOne, ByteBitsOfWidth,
                         testing::Values(SimdWidth::sse42, SimdWidth::avx2, SimdWidth::avx512),
                         [](const auto& width) { return std::string(to_string(width.param)); });

}  // namespace
}  // namespace hf
