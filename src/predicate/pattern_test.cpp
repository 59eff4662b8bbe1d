// SPDX-License-Identifier: Apache-2.0
#include "predicate/pattern.h"

#include <gtest/gtest.h>

namespace hf {
namespace {

bool matches(const std::string& expression, std::string_view text, bool case_insensitive = false) {
  const auto pattern = Pattern::compile(expression, case_insensitive, "");
  EXPECT_TRUE(pattern) << expression;
  return pattern && (*pattern)->matches(text);
}

TEST(Pattern, MatchesAnywhereUnlessAnchored) {
  EXPECT_TRUE(matches("b+", "abbc"));
  EXPECT_FALSE(matches("^b+", "abbc"));
  EXPECT_FALSE(matches("b$", "ab\n"));
  EXPECT_TRUE(matches("", ""));
}

TEST(Pattern, FoldsCaseWhereAsked) {
  EXPECT_FALSE(matches("größe", "GRÖẞE"));
  EXPECT_TRUE(matches("größe", "GRÖẞE", true));
}

TEST(Pattern, CountsCharactersNotBytes) { EXPECT_TRUE(matches("^.$", "ö")); }

TEST(Pattern, RefusesWhatIsNoneOrTooMuch) {
  const struct {
    std::string_view name;
    std::string expression;
  } cases[] = {
      {"unclosed group", "(a"},
      {"back reference", "(a)\\1"},
      {"look-ahead", "a(?=b)"},
      {"no UTF-8", "\xff"},
      {"longer than the limit", std::string(Pattern::expression_bytes_max + 1, 'a')},
      {"too large once compiled", "((\\pL{100}){100}){100}"},
  };
  for (const auto& c : cases) {
    const auto pattern = Pattern::compile(c.expression, false, "/where/value");
    ASSERT_FALSE(pattern) << c.name;
    EXPECT_EQ(pattern.error().code, ErrorCode::invalid_argument) << c.name;
    EXPECT_EQ(pattern.error().reason, "invalid_pattern") << c.name;
    EXPECT_EQ(pattern.error().pointer, "/where/value") << c.name;
  }
  EXPECT_TRUE(Pattern::compile(std::string(Pattern::expression_bytes_max, 'a'), false, ""));
}

TEST(Pattern, TakesLinearTimeOnWhatMakesBacktrackersHang) {
  EXPECT_FALSE(matches("(a*)*(a*)*(a*)*b$", std::string(30'000, 'a')));
}

}  // namespace
}  // namespace hf
