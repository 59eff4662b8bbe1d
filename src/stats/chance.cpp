// SPDX-License-Identifier: Apache-2.0
#include "stats/chance.h"

#include <boost/math/distributions/binomial.hpp>
#include <boost/math/distributions/normal.hpp>
#include <boost/math/distributions/poisson.hpp>
#include <cmath>

#include "base/assert.h"

namespace hf {
namespace {

namespace math = boost::math;
// What cannot be computed is not a number and below no level: nothing is thrown.
using Quiet =
    math::policies::policy<math::policies::domain_error<math::policies::ignore_error>,
                           math::policies::pole_error<math::policies::ignore_error>,
                           math::policies::overflow_error<math::policies::ignore_error>,
                           math::policies::evaluation_error<math::policies::ignore_error>>;

// P(X <= count), or P(X >= count).
template <class Distribution>
double tail_from(const Distribution& distribution, std::int64_t count, Tail tail) {
  if (tail == Tail::less) return math::cdf(distribution, static_cast<double>(count));
  if (count == 0) return 1;
  return math::cdf(math::complement(distribution, static_cast<double>(count - 1)));
}

}  // namespace

double chance_of_counts(std::int64_t now, std::int64_t before, Tail tail) {
  HF_ASSERT(now >= 0 && before >= 0);
  const std::int64_t both = now + before;
  if (both == 0) return 1;
  return tail_from(math::binomial_distribution<double, Quiet>(static_cast<double>(both), 0.5), now,
                   tail);
}

double chance_of_count(std::int64_t now, double mean, Tail tail) {
  HF_ASSERT(now >= 0 && mean > 0);
  return tail_from(math::poisson_distribution<double, Quiet>(mean), now, tail);
}

double chance_of_sums(double difference, double squares, Tail tail) {
  HF_ASSERT(squares >= 0);
  if (squares == 0) return 1;
  const double z = difference / std::sqrt(squares);
  return math::cdf(math::normal_distribution<double, Quiet>(), tail == Tail::less ? z : -z);
}

}  // namespace hf
