// SPDX-License-Identifier: Apache-2.0
#include "service/answer_cache.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <future>
#include <thread>
#include <vector>

#include "base/rng.h"
#include "metric/query.h"
#include "service/import_world.h"

namespace hf {
namespace {

using test::ImportWorld;
using test::must;

QueryContext context_of(const Env& env) { return {.env = env}; }

std::optional<std::string> canonical(std::string_view question) {
  return canonical_question(question, context_of(real_env()));
}

/// What one who asks is told.
struct Heard {
  std::vector<std::string> answers;  // Or reasons.
  bool is_shared = false;
  SharedAnswering::Tell tell() {
    return [this](const Result<KeptAnswer>& answer, bool shared) {
      answers.push_back(answer ? **answer : std::string(answer.error().reason));
      is_shared = shared;
    };
  }
};

std::shared_ptr<WorkGuard> guard() { return std::make_shared<WorkGuard>(); }

// -- which questions are equal --------------------------------------------------------------------

TEST(CanonicalQuestion, IsTheSameInWhateverOrderItsMembersCome) {
  EXPECT_EQ(
      canonical(R"({"metric":"trend","as_of":"2026-01-01","x":{"b":[{"d":1,"c":2}],"a":1}})"),
      canonical(
          R"( {"x":{"a":1,"b":[{"c":2,"d":1}]},"as_of":"2026-01-01","metric":"\u0074rend"})"));
}

TEST(CanonicalQuestion, DiffersWithWhateverAnAnswerDependsOn) {
  const std::string_view question = R"({"metric":"trend","as_of":"2026-01-01","v":[1,2]})";
  for (const std::string_view other :
       {R"({"metric":"trend","as_of":"2026-01-02","v":[1,2]})",
        R"({"metric":"trend","as_of":"2026-01-01","v":[2,1]})",
        R"({"metric":"trend","as_of":"2026-01-01","v":["1",2]})",
        R"({"metric":"trend","as_of":"2026-01-01","v":[true,2]})",
        R"({"metric":"trend","as_of":"2026-01-01","v":[1,2],"w":1})"}) {
    EXPECT_NE(canonical(question), canonical(other)) << other;
    EXPECT_TRUE(canonical(other));
  }
  QueryContext sundays = context_of(real_env());
  sundays.default_week_start = WeekStart::sunday;
  EXPECT_NE(canonical(question), canonical_question(question, sundays));
  QueryContext elsewhere = context_of(real_env());
  elsewhere.default_zone = must(Zone::load(real_env(), "Asia/Shanghai"));
  EXPECT_NE(canonical(question), canonical_question(question, elsewhere));
  QueryContext explaining = context_of(real_env());
  explaining.explain = true;
  EXPECT_FALSE(canonical_question(question, explaining));
}

TEST(CanonicalQuestion, ThereIsNoneWhereTheClockDecides) {
  for (const std::string_view question :
       {R"({"metric":"trend"})", R"({"metric":"trend","where":{"as_of":1}})", "{", "[]", "1"}) {
    EXPECT_FALSE(canonical(question)) << question;
  }
}

// -- who is told what -----------------------------------------------------------------------------

TEST(AnswerCache, OneComputationAnswersAllWhoAskTheSameMeanwhile) {
  AnswerCache cache;
  Heard first, second, other, newer;
  const auto leads = cache.place_for(7, "a", guard(), first.tell());
  ASSERT_TRUE(leads.leads);
  EXPECT_FALSE(cache.place_for(7, "a", guard(), second.tell()).leads);
  const auto another = cache.place_for(7, "b", guard(), other.tell());
  EXPECT_TRUE(another.leads);
  const auto of_more = cache.place_for(8, "a", guard(), newer.tell());
  EXPECT_TRUE(of_more.leads) << "the data changed";
  cache.finish(7, "a", leads.answering, "A");
  EXPECT_THAT(first.answers, testing::ElementsAre("A"));
  EXPECT_FALSE(first.is_shared);
  EXPECT_THAT(second.answers, testing::ElementsAre("A"));
  EXPECT_TRUE(second.is_shared);
  EXPECT_THAT(other.answers, testing::IsEmpty());
  EXPECT_THAT(newer.answers, testing::IsEmpty());
  EXPECT_EQ(cache.counts().answers, 0u) << "of older data nothing is kept";
  cache.finish(8, "a", of_more.answering, "A8");
  EXPECT_EQ(*cache.place_for(8, "a", guard(), first.tell()).kept, "A8");
  cache.finish(7, "b", another.answering, fail(ErrorCode::data_loss, "bad_page", "x"));
  EXPECT_THAT(other.answers, testing::ElementsAre("bad_page"));
  EXPECT_EQ(cache.counts().hits, 2u);
  EXPECT_EQ(cache.counts().misses, 3u);
}

TEST(AnswerCache, AnErrorIsNotKept) {
  AnswerCache cache;
  Heard heard;
  const auto place = cache.place_for(1, "a", guard(), heard.tell());
  cache.finish(1, "a", place.answering, fail(ErrorCode::resource_exhausted, "time_limit", "x"));
  EXPECT_TRUE(cache.place_for(1, "a", guard(), heard.tell()).leads);
}

TEST(AnswerCache, AComputationEndsOnlyWhenNobodyWaitsForIt) {
  AnswerCache cache;
  Heard first, second, third;
  const auto work = guard();
  const auto leads = cache.place_for(1, "a", work, first.tell());
  const auto joins = cache.place_for(1, "a", guard(), second.tell());
  leads.answering->leave(leads.number);
  EXPECT_THAT(first.answers, testing::ElementsAre("cancelled"));
  EXPECT_TRUE(work->check()) << "the second still wants it";
  joins.answering->leave(joins.number);
  EXPECT_FALSE(work->check());
  const auto begins = cache.place_for(1, "a", guard(), third.tell());
  EXPECT_TRUE(begins.leads) << "what is given up answers nobody";
  cache.finish(1, "a", leads.answering, fail(ErrorCode::cancelled, "cancelled", "x"));
  Heard fourth;
  EXPECT_FALSE(cache.place_for(1, "a", guard(), fourth.tell()).leads) << "the third leads still";
  cache.finish(1, "a", begins.answering, "A");
  begins.answering->leave(begins.number);
  EXPECT_THAT(first.answers, testing::ElementsAre("cancelled"));
  EXPECT_THAT(second.answers, testing::ElementsAre("cancelled"));
  EXPECT_THAT(third.answers, testing::ElementsAre("A"));
  EXPECT_THAT(fourth.answers, testing::ElementsAre("A"));
}

TEST(AnswerCache, QuestionsWithoutAnInstantAreNeitherKeptNorShared) {
  AnswerCache cache;
  Heard first, second;
  const auto one = cache.place_for(1, std::nullopt, guard(), first.tell());
  const auto two = cache.place_for(1, std::nullopt, guard(), second.tell());
  EXPECT_TRUE(one.leads && two.leads);
  cache.finish(1, std::nullopt, one.answering, "A");
  EXPECT_THAT(second.answers, testing::IsEmpty());
  cache.finish(1, std::nullopt, two.answering, "B");
  EXPECT_THAT(second.answers, testing::ElementsAre("B"));
  EXPECT_EQ(cache.counts().answers + cache.counts().misses, 0u);
}

TEST(AnswerCache, ForgetsWhatWasUsedLongestAgoAndNeverHoldsMoreThanItMay) {
  constexpr std::size_t bytes_max = 4'096;
  AnswerCache cache(bytes_max);
  Heard heard;
  std::vector<std::string> newest;  // The twin: questions, last used first.
  Rng rng(3);
  const auto answer = [](const std::string& question) { return std::string(400, question[0]); };
  for (int i = 0; i < 2'000; ++i) {
    const std::string question(1, static_cast<char>('a' + rng.below(12)));
    auto place = cache.place_for(1, question, guard(), heard.tell());
    const auto known = std::ranges::find(newest, question);
    ASSERT_EQ(place.kept != nullptr, known != newest.end()) << i;
    if (place.kept) {
      ASSERT_EQ(*place.kept, answer(question));
      newest.erase(known);
    } else {
      cache.finish(1, question, place.answering, answer(question));
    }
    newest.insert(newest.begin(), question);
    if (newest.size() > 6) newest.pop_back();  // Of 400 + 1 + 256 bytes.
    ASSERT_LE(cache.counts().bytes, bytes_max);
    ASSERT_EQ(cache.counts().answers, newest.size());
  }
  const auto large = cache.place_for(1, "large", guard(), heard.tell());
  cache.finish(1, "large", large.answering, std::string(bytes_max / 4, 'x'));
  EXPECT_EQ(cache.counts().answers, 6u) << "one answer does not drive out all others";
}

TEST(AnswerCache, TellsEachOfManyThreadsOnce) {
  AnswerCache cache(1 << 20);
  std::atomic<int> told = 0;
  std::atomic<int> wrong = 0;
  std::vector<std::thread> threads;
  constexpr int threads_n = 4;
  constexpr int rounds = 2'000;
  for (int t = 0; t < threads_n; ++t) {
    threads.emplace_back([&, t] {
      Rng rng(static_cast<std::uint64_t>(t));
      for (int i = 0; i < rounds; ++i) {
        const std::uint64_t version = static_cast<std::uint64_t>(i) / 10;
        const std::string question = rng.chance(0.5) ? "a" : "b";
        const std::string right = fmt::format("{} {}", version, question);
        const auto tell = [&, right](const Result<KeptAnswer>& answer, bool) {
          ++told;
          if (answer ? **answer != right : answer.error().reason != "cancelled") ++wrong;
        };
        const auto place = cache.place_for(version, question, guard(), tell);
        if (place.kept) {
          tell(place.kept, true);
        } else if (rng.chance(0.2)) {
          place.answering->leave(place.number);
          if (place.leads) cache.finish(version, question, place.answering, right);
        } else if (place.leads) {
          std::this_thread::yield();
          cache.finish(version, question, place.answering, right);
        }
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(told, threads_n * rounds);
  EXPECT_EQ(wrong, 0);
}

// -- against a store that changes -----------------------------------------------------------------

/// Without what tells how long it took.
std::string timeless(std::string answer) {
  const std::size_t at = answer.find("\"elapsed_ms\":");
  return at == std::string::npos ? answer : answer.erase(at, answer.find(',', at) + 1 - at);
}

TEST(AnswerCache, ACachedAnswerIsTheUncachedOneWhateverBecomesOfTheStore) {
  const std::vector<std::string> questions = {
      R"({"metric":"trend","series":[{"event":"*"}],"as_of":"2026-03-01"})",
      R"({"as_of":"2026-03-01","series":[{"event":"*"}],"metric":"trend"})",
      R"({"metric":"trend","series":[{"event":"*","math":"unique"}],"as_of":"2026-02-10"})",
      R"({"metric":"trend","series":[{"event":"*"}],"as_of":"2026-02-10","last":"P7D"})",
      R"({"metric":"retention","period":"week","as_of":"2026-03-01"})",
      R"({"metric":"retention","period":"week","as_of":"2026-03-01","periods":"x"})",
      R"({"metric":"trend","series":[{"event":"*"}]})",
  };
  for (std::uint64_t seed = 0; seed < 20; ++seed) {
    SCOPED_TRACE(seed);
    Rng rng(seed);
    ImportWorld world(seed + 1);
    AnswerCache cache(8'192);
    int import = 0;
    for (int step = 0; step < 60; ++step) {
      if (rng.chance(0.15)) {
        std::string rows = "user,event,time\n";
        for (std::uint64_t i = 0; i <= rng.below(4); ++i) {
          rows +=
              fmt::format("u{},visit,2026-02-{:02}T10:00:00Z\n", rng.below(5), 1 + rng.below(28));
        }
        ASSERT_TRUE(world.import_text(fmt::format("f{}.csv", ++import), rows));
      }
      if (rng.chance(0.1)) world.sim.advance_ms(86'400'000);
      const std::string& question = questions[rng.below(questions.size())];
      const Snapshot snapshot = must(world.store().snapshot());
      const Env env = world.env();
      const QueryContext context = {.env = env, .threads = 1};
      const auto fresh = answer_query(snapshot, context, question);
      const std::string right = fresh ? timeless(*fresh) : std::string(fresh.error().reason);
      const auto key = canonical_question(question, context);
      Heard heard;
      const auto place = cache.place_for(snapshot.data_version, key, guard(), heard.tell());
      if (place.kept) {
        EXPECT_EQ(timeless(*place.kept), right) << question;
        continue;
      }
      ASSERT_TRUE(place.leads);
      cache.finish(snapshot.data_version, key, place.answering,
                   answer_query(snapshot, context, question));
      ASSERT_EQ(heard.answers.size(), 1u);
      EXPECT_EQ(timeless(heard.answers[0]), right) << question;
    }
    EXPECT_GT(cache.counts().hits, 3u) << "something was to be compared";
  }
}

}  // namespace
}  // namespace hf
