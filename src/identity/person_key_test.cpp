// SPDX-License-Identifier: Apache-2.0
#include "identity/person_key.h"

#include <gtest/gtest.h>

namespace hf {
namespace {

HashKey ascending_key() {
  HashKey key{};
  for (std::size_t i = 0; i < key.size(); ++i) key[i] = static_cast<std::byte>(i);
  return key;
}

// A person key is in every part: a release that moved it would make everybody a new person.
TEST(PersonKey, NeverChanges) {
  const HashKey key = ascending_key();
  EXPECT_EQ(person_key(key, IdKind::user, "42"), keyed_hash128(key, "u42"));
  EXPECT_EQ(person_key(key, IdKind::anonymous, "42"), keyed_hash128(key, "a42"));
  EXPECT_EQ(person_key(key, IdKind::user, "").hex(), keyed_hash128(key, "u").hex());
}

TEST(PersonKey, KeepsKindsIdsAndInstallationsApart) {
  const HashKey key = ascending_key();
  HashKey other = key;
  other[15] = std::byte{0xff};
  const Hash128 person = person_key(key, IdKind::user, "42");
  EXPECT_NE(person, person_key(key, IdKind::anonymous, "42"));
  EXPECT_NE(person, person_key(key, IdKind::user, "43"));
  EXPECT_NE(person, person_key(other, IdKind::user, "42"));
  EXPECT_NE(person_key(key, IdKind::user, "a1"), person_key(key, IdKind::anonymous, "1"));
}

TEST(PersonKey, TakesIdsOfAnyBytes) {
  const HashKey key = ascending_key();
  const std::string zeros(2, '\0');
  EXPECT_NE(person_key(key, IdKind::user, zeros), person_key(key, IdKind::user, zeros.substr(1)));
  EXPECT_NE(person_key(key, IdKind::user, std::string(255, 'x')),
            person_key(key, IdKind::user, std::string(254, 'x')));
}

}  // namespace
}  // namespace hf
