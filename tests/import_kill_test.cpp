// SPDX-License-Identifier: Apache-2.0
//
// The real program, killed, stopped and disturbed in the middle of an import.
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <sstream>
#include <thread>

#include "base/rng.h"
#include "program.h"

namespace hf {
namespace {

using test::Ended;
using test::run;
using test::Running;
using test::ScratchDirectory;
using testing::HasSubstr;
using testing::Not;

constexpr int rows = 300'000;
constexpr int rejected_rows = rows / 10'000;

std::string shop_csv() {
  Rng rng(7);
  std::string text = "person,event,time,message_id,revenue,product\n";
  for (int i = 0; i < rows; ++i) {
    if (i % 10'000 == 9'999) {
      text += "a broken row\n";
      continue;
    }
    text += fmt::format("p{},{},2025-{:02}-{:02}T{:02}:00:00Z,m{},{}.{:02},product {}\n",
                        rng.below(20'000), i % 3 == 0 ? "buy" : "view", 1 + rng.below(12),
                        1 + rng.below(28), rng.below(24), i, rng.below(100), rng.below(100),
                        rng.below(500));
  }
  return text;
}

std::vector<std::string> import_into(const std::string& data, const std::string& file) {
  return {"--data", data, "import", file, "--rows-per-part", "20000"};
}

/// All events of a store, sorted, without the time received, which is each import's own.
std::vector<std::string> exported(const ScratchDirectory& directory, const std::string& data) {
  const std::string file = directory / "export.csv";
  const Ended ended = run(directory, {"--data", data, "export", file});
  EXPECT_EQ(ended.code, 0) << ended.err;
  std::vector<std::string> lines;
  std::istringstream in(test::text_of(file));
  for (std::string line; std::getline(in, line);) {
    // person,event,time,received_at,..
    std::size_t before = std::string::npos;
    std::size_t after = std::string::npos;
    for (std::size_t at = line.find(','), n = 1; at != std::string::npos;
         at = line.find(',', at + 1), ++n) {
      if (n == 3) before = at;
      if (n == 4) after = at;
    }
    if (lines.empty()) {
      EXPECT_EQ(line.substr(before + 1, after - before - 1), "received_at");
    }
    lines.push_back(line.erase(before, after - before));
  }
  EXPECT_EQ(lines.size(), 1u + rows - rejected_rows);
  std::ranges::sort(lines);
  return lines;
}

void sleep_ms(std::uint64_t ms) { std::this_thread::sleep_for(std::chrono::milliseconds(ms)); }

class ImportKill : public testing::Test {
 protected:
  void SetUp() override { test::write_text(file_, shop_csv()); }

  ScratchDirectory directory_;
  const std::string file_ = directory_ / "shop.csv";
};

TEST_F(ImportKill, ThirtyTimesLosesNothingAndCountsNothingTwice) {
  const std::string whole = directory_ / "undisturbed";
  const auto begin = std::chrono::steady_clock::now();
  const Ended undisturbed = run(directory_, import_into(whole, file_));
  ASSERT_EQ(undisturbed.code, 0) << undisturbed.err;
  const auto whole_ms =
      static_cast<std::uint64_t>(std::chrono::duration_cast<std::chrono::milliseconds>(
                                     std::chrono::steady_clock::now() - begin)
                                     .count());

  const std::string data = directory_ / "killed";
  Rng rng(20'261);
  int kills = 0;
  bool resumed = false;
  for (int i = 0; i < 30; ++i) {
    SCOPED_TRACE(i);
    // An import that went through is taken away and made again.
    Running import(directory_, import_into(data, file_));
    sleep_ms(rng.below(whole_ms));
    import.signal(SIGKILL);
    const Ended ended = import.wait();
    if (ended.code == -SIGKILL) {
      ++kills;
      const Ended shown = run(directory_, {"--data", data, "sql", "--format", "csv",
                                           "SELECT count(*) AS n FROM events"});
      // Nothing, or all where the kill came after the last moment.
      if (shown.code == 0) {
        EXPECT_THAT(shown.out, testing::AnyOf("n\n0\n", "n\n299970\n"));
      } else {
        EXPECT_EQ(shown.code, 3) << shown.err;
      }
    } else {
      EXPECT_EQ(ended.code, 0) << ended.err;
      resumed = resumed || ended.out.find("went on at row") != std::string::npos;
      const Ended list = run(directory_, {"--data", data, "import", "list"});
      const auto done = list.out.rfind("done");
      ASSERT_NE(done, std::string::npos) << list.out;
      const std::string line = list.out.substr(list.out.rfind('\n', done) + 1);
      const Ended undone =
          run(directory_, {"--data", data, "import", "undo", std::to_string(std::stoi(line))});
      ASSERT_EQ(undone.code, 0) << undone.err;
    }
  }
  EXPECT_GT(kills, 10);
  const Ended last = run(directory_, import_into(data, file_));
  ASSERT_EQ(last.code, 0) << last.err;
  resumed = resumed || last.out.find("went on at row") != std::string::npos;
  EXPECT_TRUE(resumed);

  const Ended list = run(directory_, {"--data", data, "import", "list"});
  EXPECT_THAT(list.out, Not(HasSubstr("unfinished")));
  std::size_t done = 0;
  for (std::size_t at = list.out.find("done  "); at != std::string::npos;
       at = list.out.find("done  ", at + 1)) {
    if (at == 0 || list.out[at - 1] == ' ') ++done;
  }
  EXPECT_EQ(done, 1u) << list.out;
  EXPECT_EQ(exported(directory_, data), exported(directory_, whole));
  const auto rejects_of = [&](const std::string& store) {
    std::vector<std::string> files;
    for (const auto& entry : std::filesystem::directory_iterator(store + "/rejects")) {
      files.push_back(test::text_of(entry.path()));
    }
    return files;
  };
  EXPECT_EQ(rejects_of(data), rejects_of(whole));
  ASSERT_EQ(rejects_of(whole).size(), 1u);
  EXPECT_EQ(std::ranges::count(rejects_of(whole)[0], '\n'), rejected_rows + 1);
}

TEST_F(ImportKill, ByCtrlCStopsWithItsCodeAndGoesOnLater) {
  const std::string data = directory_ / "data";
  bool stopped = false;
  for (std::uint64_t wait_ms = 40; wait_ms < 2'000 && !stopped; wait_ms += 40) {
    SCOPED_TRACE(wait_ms);
    std::filesystem::remove_all(data);
    Running import(directory_, import_into(data, file_));
    sleep_ms(wait_ms);
    import.signal(SIGINT);
    const Ended ended = import.wait();
    // Before the program listens, the signal ends it as any other.
    if (ended.code == -SIGINT) continue;
    ASSERT_EQ(ended.code, 130) << ended.out << ended.err;
    EXPECT_THAT(ended.err, HasSubstr("the same command goes on from there"));
    EXPECT_THAT(ended.err, HasSubstr("(cancelled)"));
    stopped = true;
  }
  ASSERT_TRUE(stopped);
  const Ended again = run(directory_, import_into(data, file_));
  EXPECT_EQ(again.code, 0) << again.err;
  const Ended count = run(
      directory_, {"--data", data, "sql", "--format", "csv", "SELECT count(*) AS n FROM events"});
  EXPECT_EQ(count.out, "n\n299970\n");
}

TEST_F(ImportKill, SecondImportIsRefusedNamingTheHolderWhileQuestionsAreAnswered) {
  const std::string data = directory_ / "data";
  const std::string small = directory_ / "small.csv";
  test::write_text(small, "person,event,time\np,buy,2026-01-01\np,buy,2026-01-02\n");
  ASSERT_EQ(run(directory_, {"--data", data, "import", small}).code, 0);

  const ScratchDirectory aside;  // The second process' output.
  bool met = false;
  for (int tries = 0; tries < 10 && !met; ++tries) {
    SCOPED_TRACE(tries);
    const std::string idle = test::text_of(data + "/LOCK");
    Running import(directory_, import_into(data, file_));
    // The lock file tells its holder: who asked by taking the lock would stand in the way. Then the
    // import is held, however long the questions take.
    for (int i = 0; i < 2000 && test::text_of(data + "/LOCK") == idle; ++i) ::usleep(1000);
    import.signal(SIGSTOP);
    const Ended other = run(aside, {"--data", data, "import", "undo", "99"});
    met = other.code == 4;
    if (met) {
      EXPECT_THAT(other.err, HasSubstr("(locked)"));
      EXPECT_THAT(other.err, HasSubstr("process "));
      const Ended question = run(aside, {"--data", data, "retention", "--format", "json"});
      EXPECT_EQ(question.code, 0) << question.err;
      const Ended count = run(
          aside, {"--data", data, "sql", "--format", "csv", "SELECT count(*) AS n FROM events"});
      EXPECT_EQ(count.out, "n\n2\n");
      const Ended import_too = run(aside, {"--data", data, "import", file_});
      EXPECT_EQ(import_too.code, 4);
      EXPECT_THAT(import_too.err, HasSubstr("(locked)"));
    }
    import.signal(SIGCONT);
    EXPECT_EQ(import.wait().code, 0);
    if (!met) {
      const std::string id = std::to_string(tries + 2);
      ASSERT_EQ(run(directory_, {"--data", data, "import", "undo", id}).code, 0);
    }
  }
  EXPECT_TRUE(met);
}

}  // namespace
}  // namespace hf
