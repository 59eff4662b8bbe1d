// SPDX-License-Identifier: Apache-2.0
#include "base/bytes.h"

#include <gtest/gtest.h>
#include <rapidcheck.h>

#include <limits>
#include <span>
#include <string>
#include <string_view>

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
    ByteWriter writer;
    writer.varint(number);
    ASSERT_EQ(writer.size(), varint_size(number));
    writer.signed_varint(negative);
    writer.u8(7);
    writer.fixed(static_cast<std::uint16_t>(number));
    writer.fixed(negative);
    writer.fixed(0.1);
    writer.text(text);
    writer.bytes("tail");
    writer.bytes(std::as_bytes(std::span("ab", 2)));
    const std::string bytes = writer.take();
    ASSERT_EQ(writer.size(), 0u);
    ByteReader reader(bytes);
    ASSERT_EQ(reader.varint(), number);
    ASSERT_EQ(reader.remaining(), bytes.size() - varint_size(number));
    ASSERT_EQ(reader.signed_varint(), negative);
    ASSERT_EQ(reader.u8(), 7);
    ASSERT_EQ(reader.fixed<std::uint16_t>(), static_cast<std::uint16_t>(number));
    ASSERT_EQ(reader.fixed<std::int64_t>(), negative);
    ASSERT_EQ(reader.fixed<double>(), 0.1);
    ASSERT_EQ(reader.text(), text);
    ASSERT_FALSE(reader.complete());
    ASSERT_EQ(reader.bytes(6), "tailab");
    ASSERT_TRUE(reader.complete());

    // Cut anywhere: no call reads past the end, and the error stays.
    const auto cut = static_cast<std::size_t>(rng.between(0, std::ssize(bytes) - 1));
    ByteReader damaged(std::string_view(bytes).substr(0, cut));
    (void)damaged.varint();
    (void)damaged.signed_varint();
    (void)damaged.u8();
    (void)damaged.fixed<std::uint16_t>();
    (void)damaged.fixed<std::int64_t>();
    (void)damaged.fixed<double>();
    (void)damaged.text();
    (void)damaged.bytes(6);
    ASSERT_FALSE(damaged.ok());
    ASSERT_FALSE(damaged.complete());
    ASSERT_EQ(damaged.remaining(), 0u);
    ASSERT_EQ(damaged.varint(), 0u);
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
    const std::uint64_t value = reader.varint();
    if (!reader.ok()) {
      ASSERT_EQ(value, 0u);
      continue;
    }
    ++accepted;
    ByteWriter again;
    again.varint(value);
    ASSERT_EQ(again.str(), bytes.substr(0, bytes.size() - reader.remaining()));
  }
  EXPECT_GT(accepted, 10'000);
}

TEST(Bytes, VarintsHaveTheirEdges) {
  const auto written = [](std::uint64_t value) {
    ByteWriter out;
    out.varint(value);
    EXPECT_EQ(out.size(), varint_size(value));
    return out.take();
  };
  const auto is_refused = [](std::string_view bytes) {
    ByteReader reader(bytes);
    (void)reader.varint();
    return !reader.ok();
  };
  EXPECT_EQ(written(0), std::string("\x00", 1));
  EXPECT_EQ(written(127), "\x7F");
  EXPECT_EQ(written(128), "\x80\x01");
  EXPECT_EQ(written(300), "\xAC\x02");
  EXPECT_EQ(written(UINT64_MAX), "\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\x01");
  EXPECT_TRUE(is_refused("\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\x02"));
  EXPECT_TRUE(is_refused("\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\x81\x01"));
  EXPECT_TRUE(is_refused(std::string_view("\x80\x00", 2))) << "padding";
  EXPECT_TRUE(is_refused("\x80"));
  EXPECT_TRUE(is_refused(""));
  ByteReader in_bounds("\x05");
  EXPECT_EQ(in_bounds.varint_up_to(5), 5u);
  EXPECT_TRUE(in_bounds.complete());
  ByteReader too_large("\x05");
  EXPECT_EQ(too_large.varint_up_to(4), 0u);
  EXPECT_FALSE(too_large.ok());
  ByteReader cut_text(
      "\x05"
      "abcd");
  EXPECT_EQ(cut_text.text(), "");
  EXPECT_FALSE(cut_text.ok());
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
