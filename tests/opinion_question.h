// SPDX-License-Identifier: Apache-2.0
//
// Test support: random questions of the metrics.
#pragma once

#include <fmt/format.h>
#include <rapidcheck.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <ostream>
#include <string>
#include <string_view>
#include <vector>

#include "metric_question.h"
#include "opinion_world.h"

namespace hf::test {

struct ByChoice {
  int what = 0;
  int name = 0;
  int top = 0;
  int attribution = 0;
};

/// A question's choices. Which of the younger options it may have, says its Subject.
struct QuestionChoice {
  int metric = 0;
  int zone = 0;
  int sunday = 0;
  int as_of = 0;
  int as_of_slot = 0;
  int from = 0;
  int from_slot = 0;
  int to = 0;
  int to_slots = 0;  // After from.
  int where = 0;
  std::vector<ByChoice> by;
  int unit = 0;
  int period = 0;
  int start = 0;
  int returning = 0;
  int entry = 0;
  int columns = 0;
  int rolling = 0;
  int on_or_after = 0;
  int occurrences = 0;
  int adding = 0;
  int windows = 0;
  int cumulative = 0;
  int per_interval = 0;
  int over_time = 0;
  int threads = 0;
  int math = 0;  // Of the first series, and of the second.
  int math_2 = 0;
  int compare = 0;
  int formula = 0;
  int by_profile = 0;
};

inline By by_of(const ByChoice& c) {
  constexpr std::array names = {"k", "tags", "v"};
  constexpr std::array cohorts = {"day", "week", "month", "quarter", "year"};
  By by;
  by.what = static_cast<By::What>(c.what);
  by.name = by.what == By::What::cohort ? cohorts[at(c.name)] : names[at(c.name) % names.size()];
  by.top = c.top;
  if (by.what == By::What::property) by.attribution = static_cast<By::Attribution>(c.attribution);
  return by;
}

inline void add_series(Question& q, const QuestionChoice& c) {
  q.series = {{at(c.start), static_cast<Math>(c.math)}};
  q.formula = at(c.formula);
  if (c.returning > 0 || q.formula > 0) {
    q.series.push_back({at(c.returning), static_cast<Math>(c.math_2)});
  }
  q.cumulative = c.cumulative != 0;
  q.compare = at(c.compare);
  // Active persons are of whole days, and each number of them is of its own.
  const bool by_days =
      std::ranges::any_of(q.series, [](const Question::Series& s) { return days_of(s.math) > 0; });
  if (!by_days) return;
  q.cumulative = false;
  if (periods[q.period].by_hour() || periods[q.period].exact_ms > 0) q.period = 0;
}

inline Question question_of(const QuestionChoice& c, const WorldChoice& world) {
  const TimestampMs anchor = utc(anchors[at(world.anchor)].time);
  const std::int64_t step = steps_ms[at(world.step)];
  const auto date = [](TimestampMs t) {
    const std::string day = rfc3339(t).substr(0, 10);
    return Bound{Bound::Kind::date, day, fmt::format("DATE '{}'", day)};
  };
  const auto instant = [](TimestampMs t) {
    return Bound{Bound::Kind::instant, rfc3339(t), std::to_string(t)};
  };
  Question q;
  q.metric = static_cast<Metric>(c.metric);
  const std::size_t zone = c.zone == 0 ? anchors[at(world.anchor)].zone : at(c.zone - 1);
  q.zone = zones[zone];
  q.sunday = c.sunday != 0;
  q.now_ms = anchor + 21 * step;
  const TimestampMs as_of = anchor + c.as_of_slot * step;
  if (c.as_of == 1) q.as_of = instant(as_of - 1);
  if (c.as_of == 2) q.as_of = instant(as_of);
  if (c.as_of == 3) q.as_of = date(as_of);
  const TimestampMs from = anchor + c.from_slot * step;
  const TimestampMs to = from + c.to_slots * step;
  // In the minute of a date that St John's had before it went back to the date before.
  const TimestampMs early_minute = anchor - minute_in_ms / 2;
  if (c.from == 1) q.range.from = date(from);
  if (c.from == 2) q.range.from = instant(from);
  if (c.from == 5) q.range.from = instant(early_minute);
  if (c.from == 3) {
    q.last = "P3D";
    q.last_sql = "to_days(3)";
  } else if (c.from == 4) {
    q.last = "P2M";
    q.last_sql = "to_months(2)";
  } else {
    if (c.to == 1) q.range.to = date(to);
    if (c.to == 2) q.range.to = instant(to);
    if (c.to == 3) q.range.to = instant(early_minute);
  }
  q.where = at(c.where);
  constexpr std::array units = {"", "k", "tags", "v"};
  q.unit = units[at(c.unit)];
  for (const ByChoice& by : c.by) {
    q.by.push_back(by_of(by));
    // A unit has no traits.
    if (!q.unit.empty() && q.by.back().what == By::What::trait) {
      q.by.back().what = By::What::property;
    }
  }
  q.period = at(c.period);
  // Hours of 24 months would be too many rows; hours of St John's are not asked (metric_sql.h).
  const bool is_long = world.step >= 3;
  if (periods[q.period].by_hour() && (is_long || c.from == 4 || zone == st_johns)) q.period = 0;
  if (periods[q.period].exact_ms > 0 && is_long) q.period = 1;
  q.start = at(c.start);
  q.returning = at(c.returning);
  q.entry = static_cast<Entering>(c.entry);
  if (c.columns == 1) q.column_count = 1;
  if (c.columns == 2) q.column_count = 4;
  if (c.columns == 3) q.brackets = {1, 2};
  if (c.columns == 4) q.brackets = {2, 1, 3};
  q.rolling = c.rolling != 0;
  q.on_or_after = c.on_or_after != 0;
  q.occurrences = 1 + c.occurrences;
  constexpr auto addings =
      std::to_array<Adding>({Adding::nothing, Adding::users, Adding::count, Adding::sum,
                             Adding::avg, Adding::sum, Adding::avg});
  q.adding = addings[at(c.adding)];
  q.by_trait = c.adding >= 5 && q.unit.empty();
  if (c.windows != 0 && q.metric == Metric::retention) {
    q.rolling = false;
    const TimestampMs middle = from + (c.to_slots + 1) * step;
    const TimestampMs gap = c.windows == 1 ? 0 : step / 2;  // 2: they overlap.
    const TimestampMs end = middle + (c.columns + 1) * 5 * step;
    if (c.from % 2 == 0) {
      q.initial = Span{instant(from), instant(middle)};
      q.current = {instant(middle - gap), instant(end)};
    } else {
      q.initial = Span{date(from), date(middle)};
      q.current = {date(middle - gap), date(end)};
    }
  }
  if (q.metric == Metric::trend) add_series(q, c);
  if (q.metric == Metric::lifecycle) q.by_profile = c.by_profile != 0 && q.unit.empty();
  if (q.metric == Metric::stickiness) {
    q.per_interval = static_cast<PerInterval>(c.per_interval);
    q.over_time = c.over_time != 0;
    q.cumulative = c.cumulative != 0 && !q.over_time;
    if (q.over_time) q.period = 0;
  }
  return q;
}

/// What is asked about: the metrics, and which of their younger options.
struct Subject {
  std::vector<Metric> metrics;
  bool maths = false;
  bool dimensions = false;  ///< Otherwise at most one, of the property of each event.
  bool units = false;
  bool profiles = false;
};

inline rc::Gen<std::vector<ByChoice>> any_breakdown(bool dimensions) {
  using B = ByChoice;
  const auto top = [] { return rc::gen::element(0, 1, 1, 2); };
  const auto list = [](std::size_t n, const rc::Gen<B>& by) {
    return rc::gen::container<std::vector<B>>(n, by);
  };
  if (!dimensions) {
    const auto by =
        rc::gen::build<B>(rc::gen::set(&B::name, any_of(0, 3)), rc::gen::set(&B::top, top()));
    return rc::gen::oneOf(list(0, by), list(1, by), list(1, by), list(1, by));
  }
  const auto by =
      rc::gen::build<B>(rc::gen::set(&B::what, any_of(0, 3)), rc::gen::set(&B::name, any_of(0, 5)),
                        rc::gen::set(&B::top, top()), rc::gen::set(&B::attribution, any_of(0, 3)));
  return rc::gen::oneOf(list(1, by), list(2, by), list(3, by));
}

inline rc::Gen<QuestionChoice> any_question(const Subject& subject) {
  using Q = QuestionChoice;
  const auto only = [](bool has_it, const rc::Gen<int>& option) {
    return has_it ? option : rc::Gen<int>(rc::gen::just(0));
  };
  const auto any_math = [&] {
    return any_of(0, subject.maths ? static_cast<int>(math_names.size()) : 2);
  };
  const auto slots = [] { return any_of(-21, 21); };
  const int any_condition = static_cast<int>(conditions.size());
  const int any_matcher = static_cast<int>(matchers.size());
  return rc::gen::build<Q>(
      rc::gen::set(&Q::metric,
                   rc::gen::map(rc::gen::elementOf(subject.metrics),
                                [](Metric metric) { return static_cast<int>(metric); })),
      rc::gen::set(&Q::zone, option(static_cast<int>(zones.size()) + 1)),
      rc::gen::set(&Q::sunday, any_of(0, 2)), rc::gen::set(&Q::as_of, option(4)),
      rc::gen::set(&Q::as_of_slot, slots()), rc::gen::set(&Q::from, option(6)),
      rc::gen::set(&Q::from_slot, slots()), rc::gen::set(&Q::to, option(4)),
      rc::gen::set(&Q::to_slots, any_of(0, 30)), rc::gen::set(&Q::where, option(any_condition)),
      rc::gen::set(&Q::by, any_breakdown(subject.dimensions)),
      rc::gen::set(&Q::unit, only(subject.units, any_of(1, 4))),
      rc::gen::set(&Q::period, any_of(0, static_cast<int>(periods.size()))),
      rc::gen::set(&Q::start, option(any_matcher)),
      rc::gen::set(&Q::returning, option(any_matcher)), rc::gen::set(&Q::entry, any_of(0, 3)),
      rc::gen::set(&Q::columns, option(5)), rc::gen::set(&Q::rolling, any_of(0, 2)),
      rc::gen::set(&Q::on_or_after, option(2)), rc::gen::set(&Q::occurrences, option(3)),
      rc::gen::set(&Q::adding, option(7)),
      rc::gen::set(&Q::windows, rc::gen::element(0, 0, 0, 0, 1, 2)),
      rc::gen::set(&Q::cumulative, option(2)), rc::gen::set(&Q::per_interval, option(4)),
      rc::gen::set(&Q::over_time, any_of(0, 2)), rc::gen::set(&Q::threads, option(2)),
      rc::gen::set(&Q::math, any_math()), rc::gen::set(&Q::math_2, any_math()),
      rc::gen::set(&Q::compare, only(subject.maths, option(static_cast<int>(earlier_by.size())))),
      rc::gen::set(&Q::formula, only(subject.maths, option(static_cast<int>(formulas.size())))),
      rc::gen::set(&Q::by_profile, only(subject.profiles, rc::gen::just(1))));
}

inline std::ostream& operator<<(std::ostream& out, const QuestionChoice& q) {
  return out << question_of(q, {}).json();
}

}  // namespace hf::test
