// SPDX-License-Identifier: Apache-2.0
#include "adapter/sqlite/writer.h"

#include <gtest/gtest.h>
#include <sqlite3.h>

#include <atomic>
#include <cerrno>
#include <thread>
#include <vector>

#include "adapter/sqlite/state_folder.h"

namespace hf::sqlite {
namespace {

class WriterTest : public testing::Test {
 protected:
  WriterTest() {
    folder_.write("f", "");
    auto connection = Connection::open(folder_.path("f"), Connection::Access::write);
    EXPECT_TRUE((*connection)->prepare_to_write());
    EXPECT_TRUE((*connection)->run_script("CREATE TABLE t (n INTEGER PRIMARY KEY) STRICT"));
    writer_ = std::make_unique<Writer>(*std::move(connection));
  }
  std::int64_t count() const {
    const auto reader = Connection::open(folder_.path("f"), Connection::Access::read);
    return (*reader)->number("SELECT COUNT(*) FROM t").value();
  }
  static Writer::Work insert(std::int64_t n) {
    return [n](Connection& on) { return on.run("INSERT INTO t VALUES (?)", n); };
  }

  StateFolder folder_;
  std::unique_ptr<Writer> writer_;
};

TEST_F(WriterTest, AWorkThatFailsIsUndoneWholeAndAlone) {
  ASSERT_TRUE(writer_->run(insert(1)));
  const auto refused = writer_->run([](Connection& on) -> Result<void> {
    HF_CHECK(on.run("INSERT INTO t VALUES (2)"));
    return on.run("INSERT INTO t VALUES (1)");
  });
  EXPECT_EQ(refused.error().reason, "bad_state") << "a sound file has no such key twice";
  EXPECT_EQ(count(), 1);
}

TEST_F(WriterTest, WhatIsPostedMeanwhileIsCommittedTogether) {
  constexpr int works = 64;
  std::atomic<int> posting = 0;
  std::atomic<int> commits = 0;
  std::atomic<int> failed = 0;
  std::vector<std::jthread> threads;
  // The first holds the writer until all others have come.
  threads.emplace_back([&] {
    EXPECT_TRUE(writer_->run([&](Connection& on) -> Result<void> {
      sqlite3_commit_hook(
          on.handle(), [](void* n) { return ++*static_cast<std::atomic<int>*>(n), 0; }, &commits);
      while (posting < works) std::this_thread::yield();
      std::this_thread::sleep_for(std::chrono::milliseconds(50));
      return {};
    }));
  });
  for (int i = 0; i < works; ++i) {
    threads.emplace_back([&, i] {
      ++posting;
      const auto done = writer_->run([&](Connection& on) -> Result<void> {
        HF_CHECK(on.run("INSERT INTO t VALUES (?)", std::int64_t{i}));
        if (i % 4 == 0) return fail(ErrorCode::failed_precondition, "no", "undone");
        return {};
      });
      failed += !done;
    });
  }
  threads.clear();
  EXPECT_EQ(failed, works / 4);
  EXPECT_EQ(count(), works - works / 4);
  EXPECT_LE(commits, 8) << "and not one for each";
}

// A full disk makes SQLite undo the whole transaction, not the statement alone.
TEST_F(WriterTest, AWorkThatEndsTheTransactionTakesNoOtherWithIt) {
  std::atomic<int> posting = 0;
  std::atomic<int> failed = 0;
  std::vector<std::jthread> threads;
  threads.emplace_back([&] {
    EXPECT_TRUE(writer_->run([&](Connection&) -> Result<void> {
      while (posting < 20) std::this_thread::yield();
      std::this_thread::sleep_for(std::chrono::milliseconds(50));
      return {};
    }));
  });
  for (int i = 0; i < 20; ++i) {
    threads.emplace_back([&, i] {
      ++posting;
      const auto done = writer_->run([&](Connection& on) -> Result<void> {
        HF_CHECK(on.run("INSERT INTO t VALUES (?)", std::int64_t{i}));
        if (i % 7 == 3) return on.run("INSERT OR ROLLBACK INTO t VALUES (?)", std::int64_t{i});
        return {};
      });
      failed += !done;
    });
  }
  threads.clear();
  EXPECT_EQ(failed, 3);
  EXPECT_EQ(count(), 17);
}

TEST_F(WriterTest, TheLogStaysShortUnderSteadyWork) {
  for (int i = 0; i < 60; ++i) {
    ASSERT_TRUE(writer_->run([&](Connection& on) {
      return on.run(
          "INSERT INTO t SELECT value + ? * 100000 FROM (WITH RECURSIVE c(value) AS "
          "(SELECT 1 UNION ALL SELECT value + 1 FROM c WHERE value < 20000) SELECT value "
          "FROM c)",
          std::int64_t{i});
    }));
  }
  EXPECT_LT(std::filesystem::file_size(folder_.path("f-wal")), 8u << 20);
  EXPECT_GT(std::filesystem::file_size(folder_.path("f")), 4u << 20) << "it went there";
}

TEST(SqliteErrors, SayWhatTheCallerCanDo) {
  const auto show = [](int code, int os_error = 0) {
    const Error error = error_of(code, os_error, "");
    return std::string(to_string(error.code)) + "/" + std::string(error.reason);
  };
  EXPECT_EQ(show(SQLITE_FULL), "resource_exhausted/disk_full");
  EXPECT_EQ(show(SQLITE_IOERR_WRITE, ENOSPC), "resource_exhausted/disk_full");
  EXPECT_EQ(show(SQLITE_IOERR_WRITE, EIO), "unavailable/io_error");
  EXPECT_EQ(show(SQLITE_IOERR_FSYNC, EIO), "unavailable/io_error");
  EXPECT_EQ(show(SQLITE_IOERR_SHORT_READ), "data_loss/bad_state");
  EXPECT_EQ(show(SQLITE_IOERR_NOMEM), "resource_exhausted/out_of_memory");
  EXPECT_EQ(show(SQLITE_CANTOPEN, EACCES), "permission_denied/permission_denied");
  EXPECT_EQ(show(SQLITE_CANTOPEN, EMFILE), "resource_exhausted/too_many_files");
  EXPECT_EQ(show(SQLITE_READONLY), "permission_denied/permission_denied");
  EXPECT_EQ(show(SQLITE_CORRUPT), "data_loss/bad_state");
  EXPECT_EQ(show(SQLITE_NOTADB), "data_loss/bad_state");
  EXPECT_EQ(show(SQLITE_CONSTRAINT_UNIQUE), "data_loss/bad_state");
  EXPECT_EQ(show(SQLITE_BUSY), "failed_precondition/locked");
  EXPECT_EQ(show(SQLITE_BUSY_SNAPSHOT), "failed_precondition/locked");
}

}  // namespace
}  // namespace hf::sqlite
