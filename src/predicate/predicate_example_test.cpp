// SPDX-License-Identifier: Apache-2.0
//
// The examples of docs/predicates.md, with its numbers.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <fstream>
#include <regex>
#include <set>
#include <sstream>
#include <string>
#include <vector>

#include "predicate/explain.h"
#include "predicate/life.h"

namespace hf {
namespace {

using test::Life;

constexpr std::string_view asked = "2026-02-10 12:00";

Life ann() {
  return Life()
      .at("2026-01-01 09:00", "identify", "{'plan':'free'}")
      .at("2026-01-03 09:00", "visit")
      .at("2026-01-05 10:00", "purchase", "{'category':'shoes','amount':30}")
      .at("2026-01-12 10:00", "purchase", "{'category':'bags','amount':20}")
      .at("2026-01-20 09:00", "identify", "{'plan':'pro'}")
      .at("2026-02-01 00:00", "hf:trait",
          "{'stage':'active','tier.main':'silver','balance.points':120,'segment.vip':true}")
      .at("2026-02-04 10:00", "purchase", "{'category':'shoes','amount':10}")
      .at("2026-02-06 08:00", "visit");
}

bool holds(const std::string& json, std::string_view as_of = asked) {
  return ann().holds(json, as_of);
}

TEST(PredicateExample, DidCountsTheEventsOfAWindow) {
  const auto within = [](std::string_view count) {
    return fmt::format("{{'did':{{'event':'purchase'}},'count':{},'within':'P30D'}}", count);
  };
  EXPECT_TRUE(holds(within("{'gte':2}")));
  EXPECT_FALSE(holds(within("{'gte':3}")));
  EXPECT_TRUE(holds(within("{'eq':2}")));
  EXPECT_TRUE(holds("{'did':{'event':'purchase'},'count':{'gte':3}}"));
  EXPECT_TRUE(
      holds("{'did':{'event':'purchase'},'count':{'eq':2},'from':'2026-01-05',"
            "'to':'2026-01-12'}"));
}

TEST(PredicateExample, TheBeginningOfAWindowIsInIt) {
  const std::string json = "{'did':{'event':'purchase'},'count':{'eq':2},'within':'P30D'}";
  EXPECT_TRUE(holds(json, "2026-02-11 10:00"));
  EXPECT_FALSE(holds(json, "2026-02-11 10:00:00.001"));
}

TEST(PredicateExample, DidNotHoldsWhereDidDoesNot) {
  EXPECT_TRUE(holds("{'did_not':{'event':'visit'},'within':'P3D'}"));
  EXPECT_FALSE(holds("{'did_not':{'event':'visit'},'within':'P7D'}"));
  EXPECT_TRUE(Life().holds("{'did_not':{'event':'visit'}}", asked));
}

TEST(PredicateExample, ASequenceLiesWhollyInItsWindow) {
  const std::string steps =
      "{'sequence':[{'event':'visit'},{'event':'purchase'},{'event':'purchase'}]";
  EXPECT_TRUE(holds(steps + "}"));
  EXPECT_TRUE(holds(steps + ",'within':'P60D'}"));
  EXPECT_FALSE(holds(steps + ",'within':'P30D'}"));
  EXPECT_FALSE(holds("{'sequence':[{'event':'visit'},{'event':'visit'},{'event':'visit'}]}"));
}

TEST(PredicateExample, FirstIsTheFirstEver) {
  EXPECT_FALSE(holds("{'first':{'event':'purchase'},'within':'P30D'}"));
  EXPECT_TRUE(holds("{'first':{'event':'purchase'},'within':'P60D'}"));
  EXPECT_TRUE(
      holds("{'first':{'event':'purchase','where':{'property':'category','op':'eq',"
            "'value':'bags'}},'within':'P30D'}"));
}

TEST(PredicateExample, RegularlyCountsPeriodsWithAnEvent) {
  const auto weeks = [](int at_least, int last) {
    return fmt::format(
        "{{'regularly':{{'event':'*'}},'periods':{{'of':'week','at_least':{},"
        "'last':{}}}}}",
        at_least, last);
  };
  EXPECT_TRUE(holds(weeks(1, 4)));
  EXPECT_FALSE(holds(weeks(2, 4)));
  EXPECT_TRUE(holds(weeks(3, 6)));
  EXPECT_FALSE(holds(weeks(4, 6)));
}

TEST(PredicateExample, ChangeDividesAWindowByTheOneBefore) {
  const auto change = [](std::string_view members) {
    return fmt::format("{{'change':{{'event':'purchase'}},{}}}", members);
  };
  EXPECT_TRUE(holds(change("'within':'P30D','op':'gte','ratio':2")));
  EXPECT_FALSE(holds(change("'within':'P30D','op':'gt','ratio':2")));
  const std::string sum = "'of':'sum','property':'amount','within':'P30D',";
  EXPECT_TRUE(holds(change(sum + "'op':'gte','ratio':1")));
  EXPECT_FALSE(holds(change(sum + "'op':'gt','ratio':1")));
  EXPECT_TRUE(holds(change(sum + "'against':50,'op':'lte','ratio':0.6")));
  EXPECT_FALSE(holds(change("'within':'P30D','op':'gte','ratio':2,'significant':true")));
  // Nothing to divide by.
  EXPECT_FALSE(holds(change("'within':'P14D','op':'gte','ratio':0")));
  EXPECT_FALSE(holds(change("'within':'P14D','op':'lt','ratio':1")));
}

TEST(PredicateExample, ATraitIsTheLatestOrThatOfTheEvent) {
  EXPECT_TRUE(holds("{'trait':'plan','op':'eq','value':'pro'}"));
  const auto purchases = [](std::string_view at, int n) {
    return fmt::format(
        "{{'did':{{'event':'purchase','where':{{'trait':'plan','op':'eq',"
        "'value':'free'{}}}}},'count':{{'eq':{}}}}}",
        at, n);
  };
  EXPECT_TRUE(holds(purchases(",'at':'event'", 2)));
  EXPECT_TRUE(holds(purchases("", 0)));
}

TEST(PredicateExample, ConditionsInAMatcherAreAskedAtItsEvents) {
  EXPECT_TRUE(
      holds("{'did':{'event':'purchase','where':{'did':{'event':'purchase'},"
            "'count':{'gte':2},'within':'P7D'}},'count':{'eq':1}}"));
  EXPECT_FALSE(holds("{'did':{'event':'purchase'},'count':{'gte':2},'within':'P7D'}"));
}

TEST(PredicateExample, WhatHoldfastFinds) {
  EXPECT_TRUE(holds("{'stage':['active','stable']}"));
  EXPECT_TRUE(holds("{'segment':'vip'}"));
  EXPECT_TRUE(holds("{'tier':{'programme':'main','lt':'gold'}}"));
  EXPECT_FALSE(holds("{'tier':{'programme':'main','gte':'gold'}}"));
  EXPECT_TRUE(holds("{'balance':'points','op':'gte','value':100}"));
  EXPECT_FALSE(holds("{'score':'churn','op':'lt','value':0.5}"));
  EXPECT_FALSE(holds("{'consent':'marketing'}"));
}

TEST(PredicateExample, IsToldInWords) {
  const Predicate predicate = test::predicate_of(
      "{'all':[{'did':{'event':'purchase'},'count':{'gte':2},'within':'P30D'},"
      "{'not':{'any':[{'segment':'staff'},{'trait':'plan','op':'eq','value':'free'}]}}]}");
  EXPECT_EQ(explain(predicate, Language::english),
            R"(did "purchase" at least 2 times in the last 30 days and )"
            R"(not (is in the segment "staff" or the trait plan is "free"))");
  EXPECT_EQ(explain(predicate, Language::chinese),
            "在过去30天内做过“purchase”至少2次，并且并非（属于用户分群“staff”，或者用户属性“plan”是"
            "“free”）");
}

// -- The page itself ------------------------------------------------------------------------------

std::string page() {
  std::ifstream in(std::string(HOLDFAST_SOURCE_DIR) + "/docs/predicates.md");
  std::stringstream text;
  text << in.rdbuf();
  EXPECT_FALSE(text.str().empty());
  return text.str();
}

/// The JSON objects in boxes of the page, with something for its placeholders.
std::vector<std::string> objects_of(const std::string& markdown) {
  std::string boxes;
  std::istringstream lines(markdown);
  for (std::string line; std::getline(lines, line);) {
    if (line.starts_with("    ")) boxes += line + "\n";
  }
  boxes = std::regex_replace(boxes, std::regex("MATCHER"), R"({"event":"a"})");
  boxes = std::regex_replace(boxes, std::regex("CONDITION"), R"({"all":[]})");
  boxes = std::regex_replace(boxes, std::regex(R"(, \.\.\])"), "]");
  std::vector<std::string> objects;
  int depth = 0;
  for (const char c : boxes) {
    if (c == '{' && depth++ == 0) objects.emplace_back();
    if (depth > 0) objects.back() += c;
    if (c == '}') --depth;
  }
  EXPECT_EQ(depth, 0);
  return objects;
}

TEST(PredicatePage, ShowsWhatIsUnderstood) {
  std::set<std::string> forms;
  const auto objects = objects_of(page());
  for (const std::string& object : objects) {
    const auto json = parse_json(object);
    ASSERT_TRUE(json) << object;
    for (const auto& [name, value] : json->object) forms.insert(name);
    if (json->find("event") != nullptr || json->find("any_of") != nullptr) {
      EXPECT_TRUE(parse_matcher(*json, "")) << object;
    } else {
      EXPECT_TRUE(parse_predicate(*json, "")) << object;
    }
  }
  for (const char* form :
       {"property", "trait", "did", "did_not", "sequence", "first", "regularly", "change",
        "segment", "stage", "layer", "stay", "tier", "balance", "score", "consent"}) {
    EXPECT_TRUE(forms.contains(form)) << form;
  }
}

TEST(PredicatePage, NamesTestsThatExist) {
  std::set<std::string> tests;
  const auto& all = *testing::UnitTest::GetInstance();
  for (int i = 0; i < all.total_test_suite_count(); ++i) {
    const auto& suite = *all.GetTestSuite(i);
    for (int k = 0; k < suite.total_test_count(); ++k) {
      tests.insert(fmt::format("{}.{}", suite.name(), suite.GetTestInfo(k)->name()));
    }
  }
  const std::string text = page();
  const std::regex named(R"(\*(\w+\.\w+)\*)");
  int count = 0;
  for (std::sregex_iterator at(text.begin(), text.end(), named), end; at != end; ++at, ++count) {
    EXPECT_TRUE(tests.contains((*at)[1])) << (*at)[1];
  }
  EXPECT_GE(count, 11);
}

}  // namespace
}  // namespace hf
