// SPDX-License-Identifier: Apache-2.0
#include "metric/query.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <vector>

#include "metric/event_world.h"

namespace hf::test {
namespace {

std::string quoted(std::string text) {
  std::ranges::replace(text, '\'', '"');
  return text;
}

EventWorld& small_world() {
  static EventWorld world({{"ann", "visit", utc("2026-01-05T09:00"), {}, 0},
                           {"ann", "visit", utc("2026-01-06T09:00"), {}, 2}});
  return world;
}

TEST(AnswerQuery, SaysWhatItCountedAndByWhichDefinition) {
  const auto answer =
      answer_query(small_world().snapshot(), small_world().context(),
                   quoted("{'metric':'retention','from':'2026-01-05','to':'2026-01-05','periods':1,"
                          "'timezone':'Europe/London','as_of':'2026-02-01'}"));
  ASSERT_TRUE(answer) << answer.error().message;
  EXPECT_EQ(
      *answer,
      quoted("{'metric':'retention','definition':'docs/metrics.md#retention',"
             "'as_of':'2026-02-01T23:59:59.999Z','timezone':'Europe/London','data_version':7,"
             "'exact':true,'events_scanned':0,'persons_scanned':1,'elapsed_ms':0,'warnings':[],"
             "'data':{'columns':['0','1'],'cohorts':[{'start':'2026-01-05','size':1,'cells':["
             "{'count':1,'eligible':1,'complete':true},"
             "{'count':1,'eligible':1,'complete':true}]}],'mean':{'weighted':["
             "{'numerator':1,'denominator':1,'rate':1},{'numerator':1,'denominator':1,'rate':1}],"
             "'simple':[1,1]}}}"))
      << *answer;
}

TEST(AnswerQuery, IsTheSameOnAnyNumberOfThreads) {
  const std::string query = quoted("{'metric':'trend','series':[{'event':'*'}]}");
  const auto one = answer_query(small_world().snapshot(), small_world().context(1), query);
  const auto many = answer_query(small_world().snapshot(), small_world().context(8), query);
  ASSERT_TRUE(one);
  EXPECT_EQ(*one, *many);
}

struct Refusal {
  const char* name;
  const char* query;
  const char* reason;
  const char* pointer;
};

TEST(AnswerQuery, RefusesWhatItDoesNotUnderstandWithItsPlace) {
  const Refusal refusals[] = {
      {"no JSON", "{", "invalid_json", ""},
      {"no object", "[]", "wrong_type", ""},
      {"no metric", "{}", "missing_field", "/metric"},
      {"unknown metric", "{'metric':'retension'}", "unknown_metric", "/metric"},
      {"later metric", "{'metric':'paths','steps':3}", "unsupported_metric", "/metric"},
      {"misspelt field", "{'metric':'retention','stratt':{}}", "unknown_field", "/stratt"},
      {"people", "{'metric':'retention','people':{}}", "missing_field", "/people"},
      {"sample of events", "{'metric':'trend','sample':0.5,'series':[{'event':'*'}]}",
       "unsupported_combination", "/series/0/math"},
      {"sample with a formula",
       "{'metric':'trend','sample':0.5,'series':[{'event':'*','math':'unique'}],'formula':'A*2'}",
       "unsupported_combination", "/formula"},
      {"sample of sums", "{'metric':'retention','sample':0.5,'value':{'aggregate':'count'}}",
       "unsupported_combination", "/value"},
      {"sample of nobody", "{'metric':'retention','sample':0}", "out_of_range", "/sample"},
      {"sample of next to nobody", "{'metric':'retention','sample':1e-300}", "out_of_range",
       "/sample"},
      {"a sample that is too small", "{'metric':'retention','sample':0.0000009}", "out_of_range",
       "/sample"},
      {"sample of all", "{'metric':'retention','sample':1.0}", "out_of_range", "/sample"},
      {"sample as text", "{'metric':'retention','sample':'0.5'}", "wrong_type", "/sample"},
      {"sample of units", "{'metric':'retention','sample':0.5,'unit':{'property':'a'}}",
       "unsupported_combination", "/sample"},
      {"members of a sample",
       "{'metric':'retention','sample':0.5,'members':{'cell':{'cohort':'x','column':1}}}",
       "unsupported_combination", "/sample"},
      {"members of no object", "{'metric':'trend','members':[]}", "wrong_type", "/members"},
      {"compare", "{'metric':'trend','series':[{'event':'*'}],'compare':'7D'}", "invalid_duration",
       "/compare"},
      {"compare of both kinds", "{'metric':'trend','series':[{'event':'*'}],'compare':'P1DT1H'}",
       "invalid_duration", "/compare"},
      {"compare for ages", "{'metric':'trend','series':[{'event':'*'}],'compare':'P201Y'}",
       "invalid_duration", "/compare"},
      {"formula", "{'metric':'trend','series':[{'event':'*'}],'formula':'A/B'}", "invalid_formula",
       "/formula"},
      {"trait in where", "{'metric':'retention','where':{'trait':'p','op':'exist'}}", "unknown_op",
       "/where/op"},
      {"zone", "{'metric':'retention','timezone':'Mars/Base'}", "unknown_timezone", "/timezone"},
      {"week start", "{'metric':'retention','week_start':'friday'}", "unknown_value",
       "/week_start"},
      {"as_of", "{'metric':'retention','as_of':'yesterday'}", "invalid_time", "/as_of"},
      {"from", "{'metric':'retention','from':'2026-02-30'}", "invalid_time", "/from"},
      {"from as number", "{'metric':'retention','from':20260101}", "wrong_type", "/from"},
      {"from after to", "{'metric':'retention','from':'2026-02-02','to':'2026-02-01'}",
       "invalid_range", "/from"},
      {"from after as_of", "{'metric':'retention','from':'2026-02-02','as_of':'2026-02-01'}",
       "invalid_range", "/from"},
      {"last and from", "{'metric':'retention','last':'P7D','from':'2026-01-01'}",
       "unsupported_combination", "/last"},
      {"last in hours", "{'metric':'retention','last':'PT7H'}", "invalid_duration", "/last"},
      {"period", "{'metric':'retention','period':'fortnight'}", "unknown_value", "/period"},
      {"mixed period", "{'metric':'retention','period':'P1DT1H'}", "invalid_duration", "/period"},
      {"long period", "{'metric':'retention','period':'P201Y'}", "invalid_duration", "/period"},
      {"entry", "{'metric':'retention','entry':'any'}", "unknown_value", "/entry"},
      {"periods 0", "{'metric':'retention','periods':0}", "out_of_range", "/periods"},
      {"periods 1.5", "{'metric':'retention','periods':1.5}", "wrong_type", "/periods"},
      {"periods and brackets", "{'metric':'retention','periods':3,'brackets':[1]}",
       "unsupported_combination", "/brackets"},
      {"no bracket", "{'metric':'retention','brackets':[]}", "missing_field", "/brackets"},
      {"bracket 0", "{'metric':'retention','brackets':[1,0]}", "out_of_range", "/brackets/1"},
      {"brackets too long", "{'metric':'retention','brackets':[4000,1000]}", "too_many_cells",
       "/brackets/1"},
      {"occurrences", "{'metric':'retention','min_occurrences':0}", "out_of_range",
       "/min_occurrences"},
      {"sum of what", "{'metric':'retention','value':{'aggregate':'sum'}}", "missing_field",
       "/value/property"},
      {"two values",
       "{'metric':'retention','value':{'aggregate':'sum','property':'a','trait':'b'}}",
       "unsupported_combination", "/value/trait"},
      {"count of property", "{'metric':'retention','value':{'aggregate':'count','property':'a'}}",
       "unsupported_combination", "/value"},
      {"current alone", "{'metric':'retention','current':{'from':'2026-01-01','to':'2026-01-02'}}",
       "missing_field", "/initial"},
      {"windows with period",
       "{'metric':'retention','period':'day','initial':{'from':'2026-01-01','to':'2026-01-02'},"
       "'current':{'from':'2026-01-01','to':'2026-01-02'}}",
       "unsupported_combination", "/period"},
      {"window without to", "{'metric':'retention','initial':{'from':'2026-01-01'},'current':{}}",
       "missing_field", "/initial/to"},
      {"breakdown by nothing", "{'metric':'retention','breakdown':[{'top':3}]}", "missing_field",
       "/breakdown/0"},
      {"breakdown by two things in one",
       "{'metric':'retention','breakdown':[{'trait':'plan','property':'a'}]}",
       "unsupported_combination", "/breakdown/0/trait"},
      {"attribution of a trait",
       "{'metric':'retention','breakdown':[{'trait':'plan','attribution':'last_touch'}]}",
       "unsupported_combination", "/breakdown/0/attribution"},
      {"attribution", "{'metric':'retention','breakdown':[{'property':'a','attribution':'any'}]}",
       "unknown_value", "/breakdown/0/attribution"},
      {"attribution step",
       "{'metric':'retention','breakdown':[{'property':'a','attribution':'step','step':1}]}",
       "unsupported_breakdown", "/breakdown/0/attribution"},
      {"step without attribution", "{'metric':'retention','breakdown':[{'property':'a','step':1}]}",
       "unsupported_combination", "/breakdown/0/step"},
      {"cohort", "{'metric':'retention','breakdown':[{'cohort':'hour'}]}", "unknown_value",
       "/breakdown/0/cohort"},
      {"stage", "{'metric':'retention','breakdown':[{'stage':'active'}]}", "wrong_type",
       "/breakdown/0/stage"},
      {"four breakdowns",
       "{'metric':'retention','breakdown':[{'property':'a'},{'property':'b'},{'property':'c'},"
       "{'property':'d'}]}",
       "out_of_range", "/breakdown/3"},
      {"people by property", "{'metric':'retention','people':{'property':'a','op':'eq','value':1}}",
       "unsupported_combination", "/people/property"},
      {"unit", "{'metric':'retention','unit':'account'}", "wrong_type", "/unit"},
      {"unit without a name", "{'metric':'retention','unit':{'property':''}}", "missing_field",
       "/unit/property"},
      {"unit by trait",
       "{'metric':'retention','unit':{'property':'a'},'breakdown':[{'trait':'b'}]}",
       "unsupported_combination", "/breakdown/0"},
      {"members of nothing", "{'metric':'retention','members':{}}", "missing_field",
       "/members/cell"},
      {"members of no cohort", "{'metric':'retention','members':{'cell':{'column':1}}}",
       "missing_field", "/members/cell/cohort"},
      {"members of an unknown cohort",
       "{'metric':'retention','members':{'cell':{'cohort':'1999-01-01','column':1}}}",
       "unknown_cell", "/members/cell/cohort"},
      {"members of no bucket",
       "{'metric':'retention','breakdown':[{'property':'a'}],'members':"
       "{'cell':{'cohort':'1999-01-01','column':1,'bucket':[]}}}",
       "out_of_range", "/members/cell/bucket"},
      {"members of too many", "{'metric':'retention','members':{'cell':{},'limit':10001}}",
       "out_of_range", "/members/limit"},
      {"members of old data",
       "{'metric':'retention','members':{'cell':{'cohort':'x','column':1},'data_version':1}}",
       "stale_version", "/members/data_version"},
      {"top", "{'metric':'retention','breakdown':[{'property':'a','top':1001}]}", "out_of_range",
       "/breakdown/0/top"},
      {"start", "{'metric':'retention','start':{'evnt':'buy'}}", "unknown_field", "/start/evnt"},
      {"no series", "{'metric':'trend'}", "missing_field", "/series"},
      {"empty series", "{'metric':'trend','series':[]}", "out_of_range", "/series"},
      {"series math", "{'metric':'trend','series':[{'event':'*','math':'mode'}]}", "unknown_value",
       "/series/0/math"},
      {"median of nothing", "{'metric':'trend','series':[{'event':'*','math':'median'}]}",
       "missing_field", "/series/0/property"},
      {"total of a property",
       "{'metric':'trend','series':[{'event':'*'},{'event':'*','property':'v'}]}",
       "unsupported_combination", "/series/1/property"},
      {"active by hour",
       "{'metric':'trend','period':'hour','series':[{'event':'*','math':'weekly_active'}]}",
       "unsupported_combination", "/series/0/math"},
      {"active by exact time",
       "{'metric':'trend','period':'PT24H','series':[{'event':'*','math':'monthly_active'}]}",
       "unsupported_combination", "/series/0/math"},
      {"active cumulative",
       "{'metric':'trend','cumulative':true,'series':[{'event':'*','math':'weekly_active'}]}",
       "unsupported_combination", "/series/0/math"},
      {"series field", "{'metric':'trend','series':[{'event':'*','maths':'total'}]}",
       "unknown_field", "/series/0/maths"},
      {"cumulative", "{'metric':'trend','series':[{'event':'*'}],'cumulative':1}", "wrong_type",
       "/cumulative"},
      {"match", "{'metric':'lifecycle','match':{'evnt':'buy'}}", "unknown_field", "/match/evnt"},
      {"series of lifecycle", "{'metric':'lifecycle','series':[]}", "unknown_field", "/series"},
      {"profiles of units",
       "{'metric':'lifecycle','new_means':'profile_created','unit':{'property':'k'}}",
       "unsupported_combination", "/new_means"},
      {"new_means", "{'metric':'lifecycle','new_means':'first'}", "unknown_value", "/new_means"},
      {"by stage", "{'metric':'lifecycle','by':'stage'}", "unsupported_value", "/by"},
      {"by", "{'metric':'lifecycle','by':'plan'}", "unknown_value", "/by"},
      {"per_interval as number", "{'metric':'stickiness','per_interval':2}", "wrong_type",
       "/per_interval"},
      {"empty per_interval", "{'metric':'stickiness','per_interval':{}}", "missing_field",
       "/per_interval"},
      {"per_interval ne", "{'metric':'stickiness','per_interval':{'ne':1}}", "unknown_field",
       "/per_interval/ne"},
      {"two rules", "{'metric':'stickiness','per_interval':{'gte':1,'lte':2}}",
       "unsupported_combination", "/per_interval"},
      {"per_interval 0", "{'metric':'stickiness','per_interval':{'gte':0}}", "out_of_range",
       "/per_interval/gte"},
      {"per_interval too large", "{'metric':'stickiness','per_interval':{'eq':1000000001}}",
       "out_of_range", "/per_interval/eq"},
      {"weeks over time", "{'metric':'stickiness','over_time':true,'period':'week'}",
       "unsupported_combination", "/period"},
      {"cumulative over time", "{'metric':'stickiness','over_time':true,'cumulative':true}",
       "unsupported_combination", "/cumulative"},
      {"over_time", "{'metric':'stickiness','over_time':'yes'}", "wrong_type", "/over_time"},
  };
  for (const Refusal& refusal : refusals) {
    SCOPED_TRACE(refusal.name);
    const auto answer =
        answer_query(small_world().snapshot(), small_world().context(), quoted(refusal.query));
    ASSERT_FALSE(answer) << *answer;
    EXPECT_EQ(answer.error().reason, refusal.reason) << answer.error().message;
    EXPECT_EQ(answer.error().pointer, refusal.pointer);
  }
}

TEST(AnswerQuery, NamesTheNearestFieldOfAMisspeltOne) {
  const auto answer = answer_query(small_world().snapshot(), small_world().context(),
                                   quoted("{'metric':'retention','stratt':{}}"));
  ASSERT_FALSE(answer);
  EXPECT_NE(answer.error().message.find("\"start\""), std::string::npos) << answer.error().message;
}

TEST(AnswerQuery, ListsItsMetrics) {
  std::vector<std::string_view> names;
  for (const MetricInfo& metric : metric_list()) names.push_back(metric.name);
  EXPECT_EQ(names, (std::vector<std::string_view>{"retention", "trend", "lifecycle", "stickiness",
                                                  "funnel", "segment_size"}));
}

}  // namespace
}  // namespace hf::test
