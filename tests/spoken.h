// SPDX-License-Identifier: Apache-2.0
//
// Test support: what questions are made of, each in both languages, as QUERY.md's JSON and as SQL.
#pragma once

#include <array>
#include <cstdint>
#include <string_view>

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

/// Arithmetic over the series a, b of which the second is that of a question of two or more.
inline constexpr auto formulas = std::to_array<Spoken>({
    {"", ""},
    {"A/B", "a / nullif(b, 0)"},
    {"100 * (A - B) / A", "100 * (a - b) / nullif(a, 0)"},
    {"A - B - 2", "(a - b) - 2"},
    {"A + B * 0.5", "a + (b * 0.5)"},
    {"-(A / 4 / B)", "-((a / 4) / nullif(b, 0))"},
});

/// How much earlier another range lies: calendar months and days, or exact milliseconds.
struct Earlier {
  const char* json;
  const char* interval;
  std::int64_t exact_ms;
};
inline constexpr auto earlier_by = std::to_array<Earlier>({
    {"", "", 0},
    {"P7D", "to_days(7)", 0},
    {"P1M", "to_months(1)", 0},
    {"P1Y", "to_months(12)", 0},
    {"PT36H", "", 36 * hour_in_ms},
    {"P1D", "to_days(1)", 0},
});

}  // namespace hf::test
