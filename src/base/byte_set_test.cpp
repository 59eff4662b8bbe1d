// SPDX-License-Identifier: Apache-2.0
#include "base/byte_set.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <vector>

#include "base/rng.h"

namespace hf {
namespace {

class ByteSetOfWidth : public testing::TestWithParam<SimdWidth> {};

TEST_P(ByteSetOfWidth, FindsWhatAskingByteByByteFinds) {
  if (GetParam() > widest_simd()) GTEST_SKIP() << "this processor has no " << to_string(GetParam());
  Rng rng(5);
  for (int world = 0; world < 200; ++world) {
    std::vector<bool> member(256);
    ByteSet set;
    for (int values = static_cast<int>(rng.below(300)); values > 0; --values) {
      const auto value = static_cast<std::uint8_t>(rng.below(256));
      member[value] = true;
      set.insert(value);
    }
    const std::size_t words = rng.below(5);
    std::vector<std::uint8_t> bytes(words * 64);
    for (auto& byte : bytes) byte = static_cast<std::uint8_t>(rng.below(256));
    std::vector<std::uint64_t> rows(words, rng.next());
    set.find(bytes.data(), words, rows.data(), GetParam());
    for (std::size_t i = 0; i < bytes.size(); ++i) {
      EXPECT_EQ((rows[i / 64] >> (i % 64) & 1) != 0, member[bytes[i]]);
      EXPECT_EQ(set.contains(bytes[i]), member[bytes[i]]);
    }
  }
}

INSTANTIATE_TEST_SUITE_P(EachOne, ByteSetOfWidth,
                         testing::Values(SimdWidth::sse42, SimdWidth::avx2, SimdWidth::avx512),
                         [](const auto& width) { return std::string(to_string(width.param)); });

}  // namespace
}  // namespace hf
