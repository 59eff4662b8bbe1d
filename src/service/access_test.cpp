// SPDX-License-Identifier: Apache-2.0
#include "service/access.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sodium.h>

#include <algorithm>
#include <atomic>
#include <map>
#include <set>
#include <span>
#include <thread>

#include "base/assert.h"
#include "base/sim_env.h"
#include "service/memory_state.h"

namespace hf {
namespace {

using test::MemoryState;
using testing::HasSubstr;
using testing::Not;

class Access : public testing::Test {
 protected:
  Access() {
    EXPECT_TRUE(add_source(state_, env_, "shop"));
    EXPECT_TRUE(add_source(state_, env_, "app"));
    keyring_ = Keyring::open(state_).value();
  }
  CreatedKey created(KeyKind kind = KeyKind::write, std::string_view source = "shop",
                     std::optional<TimestampMs> expires_ms = {}) {
    auto key = create_key(state_, env_, kind, source, "a label", expires_ms);
    EXPECT_TRUE(key) << (key ? "" : key.error().message);
    EXPECT_TRUE(keyring_->reload());
    return *std::move(key);
  }
  std::string refusal_of(std::string_view token) const {
    const auto grant = keyring_->check(token, now());
    if (grant) return "none";
    EXPECT_EQ(grant.error().code, ErrorCode::unauthenticated);
    if (token.size() > 20) {
      EXPECT_THAT(grant.error().message, Not(HasSubstr(std::string(token.substr(5)))));
    }
    return std::string(grant.error().reason);
  }
  TimestampMs now() const { return env_.clock.now_ms(); }

  SimEnv sim_{1};
  Env env_ = sim_.env();
  MemoryState state_;
  std::unique_ptr<Keyring> keyring_;
};

TEST_F(Access, ATokenIsAllOfTheRandomBitsDrawnForIt) {
  // The same seed draws the same bytes.
  SimEnv first(77);
  SimEnv second(77);
  std::array<std::byte, 32> drawn;
  first.env().random.fill(drawn);
  first.env().random.fill(drawn);  // This state runs each change twice.
  for (const KeyKind kind : {KeyKind::write, KeyKind::read, KeyKind::admin}) {
    SimEnv third(77);
    const auto key =
        create_key(state_, third.env(), kind, kind == KeyKind::write ? "shop" : "", "");
    ASSERT_TRUE(key);
    const std::string& token = key->token;
    ASSERT_EQ(token.size(), 48u);
    EXPECT_EQ(token.substr(0, 5), fmt::format("hf_{}_", to_string(kind)[0]));
    std::array<unsigned char, 33> decoded = {};
    std::size_t length = 0;
    ASSERT_EQ(sodium_base642bin(decoded.data(), decoded.size(), token.data() + 5, 43, nullptr,
                                &length, nullptr, sodium_base64_VARIANT_URLSAFE_NO_PADDING),
              0);
    ASSERT_EQ(length, 32u);
    EXPECT_TRUE(std::ranges::equal(std::as_bytes(std::span(decoded).first(32)), drawn));
    EXPECT_EQ(key->key.hint, token.substr(44));
  }
}

TEST_F(Access, OnlyTheHashIsHandedToTheState) {
  const CreatedKey key = created();
  const StoredKey stored = state_.keys().value().at(0);
  EXPECT_EQ(stored.key, key.key);
  KeyHash hash;
  crypto_hash_sha256(reinterpret_cast<unsigned char*>(hash.data()),
                     reinterpret_cast<const unsigned char*>(key.token.data()), key.token.size());
  EXPECT_EQ(stored.hash, hash);
}

TEST_F(Access, SourceNamesAreOneTo64OfAFewCharacters) {
  for (const std::string& good :
       {std::string("a"), std::string("shop-2_x"), std::string(64, 'z')}) {
    EXPECT_TRUE(check_source_name(good)) << good;
  }
  for (const std::string& bad :
       {std::string(), std::string(65, 'z'), std::string("Shop"), std::string("a b"),
        std::string("a/b"), std::string("\xc3\xa9"), std::string("a\0b", 3)}) {
    EXPECT_EQ(check_source_name(bad).error().reason, "bad_source_name") << bad;
    EXPECT_EQ(add_source(state_, env_, bad).error().reason, "bad_source_name") << bad;
    EXPECT_EQ(disable_source(state_, bad).error().reason, "bad_source_name") << bad;
    EXPECT_EQ(create_key(state_, env_, KeyKind::write, bad, "").error().reason, "bad_source_name");
  }
}

TEST_F(Access, ASourceIsAddedOnceAndCanBeSwitched) {
  EXPECT_EQ(add_source(state_, env_, "shop").error().reason, "source_exists");
  EXPECT_EQ(disable_source(state_, "none").error().reason, "unknown_source");
  EXPECT_FALSE(disable_source(state_, "shop")->enabled);
  EXPECT_FALSE(disable_source(state_, "shop")->enabled) << "fine twice";
  const auto sources = list_sources(state_).value();
  ASSERT_EQ(sources.size(), 2u);
  EXPECT_EQ(sources[0].name, "app");
  EXPECT_EQ(sources[1], (Source{"shop", now(), false}));
  EXPECT_TRUE(enable_source(state_, "shop")->enabled);
}

TEST_F(Access, AKeyIsRefusedForWhatIsWrongWithIt) {
  const auto reason = [&](KeyKind kind, std::string_view source, std::string_view label = "",
                          std::optional<TimestampMs> expires_ms = {}) {
    const auto key = create_key(state_, env_, kind, source, label, expires_ms);
    return key ? "none" : std::string(key.error().reason);
  };
  EXPECT_EQ(reason(KeyKind::write, "none"), "unknown_source");
  EXPECT_EQ(reason(KeyKind::write, ""), "bad_source_name");
  EXPECT_EQ(reason(KeyKind::read, "shop"), "source_not_needed");
  EXPECT_EQ(reason(KeyKind::admin, "shop"), "source_not_needed");
  EXPECT_EQ(reason(KeyKind::read, "", std::string(256, 'x')), "bad_label");
  EXPECT_EQ(reason(KeyKind::read, "", "\xff"), "bad_label");
  EXPECT_EQ(reason(KeyKind::read, "", std::string(255, 'x')), "none");
  EXPECT_EQ(reason(KeyKind::read, "", "", now()), "bad_expiry");
  EXPECT_EQ(reason(KeyKind::read, "", "", now() + 1), "none");
  ASSERT_TRUE(disable_source(state_, "app"));
  EXPECT_EQ(reason(KeyKind::write, "app"), "disabled_source");
}

TEST_F(Access, ErrorsPointToTheMemberTheyAreAbout) {
  const auto place = [](const auto& result) { return result ? "none" : result.error().pointer; };
  const auto key = [&](KeyKind kind, std::string_view source, std::string_view label = "",
                       std::optional<TimestampMs> expires_ms = {}) {
    return place(create_key(state_, env_, kind, source, label, expires_ms));
  };
  EXPECT_EQ(place(add_source(state_, env_, "A B")), "/name");
  EXPECT_EQ(place(add_source(state_, env_, "shop")), "/name");
  EXPECT_EQ(place(disable_source(state_, "A B")), "") << "that is the path's";
  EXPECT_EQ(key(KeyKind::write, ""), "/source");
  EXPECT_EQ(key(KeyKind::write, "none"), "/source");
  EXPECT_EQ(key(KeyKind::read, "shop"), "/source");
  EXPECT_EQ(key(KeyKind::read, "", "\xff"), "/label");
  EXPECT_EQ(key(KeyKind::read, "", "", now()), "/expires_at");
  ASSERT_TRUE(disable_source(state_, "app"));
  EXPECT_EQ(key(KeyKind::write, "app"), "/source");
}

TEST_F(Access, ASourceHasTwoLiveKeysForARotation) {
  const CreatedKey first = created();
  const CreatedKey second = created(KeyKind::write, "shop", now() + 1'000);
  const auto third = create_key(state_, env_, KeyKind::write, "shop", "");
  ASSERT_FALSE(third);
  EXPECT_EQ(third.error().code, ErrorCode::failed_precondition);
  EXPECT_EQ(third.error().reason, "too_many_keys");
  EXPECT_THAT(third.error().message, HasSubstr(fmt::format("1 (ends in {})", first.key.hint)));
  EXPECT_THAT(third.error().message, HasSubstr(fmt::format("2 (ends in {})", second.key.hint)));
  created(KeyKind::write, "app");
  for (int i = 0; i < 3; ++i) created(KeyKind::read, "");
  // Room comes of an expiry as of a revocation.
  sim_.advance_ms(1'000);
  created();
  EXPECT_EQ(create_key(state_, env_, KeyKind::write, "shop", "").error().reason, "too_many_keys");
  ASSERT_TRUE(revoke_key(state_, env_, first.key.id));
  created();
  EXPECT_EQ(list_keys(state_)->size(), 8u);
}

TEST_F(Access, ARevokedKeyKeepsItsTime) {
  created();
  const TimestampMs revoked_ms = now();
  EXPECT_EQ(revoke_key(state_, env_, 1)->revoked_ms, revoked_ms);
  sim_.advance_ms(5);
  EXPECT_EQ(revoke_key(state_, env_, 1)->revoked_ms, revoked_ms);
  EXPECT_EQ(revoke_key(state_, env_, 0).error().reason, "unknown_key_id");
  EXPECT_EQ(revoke_key(state_, env_, 2).error().reason, "unknown_key_id");
}

TEST_F(Access, TheKeyringGrantsWhatAKeyIsFor) {
  const CreatedKey write = created(KeyKind::write, "shop");
  const CreatedKey read = created(KeyKind::read, "");
  const CreatedKey admin = created(KeyKind::admin, "");
  EXPECT_EQ(keyring_->check(write.token, now()).value(), (Grant{KeyKind::write, "shop", 1}));
  EXPECT_EQ(keyring_->check(read.token, now()).value(), (Grant{KeyKind::read, "", 2}));
  EXPECT_EQ(keyring_->check(admin.token, now()).value(), (Grant{KeyKind::admin, "", 3}));
}

TEST_F(Access, TheKeyringSaysWhyItRefuses) {
  const CreatedKey key = created(KeyKind::write, "shop", now() + 10);
  const CreatedKey other = created(KeyKind::read, "");
  EXPECT_EQ(refusal_of(""), "missing_key");
  EXPECT_EQ(refusal_of("hf_w_"), "unknown_key");
  EXPECT_EQ(refusal_of(std::string(100'000, 'x')), "unknown_key");
  for (std::size_t i = 0; i < key.token.size(); ++i) {
    std::string changed = key.token;
    changed[i] = changed[i] == 'r' ? 'a' : 'r';  // Also another kind.
    EXPECT_EQ(refusal_of(changed), "unknown_key") << i;
    EXPECT_EQ(refusal_of(key.token.substr(0, i)), i == 0 ? "missing_key" : "unknown_key");
  }
  EXPECT_EQ(refusal_of(key.token + " "), "unknown_key");

  ASSERT_TRUE(disable_source(state_, "shop"));
  EXPECT_EQ(refusal_of(key.token), "none") << "not before a reload";
  ASSERT_TRUE(keyring_->reload());
  EXPECT_EQ(refusal_of(key.token), "disabled_source");
  EXPECT_EQ(refusal_of(other.token), "none");
  ASSERT_TRUE(enable_source(state_, "shop"));
  ASSERT_TRUE(keyring_->reload());
  EXPECT_EQ(refusal_of(key.token), "none");
  sim_.advance_ms(9);
  EXPECT_EQ(refusal_of(key.token), "none");
  sim_.advance_ms(1);
  EXPECT_EQ(refusal_of(key.token), "expired_key");
  ASSERT_TRUE(revoke_key(state_, env_, key.key.id));
  ASSERT_TRUE(keyring_->reload());
  EXPECT_EQ(refusal_of(key.token), "revoked_key");
}

TEST_F(Access, LastUseIsSavedToTheMinuteAndOnlyWhereItIsNews) {
  const CreatedKey key = created();
  created(KeyKind::read, "");
  const int changes = state_.changes;
  ASSERT_TRUE(keyring_->flush());
  EXPECT_EQ(state_.changes, changes) << "nothing was used";
  const TimestampMs first = now() - now() % 60'000;
  sim_.set_now_ms(first + 59'000);
  for (int i = 0; i < 100; ++i) EXPECT_EQ(refusal_of(key.token), "none");
  EXPECT_EQ(state_.changes, changes) << "not by a request";
  state_.failing = true;
  EXPECT_EQ(keyring_->flush().error().reason, "disk_full");
  state_.failing = false;
  ASSERT_TRUE(keyring_->reload()) << "what was noted lives through it";
  ASSERT_TRUE(keyring_->flush());
  EXPECT_EQ(state_.key(1).value()->last_used_ms, first);
  EXPECT_EQ(state_.key(2).value()->last_used_ms, std::nullopt);
  EXPECT_EQ(refusal_of(key.token), "none");
  ASSERT_TRUE(keyring_->flush());
  EXPECT_EQ(state_.changes, changes + 1) << "the same minute";
  sim_.advance_ms(1'000);
  EXPECT_EQ(refusal_of(key.token), "none");
  sim_.set_now_ms(first);
  EXPECT_EQ(refusal_of(key.token), "none");
  ASSERT_TRUE(keyring_->flush());
  EXPECT_EQ(state_.key(1).value()->last_used_ms, first + 60'000) << "never back";
}

TEST_F(Access, KeysAreCheckedWhileTheyChange) {
  const CreatedKey key = created();
  std::atomic<bool> done = false;
  std::atomic<int> wrong = 0;
  {
    std::vector<std::jthread> checking;
    for (int t = 0; t < 3; ++t) {
      checking.emplace_back([&] {
        while (!done) {
          const auto grant = keyring_->check(key.token, now());
          if (!grant && grant.error().reason != "disabled_source") ++wrong;
        }
      });
    }
    checking.emplace_back([&] {
      while (!done) (void)keyring_->flush();
    });
    for (int i = 0; i < 300; ++i) {
      ASSERT_TRUE(i % 2 == 0 ? disable_source(state_, "shop") : enable_source(state_, "shop"));
      ASSERT_TRUE(keyring_->reload());
      EXPECT_EQ(refusal_of(key.token), i % 2 == 0 ? "disabled_source" : "none");
      sim_.advance_ms(30'000);
    }
    done = true;
  }
  EXPECT_EQ(wrong, 0);
}

TEST(KeyKinds, AreReadAsTheyAreWritten) {
  for (const KeyKind kind : {KeyKind::write, KeyKind::read, KeyKind::admin}) {
    EXPECT_EQ(parse_key_kind(to_string(kind)), kind);
  }
  EXPECT_EQ(parse_key_kind("owner"), std::nullopt);
  EXPECT_EQ(parse_key_kind(""), std::nullopt);
}

}  // namespace
}  // namespace hf
