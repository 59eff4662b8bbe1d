// SPDX-License-Identifier: Apache-2.0
//
// A second opinion on trend by SQL: the maths, formulas and the earlier range (second_opinion.h).
#include <gtest/gtest.h>

#include "second_opinion.h"

namespace hf::test {
namespace {

TEST_F(SecondOpinion, SqlOverAnExportSaysHowMuchOfWhatThereWas) {
  check_cases("trend agrees with SQL", 40,
              [&] { compare({.metrics = {Metric::trend}, .maths = true}); });
}

}  // namespace
}  // namespace hf::test
