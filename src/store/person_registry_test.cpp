// SPDX-License-Identifier: Apache-2.0
#include "store/person_registry.h"

#include <gtest/gtest.h>

#include <map>

#include "base/rng.h"

namespace hf {
namespace {

TEST(PersonRegistry, NumbersPersonsInOrderOfTheirFirstAppearance) {
  for (std::uint64_t seed = 0; seed < 50; ++seed) {
    SCOPED_TRACE(seed);
    Rng rng(seed);
    const auto first = static_cast<PersonOrdinal>(rng.below(1'000));
    PersonRegistry registry(HashKey{}, first);
    std::map<Hash128, PersonOrdinal> twin;
    PersonOrdinal next = first;
    // Persons known from parts, some told by several parts.
    for (PersonOrdinal i = 0; i < first; ++i) {
      const Hash128 key{.high = rng.next(), .low = rng.next()};
      twin[key] = i;
      registry.add(key, i);
      if (rng.chance(0.2)) registry.add(key, i);
    }
    for (int i = 0; i < 5'000; ++i) {
      // Few keys, and many with the same low half: they collide in the table.
      const Hash128 key{.high = rng.below(40), .low = rng.chance(0.5) ? 0 : rng.below(60)};
      const auto [at, is_new] = twin.emplace(key, next);
      if (is_new) ++next;
      ASSERT_EQ(registry.ordinal_of(key), at->second);
      ASSERT_EQ(registry.next(), next);
    }
    for (const auto& [key, ordinal] : twin) ASSERT_EQ(registry.ordinal_of(key), ordinal);
    ASSERT_EQ(registry.next(), next);
  }
}

}  // namespace
}  // namespace hf
