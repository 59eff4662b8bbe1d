// SPDX-License-Identifier: Apache-2.0
#include "base/utf8.h"

#include <gtest/gtest.h>

#include <cstdint>
#include <set>
#include <string>

#include "base/rng.h"

namespace hf {
namespace {

// The twin: every code point that may be encoded, encoded by the definition.
std::string encoded(std::uint32_t point) {
  const auto byte = [](std::uint32_t value) { return std::string(1, static_cast<char>(value)); };
  const auto tail = [&](int shift) { return byte(0x80 | (point >> shift & 0x3F)); };
  if (point < 0x80) return byte(point);
  if (point < 0x800) return byte(0xC0 | point >> 6) + tail(0);
  if (point < 0x10000) return byte(0xE0 | point >> 12) + tail(6) + tail(0);
  return byte(0xF0 | point >> 18) + tail(12) + tail(6) + tail(0);
}

TEST(Utf8, AcceptsExactlyTheEncodingsOfCodePoints) {
  std::set<std::string> short_ones;
  for (std::uint32_t point = 0; point <= 0x10FFFF; ++point) {
    if (point >= 0xD800 && point < 0xE000) continue;
    const std::string bytes = encoded(point);
    ASSERT_EQ(utf8_sequence_length(bytes), bytes.size()) << point;
    ASSERT_EQ(utf8_sequence_length(bytes + "\x80"), bytes.size()) << point;
    ASSERT_EQ(utf8_sequence_length(bytes.substr(0, bytes.size() - 1)), 0u) << point;
    if (bytes.size() <= 3) short_ones.insert(bytes);
  }
  // All strings of two and three bytes that begin high: those not in the set are refused.
  for (std::uint32_t high = 0x80; high < 0x100; ++high) {
    for (std::uint32_t rest = 0; rest < 0x10000; ++rest) {
      const char bytes[3] = {static_cast<char>(high), static_cast<char>(rest >> 8),
                             static_cast<char>(rest)};
      const std::size_t length = utf8_sequence_length({bytes, 3});
      const bool two = high >= 0xC2 && high < 0xE0;
      if (high >= 0xF0 || two) continue;  // Two bytes: covered by rest's high byte below.
      ASSERT_EQ(length == 3, short_ones.contains(std::string(bytes, 3)));
    }
    for (std::uint32_t second = 0; second < 0x100; ++second) {
      const char bytes[2] = {static_cast<char>(high), static_cast<char>(second)};
      ASSERT_EQ(utf8_sequence_length({bytes, 2}) == 2, short_ones.contains(std::string(bytes, 2)));
    }
  }
  EXPECT_FALSE(is_utf8("\xF4\x90\x80\x80"));
  EXPECT_FALSE(is_utf8("\xF0\x8F\xBF\xBF"));
  EXPECT_FALSE(is_utf8("\xF8\x88\x80\x80\x80"));
}

TEST(Utf8, FindsTheFirstWrongByte) {
  EXPECT_EQ(utf8_valid_prefix("abc"), 3u);
  EXPECT_EQ(utf8_valid_prefix("0123456789é\xFFz"), 12u);
  EXPECT_EQ(utf8_valid_prefix("é\xC3"), 2u);
  EXPECT_TRUE(is_utf8(""));
}

TEST(Utf8, CountsIllFormedStretchesAsTheStandardRecommends) {
  // Unicode 15, section 3.9, table 3-8 and following.
  EXPECT_EQ(utf8_ill_formed_length("\xC0\xAF"), 1u);
  EXPECT_EQ(utf8_ill_formed_length("\xED\xA0\x80"), 1u);
  EXPECT_EQ(utf8_ill_formed_length("\xE1\x80\xE2"), 2u);
  EXPECT_EQ(utf8_ill_formed_length("\xF1\x80\x80 "), 3u);
  EXPECT_EQ(utf8_ill_formed_length("\x80"), 1u);
}

TEST(Utf8, IsRepairedWhereItIsIllFormed) {
  EXPECT_EQ(repaired_utf8(""), "");
  EXPECT_EQ(repaired_utf8("caf\xC3\xA9"), "caf\xC3\xA9");
  EXPECT_EQ(repaired_utf8("a\xFFz"), "a\xEF\xBF\xBDz");
  EXPECT_EQ(repaired_utf8("\xE1\x80\xE2x"), "\xEF\xBF\xBD\xEF\xBF\xBDx");
  EXPECT_EQ(repaired_utf8("cut \xC3"), "cut \xEF\xBF\xBD");
}

}  // namespace
}  // namespace hf
