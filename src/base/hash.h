// SPDX-License-Identifier: Apache-2.0
//
// Four hashes for four purposes: CRC-32C finds damage, XXH3 is fast and unkeyed (tables, filters,
// fingerprints of our own bytes), SipHash is keyed and safe against chosen input (persons), and
// the assignment hash deals people into the arms of an experiment. All are stable for ever: they
// are part of file formats and of who is in which control group.
#pragma once

#include <array>
#include <compare>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <string_view>

namespace hf {

/// CRC-32C (Castagnoli, RFC 3720 appendix B.4) of `bytes`. To continue over several pieces, pass
/// the value so far: crc32c(b, crc32c(a)) == crc32c(a + b).
[[nodiscard]] std::uint32_t crc32c(std::span<const std::byte> bytes, std::uint32_t so_far = 0);
[[nodiscard]] inline std::uint32_t crc32c(std::string_view bytes, std::uint32_t so_far = 0) {
  return crc32c(std::as_bytes(std::span(bytes)), so_far);
}

struct Hash128 {
  std::uint64_t high = 0;
  std::uint64_t low = 0;

  /// 32 small hexadecimal digits, high half first.
  [[nodiscard]] std::string hex() const;
  /// The 16 bytes that hex() shows, in its order.
  [[nodiscard]] std::array<std::byte, 16> bytes() const;

  friend constexpr bool operator==(const Hash128&, const Hash128&) = default;
  friend constexpr auto operator<=>(const Hash128&, const Hash128&) = default;
};

/// XXH3 with seed 0. Never over bytes an outsider chooses where collisions would do harm.
[[nodiscard]] std::uint64_t xxh3_64(std::span<const std::byte> bytes);
[[nodiscard]] Hash128 xxh3_128(std::span<const std::byte> bytes);
[[nodiscard]] inline std::uint64_t xxh3_64(std::string_view bytes) {
  return xxh3_64(std::as_bytes(std::span(bytes)));
}
[[nodiscard]] inline Hash128 xxh3_128(std::string_view bytes) {
  return xxh3_128(std::as_bytes(std::span(bytes)));
}

/// xxh3_128() over bytes that come in pieces.
class StreamHash128 {
 public:
  StreamHash128();
  ~StreamHash128();
  StreamHash128(const StreamHash128&) = delete;
  StreamHash128& operator=(const StreamHash128&) = delete;
  void update(std::span<const std::byte> bytes);
  [[nodiscard]] Hash128 digest() const;

 private:
  void* state_;  // XXH3_state_t, kept out of this header.
};

/// Drawn once per installation and kept secret.
using HashKey = std::array<std::byte, 16>;

/// SipHash-2-4 with 128-bit output (Aumasson & Bernstein 2012). hex() shows the published byte
/// order.
[[nodiscard]] Hash128 keyed_hash128(const HashKey& key, std::span<const std::byte> bytes);
[[nodiscard]] inline Hash128 keyed_hash128(const HashKey& key, std::string_view bytes) {
  return keyed_hash128(key, std::as_bytes(std::span(bytes)));
}

/// Where a person falls in [0, 1) for one intervention (campaign, experiment, ..): uniform in steps
/// of 2^-53, and independent between interventions, so that nobody is always in the control group.
[[nodiscard]] double assignment_fraction(const HashKey& key, std::string_view intervention,
                                         const Hash128& person);

}  // namespace hf

template <>
struct std::hash<hf::Hash128> {
  // The bits are uniform already.
  std::size_t operator()(const hf::Hash128& value) const noexcept { return value.low; }
};
