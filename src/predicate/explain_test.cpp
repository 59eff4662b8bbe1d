// SPDX-License-Identifier: Apache-2.0
#include "predicate/explain.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>
#include <set>
#include <string>
#include <vector>

#include "base/rng.h"
#include "predicate/behaviour.h"
#include "predicate/explain_phrases.h"
#include "predicate/life.h"
#include "predicate/system_trait.h"

namespace hf {
namespace {

using ::testing::HasSubstr;

std::string english(const std::string& text) {
  return explain(test::predicate_of(text), Language::english);
}
std::string chinese(const std::string& text) {
  return explain(test::predicate_of(text), Language::chinese);
}

TEST(Explain, SaysEveryForm) {
  const struct {
    std::string json, english, chinese;
  } cases[] = {
      {"{'all':[{'did':{'event':'purchase','label':'bought'},'count':{'gte':3},'within':'P30D'},"
       "{'property':'category','op':'in','value':['shoes','bags']}]}",
       R"(did "bought" (that is, "purchase") at least 3 times in the last 30 days and category is one of "shoes", "bags")",
       "在过去30天内做过“bought”（即“purchase”）至少3次，并且事件属性“category”是“shoes”、“bags”之"
       "一"},
      {"{'did':{'event':'*'}}", "did any event", "做过任意事件"},
      {"{'did':{'event':'a'},'count':{'lte':1}}", R"(did "a" at most once)", "做过“a”至多1次"},
      {"{'did':{'event':'a'},'count':{'gte':2,'lte':5}}",
       R"(did "a" at least 2 times and at most 5 times)", "做过“a”至少2次、至多5次"},
      {"{'did':{'event':'a'},'count':{'eq':0}}", R"(did "a" exactly 0 times)", "做过“a”恰好0次"},
      {"{'did':{'event':'a'},'count':{'gte':0}}", R"(did "a" any number of times (or never))",
       "做过“a”任意次（或从未）"},
      {"{'did_not':{'event':'a'},'within':'P1M'}", R"(did not do "a" in the last 1 month)",
       "在过去1个月内没有做过“a”"},
      {"{'did_not':{'event':'a'},'count':{'gte':3}}", R"(not (did "a" at least 3 times))",
       "并非（做过“a”至少3次）"},
      {"{'did':{'event':'a'},'from':'2026-01-31','to':'2026-03-05'}",
       R"(did "a" from 31 January 2026 to the end of 5 March 2026)",
       "自2026年1月31日起至2026年3月5日结束时做过“a”"},
      {"{'did':{'event':'a'},'from':'2026-01-31T08:00:00+01:00'}",
       R"(did "a" from 31 January 2026 07:00 UTC onwards)", "自2026年1月31日07:00（UTC）起做过“a”"},
      {"{'did':{'event':'a'},'to':'2026-01-31T08:00:01.5Z'}",
       R"(did "a" before 31 January 2026 08:00:01.500 UTC)",
       "在2026年1月31日08:00:01.500（UTC）之前做过“a”"},
      {"{'did':{'any_of':[{'event':'a'},{'event':'b','where':{'property':'p','op':'gt','value':1}}"
       "]},'within':'P1Y'}",
       R"(did ("a" or "b" where (p is above 1)) in the last 1 year)",
       "在过去1年内做过（“a”或“b”（其中事件属性“p”大于1））"},
      {"{'sequence':[{'event':'a'},{'event':'b'}],'within':'P1M2DT3H4M5S'}",
       R"(did in this order ("a", then "b") in the last 1 month 2 days 3 hours 4 minutes 5 seconds)",
       "在过去1个月又2天又3小时又4分钟又5秒内依次做过（“a”，然后“b”）"},
      {"{'first':{'event':'a'},'within':'PT24H'}",
       R"(did "a" for the first time ever in the last 24 hours)",
       "在过去24小时内有史以来第一次做“a”"},
      {"{'regularly':{'event':'a'},'periods':{'of':'week','at_least':3,'last':4}}",
       R"(did "a" in at least 3 weeks of the last 4 weeks)", "在过去4周中至少3周做过“a”"},
      {"{'change':{'event':'a'},'within':'P90D','op':'lt','ratio':0.6}",
       R"(the number of "a" in the last 90 days is below 0.6 times that of the 90 days before)",
       "在过去90天内“a”的次数低于此前90天的0.6倍"},
      {"{'change':{'event':'a'},'of':'sum','property':'amount','within':'P1M','against':100,"
       "'op':'gte','ratio':2,'significant':true}",
       R"(the sum of amount over "a" in the last 1 month is at least 2 times the benchmark 100 (by more than chance explains))",
       "在过去1个月内“a”的事件属性“amount”之和不低于基准值100的2倍（且超出偶然波动）"},
      {"{'trait':'plan','op':'eq_ci','value':'Pro'}", R"(the trait plan is "Pro" (ignoring case))",
       "用户属性“plan”是“Pro”（不区分大小写）"},
      {"{'trait':'plan','op':'ne','value':'pro','at':'event'}",
       R"(the trait plan at the time of the event is not "pro" (or is missing))",
       "事件发生时的用户属性“plan”不是“pro”（或没有值）"},
      {"{'stage':['at_risk','dormant']}", "the lifecycle stage is any of at risk, dormant",
       "生命周期阶段是潜在流失、沉睡中的任意一个"},
      {"{'layer':'core'}", "the layer is core", "用户分层是核心"},
      {"{'stay':'long_stay'}", "the type of stay is long stay", "停留类型是长期"},
      {"{'segment':'vip'}", R"(is in the segment "vip")", "属于用户分群“vip”"},
      {"{'not':{'segment':'vip'}}", R"(is not in the segment "vip")", "不属于用户分群“vip”"},
      {"{'consent':'e-mail'}", R"(has given consent to "e-mail")", "已同意“e-mail”"},
      {"{'not':{'consent':'e-mail'}}", R"(has not given consent to "e-mail")", "未同意“e-mail”"},
      {"{'tier':{'programme':'main','gte':'gold'}}",
       R"(the tier in the programme "main" is at least gold)", "计划“main”中的等级不低于黄金"},
      {"{'tier':{'programme':'main','eq':'platinum'}}",
       R"(the tier in the programme "main" is "platinum")", "计划“main”中的等级是“platinum”"},
      {"{'balance':'points','op':'between','value':[1,9.50]}",
       R"(the balance of "points" is from 1 to 9.5 (both included))",
       "“points”的余额在1到9.5之间（含两端）"},
      {"{'score':'churn','op':'exists'}", R"(the score "churn" has a value)", "评分“churn”有值"},
      {"{'all':[]}", "anything holds", "任何情况都成立"},
      {"{'property':'on sale','op':'eq','value':true}", R"("on sale" is true)",
       "事件属性“on sale”是真"},
  };
  for (const auto& c : cases) {
    EXPECT_EQ(english(c.json), c.english) << c.json;
    EXPECT_EQ(chinese(c.json), c.chinese) << c.json;
  }
}

TEST(Explain, BracketsWhatNests) {
  const std::string a = "{'property':'a','op':'exists'}";
  const std::string b = "{'property':'b','op':'exists'}";
  const std::string c = "{'property':'c','op':'exists'}";
  const auto all = [](const std::string& list) { return "{'all':[" + list + "]}"; };
  const auto any = [](const std::string& list) { return "{'any':[" + list + "]}"; };
  const auto deny = [](const std::string& child) { return "{'not':" + child + "}"; };
  const auto said = [](std::string text) {  // Shorter to read.
    for (std::size_t at; (at = text.find(" has a value")) != std::string::npos;) text.erase(at, 12);
    return text;
  };
  const struct {
    std::string json, english;
  } cases[] = {
      {all(a + "," + any(b + "," + c)), "a and (b or c)"},
      {any(a + "," + all(b + "," + c)), "a or (b and c)"},
      {any(all(a + "," + b) + "," + c), "(a and b) or c"},
      {all(a + "," + all(b + "," + c)), "a and (b and c)"},
      {all(a + "," + any(b)), "a and b"},
      {all(any(all(a))), "a"},
      {deny(any(a + "," + b)), "not (a or b)"},
      {any(deny(a) + "," + b), "not (a) or b"},
      {deny(deny(a)), "not (not (a))"},
      {all(any(all(a + "," + b)) + "," + c), "(a and b) and c"},
      {"{'did':{'event':'x','where':" + any(a + "," + b) + "}}", R"(did "x" where (a or b))"},
  };
  for (const auto& cs : cases) EXPECT_EQ(said(english(cs.json)), cs.english) << cs.json;
}

// A name or value of the query never passes for words of the sentence.
TEST(Explain, QuotesWhatItDidNotSayItself) {
  EXPECT_EQ(english(R"({'property':'a\" is \"b','op':'eq','value':'c'})"),
            R"("a\" is \"b" is "c")");
  EXPECT_EQ(english(R"({'did':{'event':'a','label':'x\" or did \"y'}})"),
            R"(did "x\" or did \"y" (that is, "a"))");
  EXPECT_EQ(chinese("{'property':'p','op':'eq','value':'甲”或“乙'}"), "事件属性“p”是“甲\\”或“乙”");
  EXPECT_EQ(english(R"({'did':{'event':'any event'}})"), R"(did "any event")");
  EXPECT_NE(english(R"({'did':{'event':'any event'}})"), english("{'did':{'event':'*'}}"));
  EXPECT_EQ(english(R"({'property':'p','op':'in','value':['a\", \"b']})"),
            R"(p is one of "a\", \"b")");
  EXPECT_NE(english("{'property':'p','op':'eq','value':'1'}"),
            english("{'property':'p','op':'eq','value':1}"));
  EXPECT_NE(chinese("{'property':'p','op':'eq','value':'真'}"),
            chinese("{'property':'p','op':'eq','value':true}"));
}

TEST(Explain, HasWordsForEveryNameOfOurs) {
  std::set<std::string_view> told;
  for (const NameTexts& name : name_texts) {
    EXPECT_FALSE(name.english.empty()) << name.name;
    EXPECT_FALSE(name.chinese.empty()) << name.name;
    EXPECT_TRUE(told.insert(name.name).second) << name.name;
  }
  std::size_t count = tier_names.size();
  for (const std::string_view tier : tier_names) EXPECT_TRUE(told.contains(tier)) << tier;
  for (const std::string_view trait : {"stage", "layer", "stay"}) {
    std::set<std::string> distinct;
    for (const std::string_view name : standing_names(trait)) {
      EXPECT_TRUE(told.contains(name)) << name;
      distinct.insert(chinese(fmt::format("{{'{}':'{}'}}", trait, name)));
      ++count;
    }
    EXPECT_EQ(distinct.size(), standing_names(trait).size());
  }
  EXPECT_EQ(count, told.size());
}

// Every operator, every form and every member of each, of the same names, values and lengths.
std::vector<std::string> everything() {
  std::vector<std::string> all;
  const auto add = [&](auto format, const auto&... args) {
    all.push_back(fmt::format(fmt::runtime(format), args...));
  };
  constexpr const char* with_one[] = {"eq",          "ne",        "contains", "not_contains",
                                      "starts_with", "ends_with", "matches"};
  constexpr const char* with_list[] = {"eq",       "ne",           "in",          "not_in",
                                       "contains", "not_contains", "starts_with", "ends_with"};
  const auto conditions = [&](const std::string& head, bool numeric) {
    for (const char* op : {"lt", "lte", "gt", "gte"}) add("{{{},'op':'{}','value':1}}", head, op);
    for (const char* op : {"eq", "ne"}) add("{{{},'op':'{}','value':1}}", head, op);
    for (const char* op : {"in", "not_in", "between", "eq", "ne"}) {
      add("{{{},'op':'{}','value':[1,2]}}", head, op);
    }
    for (const char* op : {"exists", "not_exists"}) add("{{{},'op':'{}'}}", head, op);
    if (numeric) return;
    for (const char* ci : {"", "_ci"}) {
      for (const char* op : with_one) add("{{{},'op':'{}{}','value':'x'}}", head, op, ci);
      for (const char* op : with_list) add("{{{},'op':'{}{}','value':['x','y']}}", head, op, ci);
    }
  };
  conditions("'property':'x'", false);
  conditions("'trait':'x'", false);
  conditions("'at':'event','trait':'x'", false);
  conditions("'balance':'x'", true);
  conditions("'score':'x'", true);
  for (const char* op : {"eq", "ne", "lt", "lte", "gt", "gte"}) {
    add("{{'tier':{{'programme':'x','{}':'gold'}}}}", op);
  }
  for (const char* form : {"stage", "layer", "stay"}) {
    for (const std::string_view name : standing_names(form)) {
      add("{{'{}':'{}'}}", form, name);
      add("{{'{}':['{}']}}", form, name);
    }
  }
  for (const char* form : {"segment", "consent"}) {
    add("{{'{}':'x'}}", form);
    add("{{'not':{{'{}':'x'}}}}", form);
  }
  for (const char* form : {"did", "did_not"}) {
    for (const char* count : {"", ",'count':{'gte':2}", ",'count':{'lte':2}", ",'count':{'eq':2}",
                              ",'count':{'gte':2,'lte':3}", ",'count':{'gte':0}",
                              ",'count':{'lte':1}", ",'count':{'eq':1}", ",'count':{'eq':0}"}) {
      for (const char* when :
           {"", ",'within':'P1D'", ",'within':'PT24H'", ",'within':'P1M'", ",'within':'P30D'",
            ",'from':'2026-01-01'", ",'to':'2026-01-01'", ",'from':'2026-01-01T00:00:00Z'",
            ",'to':'2026-01-01T00:00:00Z'", ",'from':'2026-01-01','to':'2026-01-01'"}) {
        add("{{'{}':{{'event':'x'}}{}{}}}", form, count, when);
      }
    }
  }
  for (const char* when : {"", ",'within':'P1D'"}) {
    add("{{'sequence':[{{'event':'x'}}]{}}}", when);
    add("{{'sequence':[{{'event':'x'}},{{'event':'y'}}]{}}}", when);
    add("{{'sequence':[{{'event':'y'}},{{'event':'x'}}]{}}}", when);
    add("{{'sequence':[{{'any_of':[{{'event':'x'}},{{'event':'y'}}]}}]{}}}", when);
  }
  add("{{'first':{{'event':'x'}},'within':'P1D'}}");
  add("{{'first':{{'event':'*'}},'within':'P1D'}}");
  add("{{'first':{{'event':'x','label':'y'}},'within':'P1D'}}");
  add("{{'first':{{'event':'y','label':'x'}},'within':'P1D'}}");
  add("{{'first':{{'event':'x','where':{{'property':'x','op':'exists'}}}},'within':'P1D'}}");
  for (const char* unit : {"day", "week", "month", "quarter", "year"}) {
    for (const auto& [at_least, last] : {std::pair(1, 1), std::pair(1, 2), std::pair(2, 2)}) {
      add("{{'regularly':{{'event':'x'}},'periods':{{'of':'{}','at_least':{},'last':{}}}}}", unit,
          at_least, last);
    }
  }
  for (const char* of : {"", ",'of':'sum','property':'x'"}) {
    for (const char* against : {"", ",'against':1"}) {
      for (const char* op : {"lt", "lte", "gt", "gte"}) {
        for (const char* significant : {"", ",'significant':true"}) {
          add("{{'change':{{'event':'x'}},'within':'P1D','ratio':1,'op':'{}'{}{}{}}}", op, of,
              against, significant);
        }
      }
    }
  }
  const std::string x = "{'property':'x','op':'exists'}";
  const std::string y = "{'property':'y','op':'exists'}";
  add("{{'all':[{},{}]}}", x, y);
  add("{{'any':[{},{}]}}", x, y);
  add("{{'not':{{'all':[{},{}]}}}}", x, y);
  add("{{'not':{{'any':[{},{}]}}}}", x, y);
  add("{{'all':[{{'not':{}}},{}]}}", x, y);
  add("{{'all':[{},{{'any':[{},{}]}}]}}", x, x, y);
  add("{{'any':[{{'all':[{},{}]}},{}]}}", x, x, y);
  add("{{'all':[]}}");
  add("{{'not':{{'all':[]}}}}");
  return all;
}

TEST(Explain, TellsWhatAsksDifferentThingsApart) {
  for (const Language language : {Language::english, Language::chinese}) {
    std::map<std::string, std::string> told;
    for (const std::string& json : everything()) {
      const std::string text = explain(test::predicate_of(json), language);
      EXPECT_FALSE(text.empty()) << json;
      EXPECT_EQ(text.find('{'), std::string::npos) << text;
      const auto [other, is_new] = told.emplace(text, json);
      EXPECT_TRUE(is_new) << text << "\n  " << other->second << "\n  " << json;
    }
  }
}

// Combinations of a few conditions, of two or more each: from a text one finds the way back.
std::string any_combination(Rng& rng, int depth) {
  constexpr const char* conditions[] = {
      "{'property':'a','op':'eq','value':1}",
      "{'property':'a','op':'eq','value':[1]}",
      "{'trait':'a','op':'not_in','value':[1,2]}",
      "{'did':{'event':'a'}}",
      "{'did_not':{'event':'a'}}",
      "{'segment':'a'}",
      "{'sequence':[{'event':'a'},{'event':'b'}]}",
      "{'did':{'any_of':[{'event':'a'},{'event':'b'}]}}",
      "{'stage':['active','grace']}",
  };
  if (depth == 0 || rng.chance(0.3)) return conditions[rng.below(std::size(conditions))];
  const std::string first = any_combination(rng, depth - 1);
  if (rng.chance(0.2)) {
    return fmt::format("{{'first':{{'event':'a','where':{}}},'within':'P1D'}}", first);
  }
  if (rng.chance(0.2)) {
    // Of these the denial has its own form, which is in the list above.
    if (first.starts_with("{'did':{'event':'a'}}")) return first;
    return fmt::format("{{'not':{}}}", first);
  }
  std::string list = first;
  for (auto n = rng.between(1, 2); n > 0; --n) list += "," + any_combination(rng, depth - 1);
  return fmt::format("{{'{}':[{}]}}", rng.chance(0.5) ? "all" : "any", list);
}

TEST(Explain, TellsEveryCombinationApart) {
  std::map<std::string, std::string> told[2];
  for (std::uint64_t seed = 0; seed < 20'000; ++seed) {
    Rng rng(seed);
    const std::string json = any_combination(rng, 3);
    const Predicate predicate = test::predicate_of(json);
    for (const Language language : {Language::english, Language::chinese}) {
      const auto [other, is_new] =
          told[static_cast<int>(language)].emplace(explain(predicate, language), json);
      ASSERT_EQ(other->second, json) << seed << ": " << other->first;
    }
  }
  EXPECT_GT(told[0].size(), 5'000u);
}

// Every kind and operator is in the list above: a new one fails here, not in front of somebody.
TEST(Explain, IsTestedWithEveryOperatorAndKind) {
  std::set<Op> ops;
  std::set<Predicate::Kind> kinds;
  std::set<Behaviour::Kind> behaviours;
  for (const std::string& json : everything()) {
    const Predicate predicate = test::predicate_of(json);
    kinds.insert(predicate.kind);
    if (!predicate.values.empty() || predicate.op != Op::eq) ops.insert(predicate.op);
    if (predicate.behaviour) behaviours.insert(predicate.behaviour->kind);
  }
  EXPECT_EQ(ops.size(), static_cast<std::size_t>(Op::not_exists) + 1);
  EXPECT_EQ(kinds.size(), static_cast<std::size_t>(Predicate::Kind::behaviour) + 1);
  EXPECT_EQ(behaviours.size(), static_cast<std::size_t>(Behaviour::Kind::change) + 1);
}

// Every phrase of the table is used by something.
TEST(Explain, UsesEveryPhrase) {
  std::string all;
  for (const std::string& json : everything()) all += chinese(json) + "\n";
  all += chinese(
      "{'did':{'event':'a','where':{'property':'p','op':'in','value':[true,false]}},"
      "'within':'P1Y'}");
  all += chinese("{'did':{'event':'a'},'within':'P2Y'}") +
         chinese(
             "{'did':{'event':'a'},'within':"
             "'P2M2DT2H2M2S'}") +
         chinese("{'did':{'event':'a'},'within':'P1M1DT1H1M1S'}");
  for (const PhraseTexts& texts : phrase_texts) {
    // The longest piece between gaps stands in the text as it is.
    std::string piece;
    std::string longest;
    for (const char c : std::string(texts.chinese) + "{") {
      if (c == '{') {
        if (piece.size() > longest.size()) longest = piece;
        piece.clear();
      } else if (c == '}') {
        piece.clear();
      } else {
        piece += c;
      }
    }
    EXPECT_THAT(all, HasSubstr(longest)) << static_cast<int>(texts.phrase);
  }
}

}  // namespace
}  // namespace hf
