// SPDX-License-Identifier: Apache-2.0
//
// Test support: a small shop, and questions of every kind about it, as JSON with ' for ".
#pragma once

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <string>
#include <utility>
#include <vector>

#include "base/rng.h"
#include "metric/event_world.h"

namespace hf::test {

inline std::string quoted(std::string text) {
  std::ranges::replace(text, '\'', '"');
  return text;
}

/// What `persons` did in five weeks from Thursday 1 January 2026 on, in order of arrival, in up to
/// three parts.
inline std::vector<WorldEvent> shop_events(std::uint64_t seed, std::uint64_t persons,
                                           std::size_t events) {
  Rng rng(seed);
  constexpr std::array names = {"visit", "visit", "visit", "visit", "cart",
                                "cart",  "buy",   "buy",   "help",  "identify"};
  constexpr std::array countries = {"GB", "DE", "FR", "CN", "US"};
  std::vector<WorldEvent> out;
  for (std::size_t i = 0; i < events; ++i) {
    // Some come often, some once.
    const std::uint64_t person = rng.below(1 + rng.below(persons));
    WorldEvent event{fmt::format("person {}", person),
                     names[rng.below(names.size())],
                     utc("2026-01-01") + rng.between(0, 35 * 24 * 60 - 1) * 60'000,
                     {},
                     static_cast<int>(rng.below(3))};
    const std::uint64_t abroad = rng.below(4) == 0 ? 1 : 0;
    if (rng.below(6) > 0) {
      event.properties.emplace_back("country",
                                    text(countries[(person + abroad) % countries.size()]));
    }
    if (event.name == "buy") {
      event.properties.emplace_back("amount",
                                    number(fmt::format("{}.5", rng.between(1, 90)).c_str()));
    }
    if (event.name == "identify") {
      event.properties.emplace_back("plan", text(rng.below(2) == 0 ? "gold" : "free"));
    }
    out.push_back(std::move(event));
  }
  return out;
}

/// Each ends before its last brace, so that more fields can be added.
inline constexpr auto shop_questions = std::to_array<const char*>({
    "{'metric':'retention','periods':5",
    "{'metric':'retention','period':'week','entry':'first_time'",
    "{'metric':'retention','period':'week','count_return':'on_or_after'",
    "{'metric':'retention','period':'week','window':'rolling','periods':3",
    "{'metric':'retention','window':'rolling','count_return':'on_or_after','brackets':[2,1,3]",
    "{'metric':'retention','brackets':[1,2,7],'min_occurrences':2",
    "{'metric':'retention','start':{'event':'cart'},'return':{'event':'buy'},'periods':6",
    "{'metric':'retention','entry':'first_ever','start':{'event':'buy',"
    "'where':{'property':'amount','op':'gt','value':9}},'period':'week'",
    "{'metric':'retention','period':'week','return':{'event':'buy'},"
    "'value':{'aggregate':'sum','property':'amount'}",
    "{'metric':'retention','period':'week','people':{'did':{'event':'buy'},'count':{'gte':2}}",
    "{'metric':'retention','initial':{'from':'2026-01-01','to':'2026-01-14'},"
    "'current':{'from':'2026-01-15','to':'2026-01-31'}",
    "{'metric':'lifecycle'",
    "{'metric':'lifecycle','period':'week','match':{'event':'buy'}",
    "{'metric':'lifecycle','where':{'property':'country','op':'in','value':['GB','CN']}",
    "{'metric':'stickiness'",
    "{'metric':'stickiness','cumulative':true,'period':'week','per_interval':{'gte':2}",
    "{'metric':'stickiness','over_time':true",
    "{'metric':'trend','series':[{'event':'*'},{'event':'visit','math':'unique'},"
    "{'event':'buy','math':'sum','property':'amount'}],'period':'week'",
    "{'metric':'trend','series':[{'event':'buy','math':'weekly_active'},"
    "{'event':'buy','math':'median','property':'amount'},{'event':'*','math':'per_user'}]",
    "{'metric':'trend','series':[{'event':'*','math':'unique'},{'event':'buy'}],"
    "'cumulative':true,'compare':'P7D','formula':'B/A'",
    "{'metric':'funnel','steps':[{'event':'visit'},{'event':'cart'},{'event':'buy'}],"
    "'window':'P7D'",
    "{'metric':'funnel','steps':[{'event':'visit'},{'event':'cart'},{'event':'buy'}],"
    "'window':'P7D','order':'strict'",
    "{'metric':'funnel','steps':[{'event':'visit'},{'event':'cart'},{'event':'buy'}],"
    "'window':'P3D','order':'any'",
    "{'metric':'funnel','steps':[{'event':'visit'},{'event':'cart','within':'P1D'},"
    "{'event':'buy'}],'exclude':[{'event':'help'}],'hold_constant':['country']",
    "{'metric':'funnel','steps':[{'event':'visit'},{'event':'visit'},{'event':'buy'}],"
    "'window':'P7D','view':'trend','period':'week'",
    "{'metric':'funnel','steps':[{'event':'visit'},{'event':'buy'}],'window':'P7D',"
    "'view':'time_to_convert'",
    "{'metric':'segment_size','people':{'all':[{'did':{'event':'cart'},'count':{'gte':2},"
    "'within':'P30D'},{'did_not':{'event':'buy'},'within':'P14D'}]}",
    "{'metric':'segment_size','overlap':[{'label':'a','people':{'did':{'event':'buy'}}},"
    "{'label':'b','people':{'trait':'plan','op':'eq','value':'gold'}}]",
});

/// A breakdown that the question may have: one by events, or by persons.
inline std::string shop_breakdown(std::string_view question, int which) {
  constexpr std::array by_events = {"[{'property':'country','top':2}]",
                                    "[{'property':'country','attribution':'first_touch'}]",
                                    "[{'property':'country','attribution':'last_touch'},"
                                    "{'trait':'plan'}]"};
  const bool of_persons = question.contains("segment_size");
  return fmt::format(",'breakdown':{}", of_persons ? "[{'trait':'plan'}]" : by_events[which]);
}

}  // namespace hf::test
