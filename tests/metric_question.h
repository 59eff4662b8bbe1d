// SPDX-License-Identifier: Apache-2.0
//
// Test support: questions that can be asked in both languages, as QUERY.md's JSON and as SQL.
#pragma once

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/env.h"
#include "spoken.h"

namespace hf::test {

/// One end of a range. The SQL of a date is a DATE, of an instant UTC milliseconds.
struct Bound {
  enum class Kind : std::uint8_t { absent, date, instant };
  Kind kind = Kind::absent;
  std::string json;
  std::string sql;
};

struct Span {
  Bound from;
  Bound to;
};

enum class Entering : std::uint8_t { every_period, first_time, first_ever };
enum class Adding : std::uint8_t { nothing, users, count, sum, avg };

enum class Metric : std::uint8_t { retention, trend, lifecycle, stickiness };
enum class PerInterval : std::uint8_t { any, gte, lte, eq };

/// By what an answer is broken down: what the JSON calls it, and in SQL's words.
struct By {
  enum class What : std::uint8_t { property, trait, cohort };
  enum class Attribution : std::uint8_t { all, first_touch, last_touch };
  What what = What::property;
  std::string name;
  int top = 0;  ///< 0: by default.
  Attribution attribution = Attribution::all;
};

enum class Math : std::uint8_t {
  total,
  unique,
  weekly_active,
  monthly_active,
  sum,
  avg,
  min,
  max,
  median,
  p90,
  p95,
  p99,
  per_user
};
inline constexpr std::array math_names = {
    "total", "unique", "weekly_active", "monthly_active", "sum", "avg", "min", "max", "median",
    "p90",   "p95",    "p99",           "per_user"};

[[nodiscard]] constexpr bool is_of_numbers(Math math) {
  return math >= Math::sum && math <= Math::p99;
}
/// Local days that the active persons are of; 0: none.
[[nodiscard]] constexpr int days_of(Math math) {
  return math == Math::weekly_active ? 7 : math == Math::monthly_active ? 30 : 0;
}

/// One cell of an answer, by where it stands.
struct Cell {
  int group = 0;  ///< From 1; 0: the total's.
  int row = 0;    ///< A period, or cohort; -1: of a trend the whole range.
  int column = 0;
  int series = 0;
  std::string kind;  ///< Of lifecycle.
};

/// A question of any of the metrics, with what the JSON need not say filled in.
struct Question {
  Metric metric = Metric::retention;
  std::string zone = "UTC";
  bool sunday = false;
  Bound as_of;
  TimestampMs now_ms = 0;  ///< as_of where that is absent.
  Span range;
  std::string last;      ///< Instead of range: "P3D" ..
  std::string last_sql;  ///< .. and as an interval.
  std::size_t where = 0;
  std::vector<By> by;
  std::string unit;  ///< A property; empty: persons.
  std::size_t period = 0;

  std::size_t start = 0;  ///< Of lifecycle and stickiness: `match`.
  std::size_t returning = 0;
  Entering entry = Entering::every_period;
  int column_count = 0;       ///< `periods`; 0: by default.
  std::vector<int> brackets;  ///< Instead.
  bool rolling = false;
  bool on_or_after = false;
  int occurrences = 1;  ///< Of stickiness: the number of per_interval.
  Adding adding = Adding::nothing;
  bool by_trait = false;
  std::optional<Span> initial;
  Span current;

  struct Series {
    std::size_t matcher;
    Math math = Math::total;  ///< Of numbers: those of v.
  };
  std::vector<Series> series;
  bool cumulative = false;
  std::size_t compare = 0;
  std::size_t formula = 0;

  bool by_profile = false;  ///< `new_means` of lifecycle.

  PerInterval per_interval = PerInterval::any;
  bool over_time = false;

  /// Rows are whole periods, whatever of them the range leaves out; so many before it count too.
  [[nodiscard]] int look_back() const {
    if (metric == Metric::lifecycle) return 1;
    return metric == Metric::stickiness && over_time ? 29 : 0;
  }

  [[nodiscard]] std::string json() const {
    constexpr std::array metrics = {"retention", "trend", "lifecycle", "stickiness"};
    std::string out = fmt::format(R"({{"metric":"{}","timezone":"{}")",
                                  metrics[static_cast<std::size_t>(metric)], zone);
    const auto add = [&](std::string_view name, std::string_view value) {
      out += fmt::format(R"(,"{}":{})", name, value);
    };
    const auto add_text = [&](std::string_view name, std::string_view value) {
      if (!value.empty()) out += fmt::format(R"(,"{}":"{}")", name, value);
    };
    if (sunday) add_text("week_start", "sunday");
    add_text("as_of", as_of.json);
    if (where > 0) add("where", conditions[where].json);
    if (!unit.empty()) add("unit", fmt::format(R"({{"property":"{}"}})", unit));
    if (!by.empty()) add("breakdown", breakdown());
    if (!initial) {
      add_text("period", periods[period].name);
      add_text("last", last);
      add_text("from", range.from.json);
      add_text("to", range.to.json);
    }
    if (metric == Metric::lifecycle || metric == Metric::stickiness) {
      if (start > 0) add("match", matchers[start].json);
      constexpr std::array rules = {"", "gte", "lte", "eq"};
      if (per_interval != PerInterval::any) {
        add("per_interval",
            fmt::format(R"({{"{}":{}}})", rules[static_cast<std::size_t>(per_interval)],
                        occurrences));
      }
      if (cumulative) add("cumulative", "true");
      if (over_time) add("over_time", "true");
      if (by_profile) add_text("new_means", "profile_created");
      return out + "}";
    }
    if (metric == Metric::trend) {
      add("series", series_json());
      if (cumulative) add("cumulative", "true");
      add_text("compare", earlier_by[compare].json);
      add_text("formula", formulas[formula].json);
      return out + "}";
    }
    if (start > 0) add("start", matchers[start].json);
    if (returning > 0) add("return", matchers[returning].json);
    constexpr std::array entries = {"", "first_time", "first_ever"};
    add_text("entry", entries[static_cast<std::size_t>(entry)]);
    if (occurrences > 1) add("min_occurrences", std::to_string(occurrences));
    constexpr std::array aggregates = {"", "users", "count", "sum", "avg"};
    if (adding == Adding::users || adding == Adding::count) {
      add("value",
          fmt::format(R"({{"aggregate":"{}"}})", aggregates[static_cast<std::size_t>(adding)]));
    } else if (adding != Adding::nothing) {
      add("value", fmt::format(R"({{"aggregate":"{}","{}":"v"}})",
                               aggregates[static_cast<std::size_t>(adding)],
                               by_trait ? "trait" : "property"));
    }
    if (initial) {
      const auto span = [](const Span& s) {
        return fmt::format(R"({{"from":"{}","to":"{}"}})", s.from.json, s.to.json);
      };
      add("initial", span(*initial));
      add("current", span(current));
      return out + "}";
    }
    if (rolling) add_text("window", "rolling");
    if (on_or_after) add_text("count_return", "on_or_after");
    if (column_count > 0) add("periods", std::to_string(column_count));
    if (!brackets.empty()) add("brackets", fmt::format("[{}]", fmt::join(brackets, ",")));
    return out + "}";
  }

 private:
  [[nodiscard]] std::string breakdown() const {
    constexpr std::array whats = {"property", "trait", "cohort"};
    constexpr std::array attributions = {"", "first_touch", "last_touch"};
    std::string list;
    for (const By& b : by) {
      list += fmt::format(R"({}{{"{}":"{}")", list.empty() ? "" : ",",
                          whats[static_cast<std::size_t>(b.what)], b.name);
      if (b.top > 0) list += fmt::format(R"(,"top":{})", b.top);
      if (b.attribution != By::Attribution::all) {
        list += fmt::format(R"(,"attribution":"{}")",
                            attributions[static_cast<std::size_t>(b.attribution)]);
      }
      list += "}";
    }
    return "[" + list + "]";
  }

  [[nodiscard]] std::string series_json() const {
    std::string list;
    for (const Series& s : series) {
      const std::string_view matcher = matchers[s.matcher].json;
      list += fmt::format(R"({}{},"math":"{}"{}}})", list.empty() ? "" : ",",
                          matcher.substr(0, matcher.size() - 1),
                          math_names[static_cast<std::size_t>(s.math)],
                          is_of_numbers(s.math) ? R"(,"property":"v")" : "");
    }
    return "[" + list + "]";
  }
};

}  // namespace hf::test
