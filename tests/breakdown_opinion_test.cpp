// SPDX-License-Identifier: Apache-2.0
//
// A second opinion on breakdowns and units by SQL (second_opinion.h).
#include <gtest/gtest.h>

#include "second_opinion.h"

namespace hf::test {
namespace {

using enum Metric;

TEST_F(SecondOpinion, SqlOverAnExportSaysInWhichGroupsWhatIs) {
  check_cases("breakdowns agree with SQL", 25, [&] {
    compare({.metrics = {trend, trend, lifecycle, stickiness, retention}, .dimensions = true});
  });
}

TEST_F(SecondOpinion, SqlOverAnExportCountsTheValuesOfAProperty) {
  check_cases("units agree with SQL", 15, [&] {
    compare({.metrics = {trend, lifecycle, stickiness, retention}, .units = true});
  });
}

}  // namespace
}  // namespace hf::test
