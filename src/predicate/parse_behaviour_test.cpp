// SPDX-License-Identifier: Apache-2.0
//
// What the parser takes and refuses of conditions on persons.
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <string>

#include "predicate/behaviour.h"
#include "predicate/predicate.h"
#include "predicate/system_trait.h"

namespace hf {
namespace {

using ::testing::HasSubstr;
using Parse = Result<Predicate> (*)(const Json&, const std::string&);

// ' stands for ".
Json json_of(std::string text) {
  std::ranges::replace(text, '\'', '"');
  const auto json = parse_json(text);
  EXPECT_TRUE(json) << text;
  return *json;
}

Predicate parsed(const std::string& text, Parse parse = parse_people_predicate) {
  auto predicate = parse(json_of(text), "");
  EXPECT_TRUE(predicate) << text << ": " << predicate.error().pointer << ' '
                         << predicate.error().message;
  return predicate ? *std::move(predicate) : Predicate{};
}

Behaviour behaviour_of(const std::string& text) {
  const Predicate predicate = parsed(text);
  EXPECT_EQ(predicate.kind, Predicate::Kind::behaviour);
  return predicate.behaviour ? *predicate.behaviour : Behaviour{};
}

struct Refusal {
  std::string_view name;
  std::string json;
  std::string_view reason, pointer, message;  // The message contains it.
};

void expect_refusals(std::span<const Refusal> refusals, Parse parse = parse_people_predicate) {
  for (const Refusal& c : refusals) {
    SCOPED_TRACE(c.name);
    const auto predicate = parse(json_of(c.json), "/people");
    ASSERT_FALSE(predicate);
    EXPECT_EQ(predicate.error().code, ErrorCode::invalid_argument);
    EXPECT_EQ(predicate.error().reason, c.reason);
    EXPECT_EQ(predicate.error().pointer, "/people" + std::string(c.pointer));
    EXPECT_THAT(predicate.error().message, HasSubstr(c.message));
  }
}

// -- did and did_not ------------------------------------------------------------------------------

TEST(ParseDid, KeepsWhatWasAsked) {
  const auto count = [](const std::string& text) {
    const auto kept =
        behaviour_of("{'did':{'event':'a'}" + (text.empty() ? "" : ",'count':" + text) + "}").count;
    return std::pair(kept.min, kept.max);
  };
  constexpr std::int64_t any = std::numeric_limits<std::int64_t>::max();
  EXPECT_EQ(count(""), std::pair(std::int64_t{1}, any));
  EXPECT_EQ(count("{'gte':3}"), std::pair(std::int64_t{3}, any));
  EXPECT_EQ(count("{'lte':3}"), std::pair(std::int64_t{0}, std::int64_t{3}));
  EXPECT_EQ(count("{'gte':2,'lte':3}"), std::pair(std::int64_t{2}, std::int64_t{3}));
  EXPECT_EQ(count("{'eq':0}"), std::pair(std::int64_t{0}, std::int64_t{0}));
  EXPECT_EQ(count("{'gte':1e9}"), std::pair(std::int64_t{1'000'000'000}, any));

  const Behaviour within = behaviour_of("{'did':{'event':'a','label':'x'},'within':'P1M2DT3H'}");
  EXPECT_EQ(within.kind, Behaviour::Kind::did);
  EXPECT_EQ(within.within, (Duration{.months = 1, .days = 2, .ms = 3 * 3'600'000}));
  ASSERT_EQ(within.matchers.size(), 1u);
  EXPECT_EQ(within.matchers[0].label, "x");

  const Behaviour span =
      behaviour_of("{'did':{'event':'a'},'from':'1970-01-03','to':'1970-01-03T00:00:01+01:00'}");
  ASSERT_TRUE(span.from && span.to);
  EXPECT_EQ(span.from->day, 2);
  EXPECT_EQ(span.to->day, std::nullopt);
  EXPECT_EQ(span.to->instant, 2 * 86'400'000 - 3'600'000 + 1'000);
}

TEST(ParseDid, DidNotIsTheNegationOfDid) {
  const Predicate not_done = parsed("{'did_not':{'event':'a'},'count':{'gte':3},'within':'P7D'}");
  ASSERT_EQ(not_done.kind, Predicate::Kind::negation);
  ASSERT_EQ(not_done.children.size(), 1u);
  ASSERT_EQ(not_done.children[0].kind, Predicate::Kind::behaviour);
  EXPECT_EQ(not_done.children[0].behaviour->count.min, 3);
  EXPECT_EQ(not_done.children[0].behaviour->within, Duration{.days = 7});
}

TEST(ParseDid, RefusesWithPlaceAndReason) {
  const std::string did = "{'did':{'event':'a'},";
  const Refusal refusals[] = {
      {"no matcher", "{'did':'a'}", "wrong_type", "/did", "a text"},
      {"matcher of nothing", "{'did':{}}", "missing_field", "/did", "any_of"},
      {"misspelt in the matcher", "{'did':{'evnt':'a'}}", "unknown_field", "/did/evnt", "event"},
      {"misspelt", did + "'witin':'P1D'}", "unknown_field", "/witin", "within"},
      {"misspelt beside did_not", "{'did_not':{'event':'a'},'cuont':{}}", "unknown_field", "/cuont",
       "count"},
      {"both", did + "'did_not':{'event':'a'}}", "unknown_field", "/did_not", "did"},
      {"of another form", did + "'ratio':1}", "unknown_field", "/ratio", ""},
      {"count as number", did + "'count':3}", "wrong_type", "/count", "a number"},
      {"count of nothing", did + "'count':{}}", "missing_field", "/count", "gte"},
      {"count misspelt", did + "'count':{'gt':3}}", "unknown_field", "/count/gt", "gte"},
      {"count as text", did + "'count':{'gte':'3'}}", "wrong_type", "/count/gte", "a text"},
      {"negative count", did + "'count':{'gte':-1}}", "out_of_range", "/count/gte", "-1"},
      {"half a count", did + "'count':{'lte':1.5}}", "out_of_range", "/count/lte", "1.5"},
      {"count too high", did + "'count':{'eq':1000000001}}", "out_of_range", "/count/eq",
       "1000000000"},
      {"count far too high", did + "'count':{'eq':1e400}}", "out_of_range", "/count/eq", "1e400"},
      {"eq beside gte", did + "'count':{'gte':1,'eq':1}}", "unsupported_combination", "/count/eq",
       "alone"},
      {"counts reversed", did + "'count':{'gte':3,'lte':2}}", "invalid_range", "/count/gte", "lte"},
      {"within as number", did + "'within':30}", "wrong_type", "/within", "a number"},
      {"no duration", did + "'within':'30D'}", "invalid_duration", "/within", "P30D"},
      {"no time", did + "'within':'P0D'}", "invalid_duration", "/within", ""},
      {"within beside from", did + "'within':'P1D','from':'2026-01-01'}", "unsupported_combination",
       "/within", "from"},
      {"within beside to", did + "'within':'P1D','to':'2026-01-01'}", "unsupported_combination",
       "/within", "to"},
      {"from as number", did + "'from':2026}", "wrong_type", "/from", "a number"},
      {"no date", did + "'from':'2026-02-30'}", "invalid_time", "/from", "RFC 3339"},
      {"no instant", did + "'to':'2026-01-31T08:00:00'}", "invalid_time", "/to", "RFC 3339"},
      {"dates reversed", did + "'from':'2026-02-02','to':'2026-02-01'}", "invalid_range", "/from",
       "empty"},
      {"instants reversed", did + "'from':'2026-02-02T00:00:01Z','to':'2026-02-02T00:00:01Z'}",
       "invalid_range", "/from", "empty"},
      {"date after instant", did + "'from':'2026-02-03','to':'2026-02-01T23:00:00Z'}",
       "invalid_range", "/from", "empty"},
      {"instant after date", did + "'from':'2026-02-04T00:00:00Z','to':'2026-02-02'}",
       "invalid_range", "/from", "empty"},
      {"within of a person's where", "{'did':{'event':'a','where':{'property':'p','op':'eq'}}}",
       "missing_field", "/did/where", "value"},
  };
  expect_refusals(refusals);
  parsed(did + "'from':'2026-02-01','to':'2026-02-01'}");
  // Local midnight may be hours after it: only the zone of the question says.
  parsed(did + "'from':'2026-02-02','to':'2026-02-01T23:00:00Z'}");
  parsed(did + "'from':'2026-02-03T23:00:00Z','to':'2026-02-02'}");
}

// -- The other behaviours -------------------------------------------------------------------------

TEST(ParseBehaviour, KeepsWhatWasAsked) {
  const Behaviour sequence = behaviour_of(
      "{'sequence':[{'event':'a'},{'any_of':[{'event':'b'},{'event':'c'}]}],'within':'P7D'}");
  EXPECT_EQ(sequence.kind, Behaviour::Kind::sequence);
  ASSERT_EQ(sequence.matchers.size(), 2u);
  EXPECT_EQ(sequence.matchers[1].label, "b or c");
  EXPECT_EQ(sequence.within, Duration{.days = 7});
  EXPECT_EQ(behaviour_of("{'sequence':[{'event':'a'}]}").within, std::nullopt);

  const Behaviour first = behaviour_of("{'first':{'event':'a'},'within':'PT1H'}");
  EXPECT_EQ(first.kind, Behaviour::Kind::first);
  EXPECT_EQ(first.within, Duration{.ms = 3'600'000});

  const Behaviour regularly =
      behaviour_of("{'regularly':{'event':'a'},'periods':{'of':'quarter','at_least':3,'last':4}}");
  EXPECT_EQ(regularly.kind, Behaviour::Kind::regularly);
  EXPECT_EQ(regularly.unit, Behaviour::PeriodUnit::quarter);
  EXPECT_EQ(regularly.at_least, 3);
  EXPECT_EQ(regularly.last, 4);

  const Behaviour plain =
      behaviour_of("{'change':{'event':'a'},'within':'P90D','op':'lt','ratio':0.60}");
  EXPECT_EQ(plain.kind, Behaviour::Kind::change);
  EXPECT_EQ(plain.of, Behaviour::ChangeOf::count);
  EXPECT_EQ(plain.benchmark, std::nullopt);
  EXPECT_EQ(plain.op, Op::lt);
  EXPECT_EQ(plain.ratio, (Decimal{6, 1}));
  EXPECT_FALSE(plain.significant);

  const Behaviour full = behaviour_of(
      "{'property':'amount','change':{'event':'a'},'of':'sum','within':'P3M','against':12.5,"
      "'op':'gte','ratio':2,'significant':true}");
  EXPECT_EQ(full.of, Behaviour::ChangeOf::sum);
  EXPECT_EQ(full.property, "amount");
  EXPECT_EQ(full.benchmark, (Decimal{125, 1}));
  EXPECT_EQ(full.op, Op::gte);
  EXPECT_EQ(full.ratio, (Decimal{2, 0}));
  EXPECT_TRUE(full.significant);
  EXPECT_EQ(behaviour_of("{'change':{'event':'a'},'of':'count','within':'P3M','op':'lt','ratio':0,"
                         "'against':'previous','significant':false}")
                .benchmark,
            std::nullopt);
}

TEST(ParseBehaviour, RefusesWithPlaceAndReason) {
  std::string steps = "{'event':'a'}";
  for (int i = 0; i < 30; ++i) steps += ",{'event':'a'}";
  const auto periods = [](std::string_view members) {
    return fmt::format("{{'regularly':{{'event':'a'}},'periods':{{{}}}}}", members);
  };
  const auto change = [](std::string_view members) {
    return fmt::format("{{'change':{{'event':'a'}},'within':'P9D','op':'lt','ratio':1{}}}",
                       members);
  };
  const Refusal refusals[] = {
      {"sequence of one object", "{'sequence':{'event':'a'}}", "wrong_type", "/sequence", "array"},
      {"sequence of nothing", "{'sequence':[]}", "missing_field", "/sequence", "at least one"},
      {"31 steps", "{'sequence':[" + steps + "]}", "too_many_values", "/sequence", "30"},
      {"a step", "{'sequence':[{'event':'a'},{'event':''}]}", "missing_field", "/sequence/1/event",
       ""},
      {"sequence between dates", "{'sequence':[{'event':'a'}],'from':'2026-01-01'}",
       "unknown_field", "/from", "within"},
      {"first of any time", "{'first':{'event':'a'}}", "missing_field", "", "within"},
      {"first, counted", "{'first':{'event':'a'},'within':'P1D','count':{'gte':1}}",
       "unknown_field", "/count", ""},
      {"no periods", "{'regularly':{'event':'a'}}", "missing_field", "", "periods"},
      {"periods as number", "{'regularly':{'event':'a'},'periods':4}", "wrong_type", "/periods",
       "a number"},
      {"periods without of", periods("'at_least':1,'last':1"), "missing_field", "/periods", "of"},
      {"periods without at_least", periods("'of':'day','last':1"), "missing_field", "/periods",
       "at_least"},
      {"periods without last", periods("'of':'day','at_least':1"), "missing_field", "/periods",
       "last"},
      {"periods of hours", periods("'of':'hour','at_least':1,'last':1"), "unknown_value",
       "/periods/of", "day, week, month, quarter, year"},
      {"none needed", periods("'of':'day','at_least':0,'last':1"), "out_of_range",
       "/periods/at_least", "0"},
      {"more than there are", periods("'of':'day','at_least':5,'last':4"), "out_of_range",
       "/periods/at_least", "from 1 to 4"},
      {"too many periods", periods("'of':'day','at_least':1,'last':1001"), "out_of_range",
       "/periods/last", "1000"},
      {"misspelt period", periods("'of':'day','atleast':1,'last':4"), "unknown_field",
       "/periods/atleast", "at_least"},
      {"regularly within", "{'regularly':{'event':'a'},'within':'P1D'}", "unknown_field", "/within",
       ""},
      {"change of any time", "{'change':{'event':'a'},'op':'lt','ratio':1}", "missing_field", "",
       "within"},
      {"change without op", "{'change':{'event':'a'},'within':'P1D','ratio':1}", "missing_field",
       "", "op"},
      {"change without ratio", "{'change':{'event':'a'},'within':'P1D','op':'lt'}", "missing_field",
       "", "ratio"},
      {"change of average", change(",'of':'avg'"), "unknown_value", "/of", "count, sum"},
      {"sum of what", change(",'of':'sum'"), "missing_field", "", "property"},
      {"count of a property", change(",'property':'p'"), "unsupported_combination", "/property",
       "sum"},
      {"property as number", change(",'of':'sum','property':1"), "wrong_type", "/property",
       "a number"},
      {"change with eq", "{'change':{'event':'a'},'within':'P1D','op':'eq','ratio':1}",
       "unknown_value", "/op", "lt, lte, gt, gte"},
      {"negative ratio", "{'change':{'event':'a'},'within':'P1D','op':'lt','ratio':-0.5}",
       "out_of_range", "/ratio", "negative"},
      {"ratio as text", "{'change':{'event':'a'},'within':'P1D','op':'lt','ratio':'1'}",
       "wrong_type", "/ratio", "a text"},
      {"ratio that is no decimal", "{'change':{'event':'a'},'within':'P1D','op':'lt','ratio':1e40}",
       "out_of_range", "/ratio", "1e40"},
      {"against a name", change(",'against':'median'"), "unknown_value", "/against", "previous"},
      {"against nothing", change(",'against':0"), "out_of_range", "/against", "above 0"},
      {"against null", change(",'against':null"), "wrong_type", "/against", "null"},
      {"significant as text", change(",'significant':'yes'"), "wrong_type", "/significant",
       "true or false"},
      {"misspelt", change(",'signifcant':true"), "unknown_field", "/signifcant", "significant"},
  };
  expect_refusals(refusals);
}

// -- Traits and what Holdfast finds ---------------------------------------------------------------

TEST(ParseTrait, TakesTheLatestValueUnlessToldOtherwise) {
  const Predicate latest = parsed("{'trait':'plan','op':'in_ci','value':['a','b']}");
  EXPECT_EQ(latest.kind, Predicate::Kind::trait);
  EXPECT_EQ(latest.property, "plan");
  EXPECT_EQ(latest.op, Op::in);
  EXPECT_TRUE(latest.case_insensitive);
  EXPECT_FALSE(latest.at_event);
  const Predicate then = parsed("{'at':'event','trait':'plan','op':'exists'}", parse_predicate);
  EXPECT_EQ(then.kind, Predicate::Kind::trait);
  EXPECT_TRUE(then.at_event);
}

TEST(ParseSystemTrait, BecomesAConditionOnItsName) {
  const struct {
    std::string json;
    std::string_view property;
    Op op;
    std::size_t values;
    bool is_list;
  } cases[] = {
      {"{'stage':'at_risk'}", "stage", Op::eq, 1, false},
      {"{'stage':['at_risk','dormant']}", "stage", Op::eq, 2, true},
      {"{'layer':'core'}", "layer", Op::eq, 1, false},
      {"{'stay':['long_stay']}", "stay", Op::eq, 1, true},
      {"{'segment':'vip'}", "segment.vip", Op::eq, 1, false},
      {"{'consent':'marketing'}", "consent.marketing", Op::eq, 1, false},
      {"{'tier':{'programme':'main','gte':'gold'}}", "tier.main", Op::gte, 1, false},
      {"{'tier':{'eq':'platinum','programme':'main'}}", "tier.main", Op::eq, 1, false},
      {"{'tier':{'programme':'main','ne':'gold'}}", "tier.main", Op::ne, 1, false},
      {"{'balance':'points','op':'gte','value':100.5}", "balance.points", Op::gte, 1, false},
      {"{'balance':'points','op':'between','value':[1,1e40]}", "balance.points", Op::between, 2,
       true},
      {"{'score':'churn','op':'not_exists'}", "score.churn", Op::not_exists, 0, false},
  };
  for (const auto& c : cases) {
    SCOPED_TRACE(c.json);
    const Predicate predicate = parsed(c.json);
    EXPECT_EQ(predicate.kind, Predicate::Kind::system);
    EXPECT_EQ(predicate.property, c.property);
    EXPECT_EQ(predicate.op, c.op);
    EXPECT_EQ(predicate.values.size(), c.values);
    EXPECT_EQ(predicate.value_is_list, c.is_list);
  }
  EXPECT_TRUE(parsed("{'segment':'vip'}").values[0].boolean);
  for (const std::string_view form : {"stage", "layer", "stay"}) {
    for (const std::string_view name : standing_names(form)) {
      EXPECT_EQ(parsed(fmt::format("{{'{}':'{}'}}", form, name)).values[0].text, name);
    }
  }
}

TEST(ParseSystemTrait, RefusesWithPlaceAndReason) {
  const auto tier = [](std::string_view members) {
    return fmt::format("{{'tier':{{'programme':'main'{}}}}}", members);
  };
  const Refusal refusals[] = {
      {"trait as number", "{'trait':1,'op':'exists'}", "wrong_type", "/trait", "a number"},
      {"trait without op", "{'trait':'plan'}", "missing_field", "", "op"},
      {"trait at another time", "{'trait':'plan','op':'exists','at':'start'}", "unknown_value",
       "/at", "event"},
      {"at as number", "{'trait':'plan','op':'exists','at':1}", "wrong_type", "/at", "a number"},
      {"unknown stage", "{'stage':'at risk'}", "unknown_value", "/stage", "at_risk: at risk"},
      {"all stages named", "{'stage':'x'}", "unknown_value", "/stage",
       "prospect, registered, growing, active, stable, at_risk, grace, dormant, churned, returned"},
      {"unknown stage in a list", "{'stage':['active','lost']}", "unknown_value", "/stage/1",
       "lost"},
      {"unknown layer", "{'layer':'active'}", "unknown_value", "/layer", "active_user"},
      {"unknown stay", "{'stay':'long'}", "unknown_value", "/stay", "long_stay"},
      {"no stage", "{'stage':[]}", "missing_field", "/stage", "at least one"},
      {"stage as number", "{'stage':1}", "wrong_type", "/stage", "a number"},
      {"number among stages", "{'stage':[1]}", "wrong_type", "/stage/0", "a number"},
      {"stage with op", "{'stage':'active','op':'eq'}", "unknown_field", "/op", "stage"},
      {"segment as list", "{'segment':['a']}", "wrong_type", "/segment", "an array"},
      {"segment without name", "{'segment':''}", "missing_field", "/segment", "empty"},
      {"consent as true", "{'consent':true}", "wrong_type", "/consent", ""},
      {"consent with op", "{'consent':'marketing','op':'eq'}", "unknown_field", "/op", ""},
      {"tier as text", "{'tier':'gold'}", "wrong_type", "/tier", "programme"},
      {"tier of no programme", "{'tier':{'gte':'gold'}}", "missing_field", "/tier", "programme"},
      {"tier without a name", tier(""), "missing_field", "/tier", "gte"},
      {"tier misspelt", tier(",'get':'gold'"), "unknown_field", "/tier/get", "gt"},
      {"tier twice", tier(",'gte':'silver','lt':'gold'"), "unsupported_combination", "/tier/gte",
       "lt"},
      {"tier as number", tier(",'gte':2"), "wrong_type", "/tier/gte", "a number"},
      {"order of an unknown tier", tier(",'gte':'platinum'"), "unknown_value", "/tier/gte",
       "bronze, silver, gold"},
      {"balance without op", "{'balance':'points'}", "missing_field", "", "op"},
      {"balance of nothing", "{'balance':'','op':'gt','value':1}", "missing_field", "/balance",
       "empty"},
      {"balance as text", "{'balance':'points','op':'gt','value':'1'}", "wrong_type", "/value",
       "a text"},
      {"text among balances", "{'balance':'points','op':'in','value':[1,'2']}", "wrong_type",
       "/value/1", "a text"},
      {"score by text", "{'score':'churn','op':'contains','value':1}", "unknown_op", "/op", "gte"},
      {"score in any case", "{'score':'churn','op':'eq_ci','value':1}", "unknown_op", "/op", "gte"},
      {"score with true", "{'score':'churn','op':'eq','value':true}", "wrong_type", "/value",
       "boolean"},
      {"misspelt form", "{'segmnt':'vip'}", "unknown_field", "/segmnt", "segment"},
  };
  expect_refusals(refusals);
}

// -- What is at hand ------------------------------------------------------------------------------

TEST(ParsePeoplePredicate, HasNoEventAtHand) {
  const std::string property = "{'property':'p','op':'exists'}";
  const std::string then = "{'trait':'p','op':'exists','at':'event'}";
  const Refusal refusals[] = {
      {"property", property, "unsupported_combination", "/property", "where"},
      {"trait at the event", then, "unsupported_combination", "/at", "latest"},
      {"deep inside", "{'all':[{'stage':'active'},{'not':{'any':[" + property + "]}}]}",
       "unsupported_combination", "/all/1/not/any/0/property", ""},
  };
  expect_refusals(refusals);
  for (const auto& [name, json, reason, pointer, message] : refusals) parsed(json, parse_predicate);
  // In a matcher there is one, however deep.
  for (const std::string& inner : {property, then}) {
    const std::string nested = "{'did':{'event':'a','where':" + inner + "}}";
    parsed(nested);
    parsed("{'not':{'did_not':{'any_of':[{'event':'a','where':{'not':" + nested + "}}]}}}");
    parsed("{'sequence':[{'event':'b'},{'event':'a','where':" + inner + "}]}");
  }
}

TEST(ParsePredicate, KnowsWhatAsksOfTheEventAndWhatOfThePerson) {
  const struct {
    std::string json;
    bool of_event, of_person;
  } cases[] = {
      {"{'all':[]}", false, false},
      {"{'not':{'property':'p','op':'exists'}}", true, false},
      {"{'any':[{'property':'p','op':'exists'},{'not':{'stage':'active'}}]}", true, true},
      {"{'trait':'p','op':'exists'}", false, true},
      {"{'trait':'p','op':'exists','at':'event'}", true, true},
      {"{'did':{'event':'a','where':{'property':'p','op':'exists'}}}", false, true},
      {"{'not':{'all':[{'segment':'vip'}]}}", false, true},
  };
  for (const auto& c : cases) {
    const Predicate predicate = parsed(c.json, parse_predicate);
    EXPECT_EQ(asks_of_event(predicate), c.of_event) << c.json;
    EXPECT_EQ(asks_of_person(predicate), c.of_person) << c.json;
    EXPECT_EQ(!parse_people_predicate(json_of(c.json), ""), c.of_event) << c.json;
  }
}

// -- Limits ---------------------------------------------------------------------------------------

TEST(ParsePredicate, CountsConditionsThroughMatchers) {
  const auto behaviours = [](int count, int choices) {
    std::string choice = "{'event':'a','where':{'property':'p','op':'exists'}}";
    std::string matcher = choice;
    for (int i = 1; i < choices; ++i) matcher += "," + choice;
    std::string all = "{'did':{'any_of':[" + matcher + "]}}";
    const std::string one = all;
    for (int i = 1; i < count; ++i) all += "," + one;
    return parse_people_predicate(json_of("{'all':[" + all + "]}"), "");
  };
  EXPECT_TRUE(behaviours(9, 55));           // 1 + 9 (1 + 2 x 55) = 1,000
  const auto refused = behaviours(10, 50);  // 1,011
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().reason, "too_many_values");
  EXPECT_EQ(refused.error().pointer, "/all/9/did/any_of/44/where");
}

TEST(ParsePredicate, CountsDepthThroughMatchers) {
  // Each level is two deep: the behaviour and its matcher.
  const auto nested = [](int levels, Json json) {
    for (int i = 0; i < levels; ++i) {
      Json matcher = json_of("{'event':'a'}");
      matcher.object.emplace_back("where", std::move(json));
      json = json_of("{}");
      json.object.emplace_back("did", std::move(matcher));
    }
    return parse_people_predicate(json, "");
  };
  const Json holds = json_of("{'all':[]}");
  const Json deeper = json_of("{'all':[{'all':[]}]}");
  EXPECT_TRUE(nested(31, deeper));
  EXPECT_TRUE(nested(31, holds));
  ASSERT_FALSE(nested(32, holds));
  EXPECT_EQ(nested(32, holds).error().reason, "too_deep");
  std::string pointer;
  for (int i = 0; i < 32; ++i) pointer += "/did/where";
  EXPECT_EQ(nested(32, holds).error().pointer, pointer);
}

}  // namespace
}  // namespace hf
