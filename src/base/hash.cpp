// SPDX-License-Identifier: Apache-2.0
#include "base/hash.h"

#include <fmt/format.h>
#include <sodium.h>
#include <xxhash.h>

#if defined(__SSE4_2__)
#include <nmmintrin.h>
#endif

#include <bit>
#include <cstring>

#include "base/assert.h"
#include "base/bytes.h"

namespace hf {
namespace {

// The CRC register below runs over the bits in reflected order, without the inversions at both
// ends that the published value has.
constexpr std::uint32_t polynomial = 0x82F63B78;  // Castagnoli, reflected.

using Table = std::array<std::uint32_t, 256>;

// table[0][b]: the register after byte b; table[k][b]: after b and k zero bytes.
constexpr std::array<Table, 8> make_byte_tables() {
  std::array<Table, 8> tables{};
  for (std::uint32_t b = 0; b < 256; ++b) {
    std::uint32_t crc = b;
    for (int bit = 0; bit < 8; ++bit) crc = (crc >> 1) ^ ((crc & 1) != 0 ? polynomial : 0);
    tables[0][b] = crc;
  }
  for (std::size_t k = 1; k < 8; ++k) {
    for (std::size_t b = 0; b < 256; ++b) {
      const std::uint32_t previous = tables[k - 1][b];
      tables[k][b] = (previous >> 8) ^ tables[0][previous & 0xFF];
    }
  }
  return tables;
}

#if defined(__SSE4_2__)

// The instruction takes 3 cycles but one can start each cycle, so three blocks run side by side.
// Their registers are joined by running the earlier ones over zeros: the register is linear over
// GF(2), so "run over block zero bytes" is four table look-ups.
constexpr std::size_t block = 1024;

constexpr std::array<Table, 4> make_zeros_tables() {
  constexpr std::array<Table, 8> by_byte = make_byte_tables();
  std::array<std::uint32_t, 32> by_bit{};  // Image of each single bit of the register.
  for (std::size_t bit = 0; bit < 32; ++bit) {
    std::uint32_t crc = std::uint32_t{1} << bit;
    for (std::size_t n = 0; n < block; ++n) crc = (crc >> 8) ^ by_byte[0][crc & 0xFF];
    by_bit[bit] = crc;
  }
  std::array<Table, 4> tables{};
  for (std::size_t k = 0; k < 4; ++k) {
    for (std::size_t b = 0; b < 256; ++b) {
      for (std::size_t bit = 0; bit < 8; ++bit) {
        if ((b >> bit & 1) != 0) tables[k][b] ^= by_bit[8 * k + bit];
      }
    }
  }
  return tables;
}

std::uint32_t over_zeros(std::uint32_t crc) {
  static constexpr std::array<Table, 4> crc_tables = make_zeros_tables();
  return crc_tables[0][crc & 0xFF] ^ crc_tables[1][crc >> 8 & 0xFF] ^
         crc_tables[2][crc >> 16 & 0xFF] ^ crc_tables[3][crc >> 24];
}

std::uint32_t run(std::uint32_t crc, std::span<const std::byte> bytes) {
  const std::byte* at = bytes.data();
  const std::byte* const end = at + bytes.size();
  while (static_cast<std::size_t>(end - at) >= 3 * block) {
    std::uint64_t first = crc;
    std::uint64_t second = 0;
    std::uint64_t third = 0;
    for (std::size_t n = 0; n < block; n += 8) {
      first = _mm_crc32_u64(first, load_le<std::uint64_t>(at + n));
      second = _mm_crc32_u64(second, load_le<std::uint64_t>(at + block + n));
      third = _mm_crc32_u64(third, load_le<std::uint64_t>(at + 2 * block + n));
    }
    crc = over_zeros(static_cast<std::uint32_t>(first)) ^ static_cast<std::uint32_t>(second);
    crc = over_zeros(crc) ^ static_cast<std::uint32_t>(third);
    at += 3 * block;
  }
  std::uint64_t wide = crc;
  for (; end - at >= 8; at += 8) wide = _mm_crc32_u64(wide, load_le<std::uint64_t>(at));
  crc = static_cast<std::uint32_t>(wide);
  for (; at != end; ++at) crc = _mm_crc32_u8(crc, static_cast<std::uint8_t>(*at));
  return crc;
}

#else

std::uint32_t run(std::uint32_t crc, std::span<const std::byte> bytes) {
  static constexpr std::array<Table, 8> crc_tables = make_byte_tables();
  const std::byte* at = bytes.data();
  const std::byte* const end = at + bytes.size();
  for (; end - at >= 8; at += 8) {  // Byte i still has 7 - i bytes of this step to run over.
    const std::uint64_t word = load_le<std::uint64_t>(at) ^ crc;
    crc = 0;
    for (std::size_t i = 0; i < 8; ++i) crc ^= crc_tables[7 - i][word >> (8 * i) & 0xFF];
  }
  for (; at != end; ++at) {
    crc = (crc >> 8) ^ crc_tables[0][(crc ^ static_cast<std::uint32_t>(*at)) & 0xFF];
  }
  return crc;
}

#endif

}  // namespace

std::uint32_t crc32c(std::span<const std::byte> bytes, std::uint32_t so_far) {
  return ~run(~so_far, bytes);
}

std::string Hash128::hex() const { return fmt::format("{:016x}{:016x}", high, low); }

std::array<std::byte, 16> Hash128::bytes() const {
  std::array<std::byte, 16> raw;
  store_le(raw.data(), __builtin_bswap64(high));
  store_le(raw.data() + 8, __builtin_bswap64(low));
  return raw;
}

std::uint64_t xxh3_64(std::span<const std::byte> bytes) {
  return XXH3_64bits(bytes.data(), bytes.size());
}

Hash128 xxh3_128(std::span<const std::byte> bytes) {
  const XXH128_hash_t hash = XXH3_128bits(bytes.data(), bytes.size());
  return {.high = hash.high64, .low = hash.low64};
}

Hash128 keyed_hash128(const HashKey& key, std::span<const std::byte> bytes) {
  static_assert(crypto_shorthash_siphashx24_BYTES == 16);
  static_assert(crypto_shorthash_siphashx24_KEYBYTES == 16);
  std::array<std::byte, 16> raw;
  crypto_shorthash_siphashx24(reinterpret_cast<unsigned char*>(raw.data()),
                              reinterpret_cast<const unsigned char*>(bytes.data()), bytes.size(),
                              reinterpret_cast<const unsigned char*>(key.data()));
  return {.high = __builtin_bswap64(load_le<std::uint64_t>(raw.data())),
          .low = __builtin_bswap64(load_le<std::uint64_t>(raw.data() + 8))};
}

double assignment_fraction(const HashKey& key, std::string_view intervention,
                           const Hash128& person) {
  // The prefix keeps this use apart from person keys, the length keeps the two parts apart.
  ByteWriter input;
  input.text("holdfast assignment 1");
  input.text(intervention);
  input.bytes(person.bytes());
  return static_cast<double>(keyed_hash128(key, input.str()).high >> 11) * 0x1p-53;
}

StreamHash128::StreamHash128() : state_(XXH3_createState()) {
  HF_ASSERT(state_ != nullptr);
  XXH3_128bits_reset(static_cast<XXH3_state_t*>(state_));
}

StreamHash128::~StreamHash128() { XXH3_freeState(static_cast<XXH3_state_t*>(state_)); }

void StreamHash128::update(std::span<const std::byte> bytes) {
  XXH3_128bits_update(static_cast<XXH3_state_t*>(state_), bytes.data(), bytes.size());
}

Hash128 StreamHash128::digest() const {
  const XXH128_hash_t hash = XXH3_128bits_digest(static_cast<const XXH3_state_t*>(state_));
  return {.high = hash.high64, .low = hash.low64};
}

}  // namespace hf
