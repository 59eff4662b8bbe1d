// SPDX-License-Identifier: Apache-2.0
#include "base/hash.h"

#include <gtest/gtest.h>

#include <bit>
#include <cmath>
#include <string>

#include "base/bytes.h"
#include "base/rng.h"

namespace hf {
namespace {

// The twin: one bit at a time, from the polynomial in RFC 3720 (here in reflected order).
std::uint32_t crc32c_bit_by_bit(std::string_view bytes) {
  std::uint32_t crc = ~0u;
  for (const char c : bytes) {
    crc ^= static_cast<std::uint8_t>(c);
    for (int bit = 0; bit < 8; ++bit) crc = (crc & 1) != 0 ? (crc >> 1) ^ 0x82F63B78u : crc >> 1;
  }
  return ~crc;
}

std::string any_bytes(Rng& rng, std::int64_t size) {
  std::string bytes(static_cast<std::size_t>(size), '\0');
  for (char& c : bytes) c = static_cast<char>(rng.next() >> 56);
  return bytes;
}

TEST(Crc32c, GivesThePublishedValues) {
  EXPECT_EQ(crc32c(""), 0u);
  EXPECT_EQ(crc32c("123456789"), 0xE3069283u);
  // RFC 3720, appendix B.4, read as little-endian numbers.
  EXPECT_EQ(crc32c(std::string(32, '\x00')), 0x8A9136AAu);
  EXPECT_EQ(crc32c(std::string(32, '\xFF')), 0x62A8AB43u);
  std::string ascending;
  for (int i = 0; i < 32; ++i) ascending += static_cast<char>(i);
  EXPECT_EQ(crc32c(ascending), 0x46DD794Eu);
  EXPECT_EQ(crc32c(std::string(ascending.rbegin(), ascending.rend())), 0x113FDB5Cu);
}

TEST(Crc32c, AgreesWithTheBitByBitTwinAtEveryLengthAndAlignment) {
  Rng rng(1);
  const std::string bytes = any_bytes(rng, 10'000);
  const std::string_view view = bytes;
  for (std::size_t size = 0; size < 80; ++size) {
    for (std::size_t at = 0; at < 9; ++at) {
      ASSERT_EQ(crc32c(view.substr(at, size)), crc32c_bit_by_bit(view.substr(at, size)));
    }
  }
  for (const std::size_t size : {1023u, 1024u, 3071u, 3072u, 3073u, 6143u, 6144u, 9'999u}) {
    ASSERT_EQ(crc32c(view.substr(1, size)), crc32c_bit_by_bit(view.substr(1, size))) << size;
  }
}

TEST(Crc32c, ContinuesOverPieces) {
  Rng rng(2);
  const std::string bytes = any_bytes(rng, 7'000);
  const std::string_view view = bytes;
  for (int i = 0; i < 200; ++i) {
    const auto cut = static_cast<std::size_t>(rng.between(0, 7'000));
    ASSERT_EQ(crc32c(view.substr(cut), crc32c(view.substr(0, cut))), crc32c(view)) << cut;
  }
}

TEST(Xxh3, GivesThePublishedValues) {
  // xxHash specification: XXH3 of no bytes with seed 0.
  EXPECT_EQ(xxh3_64(""), 0x2D06800538D394C2u);
  EXPECT_EQ(xxh3_128("").hex(), "99aa06d3014798d86001c324468d497f");
  EXPECT_NE(xxh3_64("a"), xxh3_64("b"));
}

// The twin: SipHash-2-4 with 128-bit output, written down from the paper and its appendix.
std::array<std::byte, 16> siphash_slowly(const HashKey& key, std::string_view bytes) {
  const auto k0 = load_le<std::uint64_t>(key.data());
  const auto k1 = load_le<std::uint64_t>(key.data() + 8);
  std::uint64_t v[4] = {k0 ^ 0x736f6d6570736575u, k1 ^ 0x646f72616e646f6du ^ 0xEE,
                        k0 ^ 0x6c7967656e657261u, k1 ^ 0x7465646279746573u};
  const auto rounds = [&v](int n) {
    for (; n > 0; --n) {
      v[0] += v[1], v[2] += v[3];
      v[1] = std::rotl(v[1], 13) ^ v[0], v[3] = std::rotl(v[3], 16) ^ v[2];
      v[0] = std::rotl(v[0], 32);
      v[2] += v[1], v[0] += v[3];
      v[1] = std::rotl(v[1], 17) ^ v[2], v[3] = std::rotl(v[3], 21) ^ v[0];
      v[2] = std::rotl(v[2], 32);
    }
  };
  std::string padded(bytes);
  padded.resize(bytes.size() / 8 * 8 + 8, '\0');
  padded.back() = static_cast<char>(bytes.size());
  for (std::size_t at = 0; at < padded.size(); at += 8) {
    const auto word = load_le<std::uint64_t>(reinterpret_cast<const std::byte*>(&padded[at]));
    v[3] ^= word;
    rounds(2);
    v[0] ^= word;
  }
  std::array<std::byte, 16> out;
  v[2] ^= 0xEE;
  rounds(4);
  store_le(out.data(), v[0] ^ v[1] ^ v[2] ^ v[3]);
  v[1] ^= 0xDD;
  rounds(4);
  store_le(out.data() + 8, v[0] ^ v[1] ^ v[2] ^ v[3]);
  return out;
}

HashKey ascending_key() {
  HashKey key;
  for (std::size_t i = 0; i < key.size(); ++i) key[i] = static_cast<std::byte>(i);
  return key;
}

TEST(KeyedHash, GivesThePublishedValues) {
  // The first two of the reference vectors for 128 bits, key 00..0f.
  EXPECT_EQ(keyed_hash128(ascending_key(), "").hex(), "a3817f04ba25a8e66df67214c7550293");
  EXPECT_EQ(keyed_hash128(ascending_key(), std::string_view("\0", 1)).hex(),
            "da87c1d86b99af44347659119b22fc45");
}

TEST(KeyedHash, AgreesWithTheTwin) {
  Rng rng(3);
  for (std::int64_t size = 0; size < 70; ++size) {
    HashKey key;
    for (std::byte& byte : key) byte = static_cast<std::byte>(rng.next());
    const std::string bytes = any_bytes(rng, size);
    ASSERT_EQ(keyed_hash128(key, bytes).bytes(), siphash_slowly(key, bytes)) << size;
  }
}

TEST(Hash128, OrdersAsItsHexText) {
  Rng rng(4);
  for (int i = 0; i < 1'000; ++i) {
    const Hash128 a{.high = rng.next() >> 62, .low = rng.next()};
    const Hash128 b{.high = rng.next() >> 62, .low = rng.next()};
    ASSERT_EQ(a < b, a.hex() < b.hex());
    ASSERT_EQ(a == b, a.hex() == b.hex());
  }
}

TEST(AssignmentFraction, IsUniformAndIndependentBetweenInterventions) {
  const HashKey key = ascending_key();
  constexpr int persons = 40'000;
  constexpr int cells = 10;
  int counts[cells][cells] = {};
  for (int i = 0; i < persons; ++i) {
    const Hash128 person = xxh3_128(std::to_string(i));
    const double a = assignment_fraction(key, "welcome", person);
    const double b = assignment_fraction(key, "winback", person);
    ASSERT_GE(a, 0.0);
    ASSERT_LT(a, 1.0);
    ++counts[static_cast<int>(a * cells)][static_cast<int>(b * cells)];
  }
  double chi_square = 0;
  constexpr double expected = double{persons} / (cells * cells);
  for (const auto& row : counts) {
    for (const int count : row) chi_square += (count - expected) * (count - expected) / expected;
  }
  EXPECT_LT(chi_square, 149.4) << "99.9th percentile of chi-square with 99 degrees of freedom";
}

TEST(AssignmentFraction, NeverChanges) {
  // Pinned: a release that moved these would move people between control and treatment.
  const HashKey key = ascending_key();
  ByteWriter input;
  input.text("holdfast assignment 1");
  input.text("welcome");
  input.bytes(Hash128{.high = 1, .low = 2}.bytes());
  const auto raw = siphash_slowly(key, input.str());
  const std::uint64_t high = __builtin_bswap64(load_le<std::uint64_t>(raw.data()));
  EXPECT_EQ(assignment_fraction(key, "welcome", {.high = 1, .low = 2}),
            std::ldexp(static_cast<double>(high >> 11), -53));
  HashKey other = key;
  other[0] = std::byte{0xFF};
  EXPECT_NE(assignment_fraction(key, "welcome", {.high = 1, .low = 2}),
            assignment_fraction(other, "welcome", {.high = 1, .low = 2}));
}

}  // namespace
}  // namespace hf
