// SPDX-License-Identifier: Apache-2.0
#include "metric/sample.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <string>
#include <vector>

#include "metric/event_world.h"
#include "metric/query.h"

namespace hf::test {
namespace {

std::int64_t sampled_of(PersonOrdinal first, PersonOrdinal end, double share) {
  std::int64_t count = 0;
  for (PersonOrdinal person = first; person < end; ++person) {
    count += sample_fraction(person) < share ? 1 : 0;
  }
  return count;
}

TEST(Sample, IsTheSameForEver) {
  EXPECT_DOUBLE_EQ(sample_fraction(0), 0.29746744686547044);
  EXPECT_DOUBLE_EQ(sample_fraction(1), 0.45196631791216213);
  EXPECT_DOUBLE_EQ(sample_fraction(4'000'000'000), 0.19841868257304729);
}

// Each block of persons is a population of its own; the numbers are fixed, and so is the outcome.
TEST(Sample, TheStatedErrorHoldsAsOftenAsItShould) {
  constexpr PersonOrdinal persons = 1'000;
  constexpr PersonOrdinal blocks = 2'000;
  for (const double share : {0.05, 0.1, 0.5, 0.9}) {
    double sum = 0;
    int covered = 0;
    for (PersonOrdinal block = 0; block < blocks; ++block) {
      const auto count =
          estimated(sampled_of(block * persons, (block + 1) * persons, share), share);
      const double error = sample_error_factor(share) * std::sqrt(static_cast<double>(count));
      sum += static_cast<double>(count);
      covered += std::abs(static_cast<double>(count) - persons) <= 1.96 * error ? 1 : 0;
    }
    // Unbiased: the mean of the blocks has an error of its own, sqrt(blocks) times smaller.
    const double error_of_mean = sample_error_factor(share) * std::sqrt(double{persons} / blocks);
    EXPECT_NEAR(sum / blocks, persons, 4 * error_of_mean) << share;
    EXPECT_NEAR(static_cast<double>(covered) / blocks, 0.95, 0.02) << share;
  }
}

TEST(Sample, NeighboursFallIndependently) {
  constexpr PersonOrdinal persons = 1'000'000;
  std::int64_t both = 0;
  for (PersonOrdinal person = 0; person < persons; ++person) {
    both += sample_fraction(person) < 0.5 && sample_fraction(person + 1) < 0.5 ? 1 : 0;
  }
  EXPECT_NEAR(static_cast<double>(both), persons / 4.0, 4 * std::sqrt(persons * 3.0 / 16));
}

TEST(Sample, ASmallerOneLiesWithinALargerOne) {
  Snapshot snapshot;
  snapshot.person_end = 100'000;
  WorkGuard guard;
  const auto small = sampled_people(snapshot, 0.1, guard).value();
  const auto large = sampled_people(snapshot, 0.2, guard).value();
  PersonBitmap both = small;
  both &= large;
  EXPECT_EQ(both, small);
  EXPECT_GT(large.size(), small.size());
}

TEST(Sample, APersonOfSeveralIdsIsSampledByTheOneKnownLongest) {
  Snapshot snapshot;
  snapshot.person_end = 4'000;
  auto belonging = std::make_shared<Belonging>();
  for (PersonOrdinal owner = 0; owner < 4'000; ++owner) {
    // Persons of four ids; who they are is the third one's.
    belonging->of.push_back(owner / 4 * 4 + 2);
  }
  snapshot.belonging = belonging;
  WorkGuard guard;
  const auto sampled = sampled_people(snapshot, 0.3, guard).value();
  for (PersonOrdinal first = 0; first < 4'000; first += 4) {
    EXPECT_EQ(sampled.contains(first + 2), sample_fraction(first) < 0.3) << first;
  }
}

TEST(Sample, CountsAreRoundedToTheNearestEvenOneOfTwo) {
  EXPECT_EQ(estimated(1, 0.4), 2);  // 2.5
  EXPECT_EQ(estimated(3, 0.4), 8);  // 7.5
  EXPECT_EQ(estimated(2, 0.3), 7);  // 6.67
  EXPECT_EQ(estimated(0, 0.3), 0);
  EXPECT_EQ(estimated(0, 1e-300), 0);
  EXPECT_EQ(estimated(1, 1e-300), std::int64_t{1} << 62);
}

std::vector<WorldEvent> visitors(int persons) {
  std::vector<WorldEvent> events;
  for (int i = 0; i < persons; ++i) {
    WorldEvent event{fmt::format("p{}", i), "visit", utc("2026-01-05T09:00"), {}, 0};
    event.properties.emplace_back("n", number(i % 2 == 0 ? "1" : "3"));
    events.push_back(event);
    if (i % 4 == 0) {
      events.push_back({event.person, "buy", utc("2026-01-06T09:00"), {}, 0});
    }
  }
  return events;
}

std::string answer_of(const EventWorld& world, const QueryContext& context, std::string query) {
  std::ranges::replace(query, '\'', '"');
  const auto answer = answer_query(world.snapshot(), context, query);
  EXPECT_TRUE(answer) << answer.error().message;
  return answer ? *answer : "";
}

TEST(SampleExample, ItsCountsAreEstimatesOfAll) {
  EventWorld world(visitors(4'000));
  const QueryContext context = world.context();
  const std::int64_t visits = sampled_of(0, 4'000, 0.1);
  const auto answer = [&](const std::string& query) { return answer_of(world, context, query); };
  const std::string funnel =
      answer("{'metric':'funnel','sample':0.1,'steps':[{'event':'visit'},{'event':'buy'}]}");
  EXPECT_NE(funnel.find(R"("exact":false,"sample":{"share":0.1,"error_factor":3})"),
            std::string::npos)
      << funnel;
  EXPECT_NE(funnel.find(fmt::format(R"({{"label":"visit","count":{})", visits * 10)),
            std::string::npos)
      << funnel;
  EXPECT_NE(funnel.find(fmt::format(R"("persons_scanned":{})", visits)), std::string::npos)
      << funnel;
  for (const char* query :
       {"{'metric':'retention','sample':0.1,'start':{'event':'visit'},'periods':1}",
        "{'metric':'lifecycle','sample':0.1,'match':{'event':'visit'}}",
        "{'metric':'stickiness','sample':0.1,'match':{'event':'visit'},'to':'2026-01-05'}",
        "{'metric':'segment_size','sample':0.1,'as_of':'2026-01-31'}",
        "{'metric':'trend','sample':0.1,'series':[{'event':'visit','math':'unique'}]}"}) {
    const std::string text = answer(query);
    EXPECT_NE(text.find(fmt::format("{}", visits * 10)), std::string::npos) << text;
    EXPECT_NE(text.find(R"("exact":false)"), std::string::npos) << text;
  }
  const std::string mean = answer(
      "{'metric':'trend','sample':0.1,'to':'2026-01-05',"
      "'series':[{'event':'visit','math':'median','property':'n'},"
      "{'event':'visit','math':'per_user'}]}");
  EXPECT_NE(mean.find(R"({"label":"visit","values":[1],"total":1})"), std::string::npos) << mean;
}

}  // namespace
}  // namespace hf::test
