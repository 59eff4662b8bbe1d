// SPDX-License-Identifier: Apache-2.0
#include "service/account.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sodium.h>

#include <atomic>
#include <barrier>
#include <thread>

#include "base/sim_env.h"
#include "service/import_world.h"
#include "service/memory_state.h"
#include "service/secret.h"

namespace hf {
namespace {

using test::must;
using test::reason_of;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;
using testing::SizeIs;
using testing::StartsWith;

TEST(AccountName, IsTrimmedTextThatCanStandInALine) {
  const std::string longest(account_name_characters_max, 'a');
  std::string longest_chinese;
  for (std::size_t i = 0; i < account_name_characters_max; ++i) longest_chinese += "王";
  const struct {
    std::string text;
    std::string expected;  // "": refused.
  } cases[] = {
      {"Ann", "Ann"},
      {" \t Ann Example \n", "Ann Example"},
      {"\u3000王小明\u3000", "王小明"},
      {"\u00a0é\u200b", "é"},
      {"😀", "😀"},
      {longest, longest},
      {longest_chinese, longest_chinese},
      {longest + "a", ""},
      {longest_chinese + "王", ""},
      {"", ""},
      {" \u3000 ", ""},
      {"a\nb", ""},
      {std::string("a\0b", 3), ""},
      {"a\x7f", ""},
      {"a\u0085z", ""},
      {"a\u202eb", ""},
      {"a\xff", ""},
      {"\xc3", ""},
  };
  for (const auto& each : cases) {
    const auto name = account_name(each.text);
    EXPECT_EQ(name.value_or(""), each.expected) << each.text;
    if (name) continue;
    EXPECT_EQ(name.error().reason, "bad_name");
    EXPECT_EQ(name.error().pointer, "/name");
  }
}

TEST(Password, IsLongAndNotWhatEverybodyTriesFirst) {
  const struct {
    std::string password;
    std::string name;
    bool is_taken;
  } cases[] = {
      {"twelve chars", "ann", true},
      {"eleven char", "ann", false},
      {"密码要够长才可以用的啊", "ann", false},
      {"密码要够长才可以用的啊呀", "ann", true},
      {std::string(password_bytes_max - 1, 'x') + "y", "ann", true},
      {std::string(password_bytes_max, 'x') + "y", "ann", false},
      {"a bad byte \xff in it", "ann", false},
      {"aaaaaaaaaaaaaaaa", "bob", false},
      {"密密密密密密密密密密密密密", "bob", false},
      {"Password1234", "ann", false},
      {"password1234x", "ann", true},
      {"correct horse battery staple", "ann", false},
      {"this is ANN's own one", "Ann", false},
      {"annexample.org", "annexample.org", false},
      {"我是王小明今天很高兴认识你", "王小明", false},
      {"a name of one letter", "a", true},
      {std::string("with a \0 in it", 14), "ann", true},
  };
  for (const auto& each : cases) {
    const auto checked = check_password(each.password, each.name);
    EXPECT_EQ(checked.has_value(), each.is_taken) << each.password;
    if (checked) continue;
    EXPECT_EQ(checked.error().reason, "weak_password");
    EXPECT_EQ(checked.error().pointer, "/password");
    EXPECT_THAT(checked.error().message, Not(HasSubstr(each.password)));
  }
}

TEST(Password, IsKeptAsLibsodiumWritesItAndSaltedByTheEnvironment) {
  SimEnv first(7);
  SimEnv same(7);
  const std::string hash = must(hash_password(first.env().random, "a long password"));
  EXPECT_EQ(must(hash_password(same.env().random, "a long password")), hash);
  EXPECT_NE(must(hash_password(first.env().random, "a long password")), hash) << "another salt";
  EXPECT_THAT(hash, StartsWith("$argon2id$v=19$m=65536,t=2,p=1$"));
  EXPECT_EQ(crypto_pwhash_str_needs_rehash(hash.c_str(), crypto_pwhash_OPSLIMIT_INTERACTIVE,
                                           crypto_pwhash_MEMLIMIT_INTERACTIVE),
            0);
  EXPECT_TRUE(is_password(hash, "a long password"));
  EXPECT_FALSE(is_password(hash, "a long passwore"));
  EXPECT_FALSE(is_password(hash, ""));
  EXPECT_FALSE(is_password("", "a long password")) << "no hash is nobody's";
  EXPECT_FALSE(is_password("$argon2id$", "a long password"));
  const std::string with_zero("a long\0password", 15);
  EXPECT_FALSE(is_password(must(hash_password(first.env().random, with_zero)), "a long"));
}

// It has to take as long as any other, so it has to be one.
TEST(Password, NobodysIsAHashLikeAnyOther) {
  EXPECT_EQ(
      crypto_pwhash_str_needs_rehash(hash_of_nobody().c_str(), crypto_pwhash_OPSLIMIT_INTERACTIVE,
                                     crypto_pwhash_MEMLIMIT_INTERACTIVE),
      0);
  EXPECT_FALSE(is_password(hash_of_nobody(), ""));
}

class Owner : public testing::Test {
 protected:
  Result<StoredAccount> set(std::string_view token, std::string_view name,
                            std::string_view hash = "$hash") {
    StoredAccount owner;
    HF_CHECK(state_.change([&](StateChange& change) -> Result<void> {
      HF_TRY(owner, set_owner(change, env_.clock.now_ms(), token, name, hash));
      return {};
    }));
    return owner;
  }
  SimEnv sim_{1};
  Env env_ = sim_.env();
  test::MemoryState state_;
};

TEST_F(Owner, IsWhoHasTheTokenAndItIsGoodOnce) {
  EXPECT_EQ(must(find_owner(state_)), std::nullopt);
  const std::string token = must(make_setup_token(state_, env_));
  EXPECT_THAT(token, StartsWith("hf_setup_"));
  EXPECT_THAT(token, SizeIs(setup_token_prefix.size() + secret_characters));
  EXPECT_EQ(must(state_.setup_tokens()).at(0).hash, sha256(token));
  EXPECT_EQ(reason_of(set("", "ann")), "bad_token");
  EXPECT_EQ(reason_of(set("hf_setup_", "ann")), "bad_token");
  EXPECT_EQ(reason_of(set(token + "x", "ann")), "bad_token");
  const StoredAccount owner = must(set(token, "ann"));
  EXPECT_EQ(owner.account, (Account{.id = 1, .name = "ann", .created_ms = env_.clock.now_ms()}));
  EXPECT_EQ(owner.password, "$hash");
  EXPECT_EQ(must(find_owner(state_)), owner.account);
  EXPECT_EQ(reason_of(set(token, "eve")), "bad_token");
  EXPECT_EQ(must(find_owner(state_))->name, "ann");
  EXPECT_THAT(must(state_.setup_tokens()), IsEmpty());
}

TEST_F(Owner, TokensLastADayAndTheNewestAloneIsGood) {
  const std::string first = must(make_setup_token(state_, env_));
  const std::string second = must(make_setup_token(state_, env_));
  EXPECT_NE(first, second);
  EXPECT_EQ(reason_of(set(first, "ann")), "bad_token");
  sim_.advance_ms(setup_token_lasts_ms - 1);
  EXPECT_TRUE(check_setup_token(state_, second, env_.clock.now_ms()));
  sim_.advance_ms(1);
  EXPECT_EQ(reason_of(set(second, "ann")), "bad_token");
  EXPECT_EQ(must(find_owner(state_)), std::nullopt);
}

TEST_F(Owner, GetsAnotherNameAndPasswordByALinkAndTheSessionsEnd) {
  const TimestampMs made_ms = env_.clock.now_ms();
  must(set(must(make_setup_token(state_, env_)), "ann"));
  must(state_.change([](StateChange& change) -> Result<void> {
    HF_CHECK(change.save_session({.hash = {std::byte{1}}, .account = 1}));
    return change.save_session({.hash = {std::byte{2}}, .account = 1});
  }));
  sim_.advance_ms(1'000);
  const StoredAccount owner = must(set(must(make_setup_token(state_, env_)), "bob", "$other"));
  EXPECT_EQ(owner.account, (Account{.id = 1, .name = "bob", .created_ms = made_ms}));
  EXPECT_EQ(owner.password, "$other");
  EXPECT_THAT(must(state_.accounts()), testing::ElementsAre(owner));
  EXPECT_THAT(must(state_.sessions()), IsEmpty());
}

TEST_F(Owner, ATransactionThatFailsLeavesTheTokenGood) {
  const std::string token = must(make_setup_token(state_, env_));
  state_.failing = true;
  EXPECT_EQ(reason_of(set(token, "ann")), "disk_full");
  state_.failing = false;
  EXPECT_EQ(must(find_owner(state_)), std::nullopt);
  EXPECT_TRUE(set(token, "ann"));
}

TEST_F(Owner, OfManyWhoRaceWithOneTokenOneIsIt) {
  const std::string token = must(make_setup_token(state_, env_));
  constexpr int racers = 8;
  std::atomic<int> winners = 0;
  {
    std::barrier start(racers);
    std::vector<std::jthread> threads;
    for (int i = 0; i < racers; ++i) {
      threads.emplace_back([&, i] {
        start.arrive_and_wait();
        winners += set(token, fmt::format("n{}", i)).has_value() ? 1 : 0;
      });
    }
  }
  EXPECT_EQ(winners, 1);
  EXPECT_THAT(must(state_.accounts()), SizeIs(1));
}

}  // namespace
}  // namespace hf
