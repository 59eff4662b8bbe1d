// SPDX-License-Identifier: Apache-2.0
//
// Test support: random worlds and random queries over all options, for rapidcheck. Choices are
// small numbers that shrink towards 0, which is "absent", so a counterexample is short.
#pragma once

#include <fmt/format.h>
#include <rapidcheck.h>

#include <array>
#include <cstdlib>
#include <optional>
#include <ostream>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "metric/asked_twin.h"
#include "metric/event_world.h"
#include "metric/members.h"

namespace hf::test {

// Around what makes time hard: clocks forward and back, back over midnight, by half an hour, leap
// day, year's end.
inline constexpr std::array anchors = {
    "2026-03-29T01:00",  // London forward
    "2025-10-26T01:00",  // London back
    "2006-10-29T02:31",  // St John's back over midnight, 00:01 to 23:01
    "2026-04-04T15:00",  // Lord Howe back by half an hour
    "2024-02-29T00:00",
    "2025-12-31T18:30",  // Midnight in Kolkata
};
inline constexpr std::array zone_names = {"UTC", "Europe/London", "America/St_Johns",
                                          "Australia/Lord_Howe", "Asia/Kolkata"};
inline constexpr std::array steps_ms = {TimestampMs{20 * 60'000}, TimestampMs{7 * 60'000},
                                        TimestampMs{6 * 3'600'000}, TimestampMs{3 * 86'400'000}};

struct EventChoice {
  int person = 0;
  int name = 0;
  int slot = 0;    // Steps from the anchor.
  int jitter = 0;  // Milliseconds.
  int k = 0;
  int v = 0;
  int part = 0;
  int created = 0;  // What an identify call says of its person's profile.
};

/// One world and one query; a number per option.
struct QueryChoice {
  int anchor = 0;
  int step = 0;
  int zone = 0;
  int week_start = 0;
  int start = 0;
  int returning = 0;
  int entry = 0;
  int period = 0;
  int columns = 0;
  int window = 0;
  int count_return = 0;
  int occurrences = 0;
  int value = 0;
  int where = 0;
  int breakdown = 0;
  int people = 0;
  int unit = 0;
  int as_of = 0;
  int as_of_slot = 0;
  int from = 0;
  int from_slot = 0;
  int to = 0;
  int to_slots = 0;  // After from.
  int windows = 0;
  int series = 0;
  int cumulative = 0;
  int threads = 0;
  int shapes = 0;
  int sample = 0;
};

inline rc::Gen<int> choice(int n) {
  // Half of all options absent: each alone, and a few together, is where mistakes are seen.
  return rc::gen::oneOf(rc::gen::just(0), rc::gen::inRange(0, n));
}

inline rc::Gen<EventChoice> any_event_choice() {
  using E = EventChoice;
  return rc::gen::build<E>(rc::gen::set(&E::person, rc::gen::inRange(0, 4)),
                           rc::gen::set(&E::name, rc::gen::inRange(0, 7)),
                           rc::gen::set(&E::slot, rc::gen::inRange(-40, 40)),
                           rc::gen::set(&E::jitter, rc::gen::element(0, 0, -1, 1)),
                           rc::gen::set(&E::k, rc::gen::inRange(0, 13)),
                           rc::gen::set(&E::v, rc::gen::inRange(0, 10)),
                           rc::gen::set(&E::part, rc::gen::inRange(0, 4)),
                           rc::gen::set(&E::created, rc::gen::inRange(0, 30)));
}

inline rc::Gen<QueryChoice> any_query_choice() {
  using Q = QueryChoice;
  const auto slots = [] { return rc::gen::inRange(-42, 42); };
  return rc::gen::build<Q>(
      rc::gen::set(&Q::anchor, rc::gen::inRange(0, static_cast<int>(anchors.size()))),
      rc::gen::set(&Q::step, rc::gen::inRange(0, static_cast<int>(steps_ms.size()))),
      rc::gen::set(&Q::zone, rc::gen::inRange(0, static_cast<int>(zone_names.size()))),
      rc::gen::set(&Q::week_start, choice(3)), rc::gen::set(&Q::start, choice(8)),
      rc::gen::set(&Q::returning, choice(8)), rc::gen::set(&Q::entry, rc::gen::inRange(0, 3)),
      rc::gen::set(&Q::period, rc::gen::inRange(0, 13)), rc::gen::set(&Q::columns, choice(5)),
      rc::gen::set(&Q::window, choice(2)), rc::gen::set(&Q::count_return, choice(2)),
      rc::gen::set(&Q::occurrences, choice(3)), rc::gen::set(&Q::value, choice(8)),
      rc::gen::set(&Q::where, choice(7)), rc::gen::set(&Q::people, choice(9)),
      rc::gen::set(&Q::unit, choice(3)), rc::gen::set(&Q::breakdown, choice(13)),
      rc::gen::set(&Q::as_of, choice(3)), rc::gen::set(&Q::as_of_slot, slots()),
      rc::gen::set(&Q::from, choice(4)), rc::gen::set(&Q::from_slot, slots()),
      rc::gen::set(&Q::to, choice(3)), rc::gen::set(&Q::to_slots, rc::gen::inRange(0, 60)),
      rc::gen::set(&Q::windows, rc::gen::element(0, 0, 0, 0, 1, 2)),
      rc::gen::set(&Q::series, rc::gen::inRange(0, 6)), rc::gen::set(&Q::cumulative, choice(2)),
      rc::gen::set(&Q::threads, choice(2)), rc::gen::set(&Q::shapes, choice(5)),
      rc::gen::set(&Q::sample, choice(3)));
}

/// One or three threads, and which ways of reading may be used.
inline QueryContext chosen_ways(QueryContext context, const QueryChoice& choice) {
  context.threads = choice.threads == 0 ? 1 : 3;
  context.day_sets = choice.shapes != 1 && choice.shapes != 3;
  context.postings = choice.shapes != 2 && choice.shapes != 3;
  context.bitmaps = choice.shapes != 4;
  return context;
}

inline std::string nth_name(int i) {
  constexpr std::array names = {"buy", "visit", "page", "identify", "hf:sent", "buy", "alias"};
  return names[static_cast<std::size_t>(i)];
}

/// When a profile was created, some steps from the event, in one of the ways in which it is said.
inline void add_created(WorldEvent& event, const EventChoice& c, TimestampMs anchor,
                        TimestampMs step) {
  if (c.created == 0 || event.name != "identify") return;
  const TimestampMs t = anchor + (c.slot / 2 + c.created % 7 - 3) * step;
  const std::string rfc = format_rfc3339(t, *Zone::utc());
  switch (c.created % 6) {
    case 0: event.properties.emplace_back("created_at", text(rfc)); break;
    case 1: event.properties.emplace_back("createdAt", text(rfc.substr(0, 10))); break;
    case 2:
      event.properties.emplace_back("createdAt", number(fmt::format("{}", t / 1000).c_str()));
      event.properties.emplace_back("created_at", text(rfc));
      break;
    case 3:
      event.properties.emplace_back("created_at", number(fmt::format("{}", t).c_str()));
      break;
    case 4: event.properties.emplace_back("createdAt", text(fmt::format("{}", t / 1000))); break;
    default:
      event.properties.emplace_back("createdAt", c.created % 2 == 0 ? text("soon") : number("7"));
  }
}

inline std::vector<WorldEvent> world_of(const std::vector<EventChoice>& choices,
                                        const QueryChoice& query) {
  const TimestampMs anchor = utc(anchors[query.anchor]);
  std::vector<WorldEvent> events;
  for (const EventChoice& c : choices) {
    WorldEvent event{fmt::format("person {}", c.person),
                     nth_name(c.name),
                     anchor + c.slot * steps_ms[query.step] + c.jitter,
                     {},
                     c.part};
    const std::array<WorldValue, 13> ks = {WorldValue{},
                                           text("GB"),
                                           text("DE"),
                                           number("1"),
                                           text("1"),
                                           boolean(true),
                                           text("true"),
                                           text(""),
                                           number("2.50"),
                                           stored(ValueKind::list, R"(["GB","DE","GB"])"),
                                           stored(ValueKind::list, R"([1,"1",true,null])"),
                                           stored(ValueKind::list, "[]"),
                                           stored(ValueKind::json, R"([{"a":1}])")};
    const std::array<WorldValue, 10> vs = {
        WorldValue{},  number("1"),  number("2.5"),
        number("-3"),  text("4"),    boolean(true),
        number("0.1"), number("10"), stored(ValueKind::big_number, "123456789012345678901"),
        number("0")};
    if (c.k > 0) event.properties.emplace_back("k", ks[static_cast<std::size_t>(c.k)]);
    if (c.v > 0) event.properties.emplace_back("v", vs[static_cast<std::size_t>(c.v)]);
    add_created(event, c, anchor, steps_ms[query.step]);
    events.push_back(std::move(event));
  }
  return events;
}

class QueryText {
 public:
  explicit QueryText(const QueryChoice& choice) : q_(choice) {}

  std::string retention() {
    if (q_.value > 1) q_.sample = 0;
    begin("retention");
    if (q_.start > 0) add("start", matcher(q_.start));
    if (q_.returning > 0) add("return", matcher(q_.returning));
    constexpr std::array entries = {"", "first_time", "first_ever"};
    if (q_.entry > 0) add_text("entry", entries[q_.entry]);
    constexpr std::array occurrences = {"", "2", "3"};
    if (q_.occurrences > 0) add("min_occurrences", occurrences[q_.occurrences]);
    constexpr std::array values = {"",
                                   R"({"aggregate":"users"})",
                                   R"({"aggregate":"count"})",
                                   R"({"aggregate":"sum","property":"v"})",
                                   R"({"aggregate":"avg","property":"v"})",
                                   R"({"aggregate":"sum","trait":"v"})",
                                   R"({"aggregate":"avg","trait":"v"})",
                                   R"({"aggregate":"sum","property":"k"})"};
    const bool by_trait = q_.value == 5 || q_.value == 6;
    if (q_.value > 0 && (q_.unit == 0 || !by_trait)) add("value", values[q_.value]);
    if (q_.windows > 0) {
      const TimestampMs step = steps_ms[q_.step];
      const TimestampMs begin = anchor() + q_.from_slot * step;
      const TimestampMs middle = begin + (q_.to_slots + 1) * step;
      const TimestampMs gap = q_.windows == 1 ? 0 : step / 2;
      const auto window = [&](TimestampMs from, TimestampMs to) {
        return q_.from % 2 == 0
                   ? fmt::format(R"({{"from":"{}","to":"{}"}})", instant(from), instant(to))
                   : fmt::format(R"({{"from":"{}","to":"{}"}})", instant(from).substr(0, 10),
                                 instant(to).substr(0, 10));
      };
      add("initial", window(begin, middle));
      add("current", window(middle - gap, middle + (q_.columns + 1) * 10 * step));
      return end();
    }
    add_period();
    constexpr std::array columns = {"", R"("periods":1)", R"("periods":4)", R"("brackets":[1,2])",
                                    R"("brackets":[2,1,3])"};
    if (q_.columns > 0) text_ += std::string(",") + columns[q_.columns];
    if (q_.window > 0) add_text("window", "rolling");
    if (q_.count_return > 0) add_text("count_return", "on_or_after");
    add_range();
    return end();
  }

  std::string segment_size() {
    text_ = fmt::format(R"({{"metric":"segment_size","timezone":"{}")", zone_names[q_.zone]);
    if (q_.people > 0) add("people", people(q_.people));
    if (q_.sample > 0) add("sample", q_.sample == 1 ? "0.5" : "0.25");
    constexpr std::array breakdowns = {
        "", R"([{"trait":"k"}])", R"([{"trait":"k","top":1},{"cohort":"week","top":2}])",
        R"([{"stage":true}])", R"([{"cohort":"month"},{"trait":"v","top":2},{"trait":"k"}])"};
    if (q_.breakdown % 5 > 0) {
      add("breakdown", breakdowns[static_cast<std::size_t>(q_.breakdown % 5)]);
    }
    if (q_.window > 0) {
      add("overlap", fmt::format(R"([{{"label":"a","people":{}}},{{"label":"b","people":{}}},)"
                                 R"({{"label":"c","people":{}}}])",
                                 people(1 + q_.start), people(1 + q_.returning), people(5)));
    }
    return end();
  }

  std::string trend() {
    // Samples are of persons, means and quantiles.
    constexpr std::array is_sampled_first = {true, false, false, true, true, true, false, true};
    constexpr std::array is_sampled_second = {true, false, false, true, true, false, true, true};
    if (q_.series != 1 || !is_sampled_first[q_.value] || !is_sampled_second[q_.start] ||
        q_.occurrences > 0) {
      q_.sample = 0;
    }
    begin("trend");
    add_period();
    add_range();
    constexpr std::array series = {
        R"({"event":"*"})",
        R"({"event":"*","math":"unique"})",
        R"({"event":"buy","math":"unique"},{"event":"visit"})",
        R"({"any_of":[{"event":"buy"},{"event":"identify"}],"label":"x","math":"unique"})",
        R"({"event":"buy","where":{"property":"k","op":"exists"}},{"event":"*","math":"unique"})",
        R"({"event":"hf:sent"})"};
    constexpr std::array one_more = {"",
                                     R"("math":"weekly_active")",
                                     R"("math":"sum","property":"v")",
                                     R"("math":"avg","property":"v")",
                                     R"("math":"median","property":"v")",
                                     R"("math":"p90","property":"v")",
                                     R"("math":"min","property":"v")",
                                     R"("math":"per_user")"};
    constexpr std::array another = {"",
                                    R"("math":"monthly_active")",
                                    R"("math":"max","property":"v")",
                                    R"("math":"p95","property":"v")",
                                    R"("math":"p99","property":"v")",
                                    R"("math":"sum","property":"k")",
                                    R"("math":"avg","property":"none")",
                                    R"("math":"per_user","label":"each")"};
    int first = q_.value;
    int second = q_.start;
    // Active persons are of days, and not cumulated: else another math stands there.
    const bool may_be_active = q_.cumulative == 0 && !period_is_exact();
    if (!may_be_active && first == 1) first = 2;
    if (!may_be_active && second == 1) second = 2;
    std::string all = series[q_.series];
    const auto add_series = [&](std::string_view event, std::string_view math) {
      all += fmt::format(R"(,{{"event":"{}",{}}})", event, math);
    };
    if (first > 0) add_series(q_.window == 0 ? "buy" : "*", one_more[first]);
    if (second > 0) add_series("*", another[second]);
    add("series", "[" + all + "]");
    if (q_.cumulative > 0) add("cumulative", "true");
    // As long as a few of the steps between events, so that something was before.
    constexpr std::array<std::array<const char*, 5>, 4> spans = {{
        {"", "PT3H", "P1D", "PT40M", "P1W"},
        {"", "PT1H", "P1D", "PT20M", "P1M"},
        {"", "P1D", "P3D", "PT36H", "P7D"},
        {"", "P1M", "P7D", "PT2160H", "P1M2D"},
    }};
    if (q_.columns > 0) add_text("compare", spans[q_.step][q_.columns]);
    constexpr std::array formulas = {"", "A*2", "(A - 1) / A + 0.5"};
    if (q_.occurrences > 0) {
      add_text("formula", first > 0 && q_.entry > 0 ? "A/B" : formulas[q_.occurrences]);
    }
    return end();
  }

  std::string lifecycle() {
    begin("lifecycle");
    add_period();
    add_range();
    if (q_.start > 0) add("match", matcher(q_.start));
    if (q_.window > 0) {
      add_text("new_means", q_.unit == 0 && q_.cumulative == 0 ? "profile_created" : "first_event");
    }
    if (q_.count_return > 0) add_text("by", "activity");
    return end();
  }

  std::string stickiness() {
    begin("stickiness");
    const bool over_time = q_.window > 0;
    if (!over_time) add_period();
    if (over_time && q_.period % 2 == 1) add_text("period", "day");
    add_range();
    if (q_.start > 0) add("match", matcher(q_.start));
    constexpr std::array rules = {"",
                                  R"({"gte":1})",
                                  R"({"gte":2})",
                                  R"({"gte":3})",
                                  R"({"lte":1})",
                                  R"({"lte":2})",
                                  R"({"eq":1})",
                                  R"({"eq":2})"};
    if (q_.value > 0) add("per_interval", rules[q_.value]);
    if (over_time) add("over_time", "true");
    if (q_.cumulative > 0) add("cumulative", over_time ? "false" : "true");
    return end();
  }

  std::string funnel() {
    const bool by_step = q_.occurrences > 0 && q_.entry != 2;
    if (by_step) {
      constexpr std::array breakdowns = {
          R"([{"property":"k","attribution":"step"}])",
          R"([{"property":"k","attribution":"step","step":2,"top":2}])",
          R"([{"property":"v","attribution":"step","step":2}])",
          R"([{"property":"k","attribution":"step","step":2},{"property":"v","attribution":"all"}])",
          R"([{"property":"v","attribution":"step","top":1},{"property":"k","attribution":"step","step":2}])",
          R"([{"trait":"k"},{"property":"none","attribution":"step","step":2}])"};
      const std::size_t known = q_.series == 5 ? 1 : q_.unit == 0 ? 6 : 5;
      const std::size_t which = static_cast<std::size_t>(q_.breakdown) % known;
      q_.breakdown = 0;
      begin("funnel");
      add("breakdown", breakdowns[which]);
    } else {
      begin("funnel");
    }
    // Which events are steps, and how many: names that are often drawn, so that chains come about.
    constexpr std::array steps = {
        R"({"event":"buy"},{"event":"visit"S})",
        R"({"event":"*"},{"event":"buy"S},{"event":"visit"})",
        R"({"event":"buy"S},{"event":"buy"},{"event":"visit"})",
        R"({"any_of":[{"event":"visit"},{"event":"page"}],"label":"x"},{"event":"buy"S},)"
        R"({"event":"page"},{"event":"buy"})",
        R"({"event":"visit","where":{"property":"k","op":"exists"}},{"event":"visit"S},{"event":"*"})",
        R"({"event":"*"})"};
    constexpr std::array orders = {"", "strict", "any"};
    constexpr std::array withins = {"",         R"("PT20M")", R"("P1D")",  R"("PT6H")",
                                    R"("P3D")", R"("P1M")",   R"("PT7M")", R"("P1W")"};
    std::string list = steps[q_.series];
    // The last step has no next one, and in any order none has.
    const auto place = list.find('S');
    const bool has_next = place != std::string::npos && place + 2 < list.size();
    std::string within = q_.returning == 0 ? "" : withins[q_.returning];
    if (!has_next || q_.entry == 2) within.clear();
    if (place != std::string::npos) {
      list.replace(place, 1, within.empty() ? "" : R"(,"within":)" + within);
    }
    add("steps", "[" + list + "]");
    if (q_.entry > 0) add_text("order", orders[q_.entry]);
    constexpr std::array windows = {"", "P1D", "PT1H", "P1M", "PT6H", "P3D", "P1Y", "PT20M"};
    if (q_.value > 0) add_text("window", windows[q_.value]);
    constexpr std::array exclusions = {
        "", R"([{"event":"identify"}])", R"([{"event":"page","after_step":1,"before_step":2}])",
        R"([{"event":"*","where":{"property":"k","op":"eq","value":"GB"}}])",
        R"([{"event":"page"},{"event":"identify","before_step":2}])"};
    if (q_.columns > 0 && q_.series != 5) add("exclude", exclusions[q_.columns]);
    if (q_.count_return > 0) add("hold_constant", q_.start % 2 == 0 ? R"(["k"])" : R"(["k","v"])");
    if (q_.window > 0) add_text("entry", "first");
    if (q_.windows == 1) {
      add_text("view", "trend");
      add_period();
      if (q_.start % 3 == 1 && q_.series != 5) add("from_step", "2");
    }
    if (q_.windows == 2 && q_.series != 5) {
      add_text("view", "time_to_convert");
      if (q_.start % 3 == 1) add("to_step", "2");
      if (q_.cumulative > 0) add("bins", "2");
    }
    add_range();
    return end();
  }

 private:
  static std::string people(int i) {
    constexpr std::array people = {
        "",
        R"({"did":{"event":"buy"}})",
        R"({"did_not":{"event":"visit"},"within":"P1D"})",
        R"({"trait":"k","op":"in","value":["GB","1"]})",
        R"({"not":{"trait":"v","op":"gt","value":1}})",
        R"({"sequence":[{"event":"buy"},{"event":"*","where":{"property":"k","op":"exists"}}]})",
        R"({"any":[{"stage":"active"},{"did":{"event":"*"},"count":{"lte":3},"within":"PT40H"}]})",
        R"({"regularly":{"event":"*"},"periods":{"of":"day","at_least":2,"last":5}})",
        R"({"first":{"event":"*"},"within":"P3D"})"};
    return people[static_cast<std::size_t>(i)];
  }

  void begin(const char* metric) {
    text_ = fmt::format(R"({{"metric":"{}","timezone":"{}")", metric, zone_names[q_.zone]);
    if (q_.week_start > 0) add_text("week_start", q_.week_start == 1 ? "sunday" : "monday");
    constexpr std::array wheres = {"",
                                   R"({"property":"k","op":"exists"})",
                                   R"({"property":"v","op":"gt","value":0})",
                                   R"({"not":{"property":"k","op":"eq","value":1}})",
                                   R"({"property":"k","op":"in","value":["GB","1"]})",
                                   R"({"did":{"event":"buy"},"count":{"gte":2},"within":"P2D"})",
                                   R"({"any":[{"trait":"k","op":"eq","value":"GB"},)"
                                   R"({"trait":"v","op":"gt","value":1,"at":"event"}]})"};
    if (q_.where > 0) add("where", wheres[q_.where]);
    if (q_.people > 0) add("people", people(q_.people));
    if (q_.sample > 0 && q_.unit == 0) add("sample", q_.sample == 1 ? "0.5" : "0.25");
    if (q_.unit > 0) add("unit", q_.unit == 1 ? R"({"property":"k"})" : R"({"property":"v"})");
    constexpr std::array breakdowns = {
        "",
        R"([{"property":"k"}])",
        R"([{"property":"k","top":1}])",
        R"([{"property":"v","top":2}])",
        R"([{"property":"none"}])",
        R"([{"property":"k","attribution":"first_touch"}])",
        R"([{"property":"k","attribution":"last_touch","top":2}])",
        R"([{"property":"k","attribution":"all"},{"property":"v","top":2}])",
        R"([{"trait":"k"}])",
        R"([{"trait":"v","top":1},{"property":"k","top":2}])",
        R"([{"cohort":"week"}])",
        R"([{"stage":true}])",
        R"([{"property":"k","top":2},{"cohort":"month"},{"property":"v","attribution":"last_touch"}])"};
    const std::string_view breakdown = breakdowns[q_.breakdown];
    const bool is_of_persons =
        breakdown.contains("trait") || breakdown.contains("cohort") || breakdown.contains("stage");
    if (q_.breakdown > 0 && (q_.unit == 0 || !is_of_persons)) {
      add("breakdown", breakdown);
    }
    const TimestampMs as_of = anchor() + q_.as_of_slot * steps_ms[q_.step];
    if (q_.as_of == 1) add_text("as_of", instant(as_of + q_.to_slots % 3 - 1));
    if (q_.as_of == 2) add_text("as_of", instant(as_of).substr(0, 10));
  }
  std::string end() { return text_ + "}"; }

  std::string period() const {
    constexpr std::array periods = {"",    "day", "hour", "week", "month", "quarter", "year",
                                    "P3D", "P1M", "P14D", "PT6H", "P1M2D", "PT90M"};
    std::string period = periods[q_.period];
    const bool is_long = q_.step == 3;  // 240 days: hours would be thousands of rows.
    if (is_long && (period == "hour" || period == "PT90M" || period == "PT6H")) period = "week";
    if (q_.step == 2 && period == "PT90M") period = "PT6H";
    return period;
  }
  bool period_is_exact() const { return period() == "hour" || period().starts_with("PT"); }
  void add_period() {
    if (!period().empty()) add_text("period", period());
  }

  void add_range() {
    const TimestampMs from = anchor() + q_.from_slot * steps_ms[q_.step];
    const TimestampMs to = from + q_.to_slots * steps_ms[q_.step];
    if (q_.from == 1) add_text("from", instant(from).substr(0, 10));
    if (q_.from == 2) add_text("from", instant(from));
    if (q_.from == 3) {
      add_text("last", "P3D");
      return;
    }
    if (q_.to == 1) add_text("to", instant(to).substr(0, 10));
    if (q_.to == 2) add_text("to", instant(to));
  }

  TimestampMs anchor() const { return utc(anchors[q_.anchor]); }
  static std::string instant(TimestampMs t) { return format_rfc3339(t, *Zone::utc()); }
  static std::string matcher(int i) {
    constexpr std::array matchers = {
        "",
        R"({"event":"buy"})",
        R"({"event":"*"})",
        R"({"event":"*","where":{"property":"k","op":"eq","value":"GB"}})",
        R"({"any_of":[{"event":"buy"},{"event":"identify"}]})",
        R"({"event":"hf:sent"})",
        R"({"event":"buy","where":{"property":"v","op":"gte","value":1}})",
        R"({"event":"never"})"};
    return matchers[static_cast<std::size_t>(i)];
  }
  void add(std::string_view name, std::string_view value) {
    text_ += fmt::format(R"(,"{}":{})", name, value);
  }
  void add_text(std::string_view name, std::string_view value) {
    text_ += fmt::format(R"(,"{}":"{}")", name, value);
  }

  QueryChoice q_;
  std::string text_;
};

inline std::ostream& operator<<(std::ostream& out, const QueryChoice& q) {
  return out << QueryText(q).retention() << '\n'
             << QueryText(q).trend() << '\n'
             << QueryText(q).lifecycle() << '\n'
             << QueryText(q).stickiness() << '\n'
             << QueryText(q).funnel();
}
inline std::ostream& operator<<(std::ostream& out, const EventChoice& e) {
  return out << fmt::format("{{{},{},{},{},{},{},{},{}}}", e.person, e.name, e.slot, e.jitter, e.k,
                            e.v, e.part, e.created);
}

/// Runs a property `cases` times, fifty times as often where HOLDFAST_SOAK is 1.
template <class Property>
void check_cases(const char* description, int cases, Property&& property) {
  const char* soak = std::getenv("HOLDFAST_SOAK");
  rc::detail::TestParams params = rc::detail::configuration().testParams;
  params.maxSuccess = soak != nullptr && std::string_view(soak) == "1" ? cases * 50 : cases;
  const auto result = rc::detail::checkTestable(
      std::forward<Property>(property), rc::detail::TestMetadata{description, description}, params);
  if (!result.template is<rc::detail::SuccessResult>()) {
    std::ostringstream message;
    rc::detail::printResultMessage(result, message);
    ADD_FAILURE() << description << '\n' << message.str();
  }
}

/// Any question of a metric over any events: the answer is the twin's, by whatever way it is found.
/// `also` is asked of each answer besides, with the twin where it takes it.
template <auto parse, auto run, class Twin, class Also>
void check_against_twin(const char* description, std::string (QueryText::*text)(), Also&& also) {
  check_cases(description, 4'000, [&] {
    const QueryChoice q = *any_query_choice();
    const auto choices =
        *rc::gen::scale(0.6, rc::gen::container<std::vector<EventChoice>>(any_event_choice()));
    const std::vector<WorldEvent> events = world_of(choices, q);
    EventWorld world(events, utc(anchors[q.anchor]) + 40 * steps_ms[q.step]);
    const QueryContext context = chosen_ways(world.context(), q);
    const std::string json = (QueryText(q).*text)();
    const auto query = parse(parse_json(json).value(), context);
    if (!query) RC_LOG() << json << " " << query.error().message;
    RC_ASSERT(query.has_value());
    const auto answer = run(world.snapshot(), context, *query);
    if (!answer) {
      RC_LOG() << json << " " << answer.error().message;
      RC_ASSERT(answer.error().reason == "invalid_range");
      return;
    }
    const auto asked = asked_events(events, query->common, world.ordinals());
    Twin twin(*query, events, asked);
    const std::string expected = data_json(twin.answer());
    const std::string actual = data_json(*answer);
    if (actual != expected) {
      RC_LOG() << json << "\nevents\n";
      for (const WorldEvent& event : by_arrival(events)) RC_LOG() << event;
      RC_LOG() << "twin   " << expected << "\nanswer " << actual;
    }
    RC_ASSERT(actual == expected);
    if constexpr (std::is_invocable_v<Also, EventWorld&, const QueryContext&, decltype(*query),
                                      decltype(*answer), const QueryChoice&, const Twin&>) {
      also(world, context, *query, *answer, q, twin);
    } else {
      also(world, context, *query, *answer, q);
    }
  });
}

/// The persons behind a cell: each once, and together as many as it says.
template <auto find, class Query>
void check_members(const EventWorld& world, const QueryContext& context, Query query,
                   const std::string& cell, const std::optional<BucketPath>& bucket,
                   std::int64_t expected) {
  query.common.members = MembersRequest{.cell = parse_json(cell).value(), .bucket = bucket};
  const auto members = find(world.snapshot(), context, query);
  if (!members) RC_LOG() << cell << members.error().message;
  RC_ASSERT(members.has_value());
  std::int64_t total = 0;
  std::set<UnitId> units;
  for (const CellMember& member : members->all) {
    RC_ASSERT(member.count > 0);
    RC_ASSERT(units.insert(member.unit).second);
    total += member.count;
  }
  if (total != expected) RC_LOG() << cell << " has " << total << ", not " << expected;
  RC_ASSERT(total == expected);
}

/// A table of the answer, the total or one of its groups, with its bucket.
template <class Answer>
auto any_table(const Answer& answer, int choice) {
  using Table = std::decay_t<decltype(answer.total)>;
  const auto number = static_cast<std::size_t>(choice < 0 ? -choice : choice);
  const std::size_t at = number % (answer.groups.size() + 1);
  if (at == 0) return std::pair(&answer.total, std::optional<BucketPath>());
  const Table* const table = &answer.groups[at - 1];
  return std::pair(table, std::optional(table->bucket));
}

}  // namespace hf::test
