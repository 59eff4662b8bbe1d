// SPDX-License-Identifier: Apache-2.0
//
// Does chance explain a difference? One-sided tests of few events, for one person's behaviour:
// exact where counts are compared, so that they hold for counts of 0, 1 and 2 as well.
#pragma once

#include <cstdint>

namespace hf {

/// Which way the difference is asked for.
enum class Tail : std::uint8_t { less, more };

/// The probability of `now` or fewer (more: or more) of now + before events falling into the later
/// of two windows of equal length if the rate is the same in both: given their sum, the count of
/// one of two equal Poisson counts is binomial with p = 1/2. 1 where there is no event.
/// Przyborowski & Wilenski (1940), Homogeneity of results in testing samples from Poisson series,
/// Biometrika 31, 313-323. Requires counts of 0 or more.
[[nodiscard]] double chance_of_counts(std::int64_t now, std::int64_t before, Tail tail);

/// The probability of `now` or fewer (more: or more) events where `mean` are expected, the count
/// being Poisson. Garwood (1936), Fiducial limits for the Poisson distribution, Biometrika 28,
/// 437-442. Requires now >= 0, mean > 0.
[[nodiscard]] double chance_of_count(std::int64_t now, double mean, Tail tail);

/// The probability of a difference of sums at least as low (more: as high) where none is expected.
/// A sum of independent values, Poisson many, has the variance "rate x mean square", estimated
/// without bias by the sum of the squares seen; the difference over its square root is taken as
/// standard normal. Bohm & Zech (2014), Statistics of weighted Poisson events and its applications,
/// Nuclear Instruments and Methods A 748, 1-6. 1 where nothing varied. Requires squares >= 0: of
/// both sums where both vary.
[[nodiscard]] double chance_of_sums(double difference, double squares, Tail tail);

}  // namespace hf
