// SPDX-License-Identifier: Apache-2.0
#include "predicate/predicate.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <optional>
#include <string>
#include <vector>

#include "base/json.h"
#include "base/rng.h"
#include "predicate/condition.h"

namespace hf {
namespace {

using ::testing::HasSubstr;

Predicate parsed(const std::string& text) {
  const auto json = parse_json(text);
  EXPECT_TRUE(json) << text;
  auto predicate = parse_predicate(*json, "");
  EXPECT_TRUE(predicate) << text << ": " << predicate.error().message;
  return *std::move(predicate);
}

std::string repeated(std::string_view text, std::size_t times, std::string_view between = "") {
  std::string all;
  for (std::size_t i = 0; i < times; ++i) {
    if (i > 0) all += between;
    all += text;
  }
  return all;
}

// -- Parsing --------------------------------------------------------------------------------------

TEST(ParsePredicate, RefusesWithPlaceAndReason) {
  const std::string condition = R"({"property":"p","op":"eq","value":1})";
  const struct {
    std::string_view name;
    std::string json;
    std::string_view reason, pointer, message;  // The message contains it.
  } cases[] = {
      {"no object", "3", "wrong_type", "", "a number"},
      {"null", "null", "wrong_type", "", "null"},
      {"nothing said", "{}", "missing_field", "", "property"},
      {"no form", R"({"op":"eq","value":1})", "missing_field", "", "property"},
      {"misspelt form", R"({"propetry":"p","op":"eq","value":1})", "unknown_field", "/propetry",
       "property"},
      {"misspelt member", R"({"property":"p","op":"eq","vaule":1})", "unknown_field", "/vaule",
       "value"},
      {"two forms", R"({"all":[],"not":{}})", "unknown_field", "/not", "all"},
      {"member beside a combination", R"({"any":[],"op":"eq"})", "unknown_field", "/op", "any"},
      {"name with a slash", R"({"property":"p","op":"exists","a/b":1})", "unknown_field", "/a~1b",
       ""},
      {"all is no array", R"({"all":{}})", "wrong_type", "/all", "array"},
      {"any of nothing", R"({"any":[]})", "missing_field", "/any", "at least one"},
      {"inside all", R"({"all":[)" + condition + R"(,{"any":[1]}]})", "wrong_type", "/all/1/any/0",
       ""},
      {"inside not", R"({"not":{"property":"p"}})", "missing_field", "/not", "op"},
      {"property is no text", R"({"property":1,"op":"exists"})", "wrong_type", "/property",
       "a number"},
      {"op is no text", R"({"property":"p","op":1})", "wrong_type", "/op", "a number"},
      {"unknown op", R"({"property":"p","op":"equals","value":1})", "unknown_op", "/op", "equals"},
      {"nearly an op", R"({"property":"p","op":"start_with","value":1})", "unknown_op", "/op",
       "starts_with"},
      {"nearly an op with suffix", R"({"property":"p","op":"contain_ci","value":1})", "unknown_op",
       "/op", "contains_ci"},
      {"op without _ci", R"({"property":"p","op":"lt_ci","value":"a"})", "unknown_op", "/op",
       "case-insensitive"},
      {"exists_ci", R"({"property":"p","op":"exists_ci"})", "unknown_op", "/op", "exists"},
      {"_ci alone", R"({"property":"p","op":"_ci","value":1})", "unknown_op", "/op", ""},
      {"no value", R"({"property":"p","op":"eq"})", "missing_field", "", "value"},
      {"exists with value", R"({"property":"p","op":"exists","value":1})", "unknown_field",
       "/value", "no value"},
      {"not_exists with null", R"({"property":"p","op":"not_exists","value":null})",
       "unknown_field", "/value", "no value"},
      {"null as value", R"({"property":"p","op":"eq","value":null})", "wrong_type", "/value",
       "not_exists"},
      {"null in a list", R"({"property":"p","op":"in","value":["a",null]})", "wrong_type",
       "/value/1", "not_exists"},
      {"object as value", R"({"property":"p","op":"eq","value":{}})", "wrong_type", "/value",
       "an object"},
      {"list in a list", R"({"property":"p","op":"in","value":[[1]]})", "wrong_type", "/value/0",
       "an array"},
      {"lt with a list", R"({"property":"p","op":"lt","value":[1]})", "wrong_type", "/value",
       "not a list"},
      {"matches with a list", R"({"property":"p","op":"matches","value":["a"]})", "wrong_type",
       "/value", "not a list"},
      {"matches with a number", R"({"property":"p","op":"matches","value":1})", "wrong_type",
       "/value", "text"},
      {"bad pattern", R"({"property":"p","op":"matches","value":"("})", "invalid_pattern", "/value",
       "RE2"},
      {"bad pattern _ci", R"({"property":"p","op":"matches_ci","value":"("})", "invalid_pattern",
       "/value", "RE2"},
      {"in without a list", R"({"property":"p","op":"in","value":1})", "wrong_type", "/value",
       "list"},
      {"not_in_ci without a list", R"({"property":"p","op":"not_in_ci","value":"a"})", "wrong_type",
       "/value", "list"},
      {"empty list", R"({"property":"p","op":"in","value":[]})", "missing_field", "/value",
       "at least one"},
      {"between without a list", R"({"property":"p","op":"between","value":1})", "wrong_type",
       "/value", "low and high"},
      {"between one value", R"({"property":"p","op":"between","value":[1]})", "missing_field",
       "/value", "low and high"},
      {"between three", R"({"property":"p","op":"between","value":[1,2,3]})", "too_many_values",
       "/value", "low and high"},
      {"one value too many",
       R"({"property":"p","op":"in","value":[)" + repeated("1", 10'001, ",") + "]}",
       "too_many_values", "/value", "10001"},
      {"one condition too many", R"({"all":[)" + repeated(condition, 1'000, ",") + "]}",
       "too_many_values", "/all/999", "1000"},
  };
  for (const auto& c : cases) {
    SCOPED_TRACE(c.name);
    const auto json = parse_json(c.json);
    ASSERT_TRUE(json);
    const auto predicate = parse_predicate(*json, "/where");
    ASSERT_FALSE(predicate);
    EXPECT_EQ(predicate.error().code, ErrorCode::invalid_argument);
    EXPECT_EQ(predicate.error().reason, c.reason);
    EXPECT_EQ(predicate.error().pointer, "/where" + std::string(c.pointer));
    EXPECT_THAT(predicate.error().message, HasSubstr(c.message));
  }
}

TEST(ParsePredicate, TakesWhatIsAtItsLimits) {
  parsed(R"({"property":"p","op":"in","value":[)" + repeated("1", 10'000, ",") + "]}");
  parsed(R"({"all":[)" + repeated(R"({"all":[]})", 999, ",") + "]}");
}

TEST(ParsePredicate, RefusesToGoDeeperThan64) {
  const auto nested = [](int negations) {
    Json json;
    json.kind = Json::Kind::object;
    Json list;
    list.kind = Json::Kind::array;
    json.object.emplace_back("all", list);
    for (int i = 0; i < negations; ++i) {
      Json outer;
      outer.kind = Json::Kind::object;
      outer.object.emplace_back("not", std::move(json));
      json = std::move(outer);
    }
    return parse_predicate(json, "");
  };
  EXPECT_TRUE(nested(63));
  ASSERT_FALSE(nested(64));
  EXPECT_EQ(nested(64).error().reason, "too_deep");
  EXPECT_EQ(nested(64).error().pointer, repeated("/not", 64));
}

TEST(ParsePredicate, KeepsWhatWasAsked) {
  const Predicate p = parsed(R"({"property":"a.b","op":"not_in_ci","value":["x",1.50,true,1e40]})");
  EXPECT_EQ(p.kind, Predicate::Kind::property);
  EXPECT_EQ(p.property, "a.b");
  EXPECT_EQ(p.op, Op::not_in);
  EXPECT_TRUE(p.case_insensitive);
  EXPECT_TRUE(p.value_is_list);
  EXPECT_EQ(p.pattern, nullptr);
  ASSERT_EQ(p.values.size(), 4u);
  EXPECT_EQ(p.values[0].text, "x");
  EXPECT_EQ(p.values[1].number, (Decimal{15, 1}));
  EXPECT_EQ(p.values[2].kind, ValueKind::boolean);
  EXPECT_EQ(p.values[3].kind, ValueKind::big_number);
  EXPECT_EQ(p.values[3].text, canonical_number("1e40"));
}

// -- The rules of values --------------------------------------------------------------------------

// "missing", or a stored value in JSON: a scalar, an array of scalars (a list) or anything else.
bool holds(std::string_view op, std::string_view value, std::string_view stored) {
  const Predicate predicate =
      parsed(value.empty() ? fmt::format(R"({{"property":"p","op":"{}"}})", op)
                           : fmt::format(R"({{"property":"p","op":"{}","value":{}}})", op, value));
  if (stored == "missing") return satisfies(predicate, {});
  const auto json = parse_json(stored);
  EXPECT_TRUE(json) << stored;
  Scalar scalar;
  ValueView view;
  switch (json->kind) {
    case Json::Kind::number: scalar = scalar_of_number(json->text); break;
    case Json::Kind::text: scalar.text = json->text; break;
    case Json::Kind::boolean:
      scalar = {.kind = ValueKind::boolean, .boolean = json->boolean};
      break;
    case Json::Kind::array: {
      const bool flat = std::ranges::none_of(
          json->array, [](const Json& item) { return item.is_array() || item.is_object(); });
      scalar = {.kind = flat ? ValueKind::list : ValueKind::json, .text = std::string(stored)};
      break;
    }
    default: ADD_FAILURE() << stored;
  }
  view = scalar.view();
  const PropertyView properties[] = {{"other", {}}, {"p", view}};
  EXPECT_EQ(satisfies(predicate, properties), value_satisfies(predicate, view));
  return satisfies(predicate, properties);
}

struct Rule {
  std::string_view op, value, stored;
  bool holds;
};

void expect_rules(std::span<const Rule> rules) {
  for (const Rule& rule : rules) {
    EXPECT_EQ(holds(rule.op, rule.value, rule.stored), rule.holds)
        << rule.stored << ' ' << rule.op << ' ' << rule.value;
  }
}

TEST(Satisfies, ComparesNumbersExactly) {
  const Rule rules[] = {
      {"eq", "17850", "17850.0", true},
      {"eq", "0.1", "0.10", true},
      {"eq", "1e2", "100", true},
      {"eq", "-0", "0", true},
      {"ne", "1", "1.0", false},
      {"lt", "10", "9", true},  // Not as texts.
      {"lt", "9", "9", false},
      {"lte", "9", "9", true},
      {"gt", "-2", "-1.5", true},
      {"gte", "0.3", "0.29999999999999999", false},
      {"eq", "9007199254740993", "9007199254740992", false},  // Beyond double.
      {"gt", "9007199254740992", "9007199254740993", true},
      {"eq", "12345678901234567890", "12345678901234567890.0", true},  // Beyond int64.
      {"lt", "12345678901234567890", "12345678901234567889", true},
      {"gt", "5", "1e400", true},
      {"lt", "1e400", "5", true},
      {"gt", "0", "1e-400", true},
      {"between", "[1,2]", "1", true},
      {"between", "[1,2]", "2.0", true},
      {"between", "[1,2]", "2.000000001", false},
      {"between", "[2,1]", "1.5", false},
      {"between", "[0,1e400]", "7", true},
      {"in", "[1,2.50]", "2.5", true},
      {"in", "[1,2.50]", "2", false},
      {"not_in", "[1,2.50]", "2.5", false},
      {"not_in", "[1,2.50]", "3", true},
  };
  expect_rules(rules);
}

TEST(Satisfies, ComparesTextsByTheirBytes) {
  const Rule rules[] = {
      {"eq", R"("a")", R"("a")", true},
      {"eq", R"("a")", R"("A")", false},
      {"eq", R"("ä")", R"("a\u0308")", false},  // Nothing is normalised.
      {"lt", R"("10")", R"("9")", false},       // Texts, though they look like numbers.
      {"lt", R"("a")", R"("Z")", true},
      {"gt", R"("z")", R"("é")", true},  // Bytes count as unsigned.
      {"lt", R"("a")", R"("")", true},
      {"between", R"(["a","b"])", R"("azz")", true},
      {"between", R"(["a","b"])", R"("ba")", false},
      {"contains", R"("mid")", R"("amidst")", true},
      {"contains", R"("")", R"("")", true},
      {"not_contains", R"("mid")", R"("amidst")", false},
      {"starts_with", R"("am")", R"("amidst")", true},
      {"starts_with", R"("mi")", R"("amidst")", false},
      {"ends_with", R"("st")", R"("amidst")", true},
      {"ends_with", R"("amidst!")", R"("amidst")", false},
      {"matches", R"("^a.*t$")", R"("amidst")", true},
      {"matches", R"("mid")", R"("amidst")", true},
      {"matches", R"("^mid")", R"("amidst")", false},
      {"matches", R"("MID")", R"("amidst")", false},
  };
  expect_rules(rules);
}

TEST(Satisfies, ComparesBooleansFalseBeforeTrue) {
  const Rule rules[] = {
      {"eq", "true", "true", true},         {"eq", "true", "false", false},
      {"ne", "true", "false", true},        {"lt", "true", "false", true},
      {"gte", "false", "true", true},       {"between", "[false,false]", "true", false},
      {"in", "[true,false]", "true", true}, {"lt", "false", "false", false},
  };
  expect_rules(rules);
}

TEST(Satisfies, ComparesCanonicalTextsAcrossTypes) {
  const Rule rules[] = {
      {"eq", R"("1")", "1", true},
      {"eq", "1", R"("1")", true},
      {"eq", R"("1.0")", "1", false},  // A text is its own canonical text.
      {"eq", "1.0", R"("1")", true},
      {"eq", R"("true")", "true", true},
      {"eq", "true", R"("true")", true},
      {"eq", "true", R"("TRUE")", false},
      {"eq", "1", "true", false},
      {"eq", R"("12345678901234567890")", "12345678901234567890", true},
      {"ne", R"("1")", "1", false},
      {"lt", "9", R"("10")", true},  // "10" < "9".
      {"gt", R"("10")", "9", true},
      {"lt", R"("true")", "1", true},
      {"lt", "true", "7", true},
      {"between", R"([1,"2"])", "15", true},  // 15 >= 1 and "15" <= "2".
      {"in", R"(["1","x"])", "1", true},
      {"not_in", R"(["1","x"])", "1", false},
      {"contains", "5", "1.5", true},
      {"contains", R"(".5")", "1.50", true},
      {"contains", R"("50")", "1.50", false},
      {"starts_with", "-1", "-12", true},
      {"ends_with", R"("ue")", "true", true},
      {"matches", R"("^[0-9]+$")", "42", true},
      {"matches", R"("^f")", "false", true},
  };
  expect_rules(rules);
}

TEST(Satisfies, TakesAListAsAnyOfOrNoneOf) {
  const Rule rules[] = {
      {"eq", R"(["a","b"])", R"("b")", true},
      {"eq", R"(["a","b"])", R"("c")", false},
      {"eq", R"(["a"])", R"("a")", true},
      {"ne", R"(["a","b"])", R"("b")", false},
      {"ne", R"(["a","b"])", R"("c")", true},
      {"contains", R"(["x","b"])", R"("abc")", true},
      {"contains", R"(["x","y"])", R"("abc")", false},
      {"not_contains", R"(["x","b"])", R"("abc")", false},
      {"not_contains", R"(["x","y"])", R"("abc")", true},
      {"starts_with", R"(["x","ab"])", R"("abc")", true},
      {"starts_with", R"(["x","bc"])", R"("abc")", false},
      {"ends_with", R"(["x","bc"])", R"("abc")", true},
      {"ends_with", R"(["x","ab"])", R"("abc")", false},
      {"in", R"(["a",1,true])", "true", true},
      {"in", R"(["a",1,true])", "1", true},
  };
  expect_rules(rules);
}

TEST(Satisfies, FailsPositiveAndHoldsNegativeOperatorsWhereThePropertyIsMissing) {
  const Rule rules[] = {
      {"eq", "1", "missing", false},
      {"ne", "1", "missing", true},
      {"lt", "1", "missing", false},
      {"lte", "1", "missing", false},
      {"gt", "1", "missing", false},
      {"gte", "1", "missing", false},
      {"between", "[0,9]", "missing", false},
      {"in", "[1]", "missing", false},
      {"not_in", "[1]", "missing", true},
      {"contains", R"("")", "missing", false},
      {"not_contains", "1", "missing", true},
      {"starts_with", R"("")", "missing", false},
      {"ends_with", R"("")", "missing", false},
      {"matches", R"("")", "missing", false},
      {"exists", "", "missing", false},
      {"not_exists", "", "missing", true},
      {"ne_ci", "1", "missing", true},
      {"not_in_ci", "[1]", "missing", true},
      {"not_contains_ci", "1", "missing", true},
      {"eq_ci", "1", "missing", false},
  };
  expect_rules(rules);
}

TEST(Satisfies, AsksTheItemsOfAStoredListOneByOne) {
  const Rule rules[] = {
      {"eq", R"("a")", R"(["a","b"])", true},
      {"eq", R"("c")", R"(["a","b"])", false},
      {"ne", R"("a")", R"(["a","b"])", false},  // Not "one item differs".
      {"ne", R"("c")", R"(["a","b"])", true},
      {"gt", "5", "[1,9]", true},
      {"lt", "1", "[1,9]", false},
      {"between", "[2,5]", "[1,9]", false},  // Each bound by another item does not count.
      {"in", R"(["x",9])", "[1,9]", true},
      {"not_in", R"(["x",9])", "[1,9]", false},
      {"contains", R"("bc")", R"(["ab","c"])", false},  // Nor text across items.
      {"contains", R"("b")", R"(["ab","c"])", true},
      {"not_contains", R"("b")", R"(["ab","c"])", false},
      {"starts_with", R"("c")", R"(["ab","c"])", true},
      {"matches", R"("^c$")", R"(["ab","c"])", true},
      {"eq", "true", "[false,true]", true},
      {"eq", "12345678901234567890", "[12345678901234567890]", true},
      {"eq", "1", R"(["1"])", true},
      {"eq", R"("null")", "[null]", false},
      {"eq", R"("[1]")", "[1]", false},
      {"ne", "1", "[null]", true},
      {"exists", "", "[]", true},
      {"exists", "", "[null]", true},
      {"not_exists", "", "[]", false},
      {"contains", R"("")", "[]", false},
      {"ne", "1", "[]", true},
      {"eq_ci", R"("B")", R"(["a","b"])", true},
  };
  expect_rules(rules);
}

TEST(Satisfies, TakesOtherJsonAsItsText) {
  constexpr std::string_view stored = R"([{"sku":"X1"}])";
  const Rule rules[] = {
      {"exists", "", stored, true},
      {"not_exists", "", stored, false},
      {"eq", R"("[{\"sku\":\"X1\"}]")", stored, true},
      {"eq", R"("X1")", stored, false},
      {"ne", R"("X1")", stored, true},
      {"in", R"(["[{\"sku\":\"X1\"}]"])", stored, true},
      {"contains", R"("X1")", stored, true},
      {"not_contains", R"("X1")", stored, false},
      {"contains_ci", R"("x1")", stored, true},
      {"matches", R"("X[0-9]")", stored, true},
      {"starts_with", R"("[")", stored, false},
      {"ends_with", R"("]")", stored, false},
      {"lt", R"("zzz")", stored, false},
      {"gte", R"("")", stored, false},
      {"between", R"(["","zzz"])", stored, false},
  };
  expect_rules(rules);
}

TEST(Satisfies, FoldsTheCaseOfLatinGreekAndCyrillic) {
  const Rule rules[] = {
      {"eq_ci", R"("Gold")", R"("gOLD")", true},
      {"eq_ci", R"("Größe")", R"("GRÖẞE")", true},
      {"eq_ci", R"("ß")", R"("SS")", false},
      {"eq_ci", R"("ΟΔΟΣ")", R"("οδος")", true},
      {"eq_ci", R"("Москва")", R"("МОСКВА")", true},
      {"eq_ci", R"("TRUE")", "true", true},
      {"eq_ci", "1", "1.0", true},
      {"eq_ci", R"(["x","GOLD"])", R"("gold")", true},
      {"ne_ci", R"("Gold")", R"("gOLD")", false},
      {"ne_ci", R"("Gold")", R"("silver")", true},
      {"in_ci", R"(["A","B"])", R"("b")", true},
      {"not_in_ci", R"(["A","B"])", R"("b")", false},
      {"contains_ci", R"("ÖSS")", R"("Grösse")", true},
      {"not_contains_ci", R"("ÖSS")", R"("Grösse")", false},
      {"starts_with_ci", R"("gRÖ")", R"("Grösse")", true},
      {"ends_with_ci", R"("sSe")", R"("Grösse")", true},
      {"matches_ci", R"("^gr.*E$")", R"("GRösse")", true},
      {"matches", R"("^gr.*E$")", R"("GRösse")", false},
  };
  expect_rules(rules);
}

TEST(Satisfies, CombinesConditions) {
  const PropertyView properties[] = {{"a", {.kind = ValueKind::number, .number = {1, 0}}}};
  const std::string yes = R"({"property":"a","op":"eq","value":1})";
  const std::string no = R"({"property":"a","op":"eq","value":2})";
  const struct {
    std::string json;
    bool holds;
  } cases[] = {
      {R"({"all":[]})", true},
      {R"({"not":{"all":[]}})", false},
      {"{\"all\":[" + yes + "," + yes + "]}", true},
      {"{\"all\":[" + yes + "," + no + "]}", false},
      {"{\"any\":[" + no + "," + yes + "]}", true},
      {"{\"any\":[" + no + "," + no + "]}", false},
      {"{\"not\":" + yes + "}", false},
      {"{\"not\":{\"any\":[" + no + ",{\"not\":" + yes + "}]}}", true},
  };
  for (const auto& c : cases) EXPECT_EQ(satisfies(parsed(c.json), properties), c.holds) << c.json;
}

// A list condition is looked up in sorted texts; asking for its values one at a time is the twin.
TEST(Satisfies, TreatsALongListAsItsValuesOneByOne) {
  constexpr Op ops[] = {Op::eq,       Op::ne,           Op::in,          Op::not_in,
                        Op::contains, Op::not_contains, Op::starts_with, Op::ends_with};
  for (std::uint64_t seed = 0; seed < 3'000; ++seed) {
    SCOPED_TRACE(seed);
    Rng rng(seed);
    const auto any_text = [&] {  // Of a small alphabet: texts within texts.
      std::string text;
      for (auto n = rng.below(5); n > 0; --n) text += "aAbB1"[rng.below(5)];
      return text;
    };
    Predicate list;
    list.kind = Predicate::Kind::property;
    list.op = ops[rng.below(std::size(ops))];
    list.case_insensitive = rng.chance(0.5);
    list.value_is_list = true;
    for (auto n = rng.between(1, 12); n > 0; --n) list.values.push_back({.text = any_text()});
    for (int round = 0; round < 10; ++round) {
      const std::string stored = any_text();
      const ValueView value = {.kind = ValueKind::text, .text = stored};
      bool one = false;
      for (const Scalar& single : list.values) {
        Predicate condition = list;
        condition.op = positive_of(list.op);
        condition.values = {single};
        one = one || value_satisfies(condition, value);
      }
      ASSERT_EQ(value_satisfies(list, value), one != is_negative(list.op)) << stored;
    }
  }
}

}  // namespace
}  // namespace hf
