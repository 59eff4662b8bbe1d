// SPDX-License-Identifier: Apache-2.0
#include "stats/chance.h"

#include <gtest/gtest.h>

#include <cmath>

namespace hf {
namespace {

// Exact fractions of Python 3.11: sums of comb(n, i) / 2^n. 1 of 8, 2 of 9 and 2 of 12 are in the
// table of the sign test, too (Siegel 1956, table D: .035, .090, .019).
TEST(ChanceOfCounts, IsTheBinomialProbabilityGivenTheSum) {
  const struct {
    std::int64_t now, before;
    double less, more;
  } cases[] = {
      {1, 7, 0.03515625, 0.99609375},
      {7, 1, 0.99609375, 0.03515625},
      {2, 7, 0.08984375, 0.98046875},
      {2, 10, 0.019287109375, 0.996826171875},
      {5, 15, 0.020694732666015625, 0.9940910339355469},
      {0, 5, 0.03125, 1},
      {0, 0, 1, 1},
      {350, 500, 1.5004903521860744e-07, 0.9999998962679356},
      {0, 1'000, 9.332636185032189e-302, 1},
  };
  for (const auto& c : cases) {
    EXPECT_NEAR(chance_of_counts(c.now, c.before, Tail::less), c.less, c.less * 1e-11)
        << c.now << ' ' << c.before;
    EXPECT_NEAR(chance_of_counts(c.now, c.before, Tail::more), c.more, c.more * 1e-11)
        << c.now << ' ' << c.before;
  }
}

// Sums of e^-m m^i / i! in 60 decimal digits of Python 3.11; 1 and 2 of 5 are .0404 and .1247 in
// every table of the Poisson distribution.
TEST(ChanceOfCount, IsThePoissonProbability) {
  const struct {
    std::int64_t now;
    double mean, less, more;
  } cases[] = {
      {1, 5, 0.040427681994512805, 0.9932620530009145},
      {2, 5, 0.12465201948308115, 0.9595723180054871},
      {10, 5, 0.986304731401617, 0.03182805730620481},
      {0, 3, 0.049787068367863944, 1},
      {3, 10, 0.010336050675925718, 0.9972306042844884},
      {90, 110.5, 0.02568228296327522, 0.9798274300933734},
      {0, 0.05, 0.951229424500714, 1},
  };
  for (const auto& c : cases) {
    EXPECT_NEAR(chance_of_count(c.now, c.mean, Tail::less), c.less, c.less * 1e-11) << c.now;
    EXPECT_NEAR(chance_of_count(c.now, c.mean, Tail::more), c.more, c.more * 1e-11) << c.now;
  }
}

TEST(ChanceOfSums, IsTheNormalProbabilityOfTheDifferenceOverItsDeviation) {
  EXPECT_NEAR(chance_of_sums(-3, 3, Tail::less), 0.04163225833177522, 1e-12);
  EXPECT_NEAR(chance_of_sums(3, 3, Tail::more), 0.04163225833177522, 1e-12);
  EXPECT_NEAR(chance_of_sums(5, 100, Tail::less), 0.6914624612740131, 1e-12);
  EXPECT_NEAR(chance_of_sums(-1.6448536269514722, 1, Tail::less), 0.05, 1e-12);
  EXPECT_EQ(chance_of_sums(-7, 0, Tail::less), 1);
  EXPECT_EQ(chance_of_sums(7, 0, Tail::more), 1);
}

TEST(Chance, IsAProbabilityForWhateverSize) {
  for (const std::int64_t now : {0LL, 1LL, 1'000'000'000LL}) {
    for (const std::int64_t before : {0LL, 1LL, 999'999'000LL, 1'000'000'000LL}) {
      for (const Tail tail : {Tail::less, Tail::more}) {
        const double chance = chance_of_counts(now, before, tail);
        EXPECT_TRUE(chance >= 0 && chance <= 1) << now << ' ' << before;
        const double against = chance_of_count(now, static_cast<double>(before) + 1e-9, tail);
        EXPECT_TRUE(against >= 0 && against <= 1) << now << ' ' << before;
      }
    }
  }
  EXPECT_EQ(chance_of_sums(-1e300, 1, Tail::less), 0);
  EXPECT_TRUE(std::isfinite(chance_of_count(1, 9.2e18, Tail::more)));
}

}  // namespace
}  // namespace hf
