// SPDX-License-Identifier: Apache-2.0
//
// The generator of tests, simulation and synthetic data: xoshiro256** (Blackman & Vigna 2021, ACM
// TOMS 47(4)), seeded by SplitMix64. The sequence of each member is part of its contract, on every
// platform and in every release, so that a printed seed replays for ever. Not for secrets: those
// come from Env::random.
#pragma once

#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <span>
#include <utility>

#include "base/assert.h"

namespace hf {

/// One step of SplitMix64 (Steele, Lea & Flood 2014): advances `state` and returns its mix. Also a
/// good mixer of 64 bits when called once on a copy.
constexpr std::uint64_t splitmix64(std::uint64_t& state) {
  state += 0x9E3779B97F4A7C15u;
  std::uint64_t z = state;
  z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9u;
  z = (z ^ (z >> 27)) * 0x94D049BB133111EBu;
  return z ^ (z >> 31);
}

class Rng {
 public:
  explicit constexpr Rng(std::uint64_t seed) {
    for (std::uint64_t& word : state_) word = splitmix64(seed);
  }

  /// 64 uniform bits.
  constexpr std::uint64_t next() {
    const std::uint64_t result = std::rotl(state_[1] * 5, 7) * 9;
    const std::uint64_t shifted = state_[1] << 17;
    state_[2] ^= state_[0];
    state_[3] ^= state_[1];
    state_[1] ^= state_[2];
    state_[0] ^= state_[3];
    state_[2] ^= shifted;
    state_[3] = std::rotl(state_[3], 45);
    return result;
  }

  /// Uniform in [0, bound), without bias: the high half of a 128-bit product, drawn again in the
  /// rare case that would favour some values (Lemire 2019). Requires bound > 0.
  constexpr std::uint64_t below(std::uint64_t bound) {
    HF_ASSERT(bound > 0);
    __extension__ typedef unsigned __int128 Uint128;
    for (;;) {
      const Uint128 product = Uint128{next()} * bound;
      const auto low = static_cast<std::uint64_t>(product);
      if (low >= bound || low >= (0 - bound) % bound)
        return static_cast<std::uint64_t>(product >> 64);
    }
  }

  /// Uniform in [lo, hi], both ends included. Requires lo <= hi.
  constexpr std::int64_t between(std::int64_t lo, std::int64_t hi) {
    HF_ASSERT(lo <= hi);
    const auto span = static_cast<std::uint64_t>(hi) - static_cast<std::uint64_t>(lo);
    const std::uint64_t offset = span == UINT64_MAX ? next() : below(span + 1);
    return static_cast<std::int64_t>(static_cast<std::uint64_t>(lo) + offset);
  }

  /// Uniform in [0, 1) in steps of 2^-53.
  constexpr double uniform01() { return static_cast<double>(next() >> 11) * 0x1p-53; }

  /// True with probability p; always draws once, so p may change without shifting the sequence.
  constexpr bool chance(double p) { return uniform01() < p; }

  /// Fisher-Yates, from the back.
  template <class T>
  constexpr void shuffle(std::span<T> items) {
    for (std::size_t n = items.size(); n > 1; --n) {
      using std::swap;
      swap(items[n - 1], items[static_cast<std::size_t>(below(n))]);
    }
  }
  template <class Container>
  constexpr void shuffle(Container& items) {
    shuffle(std::span(items));
  }

 private:
  std::array<std::uint64_t, 4> state_{};
};

}  // namespace hf
