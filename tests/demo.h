// SPDX-License-Identifier: Apache-2.0
//
// Test support: the demo's data directory, and the program run on it.
#pragma once

#include <gtest/gtest.h>

#include <string>
#include <string_view>
#include <vector>

#include "program.h"

namespace hf::test {

inline const std::string example = std::string(HOLDFAST_SOURCE_DIR) + "/examples/online_retail";

/// The demo's data directory, made once for all tests that only read it.
class Demo : public testing::Test {
 protected:
  static void SetUpTestSuite() {
    directory_ = new ScratchDirectory;
    first_run_ =
        new Ended(::hf::test::run(*directory_, {"--data", *directory_ / "data", "--lang", "en",
                                                "demo", "--no-serve", "--example", example}));
  }
  static void TearDownTestSuite() {
    delete first_run_;
    delete directory_;
  }

  static Ended run(std::vector<std::string> arguments, std::string_view input = {}) {
    arguments.insert(arguments.begin(), {"--data", *directory_ / "data"});
    return ::hf::test::run(*directory_, std::move(arguments), input);
  }
  static const Ended& first_run() { return *first_run_; }

 private:
  static inline ScratchDirectory* directory_ = nullptr;
  static inline Ended* first_run_ = nullptr;
};

}  // namespace hf::test
