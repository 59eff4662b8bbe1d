// SPDX-License-Identifier: Apache-2.0
#include "predicate/matcher.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <array>
#include <string>

namespace hf {
namespace {

using ::testing::HasSubstr;

Matcher parsed(const std::string& text) {
  const auto json = parse_json(text);
  EXPECT_TRUE(json) << text;
  auto matcher = parse_matcher(*json, "");
  EXPECT_TRUE(matcher) << text << ": " << matcher.error().message;
  return *std::move(matcher);
}

TEST(ParseMatcher, RefusesWithPlaceAndReason) {
  std::string hundred_and_one = R"({"event":"a"})";
  for (int i = 0; i < 100; ++i) hundred_and_one += R"(,{"event":"a"})";
  std::string sixty = R"({"event":"a"})";
  for (int i = 1; i < 60; ++i) sixty += R"(,{"event":"a"})";
  const struct {
    std::string_view name;
    std::string json;
    std::string_view reason, pointer, message;
  } cases[] = {
      {"no object", R"("purchase")", "wrong_type", "", "a text"},
      {"nothing said", "{}", "missing_field", "", "any_of"},
      {"label alone", R"({"label":"x"})", "missing_field", "", "any_of"},
      {"misspelt", R"({"evnt":"a"})", "unknown_field", "/evnt", "event"},
      {"of the caller", R"({"event":"a","within":"P1D"})", "unknown_field", "/within", "where"},
      {"both forms", R"({"event":"a","any_of":[{"event":"b"}]})", "unknown_field", "/event", ""},
      {"where beside any_of", R"({"any_of":[{"event":"b"}],"where":{}})", "unknown_field", "/where",
       ""},
      {"event is no text", R"({"event":1})", "wrong_type", "/event", "a number"},
      {"empty event", R"({"event":""})", "missing_field", "/event", "any event"},
      {"label is no text", R"({"event":"a","label":1})", "wrong_type", "/label", "a number"},
      {"any_of is no array", R"({"any_of":{}})", "wrong_type", "/any_of", "array"},
      {"any_of nothing", R"({"any_of":[]})", "missing_field", "/any_of", "at least one"},
      {"any_of too many", R"({"any_of":[)" + hundred_and_one + "]}", "too_many_values", "/any_of",
       "101"},
      {"too many together",
       R"({"any_of":[{"any_of":[)" + sixty + R"(]},{"any_of":[)" + sixty + "]}]}",
       "too_many_values", "/any_of/1/any_of/40", "100"},
      {"inside", R"({"any_of":[{"event":"a"},{"any_of":[{"event":"b","where":{"any":[]}}]}]})",
       "missing_field", "/any_of/1/any_of/0/where/any", ""},
      {"where is wrong", R"({"event":"a","where":[]})", "wrong_type", "/where", "an array"},
  };
  for (const auto& c : cases) {
    SCOPED_TRACE(c.name);
    const auto json = parse_json(c.json);
    ASSERT_TRUE(json);
    const auto matcher = parse_matcher(*json, "/start");
    ASSERT_FALSE(matcher);
    EXPECT_EQ(matcher.error().code, ErrorCode::invalid_argument);
    EXPECT_EQ(matcher.error().reason, c.reason);
    EXPECT_EQ(matcher.error().pointer, "/start" + std::string(c.pointer));
    EXPECT_THAT(matcher.error().message, HasSubstr(c.message));
  }
}

TEST(ParseMatcher, PassesOverMembersOfTheCallerOnlyOutermost) {
  constexpr std::array<std::string_view, 1> beside = {"within"};
  const auto outer = parse_json(R"({"any_of":[{"event":"a"}],"within":"P1D"})");
  EXPECT_TRUE(parse_matcher(*outer, "", beside));
  const auto inner = parse_json(R"({"any_of":[{"event":"a","within":"P1D"}]})");
  ASSERT_FALSE(parse_matcher(*inner, "", beside));
  EXPECT_EQ(parse_matcher(*inner, "", beside).error().pointer, "/any_of/0/within");
  const auto misspelt = parse_json(R"({"event":"a","withn":"P1D"})");
  EXPECT_THAT(parse_matcher(*misspelt, "", beside).error().message, HasSubstr("within"));
}

TEST(ParseMatcher, FlattensAndLabels) {
  const struct {
    std::string_view json, label;
    std::size_t choices;
  } cases[] = {
      {R"({"event":"purchase"})", "purchase", 1},
      {R"({"event":"purchase","label":"bought"})", "bought", 1},
      {R"({"event":"*"})", "any event", 1},
      {R"({"any_of":[{"event":"a"},{"event":"b"}]})", "a or b", 2},
      {R"({"any_of":[{"event":"a"},{"any_of":[{"event":"b"},{"any_of":[{"event":"c"}]}]}]})",
       "a or b or c", 3},
      {R"({"any_of":[{"event":"a"},{"event":"b"}],"label":"x"})", "x", 2},
      {R"({"any_of":[{"event":"a","label":"x"},{"any_of":[{"event":"b"}],"label":"y"}]})", "x or y",
       2},
      {R"({"any_of":[{"event":"a"},{"event":"a","where":{"all":[]}}]})", "a", 2},
      {R"({"any_of":[{"event":"*"},{"event":"identify"}]})", "any event or identify", 2},
  };
  for (const auto& c : cases) {
    const Matcher matcher = parsed(std::string(c.json));
    EXPECT_EQ(matcher.label, c.label) << c.json;
    EXPECT_EQ(matcher.choices.size(), c.choices) << c.json;
  }
}

TEST(Matcher, AnyEventLeavesOutWhatIsNoActivity) {
  const Matcher any = Matcher::any_event();
  EXPECT_TRUE(any.is_any_event());
  EXPECT_EQ(any.label, "any event");
  for (const char* name : {"purchase", "page", "screen", "*", "hf", "Identify"}) {
    EXPECT_TRUE(any.names(name)) << name;
  }
  for (const char* name : {"identify", "alias", "group", "hf:", "hf:sent"}) {
    EXPECT_FALSE(any.names(name)) << name;
    EXPECT_TRUE(parsed(std::string(R"({"event":")") + name + "\"}").names(name)) << name;
  }
}

TEST(Matcher, KnowsWhenItMeansEveryActiveEvent) {
  const struct {
    std::string_view json;
    bool is_any;
  } cases[] = {
      {R"({"event":"*"})", true},
      {R"({"any_of":[{"event":"a"},{"event":"*"}]})", true},
      {R"({"any_of":[{"event":"identify"},{"event":"*"}]})", false},
      {R"({"event":"*","where":{"property":"p","op":"exists"}})", false},
      {R"({"event":"a"})", false},
  };
  for (const auto& c : cases)
    EXPECT_EQ(parsed(std::string(c.json)).is_any_event(), c.is_any) << c.json;
}

TEST(Matches, NeedsTheNameAndItsOwnWhere) {
  const Matcher matcher = parsed(R"({"any_of":[
      {"event":"purchase","where":{"property":"amount","op":"gte","value":100}},
      {"event":"signup"}]})");
  const auto holds = [&](std::string_view name, std::int64_t amount) {
    const PropertyView properties[] = {
        {"amount", {.kind = ValueKind::number, .number = {amount, 0}}}};
    EventView event;
    event.name = name;
    event.properties = properties;
    return matches(matcher, event);
  };
  EXPECT_TRUE(holds("purchase", 100));
  EXPECT_FALSE(holds("purchase", 99));
  EXPECT_TRUE(holds("signup", 99));
  EXPECT_FALSE(holds("refund", 100));
}

}  // namespace
}  // namespace hf
