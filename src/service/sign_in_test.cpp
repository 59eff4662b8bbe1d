// SPDX-License-Identifier: Apache-2.0
#include "service/sign_in.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <future>
#include <set>
#include <vector>

#include "base/sim_env.h"
#include "service/account.h"
#include "service/import_world.h"
#include "service/memory_state.h"
#include "service/secret.h"

namespace hf {
namespace {

using test::must;
using test::reason_of;
using testing::IsEmpty;
using testing::SizeIs;

constexpr std::int64_t minute_ms = 60'000;
constexpr std::int64_t day_ms = 24 * 60 * minute_ms;
const std::string password = "a long password";

/// Of which each read can be held up: the place before a password is hashed.
class HeldState : public test::MemoryState {
 public:
  Result<std::vector<StoredAccount>> accounts() const override {
    const std::shared_future<void> gate = *gate_.lock();
    if (gate.valid()) gate.wait();
    return MemoryState::accounts();
  }
  void hold(std::shared_future<void> gate) { *gate_.lock() = std::move(gate); }

 private:
  Guarded<std::shared_future<void>> gate_;
};

class SignIn : public testing::Test {
 protected:
  SignIn() { reopen(); }
  void reopen() {
    sign_ins_ = nullptr;
    sign_ins_ = must(SignIns::open(env_, state_));
  }

  using Pending = std::future<SignIns::Outcome>;
  /// What `begin(done)` calls its `done` with.
  template <class Begin>
  static Pending pending(Begin&& begin) {
    const auto promise = std::make_shared<std::promise<SignIns::Outcome>>();
    begin([promise](SignIns::Outcome outcome) { promise->set_value(std::move(outcome)); });
    return promise->get_future();
  }
  Pending begin(std::string name, std::string word, std::string_view address = "192.0.2.1") {
    return pending([&](const SignIns::Done& done) {
      sign_ins_->sign_in(address, std::move(name), std::move(word), done);
    });
  }
  SignIns::Outcome enter(std::string name, std::string word,
                         std::string_view address = "192.0.2.1") {
    return begin(std::move(name), std::move(word), address).get();
  }
  SignIns::Outcome become_owner(std::string token, std::string name = "ann",
                                std::string word = password) {
    return pending([&](const SignIns::Done& done) {
             sign_ins_->set_owner(std::move(token), std::move(name), std::move(word), done);
           })
        .get();
  }
  std::string owner_session() {
    return must(become_owner(must(make_setup_token(state_, env_))).signed_in).token;
  }
  std::string session() { return must(enter("ann", password).signed_in).token; }

  SimEnv sim_{1};
  Env env_ = sim_.env();
  HeldState state_;
  std::unique_ptr<SignIns> sign_ins_;
};

TEST_F(SignIn, BeginsASessionForNameAndPasswordAlone) {
  EXPECT_FALSE(sign_ins_->has_owner());
  EXPECT_EQ(reason_of(enter("ann", password).signed_in), "bad_credentials") << "nobody is there";
  const std::string first = owner_session();
  EXPECT_TRUE(sign_ins_->has_owner());
  EXPECT_EQ(sign_ins_->check(first)->name, "ann") << "signed in at once";
  sim_.advance_ms(1'000);
  const auto entered = must(enter(" ann\n", password).signed_in);
  EXPECT_EQ(entered.account.id, 1u);
  EXPECT_EQ(entered.account.signed_in_ms, env_.clock.now_ms());
  EXPECT_EQ(must(find_owner(state_))->signed_in_ms, env_.clock.now_ms());
  EXPECT_THAT(entered.token, SizeIs(secret_characters));
  EXPECT_NE(entered.token, first);
  EXPECT_EQ(sign_ins_->check(entered.token), entered.account);
  std::set<TokenHash> kept;
  for (const StoredSession& each : must(state_.sessions())) kept.insert(each.hash);
  EXPECT_EQ(kept, (std::set<TokenHash>{sha256(first), sha256(entered.token)}));

  const auto unknown = enter("eve", password).signed_in.error();
  const auto wrong = enter("ann", password + "x").signed_in.error();
  EXPECT_EQ(unknown.reason, "bad_credentials");
  EXPECT_EQ(unknown.message, wrong.message);
  EXPECT_EQ(reason_of(enter("Ann", password).signed_in), "bad_credentials");
  EXPECT_EQ(reason_of(enter("", "").signed_in), "bad_credentials");
  EXPECT_EQ(sign_ins_->check(""), std::nullopt);
  EXPECT_EQ(sign_ins_->check(std::string(secret_characters, 'A')), std::nullopt);
  EXPECT_EQ(sign_ins_->check(entered.token + "A"), std::nullopt);
}

TEST_F(SignIn, TakesAsLongForANameThatIsUnknown) {
  (void)owner_session();
  const auto took = [&](const std::string& name) {
    std::vector<std::int64_t> times;
    for (int i = 0; i < 2; ++i) {  // Fewer than are made to wait.
      const auto began = std::chrono::steady_clock::now();
      (void)enter(name, "a wrong password", fmt::format("192.0.2.{}", times.size()));
      times.push_back((std::chrono::steady_clock::now() - began).count());
    }
    return std::ranges::min(times);
  };
  const auto known = static_cast<double>(took("ann"));
  const auto unknown = static_cast<double>(took("eve"));
  EXPECT_GT(unknown, known / 3);
  EXPECT_LT(unknown, known * 3);
}

TEST_F(SignIn, ASessionSurvivesARestartAndEndsWhereItIsSignedOut) {
  const std::string one = owner_session();
  const std::string other = session();
  reopen();
  EXPECT_TRUE(sign_ins_->has_owner());
  EXPECT_TRUE(sign_ins_->check(one));
  must(sign_ins_->sign_out(one));
  EXPECT_FALSE(sign_ins_->check(one));
  EXPECT_TRUE(sign_ins_->check(other));
  must(sign_ins_->sign_out(one));
  must(sign_ins_->sign_out(""));
  must(sign_ins_->sign_out("nonsense"));
  reopen();
  EXPECT_FALSE(sign_ins_->check(one));
  EXPECT_TRUE(sign_ins_->check(other));
  state_.failing = true;
  EXPECT_EQ(reason_of(sign_ins_->sign_out(other)), "disk_full");
  EXPECT_TRUE(sign_ins_->check(other)) << "it would be there after a restart";
}

TEST_F(SignIn, ASessionEndsUnusedAfterTwoWeeksAndAfterThreeMonthsWhateverItDoes) {
  const std::string used = owner_session();
  const std::string unused = session();
  const TimestampMs began_ms = env_.clock.now_ms();
  sim_.advance_ms(session_unused_ms_max - 1);
  EXPECT_TRUE(sign_ins_->check(used));
  must(sign_ins_->flush());
  reopen();
  sim_.advance_ms(1);
  EXPECT_FALSE(sign_ins_->check(unused));
  EXPECT_TRUE(sign_ins_->check(used)) << "when it was used was saved";
  must(sign_ins_->flush());
  EXPECT_THAT(must(state_.sessions()), SizeIs(1)) << "the other is gone";
  while (env_.clock.now_ms() - began_ms + day_ms < session_ms_max) {
    sim_.advance_ms(day_ms);
    EXPECT_TRUE(sign_ins_->check(used));
  }
  sim_.set_now_ms(began_ms + session_ms_max - 1);
  EXPECT_TRUE(sign_ins_->check(used));
  sim_.advance_ms(1);
  EXPECT_FALSE(sign_ins_->check(used));
  must(sign_ins_->flush());
  EXPECT_THAT(must(state_.sessions()), IsEmpty());
}

TEST_F(SignIn, SavesWhenASessionWasUsedToTheMinuteAndOnlyNews) {
  const std::string token = owner_session();
  const int before = state_.changes;
  EXPECT_TRUE(sign_ins_->check(token));
  must(sign_ins_->flush());
  EXPECT_EQ(state_.changes, before) << "it began in this minute";
  sim_.advance_ms(2 * minute_ms);
  EXPECT_TRUE(sign_ins_->check(token));
  must(sign_ins_->flush());
  must(sign_ins_->flush());
  EXPECT_EQ(state_.changes, before + 1);
  const TimestampMs now_ms = env_.clock.now_ms();
  EXPECT_EQ(must(state_.sessions()).at(0).seen_ms, now_ms - now_ms % minute_ms);
  sim_.advance_ms(minute_ms);
  EXPECT_TRUE(sign_ins_->check(token));
  state_.failing = true;
  EXPECT_EQ(reason_of(sign_ins_->flush()), "disk_full");
  state_.failing = false;
  must(sign_ins_->flush());
  EXPECT_EQ(state_.changes, before + 2);
}

TEST_F(SignIn, ALinkSetsAnotherPasswordAndEndsAllSessions) {
  const std::string before = owner_session();
  const std::string link = must(make_setup_token(state_, env_));
  EXPECT_EQ(reason_of(become_owner(link, "", password).signed_in), "bad_name");
  EXPECT_EQ(reason_of(become_owner(link, "bob", "short").signed_in), "weak_password");
  EXPECT_EQ(reason_of(become_owner("hf_setup_x", "", "short").signed_in), "bad_token")
      << "who has no token learns nothing else";
  EXPECT_TRUE(sign_ins_->check(before));
  const auto again = must(become_owner(link, " bob ", "another password").signed_in);
  EXPECT_EQ(again.account.name, "bob");
  EXPECT_EQ(again.account.id, 1u);
  EXPECT_FALSE(sign_ins_->check(before));
  EXPECT_TRUE(sign_ins_->check(again.token));
  EXPECT_EQ(reason_of(become_owner(link, "eve").signed_in), "bad_token");
  EXPECT_EQ(reason_of(enter("ann", password).signed_in), "bad_credentials");
  EXPECT_EQ(reason_of(enter("bob", password).signed_in), "bad_credentials");
  EXPECT_TRUE(enter("bob", "another password").signed_in);
}

TEST_F(SignIn, OfTwoWithOneLinkOneIsTheOwner) {
  const std::string link = must(make_setup_token(state_, env_));
  std::vector<Pending> racing;
  // The second gets past the first look at the token while the first one's password is hashed.
  for (const std::string name : {"ann", "eve"}) {
    racing.push_back(pending(
        [&](const SignIns::Done& done) { sign_ins_->set_owner(link, name, password, done); }));
  }
  const auto first = racing[0].get().signed_in;
  const auto second = racing[1].get().signed_in;
  EXPECT_NE(first.has_value(), second.has_value());
  EXPECT_EQ((first ? second : first).error().reason, "bad_token");
  EXPECT_THAT(must(state_.accounts()), SizeIs(1));
  EXPECT_THAT(must(state_.sessions()), SizeIs(1));
}

TEST_F(SignIn, WhatCannotBeSavedIsNoSignIn) {
  const std::string link = must(make_setup_token(state_, env_));
  state_.failing = true;
  EXPECT_EQ(reason_of(become_owner(link).signed_in), "disk_full");
  EXPECT_FALSE(sign_ins_->has_owner());
  state_.failing = false;
  EXPECT_TRUE(become_owner(link).signed_in) << "the link is good as before";
  state_.failing = true;
  EXPECT_EQ(reason_of(enter("ann", password).signed_in), "disk_full");
  EXPECT_THAT(must(state_.sessions()), SizeIs(1));
}

TEST_F(SignIn, MakesWhoGuessesWaitByNameAndByAddress) {
  (void)owner_session();
  for (int i = 0; i < AttemptThrottle::free_failures; ++i) {
    EXPECT_EQ(reason_of(enter("ann", "guess", fmt::format("192.0.2.{}", i)).signed_in),
              "bad_credentials");
  }
  const auto waits = enter("ann", password, "198.51.100.1");
  EXPECT_EQ(reason_of(waits.signed_in), "too_many_attempts") << "of whatever address";
  EXPECT_EQ(waits.retry_after_s, 1);
  sim_.advance_ms(1'000);
  EXPECT_TRUE(enter("ann", password, "198.51.100.1").signed_in);

  for (int i = 0; i < AttemptThrottle::free_failures; ++i) {
    // One network, and one address however it is written.
    (void)enter(fmt::format("n{}", i), "guess", fmt::format("2001:db8::{:x}", i + 1));
    (void)enter(fmt::format("m{}", i), "guess", i % 2 == 0 ? "192.0.2.77" : "::ffff:192.0.2.77");
  }
  EXPECT_EQ(reason_of(enter("ann", password, "2001:db8::ffff").signed_in), "too_many_attempts");
  EXPECT_EQ(reason_of(enter("ann", password, "192.0.2.77").signed_in), "too_many_attempts");
  EXPECT_TRUE(enter("ann", password, "2001:db8:0:1::1").signed_in);
  EXPECT_TRUE(enter("ann", password, "::ffff:192.0.2.78").signed_in);
}

TEST_F(SignIn, ALinkFreesANameThatOthersGuessAt) {
  (void)owner_session();
  for (int i = 0; i < 2 * AttemptThrottle::free_failures; ++i) {
    (void)enter("ann", "guess", fmt::format("192.0.2.{}", i));
  }
  EXPECT_EQ(reason_of(enter("ann", password, "198.51.100.1").signed_in), "too_many_attempts");
  (void)owner_session();
  EXPECT_TRUE(enter("ann", password, "198.51.100.1").signed_in);
}

TEST_F(SignIn, SoManyWaitAndGuessesThatWaitedTogetherCountOneByOne) {
  (void)owner_session();
  std::promise<void> gate;
  state_.hold(gate.get_future().share());
  std::vector<Pending> waiting;
  for (std::size_t i = 0; i < SignIns::waiting_max + 1; ++i) waiting.push_back(begin("ann", "no"));
  const auto over = begin("ann", password).get();
  EXPECT_EQ(reason_of(over.signed_in), "too_many_attempts");
  EXPECT_EQ(over.retry_after_s, 1);
  state_.hold({});
  gate.set_value();
  std::map<std::string, int> outcomes;
  for (Pending& each : waiting) ++outcomes[reason_of(each.get().signed_in)];
  EXPECT_EQ(outcomes,
            (std::map<std::string, int>{{"bad_credentials", 5}, {"too_many_attempts", 4}}));
}

TEST_F(SignIn, WhoWaitsIsToldWhereItStops) {
  (void)owner_session();
  std::promise<void> gate;
  state_.hold(gate.get_future().share());
  std::vector<Pending> waiting;
  for (int i = 0; i < 4; ++i) waiting.push_back(begin("ann", password));
  std::thread closing([&] { sign_ins_ = nullptr; });
  std::this_thread::sleep_for(std::chrono::milliseconds(50));
  state_.hold({});
  gate.set_value();
  closing.join();
  std::map<std::string, int> outcomes;
  for (Pending& each : waiting) ++outcomes[reason_of(each.get().signed_in)];
  EXPECT_EQ(outcomes["ok"] + outcomes["stopping"], 4);
  EXPECT_GE(outcomes["stopping"], 3);
}

TEST_F(SignIn, AnAccountHasSoManySessionsAndTheLongestUnusedEnds) {
  const std::string first = owner_session();
  std::vector<StoredSession> more(sessions_per_account_max - 1);
  for (std::size_t i = 0; i < more.size(); ++i) {
    more[i] = {.account = 1, .created_ms = env_.clock.now_ms(), .seen_ms = env_.clock.now_ms()};
    more[i].hash[0] = static_cast<std::byte>(i);
  }
  more[7].seen_ms -= 1;
  must(state_.change([&](StateChange& change) -> Result<void> {
    for (const StoredSession& each : more) HF_CHECK(change.save_session(each));
    return {};
  }));
  EXPECT_TRUE(enter("ann", password).signed_in);
  const auto left = must(state_.sessions());
  EXPECT_THAT(left, SizeIs(sessions_per_account_max));
  EXPECT_EQ(std::ranges::count(left, more[7].hash, [](const auto& each) { return each.hash; }), 0);
  EXPECT_TRUE(sign_ins_->check(first));
}

TEST(CsrfToken, IsTheSessionsAlone) {
  const std::string one(secret_characters, 'a');
  const std::string other(secret_characters, 'b');
  EXPECT_THAT(csrf_token(one), SizeIs(secret_characters));
  EXPECT_EQ(csrf_token(one), csrf_token(one));
  EXPECT_NE(csrf_token(one), csrf_token(other));
  EXPECT_NE(csrf_token(one), one);
  EXPECT_TRUE(is_csrf_token(one, csrf_token(one)));
  EXPECT_FALSE(is_csrf_token(one, csrf_token(other)));
  EXPECT_FALSE(is_csrf_token(one, ""));
  EXPECT_FALSE(is_csrf_token(one, csrf_token(one).substr(1)));
}

}  // namespace
}  // namespace hf
