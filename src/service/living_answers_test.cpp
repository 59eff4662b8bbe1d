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

/// A store on the disk, as compaction removes files that questions are reading.
class ShopStore {
 public:
  ShopStore() {
    directory_ = (std::filesystem::temp_directory_path() / "hf_answers_XXXXXX").string();
    HF_ASSERT(::mkdtemp(directory_.data()) != nullptr);
    store =
        Store::open(real_env(), directory_, Store::Access::own, {.rows_per_part = 20'000}).value();
    appender = Appender::open(*store).value();
  }
  ~ShopStore() {
    appender.reset();
    store.reset();
    std::filesystem::remove_all(directory_);
  }
  ShopStore(const ShopStore&) = delete;
  ShopStore& operator=(const ShopStore&) = delete;

  void add(std::uint64_t first, std::uint64_t end) {
    for (std::uint64_t i = first; i < end; ++i) {
      add_shop_event(*appender, persons, i);
      if (i % 5'000 == 4'999 || i + 1 == end) HF_ASSERT(appender->commit().has_value());
    }
  }

  std::unique_ptr<Store> store;
  std::unique_ptr<Appender> appender;

 private:
  std::string directory_;
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
  LivingShop::Seen seen;
  std::vector<std::string> answers;
};

TEST(LivingAnswers, AreThoseOfTheSameDataAtRest) {
  ShopStore shop;
  shop.add(0, stored_events);
  std::vector<Asked> all;
  std::uint64_t compactions = 0;
  {
    LivingShop living(*shop.store, *shop.appender,
                      {.persons = persons, .first_event = stored_events, .per_second = 10'000});
    // Until parts were replaced twice while somebody had a snapshot of them.
    while (all.size() < 6 || (living.compactions() < 3 && all.size() < 500)) {
      LivingShop::Seen seen = living.look();
      std::vector<std::string> answers = answers_of(seen.snapshot, 2);
      all.push_back({std::move(seen), std::move(answers)});
    }
    compactions = living.compactions();
  }
  EXPECT_GE(compactions, 2u);
  EXPECT_GT(all.back().seen.end_event, all.front().seen.end_event);
  const std::size_t step = std::max<std::size_t>(1, all.size() / 6);
  for (std::size_t i = 0; i < all.size(); i += step) {
    const Asked& asked = all[i];
    SCOPED_TRACE(asked.seen.end_event);
    // The same snapshot, once nothing goes on any more; much of what it holds was replaced.
    const std::vector<std::string> quiet = answers_of(asked.seen.snapshot, 1);
    // The same events in another store, which never had others.
    ShopStore copy;
    copy.add(0, asked.seen.end_event);
    EXPECT_TRUE(copy.store->flush());
    const std::vector<std::string> copied = answers_of(copy.store->snapshot().value(), 2);
    for (std::size_t q = 0; q < living_questions.size(); ++q) {
      EXPECT_EQ(quiet[q], asked.answers[q]) << living_questions[q].name;
      EXPECT_EQ(copied[q], asked.answers[q]) << living_questions[q].name;
    }
  }
}

}  // namespace
}  // namespace hf::test
