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

namespace hf::test {

/// A condition on an event in both languages. SQL knows each property p as its canonical text;
/// v_num is v where it is a number, buckets() the values of a property behind a 'v'.
struct Spoken {
  const char* json;
  const char* sql;
};

inline constexpr auto conditions = std::to_array<Spoken>({
    {"", "TRUE"},
    {R"({"property":"k","op":"exists"})", "k IS NOT NULL"},
    {R"({"property":"v","op":"gt","value":0})",
     "coalesce(CASE WHEN v_num IS NOT NULL THEN v_num > 0 ELSE v > '0' END, FALSE)"},
    {R"({"not":{"property":"k","op":"eq","value":1}})", "NOT coalesce(k = '1', FALSE)"},
    {R"({"property":"k","op":"in","value":["GB","1"]})", "coalesce(k IN ('GB', '1'), FALSE)"},
    {R"({"property":"k","op":"ne","value":"DE"})", "coalesce(k <> 'DE', TRUE)"},
    {R"({"property":"v","op":"lte","value":1})",
     "coalesce(CASE WHEN v_num IS NOT NULL THEN v_num <= 1 ELSE v <= '1' END, FALSE)"},
    {R"({"property":"tags","op":"eq","value":"GB"})",
     "coalesce(list_contains(buckets(tags), 'vGB'), FALSE)"},
    {R"({"property":"tags","op":"ne","value":[1,"DE"]})",
     "NOT list_has_any(buckets(tags), ['v1', 'vDE'])"},
    {R"({"all":[{"property":"k","op":"exists"},{"property":"v","op":"not_exists"}]})",
     "k IS NOT NULL AND v IS NULL"},
    {R"({"any":[{"property":"v","op":"eq","value":2.50},{"property":"k","op":"eq","value":true}]})",
     "(coalesce(v = '2.5', FALSE) OR coalesce(k = 'true', FALSE))"},
});

/// Which events are meant: by name alone, and altogether. SQL's is_active() is what "*" means.
struct SpokenMatcher {
  const char* json;
  const char* names;
  const char* matches;
};

inline constexpr auto matchers = std::to_array<SpokenMatcher>({
    {R"({"event":"*"})", "is_active(event)", "is_active(event)"},
    {R"({"event":"buy"})", "event = 'buy'", "event = 'buy'"},
    {R"({"event":"*","where":{"property":"k","op":"eq","value":"GB"}})", "is_active(event)",
     "is_active(event) AND coalesce(k = 'GB', FALSE)"},
    {R"({"any_of":[{"event":"buy"},{"event":"identify"}]})", "event IN ('buy', 'identify')",
     "event IN ('buy', 'identify')"},
    {R"({"event":"buy","where":{"property":"v","op":"gte","value":1}})", "event = 'buy'",
     "event = 'buy' AND "
     "coalesce(CASE WHEN v_num IS NOT NULL THEN v_num >= 1 ELSE v >= '1' END, FALSE)"},
    {R"({"any_of":[{"event":"visit","where":{"property":"k","op":"exists"}},{"event":"page"}]})",
     "event IN ('visit', 'page')", "(event = 'visit' AND k IS NOT NULL OR event = 'page')"},
    {R"({"event":"visit"})", "event = 'visit'", "event = 'visit'"},
    {R"({"event":"never"})", "event = 'never'", "event = 'never'"},
});

/// A period's length: calendar months and days, or exact milliseconds, or hours of a day.
struct SpokenPeriod {
  const char* name;
  const char* first_day;  ///< SQL: the first date of the period that contains `low`.
  int months;
  int days;
  std::int64_t exact_ms;
  std::int64_t rolling_h;
  int columns_max;  ///< By default.
  [[nodiscard]] bool by_hour() const { return std::string_view(name) == "hour"; }
};

inline constexpr std::int64_t hour_in_ms = 3'600'000;
inline constexpr auto periods = std::to_array<SpokenPeriod>({
    {"day", "low", 0, 1, 0, 24, 30},
    {"week", "", 0, 7, 0, 168, 12},  // first_day: by week_start.
    {"month", "CAST(date_trunc('month', low) AS DATE)", 1, 0, 0, 720, 12},
    {"quarter", "CAST(date_trunc('quarter', low) AS DATE)", 3, 0, 0, 2160, 8},
    {"year", "CAST(date_trunc('year', low) AS DATE)", 12, 0, 0, 8760, 5},
    {"P14D", "low", 0, 14, 0, 336, 12},
    {"P2M", "low", 2, 0, 0, 1440, 12},
    {"P3D", "low", 0, 3, 0, 72, 12},
    {"P1M2D", "low", 1, 2, 0, 768, 12},
    {"hour", "", 0, 0, 0, 1, 24},
    {"PT6H", "", 0, 0, 6 * hour_in_ms, 6, 12},
    {"PT36H", "", 0, 0, 36 * hour_in_ms, 36, 12},
});

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
  std::string breakdown;  ///< A property.
  int top = 0;            ///< 0: by default.
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
    bool unique;
  };
  std::vector<Series> series;
  bool cumulative = false;

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
    if (!breakdown.empty()) {
      add("breakdown", top == 0 ? fmt::format(R"([{{"property":"{}"}}])", breakdown)
                                : fmt::format(R"([{{"property":"{}","top":{}}}])", breakdown, top));
    }
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
      return out + "}";
    }
    if (metric == Metric::trend) {
      std::string list;
      for (const Series& s : series) {
        const std::string_view matcher = matchers[s.matcher].json;
        list += fmt::format(R"({}{},"math":"{}"}})", list.empty() ? "" : ",",
                            matcher.substr(0, matcher.size() - 1), s.unique ? "unique" : "total");
      }
      add("series", "[" + list + "]");
      if (cumulative) add("cumulative", "true");
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
};

}  // namespace hf::test
