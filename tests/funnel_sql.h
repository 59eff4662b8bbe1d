// SPDX-License-Identifier: Apache-2.0
//
// Test support: funnels as SQL, written from docs/metrics.md ("Funnel"). Brute force: every chain
// of events that is an attempt is a row, and what the definition says of attempts is said of rows.
#pragma once

#include <fmt/format.h>

#include <algorithm>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "small_world.h"

namespace hf::test {

/// Something that can be said in QUERY.md's words and in SQL.
struct InBoth {
  const char* json;
  const char* sql;
};

/// Without a brace at the end, so that `within` may follow.
inline constexpr auto funnel_matchers = std::to_array<InBoth>({
    {R"({"event":"a")", "event = 'a'"},
    {R"({"event":"b")", "event = 'b'"},
    {R"({"event":"c")", "event = 'c'"},
    {R"({"event":"*")", "is_active(event)"},
    {R"({"any_of":[{"event":"a"},{"event":"identify"}])", "event IN ('a', 'identify')"},
    {R"({"event":"a","where":{"property":"k","op":"exists"})", "event = 'a' AND k IS NOT NULL"},
});
/// The names alone.
inline constexpr auto funnel_names =
    std::to_array<const char*>({"event = 'a'", "event = 'b'", "event = 'c'", "is_active(event)",
                                "event IN ('a', 'identify')", "event = 'a'"});
inline constexpr auto funnel_conditions = std::to_array<InBoth>({
    {"", "TRUE"},
    {R"({"property":"k","op":"exists"})", "k IS NOT NULL"},
    {R"({"property":"b","op":"ne","value":true})", "coalesce(b <> 'true', TRUE)"},
    {R"({"property":"v","op":"gt","value":0})", "coalesce(v_num > 0, FALSE)"},
});

struct FunnelSpan {
  const char* text;
  int months;
  int days;
  std::int64_t exact_ms;
};
inline constexpr auto funnel_spans = std::to_array<FunnelSpan>({
    {"P14D", 0, 14, 0},
    {"PT20M", 0, 0, 20 * opinion_minute_ms},
    {"PT40M", 0, 0, 40 * opinion_minute_ms},
    {"PT12H", 0, 0, 720 * opinion_minute_ms},
    {"P1D", 0, 1, 0},
    {"PT24H", 0, 0, 1'440 * opinion_minute_ms},
    {"P2D", 0, 2, 0},
    {"PT48H", 0, 0, 2'880 * opinion_minute_ms},
    {"P1M", 1, 0, 0},
    {"P1M1D", 1, 1, 0},
});

/// A date, an instant (both as SQL) or neither.
struct FunnelBound {
  std::string date;
  std::string instant;
};

struct FunnelQuestion {
  struct Step {
    std::size_t matcher;
    std::size_t within = 0;  ///< 0: none.
  };
  struct Exclusion {
    std::size_t matcher;
    std::size_t after_step;   ///< From 1.
    std::size_t before_step;  ///< The last where not said.
  };
  enum class Order : std::uint8_t { ordered, strict, any };
  enum class View : std::uint8_t { steps, trend, time_to_convert };

  std::string json;
  std::string zone;
  std::int64_t as_of;
  FunnelBound from;
  FunnelBound to;
  std::vector<Step> steps;
  Order order = Order::ordered;
  std::size_t window = 0;
  std::vector<Exclusion> exclude;
  std::string hold;  ///< SQL: a list of values.
  bool first = false;
  View view = View::steps;
  std::size_t period = 0;  ///< day, week, month, P3D.
  bool sunday = false;
  std::size_t from_step = 1;
  std::size_t to_step = 1;
  std::int64_t bins = 0;  ///< 0: by the number of persons.
  std::size_t where = 0;
  std::string breakdown;  ///< A property.
  std::string attribution;
  std::size_t broken_step = 1;
  std::int64_t top = 25;
};

inline std::string shown_seconds(double value) { return fmt::format("{:.9g}", value); }

class FunnelSql {
 public:
  explicit FunnelSql(OpinionSql& sql) : sql_(sql), db_(sql.db()) {}

  std::vector<std::string> answer(const FunnelQuestion& question) {
    q_ = &question;
    lines_.clear();
    make_range();
    if (is_reversed()) return {"invalid_range"};
    make_periods();
    make_used();
    make_attempts();
    make_longest();
    make_results();
    if (q_->breakdown.empty()) {
      add_table("g = ''");
    } else {
      add_groups();
      add_table("g = ''");
    }
    return lines_;
  }

  /// Of the question answered last: who came to this step, or to the one before it and no further.
  std::vector<std::string> members(std::size_t step, bool dropped) {
    std::vector<std::string> persons;
    for (const auto& row : db_.rows(
             fmt::format("SELECT person FROM results WHERE g = '' AND depth {} {} ORDER BY person",
                         dropped ? "=" : ">=", dropped ? step - 1 : step))) {
      persons.push_back(row[0].value_or(""));
    }
    return persons;
  }

 private:
  using Order = FunnelQuestion::Order;
  using View = FunnelQuestion::View;

  void make(const char* table, const std::string& select) {
    db_.run(fmt::format("CREATE OR REPLACE TEMP TABLE {} AS {}", table, select));
  }
  [[nodiscard]] std::string date_of(std::string_view ms) const {
    return fmt::format("local_date('{}', {})", q_->zone, ms);
  }
  [[nodiscard]] std::string later(std::string_view ms, std::size_t span) const {
    const FunnelSpan& s = funnel_spans[span];
    return fmt::format("later('{}', {}, {}, {}, {})", q_->zone, ms, s.months, s.days, s.exact_ms);
  }
  [[nodiscard]] std::string names() const {
    std::string any = "FALSE";
    for (const auto& step : q_->steps) any += fmt::format(" OR {}", funnel_names[step.matcher]);
    return any;
  }

  [[nodiscard]] std::string matched() const {
    std::string any = "FALSE";
    for (const auto& step : q_->steps)
      any += fmt::format(" OR {}", funnel_matchers[step.matcher].sql);
    return any;
  }

  // Table seen: all history, with local dates; inside_ says what lies in the range, low_ and high_
  // are its first and last date.
  void make_range() {
    make("seen",
         fmt::format("SELECT *, {} AS d FROM events WHERE t <= {}", date_of("t"), q_->as_of));
    std::string from;
    std::string to;
    low_ = high_ = "";
    if (!q_->from.date.empty()) {
      from = "d >= " + q_->from.date;
      low_ = q_->from.date;
    } else if (!q_->from.instant.empty()) {
      from = "t >= " + q_->from.instant;
      low_ = date_of(q_->from.instant);
    } else {
      const std::string first = sql_.text("SELECT min(d) FROM seen WHERE " + names());
      from = first.empty() ? "FALSE" : fmt::format("d >= DATE '{}'", first);
      low_ = first.empty() ? "" : fmt::format("DATE '{}'", first);
    }
    if (!q_->to.date.empty()) {
      to = "d <= " + q_->to.date;
      high_ = q_->to.date;
    } else if (!q_->to.instant.empty()) {
      to = "t < " + q_->to.instant;
      high_ = date_of(q_->to.instant + " - 1");
    } else {
      to = "TRUE";
      high_ = date_of(std::to_string(q_->as_of));
    }
    inside_ = fmt::format("{} AND {}", from, to);
  }

  // A range that is asked for must not end before it begins.
  [[nodiscard]] bool is_reversed() {
    if (q_->from.date.empty() && q_->from.instant.empty()) return false;
    if (!q_->from.date.empty() && !q_->to.date.empty()) {
      return sql_.text(fmt::format("SELECT {} > {}", low_, high_)) == "true";
    }
    const auto begins = [&](const FunnelBound& bound, const char* plus) {
      return bound.date.empty()
                 ? bound.instant
                 : fmt::format("date_begins('{}', {}{})", q_->zone, bound.date, plus);
    };
    std::string to = begins(q_->to, " + 1");
    if (to.empty()) to = std::to_string(q_->as_of + 1);
    return sql_.text(fmt::format("SELECT {} >= {}", begins(q_->from, ""), to)) == "true";
  }

  // Table periods: i, d0 and d1 (exclusive); the rows of a trend.
  void make_periods() {
    if (q_->view != View::trend) return;
    if (low_.empty() || sql_.text(fmt::format("SELECT {} > {}", low_, high_)) == "true") {
      make("periods",
           "SELECT 0 AS i, DATE '2000-01-01' AS d0, DATE '2000-01-01' AS d1 WHERE FALSE");
      return;
    }
    const std::string week = q_->sunday ? "CAST(date_trunc('week', low + 1) AS DATE) - 1"
                                        : "CAST(date_trunc('week', low) AS DATE)";
    const std::array<std::string, 4> bases = {"low", week, "CAST(date_trunc('month', low) AS DATE)",
                                              "low"};
    constexpr auto days = std::to_array<int>({1, 7, 0, 3});
    const int months = q_->period == 2 ? 1 : 0;
    make("periods",
         fmt::format(
             "WITH base AS (SELECT {0} AS base FROM (SELECT {1} AS low)) SELECT i, "
             "CAST(base + to_months(CAST(i * {3} AS INTEGER)) AS DATE) + CAST(i * {4} AS INTEGER) "
             "AS d0, CAST(base + to_months(CAST((i + 1) * {3} AS INTEGER)) AS DATE) + "
             "CAST((i + 1) * {4} AS INTEGER) AS d1 FROM base, range(0, 4000) r(i) WHERE d0 <= {2}",
             bases[q_->period], low_, high_, months, days[q_->period]));
  }

  // Table used: the events of the range for each group g ('' is the total) and held value hv: which
  // steps they serve (s1 ..), what they exclude (x1 ..), whether they come between strict steps.
  void make_used() {
    std::string flags;
    std::string serves = "FALSE";
    for (std::size_t i = 0; i < q_->steps.size(); ++i) {
      std::string is = fmt::format("({})", funnel_matchers[q_->steps[i].matcher].sql);
      serves += " OR " + is;
      if (q_->attribution == "step" && q_->broken_step == i + 1) {
        is += fmt::format(" AND (g = '' OR list_contains(buckets({}), g))", q_->breakdown);
      }
      flags += fmt::format(", {} AS s{}", is, i + 1);
    }
    for (std::size_t i = 0; i < q_->exclude.size(); ++i) {
      const std::string is = fmt::format("({})", funnel_matchers[q_->exclude[i].matcher].sql);
      flags += fmt::format(", {} AS x{}", is, i + 1);
      serves += " OR " + is;
    }
    flags += fmt::format(", (is_active(event) OR {}) AS between_steps", serves);
    const bool is_trend = q_->view == View::trend;
    make_homes();
    make("used",
         fmt::format("WITH e AS (SELECT seen.*, g, unnest({hold}) AS hv, {period} AS p "
                     "FROM seen JOIN homes ON {joined}{periods} WHERE ({where}) AND "
                     "({inside})) SELECT *{flags} FROM e",
                     fmt::arg("hold", q_->hold.empty() ? "['']" : q_->hold),
                     fmt::arg("period", is_trend ? "i" : "0"), fmt::arg("joined", joined_),
                     fmt::arg("periods", is_trend ? " JOIN periods ON d >= d0 AND d < d1" : ""),
                     fmt::arg("where", funnel_conditions[q_->where].sql),
                     fmt::arg("inside", inside_), fmt::arg("flags", flags)));
  }

  // Table homes: which groups there are, or who is in them.
  void make_homes() {
    if (q_->breakdown.empty()) {
      joined_ = "TRUE";
      make("homes", "SELECT '' AS g");
    } else if (q_->attribution == "all" || q_->attribution == "step") {
      const bool is_all = q_->attribution == "all";
      joined_ =
          is_all ? fmt::format("g = '' OR list_contains(buckets({}), g)", q_->breakdown) : "TRUE";
      make("homes", fmt::format("SELECT '' AS g UNION SELECT 'n' UNION SELECT unnest(buckets({})) "
                                "FROM seen",
                                q_->breakdown));
    } else {
      // Of the first or last event that matches a step and has a value: an empty
      // list has none.
      joined_ = "homes.person = '' OR homes.person = seen.person";
      const char* way = q_->attribution == "last_touch" ? "DESC" : "ASC";
      make("homes",
           fmt::format(
               "WITH touched AS (SELECT person, {0} AS value FROM seen WHERE ({1}) AND ({3}) "
               "AND {0} IS NOT NULL AND {0} <> '[]' QUALIFY row_number() OVER (PARTITION BY person "
               "ORDER BY t {2}, "
               "seq {2}) = 1) SELECT '' AS person, '' AS g UNION ALL SELECT person, "
               "unnest(buckets(value)) FROM touched UNION ALL SELECT DISTINCT person, 'n' "
               "FROM seen WHERE person NOT IN (SELECT person FROM touched)",
               q_->breakdown, matched(), way, funnel_conditions[q_->where].sql));
    }
  }

  // Table attempts: g, person, hv, p; depth; ts, the time of each step; s, the first of them; and
  // the instants at which the window, and the time for the next step, are over.
  void make_attempts() {
    q_->order == Order::any ? make_chains_of_any_order() : make_chains();
    std::string all;
    for (std::size_t k = 1; k <= q_->steps.size(); ++k) {
      all += fmt::format(
          "{}SELECT g, person, hv, p, {} AS depth, ids, ts, s, window_end, until "
          "FROM chain{}",
          k == 1 ? "" : " UNION ALL ", k, k);
    }
    make("attempts", all);
    if (q_->order == Order::strict) {
      db_.run(
          "DELETE FROM attempts a WHERE EXISTS (SELECT 1 FROM used u WHERE u.g = a.g AND u.person "
          "= a.person AND u.hv = a.hv AND u.between_steps AND u.t > a.s AND u.t < a.ts[-1] AND "
          "NOT list_contains(a.ids, u.seq))");
    }
  }

  // The person's first instant at which an attempt can begin, of whatever held value.
  [[nodiscard]] std::string only_first() const {
    return q_->first ? " QUALIFY rank() OVER (PARTITION BY g, u.person ORDER BY t) = 1" : "";
  }

  void make_chains() {
    for (std::size_t k = 1; k <= q_->steps.size(); ++k) {
      const std::string chain = fmt::format("chain{}", k);
      const std::size_t within = q_->steps[k - 1].within;
      const std::string until =
          within == 0 ? "window_end" : fmt::format("least(window_end, {})", later("t", within));
      if (k == 1) {
        make(chain.c_str(),
             fmt::format("SELECT g, u.person, hv, p, [seq] AS ids, [t] AS ts, t AS s, {} AS "
                         "window_end, {} AS until FROM used u WHERE s1{}",
                         later("t", q_->window), until, only_first()));
        continue;
      }
      const bool is_same = q_->steps[k - 1].matcher == q_->steps[k - 2].matcher;
      make(chain.c_str(),
           fmt::format("SELECT g, person, hv, c.p, list_append(ids, u.seq) AS ids, list_append(ts, "
                       "u.t) AS ts, s, window_end, {} AS until FROM chain{} c JOIN used u USING "
                       "(g, person, hv) WHERE s{} AND u.t {} c.ts[-1] AND u.t <= c.until AND NOT "
                       "list_contains(c.ids, u.seq)",
                       until, k - 1, k, is_same ? ">" : ">="));
    }
  }

  // Any step may come next that was not done. Those of one matcher need different instants.
  void make_chains_of_any_order() {
    std::string serves;
    for (std::size_t k = 1; k <= q_->steps.size(); ++k) {
      serves += fmt::format(
          "{}SELECT g, person, hv, p, seq, t, {} AS step, {} || '@' || t AS mark "
          "FROM used WHERE s{}",
          k == 1 ? "" : " UNION ALL ", k, q_->steps[k - 1].matcher, k);
    }
    make("serves", serves);
    make(
        "chain1",
        fmt::format("SELECT g, u.person, hv, p, [seq] AS ids, [t] AS ts, [step] AS done, [mark] AS "
                    "marks, t AS s, {0} AS window_end, {0} AS until FROM serves u{1}",
                    later("t", q_->window), only_first()));
    for (std::size_t k = 2; k <= q_->steps.size(); ++k) {
      make(fmt::format("chain{}", k).c_str(),
           fmt::format("SELECT g, person, hv, c.p, list_append(ids, u.seq) AS ids, list_append(ts, "
                       "u.t) AS ts, list_append(done, step) AS done, list_append(marks, mark) AS "
                       "marks, s, window_end, until FROM chain{} c JOIN serves u USING (g, person, "
                       "hv) WHERE u.t >= c.ts[-1] AND u.t <= window_end AND NOT "
                       "list_contains(ids, u.seq) AND NOT list_contains(done, step) AND NOT "
                       "list_contains(marks, mark)",
                       k - 1));
    }
  }

  // Table longest: of each person the longest attempts; of those that end at the same time only the
  // ones with the latest start, which is the one whose window ends last.
  void make_longest() {
    make("longest",
         "SELECT *, ts[-1] AS e FROM attempts QUALIFY depth = max(depth) OVER (PARTITION "
         "BY g, person, p)");
    if (q_->order == Order::any) {
      // Steps count as they are first done: one attempt from each start.
      make("longest",
           "SELECT g, person, hv, p, depth, s, window_end, until, min(ts) AS ts, "
           "min(ts)[-1] AS e FROM longest GROUP BY ALL");
    }
    make("longest",
         "SELECT * FROM longest QUALIFY rank() OVER (PARTITION BY g, person, hv, p, e "
         "ORDER BY window_end DESC, s DESC) = 1");
  }

  // Table results: g, person, p, depth, ms [since the step before], total_ms [from from_step to
  // to_step], as means over the attempts that contain no other.
  void make_results() {
    make("depths", "SELECT DISTINCT g, person, p, depth FROM longest");
    for (std::size_t i = 0; i < q_->exclude.size(); ++i) {
      const auto& x = q_->exclude[i];
      db_.run(fmt::format(
          "DELETE FROM longest a WHERE depth >= {1} AND EXISTS (SELECT 1 FROM used u WHERE u.g = "
          "a.g AND u.person = a.person AND u.hv = a.hv AND u.x{0} AND u.t > a.ts[{1}] AND CASE "
          "WHEN a.depth >= {2} THEN u.t < a.ts[{2}] ELSE u.t <= a.until END)",
          i + 1, x.after_step, x.before_step));
    }
    make("tight",
         "SELECT * FROM longest QUALIFY rank() OVER (PARTITION BY g, person, hv, p, s "
         "ORDER BY e) = 1");
    make("tight", "SELECT g, person, hv, p, depth, s, e, min(ts) AS ts FROM tight GROUP BY ALL");
    std::string means = ", NULL AS ms1";
    for (std::size_t k = 2; k <= q_->steps.size(); ++k) {
      means += fmt::format(", {} AS ms{}", mean(k - 1, k), k);
    }
    means += fmt::format(", {} AS total_ms", mean(q_->from_step, q_->to_step));
    make(
        "results",
        fmt::format("SELECT g, person, p, depth{} FROM tight GROUP BY g, person, p, depth", means));
    if (q_->attribution != "step") return;
    // Only who comes to the step is in the group of a value; who does so by no event is in null.
    db_.run(fmt::format("DELETE FROM results WHERE g <> '' AND depth < {}", q_->broken_step));
    db_.run(
        fmt::format("INSERT INTO results SELECT * REPLACE ('n' AS g) FROM results WHERE g = '' "
                    "AND depth < {}",
                    q_->broken_step));
  }

  // Whole milliseconds, halves up.
  [[nodiscard]] static std::string mean(std::size_t from, std::size_t to) {
    return fmt::format("(2 * sum(ts[{1}] - ts[{0}]) + count(*)) // (2 * count(*))", from, to);
  }

  void add_groups() {
    std::string size = "count(*)";
    if (q_->view == View::trend) size = fmt::format("count(*) FILTER (depth >= {})", q_->from_step);
    if (q_->view == View::time_to_convert) {
      size = fmt::format("count(*) FILTER (depth >= {})", q_->to_step);
    }
    make("groups", fmt::format("SELECT g, {0} AS size, row_number() OVER (ORDER BY {0} DESC, g) AS "
                               "rank FROM results WHERE g <> '' GROUP BY g HAVING {0} > 0",
                               size));
    for (const auto& row :
         db_.rows(fmt::format("SELECT g FROM groups WHERE rank <= {} ORDER BY rank", q_->top))) {
      lines_.push_back(*row[0] == "n" ? "bucket null" : "bucket text " + row[0]->substr(1));
      add_table(fmt::format("g = '{}'", *row[0]));
    }
    const std::string others = fmt::format("SELECT g FROM groups WHERE rank > {}", q_->top);
    if (db_.rows(others).empty()) return;
    lines_.push_back("bucket other");
    add_table(fmt::format("g IN ({})", others), /*with_seconds=*/false);
  }

  [[nodiscard]] std::string seconds(const std::string& ms, const std::string& of) {
    const auto row =
        db_.rows(fmt::format("SELECT avg({0}) / 1000, quantile_cont({0}, 0.5) / 1000, "
                             "quantile_cont({0}, 0.9) / 1000 FROM results WHERE {1}",
                             ms, of))[0];
    std::string out = "seconds";
    for (const auto& value : row) out += " " + (value ? shown_seconds(std::stod(*value)) : "null");
    return out;
  }

  void add_table(const std::string& of, bool with_seconds = true) {
    switch (q_->view) {
      case View::steps: return add_steps(of, with_seconds);
      case View::trend: return add_trend(of);
      case View::time_to_convert: return add_bins(of, with_seconds);
    }
  }

  void add_steps(const std::string& of, bool with_seconds) {
    std::vector<std::int64_t> counts;
    for (std::size_t k = 1; k <= q_->steps.size(); ++k) {
      const std::string reached = fmt::format("{} AND depth >= {}", of, k);
      counts.push_back(sql_.number("SELECT count(*) FROM results WHERE " + reached));
      std::string line = fmt::format("step {} {}/{}", k, counts.back(), counts.front());
      if (k > 1) {
        line += fmt::format(" of {}", counts[k - 2]);
        if (with_seconds) line += " " + seconds(fmt::format("ms{}", k), reached);
      }
      lines_.push_back(line);
    }
  }

  void add_trend(const std::string& of) {
    for (const auto& row : db_.rows(fmt::format(
             "SELECT d0, {} <= {}, count(*) FILTER (r.depth >= {}), count(*) FILTER (r.depth >= "
             "{}) "
             "FROM periods LEFT JOIN (SELECT * FROM results WHERE {}) r ON r.p = i GROUP BY ALL "
             "ORDER BY d0",
             later(fmt::format("(date_begins('{}', d1) - 1)", q_->zone), q_->window), q_->as_of,
             q_->from_step, q_->to_step, of))) {
      lines_.push_back(fmt::format("{} {} entered {} completed {}", *row[0],
                                   *row[1] == "true" ? "complete" : "open", *row[2], *row[3]));
    }
  }

  void add_bins(const std::string& of, bool with_seconds) {
    const std::string reached = fmt::format("{} AND depth >= {}", of, q_->to_step);
    const std::int64_t n = sql_.number("SELECT count(*) FROM results WHERE " + reached);
    lines_.push_back(fmt::format("converted {}", n) +
                     (with_seconds ? " " + seconds("total_ms", reached) : ""));
    if (n == 0 || !with_seconds) return;
    const std::string bins =
        q_->bins > 0 ? std::to_string(q_->bins) : "greatest(3, least(60, ceil(cbrt(count(*)))))";
    for (
        const auto& row : db_.rows(fmt::format(
            "WITH r AS (SELECT total_ms AS ms FROM results WHERE {0}), shape AS (SELECT min(ms) AS "
            "low, CAST({1} AS BIGINT) AS n, CASE WHEN max(ms) = min(ms) THEN 60000 ELSE "
            "CAST(ceil((max(ms) - min(ms)) / (1000.0 * {1})) AS BIGINT) * 1000 END AS width FROM "
            "r), bins AS (SELECT i, low + i * width AS a, low + (i + 1) * width AS z, i = n - 1 AS "
            "is_last FROM shape, range(0, 1000) x(i) WHERE i < n) SELECT a / 1000, z / 1000, "
            "(SELECT count(*) FROM r WHERE ms >= a AND (ms < z OR (is_last AND ms <= z))) FROM "
            "bins ORDER BY i",
            reached, bins))) {
      lines_.push_back(fmt::format("{} to {}: {}", shown_seconds(std::stod(*row[0])),
                                   shown_seconds(std::stod(*row[1])), *row[2]));
    }
  }

  OpinionSql& sql_;
  PlainDuckDb& db_;
  const FunnelQuestion* q_ = nullptr;
  std::string inside_;
  std::string low_;
  std::string high_;
  std::string joined_;
  std::vector<std::string> lines_;
};

}  // namespace hf::test
