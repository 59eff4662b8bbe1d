// SPDX-License-Identifier: Apache-2.0
//
// Questions that are asked while events come and parts are compacted are answered as if nothing
// went on beside them.
#include <gtest/gtest.h>

#include <filesystem>
#include <vector>

#include "metric/answer_cells.h"
#include "service/living_shop.h"

namespace hf::test {
namespace {

constexpr std::uint64_t persons = 3'000;
constexpr std::uint64_t stored_events = 30'000;
constexpr Store::Options options = {.rows_per_part = 20'000};

/// A directory on the disk, as compaction removes files that questions are reading.
class ScratchDirectory {
 public:
  ScratchDirectory()
      : path((std::filesystem::temp_directory_path() / "hf_living_XXXXXX").string()) {
    HF_ASSERT(::mkdtemp(path.data()) != nullptr);
  }
  ~ScratchDirectory() { std::filesystem::remove_all(path); }
  ScratchDirectory(const ScratchDirectory&) = delete;
  ScratchDirectory& operator=(const ScratchDirectory&) = delete;

  std::string path;
};

std::vector<std::string> answers_of(const Snapshot& snapshot, unsigned threads) {
  const QueryContext context{.env = real_env(), .threads = threads};
  std::vector<std::string> answers;
  for (const ShopQuestion& question : living_questions) {
    answers.push_back(ask_data(snapshot, context, question.query));
  }
  return answers;
}

struct Asked {
  Workspace::Reading reading;
  std::vector<std::string> answers;
};

std::uint64_t events_in(const Snapshot& snapshot) {
  std::uint64_t rows = 0;
  for (const auto& part : snapshot.parts) rows += part->row_count();
  return rows;
}

TEST(LivingAnswers, AreThoseOfTheSameDataAtRest) {
  const ScratchDirectory scratch;
  write_shop(scratch.path, persons, stored_events, options);
  const auto workspace = Workspace::open(real_env(), scratch.path, {.store = options}).value();
  std::vector<Asked> all;
  {
    LivingShop living(*workspace, {.persons = persons,
                                   .first_event = stored_events,
                                   .per_second = 10'000,
                                   .ahead_max = 20'000,
                                   .compaction = Urgency::soon});
    // Until parts were replaced while somebody had a snapshot of them.
    while (all.size() < 6 || (living.compactions() < 3 && all.size() < 500)) {
      Workspace::Reading reading = workspace->read().value();
      std::vector<std::string> answers = answers_of(reading.snapshot, 2);
      all.push_back({std::move(reading), std::move(answers)});
    }
    EXPECT_GE(living.compactions(), 2u);
  }
  EXPECT_GT(events_in(all.back().reading.snapshot), events_in(all.front().reading.snapshot));
  const std::size_t step = std::max<std::size_t>(1, all.size() / 6);
  for (std::size_t i = 0; i < all.size(); i += step) {
    const Snapshot& snapshot = all[i].reading.snapshot;
    const std::uint64_t events = events_in(snapshot);
    SCOPED_TRACE(events);
    // The same snapshot, once nothing goes on any more; much of what it holds was replaced.
    const std::vector<std::string> quiet = answers_of(snapshot, 1);
    // The same events in another store, which never had others.
    const ScratchDirectory other;
    write_shop(other.path, persons, events, options);
    const auto copy = Store::open(real_env(), other.path, Store::Access::own, options).value();
    EXPECT_TRUE(copy->flush());
    const std::vector<std::string> copied = answers_of(copy->snapshot().value(), 2);
    for (std::size_t q = 0; q < living_questions.size(); ++q) {
      EXPECT_EQ(quiet[q], all[i].answers[q]) << living_questions[q].name;
      EXPECT_EQ(copied[q], all[i].answers[q]) << living_questions[q].name;
    }
  }
}

}  // namespace
}  // namespace hf::test
