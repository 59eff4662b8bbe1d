// SPDX-License-Identifier: Apache-2.0
#include "adapter/sqlite/sqlite_state.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <array>
#include <cerrno>
#include <thread>

#include "adapter/sqlite/state_folder.h"
#include "adapter/sqlite/state_twin.h"
#include "base/rng.h"
#include "service/access.h"
#include "service/account.h"
#include "service/saved_queries.h"
#include "service/secret.h"

namespace hf {
namespace {

using testing::HasSubstr;
using testing::Not;

std::unique_ptr<SqliteState> opened(const StateFolder& folder) {
  auto state = SqliteState::open(real_env(), folder.path());
  EXPECT_TRUE(state) << (state ? "" : state.error().message);
  return state ? *std::move(state) : nullptr;
}

std::string any_text(Rng& rng, std::size_t size_max) {
  std::string text(rng.below(size_max + 1), '\0');
  for (char& c : text) c = static_cast<char>(rng.below(256));
  return text;
}

Refusal any_refusal(Rng& rng) {
  return {.received_ms = static_cast<TimestampMs>(rng.below(1'000)),
          .source = fmt::format("s{}", rng.below(3)),
          .reason = fmt::format("r{}", rng.below(3)),
          .message = any_text(rng, rng.below(20) == 0 ? 2'000 : 20),
          .text = any_text(rng, rng.below(20) == 0 ? 40'000 : 200)};
}

std::optional<TimestampMs> any_time(Rng& rng) {
  if (rng.below(2) == 0) return std::nullopt;
  return static_cast<TimestampMs>(rng.below(100));
}

/// Some writes that follow from `seed` and the state alone, and sometimes an error at their end.
Result<void> any_work(std::uint64_t seed, StateChange& change) {
  Rng rng(seed);
  for (std::uint64_t left = 1 + rng.below(3); left > 0; --left) {
    HF_TRY(const auto sources, change.sources());
    HF_TRY(const auto keys, change.keys());
    switch (rng.below(10)) {
      case 0:
        HF_CHECK(change.save_source(
            {fmt::format("s{}", rng.below(4)), static_cast<TimestampMs>(seed), rng.below(2) == 0}));
        break;
      case 1: {
        StoredKey key = {.key = {.kind = static_cast<KeyKind>(rng.below(3)),
                                 .label = any_text(rng, 10),
                                 .hint = "abcd",
                                 .created_ms = static_cast<TimestampMs>(seed),
                                 .expires_ms = any_time(rng)}};
        SeededRandom(seed * 8 + left).fill(key.hash);
        if (!sources.empty()) key.key.source = sources[rng.below(sources.size())].name;
        HF_CHECK(change.add_key(key));
        break;
      }
      case 2:
        if (!keys.empty()) {
          Key key = keys[rng.below(keys.size())].key;
          key.revoked_ms = any_time(rng);
          key.last_used_ms = any_time(rng);
          HF_CHECK(change.save_key(key));
        }
        break;
      case 3: {
        std::vector<std::uint64_t> ids;  // Also of some that are not there, or stand twice.
        for (std::uint64_t n = rng.below(4); n > 0; --n) ids.push_back(rng.below(30));
        HF_TRY(const std::uint64_t removed, change.remove_refusals(ids));
        HF_CHECK(change.save_source({"removed", static_cast<TimestampMs>(removed), true}));
        break;
      }
      case 4: {
        RememberedAnswer answer = {.status = static_cast<int>(rng.below(600)),
                                   .body = any_text(rng, 40),
                                   .created_ms = static_cast<TimestampMs>(seed)};
        SeededRandom(rng.below(12)).fill(answer.key);  // Of few, so that some are there.
        SeededRandom(seed * 8 + left).fill(answer.request);
        HF_TRY(const auto before, change.answer(answer.key));
        if (before) {
          // What it was goes where it is compared.
          HF_CHECK(change.save_source(
              {fmt::format("answer-{}", before->status), before->created_ms, true}));
          break;
        }
        HF_CHECK(change.remember(answer));
        break;
      }
      case 5: {
        HF_TRY(auto accounts, change.accounts());
        StoredAccount account = {.account = {.name = fmt::format("n{}", accounts.size()),
                                             .created_ms = static_cast<TimestampMs>(seed)},
                                 .password = any_text(rng, 10)};
        if (accounts.empty() || rng.below(3) == 0) {
          HF_CHECK(change.add_account(account));
          break;
        }
        account = accounts[rng.below(accounts.size())];
        account.account.name += "'";
        account.account.signed_in_ms = any_time(rng);
        account.password = any_text(rng, 10);
        HF_CHECK(change.save_account(account));
        break;
      }
      case 6: {
        HF_TRY(const auto accounts, change.accounts());
        StoredSession session = {.created_ms = static_cast<TimestampMs>(seed),
                                 .seen_ms = static_cast<TimestampMs>(rng.below(100))};
        SeededRandom(rng.below(8)).fill(session.hash);  // Of few, so that some are there.
        if (accounts.empty() || rng.below(3) == 0) {
          HF_CHECK(change.remove_session(session.hash));
          break;
        }
        session.account = accounts[rng.below(accounts.size())].account.id;
        HF_CHECK(change.save_session(session));
        break;
      }
      case 7: {
        SetupToken token = {.expires_ms = static_cast<TimestampMs>(rng.below(100))};
        SeededRandom(rng.below(8)).fill(token.hash);
        if (rng.below(3) == 0) {
          HF_CHECK(change.remove_setup_token(token.hash));
        } else {
          HF_CHECK(change.save_setup_token(token));
        }
        break;
      }
      case 8: {
        const std::string name = fmt::format("q{}", rng.below(5));
        if (rng.below(3) == 0) {
          HF_CHECK(change.remove_query(name));
          break;
        }
        HF_TRY(const auto before, change.saved_query(name));
        HF_CHECK(change.save_query(
            {.name = name,
             .title = any_text(rng, 10),
             .description = any_text(rng, 40),
             .query = any_text(rng, rng.below(20) == 0 ? 40'000 : 200),
             .version = before ? before->version + 1 : 1,
             .created_ms = before ? before->created_ms : any_time(rng).value_or(0),
             .created_by = any_text(rng, 5),
             .updated_ms = static_cast<TimestampMs>(seed),
             .updated_by = any_text(rng, 5)}));
        break;
      }
      default: {
        std::vector<Refusal> refusals;
        for (std::uint64_t n = rng.below(5); n > 0; --n) refusals.push_back(any_refusal(rng));
        HF_CHECK(change.add_refusals(refusals));
      }
    }
  }
  if (rng.below(4) == 0) return fail(ErrorCode::failed_precondition, "thought_better", "undone");
  return {};
}

void expect_same(const StateView& state, const StateView& twin) {
  const auto answers = answers_of(state);
  ASSERT_TRUE(answers) << answers.error().message;
  ASSERT_TRUE(*answers == *answers_of(twin));
}

TEST(SqliteState, AgreesWithListsInMemoryThroughReopening) {
  for (std::uint64_t seed = 0; seed < 8; ++seed) {
    SCOPED_TRACE(seed);
    const StateFolder folder;
    test::MemoryState twin;
    auto state = opened(folder);
    Rng rng(seed);
    for (int step = 0; step < 60; ++step) {
      const std::uint64_t work_seed = rng.next() % 1'000'000'000;
      const auto work = [&](StateChange& change) { return any_work(work_seed, change); };
      const auto done = state->change(work);
      const auto twin_done = twin.change(work);
      ASSERT_EQ(done.has_value(), twin_done.has_value()) << (done ? "" : done.error().message);
      ASSERT_TRUE(done || done.error().reason == "thought_better");
      RefusalQuery query = {.limit = 1 + rng.below(4)};
      if (rng.below(2) == 0) query.before = rng.below(60);
      if (rng.below(2) == 0) query.source = fmt::format("s{}", rng.below(4));
      if (rng.below(2) == 0) query.reason = fmt::format("r{}", rng.below(4));
      const auto page = state->refusals(query);
      ASSERT_TRUE(page);
      ASSERT_EQ(*page, *twin.refusals(query));
      const std::uint64_t id = rng.below(20);
      ASSERT_EQ(*state->key(id), *twin.key(id));
      const std::string name = fmt::format("s{}", rng.below(4));
      ASSERT_EQ(*state->source(name), *twin.source(name));
      const std::string query_name = fmt::format("q{}", rng.below(6));
      ASSERT_TRUE(*state->saved_query(query_name) == *twin.saved_query(query_name));
      if (rng.below(10) == 0) {
        state.reset();
        state = opened(folder);
      }
      if (rng.below(5) == 0) {
        ASSERT_NO_FATAL_FAILURE(expect_same(*state, twin));
      }
    }
    ASSERT_NO_FATAL_FAILURE(expect_same(*state, twin));
  }
}

TEST(SqliteState, KeepsTheNewestRefusalsByCountAndBySize) {
  const StateFolder folder;
  const auto state = opened(folder);
  test::MemoryState twin;
  const auto add = [&](std::size_t count, std::size_t size) {
    std::vector<Refusal> refusals(count,
                                  {.source = "s", .reason = "r", .text = std::string(size, 'x')});
    const auto work = [&](StateChange& change) { return change.add_refusals(refusals); };
    ASSERT_TRUE(state->change(work));
    ASSERT_TRUE(twin.change(work));
    expect_same(*state, twin);
  };
  ASSERT_NO_FATAL_FAILURE(add(refusals_kept_max, 1));
  EXPECT_EQ(state->refusal_counts()->kept.at(0).count, refusals_kept_max);
  ASSERT_NO_FATAL_FAILURE(add(1, 1));
  EXPECT_EQ(state->refusal_counts()->kept.at(0).count, refusals_kept_max);
  EXPECT_EQ(state->refusal_counts()->ever.at(0).count, refusals_kept_max + 1);
  // Each of 32 KiB and two letters: one less than 2,048 of them fit.
  for (int i = 0; i < 3; ++i) ASSERT_NO_FATAL_FAILURE(add(700, refusal_text_bytes_max));
  EXPECT_EQ(state->refusal_counts()->kept.at(0).count,
            refusal_bytes_kept_max / (refusal_text_bytes_max + 2));
  ASSERT_NO_FATAL_FAILURE(add(refusals_kept_max + 5, 0));
  EXPECT_EQ(state->refusals({.limit = 1})->refusals.at(0).id, 2 * refusals_kept_max + 6 + 2100);
}

TEST(SqliteState, RefusesAPageOfNothingAndOfTooMuch) {
  const StateFolder folder;
  const auto state = opened(folder);
  EXPECT_EQ(state->refusals({.limit = 0}).error().reason, "bad_limit");
  EXPECT_TRUE(state->refusals({.limit = refusal_page_max}));
  EXPECT_EQ(state->refusals({.limit = refusal_page_max + 1}).error().reason, "bad_limit");
  EXPECT_TRUE(state->refusals({.before = UINT64_MAX}));
}

TEST(SqliteState, FilesAreTheOwnersAlone) {
  const StateFolder folder;
  const ::mode_t before = ::umask(0);
  const auto state = opened(folder);
  ASSERT_TRUE(add_source(*state, real_env(), "shop"));
  for (const char* name : {"state.sqlite", "state.sqlite-wal", "state.sqlite-shm"}) {
    struct ::stat status = {};
    ASSERT_EQ(::stat(folder.path(name).c_str(), &status), 0) << name;
    EXPECT_EQ(status.st_mode & 07777, 0600u) << name;
  }
  ::umask(before);
}

TEST(SqliteState, WhatWasRemovedIsNotInTheFilesAnyMore) {
  const StateFolder folder;
  const std::string secret = "ann@example.org wrote this";
  auto state = opened(folder);
  ASSERT_TRUE(state->change([&](StateChange& change) {
    const std::vector<Refusal> one = {{.source = "s", .reason = "r", .text = secret}};
    return change.add_refusals(one);
  }));
  ASSERT_TRUE(state->change([&](StateChange& change) {
    const std::vector<Refusal> many(refusals_kept_max, {.source = "s", .reason = "r"});
    return change.add_refusals(many);
  }));
  // After a second without work the log is emptied.
  for (int i = 0; i < 100 && std::filesystem::file_size(folder.path("state.sqlite-wal")) > 0; ++i) {
    std::this_thread::sleep_for(std::chrono::milliseconds(100));
  }
  EXPECT_EQ(std::filesystem::file_size(folder.path("state.sqlite-wal")), 0u);
  state.reset();
  EXPECT_THAT(folder.bytes(), Not(HasSubstr(secret)));
  EXPECT_FALSE(std::filesystem::exists(folder.path("state.sqlite-wal")));
}

TEST(SqliteState, AKeyIsOnDiskByItsHashAlone) {
  const StateFolder folder;
  SeededRandom random(7);
  const Env env = {real_env().files, real_env().clock, random};
  auto state = opened(folder);
  ASSERT_TRUE(add_source(*state, env, "shop"));
  const auto created = create_key(*state, env, KeyKind::write, "shop", "web");
  ASSERT_TRUE(created);
  const auto keyring = Keyring::open(*state);
  ASSERT_TRUE(keyring);
  EXPECT_EQ((*keyring)->check(created->token, env.clock.now_ms())->source, "shop");
  ASSERT_TRUE((*keyring)->flush());
  EXPECT_TRUE(state->key(1).value()->last_used_ms);
  const std::string log = [&] {  // While the state is open the key is in the log.
    std::ifstream in(folder.path("state.sqlite-wal"), std::ios::binary);
    return std::string(std::istreambuf_iterator<char>(in), {});
  }();
  state.reset();
  const std::string secret = created->token.substr(5, 12);
  EXPECT_THAT(log, HasSubstr("web"));
  EXPECT_THAT(log, Not(HasSubstr(secret)));
  EXPECT_THAT(folder.bytes(), HasSubstr("web"));
  EXPECT_THAT(folder.bytes(), Not(HasSubstr(secret)));
}

TEST(SqliteState, LinksAndPasswordsAreOnDiskByTheirHashesAlone) {
  const StateFolder folder;
  const std::string password = "a long password";
  std::string first;
  std::string second;
  {
    const auto state = opened(folder);
    const Env env = real_env();
    first = make_setup_token(*state, env).value();
    const std::string hash = hash_password(env.random, password).value();
    ASSERT_TRUE(state->change([&](StateChange& change) -> Result<void> {
      HF_TRY(const auto owner, set_owner(change, env.clock.now_ms(), first, "ann", hash));
      return change.save_session({.hash = sha256("session"), .account = owner.account.id});
    }));
    second = make_setup_token(*state, env).value();
  }
  EXPECT_THAT(folder.bytes(), HasSubstr("$argon2id$"));
  for (const std::string& secret : {password, first.substr(9), second.substr(9)}) {
    EXPECT_THAT(folder.bytes(), Not(HasSubstr(secret)));
  }
}

TEST(SqliteState, ManyThreadsLoseNothingAndSeeWhatTheyWrote) {
  const StateFolder folder;
  const auto state = opened(folder);
  constexpr int threads = 8;
  constexpr int rounds = 60;
  std::atomic<int> failures = 0;
  {
    std::vector<std::jthread> running;
    for (int t = 0; t < threads; ++t) {
      running.emplace_back([&, t] {
        for (int i = 0; i < rounds; ++i) {
          const std::string name = fmt::format("t{}_{}", t, i);
          const auto done = state->change([&](StateChange& change) -> Result<void> {
            HF_CHECK(change.save_source({name, i, true}));
            if (i % 5 == 4) return fail(ErrorCode::failed_precondition, "no", "undone");
            return {};
          });
          const auto seen = state->source(name);
          if (done.has_value() != (i % 5 != 4) || !seen || seen->has_value() != done.has_value()) {
            ++failures;
          }
        }
      });
    }
  }
  EXPECT_EQ(failures, 0);
  EXPECT_EQ(state->sources()->size(), threads * rounds * 4u / 5u);
}

// Each adds one to a number that all read and write; whoever comes too late looks again.
TEST(SqliteState, OfTwoWritersOfOneQueryNoneLosesWhatTheOtherSaved) {
  const StateFolder folder;
  auto state = opened(folder);
  const Json query = parse_json(R"({"metric":"retention"})").value();
  const auto save = [&](int value, std::uint64_t version) {
    return state->change([&](StateChange& change) -> Result<void> {
      HF_CHECK(save_query(change, real_env(), "counter",
                          {.title = fmt::format("{}", value), .query = query, .version = version},
                          "local"));
      return {};
    });
  };
  ASSERT_TRUE(save(0, 0));
  constexpr int threads = 4;
  constexpr int rounds = 15;
  {
    std::vector<std::jthread> running;
    for (int t = 0; t < threads; ++t) {
      running.emplace_back([&] {
        for (int done = 0; done < rounds;) {
          const SavedQuery seen = state->saved_query("counter").value().value();
          const auto saved = save(std::stoi(seen.title) + 1, seen.version);
          done += saved.has_value();
          if (!saved) {
            ASSERT_EQ(saved.error().reason, "version_conflict");
          }
        }
      });
    }
  }
  state.reset();
  state = opened(folder);
  const SavedQuery last = state->saved_query("counter").value().value();
  EXPECT_EQ(last.title, fmt::format("{}", threads * rounds));
  EXPECT_EQ(last.version, threads * rounds + 1u);
}

// -- Files that are not as they should be ---------------------------------------------------------

TEST(SqliteState, RefusesAFileThatIsNoState) {
  const StateFolder folder;
  const auto reason = [&] {
    const auto state = SqliteState::open(real_env(), folder.path());
    return state ? "none" : std::string(state.error().reason);
  };
  folder.write("state.sqlite", "");
  EXPECT_EQ(reason(), "bad_state") << "a state is never empty";
  folder.write("state.sqlite", std::string(10'000, 'x'));
  EXPECT_EQ(reason(), "bad_state");
  folder.clear();
  {
    sqlite3* handle = nullptr;
    ASSERT_EQ(sqlite3_open(folder.path().c_str(), &handle), SQLITE_OK);
    ASSERT_EQ(sqlite3_exec(handle, "CREATE TABLE notes (text)", nullptr, nullptr, nullptr),
              SQLITE_OK);
    sqlite3_close(handle);
  }
  const std::string before = folder.bytes();
  EXPECT_EQ(reason(), "bad_state");
  EXPECT_EQ(folder.bytes(), before) << "somebody else's file is left as it is";
  folder.clear();
  folder.write("state.sqlite-wal", "left alone");
  EXPECT_EQ(reason(), "bad_state") << "the file was lost";
}

TEST(SqliteState, RefusesTheFileOfANewerProgramNamingBothVersions) {
  const StateFolder folder;
  opened(folder).reset();
  {
    sqlite3* handle = nullptr;
    ASSERT_EQ(sqlite3_open(folder.path().c_str(), &handle), SQLITE_OK);
    ASSERT_EQ(sqlite3_exec(handle, "PRAGMA user_version = 77", nullptr, nullptr, nullptr),
              SQLITE_OK);
    sqlite3_close(handle);
  }
  const std::string before = folder.bytes();
  const auto state = SqliteState::open(real_env(), folder.path());
  ASSERT_FALSE(state);
  EXPECT_EQ(state.error().code, ErrorCode::failed_precondition);
  EXPECT_EQ(state.error().reason, "newer_state");
  EXPECT_THAT(state.error().message, HasSubstr("version 77"));
  EXPECT_THAT(state.error().message, HasSubstr("up to 5"));
  EXPECT_EQ(folder.bytes(), before);
}

void fill(SqliteState& state) {
  for (std::uint64_t seed = 0; seed < 40; ++seed) {
    const auto done =
        state.change([&](StateChange& change) { return any_work(seed + 1'000, change); });
    EXPECT_TRUE(done || done.error().reason == "thought_better");
  }
}

TEST(SqliteState, DamageIsAnErrorOrChangesNoAnswer) {
  const StateFolder folder;
  StateAnswers whole;
  {
    const auto state = opened(folder);
    fill(*state);
    whole = answers_of(*state).value();
  }
  const std::string bytes = folder.bytes();
  int errors = 0;
  for (std::uint64_t seed = 0; seed < 1'500; ++seed) {
    SCOPED_TRACE(seed);
    Rng rng(seed);
    std::string damaged = bytes;
    if (seed % 50 == 49) {
      damaged.resize(rng.below(damaged.size()));
    } else {
      // The first page, where the schema lies, as often as all the others.
      const std::size_t at = rng.below(rng.below(2) == 0 ? 4'096 : damaged.size());
      damaged[at] = static_cast<char>(damaged[at] ^ (1 << rng.below(8)));
    }
    folder.clear();
    folder.write("state.sqlite", damaged);
    const auto state = SqliteState::open(real_env(), folder.path());
    const auto answers = state ? answers_of(**state) : std::unexpected(state.error());
    errors += !answers;
    ASSERT_TRUE(!answers || *answers == whole);
    // Writing to it neither crashes nor hangs.
    if (state) (void)(*state)->change([](StateChange& change) { return any_work(5, change); });
  }
  EXPECT_GT(errors, 300);
}

// The log has a checksum for each of its pages: what follows a damaged one is no part of it.
TEST(SqliteState, DamageInTheLogLeavesAnEarlierMoment) {
  const StateFolder folder;
  std::vector<StateAnswers> moments;
  std::string bytes;
  std::string log;
  {
    const auto state = opened(folder);
    for (std::uint64_t seed = 0; seed < 6; ++seed) {
      moments.push_back(answers_of(*state).value());
      (void)state->change([&](StateChange& change) { return any_work(seed + 1'000, change); });
    }
    moments.push_back(answers_of(*state).value());
    // The locks this gives up are of no use to anybody: no other process is there.
    bytes = folder.bytes();
    log = folder.bytes("state.sqlite-wal");
  }
  ASSERT_GT(log.size(), 10'000u);
  for (std::uint64_t seed = 0; seed < 300; ++seed) {
    SCOPED_TRACE(seed);
    Rng rng(seed);
    std::string damaged = log;
    const std::size_t at = rng.below(damaged.size());
    damaged[at] = static_cast<char>(damaged[at] ^ (1 << rng.below(8)));
    folder.clear();
    folder.write("state.sqlite", bytes);
    folder.write("state.sqlite-wal", damaged);
    const auto state = SqliteState::open(real_env(), folder.path());
    const auto answers = state ? answers_of(**state) : std::unexpected(state.error());
    ASSERT_TRUE(!answers || std::ranges::find(moments, *answers) != moments.end());
  }
}

// -- Power and processes that end -----------------------------------------------------------------

TEST(SqliteState, AProcessKilledAtAnyStatementLosesNothingAcknowledged) {
  const StateFolder folder;
  bool to_end = false;
  int deaths = 0;
  for (int nth = 1; !to_end; ++nth) {
    SCOPED_TRACE(nth);
    folder.clear();
    std::array<int, 2> acknowledged = {};
    ASSERT_EQ(::pipe(acknowledged.data()), 0);
    to_end = runs_to_end_before_statement(nth, [&] {
      const auto state = SqliteState::open(real_env(), folder.path());
      if (!state) ::_exit(1);
      for (std::uint64_t seed = 0; seed < 8; ++seed) {
        (void)(*state)->change([&](StateChange& change) { return any_work(seed, change); });
        if (::write(acknowledged[1], "+", 1) != 1) ::_exit(1);
      }
    });
    deaths += !to_end;
    ::close(acknowledged[1]);
    std::array<char, 16> out;
    const auto done = ::read(acknowledged[0], out.data(), out.size());
    ::close(acknowledged[0]);
    ASSERT_GE(done, 0);
    const auto state = opened(folder);
    ASSERT_NE(state, nullptr);
    test::MemoryState twin;
    for (std::uint64_t seed = 0; seed < static_cast<std::uint64_t>(done); ++seed) {
      (void)twin.change([&](StateChange& change) { return any_work(seed, change); });
    }
    ASSERT_NO_FATAL_FAILURE(expect_same(*state, twin));
  }
  EXPECT_GT(deaths, 50);
}

// Whoever is killed while the owner is made leaves a link that is good and no owner, or the owner
// signed in and no link.
TEST(SqliteState, AKilledProcessLeavesALinkOrTheOwnerAndNeverBothOrNeither) {
  const StateFolder folder;
  const TokenHash session = {std::byte{7}};
  std::array<int, 2> ends = {};
  bool to_end = false;
  for (int nth = 1; !to_end; ++nth) {
    SCOPED_TRACE(nth);
    folder.clear();
    const std::string token = make_setup_token(*opened(folder), real_env()).value();
    to_end = runs_to_end_before_statement(nth, [&] {
      const auto state = SqliteState::open(real_env(), folder.path());
      if (!state) ::_exit(1);
      const auto done = (*state)->change([&](StateChange& change) -> Result<void> {
        HF_TRY(const auto owner, set_owner(change, real_env().clock.now_ms(), token, "ann", "$"));
        return change.save_session({.hash = session, .account = owner.account.id});
      });
      if (!done) ::_exit(1);
    });
    const auto state = opened(folder);
    const bool has_owner = find_owner(*state).value().has_value();
    ASSERT_EQ(check_setup_token(*state, token, real_env().clock.now_ms()).has_value(), !has_owner);
    ASSERT_EQ(state->sessions()->size(), has_owner ? 1u : 0u);
    ASSERT_TRUE(has_owner || !to_end);
    ++ends[has_owner ? 1 : 0];
  }
  EXPECT_GT(ends[0], 3);
  EXPECT_GT(ends[1], 0);
}

// What SQLite asks of the system, of which one call in a process can be made to fail.
struct Faults {
  enum class Call : std::uint8_t { write, sync, truncate };
  Call call = Call::write;
  std::atomic<int> left = 0;  // The call that brings it to 0 fails, and with `lasting` all later.
  int error = EIO;
  bool lasting = false;
  std::atomic<bool> reached = false;
} faults;

bool fails_now(Faults::Call call) {
  if (call != faults.call || faults.left == 0) return false;
  if (!(faults.lasting && faults.left == 1) && --faults.left > 0) return false;
  faults.reached = true;
  errno = faults.error;
  return true;
}

::ssize_t faulty_pwrite(int fd, const void* bytes, std::size_t size, ::off_t at) {
  return fails_now(Faults::Call::write) ? -1 : ::pwrite(fd, bytes, size, at);
}
::ssize_t faulty_write(int fd, const void* bytes, std::size_t size) {
  return fails_now(Faults::Call::write) ? -1 : ::write(fd, bytes, size);
}
int faulty_truncate(int fd, ::off_t size) {
  return fails_now(Faults::Call::truncate) ? -1 : ::ftruncate(fd, size);
}

}  // namespace
}  // namespace hf

// SQLite lets its other calls be replaced, but not this one. No test of this program cuts the
// power, so nothing need be synced.
extern "C" int fdatasync(int) { return hf::fails_now(hf::Faults::Call::sync) ? -1 : 0; }

namespace hf {
namespace {

class SqliteStateOnABadDisk : public testing::Test {
 protected:
  using Call = sqlite3_syscall_ptr;
  SqliteStateOnABadDisk() {
    replace("pwrite", reinterpret_cast<Call>(faulty_pwrite));
    replace("pwrite64", reinterpret_cast<Call>(faulty_pwrite));
    replace("write", reinterpret_cast<Call>(faulty_write));
    replace("ftruncate", reinterpret_cast<Call>(faulty_truncate));
  }
  ~SqliteStateOnABadDisk() override {
    faults.left = 0;
    for (const char* name : {"pwrite", "pwrite64", "write", "ftruncate"}) {
      replace(name, nullptr);
    }
  }
  static void replace(const char* name, Call call) {
    sqlite3_vfs* const vfs = sqlite3_vfs_find(nullptr);
    EXPECT_EQ(vfs->xSetSystemCall(vfs, name, call), SQLITE_OK) << name;
  }
  static void plan(Faults::Call call, int nth, int error, bool lasting = false) {
    faults.call = call;
    faults.error = error;
    faults.lasting = lasting;
    faults.reached = false;
    faults.left = lasting ? 1 : nth;
  }
};

TEST_F(SqliteStateOnABadDisk, AFullDiskRefusesWritesKeepsAnswersAndTakesWritesWhenThereIsRoom) {
  const StateFolder folder;
  const auto state = opened(folder);
  ASSERT_TRUE(add_source(*state, real_env(), "shop"));
  plan(Faults::Call::write, 1, ENOSPC, /*lasting=*/true);
  for (int i = 0; i < 3; ++i) {
    const auto refused = add_source(*state, real_env(), "app");
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().code, ErrorCode::resource_exhausted);
    EXPECT_EQ(refused.error().reason, "disk_full");
    EXPECT_EQ(state->sources()->size(), 1u);
  }
  faults.left = 0;
  ASSERT_TRUE(add_source(*state, real_env(), "app"));
  EXPECT_EQ(state->sources()->size(), 2u);
}

TEST_F(SqliteStateOnABadDisk, AFailedSyncStopsWritingUntilARestart) {
  const StateFolder folder;
  auto state = opened(folder);
  ASSERT_TRUE(add_source(*state, real_env(), "shop"));
  plan(Faults::Call::sync, 1, EIO);
  EXPECT_EQ(add_source(*state, real_env(), "app").error().code, ErrorCode::in_doubt);
  ASSERT_TRUE(faults.reached);
  EXPECT_EQ(add_source(*state, real_env(), "web").error().reason, "state_stopped");
  EXPECT_EQ(state->sources()->size(), 1u) << "what it answers is known to be kept";
  state.reset();
  state = opened(folder);
  EXPECT_TRUE(state->source("shop").value());
  EXPECT_FALSE(state->source("web").value());
  EXPECT_TRUE(add_source(*state, real_env(), "web"));
}

TEST_F(SqliteStateOnABadDisk, NothingAcknowledgedIsLostWhicheverCallFails) {
  for (const auto call : {Faults::Call::write, Faults::Call::sync, Faults::Call::truncate}) {
    for (const int error : {EIO, ENOSPC}) {
      int reached = 0;
      for (int nth = 1; nth < 400; ++nth) {
        SCOPED_TRACE(fmt::format("call {} error {} nth {}", static_cast<int>(call), error, nth));
        const StateFolder folder;
        test::MemoryState twin;
        test::MemoryState with_doubtful;
        plan(call, nth, error);
        if (auto state = SqliteState::open(real_env(), folder.path())) {
          for (std::uint64_t seed = 0; seed < 5; ++seed) {
            const auto work = [&](StateChange& change) { return any_work(seed, change); };
            const auto done = (*state)->change(work);
            if (done) (void)twin.change(work);
            if (done || done.error().code == ErrorCode::in_doubt) {
              (void)with_doubtful.change(work);
            }
          }
        }
        faults.left = 0;
        const auto state = opened(folder);
        ASSERT_NE(state, nullptr);
        const auto answers = answers_of(*state);
        ASSERT_TRUE(answers) << answers.error().message;
        ASSERT_TRUE(*answers == *answers_of(twin) || *answers == *answers_of(with_doubtful));
        if (!faults.reached) break;
        ++reached;
      }
      EXPECT_GT(reached, 0);
    }
  }
}

}  // namespace
}  // namespace hf
