// SPDX-License-Identifier: Apache-2.0
#include "adapter/sqlite/sqlite_state_file.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <atomic>
#include <thread>

#include "adapter/sqlite/connection.h"
#include "adapter/sqlite/migration.h"
#include "adapter/sqlite/sqlite_state.h"
#include "adapter/sqlite/state_folder.h"
#include "adapter/sqlite/state_twin.h"
#include "base/rng.h"
#include "service/access.h"

namespace hf {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;

const std::string secret = "ann@example.org wrote this";

std::unique_ptr<SqliteState> opened(const std::string& path) {
  auto state = SqliteState::open(real_env(), path);
  EXPECT_TRUE(state) << (state ? "" : state.error().message);
  return state ? *std::move(state) : nullptr;
}

void refuse(SqliteState& state, const std::string& text, std::size_t count = 1) {
  const std::vector<Refusal> refusals(count, {.source = "web", .reason = "r", .text = text});
  EXPECT_TRUE(state.change([&](StateChange& change) { return change.add_refusals(refusals); }));
}

void fill(SqliteState& state) {
  ASSERT_TRUE(add_source(state, real_env(), "web"));
  ASSERT_TRUE(add_source(state, real_env(), "app"));
  ASSERT_TRUE(create_key(state, real_env(), KeyKind::write, "web", "shop"));
  ASSERT_TRUE(create_key(state, real_env(), KeyKind::admin, "", "ann"));
  ASSERT_TRUE(state.change([](StateChange& change) -> Result<void> {
    HF_CHECK(change.add_account({.account = {.name = "ann"}, .password = "$argon2id$"}));
    HF_CHECK(change.save_session({.account = 1, .created_ms = 2, .seen_ms = 3}));
    HF_CHECK(change.save_query({.name = "q", .query = "{}"}));
    HF_CHECK(change.save_query({.name = "removed", .query = "{}", .version = 5}));
    HF_CHECK(change.remove_query("removed"));
    return change.save_setup_token({.expires_ms = 4});
  }));
  for (int i = 0; i < 20; ++i) refuse(state, fmt::format("{}: {}", i, std::string(1'000, 'x')));
}

std::vector<std::string> names(const StateFolder& folder) {
  std::vector<std::string> out;
  for (const auto& entry : std::filesystem::directory_iterator(folder.path(""))) {
    out.push_back(entry.path().filename());
  }
  std::ranges::sort(out);
  return out;
}

class SqliteStateFiles : public testing::Test {
 protected:
  StateFolder folder_;
  SqliteStateFile files_{real_env()};
};

TEST_F(SqliteStateFiles, ACopyIsTheStateOfTheMomentWithOrWithoutOneWhoHasItOpen) {
  const ::mode_t before = ::umask(0);
  for (const bool is_open : {true, false}) {
    SCOPED_TRACE(is_open);
    folder_.clear();
    auto state = opened(folder_.path());
    ASSERT_NO_FATAL_FAILURE(fill(*state));
    const StateAnswers answers = answers_of(*state).value();
    if (!is_open) state.reset();
    const auto beside = names(folder_);
    const auto copied = files_.copy(folder_.path(), folder_.path("copy"));
    ASSERT_TRUE(copied) << copied.error().message;
    std::vector<std::string> expected = beside;
    expected.insert(expected.begin(), "copy");
    EXPECT_EQ(names(folder_), expected) << "complete in itself, and nothing more beside the state";
    struct ::stat status = {};
    ASSERT_EQ(::stat(folder_.path("copy").c_str(), &status), 0);
    EXPECT_EQ(status.st_mode & 07777, 0600u);
    const auto check = files_.check(folder_.path("copy"));
    ASSERT_TRUE(check) << check.error().message;
    EXPECT_THAT(check->damage, IsEmpty());
    EXPECT_EQ(check->sources, 2u);
    EXPECT_EQ(check->keys, 2u);
    EXPECT_EQ(check->refusals, 20u);
    EXPECT_EQ(names(folder_), expected) << "looking leaves nothing";
    ASSERT_TRUE(answers_of(*opened(folder_.path("copy"))).value() == answers);
  }
  ::umask(before);
}

TEST_F(SqliteStateFiles, ACopyHasWhatADeadProcessLeftInItsLog) {
  ASSERT_NO_FATAL_FAILURE(fill(*opened(folder_.path())));
  const bool ended = runs_to_end_before_statement(1'000'000, [&] {
    const auto state = SqliteState::open(real_env(), folder_.path());
    (void)add_source(**state, real_env(), "late");
    ::_exit(42);
  });
  EXPECT_FALSE(ended);
  ASSERT_GT(std::filesystem::file_size(folder_.path("state.sqlite-wal")), 0u);
  const std::string bytes = folder_.bytes();
  ASSERT_TRUE(files_.copy(folder_.path(), folder_.path("copy")));
  EXPECT_EQ(files_.check(folder_.path())->sources, 3u);
  EXPECT_EQ(folder_.bytes(), bytes) << "only the next start writes";
  EXPECT_TRUE(opened(folder_.path("copy"))->source("late")->has_value());
}

TEST_F(SqliteStateFiles, ACopyHasNothingThatWasRemoved) {
  const auto state = opened(folder_.path());
  refuse(*state, secret);
  refuse(*state, "kept");
  const std::vector<std::uint64_t> ids = {1};
  ASSERT_TRUE(state->change([&](StateChange& change) -> Result<void> {
    HF_CHECK(change.remove_refusals(ids));
    return {};
  }));
  ASSERT_TRUE(files_.copy(folder_.path(), folder_.path("copy")));
  EXPECT_THAT(folder_.bytes("copy"), Not(HasSubstr(secret)));
  EXPECT_THAT(folder_.bytes("copy"), HasSubstr("kept"));
}

// Each change makes a source and a refusal of the same number: a copy that is of one moment has all
// numbers up to one, of both.
TEST_F(SqliteStateFiles, CopiesTakenWhileOthersWriteAreEachOfOneMoment) {
  const auto state = opened(folder_.path());
  std::atomic<std::uint64_t> done = 0;
  std::atomic<bool> stop = false;
  std::jthread writing([&] {
    for (std::uint64_t n = 1; !stop; ++n) {
      const std::vector<Refusal> one = {
          {.source = "s", .reason = "r", .text = fmt::format("{} {}", n, std::string(500, 'x'))}};
      const auto changed = state->change([&](StateChange& change) -> Result<void> {
        HF_CHECK(change.save_source({fmt::format("s{:06}", n), 1, true}));
        return change.add_refusals(one);
      });
      ASSERT_TRUE(changed) << changed.error().message;
      done = n;
    }
  });
  for (int copies = 0; copies < 12; ++copies) {
    const std::uint64_t before = done;
    const std::string to = folder_.path(fmt::format("copy{}", copies));
    const auto copied = files_.copy(folder_.path(), to);
    ASSERT_TRUE(copied) << copied.error().message;
    const StateCheck check = files_.check(to).value();
    EXPECT_THAT(check.damage, IsEmpty());
    EXPECT_GE(check.sources, before);
    EXPECT_EQ(check.refusals, std::min<std::uint64_t>(check.sources, refusals_kept_max));
    EXPECT_TRUE(files_.check(folder_.path())->damage.empty());
  }
  stop = true;
}

TEST_F(SqliteStateFiles, RefusesWhatItCannotCopyOrRead) {
  EXPECT_EQ(files_.copy(folder_.path(), folder_.path("copy")).error().code, ErrorCode::not_found);
  EXPECT_EQ(files_.check(folder_.path()).error().code, ErrorCode::not_found);
  ASSERT_NO_FATAL_FAILURE(fill(*opened(folder_.path())));
  folder_.write("there", "x");
  EXPECT_EQ(files_.copy(folder_.path(), folder_.path("there")).error().code,
            ErrorCode::already_exists);
  EXPECT_EQ(files_.copy(folder_.path(), folder_.path("no/where")).error().code,
            ErrorCode::not_found);
  for (const std::string bytes : {"", "no database", "SQLite format 3"}) {
    folder_.write("other", bytes);
    EXPECT_EQ(files_.copy(folder_.path("other"), folder_.path("copy")).error().reason, "bad_state");
    EXPECT_THAT(files_.check(folder_.path("other"))->damage, ElementsAre(HasSubstr("other")));
  }
  {
    const auto connection =
        sqlite::Connection::open(folder_.path(), sqlite::Connection::Access::write).value();
    ASSERT_TRUE(connection->run("PRAGMA user_version = 77"));
  }
  EXPECT_EQ(files_.copy(folder_.path(), folder_.path("copy")).error().reason, "newer_state");
  EXPECT_EQ(files_.check(folder_.path()).error().reason, "newer_state");
}

TEST_F(SqliteStateFiles, AStateOfAnEarlierVersionIsCheckedCopiedAndOpened) {
  for (const std::size_t version : {1, 2, 3}) {
    SCOPED_TRACE(version);
    folder_.clear();
    folder_.write("state.sqlite", "");
    {
      const auto connection =
          sqlite::Connection::open(folder_.path(), sqlite::Connection::Access::write).value();
      ASSERT_TRUE(connection->prepare_to_write());
      ASSERT_TRUE(sqlite::migrate(*connection, sqlite::state_migrations().first(version)));
      ASSERT_TRUE(connection->run(
          "INSERT INTO refusal_ever (source, count, crc) VALUES ('web', 7, 3117584164)"));
      ASSERT_TRUE(connection->checkpoint(/*empty=*/true));
    }
    EXPECT_THAT(files_.check(folder_.path())->damage, IsEmpty());
    ASSERT_TRUE(files_.copy(folder_.path(), folder_.path("copy")));
    const auto state = opened(folder_.path("copy"));
    EXPECT_EQ(state->refusal_counts()->ever.at(0).count, 7u) << "what was there stays";
    EXPECT_THAT(state->accounts().value(), IsEmpty());
    const RememberedAnswer answer{.status = 201, .body = "{}"};
    const StoredAccount account{.account = {.id = 1, .name = "ann"}, .password = "$argon2id$"};
    ASSERT_TRUE(state->change([&](StateChange& change) -> Result<void> {
      HF_CHECK(change.remember(answer));
      HF_CHECK(change.add_account(account));
      HF_CHECK(change.save_session({.account = 1}));
      HF_CHECK(change.save_query({.name = "q", .query = "{}"}));
      return change.save_setup_token({.expires_ms = 5});
    }));
    ASSERT_TRUE(state->change([&](StateChange& change) -> Result<void> {
      HF_TRY(const auto found, change.answer(answer.key));
      EXPECT_TRUE(found == answer);
      HF_TRY(const auto accounts, change.accounts());
      EXPECT_TRUE(accounts.size() == 1 && accounts[0] == account);
      return {};
    }));
    EXPECT_EQ(state->sessions()->at(0).account, 1u);
    EXPECT_EQ(state->setup_tokens()->at(0).expires_ms, 5);
    EXPECT_EQ(state->saved_query("q").value()->query, "{}");
    ASSERT_TRUE(state->change([&](StateChange& change) -> Result<void> {
      HF_CHECK(change.save_query({.name = "q", .query = "{}", .version = 3}));
      return change.remove_query("q");
    }));
    EXPECT_EQ(state->saved_query_totals()->removed_version_max, 3u);
  }
}

TEST_F(SqliteStateFiles, DamagedRowsAreCountedByTable) {
  ASSERT_NO_FATAL_FAILURE(fill(*opened(folder_.path())));
  const std::string sound = folder_.bytes();
  const auto damage_after = [&](const std::string& sql) {
    folder_.clear();
    folder_.write("state.sqlite", sound);
    {
      const auto connection =
          sqlite::Connection::open(folder_.path(), sqlite::Connection::Access::write).value();
      const auto done = connection->run_script(sql);
      EXPECT_TRUE(done) << done.error().message;
    }
    const StateCheck check = files_.check(folder_.path()).value();
    EXPECT_EQ(check.sources + check.keys + check.refusals,
              24u - (sql.find("label") != std::string::npos) -
                  3 * (sql.find("SET text") != std::string::npos) -
                  (sql.find("DELETE FROM refusal WHERE") != std::string::npos));
    return check.damage;
  };
  const std::string path = folder_.path();
  EXPECT_THAT(damage_after("UPDATE key SET label = 'eve' WHERE id = 2"),
              ElementsAre(path + ": a row is damaged in table key"));
  EXPECT_THAT(damage_after("UPDATE refusal SET text = x'00' WHERE id < 4"),
              ElementsAre(path + ": 3 rows are damaged in table refusal"));
  EXPECT_THAT(damage_after("UPDATE account SET name = 'eve'"),
              ElementsAre(path + ": a row is damaged in table account"));
  EXPECT_THAT(damage_after("UPDATE account SET role = 'guest'"),
              ElementsAre(path + ": a row is damaged in table account"));
  EXPECT_THAT(damage_after("UPDATE session SET seen_ms = 9"),
              ElementsAre(path + ": a row is damaged in table session"));
  EXPECT_THAT(damage_after("UPDATE setup_token SET expires_ms = 9"),
              ElementsAre(path + ": a row is damaged in table setup_token"));
  EXPECT_THAT(damage_after("UPDATE saved_query SET query = '{ }'"),
              ElementsAre(path + ": a row is damaged in table saved_query"));
  EXPECT_THAT(damage_after("UPDATE saved_query_removed SET version_max = 1"),
              ElementsAre(path + ": a row is damaged in table saved_query_removed"));
  EXPECT_THAT(damage_after("UPDATE refusal_ever SET count = 1"),
              ElementsAre(path + ": a row is damaged in table refusal_ever"));
  EXPECT_THAT(damage_after("UPDATE refusal_kept SET count = 1"),
              ElementsAre(path + ": a row is damaged in table refusal_kept"));
  EXPECT_THAT(damage_after("DELETE FROM refusal WHERE id = 7"),
              ElementsAre(HasSubstr("there are 19")));
}

// Of any bit: a copy is refused, or has damage, or is what was copied.
TEST_F(SqliteStateFiles, DamageIsFoundOrChangesNoAnswer) {
  StateAnswers whole;
  {
    const auto state = opened(folder_.path());
    ASSERT_NO_FATAL_FAILURE(fill(*state));
    // Most of the file is to be rows, and not the empty ends of small tables' pages.
    for (int i = 0; i < 40; ++i) refuse(*state, std::string(1'000, 'y'));
    whole = answers_of(*state).value();
  }
  const std::string bytes = folder_.bytes();
  int found = 0;
  for (std::uint64_t seed = 0; seed < 400; ++seed) {
    SCOPED_TRACE(seed);
    Rng rng(seed);
    std::string damaged = bytes;
    const std::size_t at = rng.below(damaged.size());
    damaged[at] = static_cast<char>(damaged[at] ^ (1 << rng.below(8)));
    folder_.clear();
    folder_.write("state.sqlite", damaged);
    const auto check = files_.check(folder_.path());
    const auto copied = files_.copy(folder_.path(), folder_.path("copy"));
    const bool is_whole = copied && files_.check(folder_.path("copy"))->damage.empty();
    found += !is_whole;
    if (is_whole) {
      ASSERT_TRUE(answers_of(*opened(folder_.path("copy"))).value() == whole);
    }
    if (check && check->damage.empty()) {
      ASSERT_TRUE(answers_of(*opened(folder_.path())).value() == whole);
    }
  }
  EXPECT_GT(found, 150);
}

}  // namespace
}  // namespace hf
