// SPDX-License-Identifier: Apache-2.0
//
// A question of a command while it is answered: Ctrl-C, and the progress at a terminal.
#include "cli/asking.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <csignal>
#include <string>
#include <thread>

#include "base/env.h"
#include "base/guarded.h"

namespace hf {
namespace {

using std::chrono::milliseconds;

template <class Ready>
bool comes_true(Ready&& ready) {
  for (int i = 0; i < 1'000; ++i) {
    if (ready()) return true;
    std::this_thread::sleep_for(milliseconds(10));
  }
  return false;
}

/// What a terminal would have been sent.
class Screen {
 public:
  [[nodiscard]] Asking::Screen after(milliseconds patience) {
    return {.write = [this](std::string_view text) { *text_.lock() += text; },
            .patience = patience};
  }
  [[nodiscard]] std::string text() const { return *text_.lock(); }

 private:
  Guarded<std::string> text_;
};

TEST(Asking, CtrlCEndsTheQuestionWith130) {
  Asking asking(real_env(), {}, {});
  ASSERT_TRUE(asking.guard().check());
  ASSERT_EQ(std::raise(SIGINT), 0);
  ASSERT_TRUE(comes_true([&] { return !asking.guard().check().has_value(); }));
  asking.end();
  CapturedOutput output;
  const int code = reported([&]() -> Result<int> {
    HF_CHECK(asking.guard().check());
    return 0;
  });
  EXPECT_EQ(code, 130);
  EXPECT_EQ(output.err, "holdfast: stopped before there was an answer (cancelled)\n");
}

TEST(Asking, AnotherQuestionIsNotStoppedByTheCtrlCOfTheOneBefore) {
  {
    Asking asking(real_env(), {}, {});
    ASSERT_EQ(std::raise(SIGINT), 0);
  }
  Asking asking(real_env(), {}, {});
  std::this_thread::sleep_for(milliseconds(200));
  EXPECT_TRUE(asking.guard().check());
}

TEST(Asking, HasTheLimitsThatWereAskedFor) {
  Asking free(real_env(), {}, {});
  EXPECT_TRUE(free.guard().take(std::size_t{1} << 30));
  EXPECT_FALSE(free.guard().take(1));
  Asking limited(real_env(), {.seconds = 1, .mib = 2}, {});
  EXPECT_TRUE(limited.guard().take(2 << 20));
  const auto over = limited.guard().take(1);
  ASSERT_FALSE(over);
  EXPECT_EQ(over.error().reason, "memory_limit");
  EXPECT_TRUE(limited.guard().check());
  ASSERT_TRUE(comes_true([&] { return !limited.guard().check().has_value(); }));
  EXPECT_EQ(limited.guard().check().error().reason, "time_limit");
  EXPECT_TRUE(free.guard().check()) << "by default there is time";
}

TEST(Asking, ShowsHowFarItIsAndLeavesNothing) {
  Screen screen;
  Asking asking(real_env(), {}, screen.after(milliseconds(0)));
  const auto shows = [&](const std::string& text) {
    return comes_true([&] { return screen.text().ends_with("\r\x1b[K" + text); });
  };
  EXPECT_TRUE(shows("  ..."));
  asking.guard().expect(200);
  EXPECT_TRUE(shows("  0 %"));
  asking.guard().advance(75);
  EXPECT_TRUE(shows(" 37 %"));
  asking.guard().advance(125);
  EXPECT_TRUE(shows("100 %"));
  asking.end();
  EXPECT_TRUE(screen.text().ends_with("100 %\r\x1b[K")) << screen.text();
  const std::string all = screen.text();
  asking.end();
  EXPECT_EQ(screen.text(), all);
}

TEST(Asking, ShowsNothingToWhoIsAnsweredSoon) {
  Screen screen;
  {
    Asking asking(real_env(), {}, screen.after(std::chrono::hours(1)));
    asking.guard().expect(1);
    std::this_thread::sleep_for(milliseconds(200));
  }
  EXPECT_EQ(screen.text(), "");
}

TEST(Asking, NeverTellsOfMoreThanAll) {
  EXPECT_EQ(progress_text({.done = 5, .expected = 4}), "100 %");
  EXPECT_EQ(progress_text({.done = 999, .expected = 1'000}), " 99 %") << "not done yet";
}

}  // namespace
}  // namespace hf
