// SPDX-License-Identifier: Apache-2.0
#include "adapter/sqlite/migration.h"

#include <gtest/gtest.h>

#include <array>
#include <span>
#include <string>

#include "adapter/sqlite/state_folder.h"

namespace hf::sqlite {
namespace {

// Each makes something of what the one before left.
const std::array<std::string, 3> three = {
    "CREATE TABLE a (n INTEGER) STRICT; INSERT INTO a VALUES (1), (2), (3);",
    "CREATE TABLE b (n INTEGER) STRICT; INSERT INTO b SELECT n * 10 FROM a; DROP TABLE a;",
    "ALTER TABLE b ADD COLUMN m INTEGER; UPDATE b SET m = n + 1; DELETE FROM b WHERE n = 20;",
};

std::unique_ptr<Connection> opened(const std::string& path) {
  auto connection = Connection::open(path, Connection::Access::write);
  EXPECT_TRUE(connection);
  EXPECT_TRUE((*connection)->prepare_to_write());
  return *std::move(connection);
}

std::int64_t version_of(Connection& connection) {
  return connection.number("PRAGMA user_version").value();
}

/// What version n is to hold.
void expect_version(Connection& connection, std::int64_t version) {
  switch (version) {
    case 0: EXPECT_EQ(connection.number("SELECT COUNT(*) FROM sqlite_schema").value(), 0); break;
    case 1: EXPECT_EQ(connection.number("SELECT SUM(n) FROM a").value(), 6); break;
    case 2:
      EXPECT_EQ(connection.number("SELECT SUM(n) FROM b").value(), 60);
      EXPECT_FALSE(connection.number("SELECT SUM(n) FROM a"));
      break;
    case 3: EXPECT_EQ(connection.number("SELECT SUM(m) FROM b").value(), 42); break;
    default: ADD_FAILURE() << version;
  }
}

TEST(Migration, OneByOneOrAllAtOnceIsTheSame) {
  for (std::size_t first = 0; first <= three.size(); ++first) {
    const StateFolder folder;
    folder.write("f", "");
    const auto connection = opened(folder.path("f"));
    ASSERT_TRUE(migrate(*connection, std::span(three).first(first)));
    EXPECT_EQ(version_of(*connection), static_cast<std::int64_t>(first));
    expect_version(*connection, static_cast<std::int64_t>(first));
    ASSERT_TRUE(migrate(*connection, three));
    ASSERT_TRUE(migrate(*connection, three)) << "nothing to do";
    expect_version(*connection, 3);
    EXPECT_EQ(state_version(*connection).value(), 3);
  }
}

TEST(Migration, OneInterruptedAtAnyStatementIsWhollyThereOrNotAtAll) {
  bool to_end = false;
  std::array<int, 4> reached = {};
  for (int nth = 1; !to_end; ++nth) {
    SCOPED_TRACE(nth);
    const StateFolder folder;
    folder.write("f", "");
    to_end =
        runs_to_end_before_statement(nth, [&] { (void)migrate(*opened(folder.path("f")), three); });
    const auto connection = opened(folder.path("f"));
    const std::int64_t version = version_of(*connection);
    ASSERT_LE(version, 3);
    ++reached[static_cast<std::size_t>(version)];
    expect_version(*connection, version);
    ASSERT_TRUE(migrate(*connection, three));
    expect_version(*connection, 3);
  }
  for (const int times : reached) EXPECT_GT(times, 0);
}

TEST(Migration, OneThatFailsLeavesTheVersionBefore) {
  const StateFolder folder;
  folder.write("f", "");
  const auto connection = opened(folder.path("f"));
  const std::array<std::string, 2> second_fails = {three[0],
                                                   "DROP TABLE a; INSERT INTO nowhere VALUES (1);"};
  EXPECT_EQ(migrate(*connection, second_fails).error().reason, "bad_state");
  EXPECT_FALSE(connection->in_transaction());
  EXPECT_EQ(version_of(*connection), 1);
  expect_version(*connection, 1);
}

TEST(Migration, AnEmptyFileIsNoState) {
  const StateFolder folder;
  folder.write("f", "");
  const auto connection = opened(folder.path("f"));
  EXPECT_EQ(state_version(*connection).error().reason, "bad_state");
}

}  // namespace
}  // namespace hf::sqlite
