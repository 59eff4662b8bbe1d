// SPDX-License-Identifier: Apache-2.0
#include "base/bitmap.h"

#include <gtest/gtest.h>

#include <vector>

#include "base/rng.h"

namespace hf {
namespace {

bool has(const std::vector<std::uint64_t>& words, std::size_t bit) {
  return (words[bit / 64] >> (bit % 64) & 1) != 0;
}

class BitmapOfWidth : public testing::TestWithParam<SimdWidth> {};

TEST_P(BitmapOfWidth, DoesWhatIsDoneBitByBit) {
  if (GetParam() > widest_simd()) GTEST_SKIP() << "this processor has no " << to_string(GetParam());
  const BitmapKernels& kernels = bitmap_kernels(GetParam());
  Rng rng(1);
  for (int round = 0; round < 200; ++round) {
    const std::size_t words = 8 * rng.below(40);
    const auto any = [&] {
      std::vector<std::uint64_t> out(words);
      const bool sparse = rng.chance(0.5);
      for (auto& word : out) {
        word = rng.next();
        if (sparse) word &= rng.next() & rng.next() & rng.next();
        if (rng.chance(0.1)) word = rng.chance(0.5) ? 0 : ~std::uint64_t{0};
      }
      return out;
    };
    const auto a = any();
    const auto b = any();
    const auto mask = any();
    std::uint64_t bits = 0;
    std::uint64_t both = 0;
    std::uint64_t all = 0;
    bool carries = false;
    auto sum = a;
    auto digit = a;
    auto carry = b;
    auto masked = a;
    for (std::size_t i = 0; i < words * 64; ++i) {
      bits += has(a, i);
      both += has(a, i) && has(b, i);
      all += has(a, i) || has(b, i) || has(mask, i);
      carries = carries || (has(a, i) && has(b, i));
      const std::uint64_t bit = std::uint64_t{1} << (i % 64);
      if (has(b, i)) sum[i / 64] |= bit;
      if (has(b, i) && has(mask, i)) masked[i / 64] |= bit;
      if (has(b, i)) digit[i / 64] ^= bit;
      if (!has(a, i)) carry[i / 64] &= ~bit;
    }
    EXPECT_EQ(kernels.count(a.data(), words), bits);
    EXPECT_EQ(kernels.count_and(a.data(), b.data(), words), both);
    auto into = a;
    kernels.add(into.data(), b.data(), words);
    EXPECT_EQ(into, sum);
    into = a;
    kernels.add_masked(into.data(), b.data(), mask.data(), words);
    EXPECT_EQ(into, masked);
    kernels.unite(into.data(), a.data(), b.data(), words);
    EXPECT_EQ(into, sum);
    into = a;
    EXPECT_EQ(kernels.add_and_count(into.data(), b.data(), mask.data(), words), all);
    EXPECT_EQ(into, sum);
    into = a;
    auto from = b;
    EXPECT_EQ(kernels.add_digit(into.data(), from.data(), words), carries);
    EXPECT_EQ(into, digit);
    EXPECT_EQ(from, carry);
  }
}

INSTANTIATE_TEST_SUITE_P(EachOne, BitmapOfWidth,
                         testing::Values(SimdWidth::sse42, SimdWidth::avx2, SimdWidth::avx512),
                         [](const auto& width) { return std::string(to_string(width.param)); });

TEST(Bitmap, IsChosenByTheProcessorOrTheEnvironment) { EXPECT_LE(chosen_simd(), widest_simd()); }

}  // namespace
}  // namespace hf
