// SPDX-License-Identifier: Apache-2.0
//
// A second opinion on lifecycle and stickiness by SQL (second_opinion.h).
#include <gtest/gtest.h>

#include "second_opinion.h"

namespace hf::test {
namespace {

TEST_F(SecondOpinion, SqlOverAnExportSaysWhoIsNewStaysComesBackAndGoes) {
  check_cases("lifecycle agrees with SQL", 20, [&] { compare({.metrics = {Metric::lifecycle}}); });
}

TEST_F(SecondOpinion, SqlOverAnExportSaysWhoseProfileIsNew) {
  check_cases("lifecycle by profiles agrees with SQL", 20,
              [&] { compare({.metrics = {Metric::lifecycle}, .profiles = true}); });
}

TEST_F(SecondOpinion, SqlOverAnExportSaysHowOftenPersonsAreActive) {
  check_cases("stickiness agrees with SQL", 20,
              [&] { compare({.metrics = {Metric::stickiness}}); });
}

}  // namespace
}  // namespace hf::test
