// SPDX-License-Identifier: Apache-2.0
#include "base/bytes.h"

#include <gtest/gtest.h>
#include <rapidcheck.h>

#include <limits>
#include <string>
#include <vector>

#include "base/rng.h"

namespace hf {
namespace {

std::uint64_t any_width(Rng& rng) { return rng.next() >> rng.between(0, 63); }

TEST(Bytes, ReadBackWhatWasWritten) {
  for (std::uint64_t seed = 0; seed < 2'000; ++seed) {
    SCOPED_TRACE(seed);
    Rng rng(seed);
    const std::uint64_t number = any_width(rng);
    const auto negative = static_cast<std::int64_t>(any_width(rng)) * (rng.chance(0.5) ? 1 : -1);
    const std::string text(static_cast<std::size_t>(rng.between(0, 300)), 'x');
    std::string as_string;
    std::vector<std::byte> as_vector;
    const auto write = [&](auto writer) {
      writer.varint(number);
      writer.signed_varint(negative);
      writer.fixed(static_cast<std::uint16_t>(number));
      writer.fixed(negative);
      writer.fixed(0.1);
      writer.text(text);
    };
    write(ByteWriter(as_string));
    write(ByteWriter(as_vector));
    ASSERT_EQ(std::as_bytes(std::span(as_string)).size(), as_vector.size());
    ByteReader reader(as_string);
    ASSERT_EQ(reader.varint(), number);
    ASSERT_EQ(reader.offset(), varint_size(number));
    ASSERT_EQ(reader.signed_varint(), negative);
    ASSERT_EQ(reader.fixed<std::uint16_t>(), static_cast<std::uint16_t>(number));
    ASSERT_EQ(reader.fixed<std::int64_t>(), negative);
    ASSERT_EQ(reader.fixed<double>(), 0.1);
    ASSERT_EQ(reader.text(), text);
    ASSERT_TRUE(reader.at_end());

    // Cut anywhere: no call reads past the end, and something is missing.
    const auto cut = static_cast<std::size_t>(rng.between(0, std::ssize(as_string) - 1));
    ByteReader damaged(std::string_view(as_string).substr(0, cut));
    const bool whole = damaged.varint() && damaged.signed_varint() &&
                       damaged.fixed<std::uint16_t>() && damaged.fixed<std::int64_t>() &&
                       damaged.fixed<double>() && damaged.text();
    ASSERT_FALSE(whole);
    ASSERT_LE(damaged.offset(), cut);
  }
}

TEST(Bytes, EveryByteStringIsEitherTheOneFormOfAVarintOrRefused) {
  Rng rng(1);
  int accepted = 0;
  for (int i = 0; i < 50'000; ++i) {
    std::string bytes(static_cast<std::size_t>(rng.between(0, 12)), '\0');
    for (char& c : bytes) {
      c = static_cast<char>(rng.chance(0.3) ? rng.between(0, 1) : rng.between(0x7E, 0x100));
    }
    ByteReader reader(bytes);
    const auto value = reader.varint();
    if (!value) {
      ASSERT_EQ(reader.offset(), 0u);
      continue;
    }
    ++accepted;
    std::string again;
    ByteWriter(again).varint(*value);
    ASSERT_EQ(again, bytes.substr(0, reader.offset()));
  }
  EXPECT_GT(accepted, 10'000);
}

TEST(Bytes, VarintsHaveTheirEdges) {
  const auto written = [](std::uint64_t value) {
    std::string out;
    ByteWriter(out).varint(value);
    EXPECT_EQ(out.size(), varint_size(value));
    return out;
  };
  EXPECT_EQ(written(0), std::string("\x00", 1));
  EXPECT_EQ(written(127), "\x7F");
  EXPECT_EQ(written(128), "\x80\x01");
  EXPECT_EQ(written(300), "\xAC\x02");
  EXPECT_EQ(written(UINT64_MAX), "\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\x01");
  EXPECT_FALSE(ByteReader("\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\x02").varint());
  EXPECT_FALSE(ByteReader("\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\x81\x01").varint());
  EXPECT_FALSE(ByteReader(std::string_view("\x80\x00", 2)).varint()) << "padding";
  EXPECT_FALSE(ByteReader("\x80").varint());
  EXPECT_EQ(ByteReader("\x05").varint_up_to(5), 5u);
  EXPECT_FALSE(ByteReader("\x05").varint_up_to(4));
  EXPECT_FALSE(ByteReader("\x05"
                          "abcd")
                   .text());
}

TEST(Bytes, ZigzagInterleavesTheSigns) {
  EXPECT_EQ(zigzag(0), 0u);
  EXPECT_EQ(zigzag(-1), 1u);
  EXPECT_EQ(zigzag(1), 2u);
  EXPECT_EQ(zigzag(std::numeric_limits<std::int64_t>::min()), UINT64_MAX);
  EXPECT_TRUE(rc::check([](std::int64_t value) { RC_ASSERT(unzigzag(zigzag(value)) == value); }));
}

}  // namespace
}  // namespace hf
